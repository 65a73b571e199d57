"""Records as the Python functions of Filter and Map see them: dicts of plain values, and types found in values.

A field that is a choice shows the value that it has in that record, as in Glue, not the struct that Spark holds.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping
from typing import Any

from pyspark.sql import types as T

from lakelet.etl.choices import is_choice, member_name
from lakelet.etl.merging import merged

Record = dict[str, Any]


def record_of(row: Any, schema: T.StructType) -> Record:
    """A row as a script's function sees it."""
    return {field.name: value_of(one, field.dataType) for field, one in zip(schema.fields, row, strict=True)}


def value_of(value: Any, kind: T.DataType) -> Any:
    """A value as Spark gives it to Python, of a type, as a script's function sees it: structs are dicts."""
    if value is None:
        return None
    if isinstance(kind, T.StructType):
        if is_choice(kind):
            held = ((one, kind[at].dataType) for at, one in enumerate(value) if one is not None)
            found = next(held, None)
            return None if found is None else value_of(*found)
        return record_of(value, kind)
    if isinstance(kind, T.ArrayType):
        return [value_of(one, kind.elementType) for one in value]
    if isinstance(kind, T.MapType):
        return {key: value_of(one, kind.valueType) for key, one in value.items()}
    return value


def type_of(value: Any) -> T.DataType:
    """The type of a value that a function made: dicts are structs, whole numbers long, lists arrays.

    Raises TypeError for a value that no record can hold.
    """
    if value is None:
        return T.NullType()
    for classes, kind in _TYPES:
        if isinstance(value, classes):
            return kind
    if isinstance(value, decimal.Decimal):
        exponent = value.as_tuple().exponent
        return T.DecimalType(38, min(-exponent, 38) if isinstance(exponent, int) and exponent < 0 else 0)
    if isinstance(value, Mapping):
        return T.StructType([T.StructField(str(name), type_of(one)) for name, one in value.items()])
    if isinstance(value, list | tuple | set | frozenset):
        return T.ArrayType(merged(type_of(one) for one in value))
    raise TypeError(f"a record cannot hold a {type(value).__name__}")


def spark_value(value: Any, kind: T.DataType) -> Any:
    """A value that a function made, as Spark takes it for a type that was merged from its and others'."""
    if value is None or isinstance(kind, T.NullType):
        return None
    if isinstance(kind, T.StructType):
        if is_choice(kind):
            name = member_name(type_of(value))
            return tuple(spark_value(value, f.dataType) if f.name == name else None for f in kind.fields)
        return tuple(spark_value(value.get(f.name), f.dataType) for f in kind.fields)
    if isinstance(kind, T.ArrayType):
        return [spark_value(one, kind.elementType) for one in value]
    return value


# In this order: a bool is an int, and a datetime a date, to Python.
_TYPES: tuple[tuple[type | tuple[type, ...], T.DataType], ...] = (
    (bool, T.BooleanType()),
    (int, T.LongType()),
    (float, T.DoubleType()),
    (str, T.StringType()),
    ((bytes, bytearray), T.BinaryType()),
    (datetime.datetime, T.TimestampType()),
    (datetime.date, T.DateType()),
)
