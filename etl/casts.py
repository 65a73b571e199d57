"""Casts of whole values, nested ones too, as the transforms make them: null where there is no way.

The fields of structs are matched by their names: Spark's own cast goes by their order, and would put one field's values
under another's name. The AWS Glue Developer Guide does not say which AWS does; a DynamicFrame's records have names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import is_choice, plain_field, struct_of
from lakelet.etl.sail import engine
from lakelet.etl.sail.json_written import JsonForm

if TYPE_CHECKING:
    from pyspark.sql import Column


def cast_as(column: Column, kind: T.DataType, target: T.DataType) -> Column:
    """A value of one type as another; of a choice, whatever there is.

    Fields of structs are found by name, whatever their case: one that is not there is null, others go.
    What is nested becomes JSON where text is wanted.
    """
    if is_choice(kind) and isinstance(kind, T.StructType):
        return F.coalesce(*(cast_as(column.getField(f.name), f.dataType, target) for f in kind.fields))
    if isinstance(kind, T.StructType | T.ArrayType | T.MapType) and isinstance(target, T.StringType):
        return JsonForm().text(column, kind) if engine.active() else F.to_json(struct_of(column, kind))
    if isinstance(kind, T.StructType) and isinstance(target, T.StructType):
        return _struct(column, kind, target)
    if isinstance(kind, T.ArrayType) and isinstance(target, T.ArrayType):
        inner, wanted = kind.elementType, target.elementType
        return column if inner == wanted else F.transform(column, lambda value: cast_as(value, inner, wanted))
    if isinstance(kind, T.MapType) and isinstance(target, T.MapType):
        return _map(column, kind, target)
    if isinstance(kind, T.AtomicType) and kind == target:
        return column
    if isinstance(kind, T.BooleanType) and isinstance(target, T.DecimalType):  # which Sail has no cast for
        return column.cast("int").try_cast(target)
    if isinstance(kind, T.DecimalType) and isinstance(target, T.BooleanType):
        return column != 0
    return column.try_cast(target) if _castable(kind, target) else F.lit(None).cast(target)


def _struct(column: Column, kind: T.StructType, target: T.StructType) -> Column:
    own = {f.name.lower(): f for f in kind.fields}
    fields = [
        plain_field(
            cast_as(column.getField(found.name), found.dataType, f.dataType)
            if (found := own.get(f.name.lower()))
            else F.lit(None).cast(f.dataType),
            f.name,
        )
        for f in target.fields
    ]
    return F.when(column.isNotNull(), F.struct(*fields))


def _map(column: Column, kind: T.MapType, target: T.MapType) -> Column:
    if kind.valueType != target.valueType:
        value, wanted = kind.valueType, target.valueType
        column = F.transform_values(column, lambda _, one: cast_as(one, value, wanted))
    if kind.keyType != target.keyType:
        key, named = kind.keyType, target.keyType
        column = F.transform_keys(column, lambda one, _: cast_as(one, key, named))
    return column


def _castable(kind: T.DataType, target: T.DataType) -> bool:
    """Whether the engines have a cast of those types; both have none for these, and refuse the whole statement."""
    nested = (T.StructType, T.ArrayType, T.MapType)
    if isinstance(kind, nested) or isinstance(target, nested):
        return isinstance(kind, T.NullType)
    if isinstance(kind, T.BinaryType | T.BooleanType):
        return not isinstance(target, T.DateType | T.TimestampType)
    if isinstance(kind, T.TimestampType):
        return not isinstance(target, T.BooleanType | T.BinaryType)
    if isinstance(kind, T.DateType):
        return not isinstance(target, T.NumericType | T.BooleanType | T.BinaryType)
    return not (isinstance(kind, T.NumericType) and isinstance(target, T.DateType | T.BinaryType))
