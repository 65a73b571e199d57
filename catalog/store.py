"""Databases and tables in the state database, and everything that reads or writes them.

Every method that takes a ``connection`` works inside the caller's transaction (``lakelet.workspace.state.reading`` or
``writing``), so that several of them commit as one; ``get_*`` methods without one open their own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.catalogs.names import of_catalog
from lakelet.catalog.functions.store import FunctionStore
from lakelet.catalog.model import Database, Definition, Partition, Table, fold, partition_keys, storable
from lakelet.catalog.partitions.indexes import (
    CREATING,
    PartitionIndex,
    create_index,
    create_own,
    delete_index,
    indexes_of,
    keys_changed,
)
from lakelet.catalog.partitions.store import PartitionStore
from lakelet.catalog.policies.store import PolicyStore
from lakelet.catalog.statistics.store import StatisticsSettings, StatisticsStore
from lakelet.catalog.tags.store import TagStore
from lakelet.catalog.versions.store import TableVersions
from lakelet.workspace.errors import (
    AlreadyExistsException,
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
    ResourceNotReadyException,
)
from lakelet.workspace.quick_json import loads
from lakelet.workspace.state import Prepared, metadata, reading

databases = sa.Table(
    "catalog_databases",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)

tables = sa.Table(
    "catalog_tables",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "database_name", sa.String(255), sa.ForeignKey("catalog_databases.name", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.UniqueConstraint("database_name", "name"),
    sqlite_autoincrement=True,  # an id is never given twice
)

# Apart from the tables, so that dropping and recreating a table never turns the number back.
sequences = sa.Table(
    "catalog_sequences",
    metadata,
    sa.Column("database_name", sa.String(255), primary_key=True),
    sa.Column("table_name", sa.String(255), primary_key=True),
    sa.Column("sequence", sa.Integer, nullable=False),
)

_SEQUENCE = sa.func.coalesce(sequences.c.sequence, 0).label("sequence")
_TABLE = sa.select(tables, _SEQUENCE).select_from(
    tables.outerjoin(
        sequences,
        sa.and_(sequences.c.database_name == tables.c.database_name, sequences.c.table_name == tables.c.name),
    )
)
_ONE_TABLE = Prepared(
    _TABLE.where(tables.c.database_name == sa.bindparam("d"), tables.c.name == sa.bindparam("n")).with_only_columns(
        tables.c.id, tables.c.database_name, tables.c.name, sa.cast(tables.c.definition, sa.Text), tables.c.version,
        _SEQUENCE, tables.c.created_at, tables.c.updated_at,
    )
)  # fmt: skip


class CatalogStore(PartitionStore):
    """The one Data Catalog.

    Raises the :class:`~lakelet.workspace.errors.ServiceError` family, named as Glue names them.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.index_work = threading.Event()  # set when indexes are left to be finished (IndexBuilder)
        self.versions = TableVersions()
        self.statistics = StatisticsStore()
        self.statistics_settings = StatisticsSettings()
        self.functions = FunctionStore()
        self.tags = TagStore()
        self.policies = PolicyStore()

    # -- whole reads, each in its own transaction ----------------------------------------------------------------

    def get_database(self, name: str) -> Database:
        """One database; raises EntityNotFoundException."""
        with reading(self.engine) as connection:
            return self.database(connection, name)

    def get_table(self, database: str, name: str) -> Table:
        """One table; raises EntityNotFoundException, also for an unknown database."""
        with reading(self.engine) as connection:
            return self.table(connection, database, name)

    def get_partitions(self, database: str, name: str, expression: str | None = None) -> list[Partition]:
        """Every partition of a table that satisfies the expression (GetPartitions' grammar), ordered by values."""
        with reading(self.engine) as connection:
            return self.partitions(connection, self.table(connection, database, name), expression)

    # -- databases -----------------------------------------------------------------------------------------------

    def database(self, connection: sa.Connection, name: str) -> Database:
        """One database; raises EntityNotFoundException."""
        row = connection.execute(sa.select(databases).where(databases.c.name == fold(name))).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Database {fold(name)} not found.")
        return Database(row.name, row.definition, row.created_at)

    def databases(
        self, connection: sa.Connection, after: str = "", limit: int | None = None, catalog: str | None = None
    ) -> list[Database]:
        """A catalog's databases (None: the account's own) whose name follows ``after``, in order of name."""
        wanted = (databases.c.name > after, of_catalog(databases.c.name, catalog))
        query = sa.select(databases).where(*wanted).order_by(databases.c.name).limit(limit)
        return [Database(row.name, row.definition, row.created_at) for row in connection.execute(query)]

    def create_database(self, connection: sa.Connection, database_input: Definition) -> Database:
        """Add a database; raises AlreadyExistsException."""
        name = _named(database_input, "database")
        if connection.execute(sa.select(databases.c.name).where(databases.c.name == name)).first():
            raise AlreadyExistsException(f"Database already exists. Name: {name}.")
        values = {"name": name, "definition": storable({**database_input, "Name": name}), "created_at": time.time()}
        connection.execute(sa.insert(databases), values)
        return self.database(connection, name)

    def update_database(self, connection: sa.Connection, name: str, database_input: Definition) -> None:
        """Replace a database's definition, of a resource link its target's.

        Raises EntityNotFoundException, InvalidInputException for a new name.
        """
        place = self.place(connection, name)
        if _named(database_input, "database") != fold(name):
            raise InvalidInputException(f"Database {fold(name)} cannot be renamed: create another and move its tables.")
        kept = {**database_input, "Name": place}
        if place != fold(name):
            kept.pop("TargetDatabase", None)
        definition = storable(kept)
        connection.execute(sa.update(databases).where(databases.c.name == place).values(definition=definition))

    def delete_database(self, connection: sa.Connection, name: str) -> None:
        """Drop a database with its tables and their partitions; raises EntityNotFoundException."""
        self.database(connection, name)
        mine = sa.select(tables.c.name).where(tables.c.database_name == fold(name))
        for table_name in list(connection.execute(mine).scalars()):
            self._bump(connection, fold(name), table_name)
        connection.execute(sa.delete(databases).where(databases.c.name == fold(name)))

    def place(self, connection: sa.Connection, database: str) -> str:
        """The database that the tables of ``database`` are in: another one for a resource link.

        Raises EntityNotFoundException.
        """
        found = self.database(connection, database)
        target = found.definition.get("TargetDatabase") or {}
        return self.database(connection, target["DatabaseName"]).name if target.get("DatabaseName") else found.name

    # -- tables --------------------------------------------------------------------------------------------------

    def table(self, connection: sa.Connection, database: str, name: str) -> Table:
        """One table; raises EntityNotFoundException, also for an unknown database."""
        table = self.find_table(connection, database, name)
        if table is None and (place := self.place(connection, database)) != fold(database):
            table = self.find_table(connection, place, name)
        if table is None:
            raise EntityNotFoundException(f"Table {fold(name)} not found.")
        return table

    def resolved(self, connection: sa.Connection, database: str, name: str) -> Table:
        """The table that holds the data and the partitions of that name: of a resource link, its target.

        AWS Lake Formation Developer Guide, "Resource link handling in AWS Glue APIs". Raises EntityNotFoundException,
        InvalidInputException for a link that is reached through the link of a database.
        """
        table = self.table(connection, database, name)
        if not (target := table.definition.get("TargetTable")):
            return table
        if table.database != fold(database):
            raise InvalidInputException(f"Database {fold(database)} and table {table.name} are both resource links.")
        where = (target.get("DatabaseName") or "", target.get("Name") or "")
        found = self.find_table(connection, *where)
        if found is None or found.definition.get("TargetTable"):
            raise EntityNotFoundException(f"Table {'.'.join(where)}, which {table.name} links to, not found.")
        return found

    def check_writable(self, connection: sa.Connection, database: str, name: str) -> Table | None:
        """The table of a name that can be published to, None while there is none yet.

        Raises EntityNotFoundException for an unknown database, InvalidInputException for a resource link."""
        place, table = self.place(connection, database), self.find_table(connection, database, name)
        link = table is not None and table.definition.get("TargetTable")
        if place != fold(database) or link:
            target = f"{link['DatabaseName']}.{link['Name']}" if link else f"{place}.{fold(name)}"
            raise InvalidInputException(f"{fold(database)}.{fold(name)} is a resource link: write to {target}.")
        return table

    def find_table(self, connection: sa.Connection, database: str, name: str) -> Table | None:
        """A table of this very database, or None."""
        for id_, place, own, definition, *rest in _ONE_TABLE.rows(connection, d=fold(database), n=fold(name)):
            return Table(id_, place, own, loads(definition), *rest)
        return None

    def table_names(self, connection: sa.Connection, database: str, after: str = "") -> list[str]:
        """The names of a database's tables that follow ``after``, in order; raises EntityNotFoundException."""
        wanted = (tables.c.database_name == self.place(connection, database), tables.c.name > after)
        return list(connection.execute(sa.select(tables.c.name).where(*wanted).order_by(tables.c.name)).scalars())

    def tables(self, connection: sa.Connection, database: str, names: Sequence[str]) -> list[Table]:
        """Those of the named tables that exist, in order of name; raises EntityNotFoundException for the database."""
        place = self.place(connection, database)
        wanted = (tables.c.database_name == place, tables.c.name.in_([fold(name) for name in names]))
        return [_table(row) for row in connection.execute(_TABLE.where(*wanted).order_by(tables.c.name))]

    def every_table(self, connection: sa.Connection) -> Iterator[Table]:
        """All tables of all databases, by database and name."""
        for row in connection.execute(_TABLE.order_by(tables.c.database_name, tables.c.name)):
            yield _table(row)

    def create_table(self, connection: sa.Connection, database: str, table_input: Definition) -> Table:
        """Add a table, of a database that is a resource link in its target; raises AlreadyExistsException,
        EntityNotFoundException for an unknown database.

        InvalidInputException for partition keys that are named twice, or a resource link through another.
        """
        name = _named(table_input, "table")
        _check_keys(name, table_input)
        place = self.place(connection, database)
        if place != fold(database) and table_input.get("TargetTable"):
            raise InvalidInputException(f"Database {fold(database)} is a resource link: link in a database of its own.")
        database = place
        if self.find_table(connection, database, name) is not None:
            raise AlreadyExistsException(f"Table already exists. Name: {name}, DatabaseName: {fold(database)}.")
        now = time.time()
        values = {
            "database_name": fold(database), "name": name, "definition": storable({**table_input, "Name": name}),
            "version": 0, "created_at": now, "updated_at": now,
        }  # fmt: skip
        connection.execute(sa.insert(tables), values)
        table = self.table(connection, database, name)
        create_own(connection, table)
        return table

    def update_table(
        self,
        connection: sa.Connection,
        database: str,
        table_input: Definition,
        version: int | None = None,
        *,
        skip_archive: bool = False,
    ) -> Table:
        """Replace a table's definition (of a resource link, its target's) and count its version up; the old one is
        archived unless ``skip_archive``.

        With ``version`` the table must still be at it: ConcurrentModificationException otherwise. Raises
        EntityNotFoundException, and InvalidInputException when the number of partition keys would no longer fit the
        partitions there are.
        """
        name = _named(table_input, "table")
        table = self.resolved(connection, database, name)
        if (table.database, table.name) != (fold(database), name):
            table_input = {member: value for member, value in table_input.items() if member != "TargetTable"}
        _check_keys(table.name, table_input)
        if version is not None and version != table.version:
            raise ConcurrentModificationException(
                f"Update table failed due to concurrent modifications: table {table.name} is at version "
                f"{table.version}, not {version}. Read it again and retry."
            )
        keys = partition_keys(table_input)
        if len(keys) != len(table.partition_keys) and self.has_partitions(connection, table):
            raise InvalidInputException(f"The partition keys of table {table.name} cannot change: it has partitions.")
        if not skip_archive:
            self.versions.archive(connection, table)
        values = {
            "definition": storable({**table_input, "Name": table.name}),
            "version": table.version + 1, "updated_at": time.time(),
        }  # fmt: skip
        connection.execute(sa.update(tables).where(tables.c.id == table.id).values(values))
        updated = self.table(connection, table.database, table.name)
        if keys != table.partition_keys:
            left = keys_changed(connection, table, keys)
            if create_own(connection, updated) or left:
                self.index_work.set()
        return updated

    def put_table(self, connection: sa.Connection, database: str, table_input: Definition) -> Table:
        """Create the table, or replace its definition unless it is that one already; what a publish does.

        Raises EntityNotFoundException.
        """
        name = _named(table_input, "table")
        table = self.find_table(connection, database, name)
        if table is None:
            return self.create_table(connection, database, table_input)
        if table.definition == storable({**table_input, "Name": name}):
            return table
        return self.update_table(connection, database, table_input)

    def delete_table(self, connection: sa.Connection, database: str, name: str) -> None:
        """Drop a table with its partitions; a publish opened before it loses.

        Raises EntityNotFoundException, ResourceNotReadyException while a partition index of it is being created.
        """
        table = self.table(connection, database, name)
        for index in indexes_of(connection, table):
            if index.name is not None and index.status == CREATING:
                raise ResourceNotReadyException(
                    f"Index {index.name} of table {table.name} is being created: wait until it is ACTIVE."
                )
        connection.execute(sa.delete(tables).where(tables.c.id == table.id))
        self._bump(connection, table.database, table.name)

    # -- partition indexes ---------------------------------------------------------------------------------------

    def indexes(self, connection: sa.Connection, table: Table) -> list[PartitionIndex]:
        """The partition indexes that were asked for, in order of their making."""
        return [index for index in indexes_of(connection, table) if index.name is not None]

    def create_index(self, connection: sa.Connection, table: Table, name: str, keys: Sequence[str]) -> None:
        """Make a partition index: ACTIVE at once on a small table, CREATING on others.

        Raises AlreadyExistsException, ResourceNumberLimitExceededException, InvalidInputException.
        """
        if create_index(connection, table, name, keys):
            self.index_work.set()

    def delete_index(self, connection: sa.Connection, table: Table, name: str) -> None:
        """Drop a partition index; raises EntityNotFoundException, ConflictException while it is CREATING."""
        if delete_index(connection, table, name):
            self.index_work.set()

    # -- sequences: the compare-and-swap of publishes ------------------------------------------------------------

    def sequence(self, connection: sa.Connection, database: str, table: str) -> int:
        """How often the table was published to or dropped; 0 for one that never was. The table need not exist."""
        wanted = (sequences.c.database_name == fold(database), sequences.c.table_name == fold(table))
        return int(connection.execute(sa.select(sequences.c.sequence).where(*wanted)).scalar() or 0)

    def advance(self, connection: sa.Connection, database: str, table: str, expected: int) -> int:
        """Count the table's sequence up from ``expected`` and return the new number.

        Raises ConcurrentModificationException when it is no longer at ``expected``: somebody published, or dropped
        the table, in between.
        """
        current = self.sequence(connection, database, table)
        if current != expected:
            raise ConcurrentModificationException(
                f"Table {fold(database)}.{fold(table)} was changed by another publish (sequence {current}, "
                f"expected {expected}): read it again and retry."
            )
        return self._bump(connection, fold(database), fold(table))

    def _bump(self, connection: sa.Connection, database: str, table: str) -> int:
        wanted = (sequences.c.database_name == database, sequences.c.table_name == table)
        current: int | None = connection.execute(sa.select(sequences.c.sequence).where(*wanted)).scalar()
        if current is None:
            row = {"database_name": database, "table_name": table, "sequence": 1}
            connection.execute(sa.insert(sequences), row)
            return 1
        connection.execute(sa.update(sequences).where(*wanted).values(sequence=current + 1))
        return current + 1


def _named(definition: Definition, kind: str) -> str:
    name = fold(str(definition.get("Name") or ""))
    if not name.strip():
        raise InvalidInputException(f"A {kind} needs a name.")
    return name


def _check_keys(name: str, table_input: Definition) -> None:
    keys = [key for key, _ in partition_keys(table_input)]
    if len(set(keys)) != len(keys):
        raise InvalidInputException(f"A partition key of table {name} is named twice.")


def _table(row: sa.Row[Any]) -> Table:
    return Table(
        row.id, row.database_name, row.name, row.definition, row.version, row.sequence, row.created_at, row.updated_at
    )
