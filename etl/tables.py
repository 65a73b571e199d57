"""Catalog tables as sources and sinks see them: location, format, columns, partitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakelet.catalog.client import get_partitions, get_table
from lakelet.data.formats import DataFormat, Dialect, dialect_of, format_of
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException
from lakelet.workspace.paths import Workspace


@dataclass(frozen=True)
class TablePartition:
    """One partition: its values as text, in the order of the table's keys, its folder (``s3://…``), and the name of its
    format, where that is not the table's."""

    values: Sequence[str]
    location: str
    other_format: str = ""


@dataclass(frozen=True)
class CatalogTable:
    """One table of the Data Catalog. ``definition`` is Glue's Table structure."""

    workspace: Workspace
    database: str
    name: str
    definition: Mapping[str, Any]

    @classmethod
    def get(cls, workspace: Workspace, database: str, name: str) -> CatalogTable:
        """Read a table from the catalog. Raises EntityNotFoundException."""
        return cls(workspace, database, name, get_table(workspace, database, name))

    @classmethod
    def find(cls, workspace: Workspace, database: str, name: str) -> CatalogTable | None:
        """The table, or None when there is no table of that name; a missing database raises on writing to it."""
        try:
            return cls.get(workspace, database, name)
        except EntityNotFoundException:
            return None

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"

    @property
    def place(self) -> str:
        """The table's Location as it is written. Raises InvalidInputException when the catalog gives none."""
        location = (self.definition.get("StorageDescriptor") or {}).get("Location")
        if not location:
            raise InvalidInputException(f"The table {self} has no Location: set it in the catalog.")
        return str(location)

    @property
    def location(self) -> str:
        """The table's folder, ending in ``/``. Raises InvalidInputException when the catalog gives none."""
        return self.place.rstrip("/") + "/"

    @property
    def format(self) -> DataFormat:
        """The table's format. Raises InvalidInputException for one that is not served."""
        return format_of(self.definition)

    @property
    def dialect(self) -> Dialect:
        """How the rows of a CSV table are written."""
        return dialect_of(self.definition)

    @property
    def parameters(self) -> dict[str, str]:
        """The table's parameters, its descriptor's and its SerDe's, the last ones first."""
        descriptor = self.definition.get("StorageDescriptor") or {}
        serde = descriptor.get("SerdeInfo") or {}
        places = (self.definition, descriptor, serde)
        return {name: value for one in places for name, value in (one.get("Parameters") or {}).items()}

    @property
    def columns(self) -> list[tuple[str, str]]:
        """``(name, Hive type)`` of each column, without the partition keys."""
        return _columns((self.definition.get("StorageDescriptor") or {}).get("Columns", ()))

    @property
    def partition_keys(self) -> list[tuple[str, str]]:
        """``(name, Hive type)`` of each partition key, in order."""
        return _columns(self.definition.get("PartitionKeys", ()))

    @property
    def types(self) -> dict[str, str]:
        """Hive type by lower-case name, of columns and partition keys."""
        return {name.lower(): kind for name, kind in (*self.columns, *self.partition_keys)}

    def partitions(self, expression: str | None = None) -> Iterator[TablePartition]:
        """The partitions that satisfy an expression of GetPartitions, or all."""
        for found in get_partitions(self.workspace, self.database, self.name, expression):
            location = (found.get("StorageDescriptor") or {}).get("Location")
            if location:
                yield TablePartition(found["Values"], str(location).rstrip("/") + "/", self._other_format(found))

    def _other_format(self, partition: Mapping[str, Any]) -> str:
        """The format that a partition's own definition tells, if it is another than the table's."""
        serde = _serde(partition)
        if not (partition.get("Parameters") or {}).get("classification") and serde in ("", _serde(self.definition)):
            return ""
        try:
            own = format_of(partition)
            return "" if own is self.format else own.name
        except InvalidInputException:  # a SerDe alone that no format is known by
            return ""


def _serde(definition: Mapping[str, Any]) -> str:
    descriptor = definition.get("StorageDescriptor") or {}
    return str((descriptor.get("SerdeInfo") or {}).get("SerializationLibrary") or "")


def require_own_catalog(workspace: Workspace, catalog_id: str | None) -> None:
    """Refuse the Data Catalog of another account, as the wire does. Raises EntityNotFoundException."""
    own = workspace.settings.text("account_id")
    if catalog_id and catalog_id != own:
        raise EntityNotFoundException(f"Catalog {catalog_id} not found: this workspace's is {own}.")


def _columns(columns: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(column["Name"], column.get("Type", "string")) for column in columns]
