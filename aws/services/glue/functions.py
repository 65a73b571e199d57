"""User-defined functions of the Data Catalog (AWS Glue Web API, User-Defined Function API)."""

from __future__ import annotations

from typing import Any

from lakelet.aws import paging
from lakelet.aws.catalogs import scope
from lakelet.aws.context import Context, own_catalog
from lakelet.aws.services.glue._answers import arn
from lakelet.catalog.catalogs.names import catalog_of
from lakelet.catalog.functions.store import Function
from lakelet.catalog.model import fold
from lakelet.catalog.names import matching
from lakelet.workspace.state import reading, writing

_PAGE = 100


def create_user_defined_function(
    database_name: str, function_input: dict[str, Any], catalog_id: str | None = None
) -> None:
    """Record a function; AlreadyExistsException, EntityNotFoundException for the database, InvalidInputException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        context.catalog.database(connection, database_name)
        context.catalog.functions.create(connection, database_name, function_input)


def get_user_defined_function(database_name: str, function_name: str, catalog_id: str | None = None) -> dict[str, Any]:
    """One function; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with reading(context.engine) as connection:
        found = context.catalog.functions.get(connection, database_name, function_name)
    return {"UserDefinedFunction": _answer(context, found)}


def get_user_defined_functions(
    pattern: str,
    catalog_id: str | None = None,
    database_name: str | None = None,
    function_type: str | None = None,
    next_token: str | None = None,
    max_results: int = _PAGE,
) -> dict[str, Any]:
    """The functions of a database, or of all, whose name matches the pattern, by database and name, paged.

    EntityNotFoundException for the database; InvalidInputException for a pattern that cannot be read.
    """
    context = own_catalog(catalog_id)
    request = ("GetUserDefinedFunctions", database_name, pattern, function_type)
    after = paging.position(next_token, *request)
    with reading(context.engine) as connection:
        if database_name is not None:
            context.catalog.database(connection, database_name)
        every = context.catalog.functions.all(connection, database_name)
    found = [one for one in every if catalog_of(one.database) == scope()]
    names = set(matching(pattern, [one.name for one in found]))
    wanted = [
        one
        for one in found
        if one.name in names
        and (function_type is None or one.definition.get("FunctionType", "REGULAR_FUNCTION") == function_type)
        and (after is None or [one.database, one.name] > after)
    ]
    page, more = paging.split_page(wanted, max_results)
    answer: dict[str, Any] = {"UserDefinedFunctions": [_answer(context, one) for one in page]}
    if more:
        answer["NextToken"] = paging.next_token([page[-1].database, page[-1].name], *request)
    return answer


def update_user_defined_function(
    database_name: str, function_name: str, function_input: dict[str, Any], catalog_id: str | None = None
) -> None:
    """Replace a function; EntityNotFoundException, AlreadyExistsException for a new name that is taken."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        context.catalog.functions.update(connection, database_name, function_name, function_input)
        renamed = fold(function_input.get("FunctionName") or function_name)
        if renamed != fold(function_name):
            place = fold(database_name)
            before = arn(context, "userDefinedFunction", place, fold(function_name))
            context.catalog.tags.move(connection, before, arn(context, "userDefinedFunction", place, renamed))


def delete_user_defined_function(database_name: str, function_name: str, catalog_id: str | None = None) -> None:
    """Forget a function; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        context.catalog.functions.delete(connection, database_name, function_name)
        names = (fold(database_name), fold(function_name))
        context.catalog.tags.forget(connection, arn(context, "userDefinedFunction", *names))


def _answer(context: Context, function: Function) -> dict[str, Any]:
    return {
        "FunctionType": "REGULAR_FUNCTION",
        **function.definition,
        "FunctionName": function.name,
        "DatabaseName": function.database,
        "CreateTime": function.created_at,
        "CatalogId": context.account_id,
    }
