"""Table optimizers in the state database, inside the caller's transaction. They go with their table."""

from __future__ import annotations

import time

import sqlalchemy as sa

from lakelet.catalog.model import Definition, Table
from lakelet.catalog.optimizers.model import Optimizer
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException
from lakelet.workspace.state import metadata

optimizers = sa.Table(
    "catalog_table_optimizers",
    metadata,
    sa.Column("table_id", sa.Integer, sa.ForeignKey("catalog_tables.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("configuration", sa.JSON, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)


class OptimizerStore:
    """The optimizers of tables, at most one of each kind."""

    def create(self, connection: sa.Connection, table: Table, kind: str, configuration: Definition) -> None:
        """Add a checked one; raises AlreadyExistsException."""
        if self._row(connection, table, kind) is not None:
            raise AlreadyExistsException(f"Table {table.name} has a {kind} optimizer already: update or delete it.")
        row = {"table_id": table.id, "kind": kind, "configuration": configuration, "updated_at": time.time()}
        connection.execute(sa.insert(optimizers), row)

    def get(self, connection: sa.Connection, table: Table, kind: str) -> Optimizer:
        """One of a table; raises EntityNotFoundException."""
        if (row := self._row(connection, table, kind)) is None:
            raise EntityNotFoundException(f"Table {table.name} has no {kind} optimizer: create it.")
        return Optimizer(table.database, table.name, kind, row.configuration, row.updated_at)

    def update(self, connection: sa.Connection, table: Table, kind: str, configuration: Definition) -> None:
        """Replace one's configuration; raises EntityNotFoundException."""
        self.get(connection, table, kind)
        values = {"configuration": configuration, "updated_at": time.time()}
        connection.execute(sa.update(optimizers).where(*_one(table, kind)).values(values))

    def delete(self, connection: sa.Connection, table: Table, kind: str) -> None:
        """Forget one; raises EntityNotFoundException."""
        self.get(connection, table, kind)
        connection.execute(sa.delete(optimizers).where(*_one(table, kind)))

    def all(self, connection: sa.Connection) -> list[Optimizer]:
        """Every optimizer, by database, table and kind."""
        tables = metadata.tables["catalog_tables"]
        query = (
            sa.select(tables.c.database_name, tables.c.name, optimizers)
            .join(optimizers, optimizers.c.table_id == tables.c.id)
            .order_by(tables.c.database_name, tables.c.name, optimizers.c.kind)
        )
        return [
            Optimizer(row.database_name, row.name, row.kind, row.configuration, row.updated_at)
            for row in connection.execute(query)
        ]

    def _row(self, connection: sa.Connection, table: Table, kind: str) -> sa.Row[tuple[object, ...]] | None:
        return connection.execute(sa.select(optimizers).where(*_one(table, kind))).one_or_none()


def _one(table: Table, kind: str) -> tuple[sa.ColumnElement[bool], ...]:
    return optimizers.c.table_id == table.id, optimizers.c.kind == kind
