"""One job with both table formats (``--datalake-formats delta,iceberg``), and what Delta has beside SQL's own verbs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients import glue_client
from tests.conftest import Stack
from tests.stack.test_iceberg_jobs import clear, rows_of, run

pytestmark = pytest.mark.stack

DATABASE = "two_formats"

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


def delta():
    return rows("SELECT id, name FROM two_formats.delta")


def objects():
    found = boto3.client("s3").list_objects_v2(Bucket="warehouse", Prefix="two_formats/delta/part=")
    return [one["Key"] for one in found["Contents"] if one["Key"].endswith(".parquet")]


# Delta: writeTo, the Python API, OPTIMIZE, RESTORE, VACUUM.
first = spark.createDataFrame([(1, "a", "x"), (2, "b", "x"), (3, "c", "y")], columns).coalesce(1)
first.writeTo("two_formats.delta").using("delta").partitionedBy("part").create()
spark.createDataFrame([(4, "d", "x"), (5, "e", "y")], columns).coalesce(1).writeTo("two_formats.delta").append()
six = spark.createDataFrame([(6, "f", "y")], columns)
six.writeTo("two_formats.delta").overwritePartitions()
assert delta() == [(1, "a"), (2, "b"), (4, "d"), (6, "f")]
table = DeltaTable.forPath(spark, "s3://warehouse/two_formats/delta")
done = spark.sql("OPTIMIZE two_formats.delta WHERE part = 'x' ZORDER BY (id)").first().metrics
assert (done.numFilesRemoved, done.numFilesAdded) == (2, 1), done
table.update("id = 1", {"name": F.lit("z")})
table.delete(F.col("id") == 4)
source = spark.createDataFrame([(2, "b2", "x"), (7, "g", "z")], columns).alias("s")
merge = table.alias("t").merge(source, "t.id = s.id").whenMatchedUpdateAll().whenNotMatchedInsertAll()
merge.whenNotMatchedBySourceDelete("t.id = 6").execute()
assert delta() == [(1, "z"), (2, "b2"), (7, "g")]
names = [row.operation for row in table.history().orderBy("version").collect()]
assert names == ["CREATE TABLE AS SELECT", "WRITE", "WRITE", "OPTIMIZE", "UPDATE", "DELETE", "MERGE"], names
spark.sql("RESTORE TABLE two_formats.delta TO VERSION AS OF 0")
assert delta() == [(1, "a"), (2, "b"), (3, "c")] and len(objects()) > 3
spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
spark.sql("VACUUM two_formats.delta RETAIN 0 HOURS")
assert len(objects()) == 2, objects()
assert delta() == [(1, "a"), (2, "b"), (3, "c")]

# Iceberg beside it, in its own catalog: rows go from one to the other, by SQL and by from_catalog.
six.writeTo("glue_catalog.two_formats.iceberg").create()
spark.sql("MERGE INTO glue_catalog.two_formats.iceberg t USING two_formats.delta s ON t.id = s.id "
          "WHEN NOT MATCHED THEN INSERT *")
assert glue.create_data_frame.from_catalog("two_formats", "iceberg").count() == 4
read = glue.create_dynamic_frame.from_catalog("two_formats", "delta")
glue.write_dynamic_frame.from_catalog(read, "two_formats", "iceberg")
glue.write_data_frame.from_catalog(six, "two_formats", "iceberg")
assert rows("SELECT id, count(*) FROM glue_catalog.two_formats.iceberg GROUP BY id") == [(1, 2), (2, 2), (3, 2), (6, 2)]
spark.sql("UPDATE glue_catalog.two_formats.iceberg SET name = 'u' WHERE id = 6")
spark.sql("DELETE FROM glue_catalog.two_formats.iceberg WHERE id < 3")
((files, *_),) = rows("CALL glue_catalog.system.rewrite_data_files("
                      "table => 'two_formats.iceberg', options => map('rewrite-all', 'true'))")
assert files > 1, files
six.select("id", "name").writeTo("two_formats.delta").using("delta").createOrReplace()
assert delta() == [(6, "f")]
print("all of it held")
"""


def test_a_job_has_both(stack: Stack) -> None:
    glue: Any = glue_client(stack.workspace)
    clear(stack, DATABASE)
    glue.create_database(DatabaseInput={"Name": DATABASE, "LocationUri": f"s3://warehouse/{DATABASE}"})
    assert run(stack, SCRIPT, "two-formats", datalake_formats="delta,iceberg")[-1] == "all of it held"

    delta, iceberg = (glue.get_table(DatabaseName=DATABASE, Name=name)["Table"] for name in ("delta", "iceberg"))
    assert [one["Name"] for one in delta["StorageDescriptor"]["Columns"]] == ["id", "name"]
    assert delta["Parameters"]["spark.sql.sources.provider"] == "delta"
    assert [one["Name"] for one in iceberg["StorageDescriptor"]["Columns"]] == ["id", "name", "part"]
    assert iceberg["Parameters"]["table_type"] == "ICEBERG"
    assert sorted(rows_of(stack, iceberg, "name")) == ["c", "c", "u", "u"]
    clear(stack, DATABASE)
