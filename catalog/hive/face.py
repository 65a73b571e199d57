"""What every part of the metastore's face works on: the one catalog, the lake's folders, the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import sqlalchemy as sa

from catalog.model import Database, Table, fold
from catalog.names import matching
from catalog.store import CatalogStore
from data.folders import Folders, folder
from data.objects import s3_client
from workspace.errors import EntityNotFoundException
from workspace.paths import Workspace
from workspace.state import reading

Settle = Callable[[str, str], None]
DEFAULT = "default"  # the database that Hive and Spark expect there to be


class Face:
    """The ground of ThriftHiveMetastore's methods. They raise our errors, which the server translates.

    ``settle(database, table)`` finishes what was committed to a table, before a reader is told of it.
    """

    def __init__(self, workspace: Workspace, engine: sa.Engine, catalog: CatalogStore, settle: Settle) -> None:
        self.workspace = workspace
        self.engine = engine
        self.catalog = catalog
        self.settle = settle

    @cached_property
    def folders(self) -> Folders:
        """The folders of the object store."""
        return Folders(s3_client(self.workspace))

    @property
    def warehouse(self) -> str:
        """The folder of the lake, without a slash at its end, for databases that name none."""
        return self.workspace.settings.text("warehouse").rstrip("/")

    def location_of(self, database: Database) -> str:
        """Where the tables of a database lie that name no folder themselves."""
        return str(database.definition.get("LocationUri") or "").rstrip("/") or self.default_location(database.name)

    def default_location(self, database: str) -> str:
        """Where a database lies that names no folder: Hive's ``<warehouse>/<database>.db``."""
        return self.warehouse if fold(database) == DEFAULT else f"{self.warehouse}/{fold(database)}.db"

    def find_database(self, connection: sa.Connection, name: str) -> Database:
        """A database; the default one also before it is in the catalog. Raises EntityNotFoundException."""
        try:
            return self.catalog.database(connection, plain(name))
        except EntityNotFoundException:
            if plain(name) != DEFAULT:
                raise
            return Database(DEFAULT, {"Name": DEFAULT, "Description": "Default Hive database"}, 0)

    def find_table(self, database: str, name: str) -> Table:
        """A table, with what was committed to it there; a resource link's target. Raises EntityNotFoundException."""
        with reading(self.engine) as connection:
            table = self.catalog.resolved(connection, plain(database), name)
        self.settle(table.database, table.name)
        return table

    def make_warehouse(self) -> None:
        """Make the warehouse's bucket: Spark looks into a table's folder before it asks for the table."""
        self.folders.make_bucket(folder(self.warehouse)[0])

    def forget_tags(self, connection: sa.Connection, kind: str, *names: str) -> None:
        """A thing of Glue's is gone: its tags go with it."""
        settings = self.workspace.settings
        account = f"{settings.text('region')}:{settings.text('account_id')}"
        self.catalog.tags.forget(connection, f"arn:aws:glue:{account}:" + "/".join((kind, *names)))


def plain(database: str) -> str:
    """A database's name without the catalog that clients of Hive 3 and later write before it (``@hive#sales``)."""
    return fold(database.partition("#")[2] if database.startswith("@") else database)


def like(pattern: str | None, names: Sequence[str]) -> list[str]:
    """The names that match one of Hive's patterns: ``*`` for any text, ``|`` between alternatives.

    Raises InvalidInputException for one that cannot be read.
    """
    wanted = plain(pattern or "*").rstrip("!") or "*"  # "@hive#!": every database of the catalog
    return list(names) if wanted == "*" else matching(wanted, list(names))
