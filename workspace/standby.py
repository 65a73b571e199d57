"""A shim whose driver starts before there is a run for it.

    python -m lakelet.workspace.standby FOLDER -- ARGV…

The driver starts in ``FOLDER/work`` and waits at ``FOLDER/line``, a named pipe. Standard input brings the one order: a
line of JSON, ``{"folder": …, "timeout": seconds}``. On it this process claims the run of that folder, moves the
driver's output and working folder there (open files go along), says "1" on standard output, tells the driver the
folder through the pipe, and is from then on the shim of that run as any other (:mod:`lakelet.workspace.shim`).

Until then it belongs to whoever started it: when standard input ends, on SIGTERM, or when the driver dies, it ends with
all that it started. Its folder goes then, but for the logs of a driver that died by itself. A driver that has a run
before it is ready needs the folder still: as long as this process lives, it holds a lock on ``shim.log``
(:func:`is_lived_in`).
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from lakelet.workspace import shim
from lakelet.workspace.process import Identity

LINE = "line"
LOGS = ("stdout.log", "stderr.log")
_LOG = "shim.log"


class Standby:
    """The owner's side of one: whether its driver still waits, and the order."""

    serves_many = False  # runs; one that has taken its only one is let go of

    def __init__(self, folder: Path, argv: Sequence[str], *, env: Mapping[str, str]) -> None:
        """Start ``argv`` under a standby in ``folder``, which must not be there yet. Raises ``OSError``."""
        self.folder = folder
        folder.mkdir(parents=True, mode=0o700)
        with open(folder / _LOG, "ab") as log:
            self._process = subprocess.Popen(
                self.words(folder, argv), env=dict(env), cwd=folder, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self.identity = Identity.of(self._process.pid)

    @staticmethod
    def words(folder: Path, argv: Sequence[str]) -> list[str]:
        """The whole argv, for a driver's own one."""
        return [sys.executable, "-I", "-m", "lakelet.workspace.standby", str(folder), "--", *argv]

    @property
    def waits(self) -> bool:
        """Whether it still lives, with its driver."""
        return self._process.poll() is None

    def order(self, folder: Path, timeout_seconds: float) -> Identity | None:
        """Give it the run in ``folder``, which has a folder but no ``stdout.log``, ``stderr.log`` or ``work`` yet.

        Returns the shim that took the run, or None; this process may have taken one and died before it answered.
        """
        answer = self._ask(folder, timeout_seconds, lambda stream: stream.read(1))
        return self.identity if answer == b"1" else None

    def _ask(self, folder: Path, timeout_seconds: float, read: Callable[[IO[bytes]], bytes]) -> bytes:
        """Send the order and read what it says to it; nothing when it is gone."""
        order = {"folder": str(folder), "timeout": timeout_seconds}
        try:
            _stream(self._process.stdin).write(json.dumps(order).encode() + b"\n")
            _stream(self._process.stdin).flush()
            return read(_stream(self._process.stdout))
        except (OSError, ValueError):  # of a stream that :meth:`end` has closed
            return b""

    def end(self) -> None:
        """Let go of it: one that waits ends; one that has a run goes on with that."""
        for stream in (self._process.stdin, self._process.stdout):
            try:
                _stream(stream).close()
            except OSError:
                continue

    def wait(self, seconds: float) -> None:
        """Wait for its end. Raises ``subprocess.TimeoutExpired``."""
        self._process.wait(seconds)


def is_lived_in(folder: Path) -> bool:
    """Whether the standby of a folder lives, its owner or not: its driver may have a run to get ready for."""
    try:
        with open(folder / _LOG, "rb") as log:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise OSError("the standby has no such stream")
    return stream


def main(arguments: Sequence[str]) -> int:
    """Start the driver, wait for the order, attend to the run."""
    name, separator, *argv = arguments
    if separator != "--" or not argv:
        raise SystemExit("usage: python -m lakelet.workspace.standby FOLDER -- ARGV…")
    home = Path(name)
    fcntl.flock(sys.stderr.fileno(), fcntl.LOCK_EX)  # its shim.log
    stop = shim.Stop()
    signal.signal(signal.SIGTERM, stop)
    shim.adopt_orphans()
    (home / "work").mkdir(mode=0o700)
    os.mkfifo(home / LINE, 0o600)
    line = os.open(home / LINE, os.O_RDWR)  # so that neither side ever waits for the other to open it
    driver = shim.start_driver(home, argv, home / "work")
    if driver is None:
        return 1
    order = _order(driver)
    died = driver.poll() is not None
    if order and _take(home, Path(order["folder"])):
        deadline = time.monotonic() + float(order["timeout"])
        os.write(sys.stdout.fileno(), b"1")
        os.write(line, order["folder"].encode() + b"\n")
        shim.attend(Path(order["folder"]), driver, deadline, stop)
    else:
        shim.end_driver(driver)
        shim.end_strays()
        if died:
            return 1  # what it said stays
    shutil.rmtree(home, ignore_errors=True)
    return 0


def _order(driver: subprocess.Popen[bytes]) -> dict[str, str] | None:
    """The order; None when there will be none: the owner is gone, a SIGTERM came, or the driver died."""
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    ends = os.pidfd_open(driver.pid)
    try:
        ready, _, _ = select.select([sys.stdin.fileno(), woken, ends], [], [])
        if woken in ready or ends in ready:
            return None
        words = sys.stdin.buffer.readline()
        return dict(json.loads(words)) if words.endswith(b"\n") else None
    finally:
        signal.set_wakeup_fd(-1)
        for descriptor in (woken, wake, ends):
            os.close(descriptor)


def _take(home: Path, folder: Path) -> bool:
    if not shim.claim(folder):
        return False
    for name in LOGS:
        os.truncate(home / name, 0)  # what getting ready had to say is not the run's
    for name in (*LOGS, "work"):
        os.rename(home / name, folder / name)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
