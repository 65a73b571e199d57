"""A real server that speaks MongoDB's protocol: FerretDB, which keeps documents in SQLite.

No package index has MongoDB's own server. FerretDB 1 comes as source by Go's module proxy: it is built once, by the Go
that MinIO is built by, into the user's cache; by `make test`, which has more time than a test, or by the first test
that wants it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pymongo
import pytest

from lakelet.stack.go_build import toolchain
from lakelet.workspace.paths import Workspace
from tests.certificates import certificate
from tests.databases import served

MODULE, VERSION = "github.com/FerretDB/FerretDB", "v1.24.2"
CHECKSUM = "h1:trrUU0LbmusMbyubhPS1IELncvrIwKrsRT2LW1UUWCw="  # of its source, whose go.sum has those of all others
TAGS = "ferretdb_no_postgresql"


@dataclass(frozen=True)
class MongoDB:
    """A server on loopback; its user "admin" may do everything, with ``password``.

    At ``tls_port`` it shows ``certificate``, which is for 127.0.0.1.
    """

    port: int
    tls_port: int
    certificate: Path
    password: str = "öffne dich@1:/?"

    @property
    def address(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address with the credentials in it."""
        return f"mongodb://admin:{quote_plus(self.password)}@127.0.0.1:{self.port}/"

    def connect(self) -> pymongo.MongoClient[dict[str, Any]]:
        return pymongo.MongoClient(self.url, serverSelectionTimeoutMS=2000)

    def ping(self) -> None:
        with self.connect() as client:
            client.admin.command("ping")


def built() -> Path:
    """The server's program."""
    folder = Workspace.find().cache.root / "test-servers"
    target = folder / f"ferretdb-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            print(f"Building FerretDB {VERSION} for the tests (a minute or two, once) …", flush=True)
            with tempfile.TemporaryDirectory(dir=folder) as work:
                _build(Path(work), target)
    return target


def _build(work: Path, target: Path) -> None:
    go = toolchain(work / "go", print, threading.Event())
    environment = os.environ | {
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-trimpath -mod=readonly -buildvcs=false -modcacherw",
        "GOMODCACHE": str(work / "modules"),
        "GOCACHE": str(work / "build"),
        "CGO_ENABLED": "0",
    }

    def run(*argv: str, cwd: Path) -> str:
        done = subprocess.run([go, *argv], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"FerretDB could not be built ({argv[0]}): {done.stderr[-2000:]}"
        return done.stdout

    found = json.loads(run("mod", "download", "-json", f"{MODULE}@{VERSION}", cwd=work))
    assert found["Sum"] == CHECKSUM, f"the source of FerretDB {VERSION} has the wrong checksum: {found['Sum']}"
    source = work / "source"
    shutil.copytree(found["Dir"], source)
    (source / "build" / "version" / "version.txt").write_text(f"{VERSION}\n")  # it does not start without one
    run("build", "-tags", TAGS, "-ldflags=-s -w", "-o", str(work / "server"), "./cmd/ferretdb", cwd=source)
    os.replace(work / "server", target)


@contextmanager
def serving(*more: str) -> Iterator[MongoDB]:
    """A server as long as the block lasts, which also speaks TLS at a port of its own; ``more`` are its options."""
    program, folder = built(), Path(tempfile.mkdtemp(prefix="ferretdb-"))
    with socket.create_server(("127.0.0.1", 0)) as plain, socket.create_server(("127.0.0.1", 0)) as secret:
        trusted, key = certificate(folder)
        running = MongoDB(plain.getsockname()[1], secret.getsockname()[1], trusted)
    argv = [
        str(program), "--handler=sqlite", f"--sqlite-url=file:{folder}/", f"--state-dir={folder}",
        f"--listen-addr=127.0.0.1:{running.port}", f"--listen-tls=127.0.0.1:{running.tls_port}",
        f"--listen-tls-cert-file={trusted}", f"--listen-tls-key-file={key}", "--debug-addr=-", "--telemetry=disable",
        "--log-level=warn", "--test-enable-new-auth", "--setup-database=admin", "--setup-username=admin", *more,
    ]  # fmt: skip
    with open(folder / "log", "w") as log:
        environment = {"FERRETDB_SETUP_PASSWORD": running.password, "DO_NOT_TRACK": "1"}
        server = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
    with served(server, folder, running.ping, pymongo.errors.PyMongoError, 60):
        yield running


@pytest.fixture(scope="session")
def mongodb() -> Iterator[MongoDB]:
    """A server for this test run."""
    with serving() as running:
        yield running


if __name__ == "__main__":
    built()
