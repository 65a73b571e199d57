"""Databases, as Hive's clients make and find them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.hive.face import DEFAULT, Face, client, like, plain
from lakelet.catalog.hive.shapes import MANAGED, database_input, hive_database
from lakelet.catalog.model import Database
from lakelet.data.zones import S3
from lakelet.workspace.errors import AlreadyExistsException, InvalidInputException, ServiceUnavailableException
from lakelet.workspace.state import reading, writing


class Databases(Face):
    """The methods of ThriftHiveMetastore on databases."""

    def get_database(self, name: str) -> Any:
        """One database; NoSuchObjectException."""
        with reading(self.engine) as connection:
            database = self.find_database(connection, name)
        location = self.location_of(database)
        if location.startswith(self.warehouse):
            with suppress(ServiceUnavailableException):  # who writes there is told
                self.make_warehouse()
        return hive_database(database, location)

    def get_databases(self, pattern: str) -> list[str]:
        """The names that match a pattern."""
        with reading(self.engine) as connection:
            names = {database.name for database in self.catalog.databases(connection)}
        return like(pattern, sorted(names | {DEFAULT}))

    def get_all_databases(self) -> list[str]:
        """Every name."""
        return self.get_databases("*")

    def create_database(self, database: Any) -> None:
        """Add a database; AlreadyExistsException, InvalidObjectException for a folder that is not on S3."""
        location = self._place(database)
        with writing(self.engine) as connection:
            self.catalog.create_database(connection, database_input(database, location))

    def alter_database(self, name: str, database: Any) -> None:
        """Replace what is said of a database; NoSuchObjectException, MetaException for a new name."""
        location = self._place(database)
        with writing(self.engine) as connection:
            old = self._stored(connection, name)
            definition = database_input(database, location, old.definition)
            self.catalog.update_database(connection, old.name, definition)

    def drop_database(self, name: str, delete_data: bool, cascade: bool) -> None:
        """Drop a database; with ``cascade`` its tables too, and then with ``delete_data`` the managed ones' objects.

        InvalidOperationException when it has tables and there is no ``cascade``. The folder of the database itself
        stays: what is in it may be others'.
        """
        self.guard.require_on_database(client(), plain(name), "DROP")
        with writing(self.engine) as connection:
            database = self._stored(connection, name)
            tables = self.catalog.tables(connection, database.name, self.catalog.table_names(connection, database.name))
            if tables and not cascade:
                raise InvalidInputException(
                    f"Database {database.name} is not empty. One or more tables exist."  # Spark looks for these words
                )
            for table in tables:
                self.catalog.delete_table(connection, table.database, table.name)
                self.forget_tags(connection, "table", table.database, table.name)
            self.catalog.delete_database(connection, database.name)
            self.forget_tags(connection, "database", database.name)
        for table in tables if delete_data else ():
            if table.definition.get("TableType") == MANAGED and table.location:
                self.folders.remove(table.location)

    def _stored(self, connection: sa.Connection, name: str) -> Database:
        """A database of the catalog, made when it is the default one. Raises EntityNotFoundException."""
        database = self.find_database(connection, name)
        return self.keep_default(connection) if database.name == DEFAULT else database

    def keep_default(self, connection: sa.Connection) -> Database:
        """The default database, in the catalog from now on."""
        try:
            location = self.default_location(DEFAULT)
            definition = {"Name": DEFAULT, "Description": "Default Hive database", "LocationUri": location}
            return self.catalog.create_database(connection, definition)
        except AlreadyExistsException:
            return self.catalog.database(connection, DEFAULT)

    def _place(self, database: Any) -> str:
        """The folder of a database: Spark gives its own warehouse on the local disk for one that names none."""
        location = str(database.locationUri or "").rstrip("/")
        local = (self.workspace.spark / "warehouse").as_uri()
        if not location or location.replace("file:///", "file:/").startswith(local.replace("file:///", "file:/")):
            return self.default_location(plain(database.name))
        if not location.startswith(S3):
            raise InvalidInputException(
                f"Database {database.name} cannot lie at {location}: write LOCATION 's3://bucket/path'."
            )
        return location
