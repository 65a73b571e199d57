"""Runs that compute a table's column statistics (AWS Glue Web API, Column Statistics API)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import current, own_catalog
from lakelet.aws.services.glue._members import check_security_configuration
from lakelet.aws.services.glue._statistics import KIND, Task, run_answer, start_run, title_of
from lakelet.catalog.model import fold
from lakelet.workspace.errors import (
    ColumnStatisticsTaskNotRunningException,
    ColumnStatisticsTaskStoppingException,
    EntityNotFoundException,
)
from lakelet.workspace.runs import Run, RunState
from lakelet.workspace.state import reading

_PAGE = 100


def start_column_statistics_task_run(
    database_name: str,
    table_name: str,
    role: str,
    column_name_list: list[str] | None = None,
    sample_size: float | None = None,
    catalog_id: str | None = None,
    security_configuration: str | None = None,
) -> dict[str, Any]:
    """Compute the statistics of a table's columns (all that have some, when none is named) from its data.

    ``sample_size`` is the percentage of the rows that are read. EntityNotFoundException, InvalidInputException,
    ColumnStatisticsTaskRunningException. The role is recorded; the workspace's own keys are what a run reads with.
    """
    context = own_catalog(catalog_id)
    with reading(context.engine) as connection:
        check_security_configuration(context, connection, security_configuration)
        table = context.catalog.resolved(connection, database_name, table_name)
    task = Task(role, column_name_list, sample_size, security_configuration)
    return {"ColumnStatisticsTaskRunId": start_run(context, table, task)}


def get_column_statistics_task_run(column_statistics_task_run_id: str) -> dict[str, Any]:
    """One run; EntityNotFoundException."""
    context = current()
    try:
        run = context.jobs.run(column_statistics_task_run_id)
    except EntityNotFoundException:
        run = None
    if run is None or run.kind != KIND:
        raise EntityNotFoundException(f"Column statistics task run {column_statistics_task_run_id} not found.")
    return {"ColumnStatisticsTaskRun": run_answer(context, run)}


def get_column_statistics_task_runs(
    database_name: str,
    table_name: str,
    max_results: int | None = None,
    next_token: str | None = None,
    catalog_id: str | None = None,
) -> dict[str, Any]:
    """The runs of a table, the newest first; none for a table that never had one."""
    context = own_catalog(catalog_id)
    name = title_of(fold(database_name), fold(table_name))
    found, token = _page("GetColumnStatisticsTaskRuns", name, max_results, next_token)
    return {"ColumnStatisticsTaskRuns": [run_answer(context, run) for run in found], **token}


def list_column_statistics_task_runs(max_results: int | None = None, next_token: str | None = None) -> dict[str, Any]:
    """The ids of the runs of all tables, the newest first."""
    found, token = _page("ListColumnStatisticsTaskRuns", None, max_results, next_token)
    return {"ColumnStatisticsTaskRunIds": [run.id for run in found], **token}


def stop_column_statistics_task_run(database_name: str, table_name: str, catalog_id: str | None = None) -> None:
    """Stop the run of a table; EntityNotFoundException, ColumnStatisticsTaskNotRunningException,
    ColumnStatisticsTaskStoppingException."""
    context = own_catalog(catalog_id)
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
    title = title_of(table.database, table.name)
    latest = context.jobs.runs(KIND, title, limit=1)
    if not latest or latest[0].ended:
        raise ColumnStatisticsTaskNotRunningException(f"No run computes the column statistics of {title}.")
    if latest[0].state is RunState.STOPPING:
        raise ColumnStatisticsTaskStoppingException(f"The column statistics run of {title} is stopping already.")
    context.runner.stop(latest[0].id)


def _page(
    operation: str, name: str | None, max_results: int | None, token: str | None
) -> tuple[Sequence[Run], dict[str, str]]:
    jobs, limit = current().jobs, min(max_results or _PAGE, _PAGE)
    before = paging.position(token, operation, name)
    page, more = paging.split_page(jobs.runs(KIND, name, before=before, limit=limit + 1), limit)
    return page, {"NextToken": paging.next_token(str(jobs.ordinal(page[-1].id)), operation, name)} if more else {}
