"""Partitions in the state database, and everything that reads or writes them, inside the caller's transaction."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.expressions import parse_expression
from lakelet.catalog.model import Definition, Partition, Table, stored
from lakelet.catalog.partitions.indexes import delete_entries, indexes_of, insert_entries
from lakelet.catalog.partitions.keys import key_of, values_of
from lakelet.catalog.partitions.rows import partitions
from lakelet.catalog.partitions.search import PRIMARY, ROW, Position, plan, rows_of, walk
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException
from lakelet.workspace.quick_json import loads
from lakelet.workspace.state import Prepared

_CHUNK = 1000  # keys in one statement
_COLUMNS = ("table_id", "key", "segment", "definition", "created_at")
_INSERT = Prepared(sa.insert(partitions).values({name: sa.bindparam(name) for name in _COLUMNS}).inline())
_REDEFINE = Prepared(
    sa.update(partitions)
    .where(partitions.c.table_id == sa.bindparam("t"), partitions.c.key == sa.bindparam("k"))
    .values(definition=sa.bindparam("definition"))
)
_ASKED = tuple(f"k{number}" for number in range(100))  # parameters: as many as a BatchCreatePartition has partitions
_EXISTING = Prepared(
    sa.select(partitions.c.key).where(
        partitions.c.table_id == sa.bindparam("t"), partitions.c.key.in_([sa.bindparam(name) for name in _ASKED])
    )
)

Row = dict[str, Any]  # _COLUMNS of the table, the definition as its text


@dataclass(frozen=True)
class PartitionPage:
    """Partitions, and where the next page begins; None after the last."""

    partitions: Sequence[Partition]
    following: Position | None


class PartitionStore:
    """The partitions of the Data Catalog's tables. Raises the errors that Glue names."""

    def partition(self, connection: sa.Connection, table: Table, values: Sequence[str]) -> Partition:
        """One partition by its values; raises EntityNotFoundException, InvalidInputException for a wrong number."""
        found = self.partitions_by_values(connection, table, [values])
        if not found:
            raise EntityNotFoundException(f"Cannot find partition. Values: {list(values)}, table: {table.name}.")
        return found[0]

    def partitions_by_values(
        self, connection: sa.Connection, table: Table, wanted: Sequence[Sequence[str]]
    ) -> list[Partition]:
        """Those of the partitions that exist, in order; raises InvalidInputException for a wrong number of values."""
        rows = rows_of(connection, table, list({key_of(_checked(table, values)) for values in wanted}))
        return _read(sorted(rows, key=lambda row: row.key))

    def partitions(self, connection: sa.Connection, table: Table, expression: str | None = None) -> list[Partition]:
        """The partitions that satisfy an expression, ordered by the text of their values.

        Raises InvalidInputException for an expression that cannot be read.
        """
        found = self.partition_page(connection, table, expression).partitions
        return sorted(found, key=lambda partition: key_of(partition.values))

    def partition_page(
        self,
        connection: sa.Connection,
        table: Table,
        expression: str | None = None,
        *,
        position: Position | None = None,
        limit: int | None = None,
        segment: tuple[int, int] | None = None,
    ) -> PartitionPage:
        """The partitions that satisfy an expression, from after ``position``, at most ``limit`` of them.

        ``segment`` is ``(number, total)`` of GetPartitions' Segment: the partitions split into ``total`` disjoint
        parts. Raises InvalidInputException for an expression that cannot be read, or a place that is gone.
        """
        if not (expression and expression.strip()):
            return _all(connection, table, position, limit, segment)
        condition = parse_expression(expression, table.partition_keys)
        chosen = plan(connection, table, condition, position)
        found: list[sa.Row[Any]] = []
        last: Position | None = None
        at_once = _CHUNK if limit is None else min(limit + 1, _CHUNK)
        for place, row in walk(connection, table, chosen, condition, position, at_once):
            if segment is not None and row.segment % segment[1] != segment[0]:
                continue
            if limit is not None and len(found) == limit:
                return PartitionPage(_read(found), last)
            found.append(row)
            last = place
        return PartitionPage(_read(found), None)

    def create_partitions(
        self, connection: sa.Connection, table: Table, inputs: Sequence[Definition]
    ) -> dict[int, Exception]:
        """Add partitions; the ones that cannot be added are returned, by position, with the reason.

        The reasons are AlreadyExistsException and InvalidInputException; the others are written.
        """
        failures: dict[int, Exception] = {}
        rows: list[tuple[int, Row]] = []
        for position, partition_input in enumerate(inputs):
            try:
                rows.append((position, _row(table, partition_input)))
            except InvalidInputException as error:
                failures[position] = error
        taken = self._existing(connection, table, [row["key"] for _, row in rows])
        fresh = []
        for position, row in rows:
            if row["key"] in taken:
                failures[position] = AlreadyExistsException(
                    f"Partition already exists. Values: {list(values_of(row['key']))}, table: {table.name}."
                )
            else:
                fresh.append(row)
                taken.add(row["key"])
        self._insert(connection, table, fresh)
        return dict(sorted(failures.items()))

    def put_partitions(self, connection: sa.Connection, table: Table, inputs: Sequence[Definition]) -> None:
        """Create partitions, or replace the definitions of those that exist. Raises InvalidInputException."""
        rows = {row["key"]: row for row in (_row(table, partition_input) for partition_input in inputs)}
        there = self._existing(connection, table, list(rows))
        for key in there:
            self._redefine(connection, table, key, rows[key])
        self._insert(connection, table, [row for key, row in rows.items() if key not in there])

    def update_partition(
        self, connection: sa.Connection, table: Table, values: Sequence[str], partition_input: Definition
    ) -> None:
        """Replace one partition, which may get other values; raises EntityNotFoundException, AlreadyExistsException."""
        old = self.partition(connection, table, values)
        row = _row(table, {"Values": list(values), **partition_input}) | {"created_at": old.created_at}
        if row["key"] == key_of(values):
            self._redefine(connection, table, row["key"], row)
            return
        if self._existing(connection, table, [row["key"]]):
            raise AlreadyExistsException(
                f"Partition already exists. Values: {partition_input['Values']}, table: {table.name}."
            )
        self.delete_partitions(connection, table, [values])
        self._insert(connection, table, [row])

    def delete_partitions(
        self, connection: sa.Connection, table: Table, values: Sequence[Sequence[str]]
    ) -> list[Sequence[str]]:
        """Drop partitions; returns the values for which there was none. Raises InvalidInputException."""
        keys = [key_of(_checked(table, one)) for one in values]
        there = self._existing(connection, table, keys)
        if there:
            gone = [(key, values_of(key)) for key in sorted(there)]
            wanted = (partitions.c.table_id == table.id, partitions.c.key == sa.bindparam("k"))
            connection.execute(sa.delete(partitions).where(*wanted), [{"k": key} for key, _ in gone])
            delete_entries(connection, indexes_of(connection, table), gone)
        missing = []
        for one, key in zip(values, keys, strict=True):
            if key in there:
                there.remove(key)  # named a second time, it is missing
            else:
                missing.append(one)
        return missing

    def has_partitions(self, connection: sa.Connection, table: Table) -> bool:
        """Whether the table has any partition."""
        query = sa.select(partitions.c.key).where(partitions.c.table_id == table.id).limit(1)
        return connection.execute(query).first() is not None

    def _insert(self, connection: sa.Connection, table: Table, rows: Sequence[Row]) -> None:
        if rows:
            _INSERT.write(connection, rows)
            pairs = [(row["key"], values_of(row["key"])) for row in rows]
            insert_entries(connection, indexes_of(connection, table), pairs)

    def _redefine(self, connection: sa.Connection, table: Table, key: str, row: Row) -> None:
        _REDEFINE.write(connection, [{"t": table.id, "k": key, "definition": row["definition"]}])

    def _existing(self, connection: sa.Connection, table: Table, keys: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(keys), len(_ASKED)):
            some = keys[start : start + len(_ASKED)]
            asked = chain(some, repeat(some[0]))
            found.update(
                key for (key,) in _EXISTING.rows(connection, t=table.id, **dict(zip(_ASKED, asked, strict=False)))
            )
        return found


def _all(
    connection: sa.Connection,
    table: Table,
    position: Position | None,
    limit: int | None,
    segment: tuple[int, int] | None,
) -> PartitionPage:
    query = sa.select(*ROW).where(partitions.c.table_id == table.id)
    if position is not None:
        query = query.where(partitions.c.key > position[2])
    if segment is not None:
        query = query.where(partitions.c.segment % segment[1] == segment[0])
    size = None if limit is None else limit + 1
    found = connection.execute(query.order_by(partitions.c.key).limit(size)).all()
    if limit is None or len(found) <= limit:
        return PartitionPage(_read(found), None)
    return PartitionPage(_read(found[:limit]), (PRIMARY, "", found[limit - 1].key))


def _checked(table: Table, values: Sequence[str]) -> Sequence[str]:
    if len(values) != len(table.partition_keys):
        raise InvalidInputException(
            f"Table {table.name} has {len(table.partition_keys)} partition keys, but {len(values)} values were given."
        )
    return values


def _row(table: Table, partition_input: Definition) -> Row:
    values = _checked(table, partition_input.get("Values") or ())
    key = key_of(values)
    definition = stored({name: value for name, value in partition_input.items() if name != "Values"})
    segment = zlib.crc32(key.encode()) >> 1  # spreads the partitions over GetPartitions' segments; fits 31 bits
    return {"table_id": table.id, "key": key, "segment": segment, "definition": definition, "created_at": time.time()}


def _read(rows: Sequence[sa.Row[Any]]) -> list[Partition]:
    """What :data:`~lakelet.catalog.partitions.search.ROW` holds of each."""
    definitions = loads(f"[{','.join([row.definition for row in rows])}]")
    return [
        Partition(values_of(row.key), definition, row.created_at)
        for row, definition in zip(rows, definitions, strict=True)
    ]
