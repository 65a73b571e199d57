"""Every served operation by boto3, with every member that it serves: its function gets what was sent, and no less."""

from __future__ import annotations

import ast
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
import uvicorn
from botocore import xform_name
from botocore.config import Config
from botocore.model import Shape
from hypothesis import find, settings, strategies

from lakelet.aws import services
from lakelet.aws.app import create_app
from lakelet.aws.directory import Directory
from lakelet.aws.operations import Operation, Service
from lakelet.aws.validation import compiled_pattern
from lakelet.workspace.secrets import secret
from tests.wire.conftest import Wire

SERVED = Directory.served().all()
OPERATIONS = [
    pytest.param(service.name, operation, id=f"{service.name}-{name}")
    for service in SERVED
    for name, operation in sorted(service.operations.items())
]
MOMENT = datetime(2013, 1, 2, 3, 4, 5, tzinfo=UTC)
ACCOUNT = "123456789012"
# Words tried in turn for a member that has a pattern; one that none of them fits has a word invented.
WORDS = (
    "name-1", "Name_1", "é ✈ word", "name", "n", "1", "100", "1.0", "true", ACCOUNT, "us-east-1", "SEC_CONFIG",
    f"arn:aws:iam::{ACCOUNT}:role/name", f"arn:aws:glue:us-east-1:{ACCOUNT}:registry/name", "arn:aws:iam::aws:policy/x",
    f"arn:aws:glue:us-east-1:{ACCOUNT}:schema/name/name", f"arn:aws:lakeformation:us-east-1:{ACCOUNT}:x", "s3://b/k",
    "12345678-1234-1234-1234-123456789012", "AKIAIOSFODNN7EXAMPLE", "/path/", "{}", "cron(0 12 * * ? *)", "x" * 20,
    "1" * 20, "key=value", "$LATEST", "G.1X", "3", "v2", "Mon:3", "user@host", "2013-01-02",
    f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k",
    "jdbc:postgresql://h/d", "https://host/path", "vpc-12345678", "DEFAULT", "0.5", "ABCDEFGHIJKLMNOP", "123456",
)  # fmt: skip


def value(shape: Shape, inside: tuple[str, ...] = ()) -> Any:
    """A value that the model allows, every member of it set, recursion cut short; None when there is none."""
    inner = (*inside, shape.name)
    match shape.type_name:
        case "structure":
            found: dict[str, Any] = {}
            for name, member in shape.members.items():
                made = None if member.name in inner else value(member, inner)
                if made is not None:
                    found[name] = made
                    if getattr(shape, "is_tagged_union", False):
                        break
            return None if getattr(shape, "is_tagged_union", False) and not found else found
        case "list":
            item = value(shape.member, inner)
            return [item] * max(1, shape.metadata.get("min", 1)) if item is not None else []
        case "map":
            return {text(shape.key): value(shape.value, inner)}
        case "string":
            return text(shape)
        case "integer" | "long":
            return max(shape.metadata.get("min", 3), min(3, shape.metadata.get("max", 3)))
        case "float" | "double":
            return 0.5
        case "boolean":
            return True
        case "timestamp":
            return MOMENT
        case "blob":
            return b"\x00blob\xff"
    raise AssertionError(shape.type_name)


def text(shape: Shape) -> str:
    """A text that a shape's enumeration, lengths and pattern allow."""
    if shape.enum:
        return str(shape.enum[-1])
    least, most = shape.metadata.get("min", 1), shape.metadata.get("max", 10**6)
    pattern = shape.metadata.get("pattern")
    compiled = compiled_pattern(pattern) if pattern else None
    for word in WORDS if pattern else ("é ✈ <&> word".ljust(least, "x")[:most],):
        if least <= len(word) <= most and (compiled is None or compiled.fullmatch(word)):
            return word
    assert compiled is not None, f"no text of {least} to {most} characters"
    return invented(compiled, least, most)


@cache
def invented(pattern: re.Pattern[str], least: int, most: int) -> str:
    """The simplest text that a pattern allows."""
    quiet = settings(database=None, derandomize=True, max_examples=2000)
    texts = strategies.from_regex(pattern, fullmatch=True)
    return find(texts, lambda text: least <= len(text) <= most and text.isprintable(), settings=quiet)


class Recorder:
    """What the operations' functions were called with."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str], dict[str, Any]] = {}

    def service(self, service: Service) -> Service:
        """The same service, whose functions only take note."""
        operations = {name: self._recorded(service.name, one) for name, one in service.operations.items()}
        return replace(service, operations=operations)

    def _recorded(self, service: str, operation: Operation) -> Operation:
        def function(**arguments: Any) -> dict[str, Any]:
            self.calls[service, operation.model.name] = arguments
            return {}

        return replace(operation, function=function)


@pytest.fixture(scope="module")
def endpoint(wire: Wire) -> Iterator[tuple[Recorder, dict[str, Any]]]:
    """The wire with recording functions, and a boto3 client of each service."""
    recorder = Recorder()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    app = create_app([recorder.service(service) for service in SERVED])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    session = boto3.Session(
        secret(wire.workspace, "access_key"), secret(wire.workspace, "secret_key"), region_name="us-east-1"
    )
    config = Config(inject_host_prefix=False, retries={"max_attempts": 0}, proxies={})
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    yield recorder, {one.name: session.client(one.name, endpoint_url=url, config=config) for one in SERVED}
    server.should_exit = True
    thread.join(30)


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_the_function_gets_what_boto3_sent(
    endpoint: tuple[Recorder, dict[str, Any]], service: str, operation: Operation
) -> None:
    recorder, clients = endpoint
    shape = operation.model.input_shape
    sent = {name: value(shape.members[name]) for name in operation.arguments} if shape else {}
    getattr(clients[service], xform_name(operation.model.name))(**sent)
    got = recorder.calls[service, operation.model.name]
    assert got == {operation.arguments[name]: item for name, item in sent.items()}
    assert not [name for name, item in sent.items() if item in (None, {}, [])]


def test_every_operation_has_its_case() -> None:
    """As many cases as there are public functions in ``aws/services``, which are the operations."""
    functions = [
        f"{path.stem}.{node.name}"
        for path in Path(services.__path__[0]).rglob("*.py")
        if not path.name.startswith("_")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
    assert len(functions) == len(OPERATIONS) > 100
