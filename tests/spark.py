"""A local Spark for tests of etl and awsglue: one JVM for the test process, one GlueContext for each module."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lakelet.stack.install import install
from workspace.paths import STATE_VARIABLE, Workspace

if TYPE_CHECKING:
    from awsglue.context import GlueContext
    from awsglue.dynamicframe import DynamicFrame


@pytest.fixture(scope="module")
def glue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GlueContext]:
    from pyspark import SparkConf, SparkContext

    from awsglue.context import GlueContext

    folder = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STATE_VARIABLE, str(folder / ".lakelet"))
        workspace = Workspace.find()
        install(workspace)
        patch.setenv("JAVA_HOME", str(workspace.cache.java_home))
        patch.setenv("SPARK_CONF_DIR", str(folder))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        flags = "--driver-java-options '-XX:+UseSerialGC -XX:TieredStopAtLevel=1' pyspark-shell"
        patch.setenv("PYSPARK_SUBMIT_ARGS", flags)
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        conf = SparkConf().setMaster("local[1]").set("spark.ui.enabled", "false")
        conf.set("spark.sql.shuffle.partitions", "1")
        context = SparkContext.getOrCreate(conf.set("spark.sql.warehouse.dir", str(folder / "warehouse")))
        try:
            yield GlueContext(context)
        finally:
            context.stop()


def values(frame: DynamicFrame, *columns: str) -> list[Any]:
    """The rows of a frame: of one column its values, of several tuples."""
    rows = frame.toDF().select(*columns).collect()
    return [row[0] if len(columns) == 1 else tuple(row) for row in rows]


def kinds(frame: DynamicFrame) -> dict[str, str]:
    """Spark's type of each field."""
    return {field.name: field.dataType.simpleString() for field in frame.schema().fields}
