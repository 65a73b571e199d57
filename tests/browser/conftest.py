"""A real chromium on the real dashboards, over the year of flights that the demo has brought to the boards."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from lakelet.workspace.addresses import dashboards_address
from lakelet.workspace.paths import REPOSITORY
from tests.conftest import Stack

SECONDS = 120
SHOTS = REPOSITORY / ".cache" / "screenshots"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

WITHOUT_LOGS = """main => {
    const copy = main.cloneNode(true);
    copy.querySelectorAll('.lakelet-log').forEach(lines => lines.remove());
    return copy.textContent;
}"""

Opens = Callable[..., Page]


# For this package only: while it lives, no other test could run an event loop of its own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "install Debian's chromium to run the browser tests"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def opens(flights: Stack, browser: Browser) -> Iterator[Opens]:
    """``opens("flights", width=420, scheme="dark")``: a page of the dashboards, once it stands still.

    A test's pages of one size and scheme have one context, as a person's have: what they share is fetched once.
    """
    contexts: dict[tuple[int, str], BrowserContext] = {}
    expect.set_options(timeout=SECONDS * 1000)

    def open_page(path: str, width: int = 1440, scheme: str = "light") -> Page:
        if (width, scheme) not in contexts:
            size: ViewportSize = {"width": width, "height": 1000}
            contexts[width, scheme] = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
            contexts[width, scheme].request.get(dashboards_address(flights.workspace))  # as a person begins
            contexts[width, scheme].set_default_timeout(SECONDS * 1000)
        page = contexts[width, scheme].new_page()
        page.goto(f"{flights.workspace.endpoint('dashboards')}/{path}")
        settled(page)
        return page

    yield open_page
    for context in contexts.values():
        context.close()


def settled(page: Page) -> None:
    """Wait until the page has run to its end, and hold that it shows no error."""
    page.locator("h1").first.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(state="attached")
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
    # A log line may be a traceback; nothing else on a page may.
    assert "Traceback" not in page.locator("[data-testid=stMain]").evaluate(WITHOUT_LOGS)


def expect_heading(page: Page, text: str | re.Pattern[str]) -> None:
    """The page's heading becomes ``text``; while one page follows another, both headings may stand there."""
    expect(page.locator("h1")).to_have_text([text])


def keep(page: Page, name: str) -> Path:
    """A screenshot of the whole page, in ``.cache/screenshots``."""
    height = int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
    size = page.viewport_size or {"width": 1440, "height": 1000}
    page.set_viewport_size({"width": size["width"], "height": min(max(height, 700), 4000)})
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")
    return SHOTS / f"{name}.png"
