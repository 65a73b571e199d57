"""Data cells filters (AWS Lake Formation API)."""

from __future__ import annotations

from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import Context, own_catalog
from lakelet.aws.services.lakeformation._lake import PAGE, lake_of
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading, writing


def create_data_cells_filter(table_data: dict[str, Any]) -> None:
    """Add a filter to a table.

    AlreadyExistsException, EntityNotFoundException, ResourceNumberLimitExceededException; InvalidInputException for a
    row filter that cannot be read, or a column that the table has not.
    """
    context = own_catalog(table_data["TableCatalogId"])
    with writing(context.engine) as connection:
        table = context.catalog.table(connection, table_data["DatabaseName"], table_data["TableName"])
        lake_of(context).cells.create(connection, table, table_data["Name"], table_data)


def get_data_cells_filter(table_catalog_id: str, database_name: str, table_name: str, name: str) -> dict[str, Any]:
    """One filter; EntityNotFoundException."""
    context = own_catalog(table_catalog_id)
    with reading(context.engine) as connection:
        table = context.catalog.table(connection, database_name, table_name)
        found = lake_of(context).cells.get(connection, table, name)
    return {"DataCellsFilter": _answer(context, table.database, table.name, found)}


def list_data_cells_filter(
    table: dict[str, Any] | None = None, next_token: str | None = None, max_results: int = PAGE
) -> dict[str, Any]:
    """The filters of a table, or of all tables, a page at a time; EntityNotFoundException."""
    context = own_catalog((table or {}).get("CatalogId"))
    request = ("ListDataCellsFilter", table)
    after = paging.position(next_token, *request) or []
    found: list[dict[str, Any]] = []
    with reading(context.engine) as connection:
        if table is not None and "Name" in table:
            chosen = [context.catalog.table(connection, table["DatabaseName"], table["Name"])]
        else:
            wanted = None if table is None else table["DatabaseName"].lower()
            databases = [d.name for d in context.catalog.databases(connection) if wanted in (None, d.name)]
            chosen = [
                one
                for name in databases
                for one in context.catalog.tables(connection, name, context.catalog.table_names(connection, name))
            ]
        for one in chosen:
            definitions = lake_of(context).cells.all(connection, one)
            found += [_answer(context, one.database, one.name, definition) for definition in definitions]
    left = [one for one in found if _place(one) > after]
    page, more = paging.split_page(left[: max_results + 1], max_results)
    answer: dict[str, Any] = {"DataCellsFilters": list(page)}
    if more:
        answer["NextToken"] = paging.next_token(_place(page[-1]), *request)
    return answer


def update_data_cells_filter(table_data: dict[str, Any]) -> None:
    """Replace a filter's definition, with a VersionId only if that is still its own.

    EntityNotFoundException, InvalidInputException, ConcurrentModificationException.
    """
    context = own_catalog(table_data["TableCatalogId"])
    with writing(context.engine) as connection:
        table = context.catalog.table(connection, table_data["DatabaseName"], table_data["TableName"])
        version = table_data.get("VersionId")
        lake_of(context).cells.update(connection, table, table_data["Name"], table_data, version)


def delete_data_cells_filter(
    table_catalog_id: str | None = None,
    database_name: str | None = None,
    table_name: str | None = None,
    name: str | None = None,
) -> None:
    """Drop a filter with the grants on it; EntityNotFoundException."""
    context = own_catalog(table_catalog_id)
    if database_name is None or table_name is None or name is None:
        raise InvalidInputException("Give DatabaseName, TableName and Name.")
    with writing(context.engine) as connection:
        table = context.catalog.table(connection, database_name, table_name)
        lake_of(context).cells.delete(connection, table, name)


def _answer(context: Context, database: str, table: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"TableCatalogId": context.account_id, "DatabaseName": database, "TableName": table, **found}


def _place(one: dict[str, Any]) -> list[str]:
    return [one["DatabaseName"], one["TableName"], one["Name"]]
