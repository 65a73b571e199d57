"""Joins of data frames on Sail, by names and ways of joining that it takes otherwise: keys are found by Spark in any
case, a semi or anti join without a condition asks whether there are rows on the other side (Sail makes all pairs of
them), and a cross join with a condition is an inner one (Sail has none).
"""

from __future__ import annotations

from typing import Any

from lakelet.etl.sail import engine
from lakelet.etl.sail.spelling import own_name
from lakelet.workspace.paths import Workspace

_ONE_SIDED = frozenset(("semi", "leftsemi", "anti", "leftanti"))


def install(workspace: Workspace) -> None:
    """Stand before ``join``."""
    from pyspark.sql import functions as F
    from pyspark.sql.connect.dataframe import DataFrame

    join: Any = DataFrame.join

    def joined(self: Any, other: Any, on: Any = None, how: str | None = None) -> Any:
        if isinstance(on, str):
            on = own_name(self, on)
        elif isinstance(on, list | tuple) and on and all(isinstance(one, str) for one in on):
            on = [own_name(self, one) for one in on]
        kind = how.lower().replace("_", "") if isinstance(how, str) else ""
        if on is None and kind in _ONE_SIDED:
            on = F.lit(True)
        return join(self, other, on, "inner" if kind == "cross" and on is not None else how)

    engine.replace(DataFrame, "join", joined)
