"""Crawls: starting and stopping them, their history and their figures (AWS Glue Web API, Crawler API)."""

from __future__ import annotations

import json
import operator as op
import re
import statistics
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import current
from lakelet.aws.services.glue._crawlers import PAGE, messages, page_of, running, runs_of
from lakelet.catalog.crawlers import RESULT_FILE
from lakelet.catalog.crawlers.checks import check_startable
from lakelet.workspace.errors import (
    ConcurrentRunsExceededException,
    CrawlerNotRunningException,
    CrawlerStoppingException,
    InvalidInputException,
    NotImplementedException,
)
from lakelet.workspace.runs import Run, RunState

_HISTORY_PAGE = 20
_METRICS_RUNS = 20
_MEMORY_MB = 512
_TIMEOUT_SECONDS = 86_400
_COMMAND = ("{python}", "-m", "lakelet.catalog.crawlers.crawl")

_CRAWL_STATES = {RunState.SUCCEEDED: "COMPLETED", RunState.STOPPED: "STOPPED"}
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "GT": op.gt, "GE": op.ge, "LT": op.lt, "LE": op.le, "EQ": op.eq, "NE": op.ne,
}  # fmt: skip


def start_crawler(name: str) -> None:
    """StartCrawler: EntityNotFoundException, CrawlerRunningException; InvalidInputException without a DatabaseName."""
    check_startable(name, current().crawlers.get(name))
    run = Run(
        id=str(uuid.uuid4()),
        kind="crawl",
        name=name,
        spec={"argv": [*_COMMAND, name]},
        memory_mb=_MEMORY_MB,
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    try:
        current().runner.submit(run, max_concurrent=1)
    except ConcurrentRunsExceededException:
        raise running(name) from None


def stop_crawler(name: str) -> None:
    """StopCrawler: EntityNotFoundException, CrawlerNotRunningException, CrawlerStoppingException."""
    current().crawlers.get(name)
    latest = runs_of(name, 1)
    if not latest or latest[0].ended:
        raise CrawlerNotRunningException(f"Crawler with name {name} isn't running.")
    if latest[0].state is RunState.STOPPING:
        raise CrawlerStoppingException(f"Crawler with name {name} is already stopping.")
    current().runner.stop(latest[0].id)


def list_crawls(
    crawler_name: str,
    max_results: int | None = None,
    filters: Sequence[Mapping[str, str]] | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    """ListCrawls: a crawler's crawls that pass all filters, the newest first.

    EntityNotFoundException; InvalidInputException for a filter's operator or value.
    """
    context = current()
    context.crawlers.get(crawler_name)
    passes = [_filter(one) for one in filters or ()]
    request = ("ListCrawls", crawler_name, list(filters or ()))
    limit = min(max_results or _HISTORY_PAGE, PAGE)
    before = paging.position(next_token, *request)
    found: list[Run] = []
    while len(found) <= limit and (runs := context.jobs.runs("crawl", crawler_name, before=before, limit=PAGE)):
        before = str(context.jobs.ordinal(runs[-1].id))
        found += [run for run in runs if all(one(run) for one in passes)]
    page, more = paging.split_page(found, limit)
    answer: dict[str, Any] = {"Crawls": [_crawl(run) for run in page]}
    if more:
        answer["NextToken"] = paging.next_token(str(context.jobs.ordinal(page[-1].id)), *request)
    return answer


def get_crawler_metrics(
    crawler_name_list: Sequence[str] | None = None, max_results: int | None = None, next_token: str | None = None
) -> dict[str, Any]:
    """GetCrawlerMetrics: seconds, and the tables that the last crawl changed."""
    if crawler_name_list:
        return {"CrawlerMetricsList": [_metrics(name) for name in crawler_name_list]}
    found, token = page_of("GetCrawlerMetrics", max_results, next_token)
    return {"CrawlerMetricsList": [_metrics(one["Name"]) for one in found], **token}


def _filter(given: Mapping[str, str]) -> Callable[[Run], bool]:
    """A CrawlsFilter as a test of a run; times are milliseconds since 1970."""
    field, operator, text = given.get("FieldName"), given.get("FilterOperator", "EQ"), given.get("FieldValue", "")
    compares = _OPERATORS[operator]
    match field:
        case "STATE" | "CRAWL_ID" if operator not in ("EQ", "NE"):
            raise InvalidInputException(f"{field} is compared by EQ and NE only.")
        case "STATE":
            return lambda run: compares(_state(run), text)
        case "CRAWL_ID":
            return lambda run: compares(run.id, text)
        case "START_TIME" | "END_TIME":
            if not re.fullmatch("[0-9]{1,15}", text, re.ASCII):
                raise InvalidInputException(f"{field} is compared with milliseconds since 1970, not {text[:50]!r}.")
            when = int(text)
            by_start = field == "START_TIME"
            return lambda run: _compares_time(compares, run.submitted_at if by_start else run.ended_at, when)
    raise NotImplementedException(f"Crawls are not filtered by {field}: use STATE, CRAWL_ID, START_TIME or END_TIME.")


def _compares_time(compares: Callable[[Any, Any], bool], at: float | None, when: int) -> bool:
    return at is not None and compares(int(at * 1000), when)


def _state(run: Run) -> str:
    return _CRAWL_STATES.get(run.state, "FAILED") if run.ended else "RUNNING"


def _crawl(run: Run) -> dict[str, Any]:
    """Glue's CrawlerHistory."""
    changes = _changes(run)
    kinds = {"ADD": "created", "UPDATE": "updated", "DELETE": "deleted"}
    summary = {
        what.upper(): {kind: changes.get(f"{what}s_{verb}", 0) for kind, verb in kinds.items()}
        for what in ("table", "partition")
    }
    answer = {
        "CrawlId": run.id,
        "State": _state(run),
        "StartTime": run.submitted_at,
        "EndTime": run.ended_at,
        "Summary": json.dumps(summary) if changes else None,
        **messages(run),
    }
    return {member: value for member, value in answer.items() if value is not None}


def _changes(run: Run) -> dict[str, int]:
    """What a crawl says that it changed; nothing while it runs, or when it did not reach its end."""
    try:
        found: dict[str, int] = json.loads((current().workspace.runs / run.id / RESULT_FILE).read_text())
    except FileNotFoundError:
        return {}
    return found


def _metrics(name: str) -> dict[str, Any]:
    runs = runs_of(name, _METRICS_RUNS)
    ended = [run for run in runs if run.ended and run.ended_at is not None]
    seconds = [run.ended_at - run.submitted_at for run in ended if run.ended_at is not None]
    changes = _changes(ended[0]) if ended else {}
    return {
        "CrawlerName": name,
        "TimeLeftSeconds": 0.0,
        "StillEstimating": bool(runs) and not runs[0].ended,
        "LastRuntimeSeconds": seconds[0] if seconds else 0.0,
        "MedianRuntimeSeconds": statistics.median(seconds) if seconds else 0.0,
        "TablesCreated": changes.get("tables_created", 0),
        "TablesUpdated": changes.get("tables_updated", 0),
        "TablesDeleted": changes.get("tables_deleted", 0),
    }
