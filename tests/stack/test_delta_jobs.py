"""Jobs on Delta tables, with Iceberg beside: frames, spark.sql, two writers at once, and what others see."""

from __future__ import annotations

from typing import Any

import pytest

from lakelet.catalog.crawlers.crawl import crawl
from lakelet.data.objects import s3_client
from lakelet.jobs.client import JobClient
from lakelet.jobs.logs import Stream, read
from lakelet.query.client import query
from lakelet.workspace.errors import QueryError
from tests.clients import glue_client
from tests.conftest import Stack
from tests.stack.test_iceberg_jobs import clear, restrict, rows_of, run

pytestmark = pytest.mark.stack

DATABASE, BESIDE, ROLE = "delta_jobs", "delta_jobs_ice", "arn:aws:iam::123456789012:role/delta-analyst"

# As AWS's guide has a job configure it.
CONF = " --conf ".join(
    (
        "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.delta.logStore.class=org.apache.spark.sql.delta.storage.S3SingleDriverLogStore",
    )
)

SCRIPT = """
import boto3
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from delta.tables import DeltaTable
from pyspark.context import SparkContext
from pyspark.sql import functions as F

glue = GlueContext(SparkContext.getOrCreate())
spark = glue.spark_session
columns = "id long, name string, part string"


def rows(statement):
    return sorted(tuple(row) for row in spark.sql(statement).collect())


def changes():
    return rows("SELECT id, name FROM delta_jobs.changes")


def objects():
    found = boto3.client("s3").list_objects_v2(Bucket="warehouse", Prefix="delta_jobs/changes/part=")
    return [one["Key"] for one in found["Contents"] if one["Key"].endswith(".parquet")]


def refused(action):
    try:
        action()
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    raise AssertionError("nothing was refused")


first = spark.createDataFrame([(1, "a", "x"), (2, "b", "y"), (3, "c", "x")], "id long, name string, part string")
where = {"path": "s3://warehouse/delta_jobs/orders"}
first.write.format("delta").options(**where).mode("append").partitionBy("part").saveAsTable("delta_jobs.orders")
spark.sql("DELETE FROM delta_jobs.orders WHERE id = 3")
spark.sql("UPDATE delta_jobs.orders SET name = 'bb' WHERE id = 2")
spark.sql("ALTER TABLE delta_jobs.orders ADD COLUMN price double")
spark.sql("MERGE INTO delta_jobs.orders t USING (SELECT 2L AS id, 2.5D AS price) s ON t.id = s.id "
          "WHEN MATCHED THEN UPDATE SET t.price = s.price")
more = spark.createDataFrame([(4, "d", "y", 4.5)], "id long, name string, part string, price double")
glue.write_data_frame.from_catalog(more, "delta_jobs", "orders")
again = DynamicFrame.fromDF(more.withColumn("id", more.id + 1), glue, "again")
glue.write_dynamic_frame.from_catalog(again, "delta_jobs", "orders")
expected = [(1, "a", "x", None), (2, "bb", "y", 2.5), (4, "d", "y", 4.5), (5, "d", "y", 4.5)]
assert rows("SELECT * FROM delta_jobs.orders") == expected
assert glue.create_dynamic_frame.from_catalog("delta_jobs", "orders").count() == 4
told = glue.create_data_frame.from_catalog("delta_jobs", "orders").collect()
assert sorted(tuple(row) for row in told) == expected, told
assert spark.read.format("delta").option("versionAsOf", 0).load("s3a://warehouse/delta_jobs/orders").count() == 3
assert rows("SELECT count(*) FROM delta_jobs.orders VERSION AS OF 1") == [(2,)]

# What an AWS crawler, or boto3, says of the same folder.
assert rows("SELECT id FROM delta_jobs.crawled") == [(1,), (2,), (4,), (5,)]
spark.sql("INSERT INTO delta_jobs.crawled VALUES (6, 'f', 'x', 6.5)")
assert rows("SELECT max(id) FROM delta_jobs.orders") == [(6,)]

spark.createDataFrame([], "who string, n int").write.format("delta").save("s3://warehouse/delta_jobs/appended")
DeltaTable.createIfNotExists(spark).tableName("delta_jobs.made").addColumn("n", "INT").execute()
spark.sql("CREATE TABLE delta_jobs.plain USING parquet AS SELECT 1 AS id")
assert rows("SELECT * FROM delta_jobs.plain") == [(1,)]

# writeTo, the Python API, OPTIMIZE, VACUUM.
first = spark.createDataFrame([(1, "a", "x"), (2, "b", "x"), (3, "c", "y")], columns).coalesce(1)
first.writeTo("delta_jobs.changes").using("delta").partitionedBy("part").create()
spark.createDataFrame([(4, "d", "x"), (5, "e", "y")], columns).coalesce(1).writeTo("delta_jobs.changes").append()
six = spark.createDataFrame([(6, "f", "y")], columns)
six.writeTo("delta_jobs.changes").overwritePartitions()
assert changes() == [(1, "a"), (2, "b"), (4, "d"), (6, "f")]
table = DeltaTable.forPath(spark, "s3://warehouse/delta_jobs/changes")
done = spark.sql("OPTIMIZE delta_jobs.changes WHERE part = 'x' ZORDER BY (id)").first().metrics
assert (done.numFilesRemoved, done.numFilesAdded) == (2, 1), done
table.update("id = 1", {"name": F.lit("z")})
table.delete(F.col("id") == 4)
source = spark.createDataFrame([(2, "b2", "x"), (7, "g", "z")], columns).alias("s")
merge = table.alias("t").merge(source, "t.id = s.id").whenMatchedUpdateAll().whenNotMatchedInsertAll()
merge.whenNotMatchedBySourceDelete("t.id = 6").execute()
assert changes() == [(1, "z"), (2, "b2"), (7, "g")]
names = [row.operation for row in table.history().orderBy("version").collect()]
assert names == ["CREATE TABLE AS SELECT", "WRITE", "WRITE", "OPTIMIZE", "UPDATE", "DELETE", "MERGE"], names
spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
assert len(objects()) > 2
spark.sql("VACUUM delta_jobs.changes RETAIN 0 HOURS")
assert len(objects()) == 2, objects()
assert changes() == [(1, "z"), (2, "b2"), (7, "g")]

# Iceberg beside it, in its own catalog: rows go from one to the other, by SQL and by from_catalog.
six.writeTo("glue_catalog.delta_jobs_ice.rows").create()
spark.sql("MERGE INTO glue_catalog.delta_jobs_ice.rows t USING delta_jobs.changes s ON t.id = s.id "
          "WHEN NOT MATCHED THEN INSERT *")
assert glue.create_data_frame.from_catalog("delta_jobs_ice", "rows").count() == 4
read = glue.create_dynamic_frame.from_catalog("delta_jobs", "changes")
glue.write_dynamic_frame.from_catalog(read, "delta_jobs_ice", "rows")
glue.write_data_frame.from_catalog(six, "delta_jobs_ice", "rows")
assert rows("SELECT id, count(*) FROM glue_catalog.delta_jobs_ice.rows GROUP BY id") == [(1, 2), (2, 2), (6, 2), (7, 2)]
spark.sql("UPDATE glue_catalog.delta_jobs_ice.rows SET name = 'u' WHERE id = 6")
spark.sql("DELETE FROM glue_catalog.delta_jobs_ice.rows WHERE id < 3")
((files, *_),) = rows("CALL glue_catalog.system.rewrite_data_files("
                      "table => 'delta_jobs_ice.rows', options => map('rewrite-all', 'true'))")
assert files > 1, files
six.select("id", "name").writeTo("delta_jobs.changes").using("delta").createOrReplace()
assert changes() == [(6, "f")]

for action in (
    lambda: glue.purge_table(database="delta_jobs", table_name="orders"),
    lambda: glue.purge_s3_path("s3://warehouse/delta_jobs/", {"retentionPeriod": 0}),
    lambda: glue.create_data_frame.from_catalog("delta_jobs", "orders", push_down_predicate="part = 'x'"),
    lambda: glue.create_data_frame.from_options("delta", {"path": "s3://warehouse/delta_jobs/orders"}),
):
    print(refused(action))
print("all of it held")
"""

# Two drivers append to one table; then one is killed when it has written a file, and has not committed. The other one
# reads what there is when that is over.
APPEND = """
import os, signal, sys, threading, time
import boto3
from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions
from delta.tables import DeltaTable
from pyspark.context import SparkContext
from pyspark.sql import functions as F

glue = GlueContext(SparkContext.getOrCreate())
spark = glue.spark_session
mine = getResolvedOptions(sys.argv, ["mine"])["mine"]


def append(rows):
    rows.write.format("delta").mode("append").save("s3://warehouse/delta_jobs/appended")


for number in range(4):
    append(spark.createDataFrame([(mine, number)], "who string, n int").coalesce(1))
print("appended", flush=True)
if mine == "killed":
    def files():
        found = boto3.client("s3").list_objects_v2(Bucket="warehouse", Prefix="delta_jobs/appended/part-")
        return {one["Key"] for one in found["Contents"]}

    def kill(before):
        while not files() - before:
            pass
        os.kill(os.getppid(), signal.SIGKILL)

    threading.Thread(target=kill, args=(files(),), daemon=True).start()
    stuck = F.udf(lambda id: threading.Event().wait() if id else 0, "int")
    append(spark.range(0, 2, 1, 2).select(F.lit("never").alias("who"), stuck("id").alias("n")))

while not boto3.client("s3").list_objects_v2(Bucket="warehouse", Prefix="delta_jobs/over")["KeyCount"]:
    time.sleep(0.1)
appended = spark.read.format("delta").load("s3://warehouse/delta_jobs/appended")
print(sorted((row.who, row["count"]) for row in appended.groupBy("who").count().collect()))
for read in (lambda: glue.create_data_frame.from_catalog("delta_jobs", "orders"),
             lambda: spark.sql("SELECT * FROM delta_jobs.orders"),
             lambda: spark.sql("SELECT * FROM delta_jobs.orders VERSION AS OF 0"),
             lambda: DeltaTable.forName(spark, "delta_jobs.orders").toDF(),
             lambda: spark.sql("INSERT INTO delta_jobs.orders VALUES (9, 'i', 'x', 9.5)")):
    try:
        print(sorted(tuple(row) for row in read().collect()))
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[0])
"""


def test_jobs_and_others_work_on_one_delta_table(stack: Stack) -> None:
    glue = glue_client(stack.workspace)
    for name in (DATABASE, BESIDE):
        clear(stack, name)
        glue.create_database(DatabaseInput={"Name": name, "LocationUri": f"s3://warehouse/{name}"})
    register(glue)
    caught = "an error that it caught, and has not done all: The connection type delta"
    *refused, last = run(stack, SCRIPT, "delta-jobs", caught=caught, datalake_formats="delta,iceberg", conf=CONF)
    assert last == "all of it held"
    wanted = (
        "delta_jobs.orders is a Delta table",
        "is a Delta table, which a purge breaks",
        "take where()",
        "type delta",
    )
    assert [one for text, one in zip(wanted, refused[-4:], strict=True) if text not in one] == []

    # What the catalog says of it, and those who read files.
    table = glue.get_table(DatabaseName=DATABASE, Name="orders")["Table"]
    assert [one["Name"] for one in table["StorageDescriptor"]["Columns"]] == ["id", "name", "part", "price"]
    assert table["Parameters"]["spark.sql.sources.provider"] == "delta" and not table["PartitionKeys"]
    crawled = glue.get_table(DatabaseName=DATABASE, Name="crawled")["Table"]
    assert crawled["Parameters"]["UPDATED_BY_CRAWLER"] == "c" and crawled["Parameters"]["table_type"] == "delta"
    assert [one["Name"] for one in crawled["StorageDescriptor"]["Columns"]] == ["id", "name", "price"]
    changed = glue.get_table(DatabaseName=DATABASE, Name="changes")["Table"]
    ice = glue.get_table(DatabaseName=BESIDE, Name="rows")["Table"]
    assert [one["Name"] for one in changed["StorageDescriptor"]["Columns"]] == ["id", "name"]
    assert [one["Name"] for one in ice["StorageDescriptor"]["Columns"]] == ["id", "name", "part"]
    assert ice["Parameters"]["table_type"] == "ICEBERG" and sorted(rows_of(stack, ice, "name")) == ["g", "g", "u", "u"]
    with pytest.raises(QueryError, match=r"orders is a Delta table.*--datalake-formats delta"):
        query(stack.workspace, "SELECT * FROM delta_jobs.orders")

    assert sorted(crawled_notes(stack)) == ["appended", "changes", "made", "orders"]

    restrict(stack, DATABASE, ROLE)
    count, *said = append_at_once(stack)
    assert count == "[('killed', 4), ('other', 4)]"
    assert said[:2] == ["[(2, 2.5), (4, 4.5), (5, 4.5), (6, 6.5)]"] * 2
    words, told = ("TIME_TRAVEL", "is not a Delta table", "is a view"), [one for one in said[2:] if one[0] != "{"]
    assert [one for one, word in zip(told, words, strict=True) if word not in one] == []
    for name in (DATABASE, BESIDE):
        clear(stack, name)


def crawled_notes(stack: Stack) -> list[str]:
    """The Delta tables that a crawler of the database's folder says it leaves out; it finds the other table alone."""
    glue, said = glue_client(stack.workspace), list[str]()
    found = "delta_crawled"
    glue.create_crawler(
        Name=found, Role="r", DatabaseName=found, Targets={"S3Targets": [{"Path": f"s3://warehouse/{DATABASE}"}]}
    )
    assert crawl(stack.workspace, found, said.append).tables_created == 1, said
    glue.delete_crawler(Name=found)
    glue.delete_database(Name=found)
    return [line.split(" is a Delta table")[0].split("/")[-2] for line in said if "is a Delta table" in line]


def append_at_once(stack: Stack) -> list[str]:
    """What the other one reads of the drivers that append to one table at the same time, of which one is killed."""
    s3, glue, jobs = s3_client(stack.workspace), glue_client(stack.workspace), JobClient(stack.workspace)
    s3.put_object(Bucket="warehouse", Key="scripts/delta-append.py", Body=APPEND.encode())
    place = {"Name": "glueetl", "ScriptLocation": "s3://warehouse/scripts/delta-append.py"}
    workers = {"WorkerType": "G.1X", "NumberOfWorkers": 2, "ExecutionProperty": {"MaxConcurrentRuns": 2}}
    glue.delete_job(JobName="delta-append")
    glue.create_job(Name="delta-append", Role=ROLE, Command=place, **workers)
    spark: dict[str, Any] = {"--datalake-formats": "delta"}
    told = dict[str, list[str]]()
    for one in [jobs.start("delta-append", spark | {"--mine": mine}) for mine in ("killed", "other")]:
        ended = jobs.wait(one)
        s3.put_object(Bucket="warehouse", Key=f"{DATABASE}/over")
        said = [line.text for line in read(stack.workspace, ended["Id"], Stream.driver)]
        assert "appended" in said, (ended.get("ErrorMessage"), said)
        told[ended["JobRunState"]] = said
    assert list(told) == ["FAILED", "SUCCEEDED"]
    return told["SUCCEEDED"][told["SUCCEEDED"].index("appended") + 1 :]


def register(glue: Any) -> None:
    """The table as a crawler of AWS's registers it, whose folder no SerDe's ``path`` names."""
    columns = [
        {"Name": name, "Type": kind} for name, kind in (("id", "bigint"), ("name", "string"), ("price", "double"))
    ]
    descriptor = {"Columns": columns, "Location": f"s3://warehouse/{DATABASE}/orders/"}
    parameters = {"EXTERNAL": "TRUE", "spark.sql.sources.provider": "delta", "table_type": "delta"}
    table = {"Name": "crawled", "TableType": "EXTERNAL_TABLE", "PartitionKeys": [{"Name": "part", "Type": "string"}]}
    table |= {"StorageDescriptor": descriptor, "Parameters": parameters | {"UPDATED_BY_CRAWLER": "c"}}
    glue.create_table(DatabaseName=DATABASE, TableInput=table)
