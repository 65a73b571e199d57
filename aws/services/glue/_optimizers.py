"""What operations on table optimizers share, and when an optimizer runs.

A run is a run record of kind "optimizer"; catalog/optimizers/run.py is what it runs. Compaction is due when somebody
has committed to the table since its last run looked, retention and orphan file deletion by their rate; each when it has
just been created or changed.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from lakelet.aws.context import Context, current
from lakelet.catalog.iceberg.metadata import METADATA_LOCATION, is_iceberg
from lakelet.catalog.model import Table
from lakelet.catalog.optimizers import RESULT_FILE
from lakelet.catalog.optimizers.model import BINPACK, COMPACTION, ORPHANS, RETENTION, Optimizer
from lakelet.catalog.optimizers.store import OptimizerStore
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.runs import Run, RunState
from lakelet.workspace.state import reading

KIND = "optimizer"
store = OptimizerStore()
_MEMORY_MB = 1024
_TIMEOUT_SECONDS = 86_400
_REST_SECONDS = 60.0  # between two runs of a compaction
_RETRY_SECONDS = 3_600.0  # after a run that failed
_EVENTS = {
    RunState.WAITING: "starting", RunState.STARTING: "starting", RunState.RUNNING: "in_progress",
    RunState.STOPPING: "in_progress", RunState.SUCCEEDED: "completed",
}  # fmt: skip
_METRICS = {COMPACTION: "compactionMetrics", RETENTION: "retentionMetrics", ORPHANS: "orphanFileDeletionMetrics"}


def due() -> Iterator[tuple[str, str, str]]:
    """The optimizers (database, table, kind) that are to run now."""
    context, now = current(), time.time()
    with reading(context.engine) as connection:
        found = [one for one in store.all(connection) if one.enabled]
    for one in found:
        runs = context.jobs.runs(KIND, one.title, limit=1)
        if not runs or _is_due(context, one, runs[0], now):
            yield one.database, one.table, one.kind


def start(database: str, name: str, kind: str) -> None:
    """Submit a run; raises EntityNotFoundException, and ConcurrentRunsExceededException while there is one."""
    context = current()
    with reading(context.engine) as connection:
        table = context.catalog.table(connection, database, name)
        one = store.get(connection, table, kind)
    task = {"database": table.database, "table": table.name, "kind": kind, "options": dict(one.options)}
    run = Run(
        id=str(uuid.uuid4()),
        kind=KIND,
        name=one.title,
        spec={
            "argv": ["{python}", "-m", "lakelet.catalog.optimizers.run", json.dumps(task)],
            "task": task | {"metadata": _metadata(table)},
        },
        memory_mb=_MEMORY_MB,
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    context.runner.submit(run, max_concurrent=1)


def check_iceberg(table: Table) -> None:
    """Raises InvalidInputException for a table that is not Iceberg's."""
    if not is_iceberg(table.definition) or not _metadata(table):
        raise InvalidInputException(f"Table {table.name} is no Iceberg table: only these are optimized.")


def answer(context: Context, one: Optimizer) -> dict[str, Any]:
    """Glue's TableOptimizer."""
    found: dict[str, Any] = {"type": one.kind, "configuration": one.configuration, "configurationSource": "table"}
    if runs := context.jobs.runs(KIND, one.title, limit=1):
        found["lastRun"] = run_answer(context, runs[0])
    return found


def run_answer(context: Context, run: Run) -> dict[str, Any]:
    """Glue's TableOptimizerRun. There are no DPUs here."""
    kind, result = run.spec["task"]["kind"], _result(context, run)
    found: dict[str, Any] = {"eventType": _EVENTS.get(run.state, "failed"), "startTimestamp": run.submitted_at}
    if run.ended_at is not None:
        found["endTimestamp"] = run.ended_at
    if found["eventType"] == "failed":
        found["error"] = (run.reason.partition(": ")[2] if run.exit_code == 1 else "") or run.reason
    if kind == COMPACTION:
        found["compactionStrategy"] = BINPACK
    if result and run.ended_at is not None:
        hours = (run.ended_at - run.submitted_at) / 3600
        found[_METRICS[kind]] = {"IcebergMetrics": result["metrics"] | {"JobDurationInHour": hours}}
    return found


def _is_due(context: Context, one: Optimizer, last: Run, now: float) -> bool:
    if not last.ended:
        return False
    since = now - last.submitted_at
    if one.updated_at > last.submitted_at:
        return True
    if last.state is not RunState.SUCCEEDED:
        return since >= _RETRY_SECONDS
    if one.kind != COMPACTION:
        return since >= one.every_seconds
    with reading(context.engine) as connection:
        table = context.catalog.find_table(connection, one.database, one.table)
    seen = {last.spec["task"]["metadata"], _result(context, last).get("metadata")}
    return since >= _REST_SECONDS and table is not None and _metadata(table) not in seen


def _metadata(table: Table) -> str | None:
    place: str | None = (table.definition.get("Parameters") or {}).get(METADATA_LOCATION)
    return place


def _result(context: Context, run: Run) -> dict[str, Any]:
    """What a run says that it did; nothing while it runs, or when it did not reach its end."""
    try:
        found: dict[str, Any] = json.loads((context.workspace.runs / run.id / RESULT_FILE).read_text())
    except FileNotFoundError:
        return {}
    return found
