"""What a query asks of the Data Catalog; the control process answers from its store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lakelet.catalog.model import Partition, Table


class Lookup(Protocol):
    """The catalog as a reader needs it.

    Each method raises the :class:`~lakelet.workspace.errors.ServiceError` family.
    """

    def databases(self) -> Sequence[str]:
        """The names of all databases."""

    def tables(self, database: str) -> Sequence[str]:
        """The names of a database's tables; raises EntityNotFoundException."""

    def table(self, database: str, name: str) -> Table:
        """One table with its sequence number; raises EntityNotFoundException."""

    def partitions(self, database: str, name: str, expression: str | None) -> Sequence[Partition]:
        """The partitions that satisfy an expression; raises InvalidInputException for one that cannot be read."""

    def settle(self, database: str, name: str) -> None:
        """Finish the publishes that were committed to a table, so that its files are what the catalog says."""
