"""What operations on column statistics share: starting a run, by hand or by its schedule, and what it is asked to do.

A run is a run record of kind "statistics", named after its table; query/statistics.py is what it runs.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lakelet.aws.context import Context, current
from lakelet.catalog.model import Table, fold
from lakelet.catalog.statistics.kinds import kind_of
from lakelet.workspace.errors import (
    ColumnStatisticsTaskRunningException,
    ConcurrentRunsExceededException,
    InvalidInputException,
    LakeletError,
)
from lakelet.workspace.runs import Run, RunState
from lakelet.workspace.state import reading, writing

KIND = "statistics"
_MEMORY_MB = 512
_TIMEOUT_SECONDS = 86_400
_STATES = {
    RunState.WAITING: "STARTING", RunState.STARTING: "STARTING", RunState.RUNNING: "RUNNING",
    RunState.STOPPING: "RUNNING", RunState.SUCCEEDED: "SUCCEEDED", RunState.STOPPED: "STOPPED",
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """What a run is asked for: which columns (None for all), of how many percent of the rows (None for all)."""

    role: str
    columns: Sequence[str] | None = None
    sample_size: float | None = None
    security_configuration: str | None = None


def start_run(context: Context, table: Table, asked: Task) -> str:
    """Submit a run of a table and return its id; raises InvalidInputException, ColumnStatisticsTaskRunningException."""
    title = title_of(table.database, table.name)
    task = {
        "database": table.database, "table": table.name, "columns": check_columns(table, asked.columns),
        "sample": check_sample(asked.sample_size),
    }  # fmt: skip
    kept = {"role": asked.role, "security": asked.security_configuration}
    run = Run(
        id=str(uuid.uuid4()),
        kind=KIND,
        name=title,
        spec={"argv": ["{python}", "-m", "lakelet.query.statistics", json.dumps(task)], "task": task | kept},
        memory_mb=_MEMORY_MB,
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    try:
        return context.runner.submit(run, max_concurrent=1).id
    except ConcurrentRunsExceededException:
        raise ColumnStatisticsTaskRunningException(
            f"The column statistics of {title} are being computed already: wait for the run to end, or stop it."
        ) from None


def start_scheduled_run(database: str, name: str) -> None:
    """Start a run as a table's settings say, and note in them that it was started, or why it was not."""
    context = current()
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database, name)
        settings, _ = context.catalog.statistics_settings.get(connection, table)
    attempt: dict[str, Any] = {"ExecutionTimestamp": time.time()}
    try:
        members = ("ColumnNameList", "SampleSize", "SecurityConfiguration")
        run_id = start_run(context, table, Task(settings["Role"], *map(settings.get, members)))
        attempt |= {"Status": "STARTED", "ColumnStatisticsTaskRunId": run_id}
    except LakeletError as error:
        attempt |= {"Status": "FAILED", "ErrorMessage": str(error)}
        raise
    finally:
        with writing(context.engine) as connection:
            context.catalog.statistics_settings.attempted(connection, table, attempt)


def check_columns(table: Table, wanted: Sequence[str] | None) -> list[str] | None:
    """The columns in lower case, or None for all; raises InvalidInputException for one that is not the table's, or
    whose type has no statistics."""
    if not wanted:
        return None
    found = [(column["Name"], column.get("Type") or "string") for column in table.columns]
    types = {fold(name): kind for name, kind in [*found, *table.partition_keys]}
    for name in map(fold, wanted):
        if name not in types:
            raise InvalidInputException(f"Table {table.name} has no column {name}.")
        if kind_of(types[name]) is None:
            raise InvalidInputException(f"Column {name} is of type {types[name]}, which has no statistics.")
    return [fold(name) for name in wanted]


def check_sample(size: float | None) -> float | None:
    """The percentage of the rows to read, None for all; raises InvalidInputException for none."""
    if size is not None and size <= 0:
        raise InvalidInputException("SampleSize is the percentage of rows to read: more than 0, and up to 100.")
    return None if size == 100 else size


def title_of(database: str, table: str) -> str:
    """The name of a table's runs."""
    return f"{database}.{table}"


def run_answer(context: Context, run: Run) -> dict[str, Any]:
    """Glue's ColumnStatisticsTaskRun."""
    task = run.spec["task"]
    last = run.ended_at or run.started_at or run.submitted_at
    answer = {
        "CustomerId": context.account_id,
        "CatalogID": context.account_id,
        "ColumnStatisticsTaskRunId": run.id,
        "DatabaseName": task["database"],
        "TableName": task["table"],
        "ColumnNameList": task["columns"],
        "SampleSize": task["sample"],
        "Role": task["role"],
        "SecurityConfiguration": task.get("security") or None,
        "NumberOfWorkers": 1,
        "ComputationType": "FULL",
        "Status": _STATES.get(run.state, "FAILED"),
        "CreationTime": run.submitted_at,
        "LastUpdated": last,
        "StartTime": run.started_at,
        "EndTime": run.ended_at,
        "ErrorMessage": _reason(run) if run.ended and run.state not in _STATES else None,
    }
    return {member: value for member, value in answer.items() if value is not None}


def _reason(run: Run) -> str:
    """Why a run failed: the sentence that it ended with."""
    return (run.reason.partition(": ")[2] if run.exit_code == 1 else "") or run.reason
