"""The runner: one thread of the control process that admits, launches, watches and ends runs of every kind.

What it knows it can lose at any moment: the state of a run is in the database, who executes it in the run's folder
(``process.json``), how it ended too (``exit.json``). A runner that starts reads those and goes on.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from lakelet.catalog.publishes import Publishes
from lakelet.etl import refusals
from lakelet.jobs import launchers, queue
from lakelet.jobs.definitions import SPARK
from lakelet.jobs.failures import ended_badly, last_words
from lakelet.jobs.logs import application_id
from lakelet.jobs.store import JobStore
from lakelet.jobs.warm import COMPONENT as WARM_COMPONENT
from lakelet.jobs.warm import WarmDrivers
from lakelet.workspace import disk, shim
from lakelet.workspace.errors import LakeletError
from lakelet.workspace.paths import COMPONENT_VARIABLE, Workspace
from lakelet.workspace.process import Identity, Watch, end_session, kill_marked
from lakelet.workspace.runs import RUN_VARIABLE, SCRATCH, Run, RunState, retry_id
from lakelet.workspace.secrets import known_secrets, redact

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05  # while something starts or stops
RUNNING_SECONDS = 1.0  # while everything runs; the end of a shim wakes the runner at once
IDLE_SECONDS = 5.0  # while nothing does; a submission wakes the runner at once
UNAPPLIED_SECONDS = 1.0  # between two looks at a run whose output cannot be applied yet
REFUSED_SECONDS = 60.0  # how long the object store may refuse that output (it is starting, say) before the run fails
GRACE_SECONDS = 10.0
OVERDUE_SECONDS = 5.0  # how long after the end of its time a run's shim may be without having done anything
COLLECT_SECONDS = 600.0
THREADS = 8
UNWATCHED = "The process that watches over the driver had stopped responding; both were killed."
PUBLISHED = "was published before and stays"


class Runner:
    """Takes runs from the queue to their end. ``submit`` and ``stop`` may be called from any thread.

    ``components`` tells the names of the stack's components, or None when they are not known.
    """

    def __init__(
        self,
        workspace: Workspace,
        store: JobStore,
        publishes: Publishes,
        warm: Mapping[str, WarmDrivers] | None = None,
        components: Callable[[], Collection[str] | None] = lambda: None,
    ) -> None:
        self._workspace = workspace
        self._warm = warm or {}
        self._components = components
        self._store = store
        self._publishes = publishes
        self._capacity = queue.Capacity.of(workspace.settings)
        self._secrets = known_secrets(workspace)
        self._launched: dict[str, Identity] = {}  # shims that we started and that may not have come up yet
        self._deadlines: dict[str, float] = {}  # when a run's shim should have ended it, by ``time.monotonic``
        self._busy: dict[str, float] = {}  # runs that a thread of the pool works on, or that rest until a time
        self._refused: dict[str, float] = {}  # since when the object store refuses what runs committed
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, "runner")
        self._sleep = Watch()
        self._watched: list[int] = []  # the pids of shims of which nothing is to be expected but their end
        self._stopping = False
        self._collected = 0.0
        self._thread = threading.Thread(target=self._loop, name="runner", daemon=True)

    def start(self) -> None:
        """Find again what ran under the control process before, and go on."""
        for run in self._store.live():
            self._note(run)
        self._thread.start()

    def close(self) -> None:
        """End the thread. Runs go on: their shims need nobody."""
        self._stopping = True
        self._sleep.wake()
        self._thread.join(timeout=30)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, run: Run, max_concurrent: int | None = None) -> Run:
        """Put a run (in WAITING) into the queue; its ``spec`` is one of jobs/launchers.py's forms.

        Raises ConcurrentRunsExceededException when ``max_concurrent`` runs of its name have not ended.
        """
        self._store.add_run(run, max_concurrent)
        self._note(run)
        self._sleep.wake()
        return run

    def stop(self, run_id: str) -> Run:
        """Ask a run to end: one that waits is STOPPED at once, one that runs goes over STOPPING.

        Raises EntityNotFoundException. A run that has ended, or is being stopped, is returned as it is.
        """
        while True:
            run = self._store.run(run_id)
            if run.ended or run.state is RunState.STOPPING:
                return run
            if run.state is RunState.WAITING:
                moved = self._move(run, RunState.STOPPED, reason="Stopped before it started.", ended_at=time.time())
            else:
                moved = self._move(run, RunState.STOPPING, reason="Stopped on request.")
            if moved is not None:
                self._signal(moved)
                self._sleep.wake()
                return moved

    # -- the loop ----------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while not self._stopping:
            live = []
            self._watched = []
            try:
                live = self._store.live()
                for run in live:
                    if self._idle(run):
                        self._guarded(run, self._watch)
                self._admit()
                self._collect()
            except Exception:  # one bad tick must not end the runner
                log.exception("The runner stumbled; trying again")
            self._sleep.sleep(self._pause(live), self._watched)

    def _pause(self, live: Sequence[Run]) -> float:
        if live or self._busy:
            return RUNNING_SECONDS if 0 < len(live) == len(self._watched) else POLL_SECONDS
        return IDLE_SECONDS

    def _admit(self) -> None:
        waiting = self._store.waiting()
        if not waiting:
            return
        admitted, delayed = queue.admit(waiting, self._store.live(), self._capacity)
        for run in admitted:
            started = self._move(run, RunState.STARTING, reason="", started_at=time.time())
            if started is not None:
                self._in_pool(started, self._launch)
        self._store.explain([(run, reason) for run, reason in delayed if run.reason != reason])

    def _watch(self, run: Run) -> None:
        """One look at a run that has, or should have, a process."""
        folder = launchers.folder_of(self._workspace, run.id)
        exit = shim.read_exit(folder)
        running = shim.read_running(folder)
        if run.state is RunState.STARTING and running is not None and running.driver is not None:
            run = self._move(run, RunState.RUNNING) or run  # said of a run that is over already too: it did run
        if exit is not None:
            self._in_pool(run, self._finish)
        elif running is None:
            launched = self._launched.get(run.id)
            if run.state is RunState.STOPPING and launched is None:
                self._in_pool(run, self._finish)
            elif launched is None:
                self._in_pool(run, self._launch)  # admitted by a control process that died: the shim's claim decides
            elif not launched.alive() and shim.read_running(folder) is None:
                self._in_pool(run, self._finish)
        elif not running.shim.alive():
            self._in_pool(run, self._finish)
        elif time.monotonic() > self._deadline(run) + OVERDUE_SECONDS:
            self._in_pool(run, self._end_overdue)
        elif run.state is RunState.STOPPING:
            self._signal(run)
        elif run.state is RunState.RUNNING:
            self._watched.append(running.shim.pid)

    def _deadline(self, run: Run) -> float:
        """When a run's shim should begin to end it. Its script can stop that process, so we look ourselves, too."""
        if run.id not in self._deadlines:
            elapsed = max(time.time() - (run.started_at or time.time()), 0.0)
            self._deadlines[run.id] = time.monotonic() + max(run.timeout_seconds - elapsed, 0.0)
        if run.state is RunState.STOPPING:  # it has been asked to
            self._deadlines[run.id] = min(self._deadlines[run.id], time.monotonic() + GRACE_SECONDS)
        return self._deadlines[run.id]

    def _end_overdue(self, run: Run) -> None:
        """End a run whose shim has not done so in time: by the shim, if it goes on when told to, else without it."""
        folder = launchers.folder_of(self._workspace, run.id)
        running = shim.read_running(folder)
        if running is None:
            return
        with suppress(ProcessLookupError):
            os.kill(running.shim.pid, signal.SIGCONT)
        deadline = time.monotonic() + GRACE_SECONDS + OVERDUE_SECONDS  # the shim gives its driver a grace
        while running.shim.alive() and shim.read_exit(folder) is None and not self._stopping:
            if time.monotonic() > deadline:
                with suppress(ProcessLookupError):
                    os.kill(running.shim.pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)

    def _launch(self, run: Run) -> None:
        try:
            self._launched[run.id] = launchers.start(self._workspace, run, self._warm, self._components())
        except LakeletError as error:
            log.warning("Run %s could not be launched: %s", run.id, error)
            self._end(run, RunState.FAILED, str(error), None)
        except Exception as error:  # whatever it is, the run must not hold its cores for ever
            log.exception("Run %s could not be launched", run.id)
            full = disk.message(self._workspace.state) if disk.is_full(error, self._workspace.state) else f"{error}."
            self._end(run, RunState.FAILED, f"The run could not be launched: {full}", None)

    def _finish(self, run: Run) -> None:
        """Decide how a run ended, once its output is settled."""
        folder = launchers.folder_of(self._workspace, run.id)
        exit = shim.read_exit(folder)
        if exit is None:
            self._end_orphans(run)
            exit = shim.read_exit(folder)
        shutil.rmtree(folder / SCRATCH, ignore_errors=True)
        application_id(folder)
        uncommitted = self._publishes.abort_run(run.id, exit.ended_at if exit else 0.0)
        unapplied = self._publishes.unfinished(run.id)
        if refusal := self._refusal(run, unapplied):
            self._end(run, RunState.FAILED, refusal, exit)
        elif unapplied:
            reason = f"Ended; what it wrote to {', '.join(unapplied)} waits for the object store."
            if run.reason != reason:
                self._store.explain([(run, reason)])
            self._rest(run, UNAPPLIED_SECONDS)
        else:
            state, reason = self._verdict(run, exit, uncommitted)
            if state is not RunState.SUCCEEDED and (published := self._publishes.applied(run.id)):
                reason = f"{reason} What it wrote to {', '.join(published)} {PUBLISHED}."
            self._end(run, state, reason, exit)

    def _refusal(self, run: Run, unapplied: Mapping[str, str]) -> str:
        """Why a run fails whose output the object store keeps refusing (its bucket is gone, say); empty until then."""
        refused = [f"What it wrote to {target} could not be applied: {why}" for target, why in unapplied.items() if why]
        if not refused:
            self._refused.pop(run.id, None)
        elif time.monotonic() - self._refused.setdefault(run.id, time.monotonic()) >= REFUSED_SECONDS:
            return refused[0]
        return ""

    def _verdict(self, run: Run, exit: shim.Exit | None, uncommitted: list[str]) -> tuple[RunState, str]:
        if exit is None:
            if run.state is RunState.STOPPING:
                return RunState.STOPPED, "Stopped on request."
            if shim.read_running(launchers.folder_of(self._workspace, run.id)) is None:
                return RunState.FAILED, f"The run could not be started. {self._last_words(run, 'shim.log')}".strip()
            if run.started_at is not None and time.time() - run.started_at >= run.timeout_seconds:
                return RunState.TIMEOUT, f"{_timed_out(run)} {UNWATCHED}"
            if disk.is_low(self._workspace.runs):
                return (
                    RunState.FAILED,
                    f"How the driver ended could not be written. {disk.message(self._workspace.runs)}",
                )
            return RunState.FAILED, "The process that watches over the driver was killed; the driver was ended with it."
        if exit.timed_out:
            return RunState.TIMEOUT, _timed_out(run)
        if exit.stopped:
            return RunState.STOPPED, run.reason if run.state is RunState.STOPPING else "Stopped with the stack."
        if exit.exit_code == 0 and not uncommitted:
            refusal = refusals.first(launchers.folder_of(self._workspace, run.id))
            if refusal:
                return RunState.FAILED, redact(refusals.went_on(refusal), self._secrets)
            return RunState.SUCCEEDED, ""
        if exit.exit_code == 0:
            return RunState.FAILED, (
                f"The driver ended with exit code 0, but its write to {', '.join(uncommitted)} was never committed; "
                "what it had staged was dropped."
            )
        words = self._last_words(run, "stderr.log", exit.exit_code)
        return RunState.FAILED, f"{ended_badly(exit)}: {words}" if words else f"{ended_badly(exit)}."

    def _last_words(self, run: Run, name: str, exit_code: int = 1) -> str:
        folder = launchers.folder_of(self._workspace, run.id)
        stdout = folder / "stdout.log" if run.spec.get("command") == SPARK else None
        return last_words(folder / name, self._secrets, stdout, exit_code)

    def _end_orphans(self, run: Run) -> None:
        running = shim.read_running(launchers.folder_of(self._workspace, run.id))
        leader = running.shim if running else self._launched.get(run.id)
        own = {**self._workspace.environment, RUN_VARIABLE: run.id}
        # A warm driver's environment is from before it had a run.
        warm = {**self._workspace.environment, COMPONENT_VARIABLE: WARM_COMPONENT}
        if leader is not None:
            end_session(leader, GRACE_SECONDS, own, warm)
        kill_marked(own)

    def _end(self, run: Run, state: RunState, reason: str, exit: shim.Exit | None) -> None:
        ended_at = exit.ended_at if exit else time.time()
        code = exit.exit_code if exit else None
        retry = _retry(run) if state is RunState.FAILED and run.attempt < run.max_retries else None
        while True:
            if self._move(run, state, successor=retry, reason=reason, ended_at=ended_at, exit_code=code) is not None:
                break
            # A stop came in between. Whether it still mattered, the driver's end has decided already.
            run = self._store.run(run.id)
            if run.ended:
                return
            retry = None
        self._launched.pop(run.id, None)
        self._refused.pop(run.id, None)
        self._deadlines.pop(run.id, None)
        choice = launchers.choice_of(run)
        if choice is not None and choice.engine in self._warm:
            self._warm[choice.engine].ended()
        if retry is not None:
            self._note(retry)
        self._sleep.wake()

    def _signal(self, run: Run) -> None:
        running = shim.read_running(launchers.folder_of(self._workspace, run.id))
        if running is not None and running.shim.alive():
            with suppress(ProcessLookupError):
                for number in (signal.SIGTERM, signal.SIGCONT):  # its script may have stopped it
                    os.kill(running.shim.pid, number)

    # -- the pool ----------------------------------------------------------------------------------------------

    def _idle(self, run: Run) -> bool:
        with self._lock:
            until = self._busy.get(run.id)
            if until is not None and time.monotonic() >= until:
                del self._busy[run.id]
                until = None
            return until is None

    def _rest(self, run: Run, seconds: float) -> None:
        with self._lock:
            self._busy[run.id] = time.monotonic() + seconds

    def _in_pool(self, run: Run, work: Callable[[Run], None]) -> None:
        self._rest(run, float("inf"))

        def task() -> None:
            try:
                self._guarded(run, work)
            finally:
                with self._lock:
                    if self._busy.get(run.id) == float("inf"):
                        del self._busy[run.id]
                self._sleep.wake()

        self._pool.submit(task)

    def _guarded(self, run: Run, work: Callable[[Run], None]) -> None:
        """Whatever goes wrong with one run is tried again later, and is no matter of the others."""
        try:
            work(run)
        except Exception:
            log.exception("Run %s: %s failed; trying again", run.id, work.__name__)
            self._rest(run, UNAPPLIED_SECONDS)

    # -- records -----------------------------------------------------------------------------------------------

    def _move(self, run: Run, state: RunState, **changes: Any) -> Run | None:
        moved = self._store.move(run, state, **changes)
        if moved is not None:
            self._note(moved)
        return moved

    def _note(self, run: Run) -> None:
        """Append the run's state to its ``events.jsonl`` (docs/architecture.md), which the log shipper reads.

        The database has the state by then: a full disk costs the line, not the run.
        """
        folder = launchers.folder_of(self._workspace, run.id)
        event = {
            "time": time.time(), "run_id": run.id, "kind": run.kind, "name": run.name, "attempt": run.attempt,
            "state": run.state, "reason": run.reason,
        }  # fmt: skip
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(folder / "events.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")
        except OSError as error:
            log.warning("Run %s is %s, but its events.jsonl cannot be written: %s", run.id, run.state, error)

    def _collect(self) -> None:
        if time.monotonic() - self._collected < COLLECT_SECONDS and self._collected:
            return
        self._collected = time.monotonic()
        hours = self._workspace.settings.number("staging_retention_hours")
        live = {run.id for run in self._store.live()}

        def task() -> None:
            try:
                self._publishes.collect(live, hours * 3600)
            except Exception:
                log.exception("Old staging could not be collected; trying again in %.0f s", COLLECT_SECONDS)

        self._pool.submit(task)


def _timed_out(run: Run) -> str:
    return f"The run took longer than its timeout of {run.timeout_seconds / 60:g} minutes."


def _retry(run: Run) -> Run:
    return replace(
        run,
        id=retry_id(run.id, run.attempt + 1),
        state=RunState.WAITING,
        reason="",
        attempt=run.attempt + 1,
        previous_id=run.id,
        submitted_at=time.time(),
        started_at=None,
        ended_at=None,
        exit_code=None,
    )
