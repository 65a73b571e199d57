"""Databases of the Data Catalog (AWS Glue Web API, Database API)."""

from __future__ import annotations

from typing import Any

from lakelet.aws import paging
from lakelet.aws.catalogs import scope
from lakelet.aws.context import Context, own_catalog
from lakelet.aws.operations import at_once
from lakelet.aws.services.glue._answers import arn, followed_database_answer
from lakelet.aws.services.glue._databases import drop_database
from lakelet.aws.services.glue._members import attributes, check_target
from lakelet.workspace.errors import NotImplementedException
from lakelet.workspace.state import reading, writing

_PAGE = 100


def create_database(
    database_input: dict[str, Any], catalog_id: str | None = None, tags: dict[str, str] | None = None
) -> None:
    """Add a database; AlreadyExistsException, InvalidInputException for reserved tags."""
    context = own_catalog(catalog_id)
    _check(context, database_input)
    with writing(context.engine) as connection:
        database = context.catalog.create_database(connection, database_input)
        context.catalog.tags.put(connection, arn(context, "database", database.name), tags)


@at_once
def get_database(name: str, catalog_id: str | None = None) -> dict[str, Any]:
    """One database; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    return {"Database": followed_database_answer(context, context.catalog.get_database(name))}


def get_databases(
    catalog_id: str | None = None,
    next_token: str | None = None,
    max_results: int = _PAGE,
    resource_share_type: str = "ALL",
    attributes_to_get: list[str] | None = None,
) -> dict[str, Any]:
    """The databases in order of name, a page at a time; InvalidInputException for a foreign NextToken.

    Nobody shares databases with this account: of the ResourceShareTypes, only ALL has any.
    """
    context = own_catalog(catalog_id)
    wanted = attributes(attributes_to_get, "NAME")
    after = paging.position(next_token, "GetDatabases", resource_share_type) or ""
    found = []
    if resource_share_type == "ALL":
        with reading(context.engine) as connection:
            found = context.catalog.databases(connection, after, max_results + 1, scope())
    page, more = paging.split_page(found, max_results)
    answers = [followed_database_answer(context, database) for database in page]
    if wanted is not None:
        members = {"Name", "CatalogId", *({"TargetDatabase"} if "TARGET_DATABASE" in wanted else ())}
        answers = [{member: value for member, value in one.items() if member in members} for one in answers]
    answer: dict[str, Any] = {"DatabaseList": answers}
    if more:
        answer["NextToken"] = paging.next_token(page[-1].name, "GetDatabases", resource_share_type)
    return answer


def update_database(name: str, database_input: dict[str, Any], catalog_id: str | None = None) -> None:
    """Replace a database's definition; EntityNotFoundException, InvalidInputException for a new name."""
    context = own_catalog(catalog_id)
    _check(context, database_input)
    with writing(context.engine) as connection:
        context.catalog.update_database(connection, name, database_input)


def delete_database(name: str, catalog_id: str | None = None) -> None:
    """Drop a database with all its tables, functions and tags; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        drop_database(context, connection, name)


def _check(context: Context, database_input: dict[str, Any]) -> None:
    if "FederatedDatabase" in database_input:
        raise NotImplementedException("DatabaseInput is served without FederatedDatabase: leave it out.")
    check_target(context, database_input.get("TargetDatabase"), "DatabaseName")
