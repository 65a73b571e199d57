"""The process between a run and the control process: it waits for the driver and writes down how it ended.

    python -m workspace.shim FOLDER TIMEOUT_SECONDS -- ARGV…

It leads a session of its own, so it outlives a control process that dies. FOLDER gets ``process.json`` (who runs),
``stdout.log`` and ``stderr.log`` (what the driver says) and, last and atomically, ``exit.json`` (how it ended).
SIGTERM stops the driver. Nothing of the session is left running when ``exit.json`` appears.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

import psutil

from workspace.files import write_atomic
from workspace.process import POLL_SECONDS, Identity, session_members, spawn

GRACE_SECONDS = 10.0


@dataclass(frozen=True)
class Exit:
    """How a driver ended: its exit code (negative: the signal that killed it), when, and whether we ended it."""

    exit_code: int
    ended_at: float
    timed_out: bool = False
    stopped: bool = False


def launch(folder: Path, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout_seconds: float) -> Identity:
    """Start ``argv`` under a shim in ``folder``; returns the shim's identity, which leads the run's session."""
    folder.mkdir(parents=True, exist_ok=True)
    shim = [sys.executable, "-m", "workspace.shim", str(folder), str(timeout_seconds), "--", *argv]
    process = spawn(shim, env=env, cwd=cwd, stdout=folder / "shim.log")
    return Identity.of(process.pid)


def read_exit(folder: Path) -> Exit | None:
    """How the driver of ``folder`` ended, or None while it runs (or when its shim was killed)."""
    try:
        return Exit(**json.loads((folder / "exit.json").read_text()))
    except FileNotFoundError:
        return None


def main(arguments: Sequence[str]) -> int:
    """Supervise one driver, then write ``exit.json``; a failed driver is no failure of the shim."""
    folder, timeout, separator, *argv = arguments
    if separator != "--" or not argv:
        raise SystemExit("usage: python -m workspace.shim FOLDER TIMEOUT_SECONDS -- ARGV…")
    outcome = _supervise(Path(folder), float(timeout), argv)
    write_atomic(Path(folder) / "exit.json", json.dumps(asdict(outcome)).encode())
    return 0


def _supervise(folder: Path, timeout: float, argv: Sequence[str]) -> Exit:
    asked_to_stop = False

    def on_term(number: int, frame: FrameType | None) -> None:
        nonlocal asked_to_stop
        asked_to_stop = True

    signal.signal(signal.SIGTERM, on_term)
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
            break
        except subprocess.TimeoutExpired:
            timed_out = time.monotonic() > deadline
            stopped = asked_to_stop
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
    """Kill what the driver left behind in our session (a JVM whose Python died, say)."""
    me = os.getpid()
    while strays := [pid for pid in session_members(me) if pid != me]:
        for pid in strays:
            try:
                psutil.Process(pid).kill()
            except psutil.NoSuchProcess:
                continue
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
