"""The states of a component, and the only ways between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """What a component is doing."""

    STOPPED = "STOPPED"  # not started yet, or stopped on purpose
    STARTING = "STARTING"  # its process lives, its probe has not succeeded yet
    RUNNING = "RUNNING"  # its probe has proven that it works
    BACKOFF = "BACKOFF"  # it died, and is started again after a pause
    FATAL = "FATAL"  # it died too often; `lakelet up` tries again


NEXT: Mapping[State, frozenset[State]] = {
    State.STOPPED: frozenset({State.STARTING}),
    State.STARTING: frozenset({State.RUNNING, State.BACKOFF, State.FATAL, State.STOPPED}),
    State.RUNNING: frozenset({State.BACKOFF, State.FATAL, State.STOPPED}),
    State.BACKOFF: frozenset({State.STARTING, State.STOPPED}),
    State.FATAL: frozenset({State.STARTING, State.STOPPED}),
}
