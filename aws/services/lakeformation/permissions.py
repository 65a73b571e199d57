"""Granting, revoking and listing permissions (AWS Lake Formation API)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from lakelet.aws import paging
from lakelet.aws.context import Context, own_catalog
from lakelet.aws.services.lakeformation._lake import PAGE, error_detail, grant_answer, lake_of, resource_of, signer
from lakelet.catalog.grants.effective import matches
from lakelet.catalog.grants.lake import Lake
from lakelet.catalog.grants.model import Grant, Resource
from lakelet.workspace.errors import InvalidInputException, NotImplementedException, ServiceError
from lakelet.workspace.state import writing

_TABLES = ("TABLE", "TABLE_WILDCARD", "COLUMNS", "DATA_CELLS_FILTER")
_KINDS = {
    "CATALOG": ("CATALOG",),
    "DATABASE": ("DATABASE",),
    "TABLE": _TABLES,
    "DATA_LOCATION": ("DATA_LOCATION",),
    "LF_TAG": ("LF_TAG",),
    "LF_TAG_POLICY": ("LF_TAG_POLICY_DATABASE", "LF_TAG_POLICY_TABLE"),
    "LF_TAG_POLICY_DATABASE": ("LF_TAG_POLICY_DATABASE",),
    "LF_TAG_POLICY_TABLE": ("LF_TAG_POLICY_TABLE",),
}


def grant_permissions(
    principal: dict[str, str],
    resource: dict[str, Any],
    permissions: list[str],
    catalog_id: str | None = None,
    permissions_with_grant_option: list[str] | None = None,
) -> None:
    """Add permissions to what a principal has on a resource.

    EntityNotFoundException for a resource that is not there, InvalidInputException for what cannot be granted.
    """
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        lake_of(context).grants.grant(
            connection, _named(principal), resource_of(resource), permissions, permissions_with_grant_option or (),
            signer(),
        )  # fmt: skip


def revoke_permissions(
    principal: dict[str, str],
    resource: dict[str, Any],
    permissions: list[str],
    catalog_id: str | None = None,
    permissions_with_grant_option: list[str] | None = None,
) -> None:
    """Take permissions from a principal; InvalidInputException when it has none of them."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        lake_of(context).grants.revoke(
            connection, _named(principal), resource_of(resource), permissions, permissions_with_grant_option or (),
            signer(),
        )  # fmt: skip


def batch_grant_permissions(entries: list[dict[str, Any]], catalog_id: str | None = None) -> dict[str, Any]:
    """Make several grants; the answer's Failures have those that could not be made, and why."""
    return _batch(own_catalog(catalog_id), entries, lambda lake: lake.grants.grant)


def batch_revoke_permissions(entries: list[dict[str, Any]], catalog_id: str | None = None) -> dict[str, Any]:
    """Revoke several grants; the answer's Failures have those that were not there, and why."""
    return _batch(own_catalog(catalog_id), entries, lambda lake: lake.grants.revoke)


def list_permissions(
    catalog_id: str | None = None,
    principal: dict[str, str] | None = None,
    resource_type: str | None = None,
    resource: dict[str, Any] | None = None,
    next_token: str | None = None,
    max_results: int = PAGE,
    include_related: str | None = None,
) -> dict[str, Any]:
    """Grants by principal, kind of resource and resource, in a fixed order, a page at a time.

    For a table, with what is granted on all tables of its database and on its columns; with ``include_related``
    (``TRUE``) on its data cells filters too. With a principal and a table or database, also what its LF-tags give.
    EntityNotFoundException, InvalidInputException.
    """
    context = own_catalog(catalog_id)
    if resource_type is not None and resource_type not in _KINDS:
        raise NotImplementedException(f"Permissions on {resource_type} are not served by Lakelet.")
    if include_related is not None and include_related.upper() not in ("TRUE", "FALSE"):
        raise InvalidInputException("IncludeRelated is TRUE or FALSE.")
    who = _named(principal) if principal is not None else None
    what = resource_of(resource) if resource is not None else None
    related = (include_related or "").upper() == "TRUE"
    with writing(context.engine) as connection:  # new tables are given their default permissions first
        lake = lake_of(context)
        found = [
            grant
            for grant in lake.grants.grants(connection)
            if (who is None or grant.principal == who)
            and (resource_type is None or grant.resource.kind in _KINDS[resource_type])
            and (what is None or _concerns(grant, what, related=related))
        ]
        if who is not None and what is not None and resource_type is None:
            found += [grant for grant in _by_tags(connection, lake, what) if grant.principal == who]
    request = ("ListPermissions", who, resource_type, resource, related)
    return _page(context, "PrincipalResourcePermissions", found, request, next_token, max_results)


def get_effective_permissions_for_path(
    resource_arn: str, catalog_id: str | None = None, next_token: str | None = None, max_results: int = PAGE
) -> dict[str, Any]:
    """The grants on databases and tables that lie at a path on S3, or around it; InvalidInputException."""
    context = own_catalog(catalog_id)
    if not resource_arn.startswith("arn:aws:s3:::"):
        raise InvalidInputException(f"{resource_arn[:100]} is not the ARN of a location on S3.")
    path = resource_arn.removeprefix("arn:aws:s3:::").rstrip("/")
    found: list[Grant] = []
    with writing(context.engine) as connection:
        lake = lake_of(context)
        everything = lake.grants.grants(connection)
        for database in context.catalog.databases(connection):
            if _lies_around(str(database.definition.get("LocationUri") or ""), path):
                found += [
                    g for g in everything if g.resource.kind == "DATABASE" and g.resource.database == database.name
                ]
            names = context.catalog.table_names(connection, database.name)
            for table in context.catalog.tables(connection, database.name, names):
                if _lies_around(table.location, path):
                    resource = Resource("TABLE", {}, table.database, table.name)
                    found += [grant for grant in everything if _concerns(grant, resource, related=True)]
                    found += _by_tags(connection, lake, resource)
    distinct = list({(grant.principal, grant.resource.key, grant.resource.columns): grant for grant in found}.values())
    request = ("GetEffectivePermissionsForPath", resource_arn)
    return _page(context, "Permissions", distinct, request, next_token, max_results)


def _batch(
    context: Context, entries: list[dict[str, Any]], action: Callable[[Lake], Callable[..., None]]
) -> dict[str, Any]:
    failures = []
    seen: set[str] = set()
    for entry in entries:
        try:
            if entry["Id"] in seen:
                raise InvalidInputException(f"The Id {entry['Id'][:100]} is there twice.")
            seen.add(entry["Id"])
            if "Condition" in entry:
                raise NotImplementedException("Permissions are served without Condition: leave it out.")
            missing = [member for member in ("Principal", "Resource", "Permissions") if member not in entry]
            if missing:
                raise InvalidInputException(f"An entry needs {', '.join(missing)}.")
            with writing(context.engine) as connection:
                action(lake_of(context))(
                    connection, _named(entry["Principal"]), resource_of(entry["Resource"]), entry["Permissions"],
                    entry.get("PermissionsWithGrantOption", ()), signer(),
                )  # fmt: skip
        except ServiceError as error:
            failures.append({"RequestEntry": entry, "Error": error_detail(error)})
    return {"Failures": failures}


def _named(principal: dict[str, str]) -> str:
    name = principal.get("DataLakePrincipalIdentifier")
    if name is None or "\0" in name:
        raise InvalidInputException("A Principal has a DataLakePrincipalIdentifier.")
    return name


def _concerns(grant: Grant, wanted: Resource, *, related: bool) -> bool:
    found = grant.resource
    if wanted.kind != "TABLE":
        named = not wanted.columns or bool(set(wanted.columns) & set(found.columns))
        return found.key == wanted.key and named
    if found.kind not in _TABLES or found.database != wanted.database or found.table not in (None, wanted.table):
        return False
    return related or found.kind != "DATA_CELLS_FILTER"


def _by_tags(connection: sa.Connection, lake: Lake, wanted: Resource) -> list[Grant]:
    """The grants on LF-tags that a database or table satisfies."""
    if wanted.kind not in ("DATABASE", "TABLE") or wanted.database is None:
        return []
    if wanted.table is None:
        tags = [lake.tags.on_database(connection, wanted.database)]
    else:
        facts = lake.tags.facts(connection, lake.catalog.table(connection, wanted.database, wanted.table))
        tags = [dict(one) for one in (facts.tags, *facts.column_tags.values())]
    policies = lake.grants.grants(connection)
    kind = f"LF_TAG_POLICY_{wanted.kind}"
    return [grant for grant in policies if grant.resource.kind == kind and any(matches(grant, one) for one in tags)]


def _lies_around(location: str, path: str) -> bool:
    held = location.partition("://")[2].rstrip("/")
    return bool(held) and f"{path}/".startswith(f"{held}/")


def _page(
    context: Context, member: str, found: list[Grant], request: tuple[Any, ...], token: str | None, size: int
) -> dict[str, Any]:
    def place(grant: Grant) -> list[str]:
        return [grant.principal, grant.resource.kind, grant.resource.key, ",".join(grant.resource.columns)]

    after = paging.position(token, *request) or []
    ordered = sorted((grant for grant in found if place(grant) > after), key=place)
    page, more = paging.split_page(ordered[: size + 1], size)
    answer: dict[str, Any] = {member: [grant_answer(context, grant) for grant in page]}
    if more:
        answer["NextToken"] = paging.next_token(place(page[-1]), *request)
    return answer
