"""Which errors on Sail are the script's own: they are told as on Spark; all else may be Sail's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.errors import AnalysisException, ParseException, PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakelet.etl.sail import engine
from lakelet.etl.sail.user_errors import require_statement, unresolved, user_error


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    engine.start()
    session: Any = SparkSession.builder.getOrCreate()
    yield session
    engine.stop()


def mistake(action: Any) -> str:
    with pytest.raises(PySparkException) as caught:
        action()
    found = user_error(caught.value)
    return f"{type(found).__name__}: {found}" if found else ""


def test_an_unknown_column_is_the_scripts_mistake(spark: Any) -> None:
    frame = spark.createDataFrame([(1, "a")], ["month", "carrier"])
    frame.createOrReplaceTempView("v")
    said = "AnalysisException: " + unresolved("mnth", ["month", "carrier"])
    assert mistake(lambda: frame.select("mnth").collect()) == said
    assert mistake(lambda: frame.filter(F.col("mnth") > 1).count()) == said
    assert mistake(lambda: spark.sql("select mnth from v").collect()) == said
    assert mistake(lambda: frame.mnth).startswith("PySparkAttributeError: [ATTRIBUTE_NOT_SUPPORTED]")


def test_a_column_that_the_plan_has_somewhere_may_be_sails_fault(spark: Any) -> None:
    frame = spark.createDataFrame([(1, "a")], ["month", "carrier"])
    assert mistake(lambda: frame.select("carrier").select("month").collect()) == ""
    assert mistake(lambda: frame.withColumnRenamed("month", "m").select("month").collect()) == ""


def test_a_query_that_no_parser_takes_is_a_syntax_error(spark: Any) -> None:
    found = mistake(lambda: spark.sql("select month frm v whre 1").collect())
    assert found.startswith("ParseException: [PARSE_SYNTAX_ERROR] Syntax error at or near 'v'. SQLSTATE: 42601")


def test_other_errors_may_be_sails() -> None:
    assert user_error(AnalysisException("No field named #2.")) is None
    assert user_error(PySparkException("[UNSUPPORTED] not implemented")) is None


def test_what_begins_no_statement_is_a_syntax_error() -> None:
    with pytest.raises(ParseException, match=r"Syntax error at or near 'selec'. SQLSTATE: 42601 \(line 1, pos 0\)"):
        require_statement("selec month from v")
    require_statement("  insert into a select 1")


def test_the_nearest_names_are_suggested_first() -> None:
    assert "[`month`, `carrier`]" in unresolved("mnth", ["carrier", "month"])
    assert "WITHOUT_SUGGESTION" in unresolved("mnth", [])
