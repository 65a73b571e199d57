"""Types and columns between Glue (Hive's names) and Iceberg ("Schemas and Data Types", Iceberg Table Spec)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from lakelet.workspace.errors import InvalidInputException

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.types import IcebergType

_NAMES = {
    "long": "bigint", "float": "float", "double": "double", "int": "int", "boolean": "boolean", "date": "date",
    "time": "string", "timestamp": "timestamp", "timestamptz": "timestamp", "timestamp_ns": "timestamp",
    "timestamptz_ns": "timestamp", "string": "string", "uuid": "string", "binary": "binary",
}  # fmt: skip
_ICEBERG = {
    "TINYINT": "int", "SMALLINT": "int", "INT": "int", "BIGINT": "long", "FLOAT": "float", "DOUBLE": "double",
    "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "timestamp", "TEXT": "string", "VARCHAR": "string",
    "CHAR": "string", "BINARY": "binary",
}  # fmt: skip


def glue_type(kind: IcebergType) -> str:
    """The type as Glue writes it: ``bigint``, ``array<string>``, ``struct<lat:double>``; a fixed is ``binary``."""
    from pyiceberg.types import DecimalType, ListType, MapType, StructType

    match kind:
        case StructType():
            return "struct<" + ",".join(f"{one.name}:{glue_type(one.field_type)}" for one in kind.fields) + ">"
        case ListType():
            return f"array<{glue_type(kind.element_type)}>"
        case MapType():
            return f"map<{glue_type(kind.key_type)},{glue_type(kind.value_type)}>"
        case DecimalType():
            return f"decimal({kind.precision},{kind.scale})"
    return _NAMES.get(str(kind), "binary" if str(kind).startswith("fixed") else "string")


def iceberg_schema(columns: Sequence[Mapping[str, Any]]) -> Schema:
    """The schema of Glue's columns, all optional; raises InvalidInputException for a type that Iceberg lacks."""
    from pyiceberg.schema import Schema

    if not columns:
        raise InvalidInputException("An Iceberg table needs columns: give them in the StorageDescriptor.")
    ids = count(1)
    fields = [
        {"id": next(ids), "name": one["Name"], "required": False, "type": one.get("Type") or "string"}
        | ({"doc": one["Comment"]} if one.get("Comment") else {})
        for one in columns
    ]
    for field in fields:
        field["type"] = _json_type(_parsed(str(field["type"])), ids)
    return Schema.model_validate({"type": "struct", "fields": fields})


def _parsed(hive_type: str) -> Any:
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        return exp.DataType.build(hive_type, dialect="hive")
    except (SqlglotError, ValueError, RecursionError):
        raise InvalidInputException(f"The type {hive_type!r} cannot be read.") from None


def _json_type(kind: Any, ids: Iterator[int]) -> Any:
    """A parsed Hive type as Iceberg's JSON has it; inner fields get the next ``ids``."""
    name, inside = kind.this.name, kind.expressions
    match name:
        case "STRUCT":
            return {
                "type": "struct",
                "fields": [
                    {"id": next(ids), "name": one.name, "required": False, "type": _json_type(one.args["kind"], ids)}
                    for one in inside
                ],
            }
        case "ARRAY" | "LIST" if len(inside) == 1:
            number = next(ids)
            element = _json_type(inside[0], ids)
            return {"type": "list", "element-id": number, "element": element, "element-required": False}
        case "MAP" if len(inside) == 2:
            key, value = next(ids), next(ids)
            return {
                "type": "map", "key-id": key, "key": _json_type(inside[0], ids), "value-id": value,
                "value": _json_type(inside[1], ids), "value-required": False,
            }  # fmt: skip
        case "DECIMAL":
            sizes = [int(one.name) for one in inside] or [10, 0]
            return f"decimal({sizes[0]}, {sizes[1] if len(sizes) > 1 else 0})"
    if name not in _ICEBERG:
        raise InvalidInputException(f"Iceberg has no type {kind.sql('hive').lower()}: choose another for the column.")
    return _ICEBERG[name]
