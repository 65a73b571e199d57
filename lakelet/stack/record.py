"""``stack.json``: what the supervisor knows, written by it alone, and read by everyone who asks."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

from lakelet.stack.states import State
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace
from lakelet.workspace.process import Identity

R = TypeVar("R", "ComponentRecord", "StackRecord")


@dataclass(frozen=True)
class ComponentRecord:
    """One component: ``since`` is when it came into its state (Unix seconds), ``ready_seconds`` how long it took to
    start, ``message`` what its log said last when it died."""

    name: str
    state: State
    url: str
    pid: int | None = None
    started: float | None = None
    since: float = 0.0
    ready_seconds: float | None = None
    restarts: int = 0
    message: str = ""

    @property
    def identity(self) -> Identity | None:
        """The process, when there is one."""
        return Identity(self.pid, self.started) if self.pid and self.started else None


@dataclass(frozen=True)
class StackRecord:
    """The whole stack: who supervises it, its components, what people should know (``notes``), why it failed."""

    supervisor: Identity
    components: tuple[ComponentRecord, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""
    started_at: float = 0.0
    ready_seconds: float | None = None  # from the supervisor's start until every component ran

    @property
    def supervised(self) -> bool:
        """Whether the supervisor that wrote this still runs."""
        return self.supervisor.alive()

    @property
    def settled(self) -> bool:
        """Whether nothing will change by itself: every component runs, is beyond help, or waits for one that is."""
        states = {component.state for component in self.components}
        return states == {State.RUNNING} or (State.FATAL in states and not states & {State.STARTING, State.BACKOFF})


def record_path(workspace: Workspace) -> Path:
    """Where it lies."""
    return workspace.state / "stack.json"


def write_record(workspace: Workspace, record: StackRecord) -> None:
    """Replace the record, atomically."""
    value = asdict(record) | {"supervisor": record.supervisor.to_json()}
    write_atomic(record_path(workspace), json.dumps(value, indent=1).encode())


def read_record(workspace: Workspace) -> StackRecord | None:
    """The record; None when the stack was never started or was stopped, and when the file is damaged.

    A machine that lost power may leave an empty file. The supervisor of a running stack writes it anew.
    """
    try:
        return _parsed(json.loads(record_path(workspace).read_text()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _parsed(value: dict[str, Any]) -> StackRecord:
    """Raises ValueError, KeyError, TypeError or AttributeError for anything but what :func:`write_record` writes."""
    components = tuple(_checked(ComponentRecord(**(c | {"state": State(c["state"])}))) for c in value["components"])
    notes = tuple(value["notes"])
    if not all(isinstance(note, str) for note in notes):
        raise TypeError("a note is not text")
    supervisor = Identity.from_json(value["supervisor"])
    return _checked(StackRecord(**(value | {"supervisor": supervisor, "components": components, "notes": notes})))


def _checked(record: R) -> R:
    """The record, when each field has the declared type. Raises TypeError."""
    for name, kind in get_type_hints(type(record)).items():
        if not isinstance(getattr(record, name), get_origin(kind) if get_origin(kind) is tuple else kind):
            raise TypeError(f"{name} has the wrong type")
    return record
