"""``coalesce(1)`` and ``repartition(1)``: one object with the rows in their order, on both engines. Properties of a
session that Sail would not heed are refused where scripts set them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from awsglue.dynamicframe import DynamicFrame
from lakelet.data.objects import list_objects
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import engine
from tests.lake import Lake, own_lake
from tests.spark import lake_on

pytestmark = pytest.mark.stack

FIRST, ROWS = 100_000, 120_000  # several of Sail's batches (jobs/sail.py)


@pytest.fixture(scope="module", params=["spark", "sail"])
def lake(request: pytest.FixtureRequest, stack: Any) -> Iterator[Lake]:
    with lake_on(request.param, stack.workspace) as glue, own_lake(glue, f"test-single-{request.param}") as made:
        yield made


def rows(lake: Lake) -> Any:
    """Rows of several partitions: on Sail they come out of a grouping in as many as it has threads."""
    return lake.glue.spark_session.range(ROWS).groupBy(F.col("id").alias("k")).agg(F.count("*").alias("n"))


def lines(lake: Lake, folder: str) -> list[list[str]]:
    """The lines of each object of a folder."""
    keys = [one.key for one in list_objects(lake.client, lake.name, f"{folder}/")]
    bodies = (lake.client.get_object(Bucket=lake.name, Key=key)["Body"].read().decode() for key in keys)
    return [body.splitlines() for body in bodies]


@pytest.mark.parametrize("way", ["coalesce", "repartition"])
def test_one_object(lake: Lake, way: str) -> None:
    single = getattr(rows(lake), way)(1).select("k")
    path = lake.uri(way).replace("s3:", "s3a:")
    single.write.csv(path, header=True)
    (found,) = lines(lake, way)
    assert found[0] == "k"
    assert sorted(map(int, found[1:])) == list(range(ROWS))
    single.write.mode("append").parquet(lake.uri(f"{way}-parquet").replace("s3:", "s3a:"))
    assert len(list(list_objects(lake.client, lake.name, f"{way}-parquet/"))) == 1


def test_rows_stay_in_order(lake: Lake) -> None:
    ordered = rows(lake).orderBy(F.desc("k")).coalesce(1)
    ordered.write.parquet(lake.uri("ordered").replace("s3:", "s3a:"))
    (one,) = list_objects(lake.client, lake.name, "ordered/")
    body = lake.client.get_object(Bucket=lake.name, Key=one.key)["Body"].read()
    assert pq.read_table(io.BytesIO(body))["k"].to_pylist() == list(reversed(range(ROWS)))
    few = ordered.where("k < 5000")
    few.select(F.col("k").cast("string")).write.csv(lake.uri("few").replace("s3:", "s3a:"))
    assert lines(lake, "few") == [[str(one) for one in reversed(range(5000))]]
    assert [row.k for row in ordered.take(3)] == [ROWS - 1, ROWS - 2, ROWS - 3]
    assert ordered.where(ordered["k"] < 5).count() == 5


def test_rows_are_written_in_their_order(lake: Lake) -> None:
    made = rows(lake).withColumn("s", F.sha2(F.col("k").cast("string"), 256))
    made.createOrReplaceTempView("numbered")
    ordered = made.orderBy(F.desc("k"), "n")
    select, whole = lake.glue.spark_session.sql, list(reversed(range(ROWS)))
    ways: dict[str, Any] = {
        "as they are": ordered,
        "in one object": ordered.coalesce(1).withColumn("u", F.upper("s")).where("n = 1"),
        "renamed": ordered.select(ordered["k"].alias("l"), F.upper("s").alias("u")).withColumnRenamed("u", "v"),
        "the first of them": ordered.limit(FIRST).withColumn("u", F.upper("s")),
        "without what they were sorted by": ordered.select((F.col("k") + 0).alias("l"), "s"),
        "by a statement": select("select k, upper(s) u, cast(n as string) m from numbered order by k desc nulls last"),
        "with all columns": ordered.selectExpr("*", "upper(s) u").hint("broadcast").coalesce(3),
        "by a qualified name": select("select r.k, sum(r.n) m from numbered r group by r.k order by r.k desc"),
        "by what is selected": select(
            "select k, upper(s) u, max(n) x from numbered group by k, s order by max(n), k desc"
        ),
        "by what a name is in the result": select("select k, n as m, -k as n from numbered order by n").select("k"),
        "with a text": ordered.withColumn("o", F.expr("case when n > 9 then 'over limit' else 'ok' end")),
        "by a place": select("select k, s || '--' u from numbered order by 1 desc")
        .coalesce(1)
        .withColumn("x", F.lit(1)),
    }
    for name, one in ways.items():
        one.write.csv(lake.uri(name).replace("s3:", "s3a:"))
        found = [int(line.partition(",")[0]) for body in lines(lake, name) for line in body]
        assert found == whole[: FIRST if name == "the first of them" else ROWS], name


def test_an_order_that_cannot_be_told_again(lake: Lake) -> None:
    rows(lake).createOrReplaceTempView("numbered")
    ordered = rows(lake).orderBy("k")
    ways = (
        lake.glue.spark_session.sql("select cast(k as string) s from numbered order by n, k"),
        lake.glue.spark_session.sql("select k, max(k) over (partition by n) from numbered"),  # a name, not an order
        ordered.mapInArrow(lambda batches: batches, "k long, n long"),
        ordered.fillna(0),
        ordered.withColumn("at", F.monotonically_increasing_id()),
        ordered.where(F.monotonically_increasing_id() >= 0),
        ordered.select("k", F.explode(F.array("n", "k")).alias("e")),
        ordered.selectExpr("k", "stack(2, n, k)"),
        ordered.select(F.struct("k", "n").alias("s")).select("s.*"),
    )
    for at, one in enumerate(ways):
        path = lake.uri(f"other{at}").replace("s3:", "s3a:")
        if engine.active():
            with pytest.raises(UnsupportedError, match="--engine spark"):
                one.write.csv(path)
        else:
            one.write.csv(path)


def test_an_order_that_is_gone(lake: Lake) -> None:
    by_window = rows(lake).orderBy("k").withColumn("at", F.row_number().over(Window.orderBy(F.desc("k"))))
    by_window.write.csv(lake.uri("window").replace("s3:", "s3a:"))
    assert sum(map(len, lines(lake, "window"))) == ROWS


def test_dynamic_frames(lake: Lake) -> None:
    frame = DynamicFrame.fromDF(rows(lake), lake.glue, "frame")
    for name, one in (("made", frame.coalesce(1)), ("again", frame.repartition(1))):
        lake.glue.write_dynamic_frame.from_options(one, "s3", {"path": lake.uri(name)}, "json")
        (found,) = lines(lake, name)
        assert len(found) == ROWS


def test_no_rows_and_keys(lake: Lake) -> None:
    few = rows(lake).where("k < 4").coalesce(1)
    few.where("n > 9").write.csv(lake.uri("none").replace("s3:", "s3a:"), header=True)
    assert lines(lake, "none") == [["k,n"]]
    few.withColumn("odd", F.col("k") % 2).write.partitionBy("odd").json(lake.uri("keys").replace("s3:", "s3a:"))
    assert sorted(map(len, lines(lake, "keys"))) == [2, 2]


def test_properties(lake: Lake) -> None:
    session = lake.glue.spark_session
    setters = (
        lambda: session.conf.set("spark.sql.legacy.timeParserPolicy", "LEGACY"),
        lambda: session.builder.config("spark.sql.legacy.timeParserPolicy", "LEGACY").getOrCreate(),
        lambda: session.sql("SET spark.sql.legacy.timeParserPolicy=LEGACY"),
    )
    try:
        for setter in setters:
            if lake.name.endswith("spark"):
                setter()
                made = session.sql("select to_date('1/22/20', 'MM/dd/yy') as d").first()
                assert str(made.d) == "2020-01-22"
            else:
                with pytest.raises(UnsupportedError, match="timeParserPolicy"):
                    setter()
    finally:
        session.conf.unset("spark.sql.legacy.timeParserPolicy")
    session.conf.set("spark.sql.shuffle.partitions", "1")


def test_whether_there_are_rows(lake: Lake) -> None:
    assert not rows(lake).rdd.isEmpty()
    assert rows(lake).where("k < 0").rdd.isEmpty()
    if lake.name.endswith("sail"):
        with pytest.raises(UnsupportedError, match=r"DataFrame\.rdd\.map"):
            rows(lake).rdd.map(str)
