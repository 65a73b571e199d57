"""Whole fields kept, dropped and renamed: SelectFields, DropFields, RenameField, DropNullFields, SplitFields."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import functions as F
from pyspark.sql import types as T

from etl.dynamicframe import DynamicFrame, field_of, require_fields


def select_fields(frame: DynamicFrame, paths: Sequence[str], *, name: str = "") -> DynamicFrame:
    """Only these top-level fields, in their order in ``paths``. Raises UsageError for a field that is not there."""
    require_fields(frame.raw, paths, "SelectFields")
    return _keep(frame, _matching(frame, paths), name)


def drop_fields(frame: DynamicFrame, paths: Sequence[str], *, name: str = "") -> DynamicFrame:
    """All fields but these; a name that is no field drops nothing, as in Glue."""
    dropped = set(_matching(frame, paths))
    return _keep(frame, [column for column in frame.raw.columns if column not in dropped], name)


def rename_field(frame: DynamicFrame, old: str, new: str, *, name: str = "") -> DynamicFrame:
    """One top-level field under another name. Raises UsageError when it is not there."""
    old, new = old.strip("`"), new.strip("`")
    require_fields(frame.raw, [old], "RenameField")
    (found,) = _matching(frame, [old])
    pending = {new if path == found else path: kind for path, kind in frame.pending.items()}
    columns = [field_of(column).alias(new) if column == found else field_of(column) for column in frame.raw.columns]
    return frame.derive(frame.raw.select(*columns), pending=pending, name=name)


def drop_null_fields(frame: DynamicFrame, *, name: str = "") -> DynamicFrame:
    """Without the fields that are of the type null, or null in every record (one pass over the data)."""
    raw = frame.raw
    counts = raw.agg(*(F.count(field_of(column)).alias(column) for column in raw.columns)).first()
    kept = [
        field.name
        for field in raw.schema.fields
        if not isinstance(field.dataType, T.NullType) and counts is not None and counts[field.name]
    ]
    return _keep(frame, kept, name)


def split_fields(frame: DynamicFrame, paths: Sequence[str]) -> tuple[DynamicFrame, DynamicFrame]:
    """Two frames: one of these fields, one of the others. Raises UsageError for a field that is not there."""
    return select_fields(frame, paths), drop_fields(frame, paths)


def _matching(frame: DynamicFrame, paths: Sequence[str]) -> list[str]:
    by_lower = {column.lower(): column for column in frame.raw.columns}
    wanted = [path.strip("`").lower() for path in paths]
    return [by_lower[path] for path in wanted if path in by_lower]


def _keep(frame: DynamicFrame, columns: Sequence[str], name: str) -> DynamicFrame:
    pending = {path: kind for path, kind in frame.pending.items() if path in columns}
    return frame.derive(frame.raw.select(*(field_of(column) for column in columns)), pending=pending, name=name)
