"""Whole services, there and back, by every protocol: botocore writes what we read, and reads what we write."""

from __future__ import annotations

import io
import random
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from botocore import parsers, serialize
from botocore.awsrequest import HeadersDict, prepare_request_dict
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.session import Session

from lakelet.aws.directory import Directory
from lakelet.aws.errors import SerializationException
from lakelet.aws.operations import load_service
from lakelet.aws.protocol import awsjson, query, restjson, rpcv2cbor
from lakelet.aws.protocol.http import Request
from lakelet.aws.routing import protocol_of, route
from lakelet.workspace.errors import NotImplementedException, ServiceError

# Every operation of these is tried, whether or not it is served: protocols know nothing of operations.
SERVICES = {
    "json": ("glue", "athena", "emr", "logs", "dynamodb"),
    "query": ("sts", "iam", "sns", "redshift"),
    "rest-json": ("lakeformation", "opensearch", "es", "emr-serverless", "emr-containers", "lambda", "osis", "schemas"),
    "smithy-rpc-v2-cbor": ("cloudwatchomni", "eventbridgev2", "partnercentral-revenue-measurement", "cloudwatch"),
}
CASES = [(protocol, service) for protocol, services in SERVICES.items() for service in services]
MOMENT = datetime(2013, 1, 2, 3, 4, 5, tzinfo=UTC)
SESSION = Session()


def example(shape: Shape, dice: random.Random, inside: tuple[str, ...] = ()) -> Any:
    """Some value of a shape, every member of it set, recursion cut short."""
    match shape.type_name:
        case "structure":
            if getattr(shape, "is_document_type", False):
                return {"a": [1, "x", {"b": None}]}
            members = shape.members.items()
            chosen = list(members)[:1] if getattr(shape, "is_tagged_union", False) else members
            inside = (*inside, shape.name)
            found = {n: example(m, dice, inside) for n, m in chosen if m.name not in inside and len(inside) < 7}
            found = {name: value for name, value in found.items() if value is not None}
            return found or (None if getattr(shape, "is_tagged_union", False) else {})
        case "list":
            items = [example(shape.member, dice, (*inside, shape.name)) for _ in range(2)]
            return [item for item in items if item is not None]
        case "map":
            return {f"k{i}": example(shape.value, dice, (*inside, shape.name)) for i in range(2)}
        case "string":
            if shape.serialization.get("location") == "header":
                return f"plain {dice.randint(1, 999)}"
            return shape.enum[0] if shape.enum else f"<é&%/+ {dice.randint(1, 999)}>"
        case "integer" | "long":
            return dice.randint(1, 20)
        case "float" | "double":
            return 1.5
        case "boolean":
            return True
        case "timestamp":
            return MOMENT
        case "blob":
            return b"\x00abc\xff"
    raise AssertionError(shape.type_name)


def bare(value: Any) -> Any:
    """A value without its empty parts, which do not travel."""
    if isinstance(value, dict):
        return {name: bare(item) for name, item in value.items() if bare(item) not in ({}, [], None)}
    return [bare(item) for item in value] if isinstance(value, list) else value


def operations(model: ServiceModel) -> list[OperationModel]:
    """Every operation but those with event streams, which are no single request or answer."""
    found = [model.operation_model(name) for name in model.operation_names]
    return [one for one in found if not (one.has_event_stream_input or one.has_event_stream_output)]


def written(protocol: str, model: OperationModel, sent: dict[str, Any]) -> Request:
    """What botocore makes of parameters."""
    made = serialize.create_serializer(protocol, False).serialize_to_request(dict(sent), model)
    prepare_request_dict(made, "http://127.0.0.1")
    body = made["body"]
    body = urlencode(body, doseq=True).encode() if isinstance(body, dict) else body
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in made["headers"].items()
    }
    url = urlsplit(made["url"])
    return Request(made["method"], url.path or "/", url.query, headers, body or b"")


def empty_service(name: str) -> Any:
    return load_service(name, [])


@pytest.mark.parametrize(("protocol", "name"), CASES, ids=lambda value: value)
def test_requests_arrive_as_they_were_sent(protocol: str, name: str) -> None:
    service = empty_service(name)
    directory, signing_name = Directory.of([service]), service.model.signing_name
    wrong = []
    for model in operations(service.model):
        sent = example(model.input_shape, random.Random(7)) if model.input_shape else {}
        request = written(protocol, model, sent)
        spoken = protocol_of(request)
        call = route(spoken, request, directory, signing_name)
        if call.operation != model.name or call.service is not service:
            wrong.append((model.name, "routed to", call))
        elif bare(read := spoken.parse(model, request)) != bare(sent):
            wrong.append(
                (model.name, {k: (read.get(k), sent.get(k)) for k in sent if bare(read).get(k) != bare(sent).get(k)})
            )
    assert wrong == []


@pytest.mark.parametrize(("protocol", "name"), CASES, ids=lambda value: value)
def test_answers_arrive_as_they_were_given(protocol: str, name: str) -> None:
    service = empty_service(name)
    wrong = []
    for model in operations(service.model):
        given = example(model.output_shape, random.Random(7)) if model.output_shape else {}
        for member, shape in (model.output_shape.members if model.output_shape else {}).items():
            if shape.serialization.get("location") == "statusCode":
                given[member] = 202
        spoken = protocol_of(
            written(protocol, model, example(model.input_shape, random.Random(7)) if model.input_shape else {})
        )
        answer = spoken.serialize(model, given, "some-id")
        raw = {
            "status_code": answer.status,
            "headers": HeadersDict(answer.headers),
            "body": body_of(model, answer.body),
        }
        read = parsers.create_parser(protocol).parse(raw, model.output_shape)
        read.pop("ResponseMetadata", None)
        read = streamed(read)
        if bare(read) != bare(given):
            wrong.append(
                (model.name, {k: (read.get(k), given.get(k)) for k in given if bare(read).get(k) != bare(given).get(k)})
            )
    assert wrong == []


def body_of(model: OperationModel, body: bytes) -> Any:
    """A body as botocore's parser gets it: a payload of bytes is a stream."""
    shape = model.output_shape
    payload = shape.serialization.get("payload") if shape else None
    return io.BytesIO(body) if payload and shape.members[payload].type_name == "blob" else body


def streamed(read: dict[str, Any]) -> dict[str, Any]:
    """What was read, streams read to their ends."""
    return {name: value.read() if isinstance(value, io.BytesIO) else value for name, value in read.items()}


@pytest.mark.parametrize(
    ("service", "method", "path", "expected"),
    [
        ("lambda", "GET", "/2015-03-31/functions/a%2Fb", "GetFunction"),
        ("lambda", "GET", "/2015-03-31/functions/a/b", None),
        ("lambda", "GET", "/2015-03-31/functions/", "ListFunctions"),
        ("lambda", "PATCH", "/2015-03-31/functions", None),
        ("lakeformation", "POST", "/GrantPermissions", "GrantPermissions"),
    ],
)
def test_paths_are_matched_as_they_came(service: str, method: str, path: str, expected: str | None) -> None:
    model = SESSION.get_service_model(service)
    assert restjson.operation_name(model, Request(method, path)) == expected


def test_es_and_opensearch_share_a_signing_name() -> None:
    directory = Directory.of([empty_service("es"), empty_service("opensearch")])
    for path, service in (("/2015-01-01/domain", "es"), ("/2021-01-01/domain", "opensearch")):
        call = route(restjson, Request("GET", path), directory, "es")
        assert call.service is None or call.service.name == service


LAMBDA = SESSION.get_service_model("lambda").operation_model("Invoke")
LISTING = SESSION.get_service_model("lambda").operation_model("ListFunctions")


@pytest.mark.parametrize(
    ("model", "request_", "error"),
    [
        (LISTING, Request("GET", "/2015-03-31/functions", "MaxItems=x"), SerializationException),
        (LISTING, Request("GET", "/2015-03-31/functions", "MaxItems=" + "9" * 50), SerializationException),
        (LISTING, Request("GET", "/2015-03-31/functions", "Marker=%ff"), SerializationException),
        (LISTING, Request("GET", "/2015-03-31/functions", "Sugar=1"), NotImplementedException),
        (LAMBDA, Request("POST", "/2015-03-31/functions/%ff/invocations"), SerializationException),
    ],
)
def test_what_does_not_fit_a_rest_operation_is_refused(model: OperationModel, request_: Request, error: Any) -> None:
    with pytest.raises(error):
        restjson.parse(model, request_)


PUT = SESSION.get_service_model("cloudwatch").operation_model("PutMetricData")


@pytest.mark.parametrize(
    "body",
    [
        b"\xff", b"\x81" * 100_000, b"\x9b" + b"\x7f" * 8, b"\x5b" + b"\x7f" * 8, b"\xa1\x01\x02", b"\x01", b"\xc1\xf6",
        b"\xa1\x69Namespace\x01", b"\xa1\x69Namespace\x41a", b"\xd8\x23\x61(",
    ],
)  # fmt: skip
def test_bodies_that_are_no_cbor_are_refused(body: bytes) -> None:
    with pytest.raises((SerializationException, NotImplementedException)):
        rpcv2cbor.parse(PUT, Request("POST", "/service/x/operation/PutMetricData", "", {}, body))


@pytest.mark.parametrize("protocol", [awsjson, query, restjson, rpcv2cbor], ids=lambda module: module.__name__)
def test_errors_carry_the_models_code_and_status(protocol: Any) -> None:
    """IAM's model calls the shape NoSuchEntityException, its code NoSuchEntity, and the status 404."""

    class NoSuchEntityException(ServiceError):
        pass

    names = {awsjson: "json", query: "query", restjson: "rest-json", rpcv2cbor: "smithy-rpc-v2-cbor"}
    model = SESSION.get_service_model("iam")
    answer = protocol.serialize_error(NoSuchEntityException("<none> & nobody"), Request("POST", "/"), "id", model)
    raw = {"status_code": answer.status, "headers": HeadersDict(answer.headers), "body": answer.body}
    read = parsers.create_parser(names[protocol]).parse(raw, model.operation_model("GetUser").output_shape)
    assert (answer.status, read["Error"]["Code"]) == (404, "NoSuchEntity")
    assert read["Error"]["Message"] == "<none> & nobody"
