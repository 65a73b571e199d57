"""Earlier values of metrics, which dynamic rules compare with: a file for each evaluation context of a job."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakelet.etl.publishing import run_id
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace

FOLDER = "data-quality"  # of the state folder
KEPT = 1000  # evaluations
JOB_VARIABLE = "LAKELET_JOB_NAME"
_added: list[tuple[Path, str]] = []  # by this process: a file, and its line


class History:
    """What the evaluations of a context have found: a file below :data:`FOLDER`."""

    def __init__(self, workspace: Workspace, context: str) -> None:
        self.context = context
        self.job = os.environ.get(JOB_VARIABLE, "")
        name = re.sub(r"[^A-Za-z0-9-]+", "_", f"{self.job}-{context}")[:80]
        told = hashlib.sha256(f"{self.job}\n{context}".encode()).hexdigest()[:12]
        self._path: Path = workspace.state / FOLDER / f"{name}-{told}.jsonl"
        self._read: list[dict[str, Any]] | None = None

    def past(self, metric: str) -> Sequence[float]:
        """The values of a metric, the latest first."""
        if self._read is None:
            self._read = [json.loads(line) for line in _lines(self._path)]
        return [one["metrics"][metric] for one in reversed(self._read) if metric in one["metrics"]]

    def add(self, metrics: Mapping[str, float]) -> None:
        """Keep what this evaluation has found; of very many, the latest :data:`KEPT` stay."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"at": time.time(), "run_id": run_id(), "metrics": dict(metrics)})
        with _locked(self._path):
            write_atomic(self._path, _text([*_lines(self._path)[-KEPT + 1 :], line]))
        _added.append((self._path, line))


def forget() -> None:
    """Begin anew, in a run that goes from Sail to Spark: what this process has kept is kept again there."""
    while _added:
        path, line = _added.pop()
        with _locked(path):
            write_atomic(path, _text([one for one in _lines(path) if one != line]))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _text(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
