"""The schema of JSON text on Sail, whose VARIANT is not complete: found by Python, record by record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from etl.merging import merged
from etl.records import type_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_LONGEST = 1 << 63


def discovered(rows: DataFrame, text: Column) -> T.DataType:
    """The type of all JSON in a column of text; text that is no JSON says nothing (etl/json_records.py)."""
    shapes = F.udf(lambda one: _shape(one), T.StringType())  # noqa: PLW0108 - a lambda is pickled whole
    found = rows.select(shapes(text).alias("shape")).distinct().collect()
    kinds = (T.StructType.fromJson(json.loads(row["shape"])) for row in found if row["shape"])
    wrapped = merged(kinds)
    return wrapped["v"].dataType if isinstance(wrapped, T.StructType) else T.NullType()


def _shape(text: str | None) -> str | None:
    """The JSON of the type of a record, as the one field of a struct; null when it is none."""
    if text is None:
        return None
    try:
        value = json.loads(text, parse_int=_number, parse_constant=_no_json, object_pairs_hook=_object)
    except ValueError:
        return None
    return T.StructType([T.StructField("v", _in_order(type_of(value)))]).json()


def _in_order(kind: T.DataType) -> T.DataType:
    """The type with the fields of its structs by name, which is the order that VARIANT has them in."""
    if isinstance(kind, T.StructType):
        named = sorted(kind.fields, key=lambda field: field.name)
        return T.StructType([T.StructField(f.name, _in_order(f.dataType), True, f.metadata) for f in named])
    return T.ArrayType(_in_order(kind.elementType)) if isinstance(kind, T.ArrayType) else kind


def _number(text: str) -> int | float:
    value = int(text)
    return value if -_LONGEST <= value < _LONGEST else float(text)


def _no_json(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return value
