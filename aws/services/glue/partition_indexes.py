"""Indexes on partition keys (AWS Glue Web API, Partition Index API)."""

from __future__ import annotations

from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import own_catalog
from lakelet.catalog.model import Table, fold
from lakelet.catalog.partitions.indexes import PartitionIndex
from lakelet.catalog.partitions.keys import values_of
from lakelet.workspace.state import reading, writing


def create_partition_index(
    database_name: str, table_name: str, partition_index: dict[str, Any], catalog_id: str | None = None
) -> None:
    """Index partition keys; the index is CREATING until the partitions that are there are in it.

    EntityNotFoundException, AlreadyExistsException, InvalidInputException, ResourceNumberLimitExceededException.
    """
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        context.catalog.create_index(connection, table, partition_index["IndexName"], partition_index["Keys"])


def get_partition_indexes(
    database_name: str, table_name: str, catalog_id: str | None = None, next_token: str | None = None
) -> dict[str, Any]:
    """The indexes of a table, all in one page; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    paging.position(next_token, "GetPartitionIndexes", fold(database_name), fold(table_name))
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        found = context.catalog.indexes(connection, table)
    return {"PartitionIndexDescriptorList": [_descriptor(table, index) for index in found]}


def delete_partition_index(database_name: str, table_name: str, index_name: str, catalog_id: str | None = None) -> None:
    """Drop an index; EntityNotFoundException, ConflictException while it is being created."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        context.catalog.delete_index(connection, table, index_name)


def _descriptor(table: Table, index: PartitionIndex) -> dict[str, Any]:
    keys = [table.partition_keys[position] for position in index.positions]
    answer: dict[str, Any] = {
        "IndexName": index.name,
        "Keys": [{"Name": name, "Type": kind} for name, kind in keys],
        "IndexStatus": index.status,
    }
    if index.errors:
        partitions = [{"Values": list(values_of(key))} for key in index.errors]
        answer["BackfillErrors"] = [{"Code": "INVALID_PARTITION_TYPE_DATA_ERROR", "Partitions": partitions}]
    return answer
