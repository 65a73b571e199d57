"""What spark.sql writes to tables on S3 is published: all of it is there at the end, or nothing has changed."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from lakelet.data.objects import s3_client
from lakelet.data.publish import STAGING_PREFIX, keys_below
from lakelet.data.zones import split_uri
from lakelet.etl.publishing import Publication
from lakelet.jobs.launchers import folder_of
from lakelet.workspace.control import call
from tests.conftest import eventually
from tests.spark import lake_on_spark
from tests.stack.test_faults_jobs import driver_of
from tests.stack.test_jobs import Jobs

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = [pytest.mark.stack, lake_on_spark]
BUCKET = "silver"
FAILS = "SELECT if(id < 3, id, raise_error('no')) AS id, part FROM VALUES (2, 'a'), (3, 'b') AS new(id, part)"
# It says when the overwrite's rows are being made, and they never are.
OVERWRITES = """
import time
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
@F.udf("int")
def waits(n):
    open("FLAG", "w").close()
    time.sleep(600)
    return n
spark.range(2).select(waits(F.col("id")).alias("id"), F.lit("a").alias("part")).createOrReplaceTempView("new")
spark.sql("INSERT OVERWRITE TABLE NAME SELECT id, part FROM new")
"""


@pytest.fixture
def table(lake: GlueContext) -> Iterator[str]:
    """An empty table by partitions, in a database of its own."""
    database = f"sql_writes_{uuid.uuid4().hex[:8]}"
    lake.spark_session.sql(f"CREATE DATABASE {database} LOCATION 's3://{BUCKET}/{database}/'")
    lake.spark_session.sql(f"CREATE TABLE {database}.rows (id INT, part STRING) USING parquet PARTITIONED BY (part)")
    yield f"{database}.rows"
    lake.spark_session.sql(f"DROP DATABASE {database} CASCADE")


def place(table: str) -> str:
    return table.replace(".", "/") + "/"


def rows(lake: GlueContext, table: str) -> list[tuple[int, str]]:
    return sorted((row.id, row.part) for row in lake.spark_session.sql(f"SELECT id, part FROM {table}").collect())


def keys(lake: GlueContext, table: str) -> list[str]:
    below = keys_below(s3_client(lake.workspace), BUCKET, place(table))
    found = sorted(key for key in below if not key.endswith("/"))  # CREATE TABLE makes a folder
    assert not [key for key in found if "_temporary" in key or "_SUCCESS" in key or "staging" in key]
    return found


def opened_by(lake: GlueContext) -> set[str]:
    """The runs that have a publish which has not ended."""
    return {one["run_id"] for one in call(lake.workspace, "GET", "publishes")["publishes"]}


def test_insert_adds_and_overwrite_replaces_what_it_names(lake: GlueContext, table: str) -> None:
    sql = lake.spark_session.sql
    sql(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'it''s b')")
    sql(f"INSERT INTO {table} PARTITION (part = 'a') VALUES (3)")
    assert rows(lake, table) == [(1, "a"), (2, "it's b"), (3, "a")]
    sql(f"INSERT OVERWRITE {table} PARTITION (part = 'a') VALUES (4)")
    assert rows(lake, table) == [(2, "it's b"), (4, "a")]
    sql("SET spark.sql.sources.partitionOverwriteMode = dynamic")
    sql(f"INSERT OVERWRITE {table} VALUES (5, 'a'), (6, 'c')")
    assert rows(lake, table) == [(2, "it's b"), (5, "a"), (6, "c")]
    sql("SET spark.sql.sources.partitionOverwriteMode = static")
    sql(f"INSERT OVERWRITE {table} VALUES (7, 'd')")
    assert rows(lake, table) == [(7, "d")]
    assert len(keys(lake, table)) == 1
    assert [row.partition for row in sql(f"SHOW PARTITIONS {table}").collect()] == ["part=d"]


def test_what_fails_leaves_what_was_there(lake: GlueContext, table: str) -> None:
    lake.spark_session.sql(f"INSERT INTO {table} VALUES (1, 'a')")
    before = keys(lake, table)
    for how in ("INTO", "OVERWRITE"):
        with pytest.raises(Exception, match="no"):
            lake.spark_session.sql(f"INSERT {how} {table} {FAILS}")
    assert keys(lake, table) == before
    assert rows(lake, table) == [(1, "a")]
    staged = keys_below(s3_client(lake.workspace), BUCKET, STAGING_PREFIX)
    assert not [key for key in staged if "interactive" in key and "part=" in key]


def test_tables_that_are_made_of_rows(lake: GlueContext, table: str) -> None:
    database, session = table.partition(".")[0], lake.spark_session
    session.sql(f"CREATE TABLE {database}.made USING orc AS SELECT 1 AS id, 'a' AS part")
    session.table(f"{database}.made").write.format("parquet").saveAsTable(f"{database}.saved")
    session.table(f"{database}.made").write.insertInto(f"{database}.saved")
    frame = session.range(8).select(F.col("id").cast("int"), F.lit("b").alias("part"))
    frame.write.format("parquet").bucketBy(2, "id").saveAsTable(f"{database}.buckets")
    session.sql(f"INSERT OVERWRITE DIRECTORY 's3://{BUCKET}/{database}/folder' USING json SELECT 9 AS id, 'c' AS part")
    assert rows(lake, f"{database}.made") == [(1, "a")]
    assert rows(lake, f"{database}.saved") == [(1, "a"), (1, "a")]
    assert len(rows(lake, f"{database}.buckets")) == 8
    assert [row.id for row in session.read.json(f"s3://{BUCKET}/{database}/folder").collect()] == [9]
    for name in ("made", "saved", "buckets", "folder"):
        assert keys(lake, f"{database}.{name}")


def test_a_partition_that_lies_somewhere_else_is_written_there(lake: GlueContext, table: str) -> None:
    sql, elsewhere = lake.spark_session.sql, f"s3://{BUCKET}/elsewhere/{table}/"
    sql(f"INSERT INTO {table} VALUES (1, 'a')")
    sql(f"ALTER TABLE {table} ADD PARTITION (part = 'b') LOCATION '{elsewhere}'")
    sql(f"INSERT INTO {table} VALUES (2, 'a'), (3, 'b')")
    assert rows(lake, table) == [(1, "a"), (2, "a"), (3, "b")]
    sql(f"INSERT OVERWRITE {table} PARTITION (part = 'b') VALUES (4)")
    assert rows(lake, table) == [(1, "a"), (2, "a"), (4, "b")]
    assert lake.spark_session.read.parquet(elsewhere).count() == 1


@pytest.mark.parametrize("how", ["INTO", "OVERWRITE"])
def test_of_two_statements_at_once_both_add_or_one_is_refused(
    lake: GlueContext, table: str, tmp_path: Path, how: str
) -> None:
    session, begun, go = lake.spark_session, tmp_path / "begun", tmp_path / "go"
    first, go_on = str(begun), str(go)

    def waits(value: int) -> int:
        Path(first).touch()
        while not Path(go_on).exists():
            time.sleep(0.05)
        return value

    session.sql(f"INSERT INTO {table} VALUES (1, 'a')")
    session.range(1).select(F.udf(waits, "int")("id").alias("id"), F.lit("a").alias("part")).createOrReplaceTempView(
        "new"
    )
    raised: list[Exception] = []

    def insert() -> None:
        try:
            session.sql(f"INSERT {how} {table} SELECT id, part FROM new")
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=insert)
    thread.start()
    eventually(begun.exists)
    other = Publication.begin(lake.workspace, f"s3://{BUCKET}/{place(table)}", None)
    staged, client = f"{split_uri(other.staging)[1]}one", s3_client(lake.workspace)
    (there,) = keys(lake, table)
    client.copy_object(Bucket=BUCKET, Key=staged, CopySource={"Bucket": BUCKET, "Key": there})
    other.commit([(staged, there.replace("part-", "other-"))])
    go.touch()
    thread.join(timeout=120)
    assert not thread.is_alive()
    if how == "INTO":
        assert not raised
        assert rows(lake, table) == [(0, "a"), (1, "a"), (1, "a")]
    else:
        assert "another publish" in str(raised[0])
        assert rows(lake, table) == [(1, "a"), (1, "a")]


def test_a_killed_driver_leaves_what_was_there_and_no_litter(
    lake: GlueContext, table: str, stack: Any, tmp_path: Path
) -> None:
    lake.spark_session.sql(f"INSERT INTO {table} VALUES (1, 'a')")
    before, flag, jobs = keys(lake, table), tmp_path / "flag", Jobs(stack.workspace)
    code = OVERWRITES.replace("FLAG", str(flag)).replace("NAME", table)
    submitted = jobs.client.start(jobs.create(code, "glueetl"), {"--engine": "spark"})
    eventually(flag.exists)
    assert submitted.run_id in opened_by(lake), "the publish is the run's"
    os.kill(driver_of(folder_of(jobs.workspace, submitted.run_id)), signal.SIGKILL)
    run = jobs.client.wait(submitted)
    assert run["JobRunState"] == "FAILED"
    assert keys(lake, table) == before
    assert rows(lake, table) == [(1, "a")]
    assert submitted.run_id not in opened_by(lake)
    client = s3_client(lake.workspace)
    eventually(lambda: not [key for key in keys_below(client, BUCKET, STAGING_PREFIX) if submitted.run_id in key])
