"""Types as the catalog writes them (Hive's) and as Spark keeps a schema in a table's properties (its JSON).

Spark's form is that of ``StructType.json()``: a name for a primitive, an object for ``array``, ``map`` and ``struct``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lakelet.workspace.errors import InvalidInputException

SparkType = str | dict[str, Any]
SOURCES = "spark.sql.sources."  # what the properties begin with of tables that Spark keeps as its own data sources
PROVIDER = f"{SOURCES}provider"
SCHEMA = f"{SOURCES}schema"

_TO_SPARK = {
    "tinyint": "byte", "smallint": "short", "int": "integer", "integer": "integer", "bigint": "long", "long": "long",
    "float": "float", "double": "double", "boolean": "boolean", "string": "string", "binary": "binary", "date": "date",
    "timestamp": "timestamp",
}  # fmt: skip
_TO_HIVE = {
    "byte": "tinyint", "short": "smallint", "integer": "int", "long": "bigint", "timestamp_ntz": "timestamp",
    "void": "string",
}  # fmt: skip
_TOKEN = re.compile(r"\s*([<>,:]|\([^)]*\)|`[^`]*`|[^<>,:()`\s]+)")
_SIZED = "__CHAR_VARCHAR_TYPE_STRING"  # where Spark's metadata keep a column's char(n) or varchar(n)


def spark_field(name: str, hive: str) -> dict[str, Any]:
    """A column as a field of Spark's schema. Raises InvalidInputException for a type that cannot be read."""
    metadata = {_SIZED: hive} if re.match(r"(var)?char\s*\(", hive, re.IGNORECASE) else {}
    return {"name": name, "type": spark_type(hive), "nullable": True, "metadata": metadata}


def spark_type(hive: str) -> SparkType:
    """A Hive type (``array<struct<a:int>>``) as Spark's JSON has it.

    Raises :class:`~lakelet.workspace.errors.InvalidInputException` for one that cannot be read.
    """
    words = _TOKEN.findall(hive)
    found, rest = _parse(hive, words)
    if rest or "".join(words) != re.sub(r"\s+", "", hive):
        raise _unreadable(hive)
    return found


def hive_type(spark: SparkType) -> str:
    """The Hive type of a type in Spark's JSON."""
    if isinstance(spark, str):
        return _TO_HIVE.get(spark, spark)
    match spark["type"]:
        case "array":
            return f"array<{hive_type(spark['elementType'])}>"
        case "map":
            return f"map<{hive_type(spark['keyType'])},{hive_type(spark['valueType'])}>"
        case "struct":
            return "struct<" + ",".join(f"{one['name']}:{hive_type(one['type'])}" for one in spark["fields"]) + ">"
    return hive_type(spark.get("sqlType", "string"))  # a user-defined type is stored as another


def hive_column(field: dict[str, Any]) -> dict[str, str]:
    """A field of Spark's schema as Glue's Column."""
    metadata = field.get("metadata") or {}
    column = {"Name": field["name"].lower(), "Type": metadata.get(_SIZED) or hive_type(field["type"])}
    return column | ({"Comment": metadata["comment"]} if metadata.get("comment") else {})


def _parse(hive: str, words: list[str]) -> tuple[SparkType, list[str]]:
    if not words:
        raise _unreadable(hive)
    name, rest = words[0].lower(), words[1:]
    match name:
        case "array":
            item, rest = _parse(hive, _expect(hive, rest, "<"))
            return {"type": "array", "elementType": item, "containsNull": True}, _expect(hive, rest, ">")
        case "map":
            key, rest = _parse(hive, _expect(hive, rest, "<"))
            value, rest = _parse(hive, _expect(hive, rest, ","))
            found = {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": True}
            return found, _expect(hive, rest, ">")
        case "struct":
            return _struct(hive, _expect(hive, rest, "<"))
        case "decimal":
            size, rest = (rest[0], rest[1:]) if rest and rest[0].startswith("(") else ("(10,0)", rest)
            digits = re.fullmatch(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", size)
            if digits is None:
                raise _unreadable(hive)
            return f"decimal({digits[1]},{digits[2] or 0})", rest
        case "char" | "varchar" if rest and rest[0].startswith("("):
            return "string", rest[1:]
    if name not in _TO_SPARK:
        raise _unreadable(hive)
    return _TO_SPARK[name], rest


def _struct(hive: str, words: list[str]) -> tuple[SparkType, list[str]]:
    fields: list[dict[str, Any]] = []
    while words:
        name, rest = words[0].strip("`"), _expect(hive, words[1:], ":")
        kind, rest = _parse(hive, rest)
        fields.append({"name": name, "type": kind, "nullable": True, "metadata": {}})
        if rest and rest[0] == ",":
            words = rest[1:]
            continue
        return {"type": "struct", "fields": fields}, _expect(hive, rest, ">")
    raise _unreadable(hive)


def _expect(hive: str, words: list[str], word: str) -> list[str]:
    if not words or words[0] != word:
        raise _unreadable(hive)
    return words[1:]


def _unreadable(hive: str) -> InvalidInputException:
    return InvalidInputException(f"{hive!r} is no type of Hive's that can be read: correct it in the catalog.")


def made_schema(parameters: Mapping[str, str]) -> dict[str, Any] | None:
    """The schema in a table's properties (Spark's JSON), which Spark cuts into parts when it is long; None of a table
    that Spark does not keep as its own.

    Raises :class:`~lakelet.workspace.errors.InvalidInputException` for what is no JSON.
    """
    text = parameters.get(SCHEMA)
    if text is None and (parts := parameters.get(f"{SCHEMA}.numParts", "")).isdigit():
        text = "".join(parameters.get(f"{SCHEMA}.part.{number}", "") for number in range(int(parts)))
    if not text:
        return None
    try:
        schema: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise InvalidInputException(f"The property {SCHEMA} is no JSON: {error}.") from error
    return schema
