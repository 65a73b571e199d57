"""Column statistics, and how they are computed, in the state database, inside the caller's transaction.

They belong to a table, or to one partition of it, and go with it. The data is Glue's ColumnStatisticsData as JSON keeps
it: times as Unix seconds, the digits of a decimal in base64.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.crawlers.scheduler import SCHEDULED, Scheduled
from lakelet.catalog.model import Table
from lakelet.catalog.partitions.keys import key_of
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException
from lakelet.workspace.state import metadata


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("column_name", sa.String(255), primary_key=True),
        sa.Column("column_type", sa.Text, nullable=False),
        sa.Column("analyzed_at", sa.Float, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
    ]


of_tables = sa.Table(
    "catalog_table_statistics",
    metadata,
    sa.Column("table_id", sa.Integer, sa.ForeignKey("catalog_tables.id", ondelete="CASCADE"), primary_key=True),
    *_columns(),
)

of_partitions = sa.Table(
    "catalog_partition_statistics",
    metadata,
    sa.Column("table_id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    *_columns(),
    sa.ForeignKeyConstraint(
        ["table_id", "key"], ["catalog_partitions.table_id", "catalog_partitions.key"], ondelete="CASCADE"
    ),
)


# How, and when, a table's statistics are computed: Glue's ColumnStatisticsTaskSettings, as far as they were given.
settings = sa.Table(
    "catalog_statistics_settings",
    metadata,
    sa.Column("table_id", sa.Integer, sa.ForeignKey("catalog_tables.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("attempt", sa.JSON),  # Glue's ExecutionAttempt: what the schedule started, or could not start, last
    sa.Column("updated_at", sa.Float, nullable=False),
)


@dataclass(frozen=True)
class ColumnStatistics:
    """What is known of one column; ``analyzed_at`` is in Unix seconds."""

    column: str
    type: str
    analyzed_at: float
    data: dict[str, Any]


class StatisticsStore:
    """Statistics of the columns of a table or, with the ``values`` of a partition, of that partition."""

    def put(
        self, connection: sa.Connection, table: Table, values: Sequence[str] | None, statistics: ColumnStatistics
    ) -> None:
        """Keep the statistics of one column in the place of those that there were; the partition must exist."""
        self._delete(connection, table, values, statistics.column)
        where, place = _place(table, values)
        row = {
            "column_name": statistics.column, "column_type": statistics.type, "analyzed_at": statistics.analyzed_at,
            "data": statistics.data,
        }  # fmt: skip
        connection.execute(sa.insert(where), place | row)

    def get(
        self, connection: sa.Connection, table: Table, values: Sequence[str] | None, columns: Sequence[str]
    ) -> dict[str, ColumnStatistics]:
        """The statistics of those of the columns that have some, by column."""
        where, place = _place(table, values)
        query = sa.select(where).filter_by(**place).where(where.c.column_name.in_(columns))
        rows = connection.execute(query)
        return {
            row.column_name: ColumnStatistics(row.column_name, row.column_type, row.analyzed_at, row.data)
            for row in rows
        }

    def delete(self, connection: sa.Connection, table: Table, values: Sequence[str] | None, column: str) -> None:
        """Forget the statistics of one column; raises EntityNotFoundException."""
        if not self._delete(connection, table, values, column):
            raise EntityNotFoundException(f"Column {column} of table {table.name} has no statistics.")

    def _delete(self, connection: sa.Connection, table: Table, values: Sequence[str] | None, column: str) -> bool:
        where, place = _place(table, values)
        conditions = [where.c[name] == value for name, value in (place | {"column_name": column}).items()]
        return bool(connection.execute(sa.delete(where).where(*conditions)).rowcount)


class StatisticsSettings:
    """The settings of the runs that compute a table's column statistics; they go with the table."""

    def create(self, connection: sa.Connection, table: Table, body: dict[str, Any]) -> None:
        """Keep the settings of a table; raises AlreadyExistsException."""
        if self._row(connection, table) is not None:
            raise AlreadyExistsException(
                f"Table {table.name} has settings for column statistics already: update or delete them."
            )
        values = {"table_id": table.id, "body": body, "updated_at": time.time()}
        connection.execute(sa.insert(settings), values)

    def get(self, connection: sa.Connection, table: Table) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The settings of a table and the last attempt to follow their schedule; raises EntityNotFoundException."""
        if (row := self._row(connection, table)) is None:
            raise _no_settings(table)
        return row.body, row.attempt

    def update(self, connection: sa.Connection, table: Table, changes: dict[str, Any]) -> None:
        """Replace the members that ``changes`` has; raises EntityNotFoundException."""
        body, _ = self.get(connection, table)
        values = {"body": body | changes, "updated_at": time.time()}
        connection.execute(sa.update(settings).where(settings.c.table_id == table.id).values(values))

    def attempted(self, connection: sa.Connection, table: Table, attempt: dict[str, Any]) -> None:
        """Note what the schedule started last; nothing when the settings are gone."""
        connection.execute(sa.update(settings).where(settings.c.table_id == table.id).values(attempt=attempt))

    def delete(self, connection: sa.Connection, table: Table) -> None:
        """Forget the settings of a table; raises EntityNotFoundException."""
        if not connection.execute(sa.delete(settings).where(settings.c.table_id == table.id)).rowcount:
            raise _no_settings(table)

    def scheduled(self, connection: sa.Connection) -> list[Scheduled]:
        """The tables (database and name) whose schedules run."""
        tables = metadata.tables["catalog_tables"]
        query = (
            sa.select(tables.c.database_name, tables.c.name, settings.c.body, settings.c.updated_at)
            .join(settings, settings.c.table_id == tables.c.id)
            .order_by(tables.c.database_name, tables.c.name)
        )
        return [
            Scheduled((row.database_name, row.name), schedule["ScheduleExpression"], row.updated_at)
            for row in connection.execute(query)
            if (schedule := row.body.get("Schedule")) and schedule["State"] == SCHEDULED
        ]

    def _row(self, connection: sa.Connection, table: Table) -> Any:
        return connection.execute(sa.select(settings).where(settings.c.table_id == table.id)).one_or_none()


def _no_settings(table: Table) -> EntityNotFoundException:
    return EntityNotFoundException(f"Table {table.name} has no settings for column statistics: create them.")


def _place(table: Table, values: Sequence[str] | None) -> tuple[sa.Table, dict[str, Any]]:
    if values is None:
        return of_tables, {"table_id": table.id}
    return of_partitions, {"table_id": table.id, "key": key_of(values)}
