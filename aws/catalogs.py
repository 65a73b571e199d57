"""Requests on a catalog beside the account's own, whose CatalogId is ``<account>:<name>``.

Operations know databases by one name. A request on another catalog is given the names under which its databases are
kept (:mod:`lakelet.catalog.catalogs.names`), and its answer, or its error, gets those that the client knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from lakelet.aws.context import current
from lakelet.catalog.catalogs.names import inside, prefix_of
from lakelet.catalog.catalogs.store import CatalogsStore
from lakelet.workspace.errors import InvalidInputException, ServiceError
from lakelet.workspace.state import reading

_BY_NAME = ("GetDatabase", "UpdateDatabase", "DeleteDatabase")  # whose Name is a database's
_THEMSELVES = ("GetCatalog", "UpdateCatalog", "DeleteCatalog")  # take a CatalogId as it is
SERVED = frozenset({
    *_BY_NAME, "CreateDatabase", "GetDatabases", "CreateTable", "GetTable", "GetTables", "UpdateTable", "DeleteTable",
    "BatchDeleteTable", "SearchTables", "GetTableVersion", "GetTableVersions", "DeleteTableVersion",
    "BatchDeleteTableVersion", "CreatePartition", "BatchCreatePartition", "GetPartition", "GetPartitions",
    "BatchGetPartition", "UpdatePartition", "BatchUpdatePartition", "DeletePartition", "BatchDeletePartition",
    "CreatePartitionIndex", "GetPartitionIndexes", "DeletePartitionIndex", "GetColumnStatisticsForTable",
    "UpdateColumnStatisticsForTable", "DeleteColumnStatisticsForTable", "GetColumnStatisticsForPartition",
    "UpdateColumnStatisticsForPartition", "DeleteColumnStatisticsForPartition", "CreateUserDefinedFunction",
    "GetUserDefinedFunction", "GetUserDefinedFunctions", "UpdateUserDefinedFunction", "DeleteUserDefinedFunction",
    "GetUnfilteredTableMetadata", "GetUnfilteredPartitionMetadata", "GetUnfilteredPartitionsMetadata",
})  # fmt: skip

Serve = Callable[[dict[str, Any]], dict[str, Any]]
_catalog: ContextVar[str | None] = ContextVar("catalog", default=None)


def scope() -> str | None:
    """The catalog that the request being served is about; None for the account's own."""
    return _catalog.get()


def outward(answer: dict[str, Any]) -> dict[str, Any]:
    """Give the names in an answer, which is nobody else's, the form that the client knows; the same answer."""
    if (name := scope()) is not None:
        account = current().account_id
        _rename(answer, prefix_of(name), {account: f"{account}:{name}"})
    return answer


def other_catalog(parameters: Mapping[str, Any]) -> str | None:
    """The name of the catalog that a request's CatalogId names, if it is another than the account's own."""
    account, colon, name = str(parameters.get("CatalogId") or "").partition(":")
    return name.lower() if colon and name and account == current().account_id else None


def served(operation: str, parameters: dict[str, Any], serve: Serve) -> dict[str, Any]:
    """The answer of ``serve`` to a request of Glue's, in the names of the catalog that it is about.

    Raises EntityNotFoundException for a catalog that is not there, InvalidInputException for an operation, or a member,
    that is the account's own catalog's alone; and what the operation raises.
    """
    name = None if operation in _THEMSELVES else other_catalog(parameters)
    if name is None:
        return serve(parameters)
    context = current()
    with reading(context.engine) as connection:
        CatalogsStore().get(connection, name)
    if operation not in SERVED:
        raise InvalidInputException(f"{operation} is served for the account's own catalog only, not for {name}.")
    with _scoped(name):
        answer = serve(_inward(operation, parameters, name, context.account_id))
        outward(answer)
    return answer


@contextmanager
def _scoped(name: str) -> Iterator[None]:
    token = _catalog.set(name)
    try:
        yield
    except ServiceError as error:
        error.args = (str(error).replace(prefix_of(name), ""),)
        raise
    finally:
        _catalog.reset(token)


def _inward(operation: str, parameters: Mapping[str, Any], name: str, account: str) -> dict[str, Any]:
    found = {**parameters, "CatalogId": account}
    for member, target in (("DatabaseInput", "TargetDatabase"), ("TableInput", "TargetTable")):
        if target in (found.get(member) or {}):
            raise InvalidInputException(f"Resource links are made in the account's own catalog: leave {target} out.")
    if "DatabaseName" in found:
        found["DatabaseName"] = inside(name, found["DatabaseName"])
    if operation in _BY_NAME:
        found["Name"] = inside(name, found["Name"])
    if "DatabaseInput" in found:
        found["DatabaseInput"] = {**found["DatabaseInput"], "Name": inside(name, found["DatabaseInput"]["Name"])}
    return found


def _rename(value: Any, prefix: str, catalogs: Mapping[str, str]) -> None:
    if isinstance(value, list):
        for item in value:
            _rename(item, prefix, catalogs)
    elif isinstance(value, dict):
        for member in ("Name", "DatabaseName"):
            if isinstance(text := value.get(member), str):
                value[member] = text.removeprefix(prefix)
        if isinstance(catalog := value.get("CatalogId"), str):
            value["CatalogId"] = catalogs.get(catalog, catalog)
        for item in value.values():
            _rename(item, prefix, catalogs)
