"""Unions, intersections and differences on Sail, which takes the types of the first frame for those of all: their
columns are cast to what both are before. ``intersectAll`` is refused, for rows count too often in it."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


_MOST = 150  # plans of 300 end it
_by_place: list[Any] = []  # pyspark's own union, while Sail is the engine


def install(workspace: Workspace) -> None:
    """Stand before the sets of data frames; ``union`` is ``unionAll``, and ``subtract`` is EXCEPT."""
    from pyspark.sql.connect.dataframe import DataFrame

    by_name = DataFrame.unionByName
    _by_place[:] = [DataFrame.unionAll]

    def of_one_type_each(original: Any) -> Any:
        def by_place(self: Any, other: Any) -> Any:
            wanted = [_common(self, *pair) for pair in zip(self.schema.fields, other.schema.fields, strict=False)]
            return original(_cast(self, wanted), _cast(other, wanted))

        return by_place

    def union_by_name(self: Any, other: Any, allowMissingColumns: bool = False) -> Any:
        if allowMissingColumns:
            self, other = _completed(self, other), _completed(other, self)
        theirs = {field.name: field for field in other.schema.fields}
        wanted = {field.name: _common(self, field, theirs.get(field.name, field)) for field in self.schema.fields}
        return by_name(_cast(self, [*wanted.values()]), _cast(other, [wanted.get(name) for name in theirs]))

    def refuse(self: Any, other: Any) -> Any:
        raise engine.otherwise("intersectAll", "rows count too often")

    for name in ("unionAll", "intersect", "subtract", "exceptAll"):
        engine.replace(DataFrame, name, of_one_type_each(getattr(DataFrame, name)))
    for name, value in {"unionByName": union_by_name, "intersectAll": refuse}.items():
        engine.replace(DataFrame, name, value)


def of_one_type(parts: list[DataFrame]) -> DataFrame:
    """The rows of data frames whose columns have the same types, on either engine: Sail is not asked for them.

    Raises UnsupportedError for more of them than Sail's process bears in one another."""
    if engine.active() and len(parts) > _MOST:
        raise engine.refused(f"A union of more than {_MOST} data frames, or of as many partitions,")
    by_place = _by_place[0] if engine.active() else type(parts[0]).unionAll
    rows: DataFrame = reduce(by_place, parts)
    return rows


def _completed(frame: Any, other: Any) -> Any:
    """A frame with nulls for the columns that another has beside."""
    missing = [field for field in other.schema.fields if field.name not in frame.columns]
    return frame.withColumns({field.name: F.lit(None).cast(field.dataType) for field in missing}) if missing else frame


def _common(frame: Any, *fields: Any) -> str | None:
    """The type that columns have in a union; None if it is that of each."""
    kinds = {field.dataType.simpleString() for field in fields} - {"void"}
    if len({field.dataType for field in fields}) < 2 or not kinds:
        return None
    if len(kinds) == 1:  # beside a column of nulls
        return str(kinds.pop())
    if kinds == {"date", "timestamp"}:  # of which Sail makes a type that it has no name for
        return "timestamp"
    nulls = ", ".join(f"CAST(NULL AS {kind})" for kind in sorted(kinds))
    return str(frame.sparkSession.sql(f"SELECT array({nulls})[0] AS one").dtypes[0][1])


def _cast(frame: Any, kinds: list[str | None]) -> Any:
    """A frame with columns of these types, by their place."""
    if not any(kinds):
        return frame
    # By number, for names may stand more than once.
    numbered = frame.toDF(*map(str, range(len(frame.columns))))
    cast = [F.col(f"`{at}`").cast(kind) if kind else F.col(f"`{at}`") for at, kind in enumerate(kinds)]
    return numbered.select(*cast).toDF(*frame.columns)
