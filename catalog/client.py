"""The Data Catalog over the AWS wire: what jobs, crawlers, queries and dashboards read tables with.

Glue's errors come back as the :class:`~lakelet.workspace.errors.ServiceError` subclass of the same name
(catalog/glue.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lakelet.catalog.glue import Glue
from lakelet.workspace import errors
from lakelet.workspace.paths import Workspace


@dataclass(frozen=True)
class TableReference:
    """A table by name."""

    database: str
    name: str

    @classmethod
    def parse(cls, text: str) -> TableReference:
        """Read ``database.table``; raises :class:`~lakelet.workspace.errors.UsageError` for anything else."""
        database, dot, name = text.partition(".")
        if not (database and dot and name) or "." in name:
            raise errors.UsageError(f"{text!r} is not a table: write DATABASE.TABLE.")
        return cls(database.lower(), name.lower())

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"


def get_databases(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """Every database, as Glue's Database structure."""
    yield from Glue(workspace).pages("GetDatabases", "DatabaseList")


def get_tables(workspace: Workspace, database: str) -> Iterator[dict[str, Any]]:
    """Every table of a database, as Glue's Table structure; raises EntityNotFoundException."""
    yield from Glue(workspace).pages("GetTables", "TableList", DatabaseName=database)


def get_table(workspace: Workspace, database: str, name: str) -> dict[str, Any]:
    """One table, as Glue's Table structure; raises EntityNotFoundException."""
    answer: dict[str, Any] = Glue(workspace).call("GetTable", DatabaseName=database, Name=name)["Table"]
    return answer


def get_partitions(
    workspace: Workspace, database: str, name: str, expression: str | None = None
) -> Iterator[dict[str, Any]]:
    """The partitions of a table that satisfy an expression, as Glue's Partition structure.

    Raises EntityNotFoundException, and InvalidInputException for an expression that cannot be read.
    """
    wanted = {"DatabaseName": database, "TableName": name} | ({"Expression": expression} if expression else {})
    yield from Glue(workspace).pages("GetPartitions", "Partitions", **wanted)


def ensure_database(workspace: Workspace, name: str, location: str = "", description: str = "") -> None:
    """Create a database unless it exists; ``location`` is an ``s3://`` prefix or empty."""
    wanted = {"Name": name, "LocationUri": location, "Description": description}
    database_input = {member: value for member, value in wanted.items() if value}
    try:
        Glue(workspace).call("CreateDatabase", DatabaseInput=database_input)
    except errors.AlreadyExistsException:
        return
