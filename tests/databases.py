"""Real databases of a test run: SQLite and PostgreSQL, in which a state may live, and MariaDB, which people have."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from lakelet.workspace.state import open_state


@dataclass
class PostgreSQL:
    """A server on loopback, whose files are dropped with it; ``url`` names a new, migrated database each time."""

    folder: Path
    port: int
    numbers: Iterator[int] = field(default_factory=count)

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def address(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def url(self, template: str = "template1") -> str:
        name = f"state_{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.address(name)


def program(name: str) -> str:
    """Debian keeps the server's programs off the PATH, a folder for each version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return shutil.which(name) or str(found[-1])


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server for this test run. PostgreSQL refuses to run as root: Debian's own user runs it then."""
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    user = None
    if os.getuid() == 0:
        user = "postgres"
        shutil.chown(folder, user)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    data, environment = folder / "data", {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    setup = [program("initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync"]
    subprocess.run(setup, user=user, env=environment, check=True, capture_output=True)
    # Who is called "reader" has to say a password; everybody else is believed.
    rules = data / "pg_hba.conf"
    rules.write_text("host all reader 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    options = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    server = [program("pg_ctl"), "-D", str(data), "-w", "-t", "120", "-l", str(folder / "log")]
    subprocess.run([*server, "-o", " ".join(options), "start"], user=user, env=environment, check=True, timeout=150)
    try:
        running = PostgreSQL(folder, port)
        open_state(running.url()).dispose()  # state_0 has the tables, for the others to be copied from
        yield running
    finally:
        subprocess.run([*server, "-m", "immediate", "stop"], user=user, env=environment, check=True)
        shutil.rmtree(folder)


@contextmanager
def served(
    server: subprocess.Popen[bytes], folder: Path, ask: Callable[[], None], refused: type[Exception], seconds: int = 120
) -> Iterator[None]:
    """A server that was just started, once ``ask`` gets an answer; ended afterwards, its folder and log with it."""
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                ask()
                break
            except refused:
                assert server.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(60)
        shutil.rmtree(folder)


@dataclass(frozen=True)
class MariaDB:
    """A server on loopback; its user "admin" may do everything, with ``password``."""

    port: int
    password: str = "öffne dich"

    def execute(self, *statements: str) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def connect(self) -> Any:
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="admin", password=self.password.encode(), autocommit=True
        )


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A server for this test run. MariaDB refuses to run as root: Debian's own user runs it then."""
    folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
    user = None
    if os.getuid() == 0:
        user = "mysql"
        shutil.chown(folder, user)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        running = MariaDB(probe.getsockname()[1])
    data, path = folder / "data", f"{os.environ['PATH']}:/usr/sbin"
    setup = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    subprocess.run(setup, user=user, env={"PATH": path}, check=True, capture_output=True)
    (folder / "init.sql").write_text(
        f"CREATE USER admin@'127.0.0.1' IDENTIFIED BY '{running.password}';\n"
        "GRANT ALL ON *.* TO admin@'127.0.0.1' WITH GRANT OPTION;\n"
    )
    argv = [
        shutil.which("mariadbd", path=path) or "mariadbd", "--no-defaults", f"--datadir={data}",
        f"--port={running.port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}",
        f"--pid-file={folder / 'pid'}", f"--init-file={folder / 'init.sql'}", "--character-set-server=utf8mb4",
        "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0",
    ]  # fmt: skip
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(argv, user=user, env={"PATH": path}, stdout=log, stderr=log)
    with served(server, folder, lambda: running.connect().close(), pymysql.Error):
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """An empty state of either kind, as ``open_state`` takes it: the same behaviour is asked of both."""
    return new_database(request, tmp_path)


def new_database(request: pytest.FixtureRequest, folder: Path) -> Path | str:
    """The empty state of the kind that a fixture's parameter names."""
    if request.param == "sqlite":
        return folder / "state.db"
    running: PostgreSQL = request.getfixturevalue("postgresql")
    return running.url("state_0")
