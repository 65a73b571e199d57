"""Versions of the Data Catalog's tables (AWS Glue Web API, Table API)."""

from __future__ import annotations

from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import own_catalog
from lakelet.aws.services.glue._answers import error_detail, table_answer
from lakelet.aws.services.glue._members import audited, version_number
from lakelet.catalog.grants.registered import Registered
from lakelet.catalog.model import fold
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException
from lakelet.workspace.state import reading, writing

_PAGE = 100


def get_table_version(
    database_name: str,
    table_name: str,
    catalog_id: str | None = None,
    version_id: str | None = None,
    audit_context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A version of a table, the current one unless another is named; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    audited("GetTableVersion", f"{database_name}.{table_name}", AuditContext=audit_context)
    wanted = version_number(version_id)
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        found = table if wanted is None else context.catalog.versions.get(connection, table, wanted)
        registered = Registered.of(connection)
    return {"TableVersion": {"Table": table_answer(context, found, registered), "VersionId": str(found.version)}}


def get_table_versions(
    database_name: str,
    table_name: str,
    catalog_id: str | None = None,
    next_token: str | None = None,
    max_results: int = _PAGE,
    audit_context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The versions of a table, the newest first, a page at a time.

    EntityNotFoundException, InvalidInputException for a foreign NextToken.
    """
    context = own_catalog(catalog_id)
    audited("GetTableVersions", f"{database_name}.{table_name}", AuditContext=audit_context)
    request = ("GetTableVersions", fold(database_name), fold(table_name))
    before = version_number(paging.position(next_token, *request))
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        found = context.catalog.versions.history(connection, table, before, max_results + 1)
        registered = Registered.of(connection)
    page, more = paging.split_page(found, max_results)
    versions = [{"Table": table_answer(context, one, registered), "VersionId": str(one.version)} for one in page]
    answer: dict[str, Any] = {"TableVersions": versions}
    if more:
        answer["NextToken"] = paging.next_token(str(page[-1].version), *request)
    return answer


def delete_table_version(database_name: str, table_name: str, version_id: str, catalog_id: str | None = None) -> None:
    """Forget an archived version; EntityNotFoundException, InvalidInputException for the current one."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        context.catalog.versions.delete(connection, table, version_number(version_id) or 0)


def batch_delete_table_version(
    database_name: str, table_name: str, version_ids: list[str], catalog_id: str | None = None
) -> dict[str, Any]:
    """Forget archived versions; the answer's Errors name those that could not be, and the others are gone."""
    context = own_catalog(catalog_id)
    errors = []
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        for version_id in version_ids:
            try:
                context.catalog.versions.delete(connection, table, version_number(version_id) or 0)
            except (EntityNotFoundException, InvalidInputException) as error:
                failure = {"TableName": table.name, "VersionId": version_id, "ErrorDetail": error_detail(error)}
                errors.append(failure)
    return {"Errors": errors}
