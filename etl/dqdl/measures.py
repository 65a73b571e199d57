"""What is measured of a dataset: all aggregates in one select, all groupings in one union (ADR 18)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lakelet.etl.frame import field_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row

Run = Callable[["DataFrame"], list["Row"]]


@dataclass(frozen=True)
class Frequencies:
    """How often the values of columns occur: ``rows`` with a value, ``distinct`` values, ``unique`` ones that occur
    once, ``groups`` with null counted as a value, and ``entropy`` in nats.
    """

    rows: int
    distinct: int
    unique: int
    groups: int
    entropy: float


Values = Mapping[str, Any]


@dataclass
class Measures:
    """Collects what rules want to know, each thing once, and finds it all out together."""

    _columns: dict[str, Column] = field(default_factory=dict)
    _groupings: dict[str, tuple[Sequence[str], Column | None]] = field(default_factory=dict)

    def add(self, key: str, aggregate: Column) -> str:
        """An aggregate of the rows; what is the same has the same key."""
        self._columns.setdefault(key, aggregate)
        return key

    def group(self, columns: Sequence[str], where: Column | None, where_text: str | None) -> str:
        """Frequencies of the values of columns."""
        key = f"frequencies of {list(columns)} where {where_text}"
        self._groupings.setdefault(key, (columns, where))
        return key

    def values(self, rows: DataFrame, attached: DataFrame, run: Run) -> Values:
        """Numbers, and :class:`Frequencies`, by key. ``attached`` are the rows with columns of our own, which
        aggregates may be of; ``run`` carries out an action.
        """
        found: dict[str, Any] = {}
        if self._columns:
            aliased = [column.alias(f"m{i}") for i, column in enumerate(self._columns.values())]
            (row,) = run(attached.agg(*aliased))
            found |= {key: _number(value) for key, value in zip(self._columns, row, strict=True)}
        if self._groupings:
            counted = [
                _counted(rows, *grouping).select(F.lit(i).alias("i"), "*")
                for i, grouping in enumerate(self._groupings.values())
            ]
            keys = list(self._groupings)
            for row in run(reduce(lambda one, other: one.unionAll(other), counted)):
                found[keys[row["i"]]] = _frequencies(row)
        return found


def _counted(rows: DataFrame, columns: Sequence[str], where: Column | None) -> DataFrame:
    if where is not None:
        rows = rows.where(where)
    names = [f"g{i}" for i in range(len(columns))]
    keys = [field_of(column).alias(name) for name, column in zip(names, columns, strict=True)]
    groups = rows.select(*keys).groupBy(*names).agg(F.count(F.lit(1)).alias("n"))
    present = reduce(lambda one, other: one | other, (F.col(name).isNotNull() for name in names))
    n = F.col("n")
    return groups.agg(
        F.sum(F.when(present, n)).alias("rows"),
        F.count_if(present).alias("distinct"),
        F.count_if(present & (n == 1)).alias("unique"),
        F.count(F.lit(1)).alias("groups"),
        F.sum(F.when(present, n * F.log(n.cast("double")))).alias("weight"),
    )


def _frequencies(row: Row) -> Frequencies:
    count = row["rows"] or 0
    entropy = math.log(count) - row["weight"] / count if count else 0.0
    return Frequencies(count, row["distinct"], row["unique"], row["groups"], abs(entropy))


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
