"""A Python that gets ready once, and is forked for each of its runs.

It is to Python what :mod:`lakelet.workspace.standby` is to a program that cannot be forked, such as a JVM. Its program
calls :func:`await_run`, which returns in a new process for each run: in the run's driver. Between the two stands a shim
(:mod:`lakelet.workspace.shim`), which is forked as well and leads a session of its own, so a run outlives its template.
The template itself runs no script: a run finds what got ready, and nothing of another run.

Standard input brings the orders, a line of JSON each, ``{"folder": …, "timeout": seconds}``; the answer on standard
output is a line as well, the identity of the shim that has claimed the run, or ``null``. When standard input ends, the
template does.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lakelet.workspace import shim
from lakelet.workspace.process import Child, Identity
from lakelet.workspace.standby import LOGS, Standby


class Template(Standby):
    """The owner's side of one; safe for many threads."""

    serves_many = True

    def __init__(self, folder: Path, argv: Sequence[str], *, env: Mapping[str, str]) -> None:
        super().__init__(folder, argv, env=env)
        self._turn = threading.Lock()

    @staticmethod
    def words(folder: Path, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def order(self, folder: Path, timeout_seconds: float) -> Identity | None:
        with self._turn:
            answer = self._ask(folder, timeout_seconds, lambda stream: stream.readline())
        return Identity.from_json(json.loads(answer)) if answer and answer != b"null\n" else None

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        if not self._process.returncode:  # what one that died has said stays
            shutil.rmtree(self.folder, ignore_errors=True)


def await_run(prepare: Callable[[], None]) -> Path:
    """Get ready and wait. Returns the folder of a run in its driver, whose output goes there and which works in it."""
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what getting ready has to say is no answer
    prepare()
    # What is there by now stays: a fork that looked through it for garbage, at its end above all, would copy it.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # shims are waited for by nobody
    while (line := sys.stdin.buffer.readline()).endswith(b"\n"):
        order = json.loads(line)
        if not os.fork() and _is_driver(order, answers):
            return Path(order["folder"])
    raise SystemExit(0)


def _is_driver(order: dict[str, Any], answers: int) -> bool:
    """What goes on in a fork: True in the driver; the shim never returns."""
    try:
        driver = _attended(Path(order["folder"]), float(order["timeout"]), answers)
    except BaseException:  # whatever it is, this process must not go on as another template
        traceback.print_exc()
        os._exit(1)
    if driver:
        return True
    os._exit(0)


def _attended(folder: Path, timeout_seconds: float, answers: int) -> bool:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    stop = shim.Stop()
    signal.signal(signal.SIGTERM, stop)
    shim.adopt_orphans()
    deadline = time.monotonic() + timeout_seconds
    _lead("/dev/null", os.O_RDONLY, sys.stdin.fileno())
    claimed = shim.claim(folder)
    os.write(answers, json.dumps(Identity.mine().to_json() if claimed else None).encode() + b"\n")
    os.close(answers)
    if not claimed:
        return False
    work = folder / "work"
    work.mkdir(exist_ok=True)
    for name, stream in zip(LOGS, (sys.stdout, sys.stderr), strict=True):
        _lead(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, stream.fileno())
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.chdir(work)
        return True
    _lead(folder / "shim.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, sys.stderr.fileno())
    shim.attend(folder, Child(pid), deadline, stop)
    return False


def _lead(path: Path | str, flags: int, descriptor: int) -> None:
    """Let a descriptor be that of a file."""
    opened = os.open(path, flags, 0o644)
    os.dup2(opened, descriptor)
    os.close(opened)
