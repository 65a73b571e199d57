"""A mistake of the script's fails its run once, with the same words and line on every engine, and no second run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakelet.jobs import engines
from lakelet.jobs.client import JobClient

pytestmark = pytest.mark.stack

SCRIPT = """from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = SparkSession.builder.getOrCreate()
frame = spark.createDataFrame([(1, "a")], ["month", "carrier"])
"""
UDF = 'frame.select(F.udf(lambda name: {"b": 1}[name], "int")("carrier")).collect()'
PATH = 'spark.read.parquet("s3://bronze/no/such/path/").count()'


def failed(stack: Any, folder: Path, line: str, engine: str) -> str:
    """Why a script of that last line failed, on the engine that it was given to first."""
    script = folder / "mistake.py"
    script.write_text(SCRIPT + line + "\n")
    jobs = JobClient(stack.workspace)
    ended = jobs.wait(jobs.submit(str(script), {engines.ARGUMENT: engine}))
    assert ended["JobRunState"] == "FAILED"
    choice = engines.noted(stack.workspace.runs / ended["Id"])
    assert choice is not None
    assert choice.engine == (engines.SPARK if engine == engines.SPARK else engines.SAIL)
    reason = str(ended["ErrorMessage"])
    assert reason.endswith(f"At mistake.py:6: {line}")
    return reason


def test_a_misspelt_column_is_the_same_error_on_every_engine(stack: Any, tmp_path: Path) -> None:
    line = 'frame.select("mnth").show()'
    on_spark, on_sail, on_auto = (failed(stack, tmp_path, line, engine) for engine in ("spark", "sail", "auto"))
    assert on_spark == on_sail == on_auto
    assert "AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION]" in on_spark
    assert "following? [`month`, `carrier`]" in on_spark


def test_a_failing_function_of_the_script_is_not_run_again(stack: Any, tmp_path: Path) -> None:
    assert "KeyError: 'a'. At" in failed(stack, tmp_path, UDF, "auto")


def test_a_missing_path_is_not_looked_for_again(stack: Any, tmp_path: Path) -> None:
    assert "AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://bronze/no/such/path" in failed(
        stack, tmp_path, PATH, "auto"
    )


def test_a_misspelt_partition_column_is_the_scripts_mistake(stack: Any, tmp_path: Path) -> None:
    line = 'frame.write.partitionBy("mnth").parquet("s3://silver/misspelt/")'
    on_spark, on_sail, on_auto = (failed(stack, tmp_path, line, engine) for engine in ("spark", "sail", "auto"))
    assert on_spark == on_sail == on_auto
