"""The statistics of data frames on Sail, as Spark has them: ``describe``, ``summary``, ``cov``, ``corr``, ``crosstab``.

Sail's own pass over nulls in ``cov`` and ``corr``, where Spark takes them for 0, interpolate percentiles, and write
doubles otherwise than Java.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_DESCRIBED = ("count", "mean", "stddev", "min", "max")
_SUMMED_UP = ("count", "mean", "stddev", "min", "25%", "50%", "75%", "max")


def _number(value: Column, kind: T.DataType) -> Column:
    return value.cast("double") if isinstance(kind, T.StringType) else value


_STATISTICS: Mapping[str, Callable[[Column, T.DataType], Column]] = {
    "count": lambda value, kind: F.count(value),
    "count_distinct": lambda value, kind: F.count_distinct(value),
    "mean": lambda value, kind: F.avg(_number(value, kind)),
    "stddev": lambda value, kind: F.stddev(_number(value, kind)),
    "min": lambda value, kind: F.min(value),
    "max": lambda value, kind: F.max(value),
}


def install(workspace: Workspace) -> None:
    """Stand before the statistics of data frames."""
    from pyspark.sql.connect.dataframe import DataFrame

    covariance: Any = DataFrame.cov
    correlation: Any = DataFrame.corr

    def describe(self: Any, *cols: Any) -> Any:
        given = list(cols[0]) if len(cols) == 1 and isinstance(cols[0], list) else list(cols)
        return _summary(self.select(*given) if given else self, _DESCRIBED)

    def summary(self: Any, *statistics: Any) -> Any:
        given = statistics[0] if len(statistics) == 1 and isinstance(statistics[0], list) else statistics
        return _summary(self, given or _SUMMED_UP)

    def crosstab(self: Any, *columns: str) -> Any:
        raise engine.otherwise("crosstab", "nulls are not counted, and columns come in another order")

    def cov(self: Any, col1: str, col2: str) -> float:
        return float(covariance(_without_nulls(self, col1, col2), col1, col2))

    def corr(self: Any, col1: str, col2: str, method: str | None = None) -> float:
        return float(correlation(_without_nulls(self, col1, col2), col1, col2, method))

    made = {"describe": describe, "summary": summary, "crosstab": crosstab, "cov": cov, "corr": corr}
    for name, value in made.items():
        engine.replace(DataFrame, name, value)
    engine.replace(DataFrame, "approxQuantile", engine.refusing("DataFrame.approxQuantile"))


def _without_nulls(rows: DataFrame, *names: str) -> DataFrame:
    """Those columns as doubles, with 0 for null."""
    return rows.select(
        *(F.coalesce(F.col(name).cast("double"), F.lit(0.0)).alias(name) for name in dict.fromkeys(names))
    )


def _summary(rows: DataFrame, statistics: Any) -> DataFrame:
    """A row of texts for each statistic, of the columns that are numbers or text."""
    for one in statistics:
        if str(one).endswith("%") or str(one) == "approx_count_distinct":
            raise engine.otherwise(f"The statistic {one} of summary", "it is interpolated or estimated in another way")
        if one not in _STATISTICS:
            raise engine.refused(f"The statistic {one} of summary")
    fields = [field for field in rows.schema if isinstance(field.dataType, T.NumericType | T.StringType)]
    if not fields:
        return rows.sparkSession.createDataFrame([(one,) for one in statistics], "summary string")
    told = [  # a list for each column, and then a row for each of their places
        F.array(*(_STATISTICS[one](F.col(quoted(f.name)), f.dataType).cast("string") for one in statistics)).alias(
            str(at)
        )
        for at, f in enumerate(fields)
    ]
    places = F.explode(F.array(*map(F.lit, range(1, len(statistics) + 1))))
    texts = [F.element_at(F.col(str(at)), F.col("place")).alias(f.name) for at, f in enumerate(fields)]
    names = F.element_at(F.array(*map(F.lit, statistics)), F.col("place")).alias("summary")
    return rows.agg(*told).select("*", places.alias("place")).select(names, *texts)
