"""Resources, as Lake Formation names them, and the permissions that there are on each kind.

A resource is kept in AWS's own structure (Lake Formation API, Resource) in one canonical form: names folded as the
catalog folds them, no catalog id, keys in order. A whole table's columns (``ColumnWildcard`` that excludes none) are
the table.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakelet.catalog.model import fold
from lakelet.workspace.errors import InvalidInputException, NotImplementedException

IAM_ALLOWED = "IAM_ALLOWED_PRINCIPALS"  # everybody, as far as IAM allows it
ALL = "ALL"  # "Super" in the console

_DATABASE = (ALL, "ALTER", "CREATE_TABLE", "DESCRIBE", "DROP")
_TABLE = (ALL, "ALTER", "DELETE", "DESCRIBE", "DROP", "INSERT", "SELECT")
# AWS Lake Formation Developer Guide, "Lake Formation permissions reference"
PERMISSIONS: Mapping[str, Sequence[str]] = {
    "CATALOG": (ALL, "ALTER", "CREATE_CATALOG", "CREATE_DATABASE", "CREATE_LF_TAG", "CREATE_LF_TAG_EXPRESSION",
                "DESCRIBE", "DROP"),
    "DATABASE": _DATABASE,
    "TABLE": _TABLE,
    "TABLE_WILDCARD": _TABLE,
    "COLUMNS": ("SELECT",),
    "DATA_LOCATION": ("DATA_LOCATION_ACCESS",),
    "DATA_CELLS_FILTER": ("DESCRIBE", "DROP", "SELECT"),
    "LF_TAG": ("ALTER", "ASSOCIATE", "DESCRIBE", "DROP", "GRANT_WITH_LF_TAG_EXPRESSION"),
    "LF_TAG_POLICY_DATABASE": _DATABASE,
    "LF_TAG_POLICY_TABLE": _TABLE,
}  # fmt: skip


@dataclass(frozen=True)
class Resource:
    """A resource in canonical form. ``columns`` are the named ones of a table, which are granted one by one."""

    kind: str
    structure: Mapping[str, Any]
    database: str | None = None
    table: str | None = None
    filter: str | None = None
    columns: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What is equal for equal resources, the named columns aside."""
        text = json.dumps([self.kind, self.structure], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Grant:
    """What one principal may do with one resource; ``updated_at`` is Unix seconds."""

    principal: str
    resource: Resource
    permissions: frozenset[str]
    grantable: frozenset[str]
    updated_at: float = 0.0
    updated_by: str = ""


def read_resource(structure: Mapping[str, Any], account: str) -> Resource:
    """A request's Resource in canonical form.

    Raises InvalidInputException when it names none or several, another account's, or is incomplete, and
    NotImplementedException for a kind that is not served.
    """
    if len(structure) != 1:
        raise InvalidInputException("A Resource has exactly one member.")
    ((member, body),) = structure.items()
    if member not in _READERS:
        raise NotImplementedException(f"Permissions on {member} are not served by Lakelet.")
    for catalog in ("CatalogId", "TableCatalogId", "Id"):
        if body.get(catalog, account) != account:
            raise InvalidInputException(f"Catalog {body[catalog]} is not this workspace's: {account}.")
    return _READERS[member](body)


def answer_resource(resource: Resource, account: str) -> dict[str, Any]:
    """The resource as AWS answers it, with the catalog id and its named columns."""
    ((member, body),) = resource.structure.items()
    catalog = {"Catalog": "Id", "DataCellsFilter": "TableCatalogId"}.get(member, "CatalogId")
    named = {"ColumnNames": list(resource.columns)} if resource.columns else {}
    return {member: {catalog: account, **body, **named}}


def check_permissions(resource: Resource, permissions: Sequence[str]) -> None:
    """Raises InvalidInputException for a permission that there is not on this kind of resource."""
    strange = sorted(set(permissions) - set(PERMISSIONS[resource.kind]))
    if strange:
        kind = next(iter(resource.structure))
        raise InvalidInputException(f"Permissions {', '.join(strange)} cannot be given on a {kind}.")


def _read_database(body: Mapping[str, Any]) -> Resource:
    name = fold(body["Name"])
    return Resource("DATABASE", {"Database": {"Name": name}}, name)


def _read_table(body: Mapping[str, Any]) -> Resource:
    database, name = fold(body["DatabaseName"]), body.get("Name")
    if (name is None) == (body.get("TableWildcard") is None):
        raise InvalidInputException("A Table has a Name or a TableWildcard.")
    if name is None or name == "ALL_TABLES":
        return Resource("TABLE_WILDCARD", {"Table": {"DatabaseName": database, "TableWildcard": {}}}, database)
    return table_resource(database, name)


def table_resource(database: str, name: str) -> Resource:
    """The resource of one table."""
    database, name = fold(database), fold(name)
    return Resource("TABLE", {"Table": {"DatabaseName": database, "Name": name}}, database, name)


def _read_columns(body: Mapping[str, Any]) -> Resource:
    database, name = fold(body["DatabaseName"]), fold(body["Name"])
    named, wildcard = body.get("ColumnNames"), body.get("ColumnWildcard")
    if (not named) == (wildcard is None):
        raise InvalidInputException("A TableWithColumns has ColumnNames or a ColumnWildcard.")
    where = {"DatabaseName": database, "Name": name}
    if wildcard is None:
        columns = tuple(sorted({fold(column) for column in named or ()}))
        return Resource("COLUMNS", {"TableWithColumns": where}, database, name, columns=columns)
    excluded = sorted({fold(column) for column in wildcard.get("ExcludedColumnNames", ())})
    if not excluded:
        return table_resource(database, name)
    structure = {"TableWithColumns": {**where, "ColumnWildcard": {"ExcludedColumnNames": excluded}}}
    return Resource("COLUMNS", structure, database, name)


def _read_location(body: Mapping[str, Any]) -> Resource:
    return Resource("DATA_LOCATION", {"DataLocation": {"ResourceArn": body["ResourceArn"]}})


def _read_filter(body: Mapping[str, Any]) -> Resource:
    missing = [member for member in ("DatabaseName", "TableName", "Name") if member not in body]
    if missing:
        raise InvalidInputException(f"A DataCellsFilter needs {', '.join(missing)}.")
    return filter_resource(body["DatabaseName"], body["TableName"], body["Name"])


def filter_resource(database: str, table: str, name: str) -> Resource:
    """The resource of one data cells filter."""
    database, table = fold(database), fold(table)
    structure = {"DataCellsFilter": {"DatabaseName": database, "TableName": table, "Name": name}}
    return Resource("DATA_CELLS_FILTER", structure, database, table, name)


def _read_tag(body: Mapping[str, Any]) -> Resource:
    values = sorted({value.lower() for value in body["TagValues"]})
    return Resource("LF_TAG", {"LFTag": {"TagKey": body["TagKey"].lower(), "TagValues": values}})


def _read_policy(body: Mapping[str, Any]) -> Resource:
    if "ExpressionName" in body:
        raise NotImplementedException("LFTagPolicy is served without ExpressionName: write the Expression.")
    expression = read_expression(body.get("Expression") or ())
    kind = body["ResourceType"]
    return Resource(f"LF_TAG_POLICY_{kind}", {"LFTagPolicy": {"ResourceType": kind, "Expression": expression}})


def read_expression(expression: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An LF-tag expression in canonical form; raises InvalidInputException for one without or with a repeated key."""
    keys = [condition["TagKey"].lower() for condition in expression]
    if not keys or len(set(keys)) != len(keys):
        raise InvalidInputException("An LF-tag expression names at least one key, and none twice.")
    pairs = zip(keys, expression, strict=True)
    return [
        {"TagKey": key, "TagValues": sorted({value.lower() for value in condition["TagValues"]})}
        for key, condition in sorted(pairs, key=lambda pair: pair[0])
    ]


_READERS = {
    "Catalog": lambda body: Resource("CATALOG", {"Catalog": {}}),
    "Database": _read_database,
    "Table": _read_table,
    "TableWithColumns": _read_columns,
    "DataLocation": _read_location,
    "DataCellsFilter": _read_filter,
    "LFTag": _read_tag,
    "LFTagPolicy": _read_policy,
}
