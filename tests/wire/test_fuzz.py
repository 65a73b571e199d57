"""Every served operation, asked for what nobody should ask: an answer with a reason each time, never an HTTP 500.

The requests come from the operation's own model, with something odd here and there, and some that are no request at
all. Seeded: a failure comes again. ``LAKELET_FUZZ`` says how many each operation gets; the
same request is sent twice at most.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from botocore import parsers
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HeadersDict
from botocore.credentials import Credentials
from botocore.model import OperationModel, Shape

from lakelet.aws.directory import Directory
from lakelet.aws.operations import Operation
from lakelet.aws.protocol.values import wire_name
from lakelet.workspace.secrets import secret
from tests.wire.conftest import Wire

REQUESTS_EACH = int(os.environ.get("LAKELET_FUZZ", "200"))
ALLOWED = (200, 400, 403, 404, 409, 413, 501, 503)
OPERATIONS = [
    pytest.param(operation, id=f"{service.name}-{name}")
    for service in Directory.served().all()
    for name, operation in sorted(service.operations.items())
]
ODDITIES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, -(2**70), 10**400, 1e308, 0.5, "", "a" * 5000, "\x00", "\ud800",
    "é✈\U0001f600", "';--", "%' OR 1=1", "../../etc", [], [None], [[]], {}, {"": ""}, {"Name": None}, "(" * 100,
    "(a+)+$", "[" * 50, "__HIVE_DEFAULT_PARTITION__", "1e999", "NaN", "\u202e", "{" * 200, "s3://", "jdbc:", "%s%n{0}",
)  # fmt: skip
WORDS = ("fuzz", "t", "FUZZ", "0", "k", "year=2013", "year in (1,", "s3://bronze/x/", "1.0", "user", "role")
ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
ODD_CONDITION = ALLOW_ALL.replace('"*"}', '"*","Condition":{"X":{"y":[1]}}}')
ARNS = (
    "iam::123456789012:role/fuzz",
    "iam::aws:policy/AdministratorAccess",
    "glue:us-east-1:123456789012:database/fuzz",
)
# Words that get further than any others, by the ends of members' names.
BY_NAME = (
    (r"arn$", (*(f"arn:aws:{arn}" for arn in ARNS), "arn:aws:glue:us-east-1:123456789012:registry/fuzz", "arn:")),
    (r"catalogid$|account", ("123456789012", "000000000000", "x")),
    (r"policy|document|inline", (ALLOW_ALL, ODD_CONDITION, "{}", "[" * 300, '{"Statement":{"Effect":1}}')),
    (r"definition|schema", ('{"type":"record","name":"r","fields":[]}', '"int"', "{}", 'syntax = "proto3";')),
    (r"token|marker", ("e30=", "AAAA", "x" * 1000)),
    (r"schedule", ("cron(0 12 * * ? *)", "cron(99 99 * * ? *)", "rate(1 minute)")),
)
BODIES = (
    b"", b"[]", b"null", b"{", b'"x"', b"\xff\xfe", b"[" * 20_000, b'{"a":' * 2000, b"{}{}", b"NaN", b"\x00",
    b'{"MaxResults":NaN}', b'{"MaxResults":' + b"9" * 5000 + b"}", b'{"Name":"\\ud800"}', b"Action=&Version=&a.1.b=2",
)  # fmt: skip


class Fuzzer:
    """Makes requests for one operation."""

    def __init__(self, operation: Operation, seed: str) -> None:
        self._model = operation.model
        self._dice = random.Random(seed)
        self._served = set(operation.arguments)

    def value(self, shape: Shape, name: str = "", depth: int = 0) -> Any:
        """A value that mostly fits the shape, with something odd here and there."""
        dice = self._dice
        if depth and dice.random() < 0.06:
            return dice.choice(ODDITIES)
        match shape.type_name:
            case "structure":
                found = {
                    member: self.value(inner, member, depth + 1)
                    for member, inner in shape.members.items()
                    if depth < 6 and self._wanted(shape, member, depth)
                }
                return found | ({"Stranger": 1} if dice.random() < 0.02 else {})
            case "list":
                sizes = (0, 1, 1, 2, 130) if depth < 3 else (0, 1)
                return [self.value(shape.member, name, depth + 1) for _ in range(dice.choice(sizes))]
            case "map":
                return {dice.choice(("k", "", "classification")): self.value(shape.value, name, depth + 1)}
            case "string" if shape.enum:
                return dice.choice([*shape.enum, "NONE_OF_THEM"])
            case "string":
                fitting = [words for pattern, words in BY_NAME if re.search(pattern, name.lower())]
                return dice.choice((fitting or [WORDS])[0]) if dice.random() < 0.8 else dice.choice((*WORDS, *ODDITIES))
            case "integer" | "long":
                return dice.choice((0, 1, 5, 100, -1, 2**31 - 1))
            case "float" | "double":
                return dice.choice((0.5, -1, 1e300))
            case "boolean":
                return dice.random() < 0.5
            case "timestamp":
                return dice.choice((0, 1e9, -1e18, 1e300, "2013-01-01T00:00:00Z", "yesterday"))
        return "AAAA"

    def _wanted(self, shape: Shape, member: str, depth: int) -> bool:
        if member in shape.required_members:
            return self._dice.random() < 0.97
        if depth == 0 and member not in self._served:
            return self._dice.random() < 0.01
        return self._dice.random() < (0.35 if depth < 2 else 0.2)

    def request(self) -> Made:
        """One request, as far as the signature."""
        shape = self._model.input_shape
        parameters = self.value(shape) if shape else {}
        made = _written(self._model, parameters)
        if self._dice.random() < 0.05:
            made.body = self._dice.choice(BODIES)
        return made


@dataclass
class Made:
    """The parts of a request."""

    method: str = "POST"
    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def _written(model: OperationModel, parameters: dict[str, Any]) -> Made:
    service = model.service_model
    match service.resolved_protocol:
        case "json":
            target = f"{service.metadata['targetPrefix']}.{model.name}"
            kind = f"application/x-amz-json-{service.metadata['jsonVersion']}"
            return Made(headers={"X-Amz-Target": target, "Content-Type": kind}, body=json.dumps(parameters).encode())
        case "query":
            fields = {"Action": model.name, "Version": service.api_version, **dict(_fields("", parameters))}
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            return Made(headers=form, body=urlencode(fields, errors="replace").encode())
        case "rest-json":
            return _rest(model, parameters)
    raise AssertionError(service.resolved_protocol)


def _fields(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _fields(f"{prefix}.{name}".lstrip("."), item)
    elif isinstance(value, list) and value:
        for number, item in enumerate(value, 1):
            yield from _fields(f"{prefix}.member.{number}", item)
    else:
        yield prefix, str(value)


def _rest(model: OperationModel, parameters: dict[str, Any]) -> Made:
    made, query, body = Made(method=model.http["method"]), [], dict(parameters)
    path, _, fixed = model.http["requestUri"].partition("?")
    for name, member in (model.input_shape.members if model.input_shape else {}).items():
        where = member.serialization.get("location")
        if where is None or (name not in body and where != "uri"):
            continue
        text = str(body.pop(name, "x")) or "x"
        if where == "uri":
            label = f"{{{wire_name(name, member)}"
            path = path.replace(f"{label}+}}", quote(text, errors="replace"))
            path = path.replace(f"{label}}}", quote(text, safe="", errors="replace"))
        elif where == "querystring":
            query.append((wire_name(name, member), text))
        else:
            made.headers[wire_name(name, member)] = quote(text, safe=" ", errors="replace")
    made.path = path + (f"?{fixed}&" if fixed else "?") + urlencode(query, errors="replace") if query or fixed else path
    payload = model.input_shape.serialization.get("payload") if model.input_shape else None
    made.body = json.dumps(body.get(payload) if payload else body).encode() if model.http["method"] != "GET" else b""
    made.headers["Content-Type"] = "application/json"
    return made


class Client:
    """One keep-alive connection to the wire, signing what it sends."""

    def __init__(self, wire: Wire) -> None:
        self._url = wire.url
        self._keys = Credentials(secret(wire.workspace, "access_key"), secret(wire.workspace, "secret_key"))
        self._connection = http.client.HTTPConnection(urlsplit(wire.url).netloc, timeout=120)

    def send(self, made: Made, signing_name: str) -> tuple[int, HeadersDict, bytes]:
        """Status, headers and body of the answer."""
        request = AWSRequest(made.method, self._url + made.path, headers=made.headers, data=made.body)
        SigV4Auth(self._keys, signing_name, "us-east-1").add_auth(request)
        self._connection.request(made.method, made.path, made.body, dict(request.headers))
        answer = self._connection.getresponse()
        return answer.status, HeadersDict(answer.getheaders()), answer.read()


def at_most_twice(requests: Iterable[Made]) -> Iterator[Made]:
    """Requests as they come, but for those that came twice before: operations that take little are asked little."""
    came = Counter[str]()
    for made in requests:
        came[repr(made)] += 1
        if came[repr(made)] <= 2:
            yield made


@pytest.fixture(scope="module")
def client(wire: Wire) -> Client:
    """A client, and something to find: names that the requests are made of exist."""
    glue = wire.client()
    glue.create_database(DatabaseInput={"Name": "fuzz"})
    keys = [{"Name": "year", "Type": "int"}]
    glue.create_table(DatabaseName="fuzz", TableInput={"Name": "t", "PartitionKeys": keys})
    glue.batch_create_partition(DatabaseName="fuzz", TableName="t", PartitionInputList=[{"Values": ["2013"]}])
    iam = wire.client("iam")
    iam.create_user(UserName="fuzz")
    return Client(wire)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_request_breaks_an_operation(client: Client, operation: Operation) -> None:
    model = operation.model
    fuzzer = Fuzzer(operation, model.name)
    protocol = model.service_model.resolved_protocol
    for made in at_most_twice(fuzzer.request() for _ in range(REQUESTS_EACH)):
        status, headers, body = client.send(made, model.service_model.signing_name)
        said = f"{status} {body[:1000]!r} for {made.method} {made.path[:500]} {made.body[:2000]!r}"
        assert status in ALLOWED, said
        assert headers["x-amzn-requestid"], said
        if status >= 400:
            raw = {"status_code": status, "headers": headers, "body": body}
            error = parsers.create_parser(protocol).parse(raw, model.output_shape)["Error"]
            assert error["Code"] and error["Message"], said
