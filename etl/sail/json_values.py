"""Dates and times of JSON by a schema, which Sail reads otherwise than Spark: it takes a date with an offset to UTC,
and forms that are none to Spark. A column of them is read as text and cast, as Spark does it. Inside of other values
only texts are read that are the same to both.

Source: Spark SQL Guide, "JSON Files"; what its reader takes for a value was tried out, with thousands of texts by type.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from etl.paths import quoted
from etl.sail import engine
from etl.sail.csv_values import java_value

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_TIMES = T.DateType | T.TimestampType | T.TimestampNTZType
_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME = rf"{_DAY}(?:[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{{1,6}})?"
# What is the same to both, inside of other values.
_PLAIN: dict[type[T.DataType], str] = {
    T.DateType: rf"\A{_DAY}\z",
    T.TimestampType: rf"\A{_TIME}(?:Z|[+-](?:0\d|1[0-7]):[0-5]\d)?)?\z",
    T.TimestampNTZType: rf"\A{_TIME})?\z",
}
# What Spark makes times of, and a cast of Sail's may not: this zone, numbers of days, years beyond Sail's, odd blanks.
_DOUBTFUL = r"GMT|\A[+-]?\d+\z|\A\s*[+-]?\d{6,7}(?:\D|\z)|[\x00-\x1F]"


def of_texts(schema: T.StructType) -> T.StructType:
    """The schema with texts for all dates and times, at any depth."""
    made = _of_texts(schema)
    assert isinstance(made, T.StructType)  # noqa: S101 - as the schema is
    return made


def _of_texts(kind: T.DataType) -> T.DataType:
    if isinstance(kind, T.StructType):
        return T.StructType([T.StructField(f.name, _of_texts(f.dataType), f.nullable) for f in kind.fields])
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(_of_texts(kind.elementType), kind.containsNull)
    if isinstance(kind, T.MapType):
        return T.MapType(kind.keyType, _of_texts(kind.valueType), kind.valueContainsNull)
    return T.StringType() if isinstance(kind, _TIMES) else kind


def inside_of(fields: Collection[T.StructField]) -> list[T.StructField]:
    """The fields that have dates or times inside of their values."""
    return [field for field in fields if _of_texts(field.dataType) != field.dataType and not _is_time(field.dataType)]


def require_plain(texts: DataFrame, fields: Collection[T.StructField]) -> None:
    """Refuse rows, read as texts, with a date or time inside of a value that the engines take otherwise. They are read
    once for it. Raises UnsupportedError."""
    odd = {field.name: _odd(F.col(quoted(field.name)), field.dataType) for field in fields}
    found = texts.agg(*(F.max(one).alias(name) for name, one in odd.items())).head()  # no filter by a lambda: it fails
    if named := [name for name in odd if found and found[name]]:
        raise engine.refused(
            f"spark.read.json of dates and times of other forms than ISO's inside of values ({', '.join(named)})"
        )


def _odd(value: Column, kind: T.DataType) -> Column:
    """Whether there is a text that is no plain date or time in a value."""
    told = F.lit(False)
    if _is_time(kind):
        plain = value.rlike(_PLAIN[type(kind)]) & java_value(value, kind).isNotNull()
        told = value.isNotNull() & ~plain
    elif isinstance(kind, T.StructType):
        timed = [f for f in kind.fields if _of_texts(f.dataType) != f.dataType]
        told = reduce(or_, (_odd(value.getField(f.name), f.dataType) for f in timed), told)
    elif isinstance(kind, T.MapType):
        told = _odd(F.map_values(value), T.ArrayType(kind.valueType))
    elif isinstance(kind, T.ArrayType) and _of_texts(element := kind.elementType) != element:
        told = F.exists(value, lambda one: _odd(one, element))
    return F.coalesce(told, F.lit(False))


def _is_time(kind: T.DataType) -> bool:
    return isinstance(kind, _TIMES)


def by_text(schema: T.StructType) -> T.StructType:
    """The schema with texts for columns of dates and times."""
    return T.StructType([T.StructField(f.name, T.StringType()) if _is_time(f.dataType) else f for f in schema.fields])


def valued(rows: DataFrame, fields: Collection[T.StructField], *, fails: bool) -> DataFrame:
    """Rows whose columns of dates and times are texts so far, with what Spark takes them for: null for those that are
    none, or an error, which is a refusal here, if it ``fails``."""
    told = {f.name: _valued(F.col(quoted(f.name)), f.dataType, fails=fails) for f in fields if _is_time(f.dataType)}
    return rows.withColumns(told) if told else rows


def _valued(text: Column, kind: T.DataType, *, fails: bool) -> Column:
    value, named = java_value(text, kind), kind.simpleString()
    refused = F.raise_error(F.lit(engine.refusal(f"JSON with a text that may be no {named}, or another one,")))
    doubtful = text.isNotNull() if fails else text.rlike(_DOUBTFUL)
    return F.when(value.isNull() & doubtful, refused).otherwise(value)
