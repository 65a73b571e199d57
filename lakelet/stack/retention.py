"""What is thrown away, and when: old logs, Spark's event logs and work folders, ended runs' folders.

Abandoned staging objects are not here: only the control process knows which are abandoned, and it collects them.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workspace.paths import Workspace
from workspace.process import Identity

LOG_LIMIT = 32 << 20  # a component's log beyond that many bytes keeps its last part
LOG_KEEP = 4 << 20
DAY = 24 * 3600.0
LAUNCH_SECONDS = 300.0
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
        size = log.stat().st_size
        keep = 0 if everything else LOG_KEEP
        if size > (0 if everything else LOG_LIMIT):
            _shorten(log, keep)
            freed.items += 1
            freed.bytes += size - keep
    return freed


def _old(workspace: Workspace, before: float) -> Iterator[Path]:
    live = {folder for folder in workspace.runs.glob("*") if _alive(folder)}
    for folder in workspace.runs.glob("*"):
        if folder not in live and _latest(folder) < before:
            yield folder
    # Which application's folders belong to a live run is not known here: while there is one, leave all the young.
    young = min(before, time.time() - DAY) if live else before
    for pattern in ("events/*", "work/*/app-*", "local/*"):
        for path in workspace.spark.glob(pattern):
            if _latest(path) < young:
                yield path


def _alive(run: Path) -> bool:
    """Whether the run's shim lives; one that has just been launched may not have said so yet."""
    try:
        return Identity.from_json(json.loads((run / "process.json").read_text())).alive()
    except (FileNotFoundError, ValueError, KeyError):
        return time.time() - _latest(run) < LAUNCH_SECONDS and not (run / "exit.json").exists()


def _latest(path: Path) -> float:
    """When something in it was last written."""
    times = [path.stat().st_mtime]
    times += [entry.lstat().st_mtime for entry in path.rglob("*")] if path.is_dir() else []
    return max(times)


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(entry.lstat().st_size for entry in path.rglob("*") if entry.is_file())


def _shorten(log: Path, keep: int) -> None:
    """Cut the beginning off a log that a process has open for appending: it goes on at the new end."""
    with open(log, "r+b") as file:
        file.seek(-min(keep, file.seek(0, os.SEEK_END)), os.SEEK_END)
        rest = file.read()
        file.seek(0)
        file.write(rest)
        file.truncate()
