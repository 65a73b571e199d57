"""Choices: fields that hold values of several types, and how pending columns turn into a type or a choice.

A choice is a struct with one field per type, named after it in Glue's spelling, each of which carries the mark
:data:`CHOICE` in its metadata. The mark is part of the type, so it goes wherever the column goes, inside arrays too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.glue_types import glue_name, spark_name, spark_type
from lakelet.etl.sail import engine
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CHOICE = "lakelet.choice"  # metadata of the fields of a struct that is a choice
MARK = {CHOICE: True}
_PLAIN = {CHOICE: False}


def is_choice(kind: T.DataType) -> bool:
    """Whether a type is a choice rather than a struct of the data's own."""
    return isinstance(kind, T.StructType) and bool(kind.fields) and all(f.metadata.get(CHOICE) for f in kind.fields)


def choice_of(kinds: Sequence[T.DataType]) -> T.StructType:
    """The choice between types, in the order of their names."""
    members = sorted((member_name(kind), kind) for kind in kinds) if kinds else []
    return T.StructType([T.StructField(name, kind, True, MARK) for name, kind in members])


def member_name(kind: T.DataType) -> str:
    """The name of a type within a choice: ``long``, ``string``, ``decimal``, and without their insides ``struct``,
    ``array`` and ``map``."""
    if isinstance(kind, T.StructType | T.ArrayType | T.MapType | T.DecimalType):
        return kind.typeName()
    return glue_name(kind)


def choices_in(schema: T.DataType, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths (:mod:`lakelet.etl.paths`) of the choices in a schema, the outer ones only."""
    if isinstance(schema, T.StructType):
        if path and is_choice(schema):
            yield path
        else:
            for field in schema.fields:
                yield from choices_in(field.dataType, (*path, field.name))
    elif isinstance(schema, T.ArrayType):
        yield from choices_in(schema.elementType, (*path, "[]"))


def plain_field(column: Column, name: str) -> Column:
    """A value as a field of no choice: one taken out of a choice would keep the mark if no other metadata were given.
    Sail takes those for part of a type, and leaves them out when it computes what is nested: it fails on them."""
    if engine.active():
        return F.when(F.lit(True), column).alias(name)
    return column.alias(name, metadata=_PLAIN)


def plain(rows: DataFrame) -> DataFrame:
    """The rows with every choice turned into a plain struct, which it then is for good."""
    if not any(True for _ in choices_in(rows.schema)):
        return rows
    return rows.select(*(struct_of(F.col(f"`{f.name}`"), f.dataType).alias(f.name) for f in rows.schema.fields))


def struct_of(column: Column, kind: T.DataType) -> Column:
    """A value whose choices, at any depth, become plain structs. (A cast would keep the names, but also the marks.)"""
    if not any(True for _ in choices_in(T.StructType([T.StructField("x", kind)]))):
        return column
    if isinstance(kind, T.StructType):
        members = (plain_field(struct_of(column.getField(f.name), f.dataType), f.name) for f in kind.fields)
        return F.when(column.isNotNull(), F.struct(*members))
    assert isinstance(kind, T.ArrayType)  # noqa: S101 - nothing else holds choices
    element = kind.elementType
    return F.transform(column, lambda value: struct_of(value, element))


def refuse_undecided(rows: DataFrame) -> DataFrame:
    """The rows, if they can be written: choices are to be resolved before, and every column has a type.

    Raises UsageError.
    """
    if choices := [".".join(path) for path in choices_in(rows.schema)]:
        raise UsageError(
            f"{', '.join(choices)} hold values of several types: decide with resolveChoice before writing."
        )
    if nulls := [field.name for field in rows.schema.fields if isinstance(field.dataType, T.NullType)]:
        raise UsageError(f"{', '.join(nulls)} have no type, being null everywhere: use DropNullFields or cast them.")
    return rows


def refuse_empty_structs(schema: T.StructType) -> None:
    """Refuse rows with structs that have no fields, at any depth, which Spark writes to no file. Raises UsageError."""
    if empty := [field.name for field in schema.fields if has_empty_struct(field.dataType)]:
        raise UsageError(f"{', '.join(empty)} hold structs without fields, which no file can: drop them (DropFields).")


def has_empty_struct(kind: T.DataType) -> bool:
    """Whether a type has, at any depth, a struct without fields."""
    if isinstance(kind, T.StructType):
        return not kind.fields or any(has_empty_struct(field.dataType) for field in kind.fields)
    if isinstance(kind, T.MapType):
        return has_empty_struct(kind.valueType)
    return isinstance(kind, T.ArrayType) and has_empty_struct(kind.elementType)


def unmarked(kind: T.DataType) -> T.DataType:
    """The type without the marks of choices."""
    if isinstance(kind, T.StructType):
        return T.StructType([T.StructField(f.name, unmarked(f.dataType), f.nullable) for f in kind.fields])
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(unmarked(kind.elementType), kind.containsNull)
    return kind


def misfit(column: Column, declared: str) -> Column:
    """True where a text value is there but cannot be read as the declared (Glue) type."""
    return column.isNotNull() & column.try_cast(spark_name(declared)).isNull()


def text_as(column: Column, declared: str, wanted: str) -> Column:
    """Text as the type that is wanted (Glue names), or null; the text of a number is read as the declared type too.

    ``12.5``, declared a double, is the int 12 as in Glue, though as text it is no int. The text itself comes first:
    going through a double would cost a decimal its digits.
    """
    direct = column.try_cast(spark_name(wanted))
    if all(isinstance(spark_type(name), T.NumericType | T.BooleanType) for name in (declared, wanted)):
        return F.coalesce(direct, column.try_cast(spark_name(declared)).try_cast(spark_name(wanted)))
    return direct


def settle(raw: DataFrame, pending: Mapping[str, str]) -> DataFrame:
    """Decide every pending column (text, by the Glue type that is declared) by one aggregate over the data."""
    columns = {name: F.col(f"`{name}`") for name in raw.columns}
    counts = raw.agg(*(F.count_if(misfit(columns[name], kind)).alias(name) for name, kind in pending.items())).first()
    assert counts is not None  # noqa: S101 - an aggregate without groups has one row
    return raw.select(
        *(
            columns[name]
            if name not in pending
            else text_choice(columns[name], name, pending[name])
            if counts[name]
            else columns[name].try_cast(spark_name(pending[name])).alias(name)
            for name in raw.columns
        )
    )


def text_choice(column: Column, name: str, declared: str) -> Column:
    """Text as a choice between the declared (Glue) type, where it can be read as that, and string."""
    fits = column.try_cast(spark_name(declared))
    both = {
        member_name(spark_type(declared)): fits,
        "string": F.when(misfit(column, declared), column),
    }
    members = (both[one].alias(one, metadata=MARK) for one in sorted(both))
    return F.when(column.isNotNull(), F.struct(*members)).alias(name)
