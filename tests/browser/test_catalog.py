"""The catalog's pages in a browser: from a search to a table, its partitions, rows, lineage and crawls."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opens, expect_heading, keep, settled
from tests.browser.test_boards import FITS, expect_rows
from tests.conftest import eventually

pytestmark = [pytest.mark.stack, pytest.mark.browser]


def test_from_a_search_to_the_tables_behind_a_table(opens: Opens) -> None:
    page = opens("catalog?q=flights&database=silver&format=parquet")
    page.locator("[data-testid=stDataFrame]").click(position={"x": 60, "y": 50})  # the first row
    expect_heading(page, "silver.flights")
    settled(page)
    assert "table=flights" in page.url
    page.get_by_role("radio", name="Partitions").click()
    expect_rows(page, 12)
    box = page.get_by_placeholder("a condition")
    box.fill("month >= 11")
    box.press("Enter")
    expect_rows(page, 2)
    page.get_by_role("radio", name="Lineage").click()
    page.get_by_role("button", name="bronze.flights").click()
    expect_heading(page, "bronze.flights")
    settled(page)
    expect(page.get_by_role("button", name="silver.flights").first).to_be_visible()  # the view stays
    page.get_by_role("button", name="All tables").click()
    expect_heading(page, "Catalog")


def test_a_link_to_a_view_leads_on_to_other_tables(opens: Opens) -> None:
    page = opens("catalog?database=silver&table=flights&view=Partitions&where=month%3E%3D11")
    expect_rows(page, 2)
    page.get_by_role("button", name="All tables").click()
    expect_heading(page, "Catalog")
    settled(page)
    page.locator("[data-testid=stDataFrame]").click(position={"x": 60, "y": 50})
    expect_heading(page, re.compile("^(?!Catalog$)"))
    settled(page)
    expect(page.get_by_role("radio", name="Schema")).to_be_checked()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (420, "light")])
def test_catalog_pages_fit_the_screen(opens: Opens, width: int, scheme: str) -> None:
    rows, crawls = (f"catalog?database={place}&view=" for place in ("silver&table=flights", "bronze&table=flights"))
    for name, path in (("tables", "catalog"), ("rows", f"{rows}Rows"), ("crawls", f"{crawls}Crawls")):
        page = opens(path, width, scheme)
        expect(page.locator("[data-testid=stDataFrame]").first).to_be_visible()
        eventually(lambda: page.evaluate(FITS), seconds=30)  # noqa: B023 - called here and now
        keep(page, f"catalog-{name}-{width}-{scheme}")
        page.close()
