"""What only Spark's JVM can be asked, through py4j: a Spark Connect server has none of it (docs/awsglue.md).

:mod:`lakelet.etl.scans`, which rebuilds Spark's plans, is the other module that does so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakelet.etl.sail import engine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def partitions_of(rows: DataFrame) -> int:
    """The number of partitions that the rows are computed in; no Python worker is started for it."""
    engine.spark_only("getNumPartitions")
    frame: Any = rows
    return int(frame._jdf.rdd().getNumPartitions())
