"""The supervisor: one process that starts the components, watches them and ends them.

    python -m lakelet.stack.supervisor [--lease PID:STARTED] [COMPONENT…]

``lakelet up`` starts it in a session of its own. SIGTERM ends the stack, and so does the end of the process that has
the lease; SIGHUP tries FATAL components again.
It holds ``stack.lock`` for as long as it lives, so there is never a second one.
"""

from __future__ import annotations

import argparse
import fcntl
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

from lakelet.jobs.spark import write_conf
from lakelet.stack.child import Child
from lakelet.stack.component import Plan
from lakelet.stack.components import components, endpoints, unused_ports
from lakelet.stack.leftovers import end_leftovers, end_runs
from lakelet.stack.ports import choose
from lakelet.stack.record import StackRecord, record_path, write_record
from lakelet.stack.retention import sweep
from lakelet.stack.states import State
from lakelet.workspace.errors import LakeletError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.process import Identity

TICK_SECONDS = 0.05
SURPRISE_SECONDS = 1.0  # the pause after what nobody thought of: it may come again at once
SWEEP_SECONDS = 24 * 3600.0
GRACE_SECONDS = 20.0  # OpenSearch closes its indexes in that time
FIRST_TO_STOP = ("dashboards", "control")  # clients before what they talk to


class Supervisor:
    """The stack of one workspace, from the choice of ports to the end of its last process.

    With a ``lease`` it ends when that process does, however that ended.
    """

    def __init__(self, workspace: Workspace, only: Collection[str] = (), lease: Identity | None = None) -> None:
        self.workspace = workspace
        self.lease = lease
        self.stopping = False
        self.retrying = False
        self._only = only
        self._executor = ThreadPoolExecutor(16, thread_name_prefix="probe")
        self._children: list[Child] = []
        self._notes: list[str] = []
        self._identity = Identity.mine()
        self._began = time.monotonic()
        self._began_at = time.time()
        self._ready_seconds: float | None = None
        self._written: StackRecord | None = None
        self._endpoints: dict[str, str] = {}
        self._stamps: dict[Path, tuple[int, int, int]] = {}  # of the files that only we write
        self._swept: float | None = None

    def run(self) -> None:
        """Supervise until told to stop.

        Raises :class:`~lakelet.workspace.errors.LakeletError` when nothing can be started.
        """
        self._record()
        if leftovers := end_leftovers(self.workspace):
            self._notes.append(f"Ended what an earlier stack had left running: {', '.join(leftovers)}.")
        try:
            self._prepare()
            while not self.stopping:
                retrying, self.retrying = self.retrying, False
                self._tick(retrying)
                if self.expired:
                    say(f"process {self.lease.pid if self.lease else ''}, for which the stack was started, has ended")
                    break
                if self._swept is None or time.monotonic() - self._swept > SWEEP_SECONDS:
                    self._swept = time.monotonic()
                    self._surely(lambda: sweep(self.workspace))
                time.sleep(TICK_SECONDS)
        finally:
            self._stop()

    @property
    def expired(self) -> bool:
        """Whether the process that has the lease has ended."""
        return self.lease is not None and not self.lease.alive()

    def _prepare(self) -> None:
        ports, notes = choose(self.workspace, unused_ports(self.workspace, self._only))
        self._notes += notes
        self._endpoints = endpoints(self.workspace, ports)
        self._write_endpoints()
        write_conf(self.workspace)
        for component in components(Plan(self.workspace, ports), self._only):
            log = self.workspace.logs / f"{component.name}.log"
            self._children.append(Child(component, log, self._executor, say))

    def _tick(self, retrying: bool = False) -> None:
        running = {child.component.name for child in self._children if child.state is State.RUNNING}
        present = {child.component.name for child in self._children}
        for child in self._children:
            waiting = set(child.component.after) & present - running
            if retrying and child.state is State.FATAL:
                self._surely(child.retry)
            elif child.state is State.STOPPED and not waiting:
                self._surely(child.begin)
            else:
                self._surely(child.tick)
        if self._ready_seconds is None and running == present:
            self._ready_seconds = round(time.monotonic() - self._began, 2)
            say(f"every component runs after {self._ready_seconds} s")
        self._surely(self._record)
        if self._changed(self.workspace.endpoints):
            self._surely(self._write_endpoints)

    def _stop(self) -> None:
        say("stopping")
        last = [child for child in self._children if child.component.name not in FIRST_TO_STOP]
        first = [child for child in self._children if child not in last]
        for wave in (first, last):
            with ThreadPoolExecutor(16) as pool:
                list(pool.map(lambda child: self._surely(lambda: child.stop(GRACE_SECONDS)), wave))
            if wave is first:
                self._surely(lambda: end_runs(self.workspace))
            self._surely(self._record)
        self._executor.shutdown(wait=False, cancel_futures=True)
        end_leftovers(self.workspace)

    def _surely(self, action: Callable[[], object]) -> None:
        """Do it, and go on whatever comes of it: a full disk, say, is no reason to leave the stack alone."""
        try:
            action()
        except Exception:
            say(f"going on after a surprise:\n{traceback.format_exc()}")
            time.sleep(SURPRISE_SECONDS)

    def _record(self) -> None:
        record = StackRecord(
            self._identity,
            tuple(child.record() for child in self._children),
            tuple(self._notes),
            "",
            self._began_at,
            self._ready_seconds,
        )
        path = record_path(self.workspace)
        if record != self._written or self._changed(path):
            write_record(self.workspace, record)
            self._written, self._stamps[path] = record, _stamp(path)

    def _write_endpoints(self) -> None:
        self.workspace.write_endpoints(self._endpoints)
        self._stamps[self.workspace.endpoints] = _stamp(self.workspace.endpoints)

    def _changed(self, path: Path) -> bool:
        """Whether somebody else removed or wrote a file that is ours."""
        try:
            return self._stamps.get(path) != _stamp(path)
        except FileNotFoundError:
            return True


def _stamp(path: Path) -> tuple[int, int, int]:
    """What differs once a file was written again. Raises OSError."""
    facts = path.stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def say(text: str) -> None:
    """One line (or more) in the supervisor's log, unless the disk is full."""
    with suppress(OSError):
        print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), text, flush=True)


def lock(workspace: Workspace) -> IO[str] | None:
    """The right to supervise this workspace, or None when another process has it; closing the file gives it back."""
    file = open(workspace.state / "stack.lock", "w")  # noqa: SIM115 it is held beyond this function
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _lease(text: str) -> Identity:
    pid, _, started = text.partition(":")
    return Identity(int(pid), float(started))


def main(arguments: Sequence[str]) -> int:
    """Run until told to stop; what prevents a start is left in ``stack.json`` for ``lakelet up`` to say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lease", type=_lease)
    parser.add_argument("only", nargs="*")
    options = parser.parse_args(arguments)
    workspace = Workspace.find()
    held = lock(workspace)
    if held is None:
        say("another supervisor is at work")
        return 1
    supervisor = Supervisor(workspace, options.only, options.lease)

    def on_stop(number: int, frame: FrameType | None) -> None:
        supervisor.stopping = True

    def on_hangup(number: int, frame: FrameType | None) -> None:
        supervisor.retrying = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_stop)
    signal.signal(signal.SIGHUP, on_hangup)
    say(f"supervising {workspace.state}")
    try:
        supervisor.run()
    except LakeletError as error:
        say(str(error))
        write_record(workspace, StackRecord(Identity.mine(), error=str(error)))
        return 1
    record_path(workspace).unlink(missing_ok=True)
    workspace.forget_endpoints()
    say("stopped")
    if supervisor.expired and workspace.ephemeral:
        shutil.rmtree(workspace.state, ignore_errors=True)  # else `operate.stop` does, which waits for us
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
