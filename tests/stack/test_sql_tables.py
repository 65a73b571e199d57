"""``spark.sql`` and ``spark.table`` over tables of the catalog: Sail's answers are Spark's, or refused by name."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from awsglue.dynamicframe import DynamicFrame
from lakelet.catalog.glue import Glue
from lakelet.data.formats import CSV, storage_descriptor
from lakelet.data.objects import s3_client
from lakelet.etl.errors import UnsupportedError
from lakelet.workspace.paths import Workspace
from tests.conftest import Stack
from tests.spark import lake_on

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = pytest.mark.stack
ENGINES = ("spark", "sail")
DATABASE = f"sql_tables_{uuid.uuid4().hex[:8]}"
PLACE = f"s3://silver/{DATABASE}"
MADE = (
    f"CREATE DATABASE {DATABASE} LOCATION '{PLACE}/'",
    f"CREATE TABLE {DATABASE}.hive STORED AS PARQUET LOCATION '{PLACE}/hive/' AS SELECT id, cast(id AS STRING) AS s,"
    " cast(id / 3 AS DECIMAL(10, 2)) AS dec, timestamp'2024-01-01 10:00:00' AS ts, named_struct('x', id) AS st"
    " FROM range(10)",
    f"CREATE TABLE {DATABASE}.parted (id BIGINT, Name STRING) USING parquet PARTITIONED BY (day DATE, n INT)",
    f"INSERT INTO {DATABASE}.parted SELECT id, concat('n', id), date_add(date'2024-01-01', cast(id % 3 AS INT)),"
    " if(id % 2 = 0, null, cast(id % 2 AS INT)) FROM range(20)",
    f"CREATE TABLE {DATABASE}.made USING parquet AS SELECT id AS Id,"
    " named_struct('Aa', id, 'b', array(named_struct('Cc', 1))) AS St, 'x' AS `a b` FROM range(3)",
    f"CREATE EXTERNAL TABLE {DATABASE}.empty (a INT, b STRING) STORED AS PARQUET LOCATION '{PLACE}/empty/'",
    f"CREATE TABLE {DATABASE}.grown USING parquet AS SELECT 1 AS k",
    f"CREATE TABLE {DATABASE}.padded (c CHAR(5)) USING parquet",
    f"CREATE TABLE {DATABASE}.plain (a TIMESTAMP_NTZ) USING parquet",
    f"CREATE TABLE {DATABASE}.jsons (a INT) USING json",
    f"CREATE TABLE {DATABASE}.csvs (Id INT, s STRING, d DOUBLE, day DATE) USING csv",
    f"INSERT INTO {DATABASE}.csvs VALUES (1, 'a,b', 1.5, date'2024-01-01'), (2, null, null, null)",
    f"CREATE TABLE {DATABASE}.headed (id INT, s STRING) USING csv OPTIONS (header 'true', sep ';')",
    f"INSERT INTO {DATABASE}.headed VALUES (1, 'a;b'), (2, '')",
    f"CREATE TABLE {DATABASE}.dated (d DATE) USING csv OPTIONS (dateFormat 'dd/MM/yyyy')",
    f"CREATE VIEW {DATABASE}.seen AS SELECT 1 AS a",
)
STATEMENTS = (
    "SELECT * FROM {d}.hive",
    "SELECT hive.id, {d}.hive.s FROM {d}.hive WHERE {d}.hive.id > 3",
    "SELECT hive.st.x, {d}.hive.st.x AS y FROM {d}.hive",
    "SELECT {d}.hive.* FROM {d}.hive",
    "SELECT x.id, y.name FROM {d}.hive x JOIN {d}.parted AS y ON x.id = y.id ORDER BY 1",
    "SELECT made.`a b`, h.* FROM {d}.made, {d}.hive h",
    "SELECT id, name, day, n FROM {d}.parted",
    "SELECT * FROM {d}.parted -- FROM nowhere.at_all",
    "SELECT day, n, count(*) AS c FROM {d}.parted WHERE day = '2024-01-02' GROUP BY day, n",
    "SELECT * FROM `{D}`.`HIVE` WHERE id IN (SELECT id FROM {d}.parted WHERE n IS NULL)",
    "SELECT a.* FROM {d}.hive a WHERE EXISTS (SELECT 1 FROM {d}.parted p WHERE p.id = a.id AND p.n = 1)",
    "WITH q AS (SELECT * FROM {d}.parted) SELECT q.n, sum(id) AS s FROM q GROUP BY q.n",
    "SELECT count(*) AS c FROM {d}.hive UNION ALL SELECT count(*) FROM {d}.parted",
    "SELECT '{d}.hive' AS t, count(*) AS c FROM {d}.hive",
    "SELECT * FROM {d}.made",
    "SELECT id, st.aa FROM {d}.made WHERE `A B` = 'x'",
    "SELECT * FROM {d}.empty",
    "SELECT * FROM {d}.csvs",
    "SELECT id, d FROM {d}.csvs WHERE day IS NOT NULL",
    "SELECT * FROM {d}.headed",
    "SELECT * FROM {d}.crawled",
    "SELECT k, count(*) AS c, sum(amount) AS s FROM {d}.crawled GROUP BY k",
    "SELECT c.id, h.s FROM {d}.crawled c LEFT JOIN {d}.headed h ON c.id = h.id",
)
FRAMES: dict[str, Callable[[Any], Any]] = {
    "table": lambda spark: spark.table(f"{DATABASE}.hive"),
    "table by its name": lambda spark: spark.table(f"{DATABASE}.parted").where("n = 1").select("parted.id"),
    "read.table": lambda spark: spark.read.table(f"`{DATABASE}`.made"),
    "a join of tables": lambda spark: (
        spark.table(f"{DATABASE}.hive")
        .alias("x")
        .join(spark.table(f"{DATABASE}.parted").alias("y"), F.col("x.id") == F.col("y.id"))
        .select("x.id", "y.name")
    ),
    "parameters": lambda spark: spark.sql(f"SELECT id FROM {DATABASE}.hive WHERE id > :k", args={"k": 3}),
    "columns": lambda spark: spark.sql(f"SELECT {{c}} FROM {DATABASE}.hive WHERE id > {{k}}", c=F.col("id"), k=3),
}
REFUSED = {
    "padded": "it has columns of char or varchar",
    "plain": "Spark has made it, with types that the catalog tells otherwise",
    "jsons": "its format is json",
    "seen": "it is a view",
    "dated": "Spark has made it with the option dateFormat",
}


# As a crawler registers it: a heading, and what is no value of its column's type.
CRAWLED = {
    "k=a": 'id,name,amount,at,flag\n1,"a, b",19.995,2024-01-01 10:00:00,true\n2,,x,2024-13-01,on\n3,"",1e3,20240101,\n',
    "k=b": "id,name,amount,at,flag\n9999999999, c ,7,2024-02-29T12:34:56.123Z,FALSE\nfour,d,,,\n",
    "k=__HIVE_DEFAULT_PARTITION__": "id,name,amount,at,flag\n5,é,-0.5,2024-01-01,false\n",
}
TYPES = {"id": "int", "name": "string", "amount": "decimal(10,2)", "at": "timestamp", "flag": "boolean"}


def crawl(workspace: Workspace) -> None:
    columns = [{"Name": name, "Type": kind} for name, kind in TYPES.items()]
    glue, place = Glue(workspace), f"{PLACE}/crawled/"
    descriptor = storage_descriptor(CSV, columns, place, serde_parameters={"field.delim": ","})
    table = {
        "Name": "crawled", "TableType": "EXTERNAL_TABLE", "PartitionKeys": [{"Name": "k", "Type": "string"}],
        "Parameters": {"classification": "csv", "skip.header.line.count": "1"}, "StorageDescriptor": descriptor,
    }  # fmt: skip
    glue.call("CreateTable", DatabaseName=DATABASE, TableInput=table)
    for folder, text in CRAWLED.items():
        key = f"{DATABASE}/crawled/{folder}/part.csv"
        s3_client(workspace).put_object(Bucket="silver", Key=key, Body=text.encode())
        part = {"Values": [folder[2:]], "StorageDescriptor": {**descriptor, "Location": f"{place}{folder}/"}}
        glue.call("CreatePartition", DatabaseName=DATABASE, TableName="crawled", PartitionInput=part)


@pytest.fixture(scope="module")
def answers(stack: Stack) -> Iterator[dict[str, dict[Any, Any]]]:
    """What each engine says, by statement."""
    found: dict[str, dict[Any, Any]] = {}
    for engine in ENGINES:
        with lake_on(engine, stack.workspace) as glue:
            if engine == "spark":
                for statement in MADE:
                    glue.spark_session.sql(statement)
                crawl(stack.workspace)
            found[engine] = dict(_answers(glue)) | {"time": _in_time(glue, 1 + ENGINES.index(engine))}
    yield found
    with lake_on("spark", stack.workspace) as glue:
        glue.spark_session.sql(f"DROP DATABASE {DATABASE} CASCADE")


def _answers(glue: GlueContext) -> Iterator[tuple[str, Any]]:
    spark = glue.spark_session
    for told in STATEMENTS:
        rows = spark.sql(told.format(d=DATABASE, D=DATABASE.upper()))
        yield told, (rows.dtypes, sorted(map(repr, rows.collect())))
    for name, frame in FRAMES.items():
        rows = frame(spark)
        yield name, (rows.dtypes, sorted(map(repr, rows.collect())))
    for name in ("hive", "parted", "nowhere"):
        yield name, (spark.catalog.tableExists(f"{DATABASE}.{name}"), spark.catalog.tableExists(name, DATABASE))
    for missing in (f"{DATABASE}.nowhere", "nowhere.nowhere"):
        for ask in (spark.table, lambda name: spark.sql(f"SELECT * FROM {name}")):
            with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
                ask(missing)
    for name in REFUSED:
        try:
            yield name, spark.sql(f"SELECT * FROM {DATABASE}.{name}").columns
        except UnsupportedError as error:
            yield name, str(error)


def _in_time(glue: GlueContext, first: int) -> dict[str, list[int]]:
    """How many rows there are, read before and after a sink has added some; views are by frames and by statements."""
    spark, table = glue.spark_session, f"{DATABASE}.grown"

    def add(key: int) -> None:
        rows = spark.createDataFrame([(key,)], "k int")
        glue.write_dynamic_frame.from_catalog(DynamicFrame.fromDF(rows, glue, "rows"), DATABASE, "grown")

    def counts() -> list[int]:
        asked = (table, "of_frame", "of_text", "of_view")
        counted = [count for name in asked for count in (spark.table(name), spark.sql(f"SELECT * FROM {name}"))]
        return [rows.count() - there for rows in counted]

    there = spark.table(table).count()
    spark.table(table).createOrReplaceTempView("of_frame")
    spark.sql(f"CREATE TEMPORARY VIEW of_text AS SELECT * FROM {table}")
    spark.sql("CREATE TEMPORARY VIEW of_view AS SELECT * FROM of_text")
    before, of_view = spark.sql(f"SELECT * FROM {table}"), spark.table("of_view")
    found = {"at first": counts()}
    add(10 * first)
    found["after one"] = [*counts(), before.count() - there, of_view.count() - there]
    add(10 * first + 1)
    found["after two"] = [*counts(), before.count() - there, of_view.count() - there]
    return found


@pytest.mark.parametrize("asked", [*STATEMENTS, *FRAMES, "hive", "parted", "nowhere"])
def test_both_engines_answer_the_same(answers: dict[str, dict[Any, Any]], asked: str) -> None:
    assert answers["sail"][asked] == answers["spark"][asked]


def test_rows_that_a_sink_has_added_are_seen_by_what_is_asked_after(answers: dict[str, dict[Any, Any]]) -> None:
    assert answers["sail"]["time"] == answers["spark"]["time"]
    assert answers["spark"]["time"] == {
        "at first": [0] * 8,
        "after one": [1, 1, 0, 0, 1, 1, 1, 1, 0, 0],
        "after two": [2, 2, 0, 0, 2, 2, 2, 2, 0, 0],
    }


@pytest.mark.parametrize(("name", "why"), REFUSED.items())
def test_a_table_that_sail_reads_otherwise_is_refused(answers: dict[str, dict[Any, Any]], name: str, why: str) -> None:
    assert isinstance(answers["spark"][name], list)
    told = answers["sail"][name]
    assert f"Reading {DATABASE}.{name} by spark.sql ({why})" in told
    assert "--engine spark" in told
