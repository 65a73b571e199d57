"""Tables of the Data Catalog (AWS Glue Web API, Table API)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from aws import paging
from aws.context import Context, own_catalog
from aws.services.glue._answers import arn, error_detail, table_answer
from aws.services.glue._members import attributes, check_target, version_number
from catalog.model import fold
from catalog.names import matching
from workspace.errors import EntityNotFoundException, InvalidInputException, ResourceNotReadyException
from workspace.state import reading, writing

_PAGE = 100


def create_table(
    database_name: str,
    table_input: dict[str, Any],
    catalog_id: str | None = None,
    partition_indexes: list[dict[str, Any]] | None = None,
    name: str | None = None,
) -> None:
    """Add a table with its partition indexes; AlreadyExistsException, EntityNotFoundException for the database."""
    context = own_catalog(catalog_id)
    _check_name(name, table_input)
    check_target(context, table_input.get("TargetTable"))
    with writing(context.engine) as connection:
        table = context.catalog.create_table(connection, database_name, table_input)
        for index in partition_indexes or ():
            context.catalog.create_index(connection, table, index["IndexName"], index["Keys"])


def get_table(
    database_name: str,
    name: str,
    catalog_id: str | None = None,
    include_status_details: bool = False,
    attributes_to_get: list[str] | None = None,
) -> dict[str, Any]:
    """One table; EntityNotFoundException.

    No definition of a view is ever pending here, so that ``include_status_details`` adds nothing.
    """
    context = own_catalog(catalog_id)
    attributes(attributes_to_get, "DEFAULT", refused=("LATEST_ICEBERG_METADATA", "NAME", "TABLE_TYPE"))
    table = context.catalog.get_table(database_name, name)
    context.settle(table.database, table.name)
    return {"Table": table_answer(context, table)}


def get_tables(
    database_name: str,
    catalog_id: str | None = None,
    expression: str | None = None,
    next_token: str | None = None,
    max_results: int = _PAGE,
    resource_share_type: str = "ALL",
    include_status_details: bool = False,
    attributes_to_get: list[str] | None = None,
) -> dict[str, Any]:
    """The tables whose name matches the pattern, in order of name, a page at a time.

    EntityNotFoundException; InvalidInputException for a pattern that cannot be read or a foreign NextToken. Nobody
    shares tables with this account: there are no FEDERATED ones.
    """
    context = own_catalog(catalog_id)
    wanted = attributes(attributes_to_get, "NAME", refused=("DEFAULT", "LATEST_ICEBERG_METADATA"))
    request = ("GetTables", fold(database_name), expression)
    after = paging.position(next_token, *request) or ""
    with reading(context.engine) as connection:
        names: Sequence[str] = context.catalog.table_names(connection, database_name, after)
        if resource_share_type == "FEDERATED":
            names = []
        if expression:
            names = matching(expression, names)
        page, more = paging.split_page(names, max_results)
        found = context.catalog.tables(connection, database_name, page)
    for table in found:
        context.settle(table.database, table.name)
    tables = [table_answer(context, table) for table in found]
    if wanted is not None:
        members = {"Name", "DatabaseName", "CatalogId", *({"TableType"} if "TABLE_TYPE" in wanted else ())}
        tables = [{member: value for member, value in table.items() if member in members} for table in tables]
    answer: dict[str, Any] = {"TableList": tables}
    if more:
        answer["NextToken"] = paging.next_token(page[-1], *request)
    return answer


def update_table(
    database_name: str,
    table_input: dict[str, Any],
    catalog_id: str | None = None,
    skip_archive: bool = False,
    version_id: str | None = None,
    name: str | None = None,
) -> None:
    """Replace a table's definition and count its version up; the old one is archived unless ``skip_archive``.

    With ``version_id``, only if that is still its version: ConcurrentModificationException otherwise. A table is not
    renamed: EntityNotFoundException for another name.
    """
    context = own_catalog(catalog_id)
    _check_name(name, table_input)
    check_target(context, table_input.get("TargetTable"))
    version = version_number(version_id)
    with writing(context.engine) as connection:
        context.catalog.update_table(connection, database_name, table_input, version, skip_archive=skip_archive)


def delete_table(database_name: str, name: str, catalog_id: str | None = None) -> None:
    """Drop a table with its partitions; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        _delete(context, connection, database_name, name)


def batch_delete_table(
    database_name: str, tables_to_delete: list[str], catalog_id: str | None = None
) -> dict[str, Any]:
    """Drop several tables; the answer's Errors name those that were not there."""
    context = own_catalog(catalog_id)
    errors = []
    with writing(context.engine) as connection:
        context.catalog.database(connection, database_name)
        for name in tables_to_delete:
            try:
                _delete(context, connection, database_name, name)
            except (EntityNotFoundException, ResourceNotReadyException) as error:
                errors.append({"TableName": name, "ErrorDetail": error_detail(error)})
    return {"Errors": errors}


def _delete(context: Context, connection: sa.Connection, database: str, name: str) -> None:
    context.catalog.delete_table(connection, database, name)
    context.catalog.tags.forget(connection, arn(context, "table", fold(database), fold(name)))


def _check_name(name: str | None, table_input: dict[str, Any]) -> None:
    if name is not None and fold(name) != fold(table_input["Name"]):
        raise InvalidInputException(f"Name is {name}, but the TableInput's is {table_input['Name']}: give the same.")
