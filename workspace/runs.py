"""One run record and its states, for every kind of run: jobs and crawls now, queries and quality later."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    """Glue's JobRunState values (AWS Glue Web API, JobRun), which every kind of run shares."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"
    ERROR = "ERROR"


ENDED = frozenset({RunState.STOPPED, RunState.SUCCEEDED, RunState.FAILED, RunState.TIMEOUT, RunState.ERROR})

NEXT: Mapping[RunState, frozenset[RunState]] = {
    RunState.WAITING: frozenset({RunState.STARTING, RunState.STOPPED, RunState.ERROR}),
    RunState.STARTING: frozenset({RunState.RUNNING, RunState.STOPPING, *ENDED}),
    RunState.RUNNING: frozenset({RunState.STOPPING, *ENDED}),
    RunState.STOPPING: frozenset(ENDED),
}


@dataclass(frozen=True)
class Run:
    """One attempt of one run. Times are Unix seconds; memory is MiB; ``arguments`` are Glue's ``--name: value``.

    ``kind`` says whose run it is ("job", "crawl"), ``name`` the job or crawler. ``spec`` is what the kind's own
    launcher needs to start it (script, argv, engine) and is opaque here.
    """

    id: str
    kind: str
    name: str
    state: RunState = RunState.WAITING
    reason: str = ""
    attempt: int = 0
    previous_id: str | None = None
    arguments: dict[str, str] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    cores: int = 1
    memory_mb: int = 512
    timeout_seconds: int = 172_800
    submitted_at: float = field(default_factory=time.time)
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED


def new_run_id() -> str:
    """A fresh id in the form Glue gives job runs: ``jr_`` and 64 hex digits."""
    return "jr_" + secrets.token_hex(32)
