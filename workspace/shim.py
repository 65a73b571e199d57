"""The process between a run and the control process: it waits for the driver and writes down how it ended.

    python -m workspace.shim FOLDER TIMEOUT_SECONDS -- ARGV…

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

import psutil

from workspace.files import write_atomic
from workspace.process import POLL_SECONDS, Identity, session_members, spawn

GRACE_SECONDS = 10.0
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


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
    # -P: a module in the run's folder must not stand in for one of ours.
    shim = [sys.executable, "-P", "-m", "workspace.shim", str(folder), str(timeout_seconds), "--", *argv]
    process = spawn(shim, env=env, cwd=cwd, stdout=folder / "shim.log")
    return Identity.of(process.pid)


def read_running(folder: Path) -> Running | None:
    """Who runs in ``folder``, or None before its shim has come up."""
    try:
        value = json.loads((folder / "process.json").read_text())
    except FileNotFoundError:
        return None
    return Running(Identity.from_json(value), value.get("driver"))


def read_exit(folder: Path) -> Exit | None:
    """How the driver of ``folder`` ended, or None while it runs (or when its shim was killed)."""
    try:
        return Exit(**json.loads((folder / "exit.json").read_text()))
    except FileNotFoundError:
        return None


def main(arguments: Sequence[str]) -> int:
    """Supervise one driver, then write ``exit.json``; a failed driver is no failure of the shim."""
    name, timeout, separator, *argv = arguments
    if separator != "--" or not argv:
        raise SystemExit("usage: python -m workspace.shim FOLDER TIMEOUT_SECONDS -- ARGV…")
    folder = Path(name)
    stop = _Stop()
    signal.signal(signal.SIGTERM, stop)
    if not _claim(folder):
        return 0
    _adopt_orphans()
    outcome = _supervise(folder, float(timeout), argv, stop)
    write_atomic(folder / "exit.json", json.dumps(asdict(outcome)).encode())
    return 0


class _Stop:
    asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def _claim(folder: Path) -> bool:
    draft = folder / f".process.{os.getpid()}"
    write_atomic(draft, json.dumps(Identity.mine().to_json()).encode())
    try:
        os.link(draft, folder / "process.json")
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _adopt_orphans() -> None:
    # A driver's child that leaves our session becomes our child when its parent dies, so it can be ended too.
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _supervise(folder: Path, timeout: float, argv: Sequence[str], stop: _Stop) -> Exit:
    deadline = time.monotonic() + timeout
    with open(folder / "stdout.log", "ab") as out, open(folder / "stderr.log", "ab") as err:
        try:
            driver = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        except OSError as error:
            err.write(f"{argv[0]} could not be started: {error}\n".encode())
            return Exit(127, time.time())
    write_atomic(folder / "process.json", json.dumps(Identity.mine().to_json() | {"driver": driver.pid}).encode())
    timed_out = stopped = False
    while True:
        try:
            code = driver.wait(timeout=POLL_SECONDS)
            # Who ends the whole session signals the driver too, which may be gone before we look.
            stopped = stop.asked and code != 0
            break
        except subprocess.TimeoutExpired:
            timed_out = time.monotonic() > deadline
            stopped = stop.asked and not timed_out
            if timed_out or stopped:
                code = _end(driver)
                break
    _end_strays()
    return Exit(code, time.time(), timed_out, stopped)


def _end(driver: subprocess.Popen[bytes]) -> int:
    driver.terminate()
    try:
        return driver.wait(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        driver.kill()
        return driver.wait()


def _end_strays() -> None:
    """Kill what the driver left behind (a JVM whose Python died, say), in our session or out of it."""
    while strays := set(_strays()):
        for pid in strays:
            try:
                psutil.Process(pid).kill()
            except psutil.NoSuchProcess:
                continue
        time.sleep(POLL_SECONDS / 5)
    _reap()


def _strays() -> Iterator[int]:
    me = psutil.Process()
    yield from (pid for pid in session_members(me.pid) if pid != me.pid)
    for child in me.children(recursive=True):
        try:
            if child.status() != psutil.STATUS_ZOMBIE:
                yield child.pid
        except psutil.NoSuchProcess:
            continue


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
