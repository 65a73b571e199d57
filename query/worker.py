"""SQL workers: a template process that has everything imported, and its forks, each of which serves one statement.

    python -m lakelet.query.worker          (standard input is the socket to the control process)

The template never opens DuckDB, so it has no threads to lose in a fork. The control process sends it one end of a new
socket pair per worker wanted. A worker rehearses (:mod:`lakelet.query.rehearsal`; not when a statement waits for it
already), says READY, takes one statement, answers and ends. Whoever closes the other end of a worker's socket kills the
worker, whatever it computes: so a client that leaves, a timeout and the death of the control process all end it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakelet.query import frames
from lakelet.query.frames import Closed

BUFFER_BYTES = 1 << 18
HEADROOM_BYTES = 3 << 30  # address space for thread stacks, allocator arenas and Arrow, beyond DuckDB's own limit


def main() -> int:
    """Fork a worker for each socket received, until the control process closes the line."""
    import pyarrow.ipc  # noqa: F401

    import lakelet.query.sandbox  # noqa: F401  imported before the forks, which then share it
    from lakelet.query import rehearsal
    from lakelet.query.dialect import parse

    parse("SELECT a.b, count(*) FROM c.a JOIN d.e USING (f) WHERE a.b = 1 GROUP BY 1")  # fills sqlglot's tables
    rehearsal.content()
    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page that it shares with this process

    control = socket.socket(fileno=os.dup(0))
    options = json.loads(os.environ["LAKELET_SQL"])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children leave no zombies
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the supervisor's to handle
    verified = False
    while True:
        try:
            message, descriptors, _, _ = socket.recv_fds(control, 16, 1)
        except OSError:
            return 0
        if not message:
            return 0
        for descriptor in descriptors:
            if os.fork() == 0:
                control.close()
                _child(descriptor, options, verify=not verified, rehearsed=message != frames.HURRY)
            os.close(descriptor)
            verified = True


def _child(descriptor: int, options: Mapping[str, Any], verify: bool, rehearsed: bool) -> None:
    status = 1
    temporary = Path(options["temporary"]) / str(os.getpid())
    try:
        os.close(0)
        connection = socket.socket(fileno=descriptor)
        _limit(options)
        temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = _database(options, temporary, verify, rehearsed)
        status = _serve(connection, options, database, temporary)
    except Closed:
        pass
    except BaseException as error:
        print(f"The SQL worker failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        os._exit(status)


def _limit(options: Mapping[str, Any]) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    memory = int(options["memory_mb"]) << 20
    seconds = int(options["timeout_seconds"]) * (os.cpu_count() or 1) + 10
    for kind, value in (
        (resource.RLIMIT_AS, used + memory + HEADROOM_BYTES),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def _database(options: Mapping[str, Any], temporary: Path, verify: bool, rehearsed: bool) -> Any:
    from lakelet.query.rehearsal import rehearse
    from lakelet.query.sandbox import open_database, warm

    memory = int(options["memory_mb"])
    if rehearsed:
        rehearse(memory, temporary, verify=verify)
    elif verify:
        open_database(memory, temporary, verify=True).close()
    database = open_database(memory, temporary)
    warm(database)
    return database


def _serve(connection: socket.socket, options: Mapping[str, Any], database: Any, temporary: Path) -> int:
    from lakelet.query import sandbox
    from lakelet.query.dialect import parse
    from lakelet.query.results import Form, write_answer
    from lakelet.query.scans import Plan
    from lakelet.workspace.errors import QueryError

    frames.send(connection, frames.READY, {"pid": os.getpid()})
    request = _expect(connection, frames.STATEMENT)
    plan = Plan()
    output = _Output(connection, int(options["result_bytes"]))
    try:
        statement = parse(request["sql"])
        frames.send(connection, frames.ANALYSIS, statement.analysis.to_json())
        plan = Plan.from_json(_expect(connection, frames.PLAN))
        _die_with(connection)
        plan = sandbox.lock(database, plan, temporary)
        rows = write_answer(sandbox.execute(database, statement, plan), Form(request["form"]), output.write)
        output.flush()
        frames.send(connection, frames.END, {"rows": rows})
        return 0
    except Closed:
        raise
    except sandbox.Restart as error:
        failure = {"error": "QueryError", "message": str(error), "restart": error.reason}
    except QueryError as error:
        failure = {"error": "QueryError", "message": str(error), "restart": ""}
    except Exception as error:
        found = sandbox.translated(error, plan)
        reason = found.reason if isinstance(found, sandbox.Restart) else ""
        failure = {"error": "QueryError", "message": str(found), "restart": reason}
    frames.send(connection, frames.ERROR, failure)
    return 0


def _expect(connection: socket.socket, wanted: bytes) -> dict[str, Any]:
    kind, payload = frames.receive(connection)
    if kind != wanted:
        raise Closed
    value: dict[str, Any] = json.loads(payload)
    return value


def _die_with(connection: socket.socket) -> None:
    """End this process as soon as the other side hangs up: nobody would read the answer."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            connection.recv(1)
        os._exit(2)

    threading.Thread(target=watch, daemon=True).start()


class _Output:
    """Gathers an answer into messages of a good size, up to the limit on an answer."""

    def __init__(self, connection: socket.socket, limit: int) -> None:
        self._connection, self._limit = connection, limit
        self._parts: list[bytes] = []
        self._waiting = self._total = 0

    def write(self, data: bytes) -> None:
        from lakelet.workspace.errors import QueryError

        self._total += len(data)
        if self._total > self._limit:
            raise QueryError(
                f"The answer is larger than {self._limit >> 20} MiB: add a LIMIT, aggregate, or raise sql_result_mb."
            )
        self._parts.append(data)
        self._waiting += len(data)
        if self._waiting >= BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        data = b"".join(self._parts)
        self._parts, self._waiting = [], 0
        for start in range(0, len(data), frames.MAX_BYTES):
            frames.send(self._connection, frames.DATA, data[start : start + frames.MAX_BYTES])


if __name__ == "__main__":
    sys.exit(main())
