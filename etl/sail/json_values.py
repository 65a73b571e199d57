"""Dates, times and numbers of JSON by a schema, which Sail reads otherwise than Spark: it takes a date with an offset
to UTC, and forms that are none to Spark. A column of them is read as text and cast, as Spark does it. Inside of other
values only texts are read that are the same to both. Of decimals Sail cuts the digits that are too many: they are read
with one digit more, and rounded by it. It fails of a number that is too large, or stands for a text.

Source: Spark SQL Guide, "JSON Files"; what its reader takes for a value was tried out, with thousands of texts by type.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine
from lakelet.etl.sail.csv_values import ODD_TIMES, java_value
from lakelet.etl.sail.expressions import own_cast
from lakelet.etl.sail.json_rows import MOST_SCALE, has

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_TIMES = T.DateType | T.TimestampType | T.TimestampNTZType
_WHOLE = T.IntegerType | T.ShortType | T.ByteType
_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME = rf"{_DAY}(?:[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{{1,6}})?"
# What is the same to both, inside of other values.
_PLAIN: dict[type[T.DataType], str] = {
    T.DateType: rf"\A{_DAY}\z",
    T.TimestampType: rf"\A{_TIME}(?:Z|[+-](?:0\d|1[0-7]):[0-5]\d)?)?\z",
    T.TimestampNTZType: rf"\A{_TIME})?\z",
}
# What Spark makes times of, and a cast of Sail's may not; of dates also numbers of days, and texts with odd blanks.
_DOUBTFUL: dict[type[T.DataType], str] = {**ODD_TIMES, T.DateType: rf"{ODD_TIMES[T.DateType]}|\A[+-]?\d+\z|[\x00-\x1F]"}


def as_read(schema: T.StructType, simple: Mapping[str, T.DataType], *, inside: bool = False) -> T.StructType:
    """The schema with texts for columns of dates and times, and those ``inside`` of values, too; with another digit for
    decimals, longs for all whole numbers, and the types of columns of text that are ``simple`` (:mod:`json_rows`)."""
    return T.StructType([T.StructField(f.name, _column_read(f, simple, inside), f.nullable) for f in schema.fields])


def _column_read(field: T.StructField, simple: Mapping[str, T.DataType], inside: bool) -> T.DataType:
    kind = field.dataType
    if isinstance(kind, _WHOLE):
        return T.LongType()
    return simple.get(field.name) or _as_read(kind, inside or isinstance(kind, _TIMES))


def _as_read(kind: T.DataType, text: bool) -> T.DataType:
    if isinstance(kind, T.StructType):
        return T.StructType([T.StructField(f.name, _as_read(f.dataType, text), f.nullable) for f in kind.fields])
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(_as_read(kind.elementType, text), kind.containsNull)
    if isinstance(kind, T.MapType):
        return T.MapType(kind.keyType, _as_read(kind.valueType, text), kind.valueContainsNull)
    if isinstance(kind, T.DecimalType) and kind.scale <= MOST_SCALE:
        return T.DecimalType(38, kind.scale + 1)
    return T.StringType() if text and isinstance(kind, _TIMES) else kind


def times_inside(fields: Collection[T.StructField]) -> list[T.StructField]:
    """The fields that have dates or times inside of their values."""
    return [field for field in fields if has(field.dataType, _TIMES) and not isinstance(field.dataType, _TIMES)]


def require_plain(texts: DataFrame, fields: Collection[T.StructField]) -> None:
    """Refuse rows, whose times were read as texts, with a date or time inside of a value that the engines take
    otherwise. They are read once for it. Raises UnsupportedError."""
    odd = {field.name: _odd(F.col(quoted(field.name)), field.dataType) for field in fields}
    found = texts.agg(*(F.max(one).alias(name) for name, one in odd.items())).head()  # no filter by a lambda: it fails
    if named := [name for name in odd if found and found[name]]:
        raise engine.refused(
            f"spark.read.json of dates and times of other forms than ISO's inside of values ({', '.join(named)})"
        )


def _odd(value: Column, kind: T.DataType) -> Column:
    """Whether there is a text that is no plain date or time in a value."""
    told = F.lit(False)
    if isinstance(kind, _TIMES):
        plain = value.rlike(_PLAIN[type(kind)]) & java_value(value, kind).isNotNull()
        told = value.isNotNull() & ~plain
    elif isinstance(kind, T.StructType):
        timed = [field for field in kind.fields if has(field.dataType, _TIMES)]
        told = reduce(or_, (_odd(value.getField(f.name), f.dataType) for f in timed), told)
    elif isinstance(kind, T.MapType):
        told = _odd(F.map_values(value), T.ArrayType(kind.valueType))
    elif isinstance(kind, T.ArrayType) and has(element := kind.elementType, _TIMES):
        told = F.exists(value, lambda one: _odd(one, element))
    return F.coalesce(told, F.lit(False))


def valued(rows: DataFrame, fields: Collection[T.StructField], *, fails: bool) -> DataFrame:
    """Rows that were read by such a schema, with what Spark takes their values for: null for texts that are no times,
    and for numbers of too many digits, or an error, which is a refusal here, if it ``fails``. (A decimal of too many
    digits inside of another value makes Sail fail: Spark has null for an array that it is in.)"""
    read, told = {field.name: field.dataType for field in rows.schema.fields}, {}
    for field in fields:
        value, kind = F.col(quoted(field.name)), field.dataType
        if isinstance(kind, _TIMES | T.DecimalType | _WHOLE):
            told[field.name] = _valued(value, kind, fails=fails)
        elif read[field.name] != kind and (has(kind, T.DecimalType) or isinstance(kind, T.StringType)):
            told[field.name] = own_cast(value, kind)
    return rows.withColumns(told) if told else rows


def _valued(read: Column, kind: T.DataType, *, fails: bool) -> Column:
    timed, named = isinstance(kind, _TIMES), kind.simpleString()
    value = java_value(read, kind) if timed else own_cast(read, kind, "try")
    refused = F.raise_error(F.lit(engine.refusal(f"JSON with a value that may be no {named}, or another one,")))
    if fails:
        return F.when(value.isNull() & read.isNotNull(), refused).otherwise(value)
    doubtful = _DOUBTFUL.get(type(kind))
    return F.when(value.isNull() & read.rlike(doubtful), refused).otherwise(value) if doubtful else value
