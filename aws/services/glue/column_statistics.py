"""Column statistics of tables and partitions (AWS Glue Web API, Column Statistics API)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import Context, own_catalog
from lakelet.aws.services.glue._answers import error_detail
from lakelet.catalog.model import Definition, Table, fold
from lakelet.catalog.statistics.store import ColumnStatistics
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException, ServiceError
from lakelet.workspace.state import reading, writing


def get_column_statistics_for_table(
    database_name: str, table_name: str, column_names: list[str], catalog_id: str | None = None
) -> dict[str, Any]:
    """The statistics of a table's columns; the answer's Errors name the columns that have none."""
    return _get(own_catalog(catalog_id), database_name, table_name, None, column_names)


def update_column_statistics_for_table(
    database_name: str, table_name: str, column_statistics_list: list[dict[str, Any]], catalog_id: str | None = None
) -> dict[str, Any]:
    """Keep statistics of a table's columns; the answer's Errors have those that could not be kept."""
    return _update(own_catalog(catalog_id), database_name, table_name, None, column_statistics_list)


def delete_column_statistics_for_table(
    database_name: str, table_name: str, column_name: str, catalog_id: str | None = None
) -> None:
    """Forget the statistics of a table's column; EntityNotFoundException."""
    _delete(own_catalog(catalog_id), database_name, table_name, None, column_name)


def get_column_statistics_for_partition(
    database_name: str,
    table_name: str,
    partition_values: list[str],
    column_names: list[str],
    catalog_id: str | None = None,
) -> dict[str, Any]:
    """The statistics of a partition's columns; the answer's Errors name the columns that have none."""
    return _get(own_catalog(catalog_id), database_name, table_name, partition_values, column_names)


def update_column_statistics_for_partition(
    database_name: str,
    table_name: str,
    partition_values: list[str],
    column_statistics_list: list[dict[str, Any]],
    catalog_id: str | None = None,
) -> dict[str, Any]:
    """Keep statistics of a partition's columns; the answer's Errors have those that could not be kept."""
    return _update(own_catalog(catalog_id), database_name, table_name, partition_values, column_statistics_list)


def delete_column_statistics_for_partition(
    database_name: str, table_name: str, partition_values: list[str], column_name: str, catalog_id: str | None = None
) -> None:
    """Forget the statistics of a partition's column; EntityNotFoundException."""
    _delete(own_catalog(catalog_id), database_name, table_name, partition_values, column_name)


def _get(
    context: Context, database: str, name: str, values: list[str] | None, column_names: list[str]
) -> dict[str, Any]:
    with reading(context.engine) as connection:
        table, _ = _place(context, connection, database, name, values)
        columns = [fold(column) for column in column_names]
        found = context.catalog.statistics.get(connection, table, values, columns)
    missing = [
        {"ColumnName": column, "Error": error_detail(_without_statistics(column))}
        for column in columns
        if column not in found
    ]
    return {
        "ColumnStatisticsList": [_answer(found[column]) for column in columns if column in found],
        "Errors": missing,
    }


def _update(
    context: Context, database: str, name: str, values: list[str] | None, sent: list[dict[str, Any]]
) -> dict[str, Any]:
    errors = []
    with writing(context.engine) as connection:
        table, columns = _place(context, connection, database, name, values)
        for one in sent:
            try:
                context.catalog.statistics.put(connection, table, values, _read(one, columns))
            except ServiceError as error:
                errors.append({"ColumnStatistics": one, "Error": error_detail(error)})
    return {"Errors": errors}


def _delete(context: Context, database: str, name: str, values: list[str] | None, column: str) -> None:
    with writing(context.engine) as connection:
        table, _ = _place(context, connection, database, name, values)
        context.catalog.statistics.delete(connection, table, values, fold(column))


def _place(
    context: Context, connection: sa.Connection, database: str, name: str, values: Sequence[str] | None
) -> tuple[Table, set[str]]:
    """The table, and the columns of it, or of its partition."""
    table = context.catalog.resolved(connection, database, name)
    columns = {fold(column) for column in _columns(table.definition)} | {key for key, _ in table.partition_keys}
    if values is not None:
        columns |= {fold(one) for one in _columns(context.catalog.partition(connection, table, values).definition)}
    return table, columns


def _columns(definition: Definition) -> Iterator[str]:
    yield from (column["Name"] for column in (definition.get("StorageDescriptor") or {}).get("Columns") or ())


def _read(sent: dict[str, Any], columns: set[str]) -> ColumnStatistics:
    column, data = fold(sent["ColumnName"]), sent["StatisticsData"]
    if column not in columns:
        raise EntityNotFoundException(f"Column {column} not found.")
    member = f"{data['Type'].capitalize()}ColumnStatisticsData"
    if set(data) != {"Type", member}:
        raise InvalidInputException(f"Statistics of type {data['Type']} have {member}, and nothing else.")
    return ColumnStatistics(column, sent["ColumnType"], sent["AnalyzedTime"].timestamp(), _stored(data))


def _stored(value: Any) -> Any:
    match value:
        case dict():
            return {name: _stored(item) for name, item in value.items()}
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.timestamp()
    return value


def _answer(statistics: ColumnStatistics) -> dict[str, Any]:
    return {
        "ColumnName": statistics.column,
        "ColumnType": statistics.type,
        "AnalyzedTime": statistics.analyzed_at,
        "StatisticsData": _sent(statistics.data),
    }


def _sent(data: dict[str, Any]) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            sent[name] = _sent(value)
        else:
            sent[name] = base64.b64decode(value) if name == "UnscaledValue" else value
    return sent


def _without_statistics(column: str) -> EntityNotFoundException:
    return EntityNotFoundException(f"Column {column} has no statistics.")
