"""What operations on crawlers share: pages of them, and their runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import current
from lakelet.workspace.errors import CrawlerRunningException
from lakelet.workspace.runs import Run, RunState

PAGE = 100
LAST_STATES = {RunState.SUCCEEDED: "SUCCEEDED", RunState.STOPPED: "CANCELLED"}
_LOG_GROUP = "/aws-glue/crawlers"


def page_of(
    operation: str, max_results: int | None, token: str | None
) -> tuple[Sequence[dict[str, Any]], dict[str, str]]:
    """A page of the definitions, by name, and the NextToken when there are more."""
    limit = min(max_results or PAGE, PAGE)
    found = current().crawlers.list(after=paging.position(token, operation) or "", limit=limit + 1)
    page, more = paging.split_page(found, limit)
    return page, {"NextToken": paging.next_token(page[-1]["Name"], operation)} if more else {}


def runs_of(name: str, limit: int) -> list[Run]:
    """The newest crawls of a crawler."""
    return current().jobs.runs("crawl", name, limit=limit)


def running(name: str) -> CrawlerRunningException:
    """The error for a crawler that runs."""
    return CrawlerRunningException(f"Crawler with name {name} has already started. Wait for it to end, or stop it.")


def check_not_running(name: str) -> None:
    """Raises CrawlerRunningException."""
    latest = runs_of(name, 1)
    if latest and not latest[0].ended:
        raise running(name)


def messages(run: Run) -> dict[str, str]:
    """Where a crawl's log is, and why it failed: the sentence that it ended with."""
    answer = {"LogGroup": _LOG_GROUP, "LogStream": run.name, "MessagePrefix": run.id}
    if run.ended and run.state not in LAST_STATES:
        sentence = run.reason.partition(": ")[2] if run.exit_code == 1 else ""
        answer["ErrorMessage"] = sentence or run.reason
    return answer
