"""Paths into nested records, ``a.b`` and ``a[].b``, and rebuilding the columns that lie on them.

A path's steps are field names and :data:`ELEMENT` for what is in an array (AWS Glue Developer Guide, "ResolveChoice").
A name with dots of its own stands between backticks; a top-level field of exactly that name needs none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import MARK, is_choice, plain_field
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column

ELEMENT = "[]"
Path = tuple[str, ...]
Named = list[tuple[str, "Column"]]
# What becomes of the field at a path: given its column, type and name, the fields in its place; none: it is dropped.
Edit = Callable[["Column", T.DataType, str], Named]

_STEP = re.compile(r"`(?P<quoted>(?:[^`]|``)+)`|(?P<plain>[^.`\[\]]+)|(?P<element>\[\])")


def parse_path(text: str) -> Path:
    """``a.b[].`c.d``` as steps. Raises UsageError for what is no path."""
    steps: list[str] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise UsageError(f"{text!r} is no path: write a.b, a[].b, and names with dots between backticks.")
        steps.append((match["quoted"] or "").replace("``", "`") or match["plain"] or ELEMENT)
        at = match.end()
        if text[at : at + 1] == "." and at + 1 < len(text):
            at += 1
        elif at < len(text) and text[at : at + 2] != ELEMENT:
            raise UsageError(f"{text!r} is no path: write a.b, a[].b, and names with dots between backticks.")
    if not steps or steps[0] == ELEMENT:
        raise UsageError(f"{text!r} is no path: it begins with the name of a field.")
    return tuple(steps)


def locate(schema: T.StructType, text: str, *, case_sensitive: bool = False) -> tuple[Path, T.DataType] | None:
    """The path as the schema spells it, and the type there; None when there is no such field.

    Within a choice, a step leads into that member of it that has it.
    """
    whole = _field(schema, text, case_sensitive)
    if whole is not None:
        return (whole.name,), whole.dataType
    found: list[str] = []
    kind: T.DataType = schema
    for step in parse_path(text):
        below = _step(kind, step, case_sensitive)
        if below is None:
            return None
        found += below[0]
        kind = below[1]
    return tuple(found), kind


def require(schema: T.StructType, texts: Sequence[str], what: str) -> dict[Path, T.DataType]:
    """The paths with the types there. Raises UsageError, saying who wants it (``what``), for one that is not there."""
    found: dict[Path, T.DataType] = {}
    for text in texts:
        at = locate(schema, text)
        if at is None:
            raise UsageError(f"{what} names {text}, which is no field: there are {', '.join(schema.names)}.")
        found[at[0]] = at[1]
    return found


def located(schema: T.StructType, texts: Sequence[str]) -> dict[Path, T.DataType]:
    """The paths with the types there. A text that names no field is left out: no record has it, as AWS sees it."""
    return dict(at for text in texts if (at := locate(schema, text)) is not None)


def column_at(path: Path) -> Column:
    """The value at a path of :func:`locate`; below arrays, the array of the values."""
    return _read(F.col(quoted(path[0])), path[1:])


def quoted(name: str) -> str:
    """A name for ``F.col`` that means a column of that very name, dots and all."""
    return "`" + name.replace("`", "``") + "`"


def rewrite(schema: T.StructType, edits: Mapping[Path, Edit]) -> list[Column]:
    """The schema's columns with the fields at those paths replaced; everything else stays as it is."""
    columns: list[Column] = []
    for field in schema.fields:
        if _touched((field.name,), edits):
            named = _fields(T.StructType([field]), lambda name: F.col(quoted(name)), (), edits)
            columns += [plain_field(column, name) for name, column in named]
        else:
            columns.append(F.col(quoted(field.name)))
    return columns


def _fields(schema: T.StructType, read: Callable[[str], Column], path: Path, edits: Mapping[Path, Edit]) -> Named:
    found: Named = []
    for field in schema.fields:
        here, column = (*path, field.name), read(field.name)
        if here in edits:
            found += edits[here](column, field.dataType, field.name)
        elif not _touched(here, edits):
            found.append((field.name, column))
        elif (below := _below(column, field.dataType, here, edits)) is not None:
            found.append((field.name, below))
    return found


def _below(column: Column, kind: T.DataType, path: Path, edits: Mapping[Path, Edit]) -> Column | None:
    """The rebuilt value; None when nothing is left of it."""
    if isinstance(kind, T.ArrayType):
        element, inner = kind.elementType, (*path, ELEMENT)

        def one(value: Column) -> Column | None:
            if inner not in edits:
                return _below(value, element, inner, edits)
            named = edits[inner](value, element, ELEMENT)
            if len(named) > 1:
                raise UsageError(f"An element of {'.'.join(path)} cannot become several columns: use make_struct.")
            return named[0][1] if named else None

        if one(F.lit(None)) is None:
            return None
        return F.transform(column, lambda value: _present(one(value)))
    if isinstance(kind, T.StructType):
        named = _fields(kind, column.getField, path, edits)
        if not named:
            return None
        choice = is_choice(kind)
        members = (value.alias(name, metadata=MARK) if choice else plain_field(value, name) for name, value in named)
        return F.when(column.isNotNull(), F.struct(*members))
    return column


def _present(column: Column | None) -> Column:
    assert column is not None  # noqa: S101 - asked just before
    return column


def _touched(path: Path, edits: Mapping[Path, Edit]) -> bool:
    return any(one[: len(path)] == path for one in edits)


def _read(column: Column, path: Path) -> Column:
    if not path:
        return column
    if path[0] != ELEMENT:
        return _read(column.getField(path[0]), path[1:])
    return F.transform(column, lambda value: _read(value, path[1:])) if path[1:] else column


def _field(schema: T.StructType, name: str, case_sensitive: bool) -> T.StructField | None:
    if name in schema.names:
        return schema[name]
    lower = name.lower()
    return None if case_sensitive else next((one for one in schema.fields if one.name.lower() == lower), None)


def _step(kind: T.DataType, step: str, case_sensitive: bool) -> tuple[Path, T.DataType] | None:
    if step == ELEMENT and isinstance(kind, T.ArrayType):
        return (ELEMENT,), kind.elementType
    if isinstance(kind, T.StructType):
        if step != ELEMENT and (field := _field(kind, step, case_sensitive)) is not None:
            return (field.name,), field.dataType
        if is_choice(kind):
            for member in kind.fields:
                if (below := _step(member.dataType, step, case_sensitive)) is not None:
                    return (member.name, *below[0]), below[1]
    return None
