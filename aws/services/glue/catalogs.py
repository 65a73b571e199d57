"""Catalogs: the account's own, and those beside it (AWS Glue Web API, Catalog API).

Those beside it hold databases, tables, partitions and functions of their own, which requests reach by the CatalogId
``<account>:<name>`` (:mod:`lakelet.aws.catalogs`). SQL, jobs, crawlers and Lake Formation's grants know the account's
own.
"""

from __future__ import annotations

import re
from typing import Any

from lakelet.aws import paging
from lakelet.aws.catalogs import other_catalog
from lakelet.aws.context import Context, current, own_catalog
from lakelet.aws.services.glue._answers import arn, requested_arn
from lakelet.aws.services.glue._databases import drop_database
from lakelet.catalog.catalogs.store import Catalog, CatalogsStore
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading, writing

_PAGE = 100
_NAME = re.compile(r"(?!aws:)[^./\\:\x00-\x1f]{1,64}")
_EVERYBODY = {"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}
_DEFAULTS = ("CreateTableDefaultPermissions", "CreateDatabaseDefaultPermissions")
# What the answer has of what was given; OverwriteChildResourcePermissionsWithDefault is an order, and not kept.
_KEPT = ("Description", "Parameters", "CatalogProperties", "AllowFullTableExternalDataAccess", *_DEFAULTS)
_catalogs = CatalogsStore()


def create_catalog(name: str, catalog_input: dict[str, Any], tags: dict[str, str] | None = None) -> None:
    """Add a catalog of its own; AlreadyExistsException, InvalidInputException for one that lies elsewhere."""
    context = current()
    if not _NAME.fullmatch(name) or not name.strip() or name == context.account_id:
        raise InvalidInputException(f"{name!r} is no name of a catalog: 1 to 64 characters but . / \\ and :.")
    kept = _checked(catalog_input)
    with writing(context.engine) as connection:
        _catalogs.create(connection, name, kept)
        context.catalog.tags.put(connection, arn(context, "catalog", name.lower()), tags)


def get_catalog(catalog_id: str) -> dict[str, Any]:
    """One catalog, the account's own or another; EntityNotFoundException."""
    context = current()
    name = other_catalog({"CatalogId": catalog_id})
    if name is None:
        return {"Catalog": _root(own_catalog(catalog_id))}
    with reading(context.engine) as connection:
        return {"Catalog": _answer(context, _catalogs.get(connection, name))}


def get_catalogs(
    parent_catalog_id: str | None = None,
    next_token: str | None = None,
    max_results: int = _PAGE,
    recursive: bool = False,
    include_root: bool = True,
    has_databases: bool | None = None,
) -> dict[str, Any]:
    """The account's own catalog, unless it is left out, and those beside it by name, a page at a time.

    ``has_databases`` leaves those that have some, or have none. No catalog is in another than the account's own, so
    that ``recursive`` adds none.
    """
    context = current()
    after = paging.position(next_token, "GetCatalogs", parent_catalog_id, has_databases)
    parent = None if parent_catalog_id is None else other_catalog({"CatalogId": parent_catalog_id})
    with reading(context.engine) as connection:
        if parent is not None:
            _catalogs.get(connection, parent)
            return {"CatalogList": []}
        own_catalog(parent_catalog_id)
        beside = _catalogs.all(connection)
        every = [(None, _root(context)), *((one.name, _answer(context, one)) for one in beside)]
        found = [
            (name or "", shown)
            for name, shown in every
            if (after is None or (name or "") > after)
            and (name is not None or include_root)
            and has_databases in (None, bool(context.catalog.databases(connection, limit=1, catalog=name)))
        ]
    page, more = paging.split_page(found[: max_results + 1], max_results)
    answer: dict[str, Any] = {"CatalogList": [shown for _, shown in page]}
    if more:
        answer["NextToken"] = paging.next_token(page[-1][0], "GetCatalogs", parent_catalog_id, has_databases)
    return answer


def update_catalog(catalog_id: str, catalog_input: dict[str, Any]) -> None:
    """Replace what is said of a catalog beside the account's own; EntityNotFoundException, InvalidInputException."""
    context, name = _beside(catalog_id)
    kept = _checked(catalog_input)
    with writing(context.engine) as connection:
        _catalogs.update(connection, name, kept)


def delete_catalog(catalog_id: str) -> None:
    """Drop a catalog beside the account's own with all in it; EntityNotFoundException, InvalidInputException."""
    context, name = _beside(catalog_id)
    with writing(context.engine) as connection:
        _catalogs.delete(connection, name)
        for database in context.catalog.databases(connection, catalog=name):
            drop_database(context, connection, database.name)
        context.catalog.tags.forget(connection, arn(context, "catalog", name))


def _beside(catalog_id: str) -> tuple[Context, str]:
    name = other_catalog({"CatalogId": catalog_id})
    if name is None:
        own_catalog(catalog_id)
        raise InvalidInputException("The account's own catalog stays as it is.")
    return current(), name


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a CatalogInput; raises InvalidInputException for catalogs whose content would lie elsewhere."""
    properties = given.get("CatalogProperties") or {}
    elsewhere: list[str] = [member for member in ("FederatedCatalog", "TargetRedshiftCatalog") if member in given]
    elsewhere += [one for one in ("DataLakeAccessProperties", "IcebergOptimizationProperties") if properties.get(one)]
    if elsewhere:
        raise InvalidInputException(
            f"A catalog holds its databases itself here: there is nothing that {', '.join(elsewhere)} could mean."
        )
    for member in _DEFAULTS:
        if any(one != _EVERYBODY for one in given.get(member) or ()):
            raise InvalidInputException(f"{member} gives IAM_ALLOWED_PRINCIPALS ALL, or nothing: IAM alone decides.")
    return {member: given[member] for member in _KEPT if member in given}


def _root(context: Context) -> dict[str, Any]:
    return {
        "CatalogId": context.account_id,
        "Name": context.account_id,
        "ResourceArn": requested_arn(context, "catalog"),
    }


def _answer(context: Context, one: Catalog) -> dict[str, Any]:
    return {
        **one.definition,
        "CatalogId": f"{context.account_id}:{one.name}",
        "Name": one.name,
        "ResourceArn": requested_arn(context, "catalog", one.name),
        "CreateTime": one.created_at,
        "UpdateTime": one.updated_at,
    }
