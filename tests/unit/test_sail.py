"""Sail as a script sees it: what works, and that what Sail would leave out in silence is refused or put right."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from lakelet.data.formats import Dialect
from lakelet.data.partitions import DEFAULT_PARTITION
from lakelet.etl.delimited_source import Attached, DelimitedScan
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import partition_types, unions
from lakelet.etl.sail.statements import is_query

on_sail = pytest.mark.parametrize("glue", ["sail"], indirect=True)
SPARK = "--engine spark"


@pytest.fixture
def spark(glue: GlueContext) -> Iterator[Any]:
    return glue.spark_session


@on_sail
def test_every_stock_way_to_a_session_leads_to_sail(spark: Any) -> None:
    from pyspark.context import SparkContext
    from pyspark.sql import SparkSession

    context = SparkContext.getOrCreate()
    with pytest.raises(ValueError, match="getOrCreate"):
        SparkContext()
    again = SparkSession.builder.master("local[*]").appName("stock").getOrCreate()
    assert again.range(3).count() == 3
    again.sparkContext.setLogLevel("WARN")
    assert again.sparkContext is context
    assert SparkSession(context).range(2).count() == 2
    for use in (lambda: context.parallelize([1]), lambda: context._jsc, lambda: context.addPyFile("x.py")):
        with pytest.raises(UnsupportedError, match=SPARK):
            use()


@on_sail
def test_a_glue_context_is_a_sql_context(glue: GlueContext, tmp_path: Path) -> None:
    glue.createDataFrame([(1,)], "n int").createOrReplaceTempView("of_a_glue_context")
    glue.sql("select n + 1 as n from of_a_glue_context").write.json(f"{tmp_path}/out")
    assert [row["n"] for row in glue.read.json(f"{tmp_path}/out").collect()] == [2]
    with pytest.raises(UnsupportedError, match=f"GlueContext._jsc .*{SPARK}"):
        glue._jsc  # noqa: B018
    with pytest.raises(AttributeError, match="registerJavaThing"):
        glue.registerJavaThing  # noqa: B018


@on_sail
def test_compressions_of_text_that_sail_lacks_are_refused_before_anything_is_written(
    glue: GlueContext, tmp_path: Path
) -> None:
    rows = glue.spark_session.range(2)
    for codec in ("none", "gzip", "bzip2"):
        rows.write.option("compression", codec).json(f"{tmp_path}/{codec}")
        assert glue.spark_session.read.json(f"{tmp_path}/{codec}").count() == 2
    with pytest.raises(UnsupportedError, match=f"json with the compression snappy .*{SPARK}"):
        rows.write.option("compression", "snappy").json(f"{tmp_path}/snappy")
    assert not (tmp_path / "snappy").exists()
    sink = glue.getSink("s3", path="s3://nowhere/folder/", compression="snappy")
    sink.setFormat("json")
    with pytest.raises(UnsupportedError, match=f"json with the compression snappy .*{SPARK}"):
        sink.writeFrame(DynamicFrame.fromDF(rows, glue, "rows"))


@on_sail
def test_large_objects_are_read_once(glue: GlueContext, tmp_path: Path) -> None:
    for name, rows in (("a", 200_000), ("b", 3), ("c", 150_000)):
        (tmp_path / f"{name}.csv").write_text("n,text\n" + "".join(f"{n},{name} and some more\n" for n in range(rows)))
    scan = DelimitedScan([f"file:{tmp_path}"], ["n", "text"], Dialect(header_lines=1), attached=Attached("file"))
    found = scan.rows(glue.spark_session).groupBy("file").count().collect()
    assert {Path(row["file"]).name: row["count"] for row in found} == {"a.csv": 200_000, "b.csv": 3, "c.csv": 150_000}
    with pytest.raises(UnsupportedError, match=f"binaryFile .*{SPARK}"):
        glue.spark_session.read.format("binaryFile").load(str(tmp_path))


@on_sail
def test_a_filter_takes_what_a_case_has_made(glue: GlueContext) -> None:
    told = F.when(F.size("list") == 0, "Passed").otherwise("Failed")  # never null, which Sail finds out while it plans
    rows = glue.spark_session.createDataFrame([(1, ["a"]), (2, [])], "n int, list array<string>").withColumn(
        "told", told
    )
    frame = DynamicFrame.fromDF(rows, glue, "rows")
    assert [row["n"] for row in frame.filter(lambda record: record["told"] == "Passed").toDF().collect()] == [2]
    mapped = frame.map(lambda record: {"n": record["n"], "told": record["told"][0]})
    assert sorted((row["n"], row["told"]) for row in mapped.toDF().collect()) == [(1, "F"), (2, "P")]


@on_sail
def test_a_path_that_is_not_there_is_an_error(spark: Any, tmp_path: Path) -> None:
    for read in (spark.read.parquet, spark.read.csv, spark.read.json, spark.read.format("text").load):
        with pytest.raises(AnalysisException, match="PATH_NOT_FOUND"):
            read(f"file://{tmp_path}/nothing")


@on_sail
def test_many_frames_are_one_or_refused(spark: Any) -> None:
    """As those of a table's partitions: of some hundreds in one another Sail's process ends."""
    frames = [spark.range(at, at + 1) for at in range(151)]
    assert sorted(row.id for row in unions.of_one_type(frames[1:]).collect()) == [*range(1, 151)]
    with pytest.raises(UnsupportedError, match="more than 150"):
        unions.of_one_type(frames)


@on_sail
def test_partitions_in_a_local_folder_have_the_names_that_spark_gives_them(spark: Any, tmp_path: Path) -> None:
    rows = spark.createDataFrame([(1, None, "é"), (2, True, "a:b'"), (3, False, None)], "n int, k boolean, s string")
    rows.write.partitionBy("k", "s").option("parquet.compression", "gzip").parquet(f"{tmp_path}/out")
    found = {str(one.parent.relative_to(tmp_path / "out")): one for one in (tmp_path / "out").rglob("*.parquet")}
    assert sorted(found) == [
        f"k={DEFAULT_PARTITION}/s=é", f"k=false/s={DEFAULT_PARTITION}", "k=true/s=a%3Ab%27",
    ]  # fmt: skip
    assert {pq.ParquetFile(one).metadata.row_group(0).column(0).compression for one in found.values()} == {"GZIP"}
    read = [tuple(row) for row in spark.read.parquet(f"{tmp_path}/out").orderBy("n").collect()]
    assert read == [(1, None, "é"), (2, "true", "a:b'"), (3, "false", None)]


@on_sail
def test_partition_values_have_the_types_that_spark_finds(spark: Any, tmp_path: Path) -> None:
    rows = spark.sql("select * from values (1, date'2024-01-02', 'a b'), (2, date'2024-01-03', 'x') t(n, day, name)")
    rows.withColumn("v", F.lit(1)).write.partitionBy("n", "day", "name").parquet(f"{tmp_path}/out")
    read = spark.read.parquet(f"{tmp_path}/out")
    assert dict(read.dtypes) == {"v": "int", "n": "int", "day": "date", "name": "string"}
    assert sorted(row["name"] for row in read.where("n = 1").collect()) == ["a b"]
    values = ("12345678901", "1.5", "1e-3", "01", "x", "2024-01-02 03:04:05", DEFAULT_PARTITION)
    assert [partition_types.found("k", {one}) for one in values] == [
        "bigint", "double", "double", "int", "string", "timestamp", "void",
    ]  # fmt: skip


@on_sail
def test_what_sail_would_ignore_is_refused_by_name(spark: Any, tmp_path: Path) -> None:
    spark.range(1).write.parquet(f"{tmp_path}/one")
    rows = spark.range(1)
    refused = [
        lambda: spark.read.option("basePath", str(tmp_path)).parquet(f"{tmp_path}/one"),
        lambda: spark.read.parquet(f"{tmp_path}/{{one"),
        lambda: spark.read.orc(f"{tmp_path}/one"),
        lambda: spark.read.option("mode", "DROPMALFORMED").json(f"{tmp_path}/one"),
        lambda: spark.readStream,
        lambda: rows.write.saveAsTable("lake.t"),
        lambda: rows.write.insertInto("lake.t"),
        lambda: rows.writeTo("lake.t").append(),
        lambda: rows.write.mode("overwrite").parquet(f"{tmp_path}/one"),
        lambda: rows.write.orc(f"{tmp_path}/orc"),
        lambda: rows.write.option("lineSep", "|").csv(f"{tmp_path}/csv"),
        lambda: spark.sql("create database lake"),
        lambda: spark.sql("select date'2024-01-02' - ? as n", args=[datetime.date(2024, 1, 1)]),
        lambda: spark.sql("select ? + interval 1 hour as n", [datetime.date(2024, 1, 1)]),
        lambda: spark.sql("with a as (select 1) insert into lake.t select * from a"),
        lambda: spark.catalog.createTable("t", str(tmp_path)),
    ]
    for use in refused:
        with pytest.raises(UnsupportedError, match=SPARK):
            use()


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("select 'insert into' as a", True),
        ("-- create\n /* drop */ (select 1)", True),
        ("create or replace temp view v as select 1", True),
        ("create view v as select 1", False),
        ("from a insert overwrite table b select *", False),
        ("with a as (select 1) insert into b select * from a", False),
        ("drop table t", False),
        ("merge into a using b on true when matched then delete", False),
        ("msck repair table t", False),
    ],
)
def test_statements_that_change_a_catalog_are_told_from_queries(text: str, query: bool) -> None:
    assert is_query(text) is query


@on_sail
def test_functions_see_null_structs_as_null(spark: Any) -> None:
    rows = spark.sql("select cast(null as struct<a: int>) as s")
    assert rows.select(F.udf(str)("s")).collect()[0][0] == "None"
    made = rows.select(F.udf(lambda one: one, "struct<a: int>")(F.lit(None)).alias("made"))
    assert made.select("made", "made.a").collect()[0] == (None, None)


@on_sail
def test_mongodb_is_refused(glue: GlueContext) -> None:
    options = {"connection.uri": "mongodb://127.0.0.1:1", "database": "d", "collection": "c"}
    with pytest.raises(UnsupportedError, match=SPARK):
        glue.create_dynamic_frame.from_options("mongodb", options)
    with pytest.raises(UnsupportedError, match=SPARK):
        glue.getSink("documentdb", **options)


@on_sail
def test_the_number_of_partitions_is_refused(glue: GlueContext, spark: Any) -> None:
    with pytest.raises(UnsupportedError, match=SPARK):
        DynamicFrame(spark.range(1), glue, "one").getNumPartitions()


@on_sail
def test_a_zero_with_a_sign_is_no_key_that_others_come_after(spark: Any) -> None:
    rows = spark.createDataFrame([(0.0, 1), (-0.0, 2)], "x double, id int")
    with pytest.raises(Exception, match=f"Zero or NaN with a sign.*{SPARK}"):
        rows.orderBy(F.col("x").desc(), "id").collect()
    assert [row.id for row in rows.orderBy("id", "x").collect()] == [1, 2]


@on_sail
def test_a_column_that_spark_names_otherwise_is_not_written_without_an_alias(spark: Any, tmp_path: Path) -> None:
    rows = spark.createDataFrame([(1, (2,))], "id int, st struct<x:int>")
    rows.createOrReplaceTempView("named")

    def called(*values: Any) -> str:
        return "a"

    def plain(*values: Any) -> str:
        return "a"

    told = F.udf(called)
    unknown = [
        rows.select(F.to_json(F.struct("*"))),
        rows.selectExpr("id in (1, 2)"),
        rows.groupBy("id").agg(F.expr("sum(id) filter (where id > 0)")),
        rows.select(F.col("st")["x"].cast("string")),
        *(rows.select(told(value)) for value in (F.col("st.x"), F.struct("id"), F.col("id").cast("string"))),
        rows.select(F.upper(told(F.current_date()))),
        *(
            spark.sql(f"select {one} from named")
            for one in (
                "base64(cast('a' as binary))",
                "cast(st.x as string)",
                "date '2024-01-01' + id",
                "st.x * 2",
                "binary('a')",
            )
        ),
    ]
    for at, one in enumerate(unknown):
        with pytest.raises(UnsupportedError, match="without an alias"):
            one.write.parquet(str(tmp_path / str(at)))
    known = [
        rows.select(F.udf(plain)("id", F.lit(2)), told(F.col("st.x")).alias("one")),
        rows.select(F.to_json(F.struct("*")).alias("j"), F.count("*").over(Window.partitionBy("id"))),
        *(
            spark.sql(f"select {one} from named")
            for one in ("base64(cast('a' as binary)) as b", "cast(named.id as string)", "upper('it''s')")
        ),
    ]
    for at, one in enumerate(known):
        one.write.parquet(str(tmp_path / f"known{at}"))
    read = spark.read.parquet(str(tmp_path / "known3"))
    assert (read.columns, read.collect()) == (["id"], [("1",)])


@on_sail
def test_pandas_columns_go_by_arrow_where_a_script_wants_it(spark: Any) -> None:
    import pandas as pd

    frame = pd.DataFrame({"a": [1.5, None]})
    assert [str(row.a) for row in spark.createDataFrame(frame).collect()] == ["1.5", "nan"]
    spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    try:
        assert [row.a for row in spark.createDataFrame(frame).collect()] == [1.5, None]
    finally:
        spark.conf.unset("spark.sql.execution.arrow.pyspark.enabled")
    with pytest.raises(UnsupportedError, match=SPARK):
        spark.conf.set("spark.sql.execution.pythonUDF.arrow.enabled", "true")
