"""Columns of a table from a schema of the registry, for a StorageDescriptor that has a SchemaReference and no columns
(AWS Glue Web API, SchemaReference). Types are named as Hive's AvroSerDe names those of Avro.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.model import Definition
from lakelet.catalog.registry.compatibility import canonical
from lakelet.catalog.registry.errors import InvalidDefinition
from lakelet.catalog.registry.model import Version, schema_names
from lakelet.catalog.registry.store import RegistryStore
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException

Named = Iterable[tuple[str, str]]

_AVRO = {
    "boolean": "boolean", "int": "int", "long": "bigint", "float": "float", "double": "double", "bytes": "binary",
    "fixed": "binary", "string": "string", "enum": "string", "null": "string",
}  # fmt: skip
_AVRO_LOGICAL = {
    "date": "date", "timestamp-millis": "timestamp", "timestamp-micros": "timestamp",
    "local-timestamp-millis": "timestamp", "local-timestamp-micros": "timestamp",
}  # fmt: skip
_JSON = {"integer": "bigint", "number": "double", "boolean": "boolean", "string": "string"}
_JSON_FORMATS = {"date": "date", "date-time": "timestamp"}
_PROTOBUF = {
    "DOUBLE": "double", "FLOAT": "float", "BOOL": "boolean", "STRING": "string", "BYTES": "binary", "ENUM": "string",
    **dict.fromkeys(("INT32", "SINT32", "SFIXED32"), "int"),
    **dict.fromkeys(("INT64", "SINT64", "SFIXED64", "UINT32", "FIXED32"), "bigint"),
    **dict.fromkeys(("UINT64", "FIXED64"), "decimal(20,0)"),
}  # fmt: skip
_TIMESTAMP = ".google.protobuf.Timestamp"
_DEEPEST = 30  # levels of a type: a schema may refer to itself, which no column can


def referred(connection: sa.Connection, store: RegistryStore, reference: Mapping[str, Any]) -> Version:
    """The version that a SchemaReference means, without a number the latest.

    Raises EntityNotFoundException, InvalidInputException when it names none.
    """
    if version_id := reference.get("SchemaVersionId"):
        return store.version_by_id(connection, version_id)
    schema = store.schema(connection, *schema_names(reference.get("SchemaId") or {}))
    return store.version(connection, schema, reference.get("SchemaVersionNumber"))


def with_columns(connection: sa.Connection, store: RegistryStore, definition: Definition) -> Definition:
    """A definition of a table or partition with the columns of the schema that it refers to, when it has none itself.

    It stays as it is when that schema is gone.
    """
    descriptor = definition.get("StorageDescriptor") or {}
    if not (reference := descriptor.get("SchemaReference")) or descriptor.get("Columns"):
        return definition
    try:
        version = referred(connection, store, reference)
    except (EntityNotFoundException, InvalidInputException):
        return definition
    found = columns_of(version.schema.data_format, version.definition)
    columns = [{"Name": name, "Type": kind} for name, kind in found]
    return {**definition, "StorageDescriptor": {**descriptor, "Columns": columns}}


@lru_cache(maxsize=256)
def columns_of(data_format: str, definition: str) -> tuple[tuple[str, str], ...]:
    """``(name, Hive type)`` of each field of a definition's record; what has no fields gives none."""
    try:
        schema = json.loads(canonical(data_format, definition))
    except InvalidDefinition:  # the registry keeps a version that it refused, too
        return ()
    found: Named
    match data_format:
        case "AVRO":
            found = _avro_fields(schema, {}, 0) if isinstance(schema, dict) else ()
        case "JSON":
            found = _json_fields(schema, schema, 0) if isinstance(schema, dict) else ()
        case _:
            found = _protobuf_columns(schema)
    return tuple((name.lower(), kind) for name, kind in found)


def _struct(fields: Named) -> str:
    return "struct<" + ",".join(f"{name}:{kind}" for name, kind in fields) + ">"


# -- AVRO: names are of a namespace, and may be used after they were defined -------------------------------------------


def _avro_fields(record: Mapping[str, Any], known: dict[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    for field in record.get("fields", ()):
        yield field["name"], _avro(field["type"], known, depth + 1)


def _avro(kind: Any, known: dict[str, Any], depth: int) -> str:
    if isinstance(kind, str):
        if kind in _AVRO:
            return _AVRO[kind]
        named = known.get(kind.rpartition(".")[2])
        return _avro(named, known, depth) if named is not None and depth < _DEEPEST else "string"
    if isinstance(kind, list):
        branches = [one for one in kind if one != "null"]
        return _avro(branches[0], known, depth) if len(branches) == 1 else "string"
    if "name" in kind:
        known[kind["name"].rpartition(".")[2]] = kind
    if kind.get("logicalType") == "decimal":
        return f"decimal({kind.get('precision', 10)},{kind.get('scale', 0)})"
    if kind.get("logicalType") in _AVRO_LOGICAL:
        return _AVRO_LOGICAL[kind["logicalType"]]
    match kind["type"]:
        case "record" | "error":
            return _struct(_avro_fields(kind, known, depth)) if depth < _DEEPEST else "string"
        case "array":
            return f"array<{_avro(kind['items'], known, depth + 1)}>"
        case "map":
            return f"map<string,{_avro(kind['values'], known, depth + 1)}>"
    return _avro(kind["type"], known, depth + 1) if depth < _DEEPEST else "string"


# -- JSON Schema ---------------------------------------------------------------------------------------------------


def _json_fields(schema: Mapping[str, Any], root: Any, depth: int) -> Iterator[tuple[str, str]]:
    for name, field in (schema.get("properties") or {}).items():
        yield name, _json(field, root, depth + 1)


def _json(schema: Any, root: Any, depth: int) -> str:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return "string"
    if isinstance(reference := schema.get("$ref"), str):
        return _json(_inside(root, reference), root, depth + 1)
    kinds = schema.get("type", "object" if "properties" in schema else None)
    named = [one for one in (kinds if isinstance(kinds, list) else [kinds]) if one != "null"]
    if set(named) == {"integer", "number"}:
        return "double"
    if len(named) != 1:
        return "string"
    match named[0]:
        case "object" if schema.get("properties"):
            return _struct(_json_fields(schema, root, depth))
        case "object":
            return f"map<string,{_json(schema.get('additionalProperties'), root, depth + 1)}>"
        case "array":
            return f"array<{_json(schema.get('items'), root, depth + 1)}>"
        case "string":
            return _JSON_FORMATS.get(str(schema.get("format")), "string")
    return _JSON.get(str(named[0]), "string")


def _inside(root: Any, reference: str) -> Any:
    """What a JSON pointer within the document means; None for what is elsewhere."""
    found = root if reference.startswith("#") else None
    for part in reference.lstrip("#").strip("/").split("/"):
        if part:
            found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found


# -- PROTOBUF: the file's first message is the record ------------------------------------------------------------------


def _protobuf_columns(file: Mapping[str, Any]) -> Named:
    package = f".{file['package']}" if file.get("package") else ""
    messages: dict[str, Any] = {}
    waiting = [(f"{package}.{message['name']}", message) for message in file.get("messageType", ())]
    first = waiting[0][1] if waiting else None
    while waiting:
        name, message = waiting.pop()
        messages[name] = message
        waiting += [(f"{name}.{nested['name']}", nested) for nested in message.get("nestedType", ())]
    return _message(first, messages, 0) if first is not None else ()


def _message(message: Mapping[str, Any], messages: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    for field in message.get("field", ()):
        inner = messages.get(field.get("typeName", ""))
        if inner is not None and inner.get("options", {}).get("mapEntry"):
            key, value = (kind for _, kind in _message(inner, messages, depth + 1))
            yield field["name"], f"map<{key},{value}>"
            continue
        kind = _protobuf(field, inner, messages, depth + 1)
        yield field["name"], f"array<{kind}>" if field.get("label") == "LABEL_REPEATED" else kind


def _protobuf(field: Mapping[str, Any], inner: Any, messages: Mapping[str, Any], depth: int) -> str:
    if field["type"] != "TYPE_MESSAGE":
        return _PROTOBUF.get(field["type"].removeprefix("TYPE_"), "string")
    if field.get("typeName") == _TIMESTAMP:
        return "timestamp"
    return _struct(_message(inner, messages, depth)) if inner is not None and depth < _DEEPEST else "string"
