"""How, and when, a table's column statistics are computed (AWS Glue Web API, Column Statistics API)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import Context, own_catalog
from lakelet.aws.services.glue._answers import arn
from lakelet.aws.services.glue._members import check_security_configuration
from lakelet.aws.services.glue._schedules import schedule_of
from lakelet.aws.services.glue._statistics import check_columns, check_sample
from lakelet.catalog.crawlers.scheduler import NOT_SCHEDULED, SCHEDULED
from lakelet.catalog.model import Table
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading, writing

TAGGED = "columnStatisticsTaskSettings"  # the kind in the ARN of a table's settings


def create_column_statistics_task_settings(
    database_name: str,
    table_name: str,
    role: str,
    schedule: str | None = None,
    column_name_list: list[str] | None = None,
    sample_size: float | None = None,
    catalog_id: str | None = None,
    security_configuration: str | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    """Keep the settings of a table; a schedule is in force at once.

    EntityNotFoundException, AlreadyExistsException, InvalidInputException.
    """
    context = own_catalog(catalog_id)
    with _changing(context, database_name, table_name) as (connection, table):
        body = _body(table, role, schedule, column_name_list, sample_size)
        body |= _security(context, connection, security_configuration)
        context.catalog.statistics_settings.create(connection, table, body)
        context.catalog.tags.put(connection, arn(context, TAGGED, table.database, table.name), tags)


def update_column_statistics_task_settings(
    database_name: str,
    table_name: str,
    role: str | None = None,
    schedule: str | None = None,
    column_name_list: list[str] | None = None,
    sample_size: float | None = None,
    catalog_id: str | None = None,
    security_configuration: str | None = None,
) -> None:
    """Change the members that are given; EntityNotFoundException, InvalidInputException."""
    context = own_catalog(catalog_id)
    with _changing(context, database_name, table_name) as (connection, table):
        changes = _body(table, role, schedule, column_name_list, sample_size)
        changes |= _security(context, connection, security_configuration)
        context.catalog.statistics_settings.update(connection, table, changes)


def get_column_statistics_task_settings(
    database_name: str, table_name: str, catalog_id: str | None = None
) -> dict[str, Any]:
    """The settings of a table, and what the schedule did last; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        body, attempt = context.catalog.statistics_settings.get(connection, table)
    answer = {
        "DatabaseName": table.database, "TableName": table.name, "CatalogID": context.account_id,
        "ScheduleType": "CRON" if body.get("Schedule") else None, "SettingSource": "TABLE",
        "LastExecutionAttempt": attempt,
    }  # fmt: skip
    settings = {member: value for member, value in (body | answer).items() if value is not None}
    return {"ColumnStatisticsTaskSettings": settings}


def delete_column_statistics_task_settings(database_name: str, table_name: str, catalog_id: str | None = None) -> None:
    """Forget the settings of a table, and their schedule with them; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with _changing(context, database_name, table_name) as (connection, table):
        context.catalog.statistics_settings.delete(connection, table)
        context.catalog.tags.forget(
            connection, arn(context, "columnStatisticsTaskSettings", table.database, table.name)
        )


def start_column_statistics_task_run_schedule(
    database_name: str, table_name: str, catalog_id: str | None = None
) -> None:
    """Let the schedule run; EntityNotFoundException, InvalidInputException when the settings have none."""
    _switch(own_catalog(catalog_id), database_name, table_name, SCHEDULED)


def stop_column_statistics_task_run_schedule(
    database_name: str, table_name: str, catalog_id: str | None = None
) -> None:
    """Keep the schedule and do not run it; EntityNotFoundException, InvalidInputException when there is none."""
    _switch(own_catalog(catalog_id), database_name, table_name, NOT_SCHEDULED)


def _switch(context: Context, database: str, name: str, state: str) -> None:
    with _changing(context, database, name) as (connection, table):
        body, _ = context.catalog.statistics_settings.get(connection, table)
        if not body.get("Schedule"):
            raise InvalidInputException(f"The column statistics of table {table.name} have no schedule: set one first.")
        changes = {"Schedule": body["Schedule"] | {"State": state}}
        context.catalog.statistics_settings.update(connection, table, changes)


@contextmanager
def _changing(context: Context, database: str, name: str) -> Iterator[tuple[sa.Connection, Table]]:
    with writing(context.engine) as connection:
        yield connection, context.catalog.resolved(connection, database, name)


def _security(context: Context, connection: sa.Connection, name: str | None) -> dict[str, Any]:
    check_security_configuration(context, connection, name)
    return {} if name is None else {"SecurityConfiguration": name}


def _body(
    table: Table, role: str | None, schedule: str | None, columns: list[str] | None, sample: float | None
) -> dict[str, Any]:
    """The members that are given, checked; an empty list of columns means all of them."""
    body: dict[str, Any] = schedule_of(schedule)
    if role is not None:
        body["Role"] = role
    if columns is not None:
        body["ColumnNameList"] = check_columns(table, columns)
    if sample is not None:
        body["SampleSize"] = check_sample(sample) or sample
    return body
