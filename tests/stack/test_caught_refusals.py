"""A script that catches what is refused, and goes on, has not done all: its run fails, and names what was refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakelet.jobs import engines
from lakelet.jobs.client import JobClient
from lakelet.jobs.logs import Stream, read

pytestmark = pytest.mark.stack

CAUGHT = """
import sys
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = SparkSession.builder.getOrCreate()
try:
    ACTION
except Exception as error:
    print("skipped")
LEAVE
"""
AS_IT_IS_MADE = 'spark.range(3).select(F.rint("id"))'
AS_A_ROW_IS_MET = 'spark.sql("select to_json(struct(x)) from values (1e20D) t(x)").collect()'


ON_BOTH = """from awsglue.context import GlueContext
    GlueContext(spark.sparkContext).create_dynamic_frame.from_options("dynamodb", {"dynamodb.input.tableName": "t"})"""


@pytest.mark.parametrize("engine", [engines.SPARK, engines.SAIL])
def test_what_no_engine_has_fails_the_run_on_both(stack: Any, tmp_path: Path, engine: str) -> None:
    path = tmp_path / "caught.py"
    path.write_text(CAUGHT.replace("ACTION", ON_BOTH).replace("LEAVE", ""))
    jobs = JobClient(stack.workspace)
    ended = jobs.wait(jobs.submit(str(path), {engines.ARGUMENT: engine}))
    assert ended["JobRunState"] == "FAILED"
    assert "after an error that it caught" in ended["ErrorMessage"]
    assert "dynamodb" in ended["ErrorMessage"]
    assert "skipped" in [line.text for line in read(stack.workspace, ended["Id"], Stream.driver)]


@pytest.mark.parametrize("leave", ["", "sys.exit(0)", "raise RuntimeError('no rows')"])
@pytest.mark.parametrize("action", [AS_IT_IS_MADE, AS_A_ROW_IS_MET])
def test_a_refusal_that_is_caught_fails_the_run(stack: Any, tmp_path: Path, action: str, leave: str) -> None:
    path = tmp_path / "caught.py"
    path.write_text(CAUGHT.replace("ACTION", action).replace("LEAVE", leave))
    jobs = JobClient(stack.workspace)
    ended = jobs.wait(jobs.submit(str(path), {engines.ARGUMENT: engines.SAIL}))
    assert ended["JobRunState"] == "FAILED"
    assert "after an error that it caught" in ended["ErrorMessage"]
    assert "--engine spark" in ended["ErrorMessage"]
    assert [line.text for line in read(stack.workspace, ended["Id"], Stream.driver)] == ["skipped"]


def test_an_error_that_spark_has_too_may_be_caught(stack: Any, tmp_path: Path) -> None:
    path = tmp_path / "caught.py"
    path.write_text(CAUGHT.replace("ACTION", 'spark.range(1).select("no").collect()').replace("LEAVE", ""))
    jobs = JobClient(stack.workspace)
    assert jobs.wait(jobs.submit(str(path), {engines.ARGUMENT: engines.SAIL}))["JobRunState"] == "SUCCEEDED"
