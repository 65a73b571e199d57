"""One run record and its states, for every kind of run: jobs and crawls now, queries and quality later."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from lakelet.workspace.files import write_atomic

RUN_VARIABLE = "LAKELET_RUN_ID"  # of the environment: the run that a process belongs to
SCRATCH = "scratch"  # in a run's folder: what its process needs until it ends, however that comes
_CONNECTED = re.compile(r"Connected to Spark cluster with app ID (app-[0-9]+-[0-9]+)$")


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
LIVE = frozenset({RunState.STARTING, RunState.RUNNING, RunState.STOPPING})

NEXT: Mapping[RunState, frozenset[RunState]] = {
    RunState.WAITING: frozenset({RunState.STARTING, RunState.STOPPED, RunState.ERROR}),
    RunState.STARTING: frozenset({RunState.RUNNING, RunState.STOPPING, *ENDED}),
    RunState.RUNNING: frozenset({RunState.STOPPING, *ENDED}),
    RunState.STOPPING: frozenset(ENDED),
}


def may_follow(state: RunState, following: RunState) -> bool:
    """Whether a run in ``state`` may go to ``following``; nothing follows an end."""
    return following in NEXT.get(state, frozenset())


@dataclass(frozen=True)
class Run:
    """One attempt of one run. Times are Unix seconds; memory is MiB; ``arguments`` are Glue's ``--name: value``.

    ``kind`` says whose run it is ("job", "crawl", "statistics"), ``name`` the job, crawler or table. ``spec`` is what
    the kind's own launcher needs to start it (jobs/launchers.py documents the forms) and is opaque here. ``cores`` are
    Spark cores: 0 for a run that uses no Spark. ``reason`` says why the run waits, or why it ended as it did.
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
    cores: int = 0
    memory_mb: int = 512
    timeout_seconds: int = 172_800
    max_retries: int = 0
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


def retry_id(run_id: str, attempt: int) -> str:
    """The id of retry number ``attempt`` (from 1) of a run, ``run_id`` being any attempt of it, as Glue names retries:
    the first run's id and ``_attempt_<n>``."""
    return f"{re.sub(r'_attempt_[0-9]+$', '', run_id)}_attempt_{attempt}"


def read_application(folder: Path) -> str | None:
    """The id of a run's Spark application, as ``application_id`` in the run's folder says; None while it has none."""
    try:
        return (folder / "application_id").read_text(encoding="utf-8").strip() or None
    except (OSError, ValueError):
        return None


def claim_application(folder: Path, said: str) -> str | None:
    """The Spark application that a line of a driver's log names, or None; it is noted in the run's folder.

    Our GlueContext notes its own. Of a script that makes its own session, Spark's log is the one to tell; what is
    noted already stays.
    """
    found = _CONNECTED.search(said)
    if found is None:
        return None
    noted = read_application(folder)
    if noted is None:
        write_atomic(folder / "application_id", found[1].encode())
    return noted or found[1]
