"""What a script has made stays what it was when it was made, on both engines: functions, values of chance, temporary
views."""

from __future__ import annotations

import uuid
from typing import Any

import pandas as pd
import pytest
from pyspark.errors import AnalysisException, PySparkAttributeError
from pyspark.sql import functions as F

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError


@pytest.fixture
def spark(glue: GlueContext) -> Any:
    return glue.spark_session


def counted(rows: Any) -> list[int]:
    return [row[0] for row in rows.collect()]


def test_a_function_is_what_it_was_when_it_was_called(spark: Any) -> None:
    rows = spark.createDataFrame([(1, 2)], "a int, b int")
    made = rows
    for name in ("a", "b"):
        made = made.withColumn(name, F.udf(lambda value: name + str(value))(name))  # noqa: B023 - as scripts do
    assert made.collect() == [("a1", "b2")]
    known = {"factor": 10}
    times = F.udf(lambda value: value * known["factor"], "int")
    first = rows.select(times("a"))
    known["factor"] = 100
    assert (counted(first), counted(rows.select(times("b")))) == ([10], [20])  # pickled once


def test_functions_over_batches_and_table_functions_are_too(spark: Any) -> None:
    rows, more = spark.createDataFrame([(1, 2)], "a int, b int"), 1

    @F.pandas_udf("long")
    def added(values: pd.Series) -> pd.Series:
        return values + more

    class Added:
        def eval(self, value: int) -> Any:
            yield (value + more,)

    made = [
        rows.select(added("a")),
        rows.select("a").mapInPandas(lambda parts: (part + more for part in parts), "a int"),
        rows.select("a").groupBy("a").applyInPandas(lambda part: part + more, "a int"),
        F.udtf(Added, returnType="a int")(F.lit(1)),
    ]
    more = 100
    assert [counted(one) for one in made] == [[2]] * len(made)


def test_functions_of_dynamic_frames_are_too(glue: GlueContext) -> None:
    frame = DynamicFrame.fromDF(glue.spark_session.createDataFrame([(1,), (2,)], "a int"), glue, "frame")
    mapped = frame
    for digit in (1, 2, 3):
        mapped = mapped.map(lambda record: {"a": record["a"] * 10 + digit})  # noqa: B023
    wanted = 1
    kept = frame.filter(lambda record: record["a"] == wanted)
    wanted = 2
    assert (sorted(counted(mapped.toDF())), counted(kept.toDF())) == ([1123, 2123], [1])


def test_a_function_of_no_columns_is_called_for_each_row(spark: Any) -> None:
    spark.udf.register("anything", lambda: str(uuid.uuid4()))
    made = spark.range(5).select(
        F.udf(lambda: str(uuid.uuid4()))().alias("none"),
        F.udf(lambda size: str(uuid.uuid4())[:size])(F.lit(20)).alias("literal"),
        F.udf(lambda size: str(uuid.uuid4())[:size])(size=F.lit(20)).alias("named"),
        F.udf(lambda: (str(uuid.uuid4()),), "struct<a: string>")().alias("struct"),
        F.expr("anything()").alias("registered"),
    )
    assert made.agg(*(F.countDistinct(name) for name in made.columns)).first() == (5,) * 5
    assert spark.range(1).select(F.udf(repr)(F.lit(1))).columns == ["repr(1)"]


@pytest.mark.parametrize("glue", ["sail"], indirect=True)
def test_a_function_that_sql_has_named_is_not_registered_anew(spark: Any) -> None:
    for value in (1, 2):
        spark.udf.register("named_later", lambda: value, "int")  # noqa: B023
    assert counted(spark.sql("SELECT named_later()")) == [2]
    with pytest.raises(UnsupportedError, match="Registering the function named_later anew"):
        spark.udf.register("named_later", lambda: 3, "int")


@pytest.mark.parametrize("text", [False, True])
def test_values_of_chance_are_one_in_all_that_is_made_of_a_data_frame(spark: Any, text: bool) -> None:
    if text:
        rows = spark.sql("SELECT id, uuid() AS key, rand() AS draw FROM range(3)")
    else:
        rows = spark.range(3).withColumn("key", F.expr("uuid()")).withColumn("draw", F.rand())
    assert rows.count() == 3
    assert rows.collect() == rows.collect()
    assert rows.select("key", "draw").join(rows, ["key", "draw"]).count() == 3
    rows.createOrReplaceTempView("drawn")
    assert spark.table("drawn").join(rows, "key").count() == 3


def test_cached_rows_are_kept(spark: Any) -> None:
    rows = spark.range(3).withColumn("key", F.udf(lambda: str(uuid.uuid4()))()).withColumn("at", F.current_timestamp())
    rows.cache()
    assert rows.collect() == rows.collect()
    assert rows.select("key", "at").join(rows, ["key", "at"]).count() == 3
    doubled = spark.range(3).withColumn("twice", F.udf(lambda value: 2 * value, "long")("id")).orderBy(F.desc("id"))
    assert [row.twice for row in doubled.persist().collect()] == [4, 2, 0]


@pytest.mark.parametrize("glue", ["sail"], indirect=True)
def test_an_order_below_values_of_chance_is_refused(spark: Any) -> None:
    rows = spark.range(3).orderBy(F.desc("id")).withColumn("key", F.expr("uuid()"))
    with pytest.raises(UnsupportedError, match="An order below values"):
        rows.collect()


def test_a_data_frame_keeps_the_views_that_there_were(spark: Any) -> None:
    spark.range(3).createOrReplaceTempView("moments")
    read, asked = spark.table("moments"), spark.sql("SELECT * FROM moments")
    spark.range(5).withColumn("more", F.lit(1)).createOrReplaceTempView("Moments")
    assert (read.columns, read.count(), asked.count()) == (["id"], 3, 3)
    assert spark.table("moments").columns == ["id", "more"]
    assert counted(spark.sql("SELECT MOMENTS.id FROM MOMENTS WHERE id > 3")) == [4]
    assert counted(spark.sql("WITH moments AS (SELECT 1 x) SELECT x FROM moments")) == [1]
    made = None
    for size in (1, 2):
        spark.range(size).createOrReplaceTempView("moments")
        step = spark.sql("SELECT count(*) FROM moments")
        made = step if made is None else made.union(step)
    assert sorted(counted(made)) == [1, 2]


def test_what_is_not_there_is_missed_at_once(spark: Any) -> None:
    rows = spark.createDataFrame([(1, (2,))], "a int, st struct<x: int>")
    assert rows.select(rows["A"], rows["st.x"]).columns[1] == "x"
    assert (aliased := rows.alias("r")).select(aliased["r.a"]).collect() == [(1,)]
    for wrong in (
        lambda: rows["missing"],
        lambda: rows["st.missing"],
        lambda: rows.missing,
        lambda: spark.table("missing"),
        lambda: spark.sql("SELECT missing FROM range(1)"),
        lambda: spark.sql("SELECT * FROM missing"),
    ):
        with pytest.raises((AnalysisException, PySparkAttributeError)):
            wrong()


def test_a_view_of_sql_is_of_the_views_that_there_are(spark: Any) -> None:
    spark.range(3).createOrReplaceTempView("below")
    spark.sql("CREATE OR REPLACE TEMP VIEW middle AS SELECT id + 1 AS id FROM below")
    spark.sql("CREATE OR REPLACE TEMP VIEW above AS SELECT * FROM middle")
    before = spark.table("above")
    spark.range(9).createOrReplaceTempView("below")
    assert (before.count(), spark.table("above").count()) == (3, 9)


def test_a_view_that_was_dropped_may_be_made_again(spark: Any) -> None:
    spark.range(3).createOrReplaceTempView("dropped")
    spark.range(4).createOrReplaceTempView("dropped")
    assert spark.catalog.dropTempView("dropped")
    assert not spark.catalog.dropTempView("dropped")
    with pytest.raises(AnalysisException, match="dropped"):
        spark.sql("SELECT * FROM dropped").count()
    spark.range(2).createOrReplaceTempView("dropped")
    assert spark.catalog.tableExists("dropped")
    assert spark.table("dropped").count() == 2
    spark.sql("DROP VIEW dropped")
    with pytest.raises(AnalysisException, match="dropped"):
        spark.table("dropped").count()
    with pytest.raises(AnalysisException, match="dropped"):
        spark.sql("DROP VIEW dropped")
