"""Whole fields kept, dropped and renamed: SelectFields, DropFields, RenameField, DropNullFields, SplitFields."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import is_choice
from lakelet.etl.dynamicframe import DynamicFrame, field_of
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.paths import ELEMENT, Path, column_at, locate, located, parse_path, rewrite
from lakelet.etl.transforms.nesting import nested

if TYPE_CHECKING:
    from pyspark.sql import Column


def select_fields(frame: DynamicFrame, paths: Sequence[str], *, name: str = "") -> DynamicFrame:
    """Only these fields, in their order in ``paths``; of a path into a struct, the struct with that field alone.

    A field that is not there is left out, as on AWS.
    """
    schema = frame.raw.schema
    found = list(located(schema, _all(paths)))
    order = list(dict.fromkeys(path[0] for path in found))
    others = dict.fromkeys(_others(schema, (), found), _dropped)
    kept = frame.raw.select(*rewrite(schema, others)).select(*(field_of(column) for column in order))
    return frame.derive(kept, pending=_pending(frame, order), name=name)


def drop_fields(frame: DynamicFrame, paths: Sequence[str], *, name: str = "") -> DynamicFrame:
    """All fields but these; a path that leads to no field drops nothing, as in Glue. A struct left empty goes too."""
    schema = frame.raw.schema
    kept = frame.raw.select(*rewrite(schema, dict.fromkeys(located(schema, _all(paths)), _dropped)))
    return frame.derive(kept, pending=_pending(frame, kept.columns), name=name)


def rename_field(frame: DynamicFrame, old: str, new: str, *, name: str = "") -> DynamicFrame:
    """One field under another name; both are full paths. A field whose new path has another parent moves there.

    A field that is not there renames nothing, as on AWS. Raises UnsupportedError for a move out of or into an array.
    """
    schema, target = frame.raw.schema, parse_path(new)
    at = locate(schema, old)
    if at is None:
        return frame.derive(frame.raw, pending=frame.pending, name=name)
    path = at[0]
    if path[:-1] == target[:-1]:
        renamed = frame.raw.select(*rewrite(schema, {path: lambda column, _kind, _name: [(target[-1], column)]}))
        pending = {target[-1] if (one,) == path else one: kind for one, kind in frame.pending.items()}
        return frame.derive(renamed, pending=pending, name=name)
    if ELEMENT in (*path, *target):
        raise UnsupportedError(f"RenameField does not move {old} to {new}: within an array a field keeps its parent.")
    settled = frame.settled()
    rest = settled.raw.select(*rewrite(settled.raw.schema, {path: _dropped}), column_at(path).alias("\0moved"))
    existing = [((column,), field_of(column)) for column in rest.columns[:-1]]
    moved = nested([*existing, (target, field_of("\0moved"))], rest.schema)
    return frame.derive(rest.select(*moved), name=name)


def drop_null_fields(frame: DynamicFrame, *, name: str = "") -> DynamicFrame:
    """Without the fields, at any depth of structs, that have no type or are null in every record (one pass)."""
    raw = frame.raw
    leaves = list(_leaves(raw.schema, ()))
    counts = raw.agg(*(F.count(column_at(path)).alias(str(at)) for at, (path, _) in enumerate(leaves))).first()
    empty = [
        path
        for at, (path, kind) in enumerate(leaves)
        if isinstance(kind, T.NullType) or counts is None or not counts[at]
    ]
    kept = raw.select(*rewrite(raw.schema, dict.fromkeys(empty, _dropped)))
    return frame.derive(kept, pending=_pending(frame, kept.columns), name=name)


def split_fields(frame: DynamicFrame, paths: Sequence[str], *, name: str = "") -> tuple[DynamicFrame, DynamicFrame]:
    """Two frames: one of these fields, one of the others. A field that is not there is in neither."""
    return select_fields(frame, paths, name=name), drop_fields(frame, paths, name=name)


def _all(paths: Sequence[str]) -> list[str]:
    return [paths] if isinstance(paths, str) else list(paths)


def _dropped(*_: object) -> list[tuple[str, Column]]:
    return []


def _pending(frame: DynamicFrame, columns: Collection[str]) -> dict[str, str]:
    return {name: kind for name, kind in frame.pending.items() if name in columns}


def _others(kind: T.DataType, path: Path, kept: Sequence[Path]) -> Iterator[Path]:
    """The highest paths that lead to none of ``kept``."""
    if path and path in kept:
        return
    if path and not any(one[: len(path)] == path for one in kept):
        yield path
    elif isinstance(kind, T.StructType):
        for field in kind.fields:
            yield from _others(field.dataType, (*path, field.name), kept)
    elif isinstance(kind, T.ArrayType):
        yield from _others(kind.elementType, (*path, ELEMENT), kept)


def _leaves(kind: T.DataType, path: Path) -> Iterator[tuple[Path, T.DataType]]:
    if isinstance(kind, T.StructType) and not (path and is_choice(kind)):
        for field in kind.fields:
            yield from _leaves(field.dataType, (*path, field.name))
    else:
        yield path, kind
