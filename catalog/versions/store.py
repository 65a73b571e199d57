"""What tables were before they were updated: archived definitions, by version, inside the caller's transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.model import Table
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException
from lakelet.workspace.state import metadata

KEPT = 1_000  # archived versions of a table; older ones are pruned as newer ones come

versions = sa.Table(
    "catalog_table_versions",
    metadata,
    sa.Column("table_id", sa.Integer, sa.ForeignKey("catalog_tables.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)


class TableVersions:
    """The versions of tables, the current one among them."""

    def archive(self, connection: sa.Connection, table: Table) -> None:
        """Keep the table as it is, before it is changed; the oldest beyond :data:`KEPT` is forgotten."""
        row = {
            "table_id": table.id, "version": table.version, "definition": table.definition,
            "updated_at": table.updated_at,
        }  # fmt: skip
        connection.execute(sa.insert(versions), row)
        mine = sa.select(versions.c.version).where(versions.c.table_id == table.id)
        last = connection.scalar(mine.order_by(versions.c.version.desc()).offset(KEPT).limit(1))
        if last is not None:
            wanted = (versions.c.table_id == table.id, versions.c.version <= last)
            connection.execute(sa.delete(versions).where(*wanted))

    def get(self, connection: sa.Connection, table: Table, version: int) -> Table:
        """The table as it was at a version; raises EntityNotFoundException."""
        if version == table.version:
            return table
        query = sa.select(versions).where(versions.c.table_id == table.id, versions.c.version == version)
        row = connection.execute(query).one_or_none()
        if row is None:
            raise _missing(table, version)
        return _at(table, row)

    def history(self, connection: sa.Connection, table: Table, before: int | None, limit: int) -> list[Table]:
        """The versions less than ``before``, the newest first, at most ``limit``."""
        found = [table] if before is None or table.version < before else []
        query = sa.select(versions).where(versions.c.table_id == table.id)
        if before is not None:
            query = query.where(versions.c.version < before)
        query = query.order_by(versions.c.version.desc()).limit(limit - len(found))
        return [*found, *(_at(table, row) for row in connection.execute(query))]

    def delete(self, connection: sa.Connection, table: Table, version: int) -> None:
        """Forget a version; raises EntityNotFoundException, InvalidInputException for the current one."""
        if version == table.version:
            raise InvalidInputException(
                f"Version {version} of table {table.name} is the current one: only archived versions can be deleted."
            )
        wanted = (versions.c.table_id == table.id, versions.c.version == version)
        if not connection.execute(sa.delete(versions).where(*wanted)).rowcount:
            raise _missing(table, version)


def _at(table: Table, row: sa.Row[Any]) -> Table:
    return replace(table, definition=row.definition, version=row.version, updated_at=row.updated_at)


def _missing(table: Table, version: int) -> EntityNotFoundException:
    return EntityNotFoundException(f"Version not found. VersionId: {version}, table: {table.name}.")
