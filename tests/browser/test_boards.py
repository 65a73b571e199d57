"""Boards in a browser: their numbers against an independent DuckDB, drill-down, boards of one's own, phones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Page, expect

from lakelet.data.objects import list_objects, s3_client
from lakelet.workspace.paths import REPOSITORY
from tests.browser.conftest import Opens, expect_heading, keep, settled
from tests.conftest import Stack, eventually

pytestmark = [pytest.mark.stack, pytest.mark.browser]

CARRIER = "United Air Lines Inc."
FITS = """() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
    .every(e => e.scrollWidth <= e.clientWidth)"""
PAGES = ("", "flights", "jobs", "logs", "quality")
UNSEEN = """
title = "Unseen"
dataset = "SELECT origin, distance, arr_delay FROM gold.flights WHERE distance > 1000"
[[filters]]
column = "origin"
type = "select"
[[filters]]
column = "distance"
type = "range"
[[kpis]]
label = "Long flights"
value = "count(*)"
[[charts]]
type = "scatter"
title = "Delay by distance"
by = "origin"
x = "avg(distance)"
y = { label = "Delay", value = "avg(arr_delay)", format = "decimal" }
[[charts]]
type = "area"
title = "Distances"
x = { column = "distance", format = "integer" }
y = "count(*)"
"""


@pytest.fixture(scope="module")
def truth(flights: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """gold.flights as its Parquet files say, past the catalog, the query service and the dashboards."""
    folder, client = tmp_path_factory.mktemp("gold"), s3_client(flights.workspace)
    for number, item in enumerate(list_objects(client, "gold", "flights/")):
        month = item.key.split("month=")[1].split("/")[0]
        (folder / f"month={month}").mkdir(exist_ok=True)
        client.download_file("gold", item.key, str(folder / f"month={month}" / f"{number}.parquet"))
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE VIEW flights AS FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"
        )
        yield connection


def kpis(page: Page) -> dict[str, str]:
    cards = page.locator("[data-testid=stMetric]").all()
    return {
        card.locator("[data-testid=stMetricLabel]").inner_text().strip(): card.locator(
            "[data-testid=stMetricValue]"
        ).inner_text()
        for card in cards
    }


def expected(truth: duckdb.DuckDBPyConnection, where: str, values: list[Any]) -> dict[str, str]:
    row = truth.execute(
        "SELECT count(*), count(*) FILTER (dep_time IS NULL), avg(dep_delay), "
        f"count(*) FILTER (arr_delay <= 15) / count(arr_delay) FROM flights WHERE {where}",
        values,
    ).fetchone()
    assert row is not None
    return {
        "Flights": f"{row[0]:,}",
        "Cancelled": f"{row[1]:,}",
        "Average departure delay": f"{row[2]:.1f} min",
        "On time": f"{row[3] * 100:.1f} %",
    }


def choose(page: Page, label: str, value: str) -> None:
    box = page.get_by_role("combobox", name=label, exact=False).first
    box.click()
    box.fill(value)
    page.get_by_role("option", name=value).first.click()
    page.locator("h1").first.click()  # closes the list of a multiselect


def expect_rows(page: Page, count: int, table: int = -1) -> None:
    """The rows of a table (the last on the page) become ``count``, as it tells screen readers."""
    shown = page.locator("[data-testid=stDataFrame] table").nth(table)
    expect(shown).to_have_attribute("aria-rowcount", str(count + 1))


def test_a_filter_gives_the_numbers_of_an_independent_query(opens: Opens, truth: duckdb.DuckDBPyConnection) -> None:
    page = opens("flights")
    assert kpis(page) == expected(truth, "true", [])
    choose(page, "Carrier", CARRIER)
    united = expected(truth, "carrier_name = ?", [CARRIER])
    expect(page.locator("[data-testid=stMetricValue]").first).to_have_text(united["Flights"])
    settled(page)
    assert kpis(page) == united
    choose(page, "Origin", "EWR")
    newark = expected(truth, "carrier_name = ? AND origin = 'EWR'", [CARRIER])
    expect(page.locator("[data-testid=stMetricValue]").first).to_have_text(newark["Flights"])
    settled(page)
    assert kpis(page) == newark
    routes = truth.execute(
        "SELECT count(DISTINCT dest) FROM flights WHERE carrier_name = ? AND origin = 'EWR'", [CARRIER]
    ).fetchall()[0][0]
    expect_rows(page, min(10, routes), 0)  # the filters act on charts too


def test_the_drill_goes_from_carrier_to_route_to_flights(opens: Opens, truth: duckdb.DuckDBPyConnection) -> None:
    page = opens("flights")
    carriers = truth.execute("SELECT count(DISTINCT carrier_name) FROM flights").fetchall()[0][0]
    expect_rows(page, carriers)
    grid = page.locator("[data-testid=stDataFrame]").last
    grid.scroll_into_view_if_needed()
    grid.click(position={"x": 60, "y": 50})  # the first row: the carrier with the most flights
    first = truth.execute(
        "SELECT carrier_name FROM flights GROUP BY 1 ORDER BY count(*) DESC, carrier_name LIMIT 1"
    ).fetchall()[0][0]
    expect(page.get_by_role("combobox", name="Route")).to_be_visible()
    settled(page)
    expect(page.get_by_role("combobox", name="Carrier").last).to_have_value(first)
    origin, dest, flights = truth.execute(
        "SELECT origin, dest, count(*) FROM flights WHERE carrier_name = ? GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 1",
        [first],
    ).fetchall()[0]
    choose(page, "Route", f"{origin} → {dest}")
    expect(page.get_by_text("Click a row")).to_have_count(0)
    settled(page)
    expect_rows(page, min(flights, 1000))
    keep(page, "flights-drill")


def test_a_board_file_is_a_page_at_once(opens: Opens, truth: duckdb.DuckDBPyConnection) -> None:
    path = REPOSITORY / "dashboards" / "boards" / "test-unseen.toml"
    page = opens("")
    try:
        path.write_text(UNSEEN)
        page.reload()
        settled(page)
        page.get_by_role("link", name="Unseen").click()
        expect_heading(page, "Unseen")
        settled(page)
        long = truth.execute("SELECT count(*) FROM flights WHERE distance > 1000").fetchall()[0][0]
        assert kpis(page) == {"Long flights": f"{long:,}"}
        expect(page.locator("[data-testid=stVegaLiteChart]")).to_have_count(2)
        keep(page, "unseen")
        path.write_text(UNSEEN.replace('"scatter"', '"pie"'))
        page.reload()
        expect(page.get_by_text("charts[1].type is 'pie'")).to_be_visible()
    finally:
        path.unlink()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (420, "dark")])
def test_pages_fit_the_screen(opens: Opens, width: int, scheme: str) -> None:
    for name in PAGES:
        page = opens(name, width, scheme)
        # Tables are drawn a moment after the page stands still; they may be too wide until then, not after.
        eventually(lambda: page.evaluate(FITS), seconds=30)  # noqa: B023 - called here and now
        assert Path(keep(page, f"{name or 'overview'}-{width}-{scheme}")).stat().st_size > 5_000
        page.close()


def test_nothing_is_fetched_from_elsewhere(opens: Opens, flights: Stack) -> None:
    """No map tiles, fonts or statistics: the dashboards work on a machine without a network."""
    asked: list[str] = []
    page = opens("")
    page.context.on("request", lambda request: asked.append(request.url))
    for name in ("flights", "jobs", "logs"):
        page.goto(f"{flights.workspace.endpoint('dashboards')}/{name}")
        settled(page)
    own = flights.workspace.endpoint("dashboards")
    assert [url for url in asked if not url.startswith((own, own.replace("http", "ws"), "data:", "blob:"))] == []
