"""The schema of many records from the schemas of each: where they disagree, a choice (:mod:`lakelet.etl.choices`)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from pyspark.sql import types as T

from lakelet.etl.choices import choice_of, is_choice, member_name


def merged(kinds: Iterable[T.DataType]) -> T.DataType:
    """The type of fields of these types; null says nothing about it."""
    nothing: T.DataType = T.NullType()
    return reduce(merge, kinds, nothing)


def merge(one: T.DataType, other: T.DataType) -> T.DataType:
    """The type of a field that is ``one`` here and ``other`` there: the same, or a choice between them.

    Structs are merged field by field, arrays by their elements, decimals widen.
    """
    if isinstance(one, T.NullType) or one == other:
        return other
    if isinstance(other, T.NullType):
        return one
    if is_choice(one) or is_choice(other):
        members: dict[str, T.DataType] = {}
        for kind in (*_members(one), *_members(other)):
            name = member_name(kind)
            members[name] = merge(members[name], kind) if name in members else kind
        return choice_of(list(members.values()))
    if isinstance(one, T.StructType) and isinstance(other, T.StructType):
        names = [*one.names, *(name for name in other.names if name not in one.names)]
        return T.StructType([T.StructField(name, _of(one, name, other)) for name in names])
    if isinstance(one, T.ArrayType) and isinstance(other, T.ArrayType):
        return T.ArrayType(merge(one.elementType, other.elementType))
    if isinstance(one, T.MapType) and isinstance(other, T.MapType) and one.keyType == other.keyType:
        return T.MapType(one.keyType, merge(one.valueType, other.valueType))
    if isinstance(one, T.DecimalType) and isinstance(other, T.DecimalType):
        scale = max(one.scale, other.scale)
        return T.DecimalType(min(38, max(one.precision - one.scale, other.precision - other.scale) + scale), scale)
    return choice_of([one, other])


def _members(kind: T.DataType) -> list[T.DataType]:
    return [f.dataType for f in kind.fields] if isinstance(kind, T.StructType) and is_choice(kind) else [kind]


def _of(one: T.StructType, name: str, other: T.StructType) -> T.DataType:
    if name not in one.names:
        return other[name].dataType
    return merge(one[name].dataType, other[name].dataType) if name in other.names else one[name].dataType
