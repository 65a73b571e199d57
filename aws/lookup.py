"""The Data Catalog as local SQL reads it: the store's answers behind :class:`query.lookup.Lookup`."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from catalog.model import Partition, Table
from catalog.publishes import Publishes
from catalog.store import CatalogStore
from workspace.state import reading


class CatalogLookup:
    """Reads the store of the control process; safe to call from many threads."""

    def __init__(self, engine: sa.Engine, catalog: CatalogStore, publishes: Publishes) -> None:
        self._engine = engine
        self._catalog = catalog
        self._publishes = publishes

    def databases(self) -> Sequence[str]:
        """The names of all databases."""
        with reading(self._engine) as connection:
            return [database.name for database in self._catalog.databases(connection)]

    def tables(self, database: str) -> Sequence[str]:
        """The names of a database's tables; raises EntityNotFoundException."""
        with reading(self._engine) as connection:
            return self._catalog.table_names(connection, database)

    def table(self, database: str, name: str) -> Table:
        """One table; raises EntityNotFoundException."""
        return self._catalog.get_table(database, name)

    def partitions(self, database: str, name: str, expression: str | None) -> Sequence[Partition]:
        """The partitions that satisfy an expression; raises InvalidInputException for one that cannot be read."""
        return self._catalog.get_partitions(database, name, expression)

    def settle(self, database: str, name: str) -> None:
        """Finish the publishes that were committed to a table; raises ServiceUnavailableException while it cannot."""
        self._publishes.settle(database, name)
