"""Python functions over single records: Filter and Map. A record is a dict; nested structs are dicts too."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import has_empty_struct, text_choice, unmarked
from lakelet.etl.delimited_source import ERROR
from lakelet.etl.dynamicframe import DynamicFrame, field_of
from lakelet.etl.merging import merged
from lakelet.etl.records import Record, record_of, spark_value, type_of
from lakelet.etl.sail import engine

if TYPE_CHECKING:
    from pyspark.sql import Column


def filter_records(frame: DynamicFrame, f: Callable[[Record], bool], *, name: str = "") -> DynamicFrame:
    """The records for which ``f(record)`` is true. What is undecided stays so."""
    seen = _seen(frame)
    schema = frame.raw.select(*seen).schema
    keep = _over(lambda row: bool(f(record_of(row, schema))), T.BooleanType(), seen, schema)
    return frame.derive(frame.raw.where(keep), pending=frame.pending, name=name)


def map_records(frame: DynamicFrame, f: Callable[[Record], Record], *, name: str = "") -> DynamicFrame:
    """``f(record)`` for every record; one for which it raises becomes an error record, as AWS documents for Map.

    The new schema is that of all results, with choices where they differ, so ``f`` runs more than once over each
    record.
    """
    rows = frame.raw.select(*_seen(frame))
    shape = _Shape(f, rows.schema)
    shapes = _over(shape, T.StringType(), _columns(rows), rows.schema)
    found = rows.select(shapes.alias("shape")).distinct().collect()
    schema = merged(T.StructType.fromJson(json.loads(row["shape"])) for row in found if row["shape"])
    if not isinstance(schema, T.StructType):
        schema = T.StructType([])
    outcome = T.StructType(
        [T.StructField("record", schema if schema.fields else T.StringType()), T.StructField("error", ERROR)]
    )
    made = _Mapped(f, rows.schema, schema)
    outcomes = rows.select(_over(made, outcome, _columns(rows), rows.schema).alias("outcome"))
    failed = F.col("outcome.error").isNotNull()
    records = outcomes.where(~failed)
    results = records.select(*(F.col("outcome.record").getField(f.name).alias(f.name) for f in schema.fields))
    return frame.derive(results, name=name).with_errors(
        outcomes.where(failed).select(F.col("outcome.error").alias("error"))
    )


def _seen(frame: DynamicFrame) -> list[Column]:
    """The columns as a function sees them: pending text as what is declared where it can be read so, else as text."""
    return [
        text_choice(field_of(name), name, frame.pending[name]) if name in frame.pending else field_of(name)
        for name in frame.raw.columns
    ]


def _over(
    function: Callable[[Any], Any], result: T.DataType, columns: Sequence[Column], schema: T.StructType
) -> Column:
    """A function of whole records as a column. Spark gives it a struct. On Sail every column is an argument: while Sail
    plans, a struct's fields can become other ones than the function's (not null, say), and so can a choice's mark.
    """
    if not engine.active():
        whole = F.udf(lambda row: function(row), result)  # noqa: PLW0108 - a class has hints
        return whole.asNondeterministic()(F.struct(*columns))
    kinds = {field.name: field.dataType for field in schema.fields}
    # Sail casts no struct without fields, not even to itself.
    if bad := [name for name, kind in kinds.items() if has_empty_struct(kind) and unmarked(kind) != kind]:
        raise engine.refused(f"A Python function of choices with a struct without fields ({', '.join(bad)})")
    given = (column.cast(unmarked(field.dataType)) for column, field in zip(columns, schema.fields, strict=True))
    return F.udf(lambda *row: function(row), result, useArrow=True).asNondeterministic()(*given)


def _columns(rows: Any) -> list[Column]:
    return [field_of(name) for name in rows.columns]


class _Shape:
    """The JSON of the type of what the function makes of a record; null where it raises."""

    def __init__(self, f: Callable[[Record], Record], schema: T.StructType) -> None:
        self.f, self.schema = f, schema

    def __call__(self, row: Any) -> str | None:
        try:
            return type_of(dict(self.f(record_of(row, self.schema)))).json()
        except Exception:
            return None


class _Mapped:
    """What the function makes of a record, or the error record of it."""

    def __init__(self, f: Callable[[Record], Record], schema: T.StructType, result: T.StructType) -> None:
        self.f, self.schema, self.result = f, schema, result

    def __call__(self, row: Any) -> tuple[Any, Any]:
        record = record_of(row, self.schema)
        given = str(record)
        try:
            made = dict(self.f(record))
            type_of(made)
            return (spark_value(made, self.result) if self.result.fields else ""), None
        except Exception as error:
            return None, (f"{type(error).__name__}: {error}", given, None, None)
