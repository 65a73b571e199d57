"""The control process's side of the SQL workers: one template process, some workers warmed up, each used once."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from lakelet.query import frames
from lakelet.query.frames import Closed
from lakelet.workspace.errors import QueryError
from lakelet.workspace.paths import Workspace

log = logging.getLogger(__name__)

START_SECONDS = 60
STARTED_AT_ONCE = 2
ANSWER_SECONDS = 0.03  # how long the way of an answer to its client has the processors to itself


class Cancellation:
    """Lets another thread end a statement: a client that left, a Ctrl-C."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kill: Callable[[], None] | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """End the statement now, or as soon as it has a worker."""
        with self._lock:
            self.cancelled = True
            if self._kill is not None:
                self._kill()

    def attach(self, kill: Callable[[], None] | None) -> None:
        """Tell how to end the statement from now on."""
        with self._lock:
            self._kill = kill
            if self.cancelled and kill is not None:
                kill()


class Worker:
    """One warm worker, known by a pidfd, so that no other process can ever be killed in its place."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.connection = connection
        self.pid = pid
        self._process = os.pidfd_open(pid)

    def kill(self) -> None:
        """End it, at once; doing so twice is fine."""
        try:
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        except (ProcessLookupError, OSError):
            return

    def alive(self) -> bool:
        """Whether it has not died while it waited."""
        try:
            signal.pidfd_send_signal(self._process, 0)
        except (ProcessLookupError, OSError):
            return False
        return True

    def close(self) -> None:
        """Kill it and forget it."""
        self.kill()
        self.connection.close()
        if self._process >= 0:
            os.close(self._process)
            self._process = -1


class Pool:
    """Keeps ``sql_workers`` warm and lets as many statements run at once; the others wait their turn."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._size = max(1, workspace.settings.number("sql_workers"))
        self._folder = workspace.state / "sql"
        self._turns = threading.BoundedSemaphore(self._size)
        self._ready: deque[Worker] = deque()
        self._changed = threading.Condition()
        self._template: tuple[subprocess.Popen[bytes], socket.socket] | None = None
        self._stopping = False
        self._used: list[Worker] = []  # killed, to be forgotten
        self._busy = self._waiting = 0  # statements that have a turn, and those of them that have no worker yet
        self._thread = threading.Thread(target=self._refill, name="sql-workers", daemon=True)

    def start(self) -> None:
        """Begin to warm workers up, in the background."""
        shutil.rmtree(self._folder, ignore_errors=True)  # what a killed control process left
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._thread.start()

    def close(self) -> None:
        """End every worker."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=START_SECONDS)
        for worker in (*self._ready, *self._used):
            self._discard(worker)
        self._ready.clear()
        self._used.clear()
        self._end_template()
        shutil.rmtree(self._folder, ignore_errors=True)

    def take(self, deadline: float, cancellation: Cancellation) -> Worker:
        """A warm worker, for one statement; give it back with :meth:`done`. ``deadline`` is a monotonic time.

        Raises :class:`~lakelet.workspace.errors.QueryError` when none comes free in time.
        """
        if not self._turns.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise QueryError("Other SQL statements kept all workers busy: try again, or raise sql_workers.")
        with self._changed:
            self._busy += 1
            self._waiting += 1
            while True:
                while self._ready:
                    worker = self._ready.popleft()
                    if worker.alive():
                        cancellation.attach(worker.kill)
                        self._waiting -= 1
                        return worker
                    self._discard(worker)
                self._changed.notify_all()
                left = deadline - time.monotonic()
                if left <= 0 or self._stopping or cancellation.cancelled:
                    self._busy -= 1
                    self._waiting -= 1
                    self._turns.release()
                    if cancellation.cancelled:
                        raise QueryError("The statement was cancelled.")
                    raise QueryError("No SQL worker could be started: see `lakelet logs control`.")
                self._changed.wait(min(left, 1))

    def done(self, worker: Worker, cancellation: Cancellation) -> None:
        """Throw a used worker away; another takes its place."""
        cancellation.attach(None)
        worker.kill()
        with self._changed:
            self._used.append(worker)  # what is left of it is tidied up when nobody waits for an answer
            self._busy -= 1
            self._changed.notify_all()
        self._turns.release()

    def _discard(self, worker: Worker) -> None:
        worker.close()
        shutil.rmtree(self._folder / str(worker.pid), ignore_errors=True)

    # -- the thread that warms up --------------------------------------------------------------------------------

    def _refill(self) -> None:
        while True:
            with self._changed:
                while not (self._stopping or self._used or self._wanted()):
                    self._changed.wait()
                if self._used and not self._waiting:
                    self._changed.wait(ANSWER_SECONDS)
                if self._stopping:
                    return
                used, self._used = self._used, []
                wanted = self._wanted()
                kind = frames.HURRY if self._waiting > len(self._ready) else frames.WARM
            for one in used:
                self._discard(one)
            if not wanted:
                continue
            try:
                worker = self._start(kind)
            except (Closed, OSError, TimeoutError) as error:
                log.warning("A SQL worker could not be started (%s): see sql.log.", str(error) or type(error).__name__)
                self._end_template()
                with self._changed:
                    self._changed.wait(timeout=1)
                continue
            with self._changed:
                self._ready.append(worker)
                self._changed.notify_all()

    def _wanted(self) -> bool:
        """Whether to start a worker now: it costs processor time, so not while statements run that do not wait."""
        ready = len(self._ready)
        return ready < self._size and (not self._busy or ready + self._busy <= self._size)

    def _start(self, wanted: bytes) -> Worker:
        ours, theirs = socket.socketpair()
        try:
            ours.settimeout(START_SECONDS)
            socket.send_fds(self._template_line(), [wanted], [theirs.fileno()])
            theirs.close()
            kind, payload = frames.receive(ours)
            if kind != frames.READY:
                raise Closed
            return Worker(ours, int(json.loads(payload)["pid"]))
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()

    def _template_line(self) -> socket.socket:
        if self._template is None or self._template[0].poll() is not None:
            self._end_template()
            ours, theirs = socket.socketpair()
            log_file = self._workspace.logs / "sql.log"
            log_file.parent.mkdir(parents=True, exist_ok=True)
            with open(log_file, "ab") as output:
                process = subprocess.Popen(
                    [sys.executable, "-m", "lakelet.query.worker"],
                    stdin=theirs.fileno(), stdout=output, stderr=output, cwd=self._folder, env=self._environment(),
                    start_new_session=True,
                )  # fmt: skip
            theirs.close()
            self._template = (process, ours)
        return self._template[1]

    def _environment(self) -> dict[str, str]:
        """Nothing of ours but what Python needs: a worker has no secrets to lose."""
        number = self._workspace.settings.number
        options = {
            "memory_mb": number("sql_memory_mb"),
            "timeout_seconds": number("sql_timeout_seconds"),
            "result_bytes": number("sql_result_mb") << 20,
            "temporary": str(self._folder),
        }
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._folder),
            "LANG": "C.UTF-8",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "4",
            "LAKELET_SQL": json.dumps(options),
        }

    def _end_template(self) -> None:
        if self._template is not None:
            process, line = self._template
            self._template = None
            line.close()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def ask(worker: Worker, kind: bytes, payload: dict[str, Any] | None, deadline: float) -> tuple[bytes, bytes]:
    """Send a message (unless ``payload`` is None) and wait for the next one until ``deadline`` (monotonic).

    Raises :class:`~lakelet.query.frames.Closed` when the worker died, ``TimeoutError`` when time is up.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    worker.connection.settimeout(left)
    if payload is not None:
        frames.send(worker.connection, kind, payload)
    return frames.receive(worker.connection)
