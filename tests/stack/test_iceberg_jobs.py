"""Jobs on Iceberg tables of the catalog (``--datalake-formats iceberg``): spark.sql, frames, and what others see."""

from __future__ import annotations

from typing import Any

import pytest
from pyiceberg.table import StaticTable

from lakelet.data.folders import Folders
from lakelet.data.objects import s3_client
from lakelet.jobs.client import JobClient
from lakelet.jobs.logs import Stream, read
from lakelet.workspace.secrets import secret
from tests.clients import aws_client, glue_client
from tests.conftest import Stack

pytestmark = pytest.mark.stack

DATABASE, ROLE = "iceberg_jobs", "arn:aws:iam::123456789012:role/iceberg-analyst"

# As AWS's guide has a job configure its catalog.
CONF = " --conf ".join(
    (
        "spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.glue_catalog=org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.glue_catalog.warehouse=s3://warehouse/iceberg",
        "spark.sql.catalog.glue_catalog.catalog-impl=org.apache.iceberg.aws.glue.GlueCatalog",
        "spark.sql.catalog.glue_catalog.io-impl=org.apache.iceberg.aws.s3.S3FileIO",
    )
)

SCRIPT = """
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from pyspark.context import SparkContext

glue = GlueContext(SparkContext.getOrCreate())
spark = glue.spark_session


def rows(statement):
    return [tuple(row) for row in spark.sql(statement).collect()]


def changes():
    return rows("SELECT id, name FROM iceberg_jobs.changes ORDER BY id")


spark.sql("CREATE TABLE glue_catalog.iceberg_jobs.orders (id bigint, name string, day date) USING iceberg "
          "PARTITIONED BY (month(day))")
spark.sql("INSERT INTO glue_catalog.iceberg_jobs.orders VALUES (1, 'a', DATE'2024-01-01'), (2, 'b', DATE'2024-02-01')")
first = rows("SELECT snapshot_id FROM iceberg_jobs.orders.snapshots")[0][0]
spark.sql("ALTER TABLE iceberg_jobs.orders ADD COLUMN price double")
spark.sql("MERGE INTO iceberg_jobs.orders t USING (SELECT 2L AS id, 2.5D AS price) s ON t.id = s.id "
          "WHEN MATCHED THEN UPDATE SET t.price = s.price")
more = spark.createDataFrame([(3, "c", None, 3.5)], "id long, name string, day date, price double")
glue.write_data_frame.from_catalog(more, "iceberg_jobs", "orders")
frame = glue.create_dynamic_frame.from_catalog("iceberg_jobs", "orders")
assert frame.count() == 3, frame.toDF().collect()
told = sorted((row.id, row.price) for row in glue.create_data_frame.from_catalog("iceberg_jobs", "orders").collect())
assert told == [(1, None), (2, 2.5), (3, 3.5)], told
assert rows(f"SELECT count(*) FROM iceberg_jobs.orders VERSION AS OF {first}") == [(2,)]
assert spark.read.format("iceberg").load("glue_catalog.iceberg_jobs.orders").where("day < '2024-01-15'").count() == 1
spark.sql("CREATE TABLE iceberg_jobs.plain USING parquet AS SELECT 1 AS id")
assert rows("SELECT * FROM iceberg_jobs.plain") == [(1,)]

# One table by its two names, of which neither may keep what there was before the other one changed it.
columns = "id long, name string, part string"
some = spark.createDataFrame([(1, "a", "x"), (2, "b", "x"), (3, "c", "y")], columns)
some.writeTo("glue_catalog.iceberg_jobs.changes").partitionedBy("part").create()
assert changes() == [(1, "a"), (2, "b"), (3, "c")]
first = rows("SELECT snapshot_id FROM iceberg_jobs.changes.snapshots")[0][0]
spark.sql("UPDATE glue_catalog.iceberg_jobs.changes SET name = 'bb' WHERE id = 2")
assert changes() == [(1, "a"), (2, "bb"), (3, "c")]
spark.sql("DELETE FROM iceberg_jobs.changes WHERE id = 3")
spark.sql("MERGE INTO glue_catalog.iceberg_jobs.changes t USING "
          "(SELECT * FROM VALUES (1L, 'gone', 'x'), (2L, 'b2', 'x'), (9L, 'n', 'z') AS s(id, name, part)) s "
          "ON t.id = s.id WHEN MATCHED AND s.name = 'gone' THEN DELETE WHEN MATCHED THEN UPDATE SET * "
          "WHEN NOT MATCHED THEN INSERT *")
assert changes() == [(2, "b2"), (9, "n")]
spark.createDataFrame([(4, "d", "x"), (5, "e", "z")], columns).writeTo("iceberg_jobs.changes").append()
six = spark.createDataFrame([(6, "f", "z")], columns)
six.writeTo("glue_catalog.iceberg_jobs.changes").overwritePartitions()
assert changes() == [(2, "b2"), (4, "d"), (6, "f")]
glue.write_dynamic_frame.from_catalog(DynamicFrame.fromDF(six, glue, "six"), "iceberg_jobs", "changes")
assert rows("SELECT id FROM glue_catalog.iceberg_jobs.changes WHERE part = 'z'") == [(6,), (6,)]
spark.sql("INSERT OVERWRITE iceberg_jobs.changes SELECT 7L, 'g', 'x'")
assert changes() == [(7, "g")]

rows(f"CALL glue_catalog.system.rollback_to_snapshot('iceberg_jobs.changes', {first})")
assert changes() == [(1, "a"), (2, "b"), (3, "c")]
for _ in range(2):
    six.writeTo("iceberg_jobs.changes").append()
((rewritten, added, *_),) = rows("CALL glue_catalog.system.rewrite_data_files("
                                "table => 'iceberg_jobs.changes', options => map('rewrite-all', 'true'))")
files = rows("SELECT count(*) FROM iceberg_jobs.changes.files")
assert rewritten > added and files == [(added,)] == [(3,)], (rewritten, added, files)
spark.sql("ALTER TABLE iceberg_jobs.changes CREATE TAG kept AS OF VERSION " + str(first))
((*_, gone),) = rows("SELECT snapshot_id FROM iceberg_jobs.changes.snapshots WHERE operation = 'overwrite' LIMIT 1")
rows("CALL system.expire_snapshots(table => 'iceberg_jobs.changes', older_than => TIMESTAMP '2199-01-01 00:00:00')")
assert rows("SELECT count(*) FROM glue_catalog.iceberg_jobs.changes.snapshots") == [(2,)]
assert rows("SELECT count(*) FROM iceberg_jobs.changes VERSION AS OF 'kept'") == [(3,)]
try:
    rows(f"SELECT count(*) FROM iceberg_jobs.changes VERSION AS OF {gone}")
except Exception as error:
    assert str(gone) in str(error)
else:
    raise AssertionError("an expired snapshot was read")
assert changes() == [(1, "a"), (2, "b"), (3, "c"), (6, "f"), (6, "f")]
some.selectExpr("id", "id * 2 twice").writeTo("iceberg_jobs.changes").using("iceberg").createOrReplace()
assert rows("SELECT * FROM glue_catalog.iceberg_jobs.changes ORDER BY id") == [(1, 2), (2, 4), (3, 6)]
assert [row[1] for row in rows("SHOW TABLES IN glue_catalog.iceberg_jobs")] == ["changes", "orders"]
print("all of it held")
"""

READ = """
from awsglue.context import GlueContext
from pyspark.context import SparkContext

glue = GlueContext(SparkContext.getOrCreate())
for read in (lambda: glue.create_data_frame.from_catalog("iceberg_jobs", "orders"),
             lambda: glue.spark_session.sql("SELECT * FROM iceberg_jobs.orders"),
             lambda: glue.spark_session.sql("SELECT * FROM glue_catalog.iceberg_jobs.orders")):
    try:
        print(sorted(tuple(row) for row in read().collect()))
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[0])
"""


def run(
    stack: Stack, code: str, name: str, role: str | None = None, *, caught: str = "", **arguments: str
) -> list[str]:
    """What a script says, which succeeds, or fails at its end for a refusal that it ``caught``."""
    jobs, s3, glue = JobClient(stack.workspace), s3_client(stack.workspace), glue_client(stack.workspace)
    s3.put_object(Bucket="warehouse", Key=f"scripts/{name}.py", Body=code.encode())
    place = {"Name": "glueetl", "ScriptLocation": f"s3://warehouse/scripts/{name}.py"}
    glue.delete_job(JobName=name)
    glue.create_job(Name=name, Role=role or "lakelet", Command=place)
    ended = jobs.wait(jobs.start(name, {f"--{key.replace('_', '-')}": value for key, value in arguments.items()}))
    said = (stack.workspace.runs / ended["Id"] / "stderr.log").read_text()[-3000:]
    wanted = "FAILED" if caught else "SUCCEEDED"
    assert ended["JobRunState"] == wanted and caught in ended.get("ErrorMessage", ""), f"{ended} {said}"
    return [line.text for line in read(stack.workspace, ended["Id"], Stream.driver)]


def test_jobs_and_others_work_on_one_iceberg_table(stack: Stack) -> None:
    glue = glue_client(stack.workspace)
    clear(stack, DATABASE)
    glue.create_database(DatabaseInput={"Name": DATABASE, "LocationUri": f"s3://warehouse/{DATABASE}"})
    assert run(stack, SCRIPT, "iceberg-jobs", datalake_formats="iceberg", conf=CONF)[-1] == "all of it held"

    table = glue.get_table(DatabaseName=DATABASE, Name="orders")["Table"]
    assert [one["Name"] for one in table["StorageDescriptor"]["Columns"]] == ["id", "name", "day", "price"]
    assert not [name for name in table["Parameters"] if name.startswith("spark.sql.sources")]
    assert sorted(rows_of(stack, table, "id")) == [1, 2, 3]
    changed = glue.get_table(DatabaseName=DATABASE, Name="changes")["Table"]
    assert [(one["Name"], one["Type"]) for one in changed["StorageDescriptor"]["Columns"]] == [
        ("id", "bigint"), ("twice", "bigint"),
    ]  # fmt: skip
    assert changed["TableType"] == "EXTERNAL_TABLE" and changed["Parameters"]["table_type"] == "ICEBERG"
    assert sorted(rows_of(stack, changed, "twice")) == [2, 4, 6]

    # Grants hold for Iceberg tables too. (What a job without the argument is told: test_etl_open_tables.py.)
    restrict(stack, DATABASE, ROLE)
    said = run(stack, READ, "iceberg-role", ROLE, datalake_formats="iceberg")
    assert said[:2] == ["[(2, 2.5), (3, 3.5)]"] * 2
    assert "TABLE_OR_VIEW_NOT_FOUND" in said[2], said
    clear(stack, DATABASE)


def rows_of(stack: Stack, table: Any, column: str) -> list[Any]:
    """A column's values, by the metadata that boto3 sees of a table."""
    keys = {"s3.access-key-id": secret(stack.workspace, "access_key"), "s3.endpoint": stack.workspace.endpoint("s3")}
    keys |= {"s3.secret-access-key": secret(stack.workspace, "secret_key"), "s3.region": "us-east-1"}
    found = StaticTable.from_metadata(table["Parameters"]["metadata_location"], keys).scan().to_arrow()
    return list(found.column(column).to_pylist())


def restrict(stack: Stack, database: str, role: str) -> None:
    """Two columns of the later orders for the role, and nothing for others."""
    formation: Any = aws_client(stack.workspace, "lakeformation")
    where = {"TableCatalogId": "123456789012", "DatabaseName": database, "TableName": "orders", "Name": "late"}
    shown = {"ColumnNames": ["id", "price"], "RowFilter": {"FilterExpression": "id > 1"}}
    formation.create_data_cells_filter(TableData={**where, **shown})
    everybody = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}
    table = {"Table": {"DatabaseName": database, "Name": "orders"}}
    formation.revoke_permissions(Principal=everybody, Resource=table, Permissions=["ALL"])
    formation.grant_permissions(
        Principal={"DataLakePrincipalIdentifier": role}, Resource={"DataCellsFilter": where}, Permissions=["SELECT"]
    )


def clear(stack: Stack, database: str) -> None:
    """Take the database of an earlier round away, with what lies in its folder."""
    glue: Any = glue_client(stack.workspace)
    folders = Folders(s3_client(stack.workspace))
    folders.make_bucket("warehouse")
    folders.remove(f"s3://warehouse/{database}")
    try:
        glue.delete_database(Name=database)
    except glue.exceptions.EntityNotFoundException:
        return
