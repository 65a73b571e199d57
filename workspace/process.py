"""The one way to run a process: spawned in a session of its own, known by pid and start time, ended as a group."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Identity:
    """A process that cannot be mistaken for another: a pid alone may be reused, a pid and its start time not.

    ``started`` is in the kernel's clock ticks since boot (proc(5), ``starttime``): a wall clock that is set, by NTP
    or after a suspend, does not change who a process is.
    """

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Identity:
        """The identity of a live process; raises ``psutil.NoSuchProcess`` when there is none."""
        return cls(pid, _stat(pid)[1])

    @classmethod
    def mine(cls) -> Identity:
        return cls.of(os.getpid())

    @classmethod
    def from_json(cls, value: Mapping[str, float]) -> Identity:
        return cls(int(value["pid"]), float(value["started"]))

    def to_json(self) -> dict[str, float]:
        return {"pid": self.pid, "started": self.started}

    def alive(self) -> bool:
        """Whether that very process still runs; a zombie does not."""
        try:
            state, started = _stat(self.pid)
        except psutil.NoSuchProcess:
            return False
        return started == self.started and state not in "ZX"


def spawn(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdout: Path, stderr: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start ``argv`` as the leader of a new session, its output appended to files.

    ``env`` is the whole environment. Secrets go there, never into ``argv``. Raises ``OSError`` when the
    program cannot be started.
    """
    for path in (stdout, stderr):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
    with open(stdout, "ab") as out, open(stderr or stdout, "ab") as err:
        return subprocess.Popen(
            list(argv), env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )


def session_members(leader: int) -> Iterator[int]:
    """The pids of the live processes of the session that ``leader`` began, whether or not it still runs."""
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == leader and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                yield pid
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue


def end_session(leader: Identity, grace_seconds: float = 10.0) -> None:
    """End every process of a session: SIGTERM, up to ``grace_seconds``, then SIGKILL until none is left.

    A leader whose pid now belongs to another process ends nothing: a session id is only reused once the whole
    session is gone.
    """
    if _reused(leader):
        return
    deadline = time.monotonic() + grace_seconds
    _signal_all(leader.pid, signal.SIGTERM)
    while any(True for _ in session_members(leader.pid)):
        if time.monotonic() > deadline:
            _signal_all(leader.pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def kill_marked(environment: Mapping[str, str]) -> None:
    """Kill every process whose environment has all of these, wherever it has gone: what left its session, too."""
    while found := [process for process in psutil.process_iter() if _marked(process, environment)]:
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(POLL_SECONDS)


def _marked(process: psutil.Process, environment: Mapping[str, str]) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return process.status() != psutil.STATUS_ZOMBIE and environment.items() <= process.environ().items()
    except (psutil.Error, OSError):
        return False


def _reused(leader: Identity) -> bool:
    # A dead leader that nobody has reaped yet keeps its pid and its start time: that is not reuse.
    try:
        return _stat(leader.pid)[1] != leader.started
    except psutil.NoSuchProcess:
        return False


def _signal_all(leader: int, number: signal.Signals) -> None:
    for pid in session_members(leader):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _stat(pid: int) -> tuple[str, float]:
    """State letter and start time of a process, from ``/proc/<pid>/stat``."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything, spaces and brackets too
    return fields[0], float(fields[19])
