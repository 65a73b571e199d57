"""Every query of the dashboards, as plain functions of the workspace; nothing here knows Streamlit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlglot
from sqlglot import exp

from lakelet.catalog import client as catalog
from lakelet.catalog.glue import Glue
from lakelet.dashboards.spec import DIALECT, Board
from lakelet.etl.transformation_contexts import recorded
from lakelet.jobs.engines import Choice, noted
from lakelet.query.client import query
from lakelet.search.client import open_client
from lakelet.search.queries import LogPage, search_logs
from lakelet.workspace.errors import EntityNotFoundException, NotRunningError, QueryError, ServiceError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.process import Identity
from lakelet.workspace.runs import ENDED, RunState, read_application

LAYERS = ("bronze", "silver", "gold")
RUNS_PER_JOB = 200


@dataclass(frozen=True)
class JobRun:
    """One run of a job for people: times are aware datetimes, ``seconds`` its execution time so far or in all."""

    id: str
    job: str
    state: str
    attempt: int
    previous_id: str | None
    started: datetime | None
    ended: datetime | None
    seconds: float | None
    error: str
    arguments: dict[str, str]
    application_id: str | None
    engine: Choice | None

    @property
    def under_way(self) -> bool:
        return RunState(self.state) not in ENDED


@dataclass(frozen=True)
class TableRows:
    """A catalogued table and how many rows it has; None when it cannot be counted now."""

    database: str
    name: str
    rows: int | None
    changed: datetime | None


@dataclass(frozen=True)
class LogQuery:
    """What to look for in the logs; None means any. ``window`` reaches back from now, None: as far as they go."""

    text: str = ""
    run_id: str | None = None
    job: str | None = None
    source: str | None = None
    level: str | None = None
    window: timedelta | None = None
    newest_first: bool = True


@dataclass(frozen=True)
class Component:
    """A component of the stack as the supervisor last wrote it down; ``message`` says why one is not running."""

    name: str
    state: str
    url: str
    message: str


def select(workspace: Workspace, sql: str) -> pd.DataFrame:
    """The rows of a SELECT, with decimals as floats and dates as timestamps, as charts want them."""
    table: pa.Table = query(workspace, sql)
    for number, column in enumerate(table.schema):
        wanted = _plain(column.type)
        if wanted != column.type:
            table = table.set_column(number, column.name, table.column(number).cast(wanted))
    frame: pd.DataFrame = table.to_pandas()
    return frame


def select_all(workspace: Workspace, statements: Sequence[str]) -> list[pd.DataFrame]:
    """The rows of several SELECTs, run side by side on as many SQL workers as there are."""
    with ThreadPoolExecutor(max(1, workspace.settings.number("sql_workers"))) as pool:
        return list(pool.map(lambda sql: select(workspace, sql), statements))


def versions(workspace: Workspace, board: Board) -> tuple[str, ...]:
    """What the catalog says about the tables a board reads: changes whenever one of them does.

    Raises :class:`~lakelet.workspace.errors.EntityNotFoundException` when a table does not exist (yet).
    """
    parsed = sqlglot.parse_one(board.dataset if " " in board.dataset else f"FROM {board.dataset}", dialect=DIALECT)
    named = sorted({(table.db, table.name) for table in parsed.find_all(exp.Table) if table.db})
    found = [catalog.get_table(workspace, database, name) for database, name in named]
    return tuple(f"{table['Name']}:{table.get('VersionId')}:{table.get('UpdateTime')}" for table in found)


def job_names(workspace: Workspace) -> list[str]:
    """The names of all jobs, sorted."""
    glue = Glue(workspace)
    return sorted(job["Name"] for job in glue.pages("GetJobs", "Jobs"))


def job_runs(workspace: Workspace, job: str | None = None) -> list[JobRun]:
    """The latest runs of one job, or of all, newest first; one still waiting comes before any that ended."""
    glue = Glue(workspace)
    names = [job] if job else job_names(workspace)
    found: list[JobRun] = []
    for name in names:
        try:
            answer = glue.call("GetJobRuns", JobName=name, MaxResults=RUNS_PER_JOB)
        except EntityNotFoundException:
            continue  # deleted since it was listed
        found += [_job_run(workspace, run) for run in answer["JobRuns"]]
    return sorted(found, key=lambda run: (run.started is None, run.started.timestamp() if run.started else 0))[::-1]


def table_rows(workspace: Workspace) -> list[TableRows]:
    """Every table of the lake's layers with its rows, counted by one statement for each layer if all can be read."""
    found: list[TableRows] = []
    for database in LAYERS:
        try:
            tables = list(catalog.get_tables(workspace, database))
        except EntityNotFoundException:
            continue
        counts = _counts(workspace, database, [table["Name"] for table in tables])
        found += [
            TableRows(database, table["Name"], counts.get(table["Name"]), table.get("UpdateTime")) for table in tables
        ]
    return found


def components(workspace: Workspace) -> list[Component]:
    """The stack's components; empty when no supervisor runs (``stack.json`` may outlive the one that wrote it)."""
    try:
        record = json.loads((workspace.state / "stack.json").read_text())
        alive = Identity.from_json(record["supervisor"]).alive()
        return [
            Component(entry["name"], entry["state"], entry.get("url") or "", entry.get("message") or "")
            for entry in record["components"]
            if alive
        ]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []


def logs(workspace: Workspace, wanted: LogQuery, after: Sequence[Any] | None = None, size: int = 100) -> LogPage:
    """One page of log lines and the picture of all that match; see :func:`lakelet.search.queries.search_logs`."""
    since = datetime.now(UTC) - wanted.window if wanted.window else None
    return search_logs(
        open_client(workspace, timeout=15), wanted.text, run_id=wanted.run_id, job=wanted.job, source=wanted.source,
        level=wanted.level, since=since, size=size, after=after, newest_first=wanted.newest_first,
    )  # fmt: skip


def data_docs(workspace: Workspace) -> dict[str, str]:
    """The pages of great-expectations' last results by table, as paths below ``/data-docs/``, the newest first."""
    site = workspace.state / "data-docs"
    pages = sorted(site.glob("validations/**/*.html"), key=lambda page: page.stat().st_mtime, reverse=True)
    paths = [page.relative_to(site) for page in pages]
    return {".".join(path.parts[1:-3]): path.as_posix() for path in reversed(paths)}


def address(workspace: Workspace, name: str) -> str | None:
    """The address of one part of the stack, or None when it has none."""
    try:
        return workspace.endpoint(name)
    except NotRunningError:
        return None


def transformation_contexts(workspace: Workspace, run: JobRun) -> dict[str, list[str]]:
    """What a script read and wrote by each ``transformation_ctx`` (:mod:`lakelet.etl.transformation_contexts`)."""
    return recorded(workspace.runs / run.id)


def spark_address(workspace: Workspace, run: JobRun) -> str | None:
    """Where to look at a run's Spark application: the history server's page of it, or None when it has none."""
    history = address(workspace, "spark_history")
    return f"{history}/history/{run.application_id}/jobs/" if history and run.application_id else None


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal(kind):
        return pa.float64()
    return pa.timestamp("ms") if pa.types.is_date(kind) else kind


def _counts(workspace: Workspace, database: str, names: Sequence[str]) -> dict[str, int]:
    if not names:
        return {}
    parts = [
        exp.select(exp.Literal.string(name).as_("name"), exp.Count(this=exp.Star()).as_("rows")).from_(
            exp.table_(name, db=database, quoted=True)
        )
        for name in names
    ]
    statement = parts[0] if len(parts) == 1 else exp.union(*parts, distinct=False)
    try:
        frame = select(workspace, statement.sql(dialect=DIALECT))
    except (QueryError, ServiceError):
        # One table that cannot be read must not hide the others.
        alone = [_counts(workspace, database, [name]) for name in names] if len(names) > 1 else []
        return {name: rows for counted in alone for name, rows in counted.items()}
    return {str(name): int(rows) for name, rows in zip(frame["name"], frame["rows"], strict=True)}


def _job_run(workspace: Workspace, run: dict[str, Any]) -> JobRun:
    started, ended = run.get("StartedOn"), run.get("CompletedOn")
    seconds = run.get("ExecutionTime")
    if not seconds and started:
        seconds = ((ended or datetime.now(started.tzinfo)) - started).total_seconds()
    return JobRun(
        id=run["Id"],
        job=run.get("JobName", ""),
        state=run["JobRunState"],
        attempt=run.get("Attempt", 0),
        previous_id=run.get("PreviousRunId"),
        started=started,
        ended=ended,
        seconds=seconds,
        error=run.get("ErrorMessage") or run.get("StateDetail") or "",
        arguments=run.get("Arguments") or {},
        application_id=read_application(workspace.runs / run["Id"]),
        engine=noted(workspace.runs / run["Id"]),
    )
