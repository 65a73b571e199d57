"""Partitions of the Data Catalog's tables (AWS Glue Web API, Partition API)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lakelet.aws.context import own_catalog
from lakelet.aws.operations import at_once
from lakelet.aws.services.glue._answers import error_detail, partition_answers, partition_error
from lakelet.aws.services.glue._members import audited, no_transactions
from lakelet.aws.services.glue._partitions import PAGE, page_of
from lakelet.catalog.model import fold
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException
from lakelet.workspace.state import reading, writing


def create_partition(
    database_name: str, table_name: str, partition_input: dict[str, Any], catalog_id: str | None = None
) -> None:
    """Add a partition; AlreadyExistsException, EntityNotFoundException, InvalidInputException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        for error in context.catalog.create_partitions(connection, table, [partition_input]).values():
            raise error


def batch_create_partition(
    database_name: str, table_name: str, partition_input_list: list[dict[str, Any]], catalog_id: str | None = None
) -> dict[str, Any]:
    """Add partitions; the answer's Errors name those that could not be added, and the others are there."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        failures = context.catalog.create_partitions(connection, table, partition_input_list)
    return {
        "Errors": [
            partition_error(partition_input_list[position].get("Values", ()), error)
            for position, error in failures.items()
        ]
    }


@at_once
def get_partition(
    database_name: str,
    table_name: str,
    partition_values: list[str],
    catalog_id: str | None = None,
    audit_context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One partition by its values; EntityNotFoundException, InvalidInputException."""
    context = own_catalog(catalog_id)
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        partition = context.catalog.partition(connection, table, partition_values)
    context.settle(table.database, table.name)
    audited("GetPartition", f"{database_name}.{table_name}", AuditContext=audit_context)
    return {"Partition": partition_answers(context, table, [partition])[0]}


def get_partitions(
    database_name: str,
    table_name: str,
    catalog_id: str | None = None,
    expression: str | None = None,
    next_token: str | None = None,
    segment: dict[str, int] | None = None,
    max_results: int = PAGE,
    exclude_column_schema: bool = False,
    transaction_id: str | None = None,
    query_as_of_time: datetime | None = None,
    audit_context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The partitions that satisfy the expression, in no order that one may rely on, a page at a time.

    EntityNotFoundException; InvalidInputException for an expression that cannot be read, a foreign NextToken or a
    transaction.
    """
    context = own_catalog(catalog_id)
    no_transactions(transaction_id, query_as_of_time)
    audited("GetPartitions", f"{database_name}.{table_name}", AuditContext=audit_context)
    place = (database_name, table_name)
    table, found, token = page_of(context, "GetPartitions", place, expression, next_token, segment, max_results)
    return {"Partitions": partition_answers(context, table, found, schema=not exclude_column_schema), **token}


def batch_get_partition(
    database_name: str,
    table_name: str,
    partitions_to_get: list[dict[str, Any]],
    catalog_id: str | None = None,
    audit_context: dict[str, Any] | None = None,
    query_session_context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Those of the partitions that exist; EntityNotFoundException for the table, InvalidInputException."""
    context = own_catalog(catalog_id)
    contexts = {"AuditContext": audit_context, "QuerySessionContext": query_session_context}
    audited("BatchGetPartition", f"{database_name}.{table_name}", **contexts)
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        found = context.catalog.partitions_by_values(connection, table, [one["Values"] for one in partitions_to_get])
    context.settle(table.database, table.name)
    return {"Partitions": partition_answers(context, table, found), "UnprocessedKeys": []}


def update_partition(
    database_name: str,
    table_name: str,
    partition_value_list: list[str],
    partition_input: dict[str, Any],
    catalog_id: str | None = None,
) -> None:
    """Replace a partition, which may get other values; EntityNotFoundException, AlreadyExistsException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        context.catalog.update_partition(connection, table, partition_value_list, partition_input)


def batch_update_partition(
    database_name: str, table_name: str, entries: list[dict[str, Any]], catalog_id: str | None = None
) -> dict[str, Any]:
    """Replace partitions; the answer's Errors name those that could not be, and the others are replaced."""
    context = own_catalog(catalog_id)
    failures = []
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        for entry in entries:
            values = entry["PartitionValueList"]
            try:
                context.catalog.update_partition(connection, table, values, entry["PartitionInput"])
            except (EntityNotFoundException, AlreadyExistsException, InvalidInputException) as error:
                failures.append({"PartitionValueList": values, "ErrorDetail": error_detail(error)})
    return {"Errors": failures}


def delete_partition(
    database_name: str, table_name: str, partition_values: list[str], catalog_id: str | None = None
) -> None:
    """Drop a partition; EntityNotFoundException, InvalidInputException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        if context.catalog.delete_partitions(connection, table, [partition_values]):
            raise EntityNotFoundException(f"Cannot find partition. Values: {partition_values}, table: {table.name}.")


def batch_delete_partition(
    database_name: str, table_name: str, partitions_to_delete: list[dict[str, Any]], catalog_id: str | None = None
) -> dict[str, Any]:
    """Drop partitions; the answer's Errors name those that were not there."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        missing = context.catalog.delete_partitions(connection, table, [one["Values"] for one in partitions_to_delete])
    error = EntityNotFoundException(f"Cannot find partition. Table: {fold(table_name)}.")
    return {"Errors": [partition_error(values, error) for values in missing]}
