"""The SQL of boards, run on a real DuckDB: numbers are right, and no filter value leaves its literal."""

from __future__ import annotations

import datetime
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakelet.dashboards import statements
from lakelet.dashboards.spec import Board, load, parse
from lakelet.project import TEMPLATE
from lakelet.workspace.errors import UsageError

HOSTILE = ("'", "''", "\\'", "x' OR '1'='1", "'); DROP TABLE gold.trips; --", "\x00", "é'\n", '"', "$$", "${x}", "%s")
ROWS = [
    (HOSTILE[n % len(HOSTILE)], n % 3, datetime.date(2013, 1, 1 + n % 5), float(n) if n % 4 else None)
    for n in range(60)
]

BOARD = {
    "title": "Trips",
    "dataset": "gold.trips",
    "trend": "day",
    "columns": {"pair": "name || '/' || zone"},
    "filters": [
        {"column": "name"},
        {"column": "zone", "type": "select"},
        {"column": "day", "type": "date"},
        {"column": "delay", "type": "range"},
    ],
    "kpis": [{"value": "count(*)"}, {"value": "avg(delay)", "format": "decimal"}],
    "charts": [
        {"title": "a", "type": "bar", "x": "zone", "y": "count(*)"},
        {"title": "b", "type": "table", "by": "pair", "values": "count(*)", "top": 3},
        {"title": "c", "type": "map", "by": "name", "latitude": "zone", "longitude": "zone", "size_by": "count(*)",
         "from_latitude": "zone", "from_longitude": "zone"},
    ],
    "drill": {"levels": [{"by": "name", "values": "count(*)"}, {"label": "Trip", "rows": ["day", "delay"]}]},
}  # fmt: skip


@pytest.fixture(scope="module")
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA gold")
        connection.execute("CREATE TABLE gold.trips (name TEXT, zone INT, day DATE, delay DOUBLE)")
        connection.executemany("INSERT INTO gold.trips VALUES (?, ?, ?, ?)", ROWS)
        yield connection


def trips(**values: Any) -> Board:
    return parse(Path("trips.toml"), BOARD | values)


def test_the_board_of_a_new_project_can_be_drawn_of_its_table() -> None:
    """What the template's board asks for is there by the template's definition of the table."""
    table = runpy.run_path(str(TEMPLATE / "catalog" / "definitions" / "silver" / "orders.py"))
    board = load(TEMPLATE / "dashboards" / "boards" / "orders.toml")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE SCHEMA {table['DATABASE']}")
        columns = ", ".join(f"{name} {kind}" for name, kind in table["COLUMNS"])
        connection.execute(f"CREATE TABLE {table['DATABASE']}.{table['TABLE']} ({columns})")
        row = [1, datetime.date(2026, 1, 5), "Anna", "DE", 120.5, 1]
        connection.execute(f"INSERT INTO {board.dataset} VALUES (?, ?, ?, ?, ?, ?)", row)
        assert connection.execute(statements.kpis(board, {})).fetchall() == [(1, 120.5)]
        assert connection.execute(statements.options(board)).fetchall()
        drawn = [connection.execute(statements.chart(board, chart, {})).fetchall() for chart in board.charts]
        assert drawn == [[(1, 120.5)], [("Anna", "DE", 1, 120.5)]]


def test_options_are_what_is_in_the_data(lake: duckdb.DuckDBPyConnection) -> None:
    names, zones, first, last, low, high = lake.execute(statements.options(trips())).fetchall()[0]
    assert (set(names), zones) == ({row[0] for row in ROWS}, [0, 1, 2])
    assert (first, last, low, high) == (datetime.date(2013, 1, 1), datetime.date(2013, 1, 5), 1, 59)


CHOICES: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda row: True),
    ({"name": []}, lambda row: True),
    ({"name": list(HOSTILE[:3])}, lambda row: row[0] in HOSTILE[:3]),
    ({"zone": 1}, lambda row: row[1] == 1),
    ({"zone": 1, "name": [HOSTILE[4]]}, lambda row: row[1] == 1 and row[0] == HOSTILE[4]),
    ({"day": (datetime.date(2013, 1, 2), datetime.date(2013, 1, 3))}, lambda row: row[2].day in (2, 3)),
    ({"delay": (10.0, 20.5)}, lambda row: row[3] is not None and 10 <= row[3] <= 20.5),
    ({"unknown": "ignored"}, lambda row: True),
]


@pytest.mark.parametrize(("choices", "kept"), CHOICES, ids=[str(choices) for choices, _ in CHOICES])
def test_filters_act_on_every_number(lake: duckdb.DuckDBPyConnection, choices: dict[str, Any], kept: Any) -> None:
    board, rows = trips(), [row for row in ROWS if kept(row)]
    delays = [row[3] for row in rows if row[3] is not None]
    count, mean = lake.execute(statements.kpis(board, choices)).fetchall()[0]
    assert count == len(rows)
    assert mean == (pytest.approx(sum(delays) / len(delays)) if delays else None)
    for sql in (statements.trends(board, choices), statements.chart(board, board.charts[0], choices),
                statements.level(board, 0, [], choices)):  # fmt: skip
        answer = lake.execute(sql)
        index = [column[0] for column in answer.description].index("m0")
        assert sum(row[index] for row in answer.fetchall()) == len(rows)


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.text() | st.sampled_from(HOSTILE), min_size=1, max_size=4))
@example(values=list(HOSTILE))
def test_no_value_leaves_its_literal(lake: duckdb.DuckDBPyConnection, values: list[str]) -> None:
    values = [value.encode("utf-8", "replace").decode() for value in values]
    sql = statements.kpis(trips(), {"name": values})
    assert len(duckdb.extract_statements(sql)) == 1
    assert lake.execute(sql).fetchall()[0][0] == sum(row[0] in values for row in ROWS)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), b"bytes", object()], ids=lambda value: type(value).__name__
)
def test_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="cannot be filtered by"):
        statements.literal(value)


def test_the_drill_goes_down_to_rows(lake: duckdb.DuckDBPyConnection) -> None:
    board = trips()
    for name in HOSTILE:
        rows = lake.execute(statements.level(board, 1, [name], {})).fetchall()
        assert sorted(map(str, rows)) == sorted(str(row[2:]) for row in ROWS if row[0] == name)


def test_a_select_can_be_the_dataset(lake: duckdb.DuckDBPyConnection) -> None:
    board = trips(dataset="SELECT * FROM gold.trips WHERE zone = 2")
    assert lake.execute(statements.kpis(board, {})).fetchall()[0][0] == sum(row[1] == 2 for row in ROWS)


def test_top_and_routes(lake: duckdb.DuckDBPyConnection) -> None:
    board = trips()
    assert len(lake.execute(statements.chart(board, board.charts[1], {})).fetchall()) == 3
    assert len(lake.execute(statements.routes(board, board.charts[2], {})).fetchall()) == 3
    with pytest.raises(UsageError, match="no map"):
        statements.routes(board, board.charts[0], {})
