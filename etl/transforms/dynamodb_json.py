"""DynamoDB JSON as ordinary fields: simplify_ddb_json and unnest_ddb_json.

In DynamoDB JSON every value is a struct with one field that names its type: ``{"S": "text"}``, ``{"N": "12"}``,
``{"M": {…}}``, ``{"L": […]}`` (AWS Glue Developer Guide, "DynamicFrame class"; Amazon DynamoDB, "DynamoDB table export
output format"). Numbers are text in it, and stay text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import MARK, choice_of, is_choice, member_name, plain_field
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.paths import quoted
from lakelet.etl.transforms.unnest import unnest

if TYPE_CHECKING:
    from pyspark.sql import Column

CODES = frozenset({"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"})
ITEM = "Item"  # of an export: the column that holds all the attributes

Value = tuple["Column", T.DataType]


def simplify_ddb_json(frame: DynamicFrame, *, name: str = "") -> DynamicFrame:
    """Every value without the struct that names its type; ``Item``, as exports have it, makes room for what is in it.

    An attribute of different types in different records becomes a choice. The elements of a list stay as they are
    when they are maps or of several types, as AWS documents.
    """
    rows = frame.settled().raw
    columns: list[Column] = []
    for field in rows.schema.fields:
        column, kind = F.col(quoted(field.name)), field.dataType
        if field.name == ITEM and isinstance(kind, T.StructType) and _is_item(kind):
            columns += [_simple(column.getField(one.name), one.dataType)[0].alias(one.name) for one in kind.fields]
        else:
            columns.append(_simple(column, kind)[0].alias(field.name))
    return frame.derive(rows.select(*columns), name=name)


def unnest_ddb_json(frame: DynamicFrame, *, name: str = "") -> DynamicFrame:
    """The same, and maps as fields ``map.key``."""
    return unnest(simplify_ddb_json(frame, name=name), name=name)


def _is_item(kind: T.StructType) -> bool:
    return all(_typed(field.dataType) is not None for field in kind.fields)


def _typed(kind: T.DataType) -> T.StructType | None:
    """The type, when it is a struct that names types."""
    found = isinstance(kind, T.StructType) and bool(kind.fields) and set(kind.names) <= CODES and not is_choice(kind)
    return kind if found and isinstance(kind, T.StructType) else None


def _simple(column: Column, kind: T.DataType) -> Value:
    typed = _typed(kind)
    if typed is None:
        return column, kind
    found = [_value(column.getField(field.name), field.name, field.dataType) for field in typed.fields]
    by_name: dict[str, list[Value]] = {}
    for value in found:
        by_name.setdefault(member_name(value[1]), []).append(value)
    members = {name: (F.coalesce(*(one for one, _ in same)), same[0][1]) for name, same in by_name.items()}
    if len(members) == 1:
        return next(iter(members.values()))
    both = choice_of([kind for _, kind in members.values()])
    choice = F.struct(*(members[name][0].alias(name, metadata=MARK) for name in both.names))
    return F.when(column.isNotNull(), choice), both


def _value(column: Column, code: str, kind: T.DataType) -> Value:
    if code == "M" and isinstance(kind, T.StructType):
        inside = {field.name: _simple(column.getField(field.name), field.dataType) for field in kind.fields}
        struct = F.struct(*(plain_field(value, name) for name, (value, _) in inside.items()))
        fields = [T.StructField(name, one) for name, (_, one) in inside.items()]
        return F.when(column.isNotNull(), struct), T.StructType(fields)
    if code == "L" and isinstance(kind, T.ArrayType):
        element = kind.elementType
        typed = _typed(element)
        if typed is not None and len(typed.fields) == 1 and typed.names[0] != "M":
            inner = _simple(F.lit(None), element)[1]
            return F.transform(column, lambda value: _simple(value, element)[0]), T.ArrayType(inner)
    return column, kind
