"""The one way to run a process: spawned in a session of its own, known by pid, start and boot, ended as a group."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.05


@cache
def boot_id() -> str:
    """The id that the kernel gave this boot of the machine (proc(5), ``/proc/sys/kernel/random/boot_id``)."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@dataclass(frozen=True)
class Identity:
    """A process that cannot be mistaken for another: a pid alone may be reused, with its start time and boot it is not.

    ``started`` is in the kernel's clock ticks since boot (proc(5), ``starttime``): a wall clock that is set, by NTP
    or after a suspend, does not change who a process is. ``boot`` is :func:`boot_id`; a process of another boot, or of
    an unknown one (a record of an older Lakelet), is dead.
    """

    pid: int
    started: float
    boot: str = field(default_factory=boot_id)

    @classmethod
    def of(cls, pid: int) -> Identity:
        """The identity of a live process; raises ``ProcessLookupError`` when there is none."""
        return cls(pid, Stat.of(pid).started)

    @classmethod
    def mine(cls) -> Identity:
        return cls.of(os.getpid())

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Identity:
        return cls(int(value["pid"]), float(value["started"]), str(value.get("boot", "")))

    def to_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "started": self.started, "boot": self.boot}

    def alive(self) -> bool:
        """Whether that very process still runs; a zombie does not."""
        now = self.stat()
        return now is not None and now.lives

    def stat(self) -> Stat | None:
        """What the kernel says of that very process, also as a zombie that nobody has reaped; None when it is gone."""
        try:
            now = Stat.of(self.pid)
        except ProcessLookupError:
            return None
        return now if self.boot == boot_id() and now.started == self.started else None


@dataclass(frozen=True)
class Stat:
    """What the kernel says of a process (proc(5), ``/proc/<pid>/stat``). Read here, because psutil's import would make
    up a third of the start of every run's shim.
    """

    pid: int
    state: str
    parent: int
    session: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Stat:
        """Raises ``ProcessLookupError`` when there is no such process."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except FileNotFoundError:
            raise ProcessLookupError(f"there is no process {pid}") from None
        fields = text.rpartition(")")[2].split()  # the name before it may hold anything, spaces and brackets too
        return cls(pid, fields[0], int(fields[1]), int(fields[3]), float(fields[19]))

    @property
    def lives(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return self.state not in "ZX"


def processes() -> Iterator[Stat]:
    """Every process of the machine, as it is now; zombies too."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(ProcessLookupError):
                yield Stat.of(int(name))


class Watch:
    """Sleeps until a process ends or somebody calls :meth:`wake`, from any thread."""

    def __init__(self) -> None:
        self._woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def wake(self) -> None:
        """End the sleep, or the next one if none is on now."""
        os.eventfd_write(self._woken, 1)

    def sleep(self, seconds: float, watched: Iterable[int] = ()) -> None:
        """Sleep for at most ``seconds``, or until one of the processes with the pids ``watched`` has ended."""
        descriptors = []
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        try:
            for pid in watched:
                try:
                    descriptors.append(os.pidfd_open(pid))
                except OSError:  # it has ended
                    return
                poll.register(descriptors[-1], select.POLLIN)
            poll.poll(seconds * 1000)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
            with suppress(BlockingIOError):
                os.eventfd_read(self._woken)


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
    yield from (found.pid for found in processes() if found.session == leader and found.lives)


def end_session(leader: Identity, grace_seconds: float = 10.0, *marks: Mapping[str, str]) -> None:
    """End every process of the session of ``leader``: SIGTERM, up to ``grace_seconds``, SIGKILL until none is left.

    Once the leader is gone, its pid may be the id of a stranger's session. Then the session is ended only if one of its
    members has all variables of one of the ``marks`` in its environment: nobody can enter another's session.
    """
    if not _is_own(leader, marks):
        return
    deadline = time.monotonic() + grace_seconds
    _signal_all(leader.pid, signal.SIGTERM)
    while any(True for _ in session_members(leader.pid)):
        if time.monotonic() > deadline:
            _signal_all(leader.pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def kill_marked(environment: Mapping[str, str]) -> None:
    """Kill every process whose environment has all of these, wherever it has gone: what left its session, too."""
    while found := [process.pid for process in processes() if _marked(process.pid, environment) and process.lives]:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def _is_own(leader: Identity, marks: Sequence[Mapping[str, str]]) -> bool:
    """Whether the processes whose session id is the leader's pid are of the session that it began."""
    if leader.stat() is not None:  # a pid is not given away while its process lives or has not been reaped
        return True
    return any(_marked(pid, mark) for pid in session_members(leader.pid) for mark in marks)


def _marked(pid: int, environment: Mapping[str, str]) -> bool:
    """Whether a process, which is not this one, has all of these in its environment."""
    marks = {os.fsencode(f"{name}={value}") for name, value in environment.items()}
    try:
        return pid != os.getpid() and marks <= set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    except OSError:  # it ended, or it is another user's
        return False


def _signal_all(leader: int, number: signal.Signals) -> None:
    for pid in session_members(leader):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


class Child:
    """A forked child as its shim needs it: that part of :class:`subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative for the signal that killed it; None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises ``subprocess.TimeoutExpired``."""
        ends = os.pidfd_open(self.pid)
        try:
            select.select([ends], [], [], timeout)
        finally:
            os.close(ends)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("driver", timeout or 0.0)
        return code

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
