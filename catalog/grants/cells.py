"""Data cells filters: which columns of a table, in which rows, a grant can show."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.grants.effective import Filter
from lakelet.catalog.grants.filters import check_filter
from lakelet.catalog.grants.store import check_columns, columns_of
from lakelet.catalog.grants.tables import filters
from lakelet.catalog.model import Table
from lakelet.workspace.errors import (
    AlreadyExistsException,
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
    ResourceNumberLimitExceededException,
)

MOST_FILTERS = 100  # of one table; AWS Lake Formation quotas

Definition = dict[str, Any]  # RowFilter, and ColumnNames or ColumnWildcard, in AWS's members


class CellsStore:
    """The data cells filters of tables."""

    def create(self, connection: sa.Connection, table: Table, name: str, body: Mapping[str, Any]) -> None:
        """Add a filter; raises AlreadyExistsException, InvalidInputException, ResourceNumberLimitExceededException."""
        checked = _checked(table, body)
        there = list(connection.execute(sa.select(filters.c.name).where(filters.c.table_id == table.id)).scalars())
        if name in there:
            raise AlreadyExistsException(f"Data cells filter {name} of table {table.name} exists already.")
        if len(there) >= MOST_FILTERS:
            raise ResourceNumberLimitExceededException(f"Table {table.name} has {MOST_FILTERS} data cells filters.")
        row = {"table_id": table.id, "name": name, "body": checked, "version": str(uuid.uuid4())}
        connection.execute(sa.insert(filters), row)

    def get(self, connection: sa.Connection, table: Table, name: str) -> Definition:
        """A filter's definition with its VersionId; raises EntityNotFoundException."""
        wanted = (filters.c.table_id == table.id, filters.c.name == name)
        row = connection.execute(sa.select(filters).where(*wanted)).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Data cells filter {name} of table {table.name} not found.")
        return {"Name": row.name, **row.body, "VersionId": row.version}

    def all(self, connection: sa.Connection, table: Table) -> list[Definition]:
        """A table's filters in order of name."""
        query = sa.select(filters).where(filters.c.table_id == table.id).order_by(filters.c.name)
        return [{"Name": row.name, **row.body, "VersionId": row.version} for row in connection.execute(query)]

    def update(
        self, connection: sa.Connection, table: Table, name: str, body: Mapping[str, Any], version: str | None
    ) -> None:
        """Replace a filter's definition, with ``version`` only if that is still its own.

        Raises EntityNotFoundException, InvalidInputException, ConcurrentModificationException.
        """
        current = self.get(connection, table, name)["VersionId"]
        if version is not None and version != current:
            raise ConcurrentModificationException(f"Data cells filter {name} was changed: read it again and retry.")
        values = {"body": _checked(table, body), "version": str(uuid.uuid4())}
        wanted = (filters.c.table_id == table.id, filters.c.name == name)
        connection.execute(sa.update(filters).where(*wanted).values(values))

    def delete(self, connection: sa.Connection, table: Table, name: str) -> None:
        """Drop a filter with the grants on it; raises EntityNotFoundException."""
        wanted = (filters.c.table_id == table.id, filters.c.name == name)
        if not connection.execute(sa.delete(filters).where(*wanted)).rowcount:
            raise EntityNotFoundException(f"Data cells filter {name} of table {table.name} not found.")


def facts_of(table: Table, definition: Mapping[str, Any]) -> Filter:
    """What a stored filter shows of a table, by the columns that it has now."""
    columns = columns_of(table)
    if "ColumnNames" in definition:
        shown = tuple(column for column in columns if column in definition["ColumnNames"])
    else:
        excluded = definition["ColumnWildcard"].get("ExcludedColumnNames", ())
        shown = tuple(column for column in columns if column not in excluded)
    expression = definition["RowFilter"].get("FilterExpression")
    return Filter(shown, None if expression is None else check_filter(expression, columns))


def _checked(table: Table, body: Mapping[str, Any]) -> Definition:
    names, wildcard = body.get("ColumnNames"), body.get("ColumnWildcard")
    if (not names) == (wildcard is None):
        raise InvalidInputException("A data cells filter has ColumnNames or a ColumnWildcard.")
    chosen: Definition
    if wildcard is None:
        listed = sorted({name.lower() for name in names or ()})
        chosen = {"ColumnNames": listed}
    else:
        listed = sorted({name.lower() for name in wildcard.get("ExcludedColumnNames", ())})
        chosen = {"ColumnWildcard": {"ExcludedColumnNames": listed} if listed else {}}
    check_columns(table, listed)
    row_filter = body.get("RowFilter") or {"AllRowsWildcard": {}}
    if len(row_filter) != 1:
        raise InvalidInputException("A RowFilter has a FilterExpression or an AllRowsWildcard.")
    if "FilterExpression" in row_filter:
        check_filter(row_filter["FilterExpression"], columns_of(table))
    return {"RowFilter": dict(row_filter), **chosen}
