"""``orderBy(…).dropDuplicates([…])`` on Sail: of each key the first row in that order, as scripts mean it and as Spark
does it with small data. Sail drops a sort below a grouping, and keeps any row.
"""

from __future__ import annotations

from typing import Any

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine, single
from lakelet.etl.sail.statements import order_of
from lakelet.workspace.paths import Workspace

_AT = "_lakelet_at"


def install(workspace: Workspace) -> None:
    """Stand before ``dropDuplicates`` of some columns."""
    from pyspark.sql import functions as F
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.window import Window

    original = DataFrame.dropDuplicates

    def first(self: Any, subset: Any = None) -> Any:
        order = _order(self._plan) if isinstance(subset, list | tuple) and subset else None
        if order is None:
            return original(self, subset)
        of_key = Window.partitionBy(*(F.col(quoted(name)) for name in subset)).orderBy(*order)
        return self.withColumn(_AT, F.row_number().over(of_key)).where(F.col(_AT) == 1).drop(_AT)

    for name in ("dropDuplicates", "drop_duplicates"):
        engine.replace(DataFrame, name, first)


def _order(plan: Any) -> list[Any] | None:
    """The columns by which rows are sorted; None if they are not. Raises UnsupportedError where other columns came
    after the sort, by which it may not be possible to say it again."""
    changed = False
    while single.is_narrow(plan):
        changed = changed or type(plan).__name__ not in ("Filter", "SubqueryAlias", "Repartition")
        plan = plan._child
    if order_of(plan):
        raise engine.refused("dropDuplicates of the rows of a statement with ORDER BY")
    if type(plan).__name__ != "Sort" or not plan.is_global:
        return None
    if changed:
        raise engine.refused("dropDuplicates of rows that were sorted, and got other columns then,")
    return list(plan.columns)
