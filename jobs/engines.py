"""Which engine runs a Glue job: ``--engine spark`` (the cluster), ``sail`` (one process) or ``auto``, which reads the
script and lists its input. GetJobRun has no member for it: ``engine.json`` in the run's folder says it to our own
commands and pages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from lakelet.etl.sail import catalog_tables
from lakelet.jobs import datalake, needs
from lakelet.workspace.errors import InvalidInputException, LakeletError
from lakelet.workspace.files import write_atomic
from lakelet.workspace.settings import Settings

ARGUMENT = "--engine"
SPARK, SAIL, AUTO = "spark", "sail", "auto"
ENGINES = (AUTO, SAIL, SPARK)
MOST_OBJECTS = 10_000  # more are not listed: a job of so many is Spark's
_OF_JVMS = ("spark.executor.", "spark.driver.", "spark.cores.", "spark.memory.")  # nothing to Sail, which has none
_FILE = "engine.json"


@dataclass(frozen=True)
class Choice:
    """The engine of a run, and why it is that one; ``may_change`` to Spark, while the script has done nothing yet."""

    engine: str
    reason: str
    may_change: bool = False


@dataclass(frozen=True)
class Sources:
    """What ``auto`` looks at: the script's text, a table (Glue's Table structure; None of one that is not there yet),
    the sizes of the objects in a folder."""

    script: Callable[[], str]
    table: Callable[[str, str], Mapping[str, Any] | None]
    sizes: Callable[[str], Iterator[int]]


def choose(job: str, arguments: Mapping[str, str], settings: Settings, sources: Sources | None = None) -> Choice:
    """The engine of a run with these arguments. Raises InvalidInputException for one that there is not, and for
    arguments that it would not heed."""
    asked = arguments.get(ARGUMENT)
    engine = settings.text("engine") if asked is None else asked
    if engine not in ENGINES:
        raise InvalidInputException(f"Job {job} has {ARGUMENT} {engine!r}: use {', '.join(ENGINES)}.")
    if datalake.formats(arguments):
        if engine == SAIL:
            raise InvalidInputException(f"Job {job} has {datalake.ARGUMENT}, which is Spark's, and {ARGUMENT} sail.")
        if engine == AUTO:
            return Choice(SPARK, f"{datalake.ARGUMENT} is Spark's")
    own = ", ".join(name for name in spark_conf(arguments) if not name.startswith(_OF_JVMS))
    if engine == SAIL and own:
        raise InvalidInputException(
            f"Job {job} has {own} in --conf, which is Spark's, and {ARGUMENT} sail: leave one out."
        )
    if engine != AUTO:
        return Choice(engine, f"asked for by {ARGUMENT}" if asked else "the setting engine")
    if own or sources is None:
        return Choice(SPARK, f"{own} in --conf is Spark's" if own else "there is no script to look at")
    return _automatic(arguments, settings.number("sail_input_mb"), sources)


def spark_conf(arguments: Mapping[str, str]) -> dict[str, str]:
    """The properties of ``--conf``, which Glue writes as ``a=b --conf c=d`` in one argument."""
    pairs = [part.strip().partition("=") for part in arguments.get("--conf", "").split("--conf ") if part.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _automatic(arguments: Mapping[str, str], most_mb: int, sources: Sources) -> Choice:
    try:
        source = sources.script()
        if reason := needs.spark_alone(source):
            return Choice(SPARK, f"only Spark can run the script: {reason}")
        named = needs.inputs(source, arguments)
        tables = [found for one in named.tables if (found := sources.table(*one))]
        for database, name in named.queried:
            if (found := sources.table(database, name)) and (why := catalog_tables.why_not(found)):
                return Choice(SPARK, f"only Spark reads {database}.{name} by SQL: {why}")
        if (arithmetic := needs.arithmetic(source)) and (why := _decimals(source, tables)):
            return Choice(SPARK, f"only Spark computes so with decimals: {arithmetic}, and {why}")
        stored = [table.get("StorageDescriptor") or {} for table in tables]
        folders = [*named.paths, *(str(one["Location"]) for one in stored if one.get("Location"))]
    except LakeletError as error:  # which the run itself will meet and tell
        return Choice(SPARK, f"its input could not be determined: {error}")
    total, objects = 0, 0
    for size in islice(_sizes(folders, sources), MOST_OBJECTS):
        total, objects = total + size, objects + 1
    if objects == MOST_OBJECTS:
        return Choice(SPARK, f"its input has {MOST_OBJECTS:,} objects or more")
    if total > most_mb << 20:
        return Choice(SPARK, f"its input has {total >> 20:,} MiB, more than {most_mb:,} (the setting sail_input_mb)")
    return Choice(SAIL, f"nothing in the script needs Spark, and its input has {total >> 20:,} MiB", may_change=True)


def _decimals(source: str, tables: Iterable[Mapping[str, Any]]) -> str:
    """Where decimals may come from; empty for nowhere that is known."""
    if needs.names_decimals(source):
        return "names the type decimal"
    for table in tables:
        columns = (table.get("StorageDescriptor") or {}).get("Columns") or []
        if any("decimal" in str(column.get("Type", "")).lower() for column in columns):
            return f"the table {table['Name']} has decimals"
    return ""


def _sizes(folders: Iterable[str], sources: Sources) -> Iterator[int]:
    done: list[str] = []
    for folder in sorted(set(folders)):
        if not any(folder.startswith(one.rstrip("/") + "/") for one in done):
            done.append(folder)
            yield from sources.sizes(folder)


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
