"""A person's way to the dashboards: by the address that is printed, and not without it."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from lakelet.workspace.addresses import dashboards_address
from tests.browser.conftest import settled
from tests.conftest import Stack


def test_the_printed_address_opens_the_dashboards(stack: Stack, browser: Browser) -> None:
    url = stack.workspace.endpoint("dashboards")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{url}/catalog")
        expect(page.locator("body")).to_contain_text("lakelet status")
        page.goto(dashboards_address(stack.workspace, "catalog"))
        settled(page)
        assert page.url == f"{url}/catalog"  # the token has gone, the cookie stays
        page.reload()
        settled(page)
