"""``DataFrame.write`` to S3 in Glue scripts: on both engines all of it is there at the end, or nothing has changed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from lakelet.data.objects import s3_client
from lakelet.data.publish import STAGING_PREFIX, keys_below
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.frame_writes import publish_write
from lakelet.etl.publishing import committer
from lakelet.workspace.errors import ConcurrentModificationException
from tests.spark import lake_on_spark

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = pytest.mark.stack
BUCKET = "silver"


@pytest.fixture
def place() -> str:
    return f"frame_writes/{uuid.uuid4().hex}/"


@pytest.fixture
def keys(lake: GlueContext, place: str) -> Callable[[], list[str]]:
    return lambda: sorted(keys_below(s3_client(lake.workspace), BUCKET, place))


def rows_of(lake: GlueContext, *rows: tuple[int, str]) -> Any:
    return lake.spark_session.createDataFrame(list(rows), "id int, part string")


def found(lake: GlueContext, place: str) -> list[tuple[int, str]]:
    rows = lake.spark_session.read.parquet(f"s3://{BUCKET}/{place}")
    return sorted((row.id, row.part) for row in rows.select("id", "part").collect())


def test_an_overwrite_is_of_all_or_of_the_partitions_that_come(
    lake: GlueContext, place: str, keys: Callable[[], list[str]]
) -> None:
    path = f"s3://{BUCKET}/{place}"
    rows_of(lake, (1, "a"), (2, "b")).write.partitionBy("part").parquet(path)
    s3_client(lake.workspace).put_object(Bucket=BUCKET, Key=f"{place}_log/1.json", Body=b"{}")
    writer = rows_of(lake, (3, "b"), (4, "c")).write.partitionBy("part").mode("overwrite")
    writer.option("partitionOverwriteMode", "dynamic").parquet(path)
    assert found(lake, place) == [(1, "a"), (3, "b"), (4, "c")]
    assert f"{place}_log/1.json" in keys()
    rows_of(lake, (5, "d")).write.partitionBy("part").mode("append").parquet(path)
    assert found(lake, place) == [(1, "a"), (3, "b"), (4, "c"), (5, "d")]
    rows_of(lake, (6, "a")).write.partitionBy("part").mode("overwrite").format("parquet").save(path)
    assert found(lake, place) == [(6, "a")]
    assert len(keys()) == 1
    assert "/part=a/" in keys()[0]


@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_rows_that_were_read_before_a_write_stay_what_they_were(lake: GlueContext, place: str, form: str) -> None:
    path, spark = f"s3://{BUCKET}/{place}", lake.spark_session
    rows_of(lake, (1, "a"), (2, "b")).write.format(form).save(path)
    there = spark.read.schema("id int, part string").format(form).load(path)
    fresh = rows_of(lake, (2, "b"), (3, "c")).join(there, "id", "left_anti").withColumn("key", F.expr("uuid()"))
    fresh.drop("key").write.mode("append").format(form).save(path)
    assert (fresh.count(), there.count()) == (1, 2)
    assert spark.read.schema("id int, part string").format(form).load(path).count() == 3
    rows_of(lake, (9, "z")).write.mode("overwrite").format(form).save(path)
    with pytest.raises(Exception, match="FILE_NOT_EXIST"):
        there.count()


def test_rows_that_are_cached_are_read_anew_after_a_write(lake: GlueContext, place: str) -> None:
    path, spark = f"s3a://{BUCKET}/{place}", lake.spark_session
    rows_of(lake, (1, "a")).write.parquet(path)
    spark.read.parquet(path).cache().count()
    rows_of(lake, (2, "b"), (3, "c")).write.mode("overwrite").parquet(path)
    assert found(lake, place) == [(2, "b"), (3, "c")]


@pytest.mark.parametrize("lake", ["sail"], indirect=True)
def test_rows_in_partitions_and_views_that_would_be_others_are_refused(lake: GlueContext, place: str) -> None:
    spark = lake.spark_session
    by_part, flat = f"s3://{BUCKET}/{place}parts", f"s3://{BUCKET}/{place}flat"
    rows_of(lake, (1, "a")).write.partitionBy("part").parquet(by_part)
    rows_of(lake, (1, "a")).write.parquet(flat)
    there = spark.read.parquet(by_part)
    spark.read.parquet(flat).createOrReplaceTempView("flat")
    asked = spark.sql("SELECT count(*) FROM flat")
    rows_of(lake, (2, "b")).write.parquet(f"s3://{BUCKET}/{place}elsewhere")
    assert (there.count(), asked.first()[0]) == (1, 1)
    rows_of(lake, (2, "b")).write.partitionBy("part").mode("append").parquet(by_part)
    rows_of(lake, (2, "b")).write.mode("append").parquet(flat)
    for stale in (there, asked, spark.table("flat")):
        with pytest.raises(UnsupportedError, match="where objects have come since it was read"):
            stale.collect()
    spark.read.parquet(flat).createOrReplaceTempView("flat")
    assert spark.sql("SELECT count(*) FROM flat").first()[0] == 2


def test_what_is_there_is_left_or_refused(lake: GlueContext, place: str, keys: Callable[[], list[str]]) -> None:
    path = f"s3a://{BUCKET}/{place}"
    rows_of(lake, (1, "a")).coalesce(1).write.format("json").option("path", path).save()
    before = keys()
    assert len(before) == 1
    rows_of(lake, (2, "b")).write.mode("ignore").json(path)
    with pytest.raises(AnalysisException, match="already exists"):
        rows_of(lake, (2, "b")).write.json(path)
    assert keys() == before


def test_a_write_that_fails_leaves_what_was_there(lake: GlueContext, place: str, keys: Callable[[], list[str]]) -> None:
    path = f"s3://{BUCKET}/{place}"
    rows_of(lake, (1, "a")).write.parquet(path)
    before = keys()
    broken = rows_of(lake, (2, "b"), (3, "c")).withColumn(
        "id", F.when(F.col("id") < 3, 1).otherwise(F.raise_error(F.lit("no")))
    )
    with pytest.raises(Exception, match="no"):
        broken.write.mode("overwrite").parquet(path)
    assert keys() == before
    staged = keys_below(s3_client(lake.workspace), BUCKET, STAGING_PREFIX)
    assert not [key for key in staged if "interactive" in key and "/data/" in key]


def test_what_is_read_may_be_overwritten(lake: GlueContext, place: str) -> None:
    path = f"s3://{BUCKET}/{place}"
    rows_of(lake, (1, "a"), (2, "b")).write.parquet(path)
    lake.spark_session.read.parquet(path).where("id = 2").write.mode("overwrite").parquet(path)
    assert found(lake, place) == [(2, "b")]


@lake_on_spark
def test_a_writer_may_be_used_again_for_another_place(lake: GlueContext, place: str, tmp_path: Path) -> None:
    writer = rows_of(lake, (1, "a")).coalesce(1).write.mode("append")
    writer.csv(f"s3://{BUCKET}/{place}one/")
    writer.csv(str(tmp_path / "local"))
    writer.format("orc").save(f"s3://{BUCKET}/{place}two/")
    writer.format("orc").save(f"s3://{BUCKET}/{place}two/")
    assert len(list((tmp_path / "local").glob("*.csv"))) == 1  # and no folder of an attempt
    assert lake.spark_session.read.orc(f"s3://{BUCKET}/{place}two/").count() == 2
    assert lake.spark_session.read.csv(f"s3://{BUCKET}/{place}one/").count() == 1


@lake_on_spark
def test_of_two_writes_to_one_place_at_once_one_is_refused(lake: GlueContext, place: str) -> None:
    path = f"s3://{BUCKET}/{place}"
    rows = rows_of(lake, (1, "a"))

    def stage(folder: str) -> None:
        rows.write.parquet(path)
        rows.write.options(**committer()).parquet(folder)

    with pytest.raises(ConcurrentModificationException):
        publish_write(lake.workspace, path, "append", False, stage)
    assert found(lake, place) == [(1, "a")]
