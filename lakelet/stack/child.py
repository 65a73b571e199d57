"""One component under supervision: its process, its state, its restarts. All decisions of the supervisor are here."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path

from lakelet.stack.component import Component, NotReadyError
from lakelet.stack.record import ComponentRecord
from lakelet.stack.states import NEXT, State
from lakelet.workspace.errors import StackError
from lakelet.workspace.process import Identity, end_session, spawn

START_SECONDS = 240.0  # a component that has not become ready by then is ended and counted as dead
COMPLAIN_SECONDS = 15.0  # after so long `lakelet status` shows what the probe is told
PROBE_INTERVAL = 0.1
ELSEWHERE_INTERVAL = 10.0  # how often a running service that is no process of ours is asked whether it still works
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)  # after the first, second, … death in a row; then FATAL
HEALTHY_SECONDS = 60.0  # having run for so long, a component's earlier deaths are forgotten
TAIL_LINES = 5


class Child:
    """Drives one component through its states. ``clock`` is in seconds and injected by tests."""

    def __init__(
        self,
        component: Component,
        log: Path,
        executor: Executor,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.component = component
        self.log = log
        self.state = State.STOPPED
        self.restarts = 0
        self.message = ""
        self.identity: Identity | None = None
        self._executor, self._say, self._clock = executor, say, clock
        self._process: subprocess.Popen[bytes] | None = None
        self._probe: Future[None] | None = None
        self._began = self._changed = clock()  # of this start; of this state
        self._changed_at = time.time()
        self._probed = 0.0
        self._deaths = 0
        self._ready_seconds: float | None = None
        self._complaint = ""  # what the probe said last

    def begin(self) -> None:
        """Start it for the first time; while what it needs is not installed it stays STOPPED, and says so."""
        self.message = self.component.obstacle()
        if not self.message:
            self.start()

    def start(self) -> None:
        """Start the process; what goes wrong with that is a death like any other."""
        self._move(State.STARTING)
        self._began, self._probed, self._complaint, self._probe = self._clock(), 0.0, "", None
        component = self.component
        if not component.argv:
            return
        try:
            self._process = spawn(component.argv, env=component.env, cwd=component.cwd, stdout=self.log)
            self.identity = Identity.of(self._process.pid)
        except OSError as error:
            self._died(f"could not be started: {error}")

    def tick(self) -> None:
        """Look once at the process and the probe, and change state when something happened."""
        running = self.state in (State.STARTING, State.RUNNING)
        if running and self._process is not None and self.identity is not None and not self.identity.alive():
            end_session(self.identity, 0.0)  # what it had started: executors, say. Not reaped yet, its pid is its own
            self._died(f"exited with {_meaning(self._process.wait())}")
            return
        if self.state is State.STARTING:
            self._look()
        elif self.state is State.RUNNING and not self.component.argv:
            if complaint := self._answer(ELSEWHERE_INTERVAL):
                self._died(f"does not answer: {complaint}")
        elif self.state is State.BACKOFF and self._clock() - self._changed >= BACKOFF_SECONDS[self._deaths - 1]:
            self.restarts += 1
            self.start()

    def retry(self) -> None:
        """Start a FATAL component again, with a clean slate."""
        if self.state is State.FATAL:
            self._deaths = 0
            self.start()

    def stop(self, grace_seconds: float) -> None:
        """End its process and everything that it started; blocks until nothing is left of it."""
        if self.identity is not None:
            end_session(self.identity, grace_seconds)
        if self._process is not None:
            self._process.wait()
        self._process = self.identity = None
        if self.state is not State.STOPPED:
            self._move(State.STOPPED)

    def record(self) -> ComponentRecord:
        """Its line in ``stack.json``."""
        pid, started = (self.identity.pid, self.identity.started) if self.identity else (None, None)
        return ComponentRecord(
            self.component.name, self.state, self.component.url, pid, started, self._changed_at, self._ready_seconds,
            self.restarts, self.message,
        )  # fmt: skip

    def _look(self) -> None:
        """See whether it is ready by now."""
        complaint = self._answer(PROBE_INTERVAL)
        if complaint == "":
            self._ready_seconds = round(self._clock() - self._began, 2)
            self.message = ""
            self._move(State.RUNNING)
            return
        if complaint is not None:
            self._complaint = complaint
            if self._clock() - self._began > COMPLAIN_SECONDS:
                self.message = f"{self.component.name} is not ready: {self._complaint}"
        if self._clock() - self._began > START_SECONDS:
            # Such a wait is long: the second time is the last.
            self._deaths += len(BACKOFF_SECONDS) // 2
            self._died(f"did not become ready in {START_SECONDS:.0f} s ({self._complaint or 'its probe hangs'})")

    def _answer(self, interval: float) -> str | None:
        """Collect what the probe said: "" when the component works, else what is wrong; None when nothing is new.

        It is asked again ``interval`` seconds after it was asked last.
        """
        if self._probe is None:
            if self._clock() - self._probed >= interval:
                self._probed = self._clock()
                self._probe = self._executor.submit(self.component.probe)
            return None
        if not self._probe.done():
            return None
        error, self._probe = self._probe.exception(), None
        if error is None:
            return ""
        # Anything else is a mistake in the probe, or an answer that nobody thought of: no reason to end the stack.
        return (str(error) if isinstance(error, (NotReadyError, OSError)) else "") or repr(error)

    def _died(self, how: str) -> None:
        if self.state is State.RUNNING and self._clock() - self._changed >= HEALTHY_SECONDS:
            self._deaths = 0
        self._deaths += 1
        if self.identity is not None:
            end_session(self.identity, 0.0)
        self._process = self.identity = None
        lines = tail(self.log, TAIL_LINES) if self.component.argv else []
        self.message = "\n".join([f"{self.component.name} {how}", *lines])
        self._say(self.message)
        self._move(State.BACKOFF if self._deaths <= len(BACKOFF_SECONDS) else State.FATAL)

    def _move(self, state: State) -> None:
        if state not in NEXT[self.state]:
            raise StackError(f"{self.component.name} cannot go from {self.state} to {state}.")
        self.state, self._changed, self._changed_at = state, self._clock(), time.time()
        self._say(f"{self.component.name} is {state}")


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log file, without reading all of it."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 400 * max(lines, 1)))
            return file.read().decode(errors="replace").splitlines()[-lines:] if lines else []
    except OSError:
        return []


def _meaning(code: int) -> str:
    import signal

    if code < 0:
        named = {number.value: number.name for number in signal.Signals}  # most real-time signals have no name
        return f"signal {named.get(-code, -code)}"
    return f"code {code}"
