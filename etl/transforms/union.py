"""Rows of two frames together: Union and mergeDynamicFrame."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import MARK, is_choice, member_name, plain_field
from lakelet.etl.dynamicframe import DynamicFrame, field_of
from lakelet.etl.merging import merge
from lakelet.etl.paths import column_at, quoted, require
from lakelet.etl.sail import engine
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def union(one: DynamicFrame, other: DynamicFrame, *, name: str = "") -> DynamicFrame:
    """The rows of both, fields matched by name; a field that only one has is null in the other's rows, and one whose
    types differ becomes a choice.
    """
    return one.derive(_together(one.settled().raw, other.settled().raw), name=name).with_errors_of(other)


def merge_frames(
    source: DynamicFrame, staging: DynamicFrame, primary_keys: Sequence[str], *, name: str = ""
) -> DynamicFrame:
    """All rows of the staging frame, and the source's rows whose keys none of them has; duplicates stay.

    Raises UsageError for keys that are no fields of both.
    """
    if not primary_keys or isinstance(primary_keys, str):
        raise UsageError("mergeDynamicFrame needs primary_keys, a list of fields.")
    old, new = source.settled().raw, staging.settled().raw
    keys = [column_at(path) for path in require(old.schema, primary_keys, "mergeDynamicFrame")]
    others = list(require(new.schema, primary_keys, "mergeDynamicFrame"))
    replaced = new.select(*(column_at(path).alias(f"\0key{at}") for at, path in enumerate(others))).distinct()
    same = reduce(
        lambda condition, one: condition & one,
        (key.eqNullSafe(field_of(f"\0key{at}")) for at, key in enumerate(keys)),
    )
    kept = old.join(replaced, same, "left_anti")
    return source.derive(_together(kept, new), name=name).with_errors_of(staging)


def _together(one: DataFrame, other: DataFrame) -> DataFrame:
    schema = merge(one.schema, other.schema)
    assert isinstance(schema, T.StructType)  # noqa: S101 - the merge of two structs is one
    return _shaped(one, schema).unionAll(_shaped(other, schema))


def _shaped(rows: DataFrame, schema: T.StructType) -> DataFrame:
    """The rows with the fields of a schema that their own was merged into."""
    own = {field.name: field.dataType for field in rows.schema.fields}

    def shaped(f: T.StructField) -> Column:
        if f.name not in own:
            return _absent(f.dataType)
        made = as_merged(F.col(quoted(f.name)), own[f.name], f.dataType)
        return made.cast(f.dataType) if engine.active() else made  # Sail drops the mark of a member that is null

    return rows.select(*(shaped(f).alias(f.name) for f in schema.fields))


def as_merged(column: Column, kind: T.DataType, wanted: T.DataType) -> Column:
    """A value of a type as the type that :func:`lakelet.etl.merging.merge` made of it and others."""
    if kind == wanted:
        return column
    if is_choice(wanted) and isinstance(wanted, T.StructType):
        held = (
            {f.name: (column.getField(f.name), f.dataType) for f in kind.fields}
            if isinstance(kind, T.StructType) and is_choice(kind)
            else {member_name(kind): (column, kind)}
        )
        members = (
            (as_merged(*held[f.name], f.dataType) if f.name in held else _absent(f.dataType)).alias(
                f.name, metadata=MARK
            )
            for f in wanted.fields
        )
        return F.when(column.isNotNull(), F.struct(*members))
    if isinstance(kind, T.StructType) and isinstance(wanted, T.StructType):
        own = {f.name: f.dataType for f in kind.fields}
        fields = (
            plain_field(
                as_merged(column.getField(f.name), own[f.name], f.dataType) if f.name in own else _absent(f.dataType),
                f.name,
            )
            for f in wanted.fields
        )
        return F.when(column.isNotNull(), F.struct(*fields))
    if isinstance(kind, T.ArrayType) and isinstance(wanted, T.ArrayType):
        inner, element = kind.elementType, wanted.elementType
        return F.transform(column, lambda value: as_merged(value, inner, element))
    return column.cast(wanted)


def _absent(kind: T.DataType) -> Column:
    return F.lit(None).cast(kind)
