"""What the Data Catalog holds: databases, tables and partitions, and how AWS's members map onto them.

The ``definition`` of each is AWS's input structure (DatabaseInput, TableInput, PartitionInput; AWS Glue Web API, Data
Catalog) kept member for member, with times as Unix seconds. Names are folded to lower case when stored, as Glue does
for Hive compatibility.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.quick_json import text

Definition = Mapping[str, Any]


@dataclass(frozen=True)
class Database:
    """One database; times are Unix seconds."""

    name: str
    definition: Definition
    created_at: float


@dataclass(frozen=True)
class Table:
    """One table. ``version`` counts UpdateTable; ``sequence`` counts publishes (see ``CatalogStore.advance``)."""

    id: int
    database: str
    name: str
    definition: Definition
    version: int
    sequence: int
    created_at: float
    updated_at: float

    @cached_property
    def partition_keys(self) -> list[tuple[str, str]]:
        """``(name, Hive type)`` of each partition key, in order, lower case."""
        return partition_keys(self.definition)

    @property
    def columns(self) -> list[dict[str, Any]]:
        """Glue's Column structures, without the partition keys."""
        return list((self.definition.get("StorageDescriptor") or {}).get("Columns") or ())

    @property
    def location(self) -> str:
        """Where the data lies (``s3://…``), or an empty string."""
        return str((self.definition.get("StorageDescriptor") or {}).get("Location", ""))


@dataclass(frozen=True)
class Partition:
    """One partition of a table: the text of its values in the order of the keys."""

    values: tuple[str, ...]
    definition: Definition
    created_at: float


def partition_keys(table_input: Definition) -> list[tuple[str, str]]:
    """``(name, Hive type)`` of each partition key of a TableInput, in order, lower case; untyped keys are strings."""
    return [
        (key["Name"].lower(), str(key.get("Type", "string")).lower()) for key in table_input.get("PartitionKeys", ())
    ]


def fold(name: str) -> str:
    """The name as the catalog stores it: lower case."""
    return name.lower()


def storable(definition: Definition) -> dict[str, Any]:
    """A definition as it is kept in JSON: times become Unix seconds.

    Raises :class:`~lakelet.workspace.errors.InvalidInputException` for a value that JSON cannot hold.
    """
    kept = _kept(definition)
    _written(kept)
    return kept


def stored(definition: Definition) -> str:
    """The JSON text of what :func:`storable` makes of a definition; raises the same."""
    return _written(_kept(definition))


def _kept(definition: Definition) -> dict[str, Any]:
    return {
        name: value.timestamp() if isinstance(value, datetime) else value
        for name, value in definition.items()
        if value is not None
    }


def _written(kept: Definition) -> str:
    try:
        return text(kept)
    except (TypeError, ValueError) as error:
        raise InvalidInputException(f"The definition cannot be stored: {error}.") from error
