"""The process between a run and the control process: it waits for the driver and writes down how it ended.

    python -m lakelet.workspace.shim FOLDER TIMEOUT_SECONDS -- ARGV…

It leads a session of its own, so it outlives a control process that dies. FOLDER gets ``process.json`` (who runs),
``stdout.log`` and ``stderr.log`` (what the driver says) and, last and atomically, ``exit.json`` (how it ended).
SIGTERM stops the driver. Nothing that the driver started is left running when ``exit.json`` appears.

``process.json`` is also the claim on the run: of two shims launched for one folder (a control process that died
while launching does not know, and launches again) the second finds it there and leaves.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from lakelet.workspace.files import write_atomic
from lakelet.workspace.output import Output
from lakelet.workspace.process import Child, Identity, processes, spawn

GRACE_SECONDS = 10.0
LOOK_SECONDS = 1.0  # between two looks at how much the driver has written
STRAYS_SECONDS = 0.01  # between two looks at whether what was killed is gone
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)

Driver = subprocess.Popen[bytes] | Child
T = TypeVar("T")

_damaged: set[Path] = set()  # records that the log has a warning of


@dataclass(frozen=True)
class Exit:
    """How a driver ended: its exit code (negative: the signal that killed it), when, and whether we ended it."""

    exit_code: int
    ended_at: float
    timed_out: bool = False
    stopped: bool = False


@dataclass(frozen=True)
class Running:
    """Who runs: the shim, which leads the session, and its driver's pid once that is started."""

    shim: Identity
    driver: int | None


def launch(folder: Path, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout_seconds: float) -> Identity:
    """Start ``argv`` under a shim in ``folder``; returns the shim's identity, which leads the run's session."""
    folder.mkdir(parents=True, exist_ok=True)
    # -I: no module in the run's folder, nor on the script's PYTHONPATH, stands in for one of ours.
    shim = [sys.executable, "-I", "-m", "lakelet.workspace.shim", str(folder), str(timeout_seconds), "--", *argv]
    process = spawn(shim, env=env, cwd=cwd, stdout=folder / "shim.log")
    return Identity.of(process.pid)


def read_running(folder: Path) -> Running | None:
    """Who runs in ``folder``, or None before its shim has come up."""
    return _read(folder / "process.json", lambda value: Running(Identity.from_json(value), value.get("driver")))


def read_exit(folder: Path) -> Exit | None:
    """How the driver of ``folder`` ended, or None while it runs (or when its shim was killed)."""
    return _read(folder / "exit.json", _exit_of)


def _exit_of(value: dict[str, Any]) -> Exit:
    record = Exit(**value)
    return replace(record, exit_code=int(record.exit_code), ended_at=float(record.ended_at))


def _read(path: Path, make: Callable[[dict[str, Any]], T]) -> T | None:
    """What a record says; one that is damaged counts as absent, which the log says once."""
    try:
        return make(json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        if path not in _damaged:
            import logging  # not at the start of every run's shim

            _damaged.add(path)
            logging.getLogger(__name__).warning(
                "%s is damaged and is ignored (%s: %s)", path, type(error).__name__, error
            )
        return None


def main(arguments: Sequence[str]) -> int:
    """Supervise one driver, then write ``exit.json``; a failed driver is no failure of the shim."""
    name, timeout, separator, *argv = arguments
    if separator != "--" or not argv:
        raise SystemExit("usage: python -m lakelet.workspace.shim FOLDER TIMEOUT_SECONDS -- ARGV…")
    folder = Path(name)
    stop = Stop()
    signal.signal(signal.SIGTERM, stop)
    if not claim(folder):
        return 0
    adopt_orphans()
    deadline = time.monotonic() + float(timeout)
    driver = start_driver(folder, argv)
    attend(folder, driver, deadline, stop)
    return 0


class Stop:
    """The handler of SIGTERM: it only takes note."""

    asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def claim(folder: Path) -> bool:
    """Make this process the shim of the run in ``folder``; False when it has one already."""
    draft = folder / f".process.{os.getpid()}"
    write_atomic(draft, json.dumps(Identity.mine().to_json()).encode())
    try:
        os.link(draft, folder / "process.json")
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def adopt_orphans() -> None:
    """A driver's child that leaves our session becomes our child when its parent dies, so it can be ended too."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start_driver(folder: Path, argv: Sequence[str], cwd: Path | None = None) -> subprocess.Popen[bytes] | None:
    """Start a driver whose output goes to ``folder``; None, and a line there, when it cannot be started."""
    with open(folder / "stdout.log", "ab") as out, open(folder / "stderr.log", "ab") as err:
        try:
            return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd)
        except OSError as error:
            err.write(f"{argv[0]} could not be started: {error}\n".encode())
            return None


def attend(folder: Path, driver: Driver | None, deadline: float, stop: Stop) -> None:
    """Wait for the driver of a run that is ours, end it when it is time (``time.monotonic``), write ``exit.json``."""
    outcome = Exit(127, time.time())
    if driver is not None:
        write_atomic(folder / "process.json", json.dumps(Identity.mine().to_json() | {"driver": driver.pid}).encode())
        output = Output.of(folder)
        code, timed_out, stopped = _wait(driver, deadline, stop, output)
        end_strays()
        output.close()
        outcome = Exit(code, time.time(), timed_out, stopped)
    write_atomic(folder / "exit.json", json.dumps(asdict(outcome)).encode())


def _wait(driver: Driver, deadline: float, stop: Stop, output: Output) -> tuple[int, bool, bool]:
    # From here on both are waited for, not caught; the driver, which inherits what is blocked, has started before.
    awaited = {signal.SIGCHLD, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    while True:
        code = driver.poll()
        remaining = deadline - time.monotonic()
        if code is not None:
            # Who ends the whole session signals the driver too, which may be gone before we look.
            return code, False, code != 0 and (stop.asked or signal.SIGTERM in signal.sigpending())
        if stop.asked or remaining <= 0:
            return end_driver(driver), not stop.asked, stop.asked
        received = signal.sigtimedwait(awaited, min(remaining, LOOK_SECONDS))
        output.trim()
        stop.asked |= received is not None and received.si_signo == signal.SIGTERM


def end_driver(driver: Driver) -> int:
    """SIGTERM, a grace, SIGKILL; returns its exit code."""
    driver.terminate()
    try:
        return driver.wait(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        driver.kill()
        return driver.wait()


def end_strays() -> None:
    """Kill what the driver left behind (a JVM whose Python died, say), in our session or out of it."""
    while strays := _strays():
        for pid in strays:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(STRAYS_SECONDS)
    _reap()


def _strays() -> set[int]:
    """The live members of our session, and our live descendants wherever they are; without ourselves."""
    me = os.getpid()
    children: dict[int, list[int]] = {}
    living = set()
    found = {me}
    for process in processes():
        children.setdefault(process.parent, []).append(process.pid)
        if process.lives:
            living.add(process.pid)
            if process.session == me:
                found.add(process.pid)
    unseen = [me]
    while unseen:
        more = children.get(unseen.pop(), [])
        found.update(more)
        unseen += more
    return found & living - {me}


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
