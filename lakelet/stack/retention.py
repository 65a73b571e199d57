"""What is thrown away, and when: old logs, Spark's event logs and work folders, ended runs' folders.

Abandoned staging objects are not here: only the control process knows which are abandoned, and it collects them.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import ENDED, RunState

LOG_LIMIT = 32 << 20  # a component's log beyond that many bytes keeps its last part
LOG_KEEP = 4 << 20
DAY = 24 * 3600.0
LAUNCH_SECONDS = 300.0  # a folder whose run has not said its state may be that of a run being launched
SETTLE_SECONDS = 60.0  # in which the control process reads how a run ended, and the history server its events


@dataclass
class Freed:
    """What a sweep removed: files or folders, and bytes."""

    items: int = 0
    bytes: int = 0


def sweep(workspace: Workspace, *, everything: bool = False, now: float | None = None) -> Freed:
    """Remove what is older than ``log_retention_days``, or with ``everything`` all that nothing uses now.

    What belongs to a run that has not ended, or to an executor that still writes, is never touched.
    """
    freed = Freed()
    age = SETTLE_SECONDS if everything else workspace.settings.number("log_retention_days") * DAY
    before = (time.time() if now is None else now) - age
    for path in _old(workspace, before):
        freed.bytes += _size(path)
        freed.items += 1
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    for log in workspace.logs.glob("*.log"):
        keep = 0 if everything else LOG_KEEP
        size = _size(log)
        if size > (0 if everything else LOG_LIMIT):
            _shorten(log, keep)
            freed.items += 1
            freed.bytes += size - keep
    return freed


def _old(workspace: Workspace, before: float) -> Iterator[Path]:
    live = {folder for folder in workspace.runs.glob("*") if _live(folder)}
    for folder in workspace.runs.glob("*"):
        if folder not in live and _latest(folder) < before:
            yield folder
    # Which application's folders belong to a live run is not known here: while there is one, leave all the young.
    young = min(before, time.time() - DAY) if live else before
    for pattern in ("events/*", "work/*/app-*", "local/*"):
        for path in workspace.spark.glob(pattern):
            if _latest(path) < young:
                yield path


def _live(run: Path) -> bool:
    """Whether the run has not ended. Its process does not tell: a run waits before it has one, and its writes may wait
    for the object store after that."""
    try:
        lines = (run / "events.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    for line in reversed(lines):  # the last may be torn: the machine lost power while it was written
        with suppress(ValueError, KeyError, TypeError):
            return RunState(json.loads(line)["state"]) not in ENDED
    return time.time() - _latest(run) < LAUNCH_SECONDS


def _latest(path: Path) -> float:
    """When something in it was last written (Unix seconds)."""
    return max((found.st_mtime for found in _stats(path)), default=math.inf)


def _size(path: Path) -> int:
    return sum(found.st_size for found in _stats(path) if stat.S_ISREG(found.st_mode))


def _stats(path: Path) -> Iterator[os.stat_result]:
    """Of it and of all that is in it, but for what vanishes meanwhile: Spark cleans up, too."""
    with suppress(FileNotFoundError):
        yield path.lstat()
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):
                yield os.lstat(os.path.join(folder, name))


def _shorten(log: Path, keep: int) -> None:
    """Cut the beginning off a log that a process has open for appending: it goes on at the new end."""
    with open(log, "r+b") as file:
        file.seek(-min(keep, file.seek(0, os.SEEK_END)), os.SEEK_END)
        rest = file.read()
        file.seek(0)
        file.write(rest)
        file.truncate()
