"""What every part of the metastore's face works on: the one catalog, the lake's folders, the warehouse."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from functools import cached_property

import sqlalchemy as sa

from lakelet.catalog.grants.guard import OWNER, Client, Guard
from lakelet.catalog.model import Database, Table, fold
from lakelet.catalog.names import matching
from lakelet.catalog.store import CatalogStore
from lakelet.data.folders import Folders, folder
from lakelet.data.objects import s3_client
from lakelet.workspace.errors import AccessDeniedException, EntityNotFoundException
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret
from lakelet.workspace.state import reading

Settle = Callable[[str, str], None]
CLIENT: ContextVar[Client] = ContextVar("client", default=OWNER)  # of the thread's connection
_MARKED = "__unfiltered_"
DEFAULT = "default"  # the database that Hive and Spark expect there to be


class Face:
    """The ground of ThriftHiveMetastore's methods. They raise our errors, which the server translates.

    ``settle(database, table)`` finishes what was committed to a table, before a reader is told of it; ``guard`` holds
    Lake Formation's grants.
    """

    def __init__(
        self, workspace: Workspace, engine: sa.Engine, catalog: CatalogStore, settle: Settle, guard: Guard
    ) -> None:
        self.workspace = workspace
        self.engine = engine
        self.catalog = catalog
        self.settle = settle
        self.guard = guard

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
        """A table, with what was committed to it there; a resource link's target. Raises EntityNotFoundException.

        Of what the client may not read and write all of, only by the name that the view of it reads from
        (:mod:`lakelet.catalog.hive.views`): AccessDeniedException else.
        """
        table, hidden = self.look_up(database, name)
        if not hidden and not self.guard.writable(client(), table.database, table.name):
            raise AccessDeniedException(
                f"Insufficient Lake Formation permission(s) on table {table.database}.{table.name}: what the role of "
                "this run may read of it is shown as a view, which cannot be written to."
            )
        return table

    def look_up(self, database: str, name: str) -> tuple[Table, bool]:
        """A table, and whether it was asked for by the name that a view reads from. Raises EntityNotFoundException."""
        own, mark = unhidden(name)
        with reading(self.engine) as connection:
            table = self.catalog.resolved(connection, plain(database), own)
        if mark and mark != self.mark(table):
            raise EntityNotFoundException(f"Table {fold(name)} not found.")
        if mark:
            self.guard.readable(client(), table.database, table.name)
        self.settle(table.database, table.name)
        return (replace(table, name=fold(name)) if mark else table), bool(mark)

    def mark(self, table: Table) -> str:
        """What the name of a table ends with that the view for this client reads from: nobody guesses it."""
        whose = "|".join((*sorted(client().principals or ()), table.database, table.name))
        key = secret(self.workspace, "control_token").encode()
        return hmac.new(key, whose.encode(), hashlib.sha256).hexdigest()[:24]

    def require(self, database: str, name: str, *permissions: str) -> None:
        """Hold that the client has one of the permissions on a table, by its own name; AccessDeniedException."""
        own, mark = unhidden(name)
        if mark:
            raise AccessDeniedException(f"Table {own} can be changed by its own name only.")
        self.guard.require(client(), plain(database), own, *permissions)

    def make_warehouse(self) -> None:
        """Make the warehouse's bucket: Spark looks into a table's folder before it asks for the table."""
        self.folders.make_bucket(folder(self.warehouse)[0])

    def forget_tags(self, connection: sa.Connection, kind: str, *names: str) -> None:
        """A thing of Glue's is gone: its tags go with it."""
        settings = self.workspace.settings
        account = f"{settings.text('region')}:{settings.text('account_id')}"
        self.catalog.tags.forget(connection, f"arn:aws:glue:{account}:" + "/".join((kind, *names)))


def client() -> Client:
    """Whose call is being served."""
    return CLIENT.get()


def hidden(name: str, mark: str) -> str:
    """The name by which a view reads from a table."""
    return f"{name}{_MARKED}{mark}"


def unhidden(name: str) -> tuple[str, str]:
    """A table's own name, and the mark of the name by which a view reads from it; empty for its own."""
    own, _, mark = fold(name).partition(_MARKED)
    return own, mark


def plain(database: str) -> str:
    """A database's name without the catalog that clients of Hive 3 and later write before it (``@hive#sales``)."""
    return fold(database.partition("#")[2] if database.startswith("@") else database)


def like(pattern: str | None, names: Sequence[str]) -> list[str]:
    """The names that match one of Hive's patterns: ``*`` for any text, ``|`` between alternatives.

    Raises InvalidInputException for one that cannot be read.
    """
    wanted = plain(pattern or "*").rstrip("!") or "*"  # "@hive#!": every database of the catalog
    return list(names) if wanted == "*" else matching(wanted, list(names))
