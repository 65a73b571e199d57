"""Indexes on partition keys: made, filled step by step, kept up to date with every write, and dropped.

Every key whose type expressions can use has an index of Lakelet's own, but the first if it is a string, by which the
partitions themselves are sorted; and a table takes up to three more (AWS Glue Developer Guide, Creating partition
indexes). Each partition has one entry in each index. An index is CREATING until
the partitions that were there before it are in; ``filled`` says how far that is, and is written with the entries, so
that whoever is killed in the middle loses nothing and does nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.model import Table, partition_keys
from lakelet.catalog.partitions import values
from lakelet.catalog.partitions.keys import values_of
from lakelet.catalog.partitions.rows import entries, indexes, partitions
from lakelet.data.partitions import DEFAULT_PARTITION
from lakelet.workspace.errors import (
    AlreadyExistsException,
    ConflictException,
    EntityNotFoundException,
    InvalidInputException,
    ResourceNumberLimitExceededException,
)
from lakelet.workspace.quick_json import loads
from lakelet.workspace.state import Prepared

CREATING, ACTIVE, DELETING = "CREATING", "ACTIVE", "DELETING"
MAX_INDEXES = 3  # AWS's quota of indexes a table
STEP = 5_000  # partitions that one transaction of a backfill takes
_SHOWN_ERRORS = 10
_COLUMNS = (
    indexes.c.id, indexes.c.name, sa.cast(indexes.c.positions, sa.Text), indexes.c.status, indexes.c.filled,
    sa.cast(indexes.c.errors, sa.Text),
)  # fmt: skip
_OF_TABLE = Prepared(
    sa.select(*_COLUMNS)
    .where(indexes.c.table_id == sa.bindparam("t"), indexes.c.status != DELETING)
    .order_by(indexes.c.id)
)
_INSERT = Prepared(sa.insert(entries))


@dataclass(frozen=True)
class PartitionIndex:
    """One index; ``kinds`` are those of its keys as the table declares them now."""

    id: int
    name: str | None
    positions: tuple[int, ...]
    kinds: tuple[values.Kind, ...]
    status: str
    filled: str
    errors: tuple[str, ...]

    def entry(self, texts: Sequence[str]) -> str:
        """What the index holds for a partition with these values."""
        return "".join([encoded(texts[position]) for encoded, position in self._encoders])

    @cached_property
    def _encoders(self) -> Sequence[tuple[Callable[[str], str], int]]:
        return [(values.encoder(kind), position) for kind, position in zip(self.kinds, self.positions, strict=True)]


def indexes_of(connection: sa.Connection, table: Table) -> list[PartitionIndex]:
    """The indexes of a table, DELETING ones aside, in the order in which they were made."""
    kinds = [values.kind_of(kind) for _, kind in table.partition_keys]
    return [_index(row, kinds) for row in _OF_TABLE.rows(connection, t=table.id)]


def insert_entries(
    connection: sa.Connection, found: Sequence[PartitionIndex], pairs: Sequence[tuple[str, Sequence[str]]]
) -> None:
    """Enter new partitions, given as key and values, in the indexes; one that is being filled takes them later."""
    rows = (
        {"index_id": index.id, "entry": index.entry(texts), "key": key}
        for index in found
        for key, texts in pairs
        if index.status != CREATING or key <= index.filled
    )
    _INSERT.write(connection, rows)


def delete_entries(
    connection: sa.Connection, found: Sequence[PartitionIndex], pairs: Sequence[tuple[str, Sequence[str]]]
) -> None:
    """Take partitions, given as key and values, out of the indexes."""
    rows = [{"i": index.id, "e": index.entry(texts), "k": key} for index in found for key, texts in pairs]
    if rows:
        wanted = (
            entries.c.index_id == sa.bindparam("i"),
            entries.c.entry == sa.bindparam("e"),
            entries.c.key == sa.bindparam("k"),
        )
        connection.execute(sa.delete(entries).where(*wanted), rows)


def sorted_by(keys: Sequence[tuple[str, str]]) -> range:
    """The positions of the keys by whose values the partitions themselves are sorted: the first ones that are texts."""
    other = (position for position, (_, kind) in enumerate(keys) if values.kind_of(kind) is not values.Kind.TEXT)
    return range(next(other, len(keys)))


def lacks_own(connection: sa.Connection, table: Table) -> bool:
    """Whether :func:`create_own` has something to make."""
    return bool(_without_own(connection, table))


def create_own(connection: sa.Connection, table: Table) -> bool:
    """Make Lakelet's own index on each key that has none; returns whether something is left to be filled."""
    left = [not _create(connection, table, None, [position]) for position in _without_own(connection, table)]
    return any(left)


def create_index(connection: sa.Connection, table: Table, name: str, keys: Sequence[str]) -> bool:
    """Make an index that was asked for; returns whether something is left to be filled.

    Raises AlreadyExistsException for its name or its keys, ResourceNumberLimitExceededException for a fourth one, and
    InvalidInputException for keys that cannot be indexed.
    """
    by_name = {key: (position, kind) for position, (key, kind) in enumerate(table.partition_keys)}
    positions = []
    for key in keys:
        if key.lower() not in by_name:
            raise InvalidInputException(f"{key} is no partition key of table {table.name}, so it cannot be indexed.")
        position, kind = by_name[key.lower()]
        if values.kind_of(kind) is None:
            raise InvalidInputException(f"Partition key {key} has type {kind}, which cannot be indexed.")
        if position in positions:
            raise InvalidInputException(f"Partition key {key} is named twice in index {name}.")
        positions.append(position)
    asked_for = [index for index in indexes_of(connection, table) if index.name is not None]
    for index in asked_for:
        if index.name == name or index.positions == tuple(positions):
            raise AlreadyExistsException(f"Table {table.name} has index {index.name} on these keys or of this name.")
    if len(asked_for) >= MAX_INDEXES:
        raise ResourceNumberLimitExceededException(
            f"Table {table.name} has {MAX_INDEXES} partition indexes, as many as a table may: delete one first."
        )
    return not _create(connection, table, name, positions)


def delete_index(connection: sa.Connection, table: Table, name: str) -> bool:
    """Drop an index; returns whether some of its entries are left to be removed.

    Raises EntityNotFoundException, ConflictException while the index is CREATING.
    """
    for index in indexes_of(connection, table):
        if index.name == name:
            if index.status == CREATING:
                raise ConflictException(
                    f"Index {name} of table {table.name} is being created: wait until it is ACTIVE."
                )
            return not _drop(connection, index)
    raise EntityNotFoundException(f"Table {table.name} has no partition index {name}.")


def keys_changed(connection: sa.Connection, table: Table, keys: Sequence[tuple[str, str]]) -> bool:
    """Bring the indexes in line with the table's new partition keys; returns whether work is left.

    An index on a key whose type changed is made anew; one on a key that is gone, or cannot be indexed now, is dropped.
    """
    kinds = [values.kind_of(kind) for _, kind in keys]
    needless = [(position,) for position in sorted_by(keys)[:1]]
    left = False
    for index in indexes_of(connection, table):
        fits = all(position < len(kinds) and kinds[position] is not None for position in index.positions)
        if fits and tuple(kinds[position] for position in index.positions) == index.kinds:
            continue
        left |= not _drop(connection, index)
        if fits and not (index.name is None and index.positions in needless):
            left |= not _create(connection, table, index.name, index.positions, kinds)
    return left


def work(connection: sa.Connection) -> bool:
    """One step of what is left to do, in the caller's transaction; returns whether there was any."""
    query = sa.select(indexes.c.table_id, *_COLUMNS).where(indexes.c.status.in_([CREATING, DELETING]))
    row = connection.execute(query.order_by(indexes.c.id).limit(1)).one_or_none()
    if row is None:
        return False
    if row.status == DELETING:
        _remove(connection, row.id)
        return True
    tables = indexes.metadata.tables["catalog_tables"]
    definition = connection.execute(sa.select(tables.c.definition).where(tables.c.id == row.table_id)).scalar_one()
    _fill(connection, row.table_id, _index(row[1:], [values.kind_of(kind) for _, kind in partition_keys(definition)]))
    return True


def _without_own(connection: sa.Connection, table: Table) -> list[int]:
    sorted_first = sorted_by(table.partition_keys)[:1]
    wanted = [
        position
        for position, (_, kind) in enumerate(table.partition_keys)
        if values.kind_of(kind) is not None and position not in sorted_first
    ]
    there = {index.positions for index in indexes_of(connection, table) if index.name is None} if wanted else set()
    return [position for position in wanted if (position,) not in there]


def _create(
    connection: sa.Connection,
    table: Table,
    name: str | None,
    positions: Sequence[int],
    kinds: Sequence[values.Kind | None] | None = None,
) -> bool:
    row = {
        "table_id": table.id, "name": name, "positions": list(positions), "status": CREATING, "filled": "",
        "errors": [], "created_at": time.time(),
    }  # fmt: skip
    made = connection.execute(sa.insert(indexes), row).inserted_primary_key
    query = sa.select(*_COLUMNS).where(indexes.c.id == (made[0] if made else None))
    found = connection.execute(query).one()
    return _fill(
        connection, table.id, _index(found, kinds or [values.kind_of(kind) for _, kind in table.partition_keys])
    )


def _fill(connection: sa.Connection, table_id: int, index: PartitionIndex) -> bool:
    """Enter the next partitions in an index; returns whether it is complete."""
    wanted = (partitions.c.table_id == table_id, partitions.c.key > index.filled)
    query = sa.select(partitions.c.key).where(*wanted).order_by(partitions.c.key).limit(STEP)
    keys = list(connection.execute(query).scalars())
    complete = len(keys) < STEP
    errors = list(index.errors)
    rows = []
    for key in keys:
        texts = [values_of(key)[position] for position in index.positions]
        rows.append({"index_id": index.id, "entry": values.entry(index.kinds, texts), "key": key})
        if len(errors) < _SHOWN_ERRORS and any(
            text != DEFAULT_PARTITION and values.read(kind, text) is None
            for kind, text in zip(index.kinds, texts, strict=True)
        ):
            errors.append(key)
    _INSERT.write(connection, rows)
    changes: dict[str, Any] = {"status": ACTIVE if complete else CREATING, "errors": errors}
    if keys:
        changes["filled"] = keys[-1]
    connection.execute(sa.update(indexes).where(indexes.c.id == index.id).values(changes))
    return complete


def _drop(connection: sa.Connection, index: PartitionIndex) -> bool:
    """Make an index invisible and begin to remove it; returns whether it is gone."""
    connection.execute(sa.update(indexes).where(indexes.c.id == index.id).values(status=DELETING, name=None))
    return _remove(connection, index.id)


def _remove(connection: sa.Connection, index_id: int) -> bool:
    """Remove the next entries of an index, and at last the index; returns whether it is gone."""
    place = (entries.c.entry, entries.c.key)
    ordered = sa.select(*place).where(entries.c.index_id == index_id).order_by(*place)
    end = connection.execute(ordered.offset(STEP).limit(1)).one_or_none()
    wanted = [entries.c.index_id == index_id]
    if end is not None:
        wanted.append(sa.tuple_(*place) < sa.tuple_(end.entry, end.key))
    connection.execute(sa.delete(entries).where(*wanted))
    if end is None:
        connection.execute(sa.delete(indexes).where(indexes.c.id == index_id))
    return end is None


def _index(row: Sequence[Any], kinds: Sequence[values.Kind | None]) -> PartitionIndex:
    """An index from what :data:`_COLUMNS` has of it."""
    id_, name, text, status, filled, errors = row
    positions = tuple(loads(text))
    known = tuple(kinds[position] or values.Kind.TEXT for position in positions)
    return PartitionIndex(id_, name, positions, known, status, filled, tuple(loads(errors)))
