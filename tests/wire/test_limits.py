"""What a client may hold of the control port without having asked anything: a bounded part of it, for a while."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPResponse
from urllib.parse import urlsplit

import psutil
import pytest

from lakelet.aws import bodies, connections
from lakelet.workspace.errors import NotRunningError
from lakelet.workspace.paths import Workspace
from tests.clients import aws_client
from tests.wire.conftest import Wire
from tests.wire.requests import code, send, signed

MIB = 1024 * 1024


def connected(wire: Wire, sent: bytes = b"") -> socket.socket:
    address = urlsplit(wire.url)
    connection = socket.create_connection((address.hostname, address.port), timeout=60)
    connection.sendall(sent)
    return connection


def answer(connection: socket.socket) -> bytes:
    """What comes before the connection is closed."""
    found = b""
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            found += part
    return found


def works(wire: Wire) -> bool:
    return bool(aws_client(wire.workspace, "sts").get_caller_identity()["Account"])


# -- time and heads, of a wire in this process ----------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(connections, "WATCH_SECONDS", 0.05)


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GE", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX-A: "])
def test_a_head_has_to_come_in_time(wire: Wire, impatient: None, sent: bytes) -> None:
    assert answer(connected(wire, sent)).startswith(b"HTTP/1.1 408 ")


def test_a_head_that_trickles_is_late_too(wire: Wire, impatient: None) -> None:
    connection = connected(wire, b"GET / HTTP/1.1\r\nX-A: ")
    with pytest.raises(ConnectionError):
        while True:
            connection.sendall(b"a")
            time.sleep(0.01)


def test_the_second_head_of_a_connection_has_to_come_in_time(wire: Wire, impatient: None) -> None:
    connection = connected(wire, b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
    assert connection.recv(65536).startswith(b"HTTP/1.1 403 ")
    connection.sendall(b"GET /nowhere HTTP/1.1\r\nHo")
    assert b"HTTP/1.1 408 " in answer(connection)


def test_a_body_must_not_pause(wire: Wire, impatient: None) -> None:
    head = (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na"
    )
    assert answer(connected(wire, head)) == b""
    assert works(wire)


@pytest.mark.parametrize("part", [b"a" * 4096, b"X-A: b\r\n" * 500])
def test_a_head_may_only_be_so_large(wire: Wire, part: bytes) -> None:
    connection = connected(wire, b"GET / HTTP/1.1\r\nHost: a\r\nX-Endless: ")
    with suppress(ConnectionError):
        for _ in range(64 * MIB // len(part)):
            connection.sendall(part)
        pytest.fail("64 MiB of a head were taken")
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX-Large: %b\r\n\r\n" % (b"a" * (connections.MAX_HEAD + 1))
    assert answer(connected(wire, head)).startswith(b"HTTP/1.1 431 ")


def test_there_is_room_for_another_client(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection that has waited longest for a request makes it."""
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 20)
    with ExitStack() as stack:
        first = stack.enter_context(connected(wire, b"GET / HT"))
        for _ in range(40):
            stack.enter_context(connected(wire, b"GET / HT"))
        assert works(wire)
        assert answer(first) == b""


# -- bodies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "headers", "expected"),
    [
        ("X-Amz-Target: AWSGlue.GetDatabases", {}, (403, "MissingAuthenticationTokenException")),
        ("X-Amz-Target: AWSGlue.GetDatabases", {"key": "AKIAUNKNOWN"}, (403, "UnrecognizedClientException")),
        ("X-Amz-Target: AWSGlue.GetDatabases", {"region": "eu-nowhere-1"}, (403, "InvalidSignatureException")),
        ("X-Amz-Target: AWSGlue.GetDatabases", {"length": 5 * 1024 * MIB}, (413, "RequestEntityTooLargeException")),
    ],
)
def test_a_large_body_is_not_waited_for_in_vain(
    wire: Wire, target: str, headers: dict[str, object], expected: tuple[int, str]
) -> None:
    """The answer comes before the body: what the head says is enough to refuse it."""
    length = headers.get("length", 15 * MIB)
    signing = {name: str(value) for name, value in headers.items() if name != "length"}
    lines = [f"{name}: {value}" for name, value in signed(wire, "AWSGlue.GetDatabases", b"", **signing).headers.items()]
    if not headers:
        lines = [target]
    head = ["POST / HTTP/1.1", f"Host: {urlsplit(wire.url).netloc}", *lines, f"Content-Length: {length}"]
    connection = connected(wire, "\r\n".join([*head, "", ""]).encode())
    response = HTTPResponse(connection)
    response.begin()
    assert (response.status, json.loads(response.read())["__type"]) == expected


def test_a_form_without_a_signature_may_only_be_so_large(wire: Wire) -> None:
    form = "Content-Type: application/x-www-form-urlencoded"
    for length in (f"Content-Length: {bodies.UNSIGNED_BODY + 1}", "Transfer-Encoding: chunked"):
        head = f"POST / HTTP/1.1\r\nHost: a\r\n{form}\r\n{length}\r\n\r\n".encode()
        connection = connected(wire, head)
        if "chunked" in length:
            connection.sendall(b"10000\r\n" + b"a" * 65536 + b"\r\n")
            for _ in range(8):
                connection.sendall(b"10000\r\n" + b"a" * 65536 + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_all_bodies_together_may_only_be_so_large(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_BUFFERED", MIB)
    found = send(wire, signed(wire, body=b" " * (2 * MIB)))
    assert (found.status_code, code(found)) == (503, "SlowDown")
    assert send(wire, signed(wire)).status_code == 200  # and it is given back
    assert send(wire, signed(wire, body=b"{}" + b" " * (MIB // 2))).status_code == 200


# -- memory, of a wire in a process of its own ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, psutil.Process]]:
    root = tmp_path_factory.mktemp("limits")
    process = subprocess.Popen([sys.executable, "-m", "tests.wire.serve", str(root)])
    workspace, deadline = Workspace(root, root / ".lakelet").prepare(), time.monotonic() + 120
    try:
        while True:
            assert process.poll() is None and time.monotonic() < deadline, "the wire did not start"
            with suppress(NotRunningError, OSError):
                wire = Wire(workspace, workspace.endpoint("control"))
                connected(wire).close()
                break
            time.sleep(0.05)
        assert works(wire)
        yield wire, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def bounded(process: psutil.Process, mib: int) -> Iterator[None]:
    """Inside the block, the process takes at most so much more memory, looked at all the time."""
    before, most, done = process.memory_info().rss, 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not done.wait(0.01):
            most = max(most, process.memory_info().rss - before)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        done.set()
        looking.join(60)
    assert most < mib * MIB, f"{most // MIB} MiB"


@pytest.mark.parametrize("signing", [None, {"key": "AKIAUNKNOWN"}, {"secret_key": "wrong"}])
def test_large_bodies_take_little_memory(server: tuple[Wire, psutil.Process], signing: dict[str, str] | None) -> None:
    """60 of 15 MiB at once, whatever is wrong with them; a client is served meanwhile."""
    wire, process = server
    headers = {"X-Amz-Target": "AWSGlue.GetDatabases"}
    if signing is not None:
        headers = dict(signed(wire, "AWSGlue.GetDatabases", b"{}", **signing).headers)
    lines = [f"{name}: {value}" for name, value in headers.items() if name.lower() != "content-length"]
    host = f"Host: {urlsplit(wire.url).netloc}"
    head = "\r\n".join(["POST / HTTP/1.1", host, *lines, f"Content-Length: {15 * MIB}", "", ""]).encode()
    body = bytes(15 * MIB - 1)  # and the last byte never comes

    def attack() -> None:
        with suppress(OSError), connected(wire, head) as connection:
            connection.sendall(body)
            served.wait(120)

    served = threading.Event()
    attackers = [threading.Thread(target=attack, daemon=True) for _ in range(60)]
    with bounded(process, 400):
        for attacker in attackers:
            attacker.start()
        for _ in range(20):
            assert works(wire)
        served.set()
        for attacker in attackers:
            attacker.join(120)


def test_half_open_requests_leave_room(server: tuple[Wire, psutil.Process]) -> None:
    wire, process = server
    with ExitStack() as stack, bounded(process, 100):
        for _ in range(600):
            with suppress(ConnectionError):
                stack.enter_context(connected(wire, b"POST / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 1000))
        assert works(wire)
        assert len(process.net_connections()) <= connections.MAX_CONNECTIONS + 20
