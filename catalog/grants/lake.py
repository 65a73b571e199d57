"""The whole of Lake Formation's state, and what somebody may do with a table according to it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

import sqlalchemy as sa

from lakelet.catalog.grants.cells import CellsStore, facts_of
from lakelet.catalog.grants.effective import Access, TableFacts, effective, on_database
from lakelet.catalog.grants.store import GrantStore
from lakelet.catalog.grants.tags import TagStore
from lakelet.catalog.model import Table
from lakelet.catalog.registry.columns import with_columns
from lakelet.catalog.registry.store import RegistryStore
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.errors import InvalidInputException


class Lake:
    """Settings, grants, LF-tags and data cells filters of one workspace."""

    def __init__(self, catalog: CatalogStore, account: str) -> None:
        self.catalog = catalog
        self.account = account
        self.grants = GrantStore(catalog, account)
        self.tags = TagStore(catalog)
        self.cells = CellsStore()
        self._registry = RegistryStore(catalog.engine)

    def access(self, connection: sa.Connection, principals: Collection[str], database: str, name: str) -> Access:
        """What somebody may do with a table (of a resource link, its target) who is each of ``principals`` (ARNs);
        raises EntityNotFoundException.

        The connection is one that may write.
        """
        return self.found(connection, principals, self.catalog.resolved(connection, database, name))[1]

    def found(self, connection: sa.Connection, principals: Collection[str], table: Table) -> tuple[TableFacts, Access]:
        """As :meth:`access`, with the facts that it comes of."""
        facts = self.facts(connection, table)
        return facts, effective(principals, facts, self.grants.on_table(connection, table))

    def database_permissions(
        self, connection: sa.Connection, principals: Collection[str], database: str
    ) -> frozenset[str]:
        """What somebody may do with a database; raises EntityNotFoundException. The connection may write."""
        name = self.catalog.database(connection, database).name
        return on_database(
            principals, self.tags.on_database(connection, name), self.grants.on_database(connection, name)
        )

    def facts(self, connection: sa.Connection, table: Table) -> TableFacts:
        """What decides about a table apart from the grants.

        A filter whose condition names a column that the table has no more shows nothing.
        """
        table = replace(table, definition=with_columns(connection, self._registry, table.definition))
        filters = {}
        for definition in self.cells.all(connection, table):
            with suppress(InvalidInputException):
                filters[definition["Name"]] = facts_of(table, definition)
        return replace(self.tags.facts(connection, table), filters=filters)
