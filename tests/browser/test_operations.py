"""The pages of runs and logs in a browser: from a run to the line that one of its executors printed."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from lakelet.dashboards import datasets
from lakelet.dashboards.datasets import JobRun
from tests.browser.conftest import Opens, keep, settled
from tests.conftest import Stack, eventually

pytestmark = [pytest.mark.stack, pytest.mark.browser]


@pytest.fixture(scope="module")
def run(flights: Stack) -> JobRun:
    """The latest run that Spark executors worked for."""
    return next(
        run
        for run in datasets.job_runs(flights.workspace)
        if run.job == "flights_gold" and run.state == "SUCCEEDED" and run.application_id
    )


def test_the_log_page_finds_what_an_executor_printed(flights: Stack, run: JobRun, opens: Opens) -> None:
    printed = [
        line
        for path in flights.workspace.spark.glob(f"work/*/{run.application_id}/*/stderr")
        for line in path.read_text(errors="replace").splitlines()
        if "Finished task" in line
    ]
    assert printed, "the executors' own files hold their lines"
    phrase = printed[0][printed[0].index("Finished task") :].split(". ")[0].strip()
    page = opens(f"logs?q={quote(chr(34) + phrase + chr(34))}&run={quote(run.id)}")
    line = page.locator(".lakelet-log .what", has_text=phrase.split("(")[0].strip()).first
    expect(line).to_be_visible()
    assert "executor" in page.locator(".lakelet-log .from").first.inner_text()
    keep(page, "logs-executor")


def test_from_a_run_to_its_logs(run: JobRun, opens: Opens) -> None:
    page = opens(f"jobs?run={quote(run.id)}")
    expect(page.get_by_text(f"Run {run.id}")).to_be_visible()
    expect(page.get_by_text("On spark: ")).to_be_visible()
    expect(page.get_by_role("link", name="Spark history")).to_have_attribute("href", f"{_spark(run)}")
    page.get_by_text("Transformation contexts").click()
    expect(page.get_by_text("reads silver.flights")).to_be_visible()
    keep(page, "job-run")
    href = page.get_by_role("link", name="Logs", exact=False).last.get_attribute("href")
    assert href is not None
    with page.context.expect_page() as opened:
        page.get_by_test_id("stMain").get_by_role("link", name="Logs").click()
    logs = opened.value
    settled(logs)
    expect(logs.locator(".lakelet-log")).to_be_visible()
    assert f"run={run.id}" in logs.url


def _spark(run: JobRun) -> str:
    from lakelet.workspace.paths import Workspace

    return datasets.spark_address(Workspace.find(), run) or ""


def test_a_search_without_a_match_says_so(opens: Opens) -> None:
    page = opens(f"logs?q={quote('nosuchwordanywhere')}")
    expect(page.get_by_text("Nothing found")).to_be_visible()


def test_pages_of_lines_do_not_repeat(opens: Opens) -> None:
    page = opens("logs")
    first = page.locator(".lakelet-log").inner_text()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("101 – ")).to_be_visible()
    settled(page)
    assert page.locator(".lakelet-log").inner_text() != first
    page.get_by_role("button", name="Previous").click()
    expect(page.get_by_text("1 – 100")).to_be_visible()


def test_the_gate_and_its_data_docs_are_shown(opens: Opens) -> None:
    page = opens("quality")
    expect(page.get_by_text("flights_quality").first).to_be_visible()
    docs = page.frame_locator("iframe").first
    expect(docs.get_by_text("values must not be null", exact=False).first).to_be_visible()
    keep(page, "quality-docs")


def test_the_overview_shows_what_runs_and_what_is_there(flights: Stack, opens: Opens) -> None:
    page = opens("")
    running = [item.name for item in datasets.components(flights.workspace) if item.state == "RUNNING"]
    assert "opensearch" in running
    for name in running:
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    counted = {f"{t.database}.{t.name}": t.rows for t in eventually(lambda: datasets.table_rows(flights.workspace))}
    assert counted["gold.flights"] == counted["silver.flights"]
    expect(page.get_by_text("Gold", exact=False).first).to_be_visible()
