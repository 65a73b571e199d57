"""How a found table and its partitions are written in the catalog, and how they differ from what is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lakelet.catalog.crawlers.grouping import FoundPartition, FoundTable
from lakelet.catalog.crawlers.schema import Storage, glue_type
from lakelet.data.formats import CSV, JSON, storage_descriptor

UPDATED_BY = "UPDATED_BY_CRAWLER"
DEPRECATED_BY = "DEPRECATED_BY_CRAWLER"

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9_]")
# What GetTable answers beyond what UpdateTable takes (AWS Glue Web API, Table and TableInput).
_TABLE_INPUT = (
    "Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor",
    "PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable",
)  # fmt: skip
_COMPARED = ("Columns", "Location", "InputFormat", "OutputFormat", "Compressed", "SerdeInfo")


def table_name(prefix: str, name: str) -> str:
    """The name of a table: the crawler's prefix and the folder's name, in lower case, other characters as ``_``."""
    return _NOT_IN_A_NAME.sub("_", f"{prefix}{name}".lower())


def crawler_parameters(crawler: str) -> dict[str, str]:
    """What every table of a crawler has, whatever it is made of."""
    return {"CrawlerSchemaSerializerVersion": "1.0", "CrawlerSchemaDeserializerVersion": "1.0", UPDATED_BY: crawler}


def table_input(name: str, found: FoundTable, crawler: str) -> dict[str, Any]:
    """Glue's TableInput for what was found, with the parameters that Glue's crawlers set.

    ``recordCount`` is only there when every object was read to its end.
    """
    parameters = {
        "classification": found.format.name,
        "compressionType": found.compression,
        "typeOfData": "file",
        "objectCount": str(found.objects),
        "sizeKey": str(found.size),
        "averageRecordSize": str(found.record_size),
        **crawler_parameters(crawler),
    }
    serde: dict[str, str] = {}
    if found.records is not None:
        parameters["recordCount"] = str(found.records)
    if found.format is CSV:
        parameters |= {"delimiter": found.delimiter, "columnsOrdered": "true", "areColumnsQuoted": "false"}
        if not found.storage.serde:
            serde["field.delim"] = found.delimiter
        if found.header_lines:
            parameters["skip.header.line.count"] = str(found.header_lines)
    columns = [{"Name": column.glue_name, "Type": glue_type(column.type)} for column in found.columns]
    if found.format is JSON:
        serde["paths"] = ",".join(sorted(column["Name"] for column in columns))
    descriptor = storage_descriptor(
        found.format, columns, found.location, serde_parameters=serde, compressed=found.compression != "none"
    )
    descriptor["Location"] = found.location  # of a single object, it is no folder
    _apply(found.storage, descriptor)
    parameters |= found.storage.parameters
    return {
        "Name": name,
        "Owner": "owner",
        "Retention": 0,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in found.partition_keys],
        "StorageDescriptor": descriptor,
        "Parameters": parameters,
    }


def _apply(storage: Storage, descriptor: dict[str, Any]) -> None:
    """Write into a descriptor what a custom classifier says; one without SerDe or formats names none."""
    serde = descriptor["SerdeInfo"]
    serde["Parameters"] |= storage.serde_parameters
    serde["SerializationLibrary"] = storage.serde or serde["SerializationLibrary"]
    if storage.serde:
        serde["Parameters"].pop("field.delim", None)
    for structure, members in ((descriptor, ("InputFormat", "OutputFormat")), (serde, ("SerializationLibrary",))):
        for member in members:
            if not structure[member]:
                del structure[member]


def as_input(table: Mapping[str, Any]) -> dict[str, Any]:
    """The TableInput that writes a Table as it is."""
    return {member: table[member] for member in _TABLE_INPUT if member in table}


def updated(table: Mapping[str, Any], wanted: Mapping[str, Any], *, merge_columns: bool) -> dict[str, Any]:
    """The TableInput that brings a table up to date; what people added (comments, parameters) stays."""
    known = {column["Name"]: column for column in table.get("StorageDescriptor", {}).get("Columns", ())}
    columns = [{**known.get(column["Name"], {}), **column} for column in wanted["StorageDescriptor"]["Columns"]]
    if merge_columns:
        columns = [*known.values(), *(column for column in columns if column["Name"] not in known)]
    parameters = {**table.get("Parameters", {}), **wanted["Parameters"]}
    parameters.pop(DEPRECATED_BY, None)
    if "recordCount" not in wanted["Parameters"]:
        parameters.pop("recordCount", None)
    descriptor = {**table.get("StorageDescriptor", {}), **wanted["StorageDescriptor"], "Columns": columns}
    keys = {key["Name"]: key for key in table.get("PartitionKeys", ())}
    return as_input(table) | {
        "TableType": wanted["TableType"],
        "PartitionKeys": [keys.get(key["Name"], key) for key in wanted["PartitionKeys"]],
        "StorageDescriptor": descriptor,
        "Parameters": parameters,
    }


def partition_input(found: FoundPartition, table: Mapping[str, Any]) -> dict[str, Any]:
    """Glue's PartitionInput: the table's schema at the partition's folder."""
    return {
        "Values": list(found.values),
        "StorageDescriptor": {**table["StorageDescriptor"], "Location": found.location},
    }


def partition_differs(partition: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a partition in the catalog is written otherwise than it should be."""
    one, other = partition.get("StorageDescriptor", {}), wanted["StorageDescriptor"]
    return DEPRECATED_BY in partition.get("Parameters", {}) or any(one.get(key) != other.get(key) for key in _COMPARED)
