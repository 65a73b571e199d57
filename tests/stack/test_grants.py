"""Lake Formation's grants on the real stack: what a job's role may read, by every way a script reads the catalog."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from lakelet.data.folders import Folders
from lakelet.data.objects import s3_client
from lakelet.jobs import engines
from lakelet.jobs.client import JobClient, JobRun
from lakelet.jobs.logs import Stream, read
from tests.clients import aws_client, glue_client
from tests.conftest import Stack

pytestmark = pytest.mark.stack

BUCKET, DATABASE = "grants-test", "grants_test"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/analyst"
COLUMNS = [("id", "int"), ("name", "string"), ("salary", "double")]
WHOLE, PARTITIONED = ("dynamic", "frame", "sample", "sql", "table"), ("untouched", "filtered", "two", "cells")
ALL = [[1, "Ada", 10.0, 2023], [2, "Grace", 20.0, 2024], [3, "Mary", 30.0, 2024]]

# A script as for AWS Glue, that tells what it could read of each table, and how it was refused.
READ = """
import json, sys
from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

glue = GlueContext(SparkContext.getOrCreate())
spark = glue.spark_session
args = getResolvedOptions(sys.argv, ["tables", "few", "broken", "ways"])  # a few tables are read by every way
ways = {
    "dynamic": lambda table: glue.create_dynamic_frame.from_catalog("grants_test", table).toDF(),
    "frame": lambda table: glue.create_data_frame.from_catalog("grants_test", table),
    "pruned": lambda table: glue.create_dynamic_frame.from_catalog(
        "grants_test", table, push_down_predicate="year = 2024",
        additional_options={"catalogPartitionPredicate": "year > 2000"}).toDF(),
    "sample": lambda table: glue.create_sample_dynamic_frame.from_catalog("grants_test", table, 100).toDF(),
    "errors": lambda table: glue.create_dynamic_frame.from_catalog("grants_test", table).errorsAsDynamicFrame().toDF()
        .select("error.msg", "error.input", "error.line"),
    "sql": lambda table: spark.sql(f"SELECT * FROM grants_test.{table}"),
    "where": lambda table: spark.sql(f"SELECT count(*) AS n FROM grants_test.{table} t WHERE year = 2024"),
    "table": lambda table: spark.table(f"grants_test.{table}"),
    "insert": lambda table: spark.sql(f"INSERT INTO grants_test.{table} VALUES (9, 'x', 1, 2024)"),
    "drop": lambda table: spark.sql(f"DROP VIEW grants_test.{table}"),
}
for way in args["ways"].split(","):
    read = "broken" if way == "errors" else "tables" if way in ("dynamic", "sql", "insert", "drop") else "few"
    for table in args[read].split(","):
        try:
            frame = ways[way](table)
            told = [frame.columns, sorted([list(row) for row in frame.collect()], key=str)]
        except Exception as error:
            told = str(error)
        print(json.dumps([way, table, told]))
"""

SINK = """
import json, sys
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from pyspark.context import SparkContext

glue = GlueContext(SparkContext.getOrCreate())
rows = glue.spark_session.createDataFrame([(9, "x", 1.0, 2024)], "id int, name string, salary double, year int")
frame = DynamicFrame.fromDF(rows, glue, "rows")
for table in ("open", "closed", "whole", "new"):
    try:
        sink = glue.getSink("s3", path=f"s3://grants-test/{table}-out/", enableUpdateCatalog=True)
        sink.setFormat("glueparquet")
        sink.setCatalogInfo(catalogDatabase="grants_test", catalogTableName=f"{table}_out")
        sink.writeFrame(frame)
        told = "written"
        told = glue.create_dynamic_frame.from_catalog("grants_test", f"{table}_out").count()
    except Exception as error:
        told = str(error)
    print(json.dumps(["sink", table, told]))
"""


class Lake:
    """A table of CSV files under many names, each granted otherwise to the role that jobs are run with."""

    def __init__(self, stack: Stack) -> None:
        self.workspace = stack.workspace
        self.jobs = JobClient(stack.workspace)
        self.glue, self.s3 = glue_client(stack.workspace), s3_client(stack.workspace)
        self.formation = aws_client(stack.workspace, "lakeformation")
        self.folders = Folders(self.s3)

    def prepare(self) -> None:
        self.clear()
        self.folders.make_bucket(BUCKET)
        for table in ("open", "closed", "whole", "new"):
            self.folders.remove(f"s3://{BUCKET}/{table}-out")
        self.put("people/year=2023/a.csv", "id,name,salary\n1,Ada,10\n")
        self.put("people/year=2024/a.csv", "id,name,salary\n2,Grace,20\n3,Mary,30\n")
        self.put("broken/year=2023/a.csv", "id,name,salary\n1,Ada,10\nbroken,line\n")
        self.glue.create_database(DatabaseInput={"Name": DATABASE})

    def clear(self) -> None:
        try:
            self.glue.delete_database(Name=DATABASE)
        except self.glue.exceptions.EntityNotFoundException:
            return

    def put(self, key: str, text: str) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())

    def table(self, name: str, *, folder: str = "people", restricted: bool = True, plain: bool = False) -> None:
        """A table over the files, ``plain`` without partitions; restricted, it is left to grants."""
        descriptor = {
            "Columns": [{"Name": column, "Type": kind} for column, kind in COLUMNS],
            "Location": f"s3://{BUCKET}/{folder}/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"field.delim": ","},
            },
        }
        self.glue.create_table(
            DatabaseName=DATABASE,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
                "PartitionKeys": [] if plain else [{"Name": "year", "Type": "int"}],
                "StorageDescriptor": descriptor,
            },
        )
        for year in () if plain else ("2023", "2024"):
            place = {**descriptor, "Location": f"s3://{BUCKET}/{folder}/year={year}/"}
            one = {"Values": [year], "StorageDescriptor": place}
            self.glue.create_partition(DatabaseName=DATABASE, TableName=name, PartitionInput=one)
        if restricted:
            self.revoke("IAM_ALLOWED_PRINCIPALS", whole(name), "ALL")

    def grant(self, resource: dict[str, Any], *permissions: str, to: str = ROLE) -> None:
        self.formation.grant_permissions(
            Principal={"DataLakePrincipalIdentifier": to}, Resource=resource, Permissions=list(permissions)
        )

    def revoke(self, principal: str, resource: dict[str, Any], *permissions: str) -> None:
        self.formation.revoke_permissions(
            Principal={"DataLakePrincipalIdentifier": principal}, Resource=resource, Permissions=list(permissions)
        )

    def cells(self, table: str, name: str, row_filter: str | None, *columns: str) -> None:
        """A data cells filter, granted."""
        chosen = {"ColumnNames": list(columns)} if columns else {"ColumnWildcard": {}}
        rows = {"FilterExpression": row_filter} if row_filter else {"AllRowsWildcard": {}}
        where = {"TableCatalogId": ACCOUNT, "DatabaseName": DATABASE, "TableName": table, "Name": name}
        self.formation.create_data_cells_filter(TableData={**where, **chosen, "RowFilter": rows})
        self.grant({"DataCellsFilter": where}, "SELECT")

    def run(
        self, engine: str, code: str, role: str = ROLE, **arguments: str
    ) -> tuple[JobRun, dict[tuple[str, str], Any]]:
        """A run of a script as a job of that role: it, and what it said of each way and table."""
        name = f"grants-{uuid.uuid4().hex[:8]}"
        self.put(f"scripts/{name}.py", code)
        script = {"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/scripts/{name}.py"}
        self.glue.create_job(Name=name, Role=role, Command=script)
        given = {engines.ARGUMENT: engine, **{f"--{key}": value for key, value in arguments.items()}}
        ended = self.jobs.wait(self.jobs.start(name, given))
        lines = [line.text for line in read(self.workspace, ended["Id"], Stream.driver)]
        assert ended["JobRunState"] == "SUCCEEDED", (ended, lines)
        told = [json.loads(line) for line in lines if line.startswith('["')]
        return ended, {(way, table): found for way, table, found in told}


def whole(table: str) -> dict[str, Any]:
    return {"Table": {"DatabaseName": DATABASE, "Name": table}}


def some(table: str, **chosen: Any) -> dict[str, Any]:
    return {"TableWithColumns": {"DatabaseName": DATABASE, "Name": table, **chosen}}


@pytest.fixture(scope="module")
def lake(stack: Stack) -> Iterator[Lake]:
    made = Lake(stack)
    made.prepare()
    yield made
    made.clear()


@pytest.fixture(scope="module")
def granted(lake: Lake) -> dict[str, Any]:
    """A table for each kind of grant, and what the role reads of it: columns and rows."""
    names = [name for name, _ in COLUMNS] + ["year"]
    lake.table("untouched", restricted=False)
    lake.table("broken_open", folder="broken", restricted=False)
    lake.table("broken", folder="broken")
    lake.cells("broken", "few", "id > 5")
    for name in ("whole", "named", "excluded", "filtered", "cells", "two", "tagged", "none", "others", "lapsed"):
        lake.table(name)
    lake.grant(whole("whole"), "SELECT")
    lake.grant(some("named", ColumnNames=["name", "year"]), "SELECT")
    lake.grant(some("excluded", ColumnWildcard={"ExcludedColumnNames": ["salary"]}), "SELECT")
    lake.cells("filtered", "rich", "salary >= 20 AND name LIKE 'M%'")
    lake.cells("cells", "late", "year = 2024", "id", "year")
    lake.cells("two", "ada", "name = 'Ada'")
    lake.cells("two", "ids", "id > 2", "id", "year")
    tag = {"TagKey": "grants_test", "TagValues": ["public"]}
    if not any(one["TagKey"] == tag["TagKey"] for one in lake.formation.list_lf_tags()["LFTags"]):
        lake.formation.create_lf_tag(**tag)
    lake.formation.add_lf_tags_to_resource(Resource=some("tagged", ColumnNames=["id", "name"]), LFTags=[tag])
    lake.grant({"LFTagPolicy": {"ResourceType": "TABLE", "Expression": [tag]}}, "SELECT")
    lake.grant(whole("others"), "SELECT", to=f"arn:aws:iam::{ACCOUNT}:role/somebody-else")
    lake.grant(whole("lapsed"), "SELECT")
    return {
        "untouched": [names, ALL],
        "whole": [names, ALL],
        "named": [["name", "year"], [[row[1], row[3]] for row in ALL]],
        "excluded": [["id", "name", "year"], [[row[0], row[1], row[3]] for row in ALL]],
        "filtered": [names, [[3, "Mary", 30.0, 2024]]],
        "cells": [["id", "year"], [[2, 2024], [3, 2024]]],
        "two": [names, [[1, "Ada", 10.0, 2023], [3, None, None, 2024]]],
        "tagged": [["id", "name"], [[row[0], row[1]] for row in ALL]],
        "none": "none",
        "others": "others",
        "lapsed": [names, ALL],
    }


def equal(told: Any, wanted: Any) -> bool:
    """Whether that was read; a text is the name of a table that may not be."""
    if isinstance(wanted, str):
        return f"Insufficient Lake Formation permission(s) on table {DATABASE}.{wanted}: grant SELECT to {ROLE}" in told
    return bool(told == [wanted[0], sorted(wanted[1], key=str)])


@pytest.mark.parametrize("engine", [engines.SPARK, engines.SAIL])
def test_a_job_reads_what_its_role_was_granted(lake: Lake, granted: dict[str, Any], engine: str) -> None:
    ways = ["dynamic", "frame", "sample", "pruned", "errors", "sql", "table", "where"]
    few = ",".join(PARTITIONED)
    _, told = lake.run(
        engine, READ, tables=",".join(granted), few=few, broken="broken,broken_open", ways=",".join(ways)
    )
    whole_reads = {key: found for key, found in told.items() if key[1] in granted and key[0] in WHOLE}
    assert {key: found for key, found in whole_reads.items() if not equal(found, granted[key[1]])} == {}
    assert len(whole_reads) == 2 * len(granted) + 3 * len(PARTITIONED)
    # Predicates over partitions go with filters; a record that could not be read is shown to who may read all.
    late = {name: [granted[name][0], [row for row in granted[name][1] if row[-1] == 2024]] for name in PARTITIONED}
    assert {name: told["pruned", name] for name in PARTITIONED if not equal(told["pruned", name], late[name])} == {}
    assert [told["errors", name][1][0][1:] for name in ("broken_open", "broken")] == [["broken,line", 3], [None, 3]]
    assert [told["where", name][1] for name in PARTITIONED] == [[[2]], [[1]], [[1]], [[2]]]


def test_a_revoke_holds_at_once_and_the_owner_reads_all(lake: Lake, granted: dict[str, Any]) -> None:
    lake.revoke(ROLE, whole("lapsed"), "SELECT")
    _, told = lake.run(engines.SAIL, READ, tables="lapsed,untouched", few="-", broken="-", ways="dynamic")
    assert equal(told["dynamic", "lapsed"], "lapsed")
    assert equal(told["dynamic", "untouched"], granted["untouched"])
    _, told = lake.run(
        engines.SAIL, READ, role="lakelet", tables="lapsed,named,filtered", few="-", broken="-", ways="dynamic"
    )
    assert [
        name for name in ("lapsed", "named", "filtered") if not equal(told["dynamic", name], granted["whole"])
    ] == []


def test_writing_needs_its_permissions(lake: Lake, granted: dict[str, Any]) -> None:
    _, told = lake.run(engines.SPARK, READ, tables="whole,filtered,none", few="-", broken="-", ways="insert,drop")
    for table in ("whole", "filtered"):
        assert "EXPECT_TABLE_NOT_VIEW" in told["insert", table]
        assert f"on table {DATABASE}.{table}: grant DROP to {ROLE}" in told["drop", table]
    assert "Insufficient Lake Formation permission(s)" in told["insert", "none"]
    for name in ("closed_out", "whole_out"):
        lake.table(name, folder=name.replace("_", "-"), plain=True)
    lake.grant(whole("whole_out"), "ALL")
    lake.table("open_out", folder="open-out", restricted=False, plain=True)
    lake.revoke("IAM_ALLOWED_PRINCIPALS", {"Database": {"Name": DATABASE}}, "ALL")
    _, told = lake.run(engines.SAIL, SINK)
    assert told["sink", "open"] == told["sink", "whole"] == 1, told
    assert f"on table {DATABASE}.closed_out: grant INSERT to {ROLE}" in told["sink", "closed"]
    assert f"on database {DATABASE}: grant CREATE_TABLE to {ROLE}" in told["sink", "new"]
    defaults = lake.formation.get_data_lake_settings()["DataLakeSettings"]
    lake.formation.put_data_lake_settings(DataLakeSettings={**defaults, "CreateTableDefaultPermissions": []})
    try:
        lake.grant({"Database": {"Name": DATABASE}}, "CREATE_TABLE")
        _, told = lake.run(engines.SAIL, SINK)
        assert told["sink", "new"] == 1, told  # who makes a table may do everything with it
    finally:
        lake.formation.put_data_lake_settings(DataLakeSettings=defaults)


def test_a_filter_that_is_none_is_refused_when_it_is_made(lake: Lake, granted: dict[str, Any]) -> None:
    for expression, named in (("salary +", "cannot be read"), ("upper(name) = 'X'", "Upper"), ("nosuch = 1", "nosuch")):
        with pytest.raises(lake.formation.exceptions.InvalidInputException, match=named):
            lake.cells("whole", "bad", expression)
