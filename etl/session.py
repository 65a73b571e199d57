"""The Spark session of a job, set up as Glue sets it up, and the application's id written where its run is kept."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from lakelet.etl.sail import engine
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import RUN_VARIABLE

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

# UTC, as on Glue. Timestamps in Parquet as 64-bit microseconds: the 96-bit form that Spark writes by default is
# deprecated and without statistics.
_DEFAULTS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}


def session_of(spark_context: SparkContext) -> SparkSession:
    """The session of a SparkContext, with Glue's defaults for what the job's configuration leaves open."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.config(conf=spark_context.getConf()).getOrCreate()
    configured = spark_context.getConf()
    for name, value in _DEFAULTS.items():
        if not configured.contains(name):
            session.conf.set(name, value)
    return session


def record_application(workspace: Workspace, spark_context: SparkContext) -> None:
    """Write the Spark application's id into the run's folder, from where logs and pages link to Spark's UI."""
    if engine.active():  # Sail has neither executors' logs nor pages
        return
    run = os.environ.get(RUN_VARIABLE, "")
    if re.fullmatch(r"[A-Za-z0-9_-]+", run):
        write_atomic(workspace.runs / run / "application_id", spark_context.applicationId.encode())
