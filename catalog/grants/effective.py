"""What one principal may do with one table, from the grants there are: a pure function, for whoever enforces them.

AWS Lake Formation Developer Guide, "Lake Formation permissions reference" and "Data filtering and cell-level security".
Grants only add: the principal has everything that any grant gives it. Grants to IAM_ALLOWED_PRINCIPALS and to
``<account>:IAMPrincipals`` are everybody's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakelet.catalog.grants.filters import either
from lakelet.catalog.grants.model import ALL, IAM_ALLOWED, PERMISSIONS, Grant

Tags = Mapping[str, str]
_EVERYBODY = ":IAMPrincipals"


@dataclass(frozen=True)
class Filter:
    """A data cells filter: the columns it shows, and of which rows (a SQL predicate; None for all)."""

    columns: tuple[str, ...]
    row_filter: str | None


@dataclass(frozen=True)
class TableFacts:
    """What decides about a table, apart from the grants.

    ``columns`` are its columns and partition keys in order, lower case. Tags are the effective ones, what is inherited
    included: ``tags`` the table's, ``column_tags`` those of each column that has its own.
    """

    database: str
    name: str
    columns: tuple[str, ...]
    tags: Tags = field(default_factory=dict)
    column_tags: Mapping[str, Tags] = field(default_factory=dict)
    filters: Mapping[str, Filter] = field(default_factory=dict)


@dataclass(frozen=True)
class Access:
    """What a principal may do. ``cells`` are the parts of the table that it may read: their union."""

    permissions: frozenset[str]
    cells: tuple[Filter, ...]
    columns: tuple[str, ...]

    @property
    def row_filter(self) -> str | None:
        """The condition under which any cell of a row can be read; None when that is every row."""
        return self.visible(self.columns)

    def visible(self, columns: Collection[str]) -> str | None:
        """The condition under which one of these columns can be read in a row; None when that is always.

        Without a cell that shows one of them it is ``FALSE``.
        """
        found = [cell.row_filter for cell in self.cells if set(cell.columns) & set(columns)]
        if not found:
            return "FALSE"
        predicates = [predicate for predicate in found if predicate is not None]
        return None if len(predicates) < len(found) else either(predicates)


def is_for(grant: Grant, principals: Collection[str]) -> bool:
    """Whether a grant is somebody's who is each of ``principals``."""
    return grant.principal in principals or grant.principal == IAM_ALLOWED or grant.principal.endswith(_EVERYBODY)


def effective(principals: Collection[str], table: TableFacts, grants: Sequence[Grant]) -> Access:
    """What somebody may do with a table who is each of ``principals``: a user's ARN, or a role's and its session's."""
    permissions: set[str] = set()
    cells: list[Filter] = []
    for grant in grants:
        if not is_for(grant, principals):
            continue
        given = set(PERMISSIONS["TABLE"]) if ALL in grant.permissions else set(grant.permissions)
        columns, row_filter = _reach(grant, table)
        if columns is None:
            continue
        whole = grant.resource.kind in ("TABLE", "TABLE_WILDCARD") or (
            grant.resource.kind == "LF_TAG_POLICY_TABLE" and matches(grant, table.tags)
        )
        permissions |= given if whole else given & {"SELECT", "DESCRIBE"}
        if "SELECT" in given and columns:
            cells.append(Filter(columns, row_filter))
    if permissions:
        permissions.add("DESCRIBE")
    shown = {column for cell in cells for column in cell.columns}
    return Access(frozenset(permissions), tuple(cells), tuple(column for column in table.columns if column in shown))


def on_database(principals: Collection[str], tags: Tags, grants: Sequence[Grant]) -> frozenset[str]:
    """What somebody may do with a database; the grants are those on it and on LF-tags of databases."""
    permissions: set[str] = set()
    for grant in grants:
        mine = is_for(grant, principals) and (grant.resource.kind == "DATABASE" or matches(grant, tags))
        given = set(PERMISSIONS["DATABASE"]) if ALL in grant.permissions else grant.permissions
        permissions |= given if mine else set()
    return frozenset(permissions)


def matches(grant: Grant, tags: Tags) -> bool:
    """Whether tags satisfy the expression of a grant on an LF-tag policy."""
    return satisfied(grant.resource.structure["LFTagPolicy"]["Expression"], tags)


def satisfied(expression: Sequence[Mapping[str, Any]], tags: Tags) -> bool:
    """Whether tags have, for every key of the expression, one of its values; ``*`` is any value."""
    for condition in expression:
        value = tags.get(condition["TagKey"])
        if value is None or not ({value, "*"} & set(condition["TagValues"])):
            return False
    return True


def _reach(grant: Grant, table: TableFacts) -> tuple[tuple[str, ...] | None, str | None]:
    """The columns of the table that a grant is about, None when it is about something else, and its row filter."""
    resource = grant.resource
    if resource.kind == "LF_TAG_POLICY_TABLE":
        found = tuple(c for c in table.columns if matches(grant, table.column_tags.get(c, table.tags)))
        return (found if found or matches(grant, table.tags) else None), None
    if resource.database != table.database or resource.table not in (None, table.name):
        return None, None
    match resource.kind:
        case "TABLE" | "TABLE_WILDCARD":
            return table.columns, None
        case "COLUMNS":
            body = resource.structure["TableWithColumns"]
            if resource.columns:
                return tuple(c for c in table.columns if c in resource.columns), None
            excluded = body["ColumnWildcard"]["ExcludedColumnNames"]
            return tuple(c for c in table.columns if c not in excluded), None
        case "DATA_CELLS_FILTER":
            cells = table.filters.get(resource.filter or "")
            if cells is None:
                return None, None
            return tuple(c for c in table.columns if c in cells.columns), cells.row_filter
    return None, None
