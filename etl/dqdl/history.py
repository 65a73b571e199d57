"""Earlier values of metrics, which dynamic rules compare with: a file for each evaluation context of a job."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from etl.publishing import run_id
from workspace import effects
from workspace.files import write_atomic
from workspace.paths import Workspace

FOLDER = "data-quality"  # of the state folder
KEPT = 1000  # evaluations
JOB_VARIABLE = "LAKELET_JOB_NAME"


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
            self._read = self._lines()
        return [one["metrics"][metric] for one in reversed(self._read) if metric in one["metrics"]]

    def add(self, metrics: Mapping[str, float]) -> None:
        """Keep what this evaluation has found; of very many, the latest :data:`KEPT` stay."""
        effects.mark("kept metrics of data quality")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            line = {"at": time.time(), "run_id": run_id(), "metrics": dict(metrics)}
            lines = [*self._lines()[-KEPT + 1 :], line]
            write_atomic(self._path, "".join(json.dumps(one) + "\n" for one in lines).encode())
        finally:
            os.close(lock)

    def _lines(self) -> list[dict[str, Any]]:
        try:
            return [json.loads(line) for line in self._path.read_text().splitlines()]
        except FileNotFoundError:
            return []
