"""The AWS endpoint beside moto's server, and S3 through it beside MinIO itself, in one run.

    python -m bench.wire [--requests 4000] [--output json]

Starts a MinIO and a control process of its own, and moto's server in a virtual environment of its own (in the cache).

* GetTable: the same signed bytes again and again on keep-alive connections, the signature verified here, ignored
  there. Aims: p50 ≤ 1/5 of moto's on one connection, requests per second ≥ 8 times moto's on four. boto3's own figures
  stand beside it, for they are what a program sees.
* S3: objects of 64 MiB, put and got with presigned URLs, one after the other. Aim: ≥ 0.4 of MinIO's throughput, while
  GetTable's p99, asked at a steady pace, stays within 3 times what it is while the same transfers go to MinIO directly.
* The seconds that importing the control process takes. Aim: < 1.
* POST /_lakelet/reset in an ephemeral stack of its own whose catalog holds 10 tables with 100 partitions each. Aim:
  under 50 ms for the state, which is what a reset takes while there are no objects.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from lakelet.data.objects import s3_client
from lakelet.stack import operate
from lakelet.stack.ephemeral import COMPONENTS, new_workspace
from lakelet.workspace.control import call
from lakelet.workspace.paths import STATE_VARIABLE, Workspace
from lakelet.workspace.secrets import secret

MOTO = "moto[server]==5.*"
CONNECTIONS = 4
ROUNDS = 8  # of each end in turn, so that what else the machine does is the same for both
OBJECT_BYTES = 64 * 1024 * 1024
TRANSFERS = 20
KEYS = ("access", "secret")
PACE = 100  # GetTable requests per second while objects move
COLUMNS = [{"Name": f"column_{n}", "Type": "string"} for n in range(20)]
TABLE = {
    "Name": "t",
    "StorageDescriptor": {"Columns": COLUMNS, "Location": "s3://silver/t/", "SerdeInfo": {"Parameters": {"a": "b"}}},
    "PartitionKeys": [{"Name": "month", "Type": "int"}],
    "Parameters": {"classification": "parquet"},
}


class Replay:
    """One keep-alive connection on which the same bytes are sent; a new one after an answer that closes it."""

    def __init__(self, url: str, request: bytes) -> None:
        self._address = urlsplit(url)
        self._request = request
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection((self._address.hostname, self._address.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._closed = False

    def send(self) -> None:
        if self._closed:
            self._connect()
        self._socket.sendall(self._request)

    def receive(self) -> None:
        """Read one answer; it has to be a success."""
        data = self._socket.recv(65536)
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        if b" 200 " not in head[:20]:
            raise SystemExit(f"GetTable failed: {data[:500]!r}")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < length:
            body += self._more()
        if b"\r\nconnection: close" in head.lower():  # moto's server says so, whatever is asked
            self._socket.close()
            self._closed = True

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise SystemExit("The server closed the connection.")
        return data

    def seconds(self) -> float:
        """How long one request takes."""
        began = time.perf_counter()
        self.send()
        self.receive()
        return time.perf_counter() - began


def signed_bytes(url: str, keys: Credentials) -> bytes:
    """A GetTable as it goes over the wire."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSGlue.GetTable"}
    request = AWSRequest(
        "POST", url + "/", headers=headers, data=json.dumps({"DatabaseName": "d", "Name": "t"}).encode()
    )
    SigV4Auth(keys, "glue", "us-east-1").add_auth(request)
    sent = {**request.headers, "Host": urlsplit(url).netloc, "Content-Length": str(len(request.body))}
    lines = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return "\r\n".join(lines).encode() + request.body


def glue(url: str, keys: Credentials) -> Any:
    """A boto3 client as a program makes it."""
    return boto3.client(
        "glue", endpoint_url=url, region_name="us-east-1", aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key, config=Config(proxies={}),
    )  # fmt: skip


def get_table(ends: Mapping[str, str], keys: Credentials, requests: int) -> dict[str, dict[str, float]]:
    """Of each end, in turn: milliseconds on one connection, requests per second on several; the same by boto3."""
    taken: dict[str, dict[str, list[float]]] = {name: {"one": [], "rates": [], "boto3": []} for name in ends}
    clients = {name: glue(url, keys) for name, url in ends.items()}
    for client in clients.values():
        client.create_database(DatabaseInput={"Name": "d"})
        client.create_table(DatabaseName="d", TableInput=TABLE)
    made = {name: signed_bytes(url, keys) for name, url in ends.items()}
    for _ in range(ROUNDS):
        for name, url in ends.items():
            each, found = requests // ROUNDS, taken[name]
            one = Replay(url, made[name])
            for _ in range(each // 10):
                one.seconds()
            found["one"] += (one.seconds() for _ in range(each))
            found["rates"].append(_rate([Replay(url, made[name]) for _ in range(CONNECTIONS)], each))
            ask = partial(clients[name].get_table, DatabaseName="d", Name="t")
            found["boto3"] += (_timed(ask) for _ in range(each // 8))
    return {name: _figures(found) for name, found in taken.items()}


def _rate(several: Sequence[Replay], requests: int) -> float:
    """Requests per second, one under way on each connection at any time."""
    began = time.perf_counter()
    for connection in several:
        connection.send()
    for number in range(requests):
        connection = several[number % len(several)]
        connection.receive()
        connection.send()
    rate = requests / (time.perf_counter() - began)
    for connection in several:
        connection.receive()
    return rate


def _figures(found: Mapping[str, Sequence[float]]) -> dict[str, float]:
    one = sorted(found["one"])
    return {
        "p50_ms": statistics.median(one) * 1e3,
        "p99_ms": one[int(len(one) * 0.99)] * 1e3,
        "rate": statistics.median(found["rates"]),
        "boto3_p50_ms": statistics.median(found["boto3"]) * 1e3,
        "boto3_rate": len(found["boto3"]) / sum(found["boto3"]),
    }


def s3(workspace: Workspace, keys: Credentials) -> dict[str, float]:
    """MiB per second and GetTable's p99 in milliseconds, both ways in turn."""
    control, minio = workspace.endpoint("control"), workspace.endpoint("s3")
    body = os.urandom(OBJECT_BYTES)
    found: dict[str, float] = {}
    direction: dict[str, Callable[[str], None]] = {"put": lambda url: _put(url, body), "get": _get}
    for what, transfer in direction.items():
        speeds: dict[str, list[float]] = {"direct": [], "through": []}
        delays: dict[str, list[float]] = {"direct": [], "through": []}
        for _ in range(TRANSFERS):
            for way, endpoint in (("direct", minio), ("through", control)):
                url = _presigned(endpoint, keys, what)
                with _asking(control, keys, delays[way]):
                    speeds[way].append(OBJECT_BYTES / 2**20 / _timed(partial(transfer, url)))
        for way, measured in speeds.items():
            found[f"{what}_{way}_mib"] = statistics.median(measured)
            found[f"{what}_{way}_p99_ms"] = sorted(delays[way])[int(len(delays[way]) * 0.99)] * 1e3
    return found


def _presigned(endpoint: str, keys: Credentials, what: str) -> str:
    config = Config(s3={"addressing_style": "path"}, signature_version="s3v4")
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key, config=config,
    )  # fmt: skip
    place = {"Bucket": "bronze", "Key": "bench/object"}
    return str(client.generate_presigned_url(f"{what}_object", Params=place))


def _put(url: str, body: bytes) -> None:
    connection, path = _http(url)
    connection.sendall(
        f"PUT {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    connection.sendall(body)
    if b" 200 " not in connection.recv(65536)[:20]:
        raise SystemExit("PutObject failed")
    connection.close()


def _get(url: str) -> None:
    connection, path = _http(url)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nConnection: close\r\n\r\n".encode())
    buffer, size = memoryview(bytearray(1024 * 1024)), 0
    while read := connection.recv_into(buffer):
        size += read
    if size < OBJECT_BYTES:
        raise SystemExit("GetObject failed")
    connection.close()


def _http(url: str) -> tuple[socket.socket, str]:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port)), f"{parts.path}?{parts.query}"


@contextmanager
def _asking(url: str, keys: Credentials, delays: list[float]) -> Iterator[None]:
    """Ask for a table at a steady pace from another process meanwhile, and collect how long each answer takes."""
    argv = [sys.executable, "-m", "bench.wire", "--ask", url]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        process.stdin.write(signed_bytes(url, keys).decode() + "\n")
        process.stdin.flush()
        process.stdout.readline()
        yield
        said, _ = process.communicate("end\n")
        delays += json.loads(said)


def ask(url: str) -> None:
    """What the other process of :func:`_asking` does, until its input says ``end``."""
    sys.stdout.write("ready\n")
    head, body = [], ""
    while (line := sys.stdin.readline()).strip():
        head.append(line.strip())
    body = sys.stdin.readline().strip()
    connection, delays, end = Replay(url, "\r\n".join([*head, "", body]).encode()), [], threading.Event()
    connection.seconds()
    sys.stdout.flush()

    def until_told() -> None:
        sys.stdin.readline()
        end.set()

    threading.Thread(target=until_told, daemon=True).start()
    while not end.wait(1 / PACE):
        delays.append(connection.seconds())
    print(json.dumps(delays))


def reset_ms() -> dict[str, float]:
    """Milliseconds of a reset, the median of ten: of the state alone, and with 100 objects besides."""
    workspace = new_workspace()
    try:
        operate.start(workspace, COMPONENTS)
        url, keys = workspace.endpoint("control"), Credentials(*(secret(workspace, f"{one}_key") for one in KEYS))
        client, store = glue(url, keys), s3_client(workspace)
        found: dict[str, list[float]] = {"state": [], "objects": []}
        for what in (*found, *found) * 5:
            client.create_database(DatabaseInput={"Name": "d"})
            for number in range(10):
                client.create_table(DatabaseName="d", TableInput=TABLE | {"Name": f"t{number}"})
                parts = [{"Values": [str(one)]} for one in range(100)]
                client.batch_create_partition(DatabaseName="d", TableName=f"t{number}", PartitionInputList=parts)
            objects = 100 if what == "objects" else 0
            for number in range(objects):
                store.put_object(Bucket="bronze", Key=f"k{number}", Body=b"x")
            began = time.perf_counter()
            answer = call(workspace, "POST", "reset", {})
            found[what].append(time.perf_counter() - began)
            if answer["objects"] != objects or client.get_databases()["DatabaseList"]:
                raise SystemExit(f"The reset left something: {answer}")
        return {what: statistics.median(seconds) * 1e3 for what, seconds in found.items()}
    finally:
        operate.stop(workspace)


def import_seconds() -> float:
    """The median of five processes that import the control process, less those that import nothing."""

    def run(code: str) -> float:
        return statistics.median(
            _timed(lambda: subprocess.run([sys.executable, "-c", code], check=True)) for _ in range(5)
        )

    return run("import lakelet.control") - run("pass")


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


@contextmanager
def own_stack() -> Iterator[Workspace]:
    """A MinIO and a control process in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[STATE_VARIABLE] = str(Path(folder) / ".lakelet")
        workspace = Workspace.find()
        try:
            operate.start(workspace, ("minio", "control"))
            yield workspace
        finally:
            operate.stop(workspace)


@contextmanager
def moto(workspace: Workspace) -> Iterator[str]:
    """moto's server; it is installed once."""
    home = workspace.cache.root / "bench" / "moto"
    program = home / "bin" / "moto_server"
    if not program.exists():
        venv.create(home, with_pip=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", MOTO], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([program, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    parser.add_argument("--no-moto", action="store_true", help="leave moto out")
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.ask:
        ask(options.ask)
        return
    found: dict[str, Any] = {"import_seconds": import_seconds(), "reset_ms": reset_ms()}
    with own_stack() as workspace:
        keys = Credentials(secret(workspace, "access_key"), secret(workspace, "secret_key"))
        ends = {"lakelet": workspace.endpoint("control")}
        with nullcontext() if options.no_moto else moto(workspace) as url:
            found |= get_table(ends | ({"moto": url} if url else {}), keys, options.requests)
        found["s3"] = s3(workspace, keys)
    if options.output == "json":
        print(json.dumps(found, indent=1))
        return
    print(f"import of lakelet.control: {found['import_seconds']:.2f} s (aim < 1)")
    reset = found["reset_ms"]
    print(f"reset: {reset['state']:.0f} ms (aim < 50); with 100 objects {reset['objects']:.0f} ms")
    print(f"{'GetTable':14} {'p50 ms':>8} {'p99 ms':>8} {'req/s':>8} {'boto3 p50 ms':>13} {'boto3 req/s':>12}")
    for name in ("lakelet", "moto"):
        if row := found.get(name):
            print(
                f"{name:14} {row['p50_ms']:8.2f} {row['p99_ms']:8.2f} {row['rate']:8.0f} {row['boto3_p50_ms']:13.2f} "
                f"{row['boto3_rate']:12.0f}"
            )
    if "moto" in found:
        ours, theirs = found["lakelet"], found["moto"]
        print(f"p50 ÷ moto's: {ours['p50_ms'] / theirs['p50_ms']:.2f} (aim ≤ 0.2)", end="; ")
        print(f"rate ÷ moto's: {ours['rate'] / theirs['rate']:.1f} (aim ≥ 8)")
    for what in ("put", "get"):
        row = {key.removeprefix(f"{what}_"): value for key, value in found["s3"].items() if key.startswith(what)}
        print(
            f"S3 {what} 64 MiB: {row['through_mib']:.0f} ÷ {row['direct_mib']:.0f} MiB/s = "
            f"{row['through_mib'] / row['direct_mib']:.2f} (aim ≥ 0.4); GetTable's p99 {row['through_p99_ms']:.1f} ÷ "
            f"{row['direct_p99_ms']:.1f} ms = {row['through_p99_ms'] / row['direct_p99_ms']:.1f} (aim ≤ 3)"
        )


if __name__ == "__main__":
    main()
