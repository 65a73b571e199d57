"""JSON text as records of a type that was discovered (:mod:`lakelet.etl.json_batches`) or declared.

Spark's JVM reads by ``from_json``; a field that is a choice is read as a VARIANT, which knows the type of each of its
values. On Sail, whose VARIANT and ``from_json`` are not complete, Python reads by the same rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl import json_batches, json_text
from lakelet.etl.choices import MARK, is_choice
from lakelet.etl.sail import engine

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CORRUPT, _READ = "_lakelet_corrupt_record", "_read_record"  # not Spark's own name, which a field may have


def parsed(text: Column, kind: T.DataType) -> Column:
    """The JSON in a column of text as a value of a type that :func:`lakelet.etl.json_batches.discovered` gave."""
    if engine.active():
        return json_text.parsed(text, kind)
    if isinstance(kind, T.StructType | T.ArrayType) and not is_choice(kind):
        shape = _readable(kind)
        assert isinstance(shape, T.StructType | T.ArrayType)  # noqa: S101 - it is of the same class
        return typed(F.from_json(text, shape), kind)
    return typed(F.try_parse_json(text), kind, variant=True)


def records(rows: DataFrame, text: str, kind: T.StructType) -> tuple[DataFrame, DataFrame]:
    """The rows with the JSON in one of their columns as a record, which :func:`members_of` takes apart; and the rows
    where it is none, or does not fit, as they are."""
    if engine.active():
        return json_batches.records(rows, text, kind)
    read = F.from_json(F.col(f"`{text}`"), _with_corrupt(kind), {"columnNameOfCorruptRecord": CORRUPT})
    # Of the one element of an array, for a filter on the record would be moved before the reading and read it again.
    both = rows.withColumn(_READ, F.explode(F.array(read)))
    is_broken = F.col(_READ).isNull() | F.col(_READ).getField(CORRUPT).isNotNull() | _has_more(F.col(f"`{text}`"))
    return both.where(~is_broken).withColumn(text, F.col(_READ)).drop(_READ), both.where(is_broken).drop(_READ)


def is_broken(text: Column) -> Column:
    """Whether there is a text, which is neither blank nor JSON, or has something behind it."""
    broken = json_text.is_broken(text) if engine.active() else F.try_parse_json(text).isNull() | ~_is_one(text)
    return (F.trim(text) != "") & broken


def _has_more(text: Column) -> Column:
    """Whether something follows the record in its text: ``from_json`` takes the first of two, and says nothing."""
    likely = text.rlike(r"\}\s*[^\s\]}]")  # within a record, too
    return ~text.rlike(r"\}\s*$") | (likely & ~_is_one(text))


def _is_one(text: Column) -> Column:
    """Whether a text is one value: by ``from_json``, which takes what the record's own reader takes."""
    values = F.from_json(F.concat(F.lit("["), text, F.lit("]")), T.ArrayType(T.StringType()))
    return F.coalesce(F.size(values) == 1, F.lit(False))


def _with_corrupt(kind: T.StructType) -> T.StructType:
    """The type for ``from_json`` of records of a type, with the text of those that do not fit beside."""
    return T.StructType([*readable_record(kind).fields, T.StructField(CORRUPT, T.StringType())])


def members_of(record: Column, kind: T.StructType) -> list[Column]:
    """The fields of a record that :func:`records` has read."""
    if engine.active():
        return [json_text.voided(record.getField(f.name), f.dataType).alias(f.name) for f in kind.fields]
    return [typed(record.getField(f.name), f.dataType).alias(f.name) for f in kind.fields]


def readable_record(kind: T.StructType) -> T.StructType:
    """The type by which Spark reads records of a type."""
    return T.StructType([T.StructField(f.name, _readable(f.dataType)) for f in kind.fields])


def _readable(kind: T.DataType) -> T.DataType:
    """The type for ``from_json``: choices are VARIANTs, and what has no type is text (and null everywhere)."""
    if is_choice(kind):
        return T.VariantType()
    if isinstance(kind, T.StructType):
        return readable_record(kind)
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(_readable(kind.elementType))
    return T.StringType() if isinstance(kind, T.NullType) else kind


def typed(value: Column, kind: T.DataType, *, variant: bool = False) -> Column:
    """A value as ``from_json`` gives it, its VARIANTs turned into choices; ``variant``: the value is one itself."""
    if is_choice(kind) and isinstance(kind, T.StructType):
        shape = F.schema_of_variant(value)
        members = (
            F.when(_is_shape(shape, f.dataType), _member(value, f.dataType)).alias(f.name, metadata=MARK)
            for f in kind.fields
        )
        return F.when(value.isNotNull() & (shape != "VOID"), F.struct(*members))
    if isinstance(kind, T.NullType):
        return F.lit(None)
    if variant:
        return _member(value, kind)
    if isinstance(kind, T.StructType) and _differs(kind):
        fields = (typed(value.getField(f.name), f.dataType).alias(f.name) for f in kind.fields)
        return F.when(value.isNotNull(), F.struct(*fields))
    if isinstance(kind, T.ArrayType) and _differs(kind):
        element = kind.elementType
        return F.transform(value, lambda one: typed(one, element))
    return value


def _differs(kind: T.DataType) -> bool:
    return _readable(kind) != kind


def _is_shape(shape: Column, kind: T.DataType) -> Column:
    if isinstance(kind, T.StructType):
        return shape.startswith("OBJECT")
    if isinstance(kind, T.ArrayType):
        return shape.startswith("ARRAY")
    if isinstance(kind, T.DoubleType):
        return shape.startswith("DECIMAL") | shape.isin("DOUBLE", "FLOAT")
    return shape == {"string": "STRING", "boolean": "BOOLEAN", "long": "BIGINT"}[kind.typeName()]


def _member(value: Column, kind: T.DataType) -> Column:
    if isinstance(kind, T.StructType | T.ArrayType):
        return parsed(F.to_json(value), kind)
    return F.try_variant_get(value, "$", kind.simpleString())
