"""Spark and Sail for tests of etl and awsglue: one JVM for the test process, one GlueContext for each module.

``glue`` has no stack behind it; ``lake`` reads and writes that of the test run, in the test's own process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from lakelet.jobs.sail import sail_environment
from lakelet.jobs.spark import LIGHT_FLAGS, archive_flags, class_path, python_path, spark_properties
from lakelet.stack.install import install
from lakelet.workspace.environment import client_environment
from lakelet.workspace.paths import STATE_VARIABLE, Workspace
from lakelet.workspace.secrets import secret

if TYPE_CHECKING:
    from awsglue.context import GlueContext
    from awsglue.dynamicframe import DynamicFrame


lake_on_spark = pytest.mark.parametrize("lake", ["spark"], indirect=True)
on_spark = pytest.mark.parametrize("glue", ["spark"], indirect=True)  # what Sail refuses: see test_sail.py


@pytest.fixture(scope="module", params=["spark", "sail"])
def glue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GlueContext]:
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STATE_VARIABLE, str(folder / ".lakelet"))
        workspace = Workspace.find()
        if request.param == "sail":
            with _on_sail() as context:
                yield context
            return
        install(workspace)
        with _context(workspace, patch, {"spark.sql.warehouse.dir": str(folder / "warehouse")}) as context:
            yield context


@pytest.fixture(scope="module", params=["spark", "sail"])
def lake(request: pytest.FixtureRequest, stack: Any) -> Iterator[GlueContext]:
    with lake_on(request.param, stack.workspace) as context:
        yield context


@contextmanager
def lake_on(engine: str, workspace: Workspace) -> Iterator[GlueContext]:
    """One of the engines over the lake of the test run; in a process one after the other."""
    if engine == "sail":
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (client_environment(workspace) | sail_environment(workspace)).items():
                patch.setenv(name, value)
            with _on_sail() as context:
                yield context
        return
    provider = "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider"
    conf = spark_properties(workspace) | {
        "spark.hadoop.fs.s3a.aws.credentials.provider": provider,
        "spark.hadoop.fs.s3a.access.key": secret(workspace, "access_key"),
        "spark.hadoop.fs.s3a.secret.key": secret(workspace, "secret_key"),
        "spark.eventLog.enabled": "false",
    }
    with pytest.MonkeyPatch.context() as patch, _context(workspace, patch, conf) as context:
        yield context


@contextmanager
def _on_sail() -> Iterator[GlueContext]:
    from awsglue.context import GlueContext
    from lakelet.etl import sql_tables
    from lakelet.etl.sail import engine

    engine.start()
    sql_tables.install()
    try:
        from pyspark import SparkContext

        yield GlueContext(SparkContext.getOrCreate())
    finally:
        engine.stop()


@contextmanager
def _context(workspace: Workspace, patch: pytest.MonkeyPatch, given: dict[str, str]) -> Iterator[GlueContext]:
    from pyspark import SparkConf, SparkContext

    from awsglue.context import GlueContext

    patch.setenv("JAVA_HOME", str(workspace.cache.java_home))
    patch.setenv("SPARK_CONF_DIR", str(workspace.state / "no-conf"))
    patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    java = f"--driver-java-options '{' '.join((*LIGHT_FLAGS, *archive_flags(workspace)))}'"
    patch.setenv("PYSPARK_SUBMIT_ARGS", f"--driver-class-path '{class_path(workspace)}' {java} pyspark-shell")
    patch.setenv("PYSPARK_PYTHON", sys.executable)
    SparkContext._ensure_initialized()  # a JVM that is started for a conf has all of it, keys too, in its argv
    conf = SparkConf().setAll(list(given.items())).setMaster("local[1]").set("spark.ui.enabled", "false")
    conf.set("spark.sql.shuffle.partitions", "1").set("spark.sql.ansi.enabled", "false")
    conf.set("spark.executorEnv.PYTHONPATH", python_path())  # Python workers as those of jobs
    context = SparkContext.getOrCreate(conf)
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
