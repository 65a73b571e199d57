"""ApplyMapping: choose, rename and cast fields in one step (AWS Glue Developer Guide, "ApplyMapping class")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from etl.choices import is_choice, text_as
from etl.dynamicframe import DynamicFrame, field_of
from etl.errors import UnsupportedError
from etl.glue_types import glue_name, spark_name, spark_type
from workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column

Mapping = Sequence[str]


def apply_mapping(
    frame: DynamicFrame, mappings: Sequence[Mapping], *, case_sensitive: bool = False, name: str = ""
) -> DynamicFrame:
    """Fields as ``(source, source type, target, target type)``; those not listed are dropped.

    A value that cannot be cast becomes null, as AWS documents for casts. Of a choice, the values of the source type
    are taken. A source is a field, a path into a struct (``a.b``), or a field with dots between backticks.
    Raises UsageError for a mapping of another form, a field that is not there or an unknown type, and
    UnsupportedError for a target inside a struct.
    """
    columns = [_column(frame, mapping, case_sensitive) for mapping in mappings]
    return frame.derive(frame.raw.select(*columns), name=name)


def _column(frame: DynamicFrame, mapping: Mapping, case_sensitive: bool) -> Column:
    if len(mapping) != 4:
        raise UsageError(f"The mapping {mapping!r} is not (source, source type, target, target type).")
    source, source_type, target, target_type = mapping
    target = _unquoted(target, "target")
    found, column = _source(frame, source, case_sensitive)
    if found in frame.pending:
        return text_as(column, source_type, target_type).alias(target)
    field = next((field for field in frame.raw.schema.fields if field.name == found), None)
    if field is not None and is_choice(field):
        column = column.getField(glue_name(spark_type(source_type)))
    return column.try_cast(spark_name(target_type)).alias(target)


def _source(frame: DynamicFrame, source: str, case_sensitive: bool) -> tuple[str, Column]:
    quoted = source.startswith("`") and source.endswith("`")
    head, *path = [source[1:-1]] if quoted else source.split(".")
    columns = frame.raw.columns
    found = next((one for one in columns if one == head or (not case_sensitive and one.lower() == head.lower())), None)
    if found is None:
        raise UsageError(f"ApplyMapping names {source}, which is no field: there are {', '.join(columns)}.")
    column = field_of(found)
    for step in path:
        column = column.getField(step)
    return ("" if path else found), column


def _unquoted(name: str, what: str) -> str:
    if name.startswith("`") and name.endswith("`"):
        return name[1:-1]
    if "." in name:
        raise UnsupportedError(f"ApplyMapping does not build nested fields: the {what} {name} has to be a plain name.")
    return name
