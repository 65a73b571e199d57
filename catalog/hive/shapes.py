"""The metastore's structures and Glue's definitions, each as the other (Apache Hive, hive_metastore.thrift).

What Glue knows and Hive does not (a table's Description, a descriptor's AdditionalLocations) is kept when a table that
has it comes back from Hive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hive_metastore import ttypes as hive

from lakelet.catalog.model import Database, Definition, Partition, Table
from lakelet.data.formats import CSV, JSON

VIEW = "VIRTUAL_VIEW"
MANAGED = "MANAGED_TABLE"
EXTERNAL = "EXTERNAL_TABLE"
CATALOG = "hive"  # the name of the one catalog, for clients of Hive 3 and later
_LAZY = CSV.serdes[0]  # shown for JSON's, of which Spark has none: it reads JSON tables as its own data source
# Members that Hive has as well: the others of a definition are kept.
_TABLE = frozenset(
    {
        "Name", "Owner", "LastAccessTime", "Retention", "StorageDescriptor", "PartitionKeys", "ViewOriginalText",
        "ViewExpandedText", "TableType", "Parameters",
    }
)  # fmt: skip
_DESCRIPTOR = frozenset(
    {
        "Columns", "Location", "InputFormat", "OutputFormat", "Compressed", "NumberOfBuckets", "SerdeInfo",
        "BucketColumns", "SortColumns", "Parameters", "SkewedInfo", "StoredAsSubDirectories",
    }
)  # fmt: skip


# -- to Hive -------------------------------------------------------------------------------------------------------


def hive_database(database: Database, location: str) -> Any:
    """A Database of Hive's."""
    definition = database.definition
    return hive.Database(
        name=database.name,
        description=definition.get("Description", ""),
        locationUri=location,
        parameters=dict(definition.get("Parameters") or {}),
        ownerName=definition.get("Parameters", {}).get("owner", "lakelet"),
        ownerType=hive.PrincipalType.USER,
        catalogName=CATALOG,
        createTime=int(database.created_at),
    )


def hive_table(table: Table, definition: Definition) -> Any:
    """A Table of Hive's; ``definition`` is how it is to be shown, which may differ from how it is stored."""
    kind = definition.get("TableType") or EXTERNAL
    parameters = dict(definition.get("Parameters") or {})
    if kind == EXTERNAL:
        parameters.setdefault("EXTERNAL", "TRUE")  # what Hive's own client tells them apart by
    return hive.Table(
        tableName=table.name,
        dbName=table.database,
        owner=definition.get("Owner", "lakelet"),
        createTime=int(table.created_at),
        lastAccessTime=int(definition.get("LastAccessTime") or 0),
        retention=int(definition.get("Retention") or 0),
        sd=hive_descriptor(definition.get("StorageDescriptor") or {}),
        partitionKeys=[_field(key) for key in definition.get("PartitionKeys") or ()],
        parameters=parameters,
        viewOriginalText=definition.get("ViewOriginalText"),
        viewExpandedText=definition.get("ViewExpandedText"),
        tableType=kind,
        catName=CATALOG,
        ownerType=hive.PrincipalType.USER,
    )


def hive_partition(table: Table, partition: Partition, shown: Definition) -> Any:
    """A Partition of Hive's; ``shown`` is the table's definition, whose descriptor is the partition's where it has
    none, or lacks the columns.
    """
    own = partition.definition.get("StorageDescriptor") or {}
    descriptor = {**(shown.get("StorageDescriptor") or {}), **{name: value for name, value in own.items() if value}}
    return hive.Partition(
        values=list(partition.values),
        dbName=table.database,
        tableName=table.name,
        createTime=int(partition.created_at),
        lastAccessTime=int(partition.definition.get("LastAccessTime") or 0),
        sd=hive_descriptor(descriptor),
        parameters=dict(partition.definition.get("Parameters") or {}),
        catName=CATALOG,
    )


def hive_descriptor(descriptor: Mapping[str, Any]) -> Any:
    """A StorageDescriptor of Hive's."""
    serde = descriptor.get("SerdeInfo") or {}
    library = serde.get("SerializationLibrary")
    skewed = descriptor.get("SkewedInfo") or {}
    return hive.StorageDescriptor(
        cols=[_field(column) for column in descriptor.get("Columns") or ()],
        location=descriptor.get("Location"),
        inputFormat=descriptor.get("InputFormat"),
        outputFormat=descriptor.get("OutputFormat"),
        compressed=bool(descriptor.get("Compressed")),
        numBuckets=int(descriptor.get("NumberOfBuckets", -1)),
        serdeInfo=hive.SerDeInfo(
            name=serde.get("Name"),
            serializationLib=_LAZY if library in JSON.serdes else library,
            parameters=dict(serde.get("Parameters") or {}),
        ),
        bucketCols=list(descriptor.get("BucketColumns") or ()),
        sortCols=[hive.Order(col=one["Column"], order=one["SortOrder"]) for one in descriptor.get("SortColumns") or ()],
        parameters=dict(descriptor.get("Parameters") or {}),
        skewedInfo=hive.SkewedInfo(
            skewedColNames=list(skewed.get("SkewedColumnNames") or ()),
            skewedColValues=[],
            skewedColValueLocationMaps={},
        ),
        storedAsSubDirectories=bool(descriptor.get("StoredAsSubDirectories")),
    )


def _field(column: Mapping[str, Any]) -> Any:
    return hive.FieldSchema(name=column["Name"].lower(), type=column.get("Type", "string"), comment=_comment(column))


def _comment(column: Mapping[str, Any]) -> str | None:
    return column.get("Comment") or None


# -- from Hive -----------------------------------------------------------------------------------------------------


def database_input(database: Any, location: str, old: Definition | None = None) -> dict[str, Any]:
    """Glue's DatabaseInput."""
    parameters = dict(database.parameters or {})
    if database.ownerName:
        parameters.setdefault("owner", database.ownerName)
    return {
        **(old or {}),
        "Name": database.name.lower(),
        "Description": database.description or "",
        "LocationUri": location,
        "Parameters": parameters,
    }


def table_input(table: Any, old: Definition | None = None) -> dict[str, Any]:
    """Glue's TableInput; ``old`` is the definition of the table that is altered."""
    kept = {name: value for name, value in (old or {}).items() if name not in _TABLE}
    parameters = dict(table.parameters or {})
    kind = table.tableType or (EXTERNAL if parameters.get("EXTERNAL", "").upper() == "TRUE" else MANAGED)
    found = {
        **kept,
        "Name": table.tableName.lower(),
        "Owner": table.owner or None,
        "Retention": int(table.retention or 0),
        "LastAccessTime": int(table.lastAccessTime) if table.lastAccessTime else None,
        "StorageDescriptor": descriptor_input(table.sd, (old or {}).get("StorageDescriptor")),
        "PartitionKeys": [_column(key) for key in table.partitionKeys or ()],
        "ViewOriginalText": table.viewOriginalText,
        "ViewExpandedText": table.viewExpandedText,
        "TableType": kind,
        "Parameters": parameters,
    }
    return {name: value for name, value in found.items() if value is not None}


def partition_input(partition: Any, old: Definition | None = None) -> dict[str, Any]:
    """Glue's PartitionInput; ``old`` is the definition of the partition that is altered."""
    found = {
        **(old or {}),
        "Values": list(partition.values),
        "StorageDescriptor": descriptor_input(partition.sd, (old or {}).get("StorageDescriptor")),
        "Parameters": dict(partition.parameters or {}),
        "LastAccessTime": int(partition.lastAccessTime) if partition.lastAccessTime else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def descriptor_input(descriptor: Any, old: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Glue's StorageDescriptor."""
    kept = {name: value for name, value in (old or {}).items() if name not in _DESCRIPTOR}
    if descriptor is None:
        return kept
    serde, skewed = descriptor.serdeInfo, descriptor.skewedInfo
    found = {
        **kept,
        "Columns": _columns(descriptor.cols or (), (old or {}).get("Columns") or ()),
        "Location": descriptor.location or None,
        "InputFormat": descriptor.inputFormat or None,
        "OutputFormat": descriptor.outputFormat or None,
        "Compressed": bool(descriptor.compressed),
        "NumberOfBuckets": int(descriptor.numBuckets if descriptor.numBuckets is not None else -1),
        "SerdeInfo": None if serde is None else _serde_input(serde),
        "BucketColumns": list(descriptor.bucketCols or ()),
        "SortColumns": [{"Column": one.col, "SortOrder": one.order} for one in descriptor.sortCols or ()],
        "Parameters": dict(descriptor.parameters or {}),
        "SkewedInfo": {"SkewedColumnNames": list(skewed.skewedColNames)} if skewed and skewed.skewedColNames else None,
        "StoredAsSubDirectories": bool(descriptor.storedAsSubDirectories),
    }
    return {name: value for name, value in found.items() if value is not None}


def _serde_input(serde: Any) -> dict[str, Any]:
    found = {"Name": serde.name, "SerializationLibrary": serde.serializationLib, "Parameters": serde.parameters}
    return {name: value for name, value in found.items() if value}


def _columns(fields: Sequence[Any], old: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Columns, with the Parameters that those of the same name had."""
    had = {column["Name"].lower(): column.get("Parameters") for column in old}
    columns = [_column(field) for field in fields]
    return [one | ({"Parameters": had[one["Name"]]} if had.get(one["Name"]) else {}) for one in columns]


def _column(field: Any) -> dict[str, Any]:
    column = {"Name": field.name.lower(), "Type": field.type}
    return column | ({"Comment": field.comment} if field.comment else {})
