"""spark.sql on the catalog's tables, through its Hive metastore face: one script on the real cluster, and boto3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakelet.data.folders import Folders
from lakelet.data.objects import s3_client
from lakelet.jobs.client import JobClient
from tests.clients import glue_client
from tests.conftest import Stack

pytestmark = pytest.mark.stack

BUCKET = "hive-test"

# A script as for AWS Glue: nothing in it knows of Lakelet.
SCRIPT = """
from awsglue.context import GlueContext
from pyspark.context import SparkContext
from pyspark.errors import AnalysisException

spark = GlueContext(SparkContext.getOrCreate()).spark_session
spark.conf.set("hive.exec.dynamic.partition.mode", "nonstrict")


def rows(statement):
    return [tuple(row) for row in spark.sql(statement).collect()]


def refused(statement, condition):
    try:
        spark.sql(statement)
    except AnalysisException as error:
        assert error.getCondition() == condition, error
    else:
        raise AssertionError(f"{statement} was not refused")


def fails(table, said):
    try:
        spark.table(f"hive_glue.{table}").count()
    except Exception as error:
        assert said in str(error), error
    else:
        raise AssertionError(f"{table} was read")


# What boto3 made: CSV with a heading and quotes, JSON by a SerDe that Spark has not, partitions.
assert rows("SELECT id, name FROM hive_glue.people ORDER BY id") == [(1, "Ada, Countess"), (2, "Grace")]
assert rows("SELECT name FROM hive_glue.people WHERE year IN (2024) AND id = 2") == [("Grace",)]
assert rows("SELECT city, pop FROM hive_glue.cities") == [("Paris", 2)]
spark.sql("INSERT INTO hive_glue.cities VALUES ('Rome', 3)")
assert spark.table("hive_glue.cities").columns == ["city", "pop"]  # as the catalog has them, however JSON does

# As Athena's DDL leaves it: columns in lower case, over keys that are not; properties of OpenX's SerDe.
spark.sql("ALTER TABLE hive_glue.events SET SERDEPROPERTIES ('ignore.malformed.json' = 'TRUE')")
events = spark.table("hive_glue.events").orderBy("userid")
assert [tuple(row) for row in events.select("userid", "at.utctime", "tags", "stamp", "ip_address").collect()] == [
    (None, None, None, None, None), (1, "noon", {"Key": 1}, "t1", "::1"), (2, "dusk", None, None, None),
], events.collect()
spark.sql("CREATE TABLE hive_sql_like LIKE hive_glue.events LOCATION 's3://hive-test/events/'")
assert [tuple(row) for row in spark.table("hive_sql_like").where("userid = 1").select("stamp").collect()] == [("t1",)]
spark.sql("DROP TABLE hive_sql_like")
fails("strict", "a.json has a line that is no JSON object: mend it, or set the table's SerDe property")
fails("odd", "The SerDe property 'timestamp.formats' is not served")
spark.sql("INSERT INTO hive_glue.people PARTITION (year = 2025) VALUES (3, 'Mary, M')")
assert rows("SELECT name FROM hive_glue.people WHERE year = 2025") == [("Mary, M",)]
spark.sql("ALTER TABLE hive_glue.cities ADD COLUMNS (country string)")
assert rows("SELECT city, country FROM hive_glue.cities ORDER BY city") == [("Paris", None), ("Rome", None)]

# What spark.sql makes.
spark.sql("CREATE DATABASE hive_sql COMMENT 'made by Spark'")
refused("CREATE DATABASE hive_sql", "SCHEMA_ALREADY_EXISTS")
spark.sql("CREATE TABLE hive_sql.plain (id int, v string) USING parquet")
refused("CREATE TABLE hive_sql.plain (id int)", "TABLE_OR_VIEW_ALREADY_EXISTS")
refused("SELECT * FROM hive_sql.nosuch", "TABLE_OR_VIEW_NOT_FOUND")
spark.sql("INSERT INTO hive_sql.plain VALUES (1, 'a'), (2, 'b')")
spark.sql("ALTER TABLE hive_sql.plain ADD COLUMNS (z decimal(5, 2) COMMENT 'new')")
spark.sql("ALTER TABLE hive_sql.plain RENAME TO hive_sql.renamed")
assert rows("SELECT * FROM hive_sql.renamed ORDER BY id") == [(1, "a", None), (2, "b", None)]

spark.sql("CREATE TABLE hive_sql.parts (id int) PARTITIONED BY (p int, q string) STORED AS PARQUET")
spark.sql("INSERT INTO hive_sql.parts PARTITION (p, q) SELECT id, id % 3, 'it''s' FROM range(9)")
spark.sql("INSERT OVERWRITE hive_sql.parts PARTITION (p, q) SELECT 100, 1, 'it''s'")
counts = "SELECT p, count(*) FROM hive_sql.parts GROUP BY p ORDER BY p"
assert rows(counts) == [(0, 3), (1, 1), (2, 3)], rows(counts)
assert rows("SELECT count(*) FROM hive_sql.parts WHERE p >= 1 AND q LIKE 'it%'") == [(4,)]
spark.sql("ALTER TABLE hive_sql.parts DROP PARTITION (p = 2)")
assert rows("SHOW PARTITIONS hive_sql.parts") == [("p=0/q=it%27s",), ("p=1/q=it%27s",)]

frame = spark.range(6).selectExpr("id", "id % 2 AS k")
frame.write.partitionBy("k").mode("overwrite").saveAsTable("hive_sql.saved")
frame.write.mode("append").partitionBy("k").saveAsTable("hive_sql.saved")
spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
spark.sql("INSERT OVERWRITE hive_sql.saved PARTITION (k) SELECT 7L, 0L")
spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
assert rows("SELECT k, count(*) FROM hive_sql.saved GROUP BY k ORDER BY k") == [(0, 1), (1, 6)]

spark.sql("CREATE TABLE hive_sql.ctas USING json AS SELECT 1 AS id, array('x') AS tags, named_struct('a', 2) AS s")
spark.sql("CREATE VIEW hive_sql.seen AS SELECT id, tags[0] AS tag FROM hive_sql.ctas")
assert rows("SELECT * FROM hive_sql.seen") == [(1, "x")]
spark.sql("ANALYZE TABLE hive_sql.renamed COMPUTE STATISTICS FOR COLUMNS id")
assert ("max", "2") in [row[:2] for row in rows("DESCRIBE EXTENDED hive_sql.renamed id")]

spark.sql("CREATE TABLE hive_sql.text (id int, n string) PARTITIONED BY (d date) STORED AS TEXTFILE")
spark.sql("INSERT INTO hive_sql.text PARTITION (d) VALUES (1, 'x', DATE'2024-01-01'), (2, 'y', DATE'2024-02-01')")
assert rows("SELECT id FROM hive_sql.text WHERE d > DATE'2024-01-15'") == [(2,)]
spark.sql("CREATE TABLE hive_sql.orcs (id int) STORED AS ORC")
spark.sql("INSERT INTO hive_sql.orcs VALUES (1)")
spark.sql("TRUNCATE TABLE hive_sql.orcs")
assert rows("SELECT count(*) FROM hive_sql.orcs") == [(0,)]

spark.sql("CREATE EXTERNAL TABLE hive_sql.found (id int) PARTITIONED BY (p int) STORED AS PARQUET "
          "LOCATION 's3://hive-test/found'")
spark.range(2).selectExpr("cast(id AS int) id").write.parquet("s3://hive-test/found/p=5")
assert rows("SELECT count(*) FROM hive_sql.found") == [(0,)]
spark.sql("MSCK REPAIR TABLE hive_sql.found")
assert rows("SELECT p, count(*) FROM hive_sql.found GROUP BY p") == [(5, 2)]

# As Athena's documentation has them: no classification, a SerDe that Spark has not.
for name, serde in (("openx", "org.openx.data.jsonserde"), ("hcatalog", "org.apache.hive.hcatalog.data")):
    spark.sql(f"CREATE EXTERNAL TABLE hive_sql.{name} (id int, tags array<string>) "
              f"ROW FORMAT SERDE '{serde}.JsonSerDe' WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true')"
              f" LOCATION 's3://hive-test/{name}/'")
    spark.sql(f"INSERT INTO hive_sql.{name} VALUES (1, array('a', 'b'))")
    assert rows(f"SELECT id, tags[1] FROM hive_sql.{name}") == [(1, "b")]

# Places where nothing is yet.
spark.sql("CREATE TABLE hive_sql.placed STORED AS PARQUET LOCATION 's3://hive-test/placed/' AS SELECT 1 AS id")
assert rows("SELECT * FROM hive_sql.placed") == [(1,)]
spark.sql("CREATE EXTERNAL TABLE hive_sql.empty (id int) STORED AS PARQUET LOCATION 's3://hive-test/empty/'")
assert rows("SELECT * FROM hive_sql.empty") == []
for name in ("placed", "empty"):
    spark.sql(f"DROP TABLE hive_sql.{name}")

spark.sql("CREATE TABLE hive_sql.gone USING parquet AS SELECT 1 AS id")
spark.sql("DROP TABLE hive_sql.gone")
refused("DROP DATABASE hive_sql", "SCHEMA_NOT_EMPTY")
assert [row[1] for row in rows("SHOW TABLES IN hive_sql LIKE '*ed'")] == ["renamed", "saved"]
print("all of it held")
"""


def table(name: str, serde: str, classification: str, columns: list[tuple[str, str]], **changes: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": classification, **changes.pop("parameters", {})},
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": kind} for column, kind in columns],
            "Location": f"s3://{BUCKET}/{name}/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": changes.pop("properties", {})},
        },
        **changes,
    }


def prepare(stack: Stack) -> None:
    """A database as crawlers leave it; what an earlier run on this stack left goes first."""
    glue, s3 = glue_client(stack.workspace), s3_client(stack.workspace)
    for database in ("hive_glue", "hive_sql"):
        try:
            glue.delete_database(Name=database)
        except glue.exceptions.EntityNotFoundException:
            continue
    folders = Folders(s3)
    for bucket in (BUCKET, "warehouse"):
        folders.make_bucket(bucket)
    for left in ("found", "people", "cities", "events", "openx", "hcatalog"):
        folders.remove(f"s3://{BUCKET}/{left}")
    folders.remove("s3://warehouse/hive_sql.db")
    people = b'id,name\n1,"Ada, Countess"\n2,Grace\n'
    s3.put_object(Bucket=BUCKET, Key="people/year=2024/a.csv", Body=people)
    s3.put_object(Bucket=BUCKET, Key="cities/a.json", Body=b'{"City": "Paris", "pop": 2}\n')
    lines = b"""{"userId": 1, "At": {"utcTime": "noon"}, "tags": {"Key": 1}, "@timestamp": "t1", "ip.Address": "::1"}
    {"USERID": 2, "at": {"UTCTIME": "dusk"}, "stamp": "not this"}\n{"userId": \n"""
    s3.put_object(Bucket=BUCKET, Key="events/a.json", Body=lines)
    glue.create_database(DatabaseInput={"Name": "hive_glue"})
    lazy, openx = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "org.openx.data.jsonserde.JsonSerDe"
    people_input = table(
        "people", lazy, "csv", [("id", "int"), ("name", "string")],
        PartitionKeys=[{"Name": "year", "Type": "int"}], parameters={"skip.header.line.count": "1"},
    )  # fmt: skip
    glue.create_table(DatabaseName="hive_glue", TableInput=people_input)
    place = {**people_input["StorageDescriptor"], "Location": f"s3://{BUCKET}/people/year=2024/"}
    glue.create_partition(
        DatabaseName="hive_glue", TableName="people", PartitionInput={"Values": ["2024"], "StorageDescriptor": place}
    )
    cities = table("cities", openx, "json", [("city", "string"), ("pop", "int")], properties={"paths": "City,pop"})
    glue.create_table(DatabaseName="hive_glue", TableInput=cities)
    columns = [
        ("userid", "int"), ("at", "struct<utctime:string>"), ("tags", "map<string,int>"), ("stamp", "string"),
        ("ip_address", "string"),
    ]  # fmt: skip
    mapped = {"mapping.stamp": "@timestamp", "dots.in.keys": "true"}
    for name, given in (
        ("events", mapped),
        ("strict", mapped),
        ("odd", {"timestamp.formats": "yyyy"}),
    ):
        made = table(name, openx, "json", columns, properties=given)
        made["StorageDescriptor"]["Location"] = f"s3://{BUCKET}/events/"
        glue.create_table(DatabaseName="hive_glue", TableInput=made)


def test_spark_sql_and_boto3_see_one_catalog(stack: Stack, tmp_path: Path) -> None:
    prepare(stack)
    script = tmp_path / "hive_sql.py"
    script.write_text(SCRIPT)
    jobs = JobClient(stack.workspace)
    run = jobs.wait(jobs.submit(str(script)))
    said = (stack.workspace.runs / run["Id"] / "stderr.log").read_text()[-3000:]
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage", "") + said

    glue = glue_client(stack.workspace)
    assert glue.get_database(Name="hive_sql")["Database"]["LocationUri"] == "s3://warehouse/hive_sql.db"
    tables = {one["Name"]: one for one in glue.get_tables(DatabaseName="hive_sql")["TableList"]}
    assert set(tables) == {
        "renamed", "parts", "saved", "ctas", "seen", "text", "orcs", "found", "openx", "hcatalog"
    }  # fmt: skip

    def columns(name: str) -> list[tuple[str, str]]:
        return [(one["Name"], one["Type"]) for one in tables[name]["StorageDescriptor"]["Columns"]]

    assert columns("renamed") == [("id", "int"), ("v", "string"), ("z", "decimal(5,2)")]
    assert columns("ctas") == [("id", "int"), ("tags", "array<string>"), ("s", "struct<a:int>")]
    assert tables["ctas"]["Parameters"]["classification"] == "json"
    assert tables["seen"]["TableType"] == "VIRTUAL_VIEW"
    assert tables["renamed"]["StorageDescriptor"]["Location"].rstrip("/") == "s3://warehouse/hive_sql.db/renamed"
    parts = glue.get_partitions(DatabaseName="hive_sql", TableName="parts", Expression="p = 1")["Partitions"]
    assert [one["Values"] for one in parts] == [["1", "it's"]]

    assert (
        tables["openx"]["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"]
        == "org.openx.data.jsonserde.JsonSerDe"
    )
    s3 = s3_client(stack.workspace)

    def newest(folder: str) -> bytes:
        there = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{folder}/")["Contents"]
        return s3.get_object(Bucket=BUCKET, Key=max(there, key=lambda one: one["LastModified"])["Key"])["Body"].read()

    assert newest("openx") == b'{"id":1,"tags":["a","b"]}\n'
    assert newest("cities") == b'{"City":"Rome","pop":3}\n'  # keys as they were

    # What Spark was shown of boto3's tables is not in them, and what it did to them is.
    people = glue.get_table(DatabaseName="hive_glue", Name="people")["Table"]
    assert not [name for name in people["Parameters"] if name.startswith("spark.sql.sources")]
    cities = glue.get_table(DatabaseName="hive_glue", Name="cities")["Table"]["StorageDescriptor"]
    assert [one["Name"] for one in cities["Columns"]] == ["city", "pop", "country"]
    assert cities["SerdeInfo"]["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"
    assert glue.get_partition(DatabaseName="hive_glue", TableName="people", PartitionValues=["2025"])

    # A managed table's objects go with it and move with its name; what lies below them belongs to nobody.
    kept = s3_client(stack.workspace).list_objects_v2(Bucket="warehouse", Prefix="hive_sql.db/")
    folders = {one["Key"].split("/")[1] for one in kept["Contents"]}
    assert {"gone", "plain"} & folders == set()
