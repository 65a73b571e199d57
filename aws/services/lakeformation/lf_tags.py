"""LF-tags (AWS Lake Formation API)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from lakelet.aws import paging
from lakelet.aws.context import Context, own_catalog
from lakelet.aws.services.lakeformation._lake import error_detail, lake_of, resource_of, tags_answer
from lakelet.catalog.grants.effective import satisfied
from lakelet.catalog.grants.model import read_expression
from lakelet.catalog.grants.tags import Failures
from lakelet.catalog.model import Table
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading, writing

_TAGS_PAGE = 50  # the most that ListLFTags' answer holds
_SEARCH_PAGE = 100


def create_lf_tag(tag_key: str, tag_values: list[str], catalog_id: str | None = None) -> None:
    """Add a tag; InvalidInputException when it exists, ResourceNumberLimitExceededException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        lake_of(context).tags.create(connection, tag_key, tag_values)


def get_lf_tag(tag_key: str, catalog_id: str | None = None) -> dict[str, Any]:
    """One tag with the values it may have; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with reading(context.engine) as connection:
        values = lake_of(context).tags.values(connection, tag_key)
    return {"CatalogId": context.account_id, "TagKey": tag_key.lower(), "TagValues": values}


def list_lf_tags(
    catalog_id: str | None = None,
    resource_share_type: str = "ALL",
    max_results: int = _TAGS_PAGE,
    next_token: str | None = None,
) -> dict[str, Any]:
    """The tags in order of key, a page at a time; there are none of other accounts (``FOREIGN``)."""
    context = own_catalog(catalog_id)
    after = paging.position(next_token, "ListLFTags", resource_share_type) or ""
    size = min(max_results, _TAGS_PAGE)
    found = []
    if resource_share_type == "ALL":
        with reading(context.engine) as connection:
            found = lake_of(context).tags.all(connection, after, size + 1)
    page, more = paging.split_page(found, size)
    answer: dict[str, Any] = {
        "LFTags": [{"CatalogId": context.account_id, "TagKey": key, "TagValues": values} for key, values in page]
    }
    if more:
        answer["NextToken"] = paging.next_token(page[-1][0], "ListLFTags", resource_share_type)
    return answer


def update_lf_tag(
    tag_key: str,
    catalog_id: str | None = None,
    tag_values_to_delete: list[str] | None = None,
    tag_values_to_add: list[str] | None = None,
) -> None:
    """Add values and take others away; EntityNotFoundException, InvalidInputException for one that is attached."""
    context = own_catalog(catalog_id)
    if not tag_values_to_add and not tag_values_to_delete:
        raise InvalidInputException("Give TagValuesToAdd or TagValuesToDelete.")
    with writing(context.engine) as connection:
        lake_of(context).tags.update(connection, tag_key, tag_values_to_add or (), tag_values_to_delete or ())


def delete_lf_tag(tag_key: str, catalog_id: str | None = None) -> None:
    """Drop a tag everywhere; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        lake_of(context).tags.delete(connection, tag_key)


def add_lf_tags_to_resource(
    resource: dict[str, Any], lf_tags: list[dict[str, Any]], catalog_id: str | None = None
) -> dict[str, Any]:
    """Give a database, table or columns tags; the answer's Failures have those that could not be, and why.

    EntityNotFoundException, InvalidInputException.
    """
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        failures = lake_of(context).tags.attach(connection, resource_of(resource), lf_tags)
    return _failures(failures)


def remove_lf_tags_from_resource(
    resource: dict[str, Any], lf_tags: list[dict[str, Any]], catalog_id: str | None = None
) -> dict[str, Any]:
    """Take tags away; the answer's Failures have those that were not there.

    EntityNotFoundException, InvalidInputException.
    """
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        failures = lake_of(context).tags.detach(connection, resource_of(resource), lf_tags)
    return _failures(failures)


def get_resource_lf_tags(
    resource: dict[str, Any], catalog_id: str | None = None, show_assigned_lf_tags: bool = False
) -> dict[str, Any]:
    """The tags of a database, table or columns, what is inherited included, or only those that are assigned to it.

    EntityNotFoundException, InvalidInputException.
    """
    context = own_catalog(catalog_id)
    wanted = resource_of(resource)
    lake = lake_of(context)
    with reading(context.engine) as connection:
        if wanted.kind == "DATABASE" and wanted.database is not None:
            context.catalog.database(connection, wanted.database)
            return _shown({"LFTagOnDatabase": tags_answer(context, lake.tags.on_database(connection, wanted.database))})
        if wanted.kind not in ("TABLE", "COLUMNS") or wanted.database is None or wanted.table is None:
            raise InvalidInputException("LF-tags are on a Database, a Table or a TableWithColumns.")
        table = context.catalog.table(connection, wanted.database, wanted.table)
        answer = _table_answer(context, connection, table, assigned=show_assigned_lf_tags)
    if wanted.kind == "COLUMNS":
        columns = [one for one in answer["LFTagsOnColumns"] if not wanted.columns or one["Name"] in wanted.columns]
        answer = {"LFTagsOnColumns": columns} if show_assigned_lf_tags else answer | {"LFTagsOnColumns": columns}
    elif show_assigned_lf_tags:
        answer = {"LFTagsOnTable": answer["LFTagsOnTable"]}
    return _shown(answer)


def search_tables_by_lf_tags(
    expression: list[dict[str, Any]],
    next_token: str | None = None,
    max_results: int = _SEARCH_PAGE,
    catalog_id: str | None = None,
) -> dict[str, Any]:
    """The tables that satisfy an expression themselves or with one of their columns, a page at a time."""
    context = own_catalog(catalog_id)
    conditions = read_expression(expression)
    request = ("SearchTablesByLFTags", conditions)
    after = paging.position(next_token, *request) or []
    found: list[dict[str, Any]] = []
    with reading(context.engine) as connection:
        lake = lake_of(context)
        for table in _tables(context, connection):
            if len(found) > max_results:
                break
            facts = lake.tags.facts(connection, table)
            fits = any(satisfied(conditions, tags) for tags in (facts.tags, *facts.column_tags.values()))
            if fits and [table.database, table.name] > after:
                named = {"CatalogId": context.account_id, "DatabaseName": table.database, "Name": table.name}
                tags = _shown(_table_answer(context, connection, table, assigned=False))
                found.append({"Table": named, **tags})
    page, more = paging.split_page(found, max_results)
    answer: dict[str, Any] = {"TableList": list(page)}
    if more:
        last = page[-1]["Table"]
        answer["NextToken"] = paging.next_token([last["DatabaseName"], last["Name"]], *request)
    return answer


def search_databases_by_lf_tags(
    expression: list[dict[str, Any]],
    next_token: str | None = None,
    max_results: int = _SEARCH_PAGE,
    catalog_id: str | None = None,
) -> dict[str, Any]:
    """The databases that satisfy an expression, a page at a time."""
    context = own_catalog(catalog_id)
    conditions = read_expression(expression)
    request = ("SearchDatabasesByLFTags", conditions)
    after = paging.position(next_token, *request) or ""
    found: list[dict[str, Any]] = []
    with reading(context.engine) as connection:
        for database in context.catalog.databases(connection, after):
            tags = lake_of(context).tags.on_database(connection, database.name)
            if len(found) <= max_results and satisfied(conditions, tags):
                named = {"CatalogId": context.account_id, "Name": database.name}
                found.append({"Database": named, "LFTags": tags_answer(context, tags)})
    page, more = paging.split_page(found, max_results)
    answer: dict[str, Any] = {"DatabaseList": list(page)}
    if more:
        answer["NextToken"] = paging.next_token(page[-1]["Database"]["Name"], *request)
    return answer


def _tables(context: Context, connection: sa.Connection) -> Iterator[Table]:
    for database in context.catalog.databases(connection):
        names = context.catalog.table_names(connection, database.name)
        yield from context.catalog.tables(connection, database.name, names)


def _table_answer(context: Context, connection: sa.Connection, table: Table, *, assigned: bool) -> dict[str, Any]:
    tags = lake_of(context).tags
    own, of_columns = tags.on_table(connection, table)
    on_database = tags.on_database(connection, table.database)
    on_table = own if assigned else on_database | own
    columns = {name: found if assigned else on_table | found for name, found in of_columns.items()}
    return {
        "LFTagOnDatabase": tags_answer(context, on_database),
        "LFTagsOnTable": tags_answer(context, on_table),
        "LFTagsOnColumns": [
            {"Name": name, "LFTags": tags_answer(context, found)} for name, found in sorted(columns.items())
        ],
    }


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in answer.items() if value}


def _failures(failures: Failures) -> dict[str, Any]:
    return {"Failures": [{"LFTag": dict(pair), "Error": error_detail(error)} for pair, error in failures]}
