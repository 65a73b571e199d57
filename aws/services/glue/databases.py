"""Databases of the Data Catalog (AWS Glue Web API, Database API)."""

from __future__ import annotations

from typing import Any

from aws import paging
from aws.context import own_catalog
from aws.services.glue._answers import database_answer
from workspace.state import reading, writing

_PAGE = 100


def create_database(database_input: dict[str, Any], catalog_id: str | None = None) -> None:
    """Add a database; AlreadyExistsException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        context.catalog.create_database(connection, database_input)


def get_database(name: str, catalog_id: str | None = None) -> dict[str, Any]:
    """One database; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    return {"Database": database_answer(context, context.catalog.get_database(name))}


def get_databases(
    catalog_id: str | None = None, next_token: str | None = None, max_results: int = _PAGE
) -> dict[str, Any]:
    """The databases in order of name, a page at a time; InvalidInputException for a foreign NextToken."""
    context = own_catalog(catalog_id)
    after = paging.position(next_token, "GetDatabases") or ""
    with reading(context.engine) as connection:
        found = context.catalog.databases(connection, after, max_results + 1)
    page, more = paging.split_page(found, max_results)
    answer: dict[str, Any] = {"DatabaseList": [database_answer(context, database) for database in page]}
    if more:
        answer["NextToken"] = paging.next_token(page[-1].name, "GetDatabases")
    return answer


def update_database(name: str, database_input: dict[str, Any], catalog_id: str | None = None) -> None:
    """Replace a database's definition; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        context.catalog.update_database(connection, name, database_input)


def delete_database(name: str, catalog_id: str | None = None) -> None:
    """Drop a database with all its tables; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        context.catalog.delete_database(connection, name)
