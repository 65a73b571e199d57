"""Python functions over single records: Filter and Map. A record is a dict; nested structs are dicts too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pyspark.sql import Row
from pyspark.sql import types as T

from etl.delimited_source import ERROR
from etl.dynamicframe import DynamicFrame

Record = dict[str, Any]


def filter_records(frame: DynamicFrame, f: Callable[[Record], bool], *, name: str = "") -> DynamicFrame:
    """The records for which ``f(record)`` is true."""
    rows = frame.toDF()
    kept = rows.rdd.filter(lambda row: bool(f(row.asDict(recursive=True))))
    return frame.derive(frame.glue_ctx.spark_session.createDataFrame(kept, rows.schema), name=name)


def map_records(frame: DynamicFrame, f: Callable[[Record], Record], *, name: str = "") -> DynamicFrame:
    """``f(record)`` for every record; one for which it raises becomes an error record, as AWS documents for Map.

    The new schema is inferred from all results, so ``f`` runs more than once over each record.
    """
    outcomes = frame.toDF().rdd.mapPartitions(_Mapper(f))
    session = frame.glue_ctx.spark_session
    results = outcomes.filter(lambda outcome: outcome[1] is None).map(lambda outcome: outcome[0])
    failures = outcomes.filter(lambda outcome: outcome[1] is not None).map(lambda outcome: (outcome[1],))
    errors = session.createDataFrame(failures, T.StructType([T.StructField("error", ERROR)]))
    mapped = (
        session.createDataFrame([], T.StructType([]))
        if results.isEmpty()
        else session.createDataFrame(results, samplingRatio=1.0)
    )
    return frame.derive(mapped, name=name).with_errors(errors)


class _Mapper:
    def __init__(self, f: Callable[[Record], Record]) -> None:
        self.f = f

    def __call__(self, rows: Iterable[Row]) -> Iterator[tuple[Record | None, tuple[Any, ...] | None]]:
        for row in rows:
            record = row.asDict(recursive=True)
            try:
                yield dict(self.f(dict(record))), None
            except Exception as error:
                yield None, (f"{type(error).__name__}: {error}", str(record), None, None)
