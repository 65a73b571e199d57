"""LF-tags: their values, what they are attached to, and what is inherited (tables by databases, columns by tables)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.grants.effective import TableFacts
from lakelet.catalog.grants.model import Resource
from lakelet.catalog.grants.store import check_columns, columns_of
from lakelet.catalog.grants.tables import assignments, tags
from lakelet.catalog.model import Table
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.errors import (
    EntityNotFoundException,
    InvalidInputException,
    ResourceNumberLimitExceededException,
    ServiceError,
)

MOST_TAGS = 1000  # AWS Lake Formation quotas
MOST_VALUES = 1000  # of one tag
MOST_ON_RESOURCE = 50


Failures = list[tuple[Mapping[str, Any], ServiceError]]


class TagStore:
    """LF-tags and their assignments. Keys and values are lower case, as AWS keeps them."""

    def __init__(self, catalog: CatalogStore) -> None:
        self._catalog = catalog

    def create(self, connection: sa.Connection, key: str, values: Sequence[str]) -> None:
        """Add a tag; raises InvalidInputException when it exists, ResourceNumberLimitExceededException."""
        if connection.execute(sa.select(tags.c.tag_key).where(tags.c.tag_key == key.lower())).first():
            raise InvalidInputException(f"Tag key {key.lower()} exists already: add values with UpdateLFTag.")
        if (connection.execute(sa.select(sa.func.count()).select_from(tags)).scalar() or 0) >= MOST_TAGS:
            raise ResourceNumberLimitExceededException(f"There are {MOST_TAGS} LF-tags: delete one first.")
        connection.execute(sa.insert(tags), {"tag_key": key.lower(), "tag_values": _folded(values)})

    def values(self, connection: sa.Connection, key: str) -> list[str]:
        """The values that a tag may have; raises EntityNotFoundException."""
        row = connection.execute(sa.select(tags.c.tag_values).where(tags.c.tag_key == key.lower())).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Tag key {key.lower()} does not exist.")
        return list(row.tag_values)

    def all(self, connection: sa.Connection, after: str, limit: int) -> list[tuple[str, list[str]]]:
        """``(key, values)`` of the tags whose key follows ``after``, in order."""
        query = sa.select(tags).where(tags.c.tag_key > after).order_by(tags.c.tag_key).limit(limit)
        return [(row.tag_key, [*row.tag_values]) for row in connection.execute(query)]

    def update(self, connection: sa.Connection, key: str, add: Sequence[str], drop: Sequence[str]) -> None:
        """Add values to a tag and take others away.

        Raises EntityNotFoundException; InvalidInputException for a value that is not there or is attached to
        something, and when none would be left; ResourceNumberLimitExceededException.
        """
        known, dropped = self.values(connection, key), set(_folded(drop))
        if dropped - set(known):
            raise InvalidInputException(f"Tag {key.lower()} has no value {', '.join(sorted(dropped - set(known)))}.")
        used = sa.select(assignments.c.id).where(
            assignments.c.tag_key == key.lower(), assignments.c.tag_value.in_(sorted(dropped))
        )
        if connection.execute(used).first():
            raise InvalidInputException("Update not allowed: a value to delete is attached to a resource.")
        left = _folded([value for value in known if value not in dropped] + [*add])
        if not left:
            raise InvalidInputException(f"Tag {key.lower()} needs a value: delete it with DeleteLFTag.")
        if len(left) > MOST_VALUES:
            raise ResourceNumberLimitExceededException(f"An LF-tag has {MOST_VALUES} values at most.")
        connection.execute(sa.update(tags).where(tags.c.tag_key == key.lower()).values(tag_values=left))

    def delete(self, connection: sa.Connection, key: str) -> None:
        """Drop a tag everywhere; raises EntityNotFoundException."""
        self.values(connection, key)
        connection.execute(sa.delete(tags).where(tags.c.tag_key == key.lower()))

    # -- assignments ---------------------------------------------------------------------------------------------

    def attach(self, connection: sa.Connection, resource: Resource, wanted: Sequence[Mapping[str, Any]]) -> Failures:
        """Give a database, table or columns tags, instead of other values of the same keys.

        Returns those that could not be, and why. Raises EntityNotFoundException, InvalidInputException.
        """
        failures: Failures = []
        places = self._places(connection, resource)
        for pair in wanted:
            try:
                key, value = self._checked(connection, pair)
                for place in places:
                    self._detach(connection, place, key)
                    on_it = sa.select(sa.func.count()).select_from(assignments).where(*_at(place))
                    if (connection.execute(on_it).scalar() or 0) >= MOST_ON_RESOURCE:
                        raise ResourceNumberLimitExceededException(
                            f"A resource has {MOST_ON_RESOURCE} LF-tags at most."
                        )
                    connection.execute(sa.insert(assignments), {"tag_key": key, "tag_value": value, **place})
            except ServiceError as error:
                failures.append((pair, error))
        return failures

    def detach(self, connection: sa.Connection, resource: Resource, wanted: Sequence[Mapping[str, Any]]) -> Failures:
        """Take tags away; returns those that were not there. Raises EntityNotFoundException, InvalidInputException."""
        failures: Failures = []
        places = self._places(connection, resource)
        for pair in wanted:
            try:
                key, value = self._checked(connection, pair)
                if not sum(self._detach(connection, place, key, value) for place in places):
                    raise EntityNotFoundException(f"Tag {key}={value} is not on the resource.")
            except ServiceError as error:
                failures.append((pair, error))
        return failures

    def on_database(self, connection: sa.Connection, database: str) -> dict[str, str]:
        """The tags of a database."""
        wanted = (assignments.c.database_name == database, assignments.c.table_id.is_(None))
        return _pairs(connection.execute(sa.select(assignments).where(*wanted)))

    def on_table(self, connection: sa.Connection, table: Table) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """The tags that are attached to a table, and to each of its columns; what is inherited left out."""
        rows = list(connection.execute(sa.select(assignments).where(assignments.c.table_id == table.id)))
        columns: dict[str, dict[str, str]] = {}
        for row in rows:
            if row.column_name:
                columns.setdefault(row.column_name, {})[row.tag_key] = row.tag_value
        return _pairs(row for row in rows if not row.column_name), columns

    def facts(self, connection: sa.Connection, table: Table) -> TableFacts:
        """What decides about a table, its data cells filters left out."""
        own, by_column = self.on_table(connection, table)
        inherited = self.on_database(connection, table.database) | own
        of_columns = {column: inherited | found for column, found in by_column.items()}
        return TableFacts(table.database, table.name, columns_of(table), inherited, of_columns)

    def _checked(self, connection: sa.Connection, pair: Mapping[str, Any]) -> tuple[str, str]:
        key, values = pair["TagKey"].lower(), _folded(pair["TagValues"])
        if len(values) != 1:
            raise InvalidInputException(f"A resource has one value of tag {key}: give one.")
        if values[0] not in self.values(connection, key):
            raise EntityNotFoundException(f"Tag {key} has no value {values[0]}.")
        return key, values[0]

    def _places(self, connection: sa.Connection, resource: Resource) -> list[dict[str, Any]]:
        if resource.kind == "DATABASE" and resource.database is not None:
            self._catalog.database(connection, resource.database)
            return [{"database_name": resource.database, "table_id": None, "column_name": ""}]
        if resource.kind not in ("TABLE", "COLUMNS") or resource.database is None or resource.table is None:
            raise InvalidInputException("LF-tags go on a Database, a Table or a TableWithColumns.")
        table = self._catalog.table(connection, resource.database, resource.table)
        if resource.kind == "COLUMNS" and not resource.columns:
            raise InvalidInputException("To tag columns, name them in ColumnNames.")
        check_columns(table, resource.columns)
        where = {"database_name": resource.database, "table_id": table.id}
        return [{**where, "column_name": column} for column in resource.columns or ("",)]

    def _detach(self, connection: sa.Connection, place: Mapping[str, Any], key: str, value: str | None = None) -> int:
        wanted = [*_at(place), assignments.c.tag_key == key]
        if value is not None:
            wanted.append(assignments.c.tag_value == value)
        return int(connection.execute(sa.delete(assignments).where(*wanted)).rowcount)


def _at(place: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [
        assignments.c.database_name == place["database_name"],
        assignments.c.table_id.is_not_distinct_from(place["table_id"]),
        assignments.c.column_name == place["column_name"],
    ]


def _pairs(rows: Any) -> dict[str, str]:
    return {row.tag_key: row.tag_value for row in rows}


def _folded(values: Collection[str]) -> list[str]:
    return list(dict.fromkeys(value.lower() for value in values))
