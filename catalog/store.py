"""The Data Catalog's tables in the state database, and everything that reads or writes them.

Every method that takes a ``connection`` works inside the caller's transaction (``workspace.state.reading`` or
``writing``), so that several of them commit as one; ``get_*`` methods without one open their own.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from catalog import expressions
from catalog.model import Database, Definition, Partition, Table, fold, key_of, partition_keys, storable, values_of
from workspace.errors import (
    AlreadyExistsException,
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
)
from workspace.state import metadata, reading

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

# Keyed by (table, values) without a row id: a page of GetPartitions is one walk along the primary key.
partitions = sa.Table(
    "catalog_partitions",
    metadata,
    sa.Column("table_id", sa.Integer, sa.ForeignKey("catalog_tables.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("segment", sa.Integer, nullable=False),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)

# Apart from the tables, so that dropping and recreating a table never turns the number back.
sequences = sa.Table(
    "catalog_sequences",
    metadata,
    sa.Column("database_name", sa.String(255), primary_key=True),
    sa.Column("table_name", sa.String(255), primary_key=True),
    sa.Column("sequence", sa.Integer, nullable=False),
)

_CHUNK = 1000  # keys in one statement

_TABLE = sa.select(tables, sa.func.coalesce(sequences.c.sequence, 0).label("sequence")).select_from(
    tables.outerjoin(
        sequences,
        sa.and_(sequences.c.database_name == tables.c.database_name, sequences.c.table_name == tables.c.name),
    )
)
_ONE_TABLE = _TABLE.where(tables.c.database_name == sa.bindparam("d"), tables.c.name == sa.bindparam("n"))


class CatalogStore:
    """The one Data Catalog. Raises the :class:`~workspace.errors.ServiceError` family, named as Glue names them."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

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

    def databases(self, connection: sa.Connection, after: str = "", limit: int | None = None) -> list[Database]:
        """Databases whose name follows ``after``, in order of name."""
        query = sa.select(databases).where(databases.c.name > after).order_by(databases.c.name).limit(limit)
        return [Database(row.name, row.definition, row.created_at) for row in connection.execute(query)]

    def create_database(self, connection: sa.Connection, database_input: Definition) -> Database:
        """Add a database; raises AlreadyExistsException."""
        name = _named(database_input, "database")
        if connection.execute(sa.select(databases.c.name).where(databases.c.name == name)).first():
            raise AlreadyExistsException(f"Database {name} already exists.")
        values = {"name": name, "definition": storable({**database_input, "Name": name}), "created_at": time.time()}
        connection.execute(sa.insert(databases), values)
        return self.database(connection, name)

    def update_database(self, connection: sa.Connection, name: str, database_input: Definition) -> None:
        """Replace a database's definition; raises EntityNotFoundException, InvalidInputException for a new name."""
        self.database(connection, name)
        if _named(database_input, "database") != fold(name):
            raise InvalidInputException(f"Database {fold(name)} cannot be renamed: create another and move its tables.")
        definition = storable({**database_input, "Name": fold(name)})
        connection.execute(sa.update(databases).where(databases.c.name == fold(name)).values(definition=definition))

    def delete_database(self, connection: sa.Connection, name: str) -> None:
        """Drop a database with its tables and their partitions; raises EntityNotFoundException."""
        self.database(connection, name)
        for table_name in self.table_names(connection, name):
            self._bump(connection, fold(name), table_name)
        connection.execute(sa.delete(databases).where(databases.c.name == fold(name)))

    # -- tables --------------------------------------------------------------------------------------------------

    def table(self, connection: sa.Connection, database: str, name: str) -> Table:
        """One table; raises EntityNotFoundException, also for an unknown database."""
        row = connection.execute(_ONE_TABLE, {"d": fold(database), "n": fold(name)}).one_or_none()
        if row is None:
            self.database(connection, database)
            raise EntityNotFoundException(f"Table {fold(name)} not found.")
        return _table(row)

    def table_names(self, connection: sa.Connection, database: str, after: str = "") -> list[str]:
        """The names of a database's tables that follow ``after``, in order; raises EntityNotFoundException."""
        self.database(connection, database)
        wanted = (tables.c.database_name == fold(database), tables.c.name > after)
        return list(connection.execute(sa.select(tables.c.name).where(*wanted).order_by(tables.c.name)).scalars())

    def tables(self, connection: sa.Connection, database: str, names: Sequence[str]) -> list[Table]:
        """Those of the named tables that exist, in order of name."""
        wanted = (tables.c.database_name == fold(database), tables.c.name.in_([fold(name) for name in names]))
        return [_table(row) for row in connection.execute(_TABLE.where(*wanted).order_by(tables.c.name))]

    def create_table(self, connection: sa.Connection, database: str, table_input: Definition) -> Table:
        """Add a table; raises AlreadyExistsException, EntityNotFoundException for an unknown database."""
        name = _named(table_input, "table")
        self.database(connection, database)
        found = connection.execute(_ONE_TABLE, {"d": fold(database), "n": name}).first()
        if found:
            raise AlreadyExistsException(f"Table {name} already exists in database {fold(database)}.")
        now = time.time()
        values = {
            "database_name": fold(database), "name": name, "definition": storable({**table_input, "Name": name}),
            "version": 0, "created_at": now, "updated_at": now,
        }  # fmt: skip
        connection.execute(sa.insert(tables), values)
        return self.table(connection, database, name)

    def update_table(
        self, connection: sa.Connection, database: str, table_input: Definition, version: int | None = None
    ) -> Table:
        """Replace a table's definition and count its version up.

        With ``version`` the table must still be at it: ConcurrentModificationException otherwise. Raises
        EntityNotFoundException, and InvalidInputException when the number of partition keys would no longer fit the
        partitions there are.
        """
        table = self.table(connection, database, _named(table_input, "table"))
        if version is not None and version != table.version:
            raise ConcurrentModificationException(
                f"Table {table.name} is at version {table.version}, not {version}: read it again and retry."
            )
        if len(partition_keys(table_input)) != len(table.partition_keys) and self._has_partitions(connection, table):
            raise InvalidInputException(f"The partition keys of table {table.name} cannot change: it has partitions.")
        values = {
            "definition": storable({**table_input, "Name": table.name}),
            "version": table.version + 1, "updated_at": time.time(),
        }  # fmt: skip
        connection.execute(sa.update(tables).where(tables.c.id == table.id).values(values))
        return self.table(connection, database, table.name)

    def put_table(self, connection: sa.Connection, database: str, table_input: Definition) -> Table:
        """Create the table, or replace its definition; what a publish does. Raises EntityNotFoundException."""
        try:
            return self.update_table(connection, database, table_input)
        except EntityNotFoundException:
            return self.create_table(connection, database, table_input)

    def delete_table(self, connection: sa.Connection, database: str, name: str) -> None:
        """Drop a table with its partitions; a publish opened before it loses. Raises EntityNotFoundException."""
        table = self.table(connection, database, name)
        connection.execute(sa.delete(tables).where(tables.c.id == table.id))
        self._bump(connection, table.database, table.name)

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

    # -- partitions ----------------------------------------------------------------------------------------------

    def partition(self, connection: sa.Connection, table: Table, values: Sequence[str]) -> Partition:
        """One partition by its values; raises EntityNotFoundException, InvalidInputException for a wrong number."""
        found = self.partitions_by_values(connection, table, [values])
        if not found:
            raise EntityNotFoundException(f"Partition {list(values)} of table {table.name} not found.")
        return found[0]

    def partitions_by_values(
        self, connection: sa.Connection, table: Table, wanted: Sequence[Sequence[str]]
    ) -> list[Partition]:
        """Those of the partitions that exist, in order; raises InvalidInputException for a wrong number of values."""
        keys = [key_of(_checked(table, values)) for values in wanted]
        query = sa.select(partitions).where(partitions.c.table_id == table.id, partitions.c.key.in_(keys))
        return [_partition(row) for row in connection.execute(query.order_by(partitions.c.key))]

    def partitions(
        self,
        connection: sa.Connection,
        table: Table,
        expression: str | None = None,
        *,
        after: Sequence[str] | None = None,
        limit: int | None = None,
        segment: tuple[int, int] | None = None,
    ) -> list[Partition]:
        """The partitions that satisfy an expression, ordered by the text of their values, from after ``after``.

        ``segment`` is ``(number, total)`` of GetPartitions' Segment: the partitions split into ``total`` disjoint
        parts. Raises InvalidInputException for an expression that cannot be read.
        """
        query = sa.select(partitions).where(partitions.c.table_id == table.id)
        if expression and expression.strip():
            query = query.where(expressions.compile_expression(expression, table.partition_keys, partitions.c.key))
        if after is not None:
            query = query.where(partitions.c.key > key_of(after))
        if segment is not None:
            query = query.where(partitions.c.segment % segment[1] == segment[0])
        return [_partition(row) for row in connection.execute(query.order_by(partitions.c.key).limit(limit))]

    def create_partitions(
        self, connection: sa.Connection, table: Table, inputs: Sequence[Definition]
    ) -> dict[int, Exception]:
        """Add partitions; the ones that cannot be added are returned, by position, with the reason.

        The reasons are AlreadyExistsException and InvalidInputException; the others are written.
        """
        failures: dict[int, Exception] = {}
        rows: list[tuple[int, dict[str, Any]]] = []
        for position, partition_input in enumerate(inputs):
            try:
                rows.append((position, _partition_row(table, partition_input)))
            except InvalidInputException as error:
                failures[position] = error
        taken = self._existing(connection, table, [row["key"] for _, row in rows])
        fresh = []
        for position, row in rows:
            if row["key"] in taken:
                failures[position] = AlreadyExistsException(
                    f"Partition {list(values_of(row['key']))} of table {table.name} already exists."
                )
            else:
                fresh.append(row)
                taken.add(row["key"])
        if fresh:
            connection.execute(sa.insert(partitions), fresh)
        return dict(sorted(failures.items()))

    def put_partitions(self, connection: sa.Connection, table: Table, inputs: Sequence[Definition]) -> None:
        """Create partitions, or replace the definitions of those that exist. Raises InvalidInputException."""
        rows = {row["key"]: row for row in (_partition_row(table, partition_input) for partition_input in inputs)}
        there = self._existing(connection, table, list(rows))
        for key in there:
            wanted = (partitions.c.table_id == table.id, partitions.c.key == key)
            connection.execute(sa.update(partitions).where(*wanted).values(definition=rows[key]["definition"]))
        if fresh := [row for key, row in rows.items() if key not in there]:
            connection.execute(sa.insert(partitions), fresh)

    def update_partition(
        self, connection: sa.Connection, table: Table, values: Sequence[str], partition_input: Definition
    ) -> None:
        """Replace one partition, which may get other values; raises EntityNotFoundException, AlreadyExistsException."""
        old = self.partition(connection, table, values)
        row = _partition_row(table, {"Values": list(values), **partition_input}) | {"created_at": old.created_at}
        if row["key"] != key_of(values) and self._existing(connection, table, [row["key"]]):
            raise AlreadyExistsException(f"Partition {partition_input['Values']} of {table.name} already exists.")
        self.delete_partitions(connection, table, [values])
        connection.execute(sa.insert(partitions), row)

    def delete_partitions(
        self, connection: sa.Connection, table: Table, values: Sequence[Sequence[str]]
    ) -> list[Sequence[str]]:
        """Drop partitions; returns the values for which there was none. Raises InvalidInputException."""
        missing = []
        for one in values:
            wanted = (partitions.c.table_id == table.id, partitions.c.key == key_of(_checked(table, one)))
            if not connection.execute(sa.delete(partitions).where(*wanted)).rowcount:
                missing.append(one)
        return missing

    def _existing(self, connection: sa.Connection, table: Table, keys: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(keys), _CHUNK):
            wanted = (partitions.c.table_id == table.id, partitions.c.key.in_(keys[start : start + _CHUNK]))
            found.update(connection.execute(sa.select(partitions.c.key).where(*wanted)).scalars())
        return found

    def _has_partitions(self, connection: sa.Connection, table: Table) -> bool:
        query = sa.select(partitions.c.key).where(partitions.c.table_id == table.id).limit(1)
        return connection.execute(query).first() is not None


def _named(definition: Definition, kind: str) -> str:
    name = fold(str(definition.get("Name") or ""))
    if not name.strip():
        raise InvalidInputException(f"A {kind} needs a name.")
    return name


def _checked(table: Table, values: Sequence[str]) -> Sequence[str]:
    if len(values) != len(table.partition_keys):
        raise InvalidInputException(
            f"Table {table.name} has {len(table.partition_keys)} partition keys, but {len(values)} values were given."
        )
    return values


def _partition_row(table: Table, partition_input: Definition) -> dict[str, Any]:
    values = _checked(table, partition_input.get("Values") or ())
    key = key_of(values)
    definition = {name: value for name, value in storable(partition_input).items() if name != "Values"}
    segment = zlib.crc32(key.encode())  # spreads the partitions over GetPartitions' segments
    return {"table_id": table.id, "key": key, "segment": segment, "definition": definition, "created_at": time.time()}


def _table(row: sa.Row[Any]) -> Table:
    return Table(
        row.id, row.database_name, row.name, row.definition, row.version, row.sequence, row.created_at, row.updated_at
    )


def _partition(row: sa.Row[Any]) -> Partition:
    return Partition(values_of(row.key), row.definition, row.created_at)
