"""Every served operation, there and back: botocore writes what we read, and reads what we write."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from botocore import parsers, serialize
from botocore.awsrequest import prepare_request_dict
from botocore.model import OperationModel, Shape

from aws.operations import load_service
from aws.protocol import awsjson, query
from aws.protocol.http import Request
from aws.services import glue, sts

SERVICES = (load_service("glue", glue), load_service("sts", sts))
PROTOCOLS: dict[str, Any] = {"json": awsjson, "query": query}
OPERATIONS = [operation.model for service in SERVICES for operation in service.operations.values()]
MOMENT = datetime(2013, 1, 2, 3, 4, 5, tzinfo=UTC)


def example(shape: Shape, dice: random.Random, inside: tuple[str, ...] = ()) -> Any:
    """Some value of a shape, every member of it set, recursion cut short."""
    match shape.type_name:
        case "structure":
            members = shape.members.items()
            chosen = list(members)[:1] if getattr(shape, "is_tagged_union", False) else members
            inside = (*inside, shape.name)
            return {n: example(m, dice, inside) for n, m in chosen if m.name not in inside and len(inside) < 7}
        case "list":
            return [example(shape.member, dice, (*inside, shape.name)) for _ in range(2)]
        case "map":
            return {f"k{i}": example(shape.value, dice, (*inside, shape.name)) for i in range(2)}
        case "string":
            return shape.enum[0] if shape.enum else f"<é&{dice.randint(1, 999)}>"
        case "integer" | "long":
            return dice.randint(1, 20)
        case "float" | "double":
            return 1.5
        case "boolean":
            return True
        case "timestamp":
            return MOMENT
        case "blob":
            return b"\x00abc"
    raise AssertionError(shape.type_name)


def bare(value: Any) -> Any:
    """A value without its empty parts, which do not travel."""
    if isinstance(value, dict):
        return {name: bare(item) for name, item in value.items() if bare(item) not in ({}, [], None)}
    return [bare(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("model", OPERATIONS, ids=lambda model: model.name)
def test_requests_arrive_as_they_were_sent(model: OperationModel) -> None:
    protocol = model.service_model.resolved_protocol
    sent = example(model.input_shape, random.Random(7)) if model.input_shape else {}
    made = serialize.create_serializer(protocol, False).serialize_to_request(dict(sent), model)
    prepare_request_dict(made, "http://127.0.0.1")
    body = made["body"] if isinstance(made["body"], bytes) else urlencode(made["body"]).encode()
    headers = {name.lower(): value for name, value in made["headers"].items()}
    request = Request(made["method"], urlsplit(made["url"]).path, "", headers, body)
    assert PROTOCOLS[protocol].operation_name(request)[1] == model.name
    assert bare(PROTOCOLS[protocol].parse(model, request)) == bare(sent)


@pytest.mark.parametrize("model", OPERATIONS, ids=lambda model: model.name)
def test_answers_arrive_as_they_were_given(model: OperationModel) -> None:
    protocol = model.service_model.resolved_protocol
    given = example(model.output_shape, random.Random(7)) if model.output_shape else {}
    answer = PROTOCOLS[protocol].serialize(model, given, "some-id")
    parser = parsers.create_parser(protocol)
    raw = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
    read = parser.parse(raw, model.output_shape)
    read.pop("ResponseMetadata", None)
    assert bare(read) == bare(given)
