"""A table that is really replaced while a job really reads it: read anew once, whole, or refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakelet.catalog.client import ensure_database
from lakelet.jobs.client import JobClient

pytestmark = pytest.mark.stack

SCRIPT = """
import io, pathlib, sys, threading, time
import pyarrow as pa, pyarrow.parquet as pq
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from lakelet.data.objects import list_objects, s3_client
from lakelet.data.zones import split_uri
from pyspark.context import SparkContext
from pyspark.sql import functions as F
from lakelet.workspace.control import call
from lakelet.workspace.errors import PublishError
from lakelet.workspace.files import write_atomic

args = getResolvedOptions(sys.argv, ["JOB_NAME", "MARKS"])
glueContext = GlueContext(SparkContext.getOrCreate())
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
spark = glueContext.spark_session
spark.conf.set("spark.sql.files.maxPartitionBytes", "1000")  # a task for every file
spark.conf.set("spark.sql.files.openCostInBytes", "1000")
workspace, s3 = glueContext.workspace, s3_client(glueContext.workspace)
READING, REPLACED = (pathlib.Path(args["MARKS"], name) for name in ("reading", "replaced"))
PLACE = "s3://gold/test_scans/"


def replace(generation, parts):
    # What another run does: the table's files are replaced by 10 rows in each of these partitions.
    begun = call(workspace, "POST", "publishes", {
        "run_id": "jr_other", "database": "gold", "table": "test_scans", "location": PLACE,
    })
    bucket, staging = split_uri(begun["staging"])
    old = [one.key for one in list_objects(s3, bucket, "test_scans/")]
    add, partitions = [], []
    descriptor = {
        "Location": PLACE, "Columns": [{"Name": "generation", "Type": "int"}, {"Name": "n", "Type": "bigint"}],
        "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    }
    for part in parts:
        rows = {"generation": pa.array([generation] * 10, pa.int32()), "n": pa.array(range(10), pa.int64())}
        file, name = io.BytesIO(), f"part={part}/{generation}.parquet"
        pq.write_table(pa.table(rows), file)
        s3.put_object(Bucket=bucket, Key=staging + name, Body=file.getvalue())
        add.append({"source": staging + name, "target": "test_scans/" + name})
        where = {**descriptor, "Location": f"{PLACE}part={part}/"}
        partitions.append({"Values": [str(part)], "StorageDescriptor": where})
    known = call(workspace, "POST", "sql", {"sql": "SHOW TABLES IN gold"})["rows"]
    gone = [[str(part)] for part in range(9) if part not in parts] if ["test_scans"] in known else []
    table = {
        "Name": "test_scans", "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "parquet"},
        "PartitionKeys": [{"Name": "part", "Type": "int"}], "StorageDescriptor": descriptor,
    }
    body = {"add": add, "remove": old, "partitions": partitions, "remove_partitions": gone, "table_input": table}
    answer = call(workspace, "POST", f"publishes/{begun['publish_id']}/commit", body | {"sequence": begun["sequence"]})
    assert answer == {"state": "APPLIED"}, answer


def write(frame, name):
    glueContext.purge_s3_path(f"s3://gold/{name}/", {"retentionPeriod": 0})
    sink = glueContext.getSink("s3", path=f"s3://gold/{name}/", enableUpdateCatalog=True)
    sink.setFormat("glueparquet")
    sink.setCatalogInfo(catalogDatabase="gold", catalogTableName=name)
    sink.writeFrame(DynamicFrame.fromDF(frame, glueContext, name))


def seen(name):
    sql = f"SELECT min(generation), max(generation), count(*) FROM gold.{name}"
    return call(workspace, "POST", "sql", {"sql": sql})["rows"][0]


read = glueContext.create_dynamic_frame.from_catalog

# The tasks of the first files wait until another publish has taken the files of the others away.
@F.udf("long")
def slowly(n):
    if not READING.exists():
        write_atomic(READING, b"")
    deadline = time.monotonic() + 60
    while not REPLACED.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return n


def other():
    while not READING.exists():
        time.sleep(0.05)
    replace(2, range(2, 8))
    write_atomic(REPLACED, b"")


replace(1, range(6))
rows = read(database="gold", table_name="test_scans").toDF().withColumn("n", slowly("n"))
both = rows.join(rows.groupBy("part").agg(F.count("*").alias("size")), "part").cache()
thread = threading.Thread(target=other)
thread.start()
write(both.coalesce(1), "test_scans_copy")
thread.join()
assert seen("test_scans_copy") == [2, 2, 60], seen("test_scans_copy")

# What was written is of the second state: more of it is, too, or nothing when that has gone.
write(rows.coalesce(1), "test_scans_more")
assert seen("test_scans_more") == [2, 2, 60], seen("test_scans_more")
replace(3, range(6))
try:
    write(rows.coalesce(1), "test_scans_more")
except PublishError as error:
    assert "published already: run it again" in str(error), error
else:
    raise AssertionError("old and new rows went together")
assert seen("test_scans_more") == [2, 2, 60]
print("as promised")
"""

COUNTS = """
frame = read(database="gold", table_name="test_scans", push_down_predicate="part < 4")
replace(4, range(3))
assert frame.count() == 30
replace(5, range(1))
assert frame.count() == 10  # a second restart, for a second replacement: nothing was published of the first
"""


def test_a_job_reads_a_table_that_is_replaced_under_it(stack: Any, tmp_path: Path) -> None:
    ensure_database(stack.workspace, "gold")
    jobs, script = JobClient(stack.workspace), tmp_path / "scans.py"
    head, tail = SCRIPT.split("# The tasks of the first files")
    script.write_text(head + "replace(0, range(4))\n" + COUNTS + "# The tasks of the first files" + tail)
    run = jobs.wait(jobs.submit(str(script), arguments={"--MARKS": str(tmp_path), "--engine": "spark"}))
    said = (stack.workspace.runs / run["Id"] / "stdout.log").read_text()
    assert run["JobRunState"] == "SUCCEEDED" and "as promised" in said, (run, said)
    assert said.count("gold.test_scans was replaced while it was read: reading it anew.") == 3
