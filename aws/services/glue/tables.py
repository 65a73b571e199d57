"""Tables of the Data Catalog (AWS Glue Web API, Table API)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws import paging
from aws.context import own_catalog
from aws.services.glue._answers import error_detail, table_answer
from catalog.model import fold
from catalog.names import matching
from workspace.errors import EntityNotFoundException, InvalidInputException
from workspace.state import reading, writing

_PAGE = 100


def create_table(database_name: str, table_input: dict[str, Any], catalog_id: str | None = None) -> None:
    """Add a table; AlreadyExistsException, EntityNotFoundException for an unknown database."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        context.catalog.create_table(connection, database_name, table_input)


def get_table(database_name: str, name: str, catalog_id: str | None = None) -> dict[str, Any]:
    """One table; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    table = context.catalog.get_table(database_name, name)
    context.settle(database_name, name)
    return {"Table": table_answer(context, table)}


def get_tables(
    database_name: str,
    catalog_id: str | None = None,
    expression: str | None = None,
    next_token: str | None = None,
    max_results: int = _PAGE,
) -> dict[str, Any]:
    """The tables whose name matches the pattern, in order of name, a page at a time.

    EntityNotFoundException; InvalidInputException for a pattern that cannot be read or a foreign NextToken.
    """
    context = own_catalog(catalog_id)
    request = ("GetTables", fold(database_name), expression)
    after = paging.position(next_token, *request) or ""
    with reading(context.engine) as connection:
        names: Sequence[str] = context.catalog.table_names(connection, database_name, after)
        if expression:
            names = matching(expression, names)
        page, more = paging.split_page(names, max_results)
        found = context.catalog.tables(connection, database_name, page)
    context.settle(database_name, *page)
    answer: dict[str, Any] = {"TableList": [table_answer(context, table) for table in found]}
    if more:
        answer["NextToken"] = paging.next_token(page[-1], *request)
    return answer


def update_table(
    database_name: str,
    table_input: dict[str, Any],
    catalog_id: str | None = None,
    skip_archive: bool = False,
    version_id: str | None = None,
) -> None:
    """Replace a table's definition and count its version up.

    With ``version_id``, only if that is still its version: ConcurrentModificationException otherwise. Old versions
    are not kept, so ``skip_archive`` changes nothing. EntityNotFoundException.
    """
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        context.catalog.update_table(connection, database_name, table_input, _version(version_id))


def delete_table(database_name: str, name: str, catalog_id: str | None = None) -> None:
    """Drop a table with its partitions; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        context.catalog.delete_table(connection, database_name, name)


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
                context.catalog.delete_table(connection, database_name, name)
            except EntityNotFoundException as error:
                errors.append({"TableName": name, "ErrorDetail": error_detail(error)})
    return {"Errors": errors}


def _version(version_id: str | None) -> int | None:
    if version_id is None:
        return None
    if not (version_id.isascii() and version_id.isdigit() and len(version_id) < 19):
        raise InvalidInputException(f"{version_id!r} is no version of a table: a VersionId is a whole number.")
    return int(version_id)
