"""Tables as Spark's own data sources, and what the rest of the world sees of them.

Spark keeps what Hive cannot say in properties of the table: ``spark.sql.sources.provider`` (csv), the schema as JSON,
and the folder as ``path`` among the SerDe's parameters (Spark, HiveExternalCatalog). Two translations make the catalog
one for both sides:

- :func:`legible`: what Spark made gets columns, a location and a format that every reader of the catalog understands;
- :func:`as_datasource`: CSV and JSON tables that Glue's crawlers and sinks made, and tables with a SerDe for JSON, are
  shown to Spark as its data sources, for of Hive's SerDes one knows no header and the others are not in Spark. What was
  added goes when the table comes back (:func:`without_datasource`). JSON's is our own class, which finds keys as the
  SerDes do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lakelet.catalog.crawlers.definitions import UPDATED_BY
from lakelet.catalog.hive.shapes import VIEW
from lakelet.catalog.hive.types import PROVIDER, SCHEMA, SOURCES, hive_column, made_schema, spark_field
from lakelet.catalog.model import Definition
from lakelet.data.formats import BY_NAME, CSV, JSON, dialect_of, storage_descriptor
from lakelet.data.table_formats import DELTA, ICEBERG, table_format
from lakelet.workspace.errors import InvalidInputException

JSON_TABLES = "lakelet.json.JsonTables"  # lakelet/stack/spark_build/JsonTables.scala
SHOWN = f"{SOURCES}lakelet"  # on what is shown to Spark and not stored; Spark hands its properties back unchanged
_PARTITIONS = "spark.sql.partitionProvider"
_ADDED = frozenset(("path", "header", "sep", "quote", "escape", "serialization.format"))  # to the SerDe's properties
_CLASSIFICATION = "classification"
_OF_GLUE = (_CLASSIFICATION, "table_type", UPDATED_BY)  # what crawlers and Athena say of a table


def legible(definition: Definition) -> dict[str, Any]:
    """What Spark made of one of its data sources, with columns, location and format as Glue writes them.

    Anything else is left as it is.
    """
    parameters = dict(definition.get("Parameters") or {})
    if of_serde := parameters.get(PROVIDER) == JSON_TABLES:  # CREATE TABLE … LIKE one that was shown
        parameters[PROVIDER] = JSON.name
    provider = parameters.get(PROVIDER, "").lower()
    if not provider or provider == "hive" or definition.get("TableType") == VIEW:
        return dict(definition)
    descriptor = dict(definition.get("StorageDescriptor") or {})
    options = _options(definition)
    keys = {key["Name"].lower() for key in definition.get("PartitionKeys") or ()}
    if schema := made_schema(parameters):
        columns = [hive_column(field) for field in schema["fields"]]
        descriptor["Columns"] = [column for column in columns if column["Name"] not in keys]
    location = options.get("path") or descriptor.get("Location") or ""
    if provider in BY_NAME and BY_NAME[provider].serdes:
        one = BY_NAME[provider]
        parameters.setdefault(_CLASSIFICATION, one.name)
        if one is CSV and options.get("header", "").lower() == "true":
            parameters.setdefault("skip.header.line.count", "1")
        serde = {**options, **({"field.delim": _delimiter(options)} if one is CSV else {})}
        descriptor |= {**storage_descriptor(one, descriptor["Columns"], location, serde_parameters=serde)}
    descriptor["Location"] = location
    if of_serde:  # whose properties count
        parameters = {name: value for name, value in parameters.items() if not name.startswith(SOURCES)}
    return {**definition, "StorageDescriptor": descriptor, "Parameters": parameters}


def as_datasource(definition: Definition) -> dict[str, Any]:
    """How a table is shown to Spark: a CSV or JSON table of Glue's as a data source, one of an open table format by
    the format's name, a Delta table's with its folder, which AWS's crawlers and clients do not give where Spark looks.

    Raises InvalidInputException for a CSV table with more lines of heading than Spark can skip.
    """
    parameters = definition.get("Parameters") or {}
    if definition.get("TableType") == VIEW:
        return dict(definition)
    if table_format(definition) == DELTA and "path" not in _options(definition):
        return _shown(definition, DELTA, {})
    if PROVIDER in parameters:
        return dict(definition)
    if table_format(definition) == ICEBERG:
        return _shown(definition, ICEBERG, {})
    match parameters.get(_CLASSIFICATION, "").lower() or _by_serde(definition):
        case CSV.name:
            return _shown(definition, CSV.name, _csv_options(definition))
        case JSON.name:
            return _shown(definition, JSON_TABLES, {})
    return dict(definition)


def _by_serde(definition: Definition) -> str:
    """The format of a table without a classification whose SerDe Spark has not: JSON's."""
    serde = (definition.get("StorageDescriptor") or {}).get("SerdeInfo") or {}
    return JSON.name if serde.get("SerializationLibrary") in JSON.serdes else ""


def without_datasource(definition: Definition, old: Definition) -> dict[str, Any]:
    """A definition that came back from Spark, without what :func:`as_datasource` had added to ``old``."""
    parameters, had_parameters = dict(definition.get("Parameters") or {}), old.get("Parameters") or {}
    if parameters.get(PROVIDER) == DELTA:  # which replaces the properties by those of its log, after a commit
        parameters |= {name: had_parameters[name] for name in _OF_GLUE if name in had_parameters}
        definition = {**definition, "Parameters": parameters}
    if SHOWN not in parameters:
        return legible(definition)
    descriptor = dict(definition.get("StorageDescriptor") or {})
    keys = {key["Name"].lower() for key in definition.get("PartitionKeys") or ()}
    # Iceberg's own client hands the columns back as they are now; the schema is what it was shown.
    schema = made_schema(parameters) if parameters.get(PROVIDER) != ICEBERG else None
    if schema:
        columns = [hive_column(field) for field in schema["fields"]]
        had = {column["Name"].lower(): column for column in (old.get("StorageDescriptor") or {}).get("Columns") or ()}
        # Of a column that was there, what Spark's schema cannot say (its Parameters) stays.
        descriptor["Columns"] = [{**had.get(one["Name"], {}), **one} for one in columns if one["Name"] not in keys]
    for member in ("SerdeInfo", "InputFormat", "OutputFormat"):
        if member in (old.get("StorageDescriptor") or {}):
            descriptor[member] = old["StorageDescriptor"][member]
    if old_serde := descriptor.get("SerdeInfo"):
        had = old_serde.get("Parameters") or {}
        told = {name: value for name, value in _options(definition).items() if name in had or name not in _ADDED}
        descriptor["SerdeInfo"] = {**old_serde, "Parameters": told}
    added = (SOURCES, _PARTITIONS)
    kept = {name: value for name, value in parameters.items() if name in had_parameters or not name.startswith(added)}
    return {**definition, "StorageDescriptor": descriptor, "Parameters": kept}


def _shown(definition: Definition, provider: str, options: Mapping[str, str]) -> dict[str, Any]:
    descriptor = definition.get("StorageDescriptor") or {}
    serde = descriptor.get("SerdeInfo") or {}
    keys = definition.get("PartitionKeys") or ()
    columns = (*descriptor.get("Columns", ()), *keys)
    fields = [spark_field(column["Name"], column.get("Type", "string")) for column in columns]
    schema = json.dumps({"type": "struct", "fields": fields})
    parameters = {
        **(definition.get("Parameters") or {}),
        PROVIDER: provider,
        SCHEMA: schema,
        SHOWN: "shown",
        **({f"{SCHEMA}.numPartCols": str(len(keys)), _PARTITIONS: "catalog"} if keys else {}),
        **{f"{SCHEMA}.partCol.{place}": key["Name"].lower() for place, key in enumerate(keys)},
    }
    location = {"path": descriptor["Location"]} if descriptor.get("Location") else {}
    serde = {**serde, "Parameters": {**(serde.get("Parameters") or {}), **options, **location}}
    return {**definition, "StorageDescriptor": {**descriptor, "SerdeInfo": serde}, "Parameters": parameters}


def _csv_options(definition: Definition) -> dict[str, str]:
    dialect = dialect_of(definition)
    if dialect.header_lines > 1:
        raise InvalidInputException(
            f"Table {definition.get('Name')} has {dialect.header_lines} lines of heading, of which Spark skips one: "
            "read it with from_catalog."
        )
    return dialect.for_spark


def _options(definition: Definition) -> Mapping[str, str]:
    descriptor = definition.get("StorageDescriptor") or {}
    return (descriptor.get("SerdeInfo") or {}).get("Parameters") or {}


def _delimiter(options: Mapping[str, str]) -> str:
    return options.get("sep") or options.get("delimiter") or ","
