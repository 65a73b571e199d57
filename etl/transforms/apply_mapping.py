"""ApplyMapping: choose, rename and cast fields in one step (AWS Glue Developer Guide, "ApplyMapping class")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.casts import cast_as
from lakelet.etl.choices import is_choice, member_name, text_as
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.glue_types import spark_name, spark_type
from lakelet.etl.paths import ELEMENT, column_at, locate, parse_path
from lakelet.etl.transforms.nesting import nested
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column

    from lakelet.etl.paths import Path

Mapping = Sequence[str]
# Nested types without their insides, as Glue Studio writes them: the field stays as it is.
WHOLE = frozenset({"array", "struct", "map", "choice"})


def apply_mapping(
    frame: DynamicFrame, mappings: Sequence[Mapping], *, case_sensitive: bool = False, name: str = ""
) -> DynamicFrame:
    """Fields as ``(source, source type, target, target type)``; those not listed are dropped.

    A pair ``(source, target)`` keeps the type. A value that cannot be cast becomes null, as AWS documents for casts.
    Of a choice, the values of the source type are taken. A source is a path (``a.b``; below ``a[]`` the array of the
    values), a target may be one into structs, which are built; a name with dots stands between backticks.
    A mapping of a source that is not there makes no field, as on AWS: no record has it.
    Raises UsageError for a mapping of another form or an unknown type, and UnsupportedError for a target inside an
    array.
    """
    made = (_target(frame, mapping, case_sensitive) for mapping in mappings)
    targets = [target for target in made if target is not None]
    return frame.derive(frame.raw.select(*nested(targets)), name=name)


def _target(frame: DynamicFrame, mapping: Mapping, case_sensitive: bool) -> tuple[Path, Column] | None:
    if isinstance(mapping, str) or len(mapping) not in (2, 4):
        raise UsageError(f"The mapping {mapping!r} is not (source, source type, target, target type).")
    source, target = mapping[0], mapping[-2 if len(mapping) == 4 else -1]
    where = parse_path(target)
    if ELEMENT in where:
        raise UnsupportedError(f"ApplyMapping does not build arrays: the target {target} has to be fields of structs.")
    schema = frame.raw.schema
    at = locate(schema, source, case_sensitive=case_sensitive)
    if at is None:
        if len(mapping) == 4:
            spark_type(mapping[3]) if mapping[3].strip().lower() not in WHOLE else None
        return None
    path, kind = at
    column, declared = column_at(path), frame.pending.get(path[0])
    if len(mapping) == 2:
        return where, (column if declared is None else column.try_cast(spark_name(declared)))
    source_type, target_type = mapping[1], mapping[3]
    if declared is not None:
        return where, text_as(column, source_type, target_type)
    if target_type.strip().lower() in WHOLE:
        return where, column
    depth = path.count(ELEMENT)
    if depth and target_type.strip().lower().startswith("array<"):
        return where, _cast(column, _array_of(kind, depth), source_type, target_type)
    return where, _each(column, depth, lambda value: _cast(value, kind, source_type, target_type))


def _array_of(kind: T.DataType, depth: int) -> T.DataType:
    return T.ArrayType(_array_of(kind, depth - 1)) if depth else kind


def _each(column: Column, depth: int, change: Callable[[Column], Column]) -> Column:
    """A change of a value, or of every value of arrays in arrays, so deep."""
    return F.transform(column, lambda value: _each(value, depth - 1, change)) if depth else change(column)


def _cast(column: Column, kind: T.DataType, source_type: str, target_type: str) -> Column:
    """A value as the target type; of a choice, the values of the source type. Fields of structs go by their names."""
    if is_choice(kind) and isinstance(kind, T.StructType):
        column, kind = _member(column, kind, source_type)
    return cast_as(column, kind, spark_type(target_type))


def _member(column: Column, kind: T.StructType, source_type: str) -> tuple[Column, T.DataType]:
    """The values of one type of a choice; none of that type: whatever is there."""
    lower = source_type.strip().lower()
    wanted = lower if lower in WHOLE else member_name(spark_type(source_type))
    if wanted in kind.names:
        return column.getField(wanted), kind[wanted].dataType
    return F.coalesce(*(column.getField(name).try_cast("string") for name in kind.names)), T.StringType()
