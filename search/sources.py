"""The files whose lines are shipped, and what each says about its lines: whose run, which executor, which component."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import read_application

EVENTS = "event"
UNCLAIMED_SECONDS = 60.0  # an executor's log waits so long for a run to say that the application is its own


@dataclass(frozen=True)
class LogFile:
    """One file to ship: its name relative to the state folder, and the fields that all of its documents share."""

    path: Path
    name: str
    fields: Mapping[str, Any]

    @property
    def is_events(self) -> bool:
        return bool(self.fields["stream"] == EVENTS)


@dataclass
class Sources:
    """Finds the log files of a workspace; remembers what does not change (whose run, which application)."""

    workspace: Workspace
    _runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    _applications: dict[str, str] = field(default_factory=dict)

    def files(self) -> Iterator[LogFile]:
        """Every log file there is now: runs first, so that executors find theirs."""
        yield from self._run_files()
        yield from self._executor_files()
        for path in sorted(self.workspace.logs.glob("*.log")):
            yield self._file(path, source=path.stem, stream="stdout")

    def _run_files(self) -> Iterator[LogFile]:
        streams = {"stdout.log": "stdout", "stderr.log": "stderr", "shim.log": "stderr", "events.jsonl": EVENTS}
        for folder in sorted(self.workspace.runs.glob("*/")):
            fields = self._run(folder)
            for name, stream in streams.items():
                if (path := folder / name).exists():
                    source = {"events.jsonl": "control", "shim.log": "shim"}.get(name, "driver")
                    yield self._file(path, source=source, stream=stream, **fields)

    def _run(self, folder: Path) -> dict[str, Any]:
        """A run's id, job and attempt, from the first of its events; its application id once it has one."""
        fields = self._runs.get(folder.name)
        if fields is None:
            fields = {"run_id": folder.name}
            try:
                with open(folder / "events.jsonl", encoding="utf-8") as file:
                    event = json.loads(file.readline())
                fields |= {"job": event["name"], "attempt": int(event["attempt"])}
                self._runs[folder.name] = fields
            except (OSError, ValueError, KeyError, TypeError):
                return fields  # nobody has said yet; ask again
        if "application_id" not in fields and (application := read_application(folder)):
            fields["application_id"] = application
            self._applications[application] = folder.name
        return fields

    def _executor_files(self) -> Iterator[LogFile]:
        for path in sorted((self.workspace.spark / "work").glob("**/app-*/*/std*")):
            application, executor = path.parts[-3:-1]
            if path.name not in ("stdout", "stderr") or not re.fullmatch(r"\d+", executor):
                continue
            run = self._runs.get(self._applications.get(application, ""))
            if run is None:
                try:
                    if time.time() - path.parent.parent.stat().st_mtime < UNCLAIMED_SECONDS:
                        continue
                except OSError:
                    continue
            fields = {**(run or {}), "application_id": application, "executor_id": executor}
            yield self._file(path, source="executor", stream=path.name, **fields)

    def _file(self, path: Path, **fields: Any) -> LogFile:
        return LogFile(path, str(path.relative_to(self.workspace.state)), fields)
