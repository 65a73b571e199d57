"""The Glue scripts of the flights flow on the real stack, over one month: exact counts, reruns, writes cut short."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from lakelet.cli.catalog import app as catalog
from lakelet.data.flights import CONFLICTING_DUPLICATES, EXACT_DUPLICATES
from tests.stack.flights import Flights

pytestmark = pytest.mark.stack

GLUE = """
import os, sys
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
args = getResolvedOptions(sys.argv, ["JOB_NAME"])
glueContext = GlueContext(SparkContext.getOrCreate())
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
spark = glueContext.spark_session
"""

# Everything that a sink does but for the last request, which would have committed it.
CUT_SHORT = """
from lakelet.etl.publishing import Publication
Publication.commit = lambda *args, **kwargs: os._exit(0)
glueContext.purge_table(database="silver", table_name="flights", options={"retentionPeriod": 0})
rows = glueContext.create_dynamic_frame.from_catalog(database="silver", table_name="flights")
glueContext.write_dynamic_frame.from_catalog(
    rows, database="silver", table_name="flights", additional_options={"partitionKeys": ["month"]}
)
"""

PROBE = """
root = "s3://gold/test_etl/"
rows = spark.sql("select id, id % 2 as part, concat('n', id) as name from range(10)")
frame = DynamicFrame.fromDF(rows, glueContext, "x")

def names(path):
    from lakelet.data.objects import list_objects, s3_client
    return {one.key for one in list_objects(s3_client(glueContext.workspace), "gold", path.removeprefix("s3://gold/"))}

# Formats: what is written is read back.
for name, options in (("csv", {"withHeader": True}), ("json", {}), ("parquet", {})):
    path = f"{root}{name}/"
    glueContext.purge_s3_path(path, {"retentionPeriod": 0})
    glueContext.write_dynamic_frame.from_options(frame.coalesce(1), "s3", {"path": path}, name)
    back = glueContext.create_dynamic_frame.from_options("s3", {"paths": [path]}, name, options)
    rows = {(int(row["id"]), row["name"]) for row in back.toDF().collect()}
    assert rows == {(n, f"n{n}") for n in range(10)}, (name, rows)

# A table: created, appended to, pruned by predicate.
path = f"{root}table/"
glueContext.purge_s3_path(path, {"retentionPeriod": 0})
for _ in range(2):
    sink = glueContext.getSink("s3", path=path, partitionKeys=["part"], enableUpdateCatalog=True)
    sink.setFormat("glueparquet")
    sink.setCatalogInfo(catalogDatabase="gold", catalogTableName="test_etl")
    sink.writeFrame(frame.coalesce(1))
read = glueContext.create_dynamic_frame.from_catalog
assert read(database="gold", table_name="test_etl").count() == 20
assert read(database="gold", table_name="test_etl", push_down_predicate="part = 1").count() == 10

# A purge is not seen before the job's commit.
before = names(path)
glueContext.purge_table(database="gold", table_name="test_etl", options={"retentionPeriod": 1})
glueContext.purge_table(
    database="gold", table_name="test_etl", options={"retentionPeriod": 0, "partitionPredicate": "part = 0"}
)
assert names(path) == before
job.commit()
assert names(path) == {key for key in before if "/part=1/" in key}
"""


@pytest.fixture(scope="module")
def flights(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Flights:
    found = Flights(stack.workspace, tmp_path_factory.mktemp("scripts"))
    found.run("flights_silver")
    return found


def test_every_delivered_row_is_in_one_of_three_tables(flights: Flights) -> None:
    bronze = flights.bronze
    assert flights.rows(
        "SELECT count(*), count(DISTINCT flight_id), count(*) FILTER (dep_time IS NULL) FROM silver.flights"
    ) == [[bronze.flights, bronze.flights, 521]]
    duplicates = flights.rows("SELECT reason, count(*) FROM silver.flights_duplicates GROUP BY 1 ORDER BY 1")
    assert duplicates == [["conflicting", CONFLICTING_DUPLICATES], ["exact", EXACT_DUPLICATES]]
    kind = "CASE WHEN reason LIKE 'unparsable number%' THEN 'unparsable number' ELSE split_part(reason, ':', 1) END"
    quarantine = flights.rows(f"SELECT {kind}, count(*) FROM silver.flights_quarantine GROUP BY 1")
    assert dict(map(tuple, quarantine)) == bronze.broken
    (where,) = flights.rows(
        "SELECT count(DISTINCT line_number), min(line_number), max(line_number), count(raw_text), "
        "max(source_object) FROM silver.flights_quarantine"
    )
    rows = bronze.quarantine
    assert where == [rows, 2, rows + 1, rows, "s3://bronze/flights/period=2013-01/broken.csv.gz"]


def test_who_wrote_a_table_and_what_it_was_made_of_is_told(flights: Flights) -> None:
    def lineage(table: str, *words: str) -> str:
        result = CliRunner().invoke(catalog, ["lineage", table, *words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    found = json.loads(lineage("silver.flights", "--output", "json"))
    assert {(one["job"], one["state"]) for one in found["writers"]} == {("flights_silver", "SUCCEEDED")}
    assert found["sources"] == ["bronze.flights"]
    assert "silver.flights" in json.loads(lineage("Bronze.Flights", "--output", "json"))["derived"]
    told = lineage("silver.flights").splitlines()
    assert told[0].split() == ["comes", "from", "bronze.flights"]
    assert any(line.split()[:3] == ["wrote", "flights_silver", "SUCCEEDED"] for line in told)


def test_the_monthly_file_wins(flights: Flights) -> None:
    differing = flights.rows(
        "SELECT count(*) FROM silver.flights JOIN silver.flights_duplicates d USING (flight_id) "
        "WHERE d.reason = 'conflicting' AND d.arr_delay = flights.arr_delay + 7"
    )
    assert differing == [[CONFLICTING_DUPLICATES]]


def test_a_rerun_makes_no_duplicates(flights: Flights) -> None:
    before = flights.etags("silver", "flights/")
    flights.run("flights_silver")
    assert flights.rows("SELECT count(*) FROM silver.flights") == [[flights.bronze.flights]]
    assert flights.rows("SELECT count(*) FROM silver.flights_quarantine") == [[flights.bronze.quarantine]]
    assert len(flights.etags("silver", "flights/")) == len(before)


def test_a_write_that_exits_before_its_commit_changes_nothing(flights: Flights) -> None:
    before = flights.etags("silver", "")
    run = flights.run_script("cut_short", GLUE + CUT_SHORT, "FAILED")
    assert "silver.flights was never committed" in run["ErrorMessage"]
    assert flights.etags("silver", "") == before
    assert flights.staged("silver", run) == []
    assert flights.rows("SELECT count(*) FROM silver.flights") == [[flights.bronze.flights]]


def test_gold_holds_every_flight_once_with_what_is_known_of_it(flights: Flights) -> None:
    flights.run("flights_gold")
    flights.run("flights_aggregates")
    assert flights.rows(
        "SELECT count(*), count(DISTINCT flight_id), count(*) FILTER (dep_time IS NULL), "
        "count(*) FILTER (visib IS NULL), count(*) FILTER (manufacturer IS NULL), "
        "count(*) FILTER (dest_name IS NULL), count(carrier_name) FROM gold.flights"
    ) == [[27_004, 27_004, 521, 52, 4_479, 680, 27_004]]
    aggregates = ("delay_by_carrier", "delay_by_route", "delay_by_hour", "delay_by_weather", "monthly_seasonality")
    for name in aggregates:
        assert flights.rows(f"SELECT sum(flights)::INT, sum(cancelled)::INT FROM gold.{name}") == [[27_004, 521]], name
    expected = flights.rows(
        "SELECT carrier, avg(dep_delay), count(*) FILTER (arr_delay > 15) / count(arr_delay) "
        "FROM gold.flights GROUP BY 1"
    )
    found = flights.rows("SELECT carrier, avg_dep_delay, delayed_share FROM gold.delay_by_carrier")
    assert {row[0]: pytest.approx(row[1:]) for row in expected} == {row[0]: row[1:] for row in found}


def test_sources_sinks_and_purges(flights: Flights) -> None:
    flights.run_script("probe", GLUE + PROBE)
