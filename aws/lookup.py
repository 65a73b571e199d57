"""The Data Catalog as local SQL reads it: the store's answers behind :class:`lakelet.query.lookup.Lookup`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from lakelet.catalog.model import Partition, Table, fold
from lakelet.catalog.publishes import Publishes
from lakelet.catalog.registry.columns import with_columns
from lakelet.catalog.registry.store import RegistryStore
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.state import reading


class CatalogLookup:
    """Reads the store of the control process; safe to call from many threads."""

    def __init__(self, engine: sa.Engine, catalog: CatalogStore, publishes: Publishes) -> None:
        self._engine = engine
        self._catalog = catalog
        self._publishes = publishes
        self._registry = RegistryStore(engine)

    def databases(self) -> Sequence[str]:
        """The names of all databases."""
        with reading(self._engine) as connection:
            return [database.name for database in self._catalog.databases(connection)]

    def tables(self, database: str) -> Sequence[str]:
        """The names of a database's tables; raises EntityNotFoundException."""
        with reading(self._engine) as connection:
            return self._catalog.table_names(connection, database)

    def table(self, database: str, name: str) -> Table:
        """One table, of a resource link its target under the link's name; raises EntityNotFoundException."""
        with reading(self._engine) as connection:
            found = self._catalog.resolved(connection, database, name)
            definition = with_columns(connection, self._registry, found.definition)
        return replace(found, database=fold(database), name=fold(name), definition=definition)

    def partitions(self, database: str, name: str, expression: str | None) -> Sequence[Partition]:
        """The partitions that satisfy an expression; raises InvalidInputException for one that cannot be read."""
        with reading(self._engine) as connection:
            return self._catalog.partitions(connection, self._catalog.resolved(connection, database, name), expression)

    def settle(self, database: str, name: str) -> None:
        """Finish the publishes that were committed to a table; raises ServiceUnavailableException while it cannot."""
        with reading(self._engine) as connection:
            found = self._catalog.resolved(connection, database, name)
        self._publishes.settle(found.database, found.name)
