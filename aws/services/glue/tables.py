"""Tables of the Data Catalog (AWS Glue Web API, Table API)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lakelet.aws import paging
from lakelet.aws.context import Context, own_catalog
from lakelet.aws.operations import at_once
from lakelet.aws.services.glue import _iceberg
from lakelet.aws.services.glue._answers import arn, error_detail, followed_table_answer, table_answer
from lakelet.aws.services.glue._members import (
    attributes,
    audited,
    check_reference,
    check_target,
    no_transactions,
    version_number,
)
from lakelet.catalog.grants.registered import Registered
from lakelet.catalog.model import Table, fold
from lakelet.catalog.names import matching
from lakelet.catalog.views import changed_view
from lakelet.workspace.errors import (
    AccessDeniedException,
    AlreadyExistsException,
    EntityNotFoundException,
    InvalidInputException,
    NotImplementedException,
    ResourceNotReadyException,
)
from lakelet.workspace.state import reading, writing

_PAGE = 100


def create_table(
    database_name: str,
    table_input: dict[str, Any],
    catalog_id: str | None = None,
    partition_indexes: list[dict[str, Any]] | None = None,
    name: str | None = None,
    open_table_format_input: dict[str, Any] | None = None,
    transaction_id: str | None = None,
) -> None:
    """Add a table with its partition indexes; with ``open_table_format_input`` a new Iceberg table and its metadata.

    AlreadyExistsException, EntityNotFoundException for the database, InvalidInputException.
    """
    context = own_catalog(catalog_id)
    no_transactions(transaction_id)
    _check_name(name, table_input)
    _check_input(context, table_input)
    if open_table_format_input is not None:
        _check_new(context, database_name, table_input["Name"])
        with _iceberg.created(context, table_input, open_table_format_input) as made:
            _create(context, database_name, made, partition_indexes)
        return
    _create(context, database_name, table_input, partition_indexes)


def _create(
    context: Context, database_name: str, table_input: dict[str, Any], partition_indexes: list[dict[str, Any]] | None
) -> None:
    with writing(context.engine) as connection:
        table = context.catalog.create_table(connection, database_name, table_input)
        for index in partition_indexes or ():
            context.catalog.create_index(connection, table, index["IndexName"], index["Keys"])


@at_once
def get_table(
    database_name: str,
    name: str,
    catalog_id: str | None = None,
    include_status_details: bool = False,
    attributes_to_get: list[str] | None = None,
    transaction_id: str | None = None,
    query_as_of_time: datetime | None = None,
    audit_context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One table; EntityNotFoundException, InvalidInputException for a transaction or its time.

    No definition of a view is ever pending here, so that ``include_status_details`` adds nothing.
    """
    context = own_catalog(catalog_id)
    no_transactions(transaction_id, query_as_of_time)
    attributes(attributes_to_get, "DEFAULT", refused=("LATEST_ICEBERG_METADATA", "NAME", "TABLE_TYPE"))
    with reading(context.engine) as connection:
        table = context.catalog.table(connection, database_name, name)
        registered = Registered.of(connection)
    context.settle(table.database, table.name)
    # Through the link of a database the table itself is answered, a link too; else a link is followed.
    answer = followed_table_answer if table.database == fold(database_name) else table_answer
    found = {"Table": answer(context, table, registered)}
    audited("GetTable", f"{database_name}.{name}", AuditContext=audit_context)
    return found


def get_tables(
    database_name: str,
    catalog_id: str | None = None,
    expression: str | None = None,
    next_token: str | None = None,
    max_results: int = _PAGE,
    resource_share_type: str = "ALL",
    include_status_details: bool = False,
    attributes_to_get: list[str] | None = None,
    transaction_id: str | None = None,
    query_as_of_time: datetime | None = None,
    audit_context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The tables whose name matches the pattern, in order of name, a page at a time.

    EntityNotFoundException; InvalidInputException for a pattern that cannot be read, a foreign NextToken or a
    transaction. Nobody shares tables with this account: there are no FEDERATED ones.
    """
    context = own_catalog(catalog_id)
    no_transactions(transaction_id, query_as_of_time)
    audited("GetTables", database_name, AuditContext=audit_context)
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
        registered = Registered.of(connection)
    for table in found:
        context.settle(table.database, table.name)
    tables = [_listed(context, database_name, table, registered) for table in found]
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
    update_open_table_format_input: dict[str, Any] | None = None,
    transaction_id: str | None = None,
    view_update_action: str | None = None,
    force: bool = False,
) -> None:
    """Replace a table's definition and count its version up; the old one is archived unless ``skip_archive``.

    With ``version_id``, only if that is still its version: ConcurrentModificationException otherwise. A table is not
    renamed: EntityNotFoundException for another name. With ``update_open_table_format_input`` an Iceberg table gets its
    next metadata file, and what the TableInput has not stays as it is. With ``view_update_action`` the dialects of a
    view change as catalog/views.py has it, with ``force`` also where its columns and its tables are other ones.
    """
    context = own_catalog(catalog_id)
    no_transactions(transaction_id)
    _check_name(name, table_input)
    _check_input(context, table_input)
    version = version_number(version_id)
    if update_open_table_format_input is not None:
        if view_update_action is not None:
            raise InvalidInputException("A view is no Iceberg table: give ViewUpdateAction by itself.")
        with reading(context.engine) as connection:
            table = context.catalog.resolved(connection, database_name, table_input["Name"])
        expected = table.version if version is None else version
        with (
            _iceberg.updated(context, table, table_input, update_open_table_format_input) as made,
            writing(context.engine) as connection,
        ):
            context.catalog.update_table(connection, database_name, made, expected, skip_archive=skip_archive)
        return
    with writing(context.engine) as connection:
        if view_update_action is not None:
            view = context.catalog.resolved(connection, database_name, table_input["Name"])
            table_input = changed_view(view, table_input, view_update_action, force=force)
        context.catalog.update_table(connection, database_name, table_input, version, skip_archive=skip_archive)


def delete_table(
    database_name: str, name: str, catalog_id: str | None = None, transaction_id: str | None = None
) -> None:
    """Drop a table with its partitions; EntityNotFoundException, InvalidInputException for a transaction."""
    context = own_catalog(catalog_id)
    no_transactions(transaction_id)
    with writing(context.engine) as connection:
        _delete(context, connection, database_name, name)


def batch_delete_table(
    database_name: str, tables_to_delete: list[str], catalog_id: str | None = None, transaction_id: str | None = None
) -> dict[str, Any]:
    """Drop several tables; the answer's Errors name those that were not there.

    InvalidInputException for a transaction.
    """
    context = own_catalog(catalog_id)
    no_transactions(transaction_id)
    errors = []
    with writing(context.engine) as connection:
        context.catalog.database(connection, database_name)
        for name in tables_to_delete:
            try:
                _delete(context, connection, database_name, name)
            except (EntityNotFoundException, ResourceNotReadyException) as error:
                errors.append({"TableName": name, "ErrorDetail": error_detail(error)})
    return {"Errors": errors}


def _listed(context: Context, database: str, table: Table, registered: Registered) -> dict[str, Any]:
    """A table as GetTables answers it: a link of this database with its target's properties, if that is there and
    the caller may read it."""
    if table.database == fold(database):
        with suppress(EntityNotFoundException, AccessDeniedException):
            return followed_table_answer(context, table, registered)
    return table_answer(context, table, registered)


def _delete(context: Context, connection: sa.Connection, database: str, name: str) -> None:
    context.catalog.delete_table(connection, database, name)
    for kind in ("table", "columnStatisticsTaskSettings"):
        context.catalog.tags.forget(connection, arn(context, kind, fold(database), fold(name)))


def _check_new(context: Context, database: str, name: str) -> None:
    """Before anything is written for it, that a table can be made; the row decides in the end."""
    with reading(context.engine) as connection:
        context.catalog.database(connection, database)
        if context.catalog.find_table(connection, database, name) is not None:
            raise AlreadyExistsException(f"Table already exists. Name: {fold(name)}, DatabaseName: {fold(database)}.")


def _check_input(context: Context, table_input: dict[str, Any]) -> None:
    if "FederatedTable" in table_input:
        raise NotImplementedException("TableInput is served without FederatedTable: leave it out.")
    check_target(context, table_input.get("TargetTable"), "DatabaseName", "Name")
    check_reference(context, table_input)


def _check_name(name: str | None, table_input: dict[str, Any]) -> None:
    if name is not None and fold(name) != fold(table_input["Name"]):
        raise InvalidInputException(f"Name is {name}, but the TableInput's is {table_input['Name']}: give the same.")
