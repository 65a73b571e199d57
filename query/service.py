"""Local SQL, as the control process serves it: a worker reads the statement, the planner finds the files, the worker
answers. The statement's text and the lake's bytes are only ever touched in the worker."""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import IO

from lakelet.data.objects import s3_client
from lakelet.query import frames
from lakelet.query.credentials import Credentials
from lakelet.query.frames import Closed
from lakelet.query.lookup import Lookup
from lakelet.query.planner import Planner, locations
from lakelet.query.pool import Cancellation, Pool, Worker, ask
from lakelet.query.results import Form
from lakelet.query.scans import Analysis
from lakelet.workspace.errors import QueryError
from lakelet.workspace.paths import Workspace

log = logging.getLogger(__name__)

IN_MEMORY_BYTES = 8 << 20
RESTARTS = 4  # for files that a publish took away, and once for columns that differ from the catalog's


@dataclass
class Answer:
    """A whole answer: media type, size in bytes, rows, seconds; :meth:`whole` or :meth:`chunks` gives it, once."""

    form: Form
    size: int
    rows: int
    seconds: float
    _file: IO[bytes]

    def whole(self) -> bytes | None:
        """Its bytes, once, when they are few; else None, and :meth:`chunks` has them."""
        if self.size > IN_MEMORY_BYTES:
            return None
        with self._file:
            return self._file.read()

    def chunks(self) -> Iterator[bytes]:
        with self._file:
            while chunk := self._file.read(1 << 18):
                yield chunk


class _Restart(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SqlService:
    """Runs statements for many threads at once. ``start`` before the first, ``close`` after the last."""

    def __init__(self, workspace: Workspace, lookup: Lookup) -> None:
        self._workspace = workspace
        self._planner = Planner(lookup, s3_client(workspace))
        self._credentials = Credentials(workspace)
        self._pool = Pool(workspace)
        self._timeout = workspace.settings.number("sql_timeout_seconds")
        self._limit = workspace.settings.number("sql_result_mb") << 20

    def start(self) -> None:
        """Warm the workers up, in the background."""
        self._pool.start()

    def close(self) -> None:
        """End the workers."""
        self._pool.close()
        self._planner.close()

    def run(
        self,
        sql: str,
        database: str | None = None,
        form: Form = Form.json,
        cancellation: Cancellation | None = None,
    ) -> Answer:
        """Run one statement to its end. ``database`` is where unqualified table names are looked up.

        Raises :class:`~lakelet.workspace.errors.QueryError` when it is refused, fails, takes longer than
        ``sql_timeout_seconds``, or is cancelled.
        """
        cancellation = cancellation or Cancellation()
        began = time.monotonic()
        deadline = began + self._timeout
        tolerant = False
        for left in reversed(range(RESTARTS + 1)):
            output: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115  the Answer closes it
                IN_MEMORY_BYTES, dir=str(self._workspace.state / "sql")
            )
            try:
                size, rows = self._once(sql, database, form, tolerant, deadline, cancellation, output)
            except _Restart as restart:
                output.close()
                if not left or (tolerant and restart.reason == "schema"):
                    raise QueryError(str(restart)) from None
                tolerant |= restart.reason == "schema"
            except BaseException:
                output.close()
                raise
            else:
                output.seek(0)
                return Answer(form, size, rows, time.monotonic() - began, output)
        raise AssertionError("unreachable")  # the last restart raises

    def _once(
        self,
        sql: str,
        database: str | None,
        form: Form,
        tolerant: bool,
        deadline: float,
        cancellation: Cancellation,
        output: IO[bytes],
    ) -> tuple[int, int]:
        worker = self._pool.take(deadline, cancellation)
        try:
            kind, payload = ask(worker, frames.STATEMENT, {"sql": sql, "form": form.value}, deadline)
            if kind == frames.ANALYSIS:
                plan = self._planner.plan(Analysis.from_json(json.loads(payload)), database, tolerant)
                if wanted := locations(plan):
                    plan = replace(plan, storage=self._credentials.storage(wanted))
                kind, payload = ask(worker, frames.PLAN, plan.to_json(), deadline)
            return self._receive(worker, kind, payload, deadline, output)
        except TimeoutError:
            raise QueryError(
                f"The statement took longer than {self._timeout} seconds and was cancelled: read less, "
                "or raise sql_timeout_seconds."
            ) from None
        except Closed:
            if cancellation.cancelled:
                raise QueryError("The statement was cancelled.") from None
            raise QueryError(
                "The SQL worker died on this statement, probably out of memory: read less, or raise sql_memory_mb."
            ) from None
        finally:
            self._pool.done(worker, cancellation)

    def _receive(
        self, worker: Worker, kind: bytes, payload: bytes, deadline: float, output: IO[bytes]
    ) -> tuple[int, int]:
        size = 0
        while kind == frames.DATA:
            size += len(payload)
            if size > self._limit:  # the worker says so itself; this is for one that no longer obeys
                raise QueryError("The answer is too large: add a LIMIT, or aggregate.")
            output.write(payload)
            kind, payload = ask(worker, kind, None, deadline)
        with suppress(ValueError, KeyError, AttributeError):
            message = json.loads(payload)
            if kind == frames.END:
                return size, int(message["rows"])
            if kind == frames.ERROR and message["restart"]:
                raise _Restart(str(message["restart"]), str(message["message"]))
            if kind == frames.ERROR:
                raise QueryError(str(message["message"]))
        raise Closed
