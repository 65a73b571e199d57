"""Which engine runs a Glue job: ``--engine spark`` (the cluster) or ``sail`` (one process), and where it is noted.

GetJobRun has no member for it: ``engine.json`` in the run's folder says it to our own commands and pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workspace.errors import InvalidInputException
from workspace.files import write_atomic

ARGUMENT = "--engine"
SPARK, SAIL = "spark", "sail"
ENGINES = (SPARK, SAIL)
_FILE = "engine.json"


@dataclass(frozen=True)
class Choice:
    """The engine of a run, and why it is that one."""

    engine: str
    reason: str


def choose(job: str, arguments: Mapping[str, str]) -> Choice:
    """The engine that a job's arguments ask for. Raises InvalidInputException for one that there is not, and for
    arguments that it would not heed."""
    engine = arguments.get(ARGUMENT)
    if engine is None:
        return Choice(SPARK, "the default")
    if engine not in ENGINES:
        raise InvalidInputException(f"Job {job} has {ARGUMENT} {engine!r}: use {' or '.join(ENGINES)}.")
    if engine == SAIL and "--conf" in arguments:
        raise InvalidInputException(
            f"Job {job} has --conf, which sets properties of Spark, and {ARGUMENT} sail: leave one of them out."
        )
    return Choice(engine, f"asked for by {ARGUMENT}")


def choice_of(spec: Mapping[str, Any]) -> Choice:
    """The choice that a run was submitted with; runs of before there was one were Spark's."""
    return Choice(**spec["engine"]) if "engine" in spec else Choice(SPARK, "the default")


def note(folder: Path, choice: Choice) -> None:
    """Write the choice into a run's folder."""
    write_atomic(folder / _FILE, json.dumps(asdict(choice)).encode())


def noted(folder: Path) -> Choice | None:
    """The choice of a run, by its folder; None for a run that has no engine, or has not been launched yet."""
    try:
        return Choice(**json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
