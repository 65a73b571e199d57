"""JSON text as records: the schema of every single record, what they agree on, and choices where they do not.

All of it are columns that Spark's JVM computes: ``schema_of_variant`` names the shape of each record, the distinct
shapes are merged here (:mod:`etl.merging`), and ``from_json`` reads with what that gives. A field that is a choice is
read as a VARIANT, which knows the type of each of its values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from etl.choices import MARK, is_choice
from etl.merging import merge, merged
from etl.paths import ELEMENT, Path
from etl.sail import engine, json_text

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CORRUPT = "_corrupt_record"

_TOKEN = re.compile(r"`((?:[^`]|``)*)`|([A-Za-z_]\w*)|([<>,:()])|(\d+)|\s+")
_SIMPLE = {
    "VOID": T.NullType(), "STRING": T.StringType(), "BOOLEAN": T.BooleanType(), "BIGINT": T.LongType(),
    "DECIMAL": T.DoubleType(), "DOUBLE": T.DoubleType(), "FLOAT": T.DoubleType(), "VARIANT": T.VariantType(),
}  # fmt: skip
# The types of decimals differ by their digits, which are of no interest: JSON's numbers with a point are doubles.
_DIGITS = r"DECIMAL\(\d+,\s*\d+\)"


def discovered(rows: DataFrame, text: Column) -> T.DataType:
    """The type of all JSON in a column of text, by one pass over it; text that is no JSON says nothing.

    Whole numbers are long, others double. One more pass finds what is in arrays whose elements differ.
    """
    if engine.active():
        return json_text.discovered(rows, text)
    return _of_variants(rows.select(F.try_parse_json(text).alias("v")))


def parsed(text: Column, kind: T.DataType) -> Column:
    """The JSON in a column of text as a value of a type that :func:`discovered` gave."""
    if engine.active():
        return json_text.parsed(text, kind)
    if isinstance(kind, T.StructType | T.ArrayType) and not is_choice(kind):
        readable = _readable(kind)
        assert isinstance(readable, T.StructType | T.ArrayType)  # noqa: S101 - it is of the same class
        return _typed(F.from_json(text, readable), kind)
    return _typed(F.try_parse_json(text), kind, variant=True)


def record(text: Column, kind: T.StructType) -> Column:
    """The JSON as a record, which :func:`members_of` takes apart; its field :data:`CORRUPT` is the text of one that
    does not fit, and else null."""
    if engine.active():
        return json_text.record(text, kind, CORRUPT)
    return F.from_json(text, _with_corrupt(kind), {"columnNameOfCorruptRecord": CORRUPT})


def _with_corrupt(kind: T.StructType) -> T.StructType:
    """The type for ``from_json`` of records of a type, with the text of those that do not fit beside."""
    readable = _readable(kind)
    assert isinstance(readable, T.StructType)  # noqa: S101 - it is of the same class
    return T.StructType([*readable.fields, T.StructField(CORRUPT, T.StringType())])


def members_of(record: Column, kind: T.StructType) -> list[Column]:
    """The fields of a record that :func:`record` has read."""
    if engine.active():
        return [json_text.voided(record.getField(f.name), f.dataType).alias(f.name) for f in kind.fields]
    return [_typed(record.getField(f.name), f.dataType).alias(f.name) for f in kind.fields]


def _of_variants(variants: DataFrame) -> T.DataType:
    """The type of all values of the column ``v``; those within arrays that differ are looked at one by one."""
    shape = F.regexp_replace(F.schema_of_variant("v"), _DIGITS, "DOUBLE")
    found = variants.where(F.col("v").isNotNull()).select(shape.alias("shape")).distinct().collect()
    kind = merged(_parsed_shape(row["shape"]) for row in found)
    for path in list(_undecided(kind, ())):
        inside = reduce(_unfolded, path, variants)
        kind = _with(kind, path, _of_variants(inside))
    return kind


def _unfolded(variants: DataFrame, step: str) -> DataFrame:
    if step == ELEMENT:
        elements = F.try_variant_get("v", "$", "array<variant>")
        return variants.select(F.explode(elements).alias("v"))
    escaped = step.replace("\\", "\\\\").replace("'", "\\'")
    return variants.select(F.try_variant_get("v", f"$['{escaped}']", "variant").alias("v"))


def _undecided(kind: T.DataType, path: Path) -> Iterator[Path]:
    if isinstance(kind, T.VariantType):
        yield path
    elif isinstance(kind, T.StructType):
        for field in kind.fields:
            # The members of a choice are the same value.
            yield from _undecided(field.dataType, path if is_choice(kind) else (*path, field.name))
    elif isinstance(kind, T.ArrayType):
        yield from _undecided(kind.elementType, (*path, ELEMENT))


def _with(kind: T.DataType, path: Path, decided: T.DataType) -> T.DataType:
    """The type with what was undecided at a path decided."""
    if isinstance(kind, T.VariantType):
        return decided
    if isinstance(kind, T.StructType) and is_choice(kind):
        return reduce(merge, (_with(field.dataType, path, decided) for field in kind.fields))
    if path and isinstance(kind, T.StructType) and path[0] in kind.names:
        return T.StructType(
            [
                T.StructField(f.name, _with(f.dataType, path[1:], decided) if f.name == path[0] else f.dataType)
                for f in kind.fields
            ]
        )
    if path and path[0] == ELEMENT and isinstance(kind, T.ArrayType):
        return T.ArrayType(_with(kind.elementType, path[1:], decided))
    return kind


def _readable(kind: T.DataType) -> T.DataType:
    """The type for ``from_json``: choices are VARIANTs, and what has no type is text (and null everywhere)."""
    if is_choice(kind):
        return T.VariantType()
    if isinstance(kind, T.StructType):
        return T.StructType([T.StructField(f.name, _readable(f.dataType)) for f in kind.fields])
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(_readable(kind.elementType))
    return T.StringType() if isinstance(kind, T.NullType) else kind


def _typed(value: Column, kind: T.DataType, *, variant: bool = False) -> Column:
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
        fields = (_typed(value.getField(f.name), f.dataType).alias(f.name) for f in kind.fields)
        return F.when(value.isNotNull(), F.struct(*fields))
    if isinstance(kind, T.ArrayType) and _differs(kind):
        element = kind.elementType
        return F.transform(value, lambda one: _typed(one, element))
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


# -- the names of shapes: OBJECT<a: BIGINT, b: ARRAY<STRING>> -------------------------------------------------------


def _parsed_shape(text: str) -> T.DataType:
    tokens = [match for match in _TOKEN.finditer(text) if not match[0].isspace()]
    kind, rest = _kind(tokens, 0)
    assert rest == len(tokens)  # noqa: S101 - Spark's own text
    return kind


def _kind(tokens: list[re.Match[str]], at: int) -> tuple[T.DataType, int]:
    word = tokens[at][2]
    if word == "ARRAY":
        element, at = _kind(tokens, at + 2)
        return T.ArrayType(element), at + 1
    if word == "OBJECT":
        fields: list[T.StructField] = []
        at += 2
        while tokens[at][0] != ">":
            name = tokens[at][2] or tokens[at][4] or (tokens[at][1] or "").replace("``", "`")
            kind, at = _kind(tokens, at + 2)
            fields.append(T.StructField(name, kind))
            at += tokens[at][0] == ","
        return T.StructType(fields), at + 1
    return _SIMPLE[word], at + 1
