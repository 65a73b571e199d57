"""Lineage: which runs wrote a table, which read it, and so which tables it was made of and which were made of it.

Writes are what was published (catalog/publish_records.py); reads are recorded here, as runs tell of them.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.model import fold
from lakelet.catalog.publish_records import APPLIED, COMMITTED, PLACE, publishes
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException
from lakelet.workspace.state import metadata, reading, writing

RUNS = 100  # the latest writers and readers of a table that are told
TABLES = 100  # the tables before and behind one
MAX_RUN_ID = 255

reads = sa.Table(
    "catalog_reads",
    metadata,
    sa.Column("run_id", sa.String(MAX_RUN_ID), primary_key=True),
    sa.Column("database_name", sa.String(255), primary_key=True),
    sa.Column("table_name", sa.String(255), primary_key=True),
    sa.Column("read_at", sa.Float, nullable=False),
    sa.Index(None, "database_name", "table_name"),
)

_WRITTEN = publishes.c.state.in_([COMMITTED, APPLIED])


class Lineage:
    """Records reads and answers for a table; safe to call from many threads."""

    def __init__(self, engine: sa.Engine, catalog: CatalogStore) -> None:
        self._engine = engine
        self._catalog = catalog

    def read(self, run_id: str, database: str, table: str) -> None:
        """Record that a run has read a table, once a run; a table that is gone by now is left out.

        Raises InvalidInputException for what is no run id.
        """
        if not 0 < len(run_id) <= MAX_RUN_ID or not all(char.isalnum() or char in "_-" for char in run_id):
            raise InvalidInputException(f"{run_id[:MAX_RUN_ID]!r} is no run id.")
        key = {"run_id": run_id, "database_name": fold(database), "table_name": fold(table)}
        with reading(self._engine) as connection:
            if self._known(connection, key):
                return
        with writing(self._engine) as connection:
            try:
                self._catalog.table(connection, database, table)
            except EntityNotFoundException:
                return
            if not self._known(connection, key):
                connection.execute(reads.insert().values(**key, read_at=time.time()))

    def _known(self, connection: sa.Connection, key: dict[str, str]) -> bool:
        same = [reads.c[name] == value for name, value in key.items()]
        return connection.scalar(sa.select(sa.literal(1)).where(*same)) is not None

    def of(self, database: str, table: str) -> dict[str, Any]:
        """A table's ``writers`` and ``readers``, ``{run_id, at}`` with Unix seconds, the latest first, and its
        ``sources`` and ``derived`` tables, as ``[database, table]``. Raises EntityNotFoundException."""
        wrote = (publishes.c.database_name == fold(database), publishes.c.table_name == fold(table), _WRITTEN)
        read = (reads.c.database_name == fold(database), reads.c.table_name == fold(table))
        at = sa.func.max(publishes.c.opened_at).label("at")
        writers = sa.select(publishes.c.run_id, at).where(*wrote).group_by(publishes.c.run_id).order_by(at.desc())
        readers = sa.select(reads.c.run_id, reads.c.read_at.label("at")).where(*read).order_by(reads.c.read_at.desc())
        sources = sa.select(reads.c.database_name, reads.c.table_name).where(
            reads.c.run_id.in_(sa.select(publishes.c.run_id).where(*wrote)), ~sa.and_(*read)
        )
        derived = sa.select(publishes.c.database_name, publishes.c.table_name).where(
            publishes.c.run_id.in_(sa.select(reads.c.run_id).where(*read)),
            publishes.c.database_name != PLACE,
            _WRITTEN,
            ~sa.and_(*wrote),
        )
        with reading(self._engine) as connection:
            self._catalog.table(connection, database, table)
            return {
                "writers": [dict(row._mapping) for row in connection.execute(writers.limit(RUNS))],
                "readers": [dict(row._mapping) for row in connection.execute(readers.limit(RUNS))],
                "sources": [list(row) for row in connection.execute(_named(sources))],
                "derived": [list(row) for row in connection.execute(_named(derived))],
            }


def _named(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.distinct().order_by(*query.selected_columns).limit(TABLES)
