"""Join: two frames by equal fields (AWS Glue Developer Guide, "Join class")."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import types as T

from lakelet.etl.choices import is_choice
from lakelet.etl.dynamicframe import DynamicFrame, field_of
from lakelet.etl.paths import ELEMENT, column_at, require
from lakelet.workspace.errors import UsageError


def join(
    left: DynamicFrame, right: DynamicFrame, keys1: Sequence[str], keys2: Sequence[str], *, name: str = ""
) -> DynamicFrame:
    """The inner equality join; keys are fields, or paths into structs. A field of the right frame whose name the left
    has too is prefixed with a dot, as Glue does.

    Raises UsageError for keys that do not pair up, are no fields, or are choices or in arrays.
    """
    keys1, keys2 = ([keys1] if isinstance(keys1, str) else keys1), ([keys2] if isinstance(keys2, str) else keys2)
    if len(keys1) != len(keys2) or not keys1:
        raise UsageError(f"Join pairs {list(keys1)} with {list(keys2)}: give as many keys on both sides.")
    one, other = left.settled().raw, right.settled().raw
    paths1, paths2 = require(one.schema, keys1, "Join"), require(other.schema, keys2, "Join")
    for path, kind in (*paths1.items(), *paths2.items()):
        if is_choice(kind) or ELEMENT in path:
            raise UsageError(f"Join cannot compare {'.'.join(path)}, a choice or in an array: resolve it first.")
    taken = {column.lower() for column in one.columns}
    renamed = {column: f".{column}" if column.lower() in taken else column for column in other.columns}
    other = other.select(*(field_of(column).alias(new) for column, new in renamed.items()))
    condition = [
        _as(column_at(path), kind, wanted) == _as(column_at((renamed[pair[0]], *pair[1:])), wanted, kind)
        for (path, kind), (pair, wanted) in zip(paths1.items(), paths2.items(), strict=True)
    ]
    joined = left.derive(one.join(other, condition, "inner"), name=name)
    return joined.with_errors_of(right)


def _as(column: Column, kind: T.DataType, other: T.DataType) -> Column:
    """What Spark makes of a text and a number that are compared: Sail fails of a text that is none."""
    if isinstance(kind, T.StringType) and isinstance(other, T.NumericType):
        return column.cast(T.DoubleType() if isinstance(other, T.DecimalType) else other)
    if isinstance(kind, T.DecimalType) and isinstance(other, T.StringType):
        return column.cast(T.DoubleType())
    return column
