"""Another name for a table, which Glue has no operation for and Hive has."""

from __future__ import annotations

import time

import sqlalchemy as sa

from lakelet.catalog.model import Definition, Table, fold, storable
from lakelet.catalog.store import CatalogStore, tables
from lakelet.workspace.errors import AlreadyExistsException


def rename_table(
    catalog: CatalogStore, connection: sa.Connection, table: Table, target: tuple[str, str], definition: Definition
) -> Table:
    """Give a table the database and name ``target``, and a definition; its partitions, versions and statistics stay.

    For publishes to the old name it is as if the table was dropped, for those to the new one as if it was changed.
    Raises AlreadyExistsException, EntityNotFoundException for the database.
    """
    database, name = catalog.database(connection, target[0]).name, fold(target[1])
    if catalog.find_table(connection, database, name) is not None:
        raise AlreadyExistsException(f"Table already exists. Name: {name}, DatabaseName: {database}.")
    values = {
        "database_name": database, "name": name, "updated_at": time.time(), "version": table.version + 1,
        "definition": storable({**definition, "Name": name}),
    }  # fmt: skip
    connection.execute(sa.update(tables).where(tables.c.id == table.id).values(values))
    for one in ((table.database, table.name), (database, name)):
        catalog.advance(connection, *one, expected=catalog.sequence(connection, *one))
    return catalog.table(connection, database, name)
