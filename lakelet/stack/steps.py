"""Run one program of an installation: line by line, ended when the installation is."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lakelet.stack.download import Cancelled
from lakelet.workspace.errors import InstallError

TAIL_LINES = 20


def run_step(
    argv: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    cancelled: threading.Event,
    explain: Callable[[Sequence[str], Sequence[str]], str],
    on_line: Callable[[str], None] = lambda line: None,
) -> None:
    """Run ``argv`` to its end; ``on_line`` sees what it writes.

    When it fails, ``explain(argv, last lines)`` makes the sentence of the
    :class:`~lakelet.workspace.errors.InstallError`. When cancelled, it is ended with everything that it started.
    """
    process = subprocess.Popen(
        argv, cwd=cwd, env=dict(environment), text=True, errors="replace", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    watcher = threading.Thread(target=_end_when, args=(process, cancelled), daemon=True)
    watcher.start()
    tail: list[str] = []
    for line in process.stdout or ():
        tail = [*tail[-TAIL_LINES:], line.strip()]
        if not cancelled.is_set():
            on_line(line)
    code = process.wait()
    watcher.join()
    if cancelled.is_set():
        raise Cancelled
    if code:
        raise InstallError(explain(argv, tail))


def _end_when(process: subprocess.Popen[str], cancelled: threading.Event) -> None:
    while process.poll() is None:
        if cancelled.wait(0.1):
            os.killpg(process.pid, signal.SIGTERM)
            return
