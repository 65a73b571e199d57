"""Which partitions satisfy an expression: by the index that leaves the fewest to look at, a page at a time.

A page continues where the one before it ended: at a place in the index that it walked, whatever was written since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.expressions import Condition
from lakelet.catalog.model import Table
from lakelet.catalog.partitions import values
from lakelet.catalog.partitions.indexes import CREATING, PartitionIndex, indexes_of, sorted_by
from lakelet.catalog.partitions.keys import values_of
from lakelet.catalog.partitions.rows import entries, partitions
from lakelet.workspace.errors import InvalidInputException

Position = tuple[int, str, str]  # the index, the entry and the partition's key after which a page begins
PRIMARY = 0  # stands for an index in a position: the partitions' own order, by their keys
_COUNTED = 2_000  # entries after which one index is as bad as another
_RANGES = 1_000  # ranges beyond which they are taken as one
_FIRST, _MOST = 1_024, 8_192  # entries that are read at once
_CHUNK = 1_000  # keys in one statement

# The definition as its text: many are read as one.
ROW = (
    partitions.c.key, partitions.c.segment, sa.cast(partitions.c.definition, sa.Text).label("definition"),
    partitions.c.created_at,
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """An index and the ranges of it to walk, in order; without an index, of the partitions' own keys."""

    index: PartitionIndex | None
    ranges: Sequence[values.Interval]

    @property
    def index_id(self) -> int:
        """The index in a position."""
        return self.index.id if self.index else PRIMARY


def plan(connection: sa.Connection, table: Table, condition: Condition, position: Position | None = None) -> Plan:
    """How to find what satisfies the condition; the page after ``position`` walks the index of the one before.

    Raises InvalidInputException when that index is gone.
    """
    usable = [index for index in indexes_of(connection, table) if index.status != CREATING]
    own = Plan(None, _ranges(sorted_by(table.partition_keys), condition))
    plans = [own, *(Plan(index, _ranges(index.positions, condition)) for index in usable)]
    if position is not None:
        plans = [one for one in plans if one.index_id == position[0]]
        if not plans:
            raise InvalidInputException(
                f"The partition index of table {table.name} that this listing walked is gone: start it again."
            )
        return plans[0]
    narrow = [one for one in plans if one.ranges != EVERYTHING]
    if any(not one.ranges for one in narrow):
        return next(one for one in narrow if not one.ranges)
    if len(narrow) > 1:
        # The more keys an index fixes the better, when both leave many.
        narrow.sort(key=lambda one: -len(one.ranges[0][0]))
        return min(narrow, key=lambda one: _count(connection, table, one))
    return (narrow or plans)[0]


def walk(
    connection: sa.Connection,
    table: Table,
    chosen: Plan,
    condition: Condition,
    position: Position | None = None,
    at_once: int = _MOST,
) -> Iterator[tuple[Position, sa.Row[Any]]]:
    """The partitions that satisfy the condition, as :data:`ROW`, each with its position, from after ``position``.

    ``at_once`` is how many are looked up together where most of what is walked is left out.
    """
    if chosen.ranges != EVERYTHING:
        index_id = chosen.index_id
        for row in _entries(connection, table, chosen, position, whole=True):
            entry, key = row.entry, row.key
            if condition.holds(values_of(key)):
                yield (index_id, entry, key), row
        return
    waiting: dict[str, Position] = {}
    for row in _entries(connection, table, chosen, position):
        if condition.holds(values_of(row.key)):
            waiting[row.key] = (chosen.index_id, row.entry, row.key)
            if len(waiting) == at_once:
                yield from _looked_up(connection, table, waiting)
                waiting = {}
    yield from _looked_up(connection, table, waiting)


def _looked_up(
    connection: sa.Connection, table: Table, waiting: Mapping[str, Position]
) -> Iterator[tuple[Position, sa.Row[Any]]]:
    rows = {row.key: row for row in rows_of(connection, table, list(waiting))}
    for key, position in waiting.items():
        yield position, rows[key]


def rows_of(connection: sa.Connection, table: Table, keys: Sequence[str]) -> Iterator[sa.Row[Any]]:
    """The partitions with these keys, as :data:`ROW`, in no order."""
    for start in range(0, len(keys), _CHUNK):
        wanted = (partitions.c.table_id == table.id, partitions.c.key.in_(keys[start : start + _CHUNK]))
        yield from connection.execute(sa.select(*ROW).where(*wanted))


EVERYTHING: list[values.Interval] = [("", "\x7f")]


def _ranges(positions: Iterable[int], condition: Condition) -> list[values.Interval]:
    """Where what satisfies the condition lies in an index on the keys at these positions."""
    prefix = ""
    for position in positions:
        found = condition.intervals(position)
        if found is None:
            break
        if len(found) != 1 or not values.is_point(found[0]):
            if len(found) > _RANGES:
                found = [(found[0][0], found[-1][1])]
            return [(prefix + low, prefix + high) for low, high in found]
        prefix += found[0][0]
    return [(prefix, prefix + values.BEYOND)] if prefix else EVERYTHING


def _count(connection: sa.Connection, table: Table, one: Plan) -> int:
    total = 0
    for low, high in one.ranges:
        if one.index is None:
            query = sa.select(partitions.c.key).where(*_between(table, low, high))
        else:
            wanted = (entries.c.index_id == one.index_id, entries.c.entry >= low, entries.c.entry < high)
            query = sa.select(entries.c.key).where(*wanted)
        some = query.limit(_COUNTED - total).subquery()
        total += connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
        if total >= _COUNTED:
            break
    return total


def _entries(
    connection: sa.Connection, table: Table, chosen: Plan, position: Position | None, whole: bool = False
) -> Iterator[sa.Row[Any]]:
    """What lies in the ranges of the plan, in order; with ``whole``, each with its partition."""
    if chosen.index is None:
        yield from _keys(connection, table, chosen, position, whole)
        return
    size = _FIRST
    place = (entries.c.entry, entries.c.key)
    columns = (entries.c.entry, *ROW) if whole else place
    for low, high in chosen.ranges:
        if position is not None and high <= position[1]:
            continue
        after_entry, after_key = max((low, ""), (position[1], position[2]) if position else ("", ""))
        while True:
            beyond = sa.tuple_(*place) > sa.tuple_(after_entry, after_key)
            query = sa.select(*columns).where(entries.c.index_id == chosen.index_id, entries.c.entry < high, beyond)
            if whole:
                query = query.where(partitions.c.table_id == table.id, partitions.c.key == entries.c.key)
            found = connection.execute(query.order_by(*place).limit(size)).all()
            yield from found
            if len(found) < size:
                break
            after_entry, after_key = found[-1].entry, found[-1].key
            size = min(2 * size, _MOST)


def _keys(
    connection: sa.Connection, table: Table, chosen: Plan, position: Position | None, whole: bool
) -> Iterator[sa.Row[Any]]:
    """What lies in the ranges of the partitions' own keys, as :func:`_entries` has it."""
    size = _FIRST
    columns = ROW if whole else (partitions.c.key,)
    for low, high in chosen.ranges:
        wanted = _between(table, low, high)
        if position is not None:
            wanted = (*wanted, partitions.c.key > position[2])
        while True:
            query = sa.select(sa.literal("").label("entry"), *columns).where(*wanted)
            found = connection.execute(query.order_by(partitions.c.key).limit(size)).all()
            yield from found
            if len(found) < size:
                break
            wanted = (*_between(table, low, high), partitions.c.key > found[-1].key)
            size = min(2 * size, _MOST)


def _between(table: Table, low: str, high: str) -> tuple[sa.ColumnElement[bool], ...]:
    return partitions.c.table_id == table.id, partitions.c.key >= low, partitions.c.key < high
