"""What a data frame tells of where its rows lie, on Sail, which has no RDDs: ``df.rdd.isEmpty()``, an old way to ask
whether there are rows, is answered.
"""

from __future__ import annotations

from typing import Any, NoReturn

from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace


def install(workspace: Workspace) -> None:
    """Stand before ``DataFrame.rdd`` and the like."""
    from pyspark.sql.connect.dataframe import DataFrame

    engine.replace(DataFrame, "rdd", property(_Rdd))
    engine.replace(DataFrame, "isLocal", engine.refusing("DataFrame.isLocal"))
    engine.replace(DataFrame, "storageLevel", property(engine.refusing("DataFrame.storageLevel")))


class _Rdd:
    """The RDD of some rows."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def isEmpty(self) -> bool:
        """Whether there are no rows."""
        return bool(self._rows.isEmpty())

    def __iter__(self) -> NoReturn:  # who takes an RDD for rows of Python's
        raise engine.refused("DataFrame.rdd")

    def __getattr__(self, name: str) -> NoReturn:
        raise engine.refused(f"DataFrame.rdd.{name}")
