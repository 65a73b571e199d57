"""Crawlers and their crawls (AWS Glue Web API, Crawlers and classifiers API), over crawler definitions and the queue.

A crawl is a run record of kind "crawl": a crawler's state and its last crawl are read from there.
"""

from __future__ import annotations

import json
import statistics
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from aws import paging
from aws.context import current
from aws.services.glue._tagged import forget_tags
from catalog.crawlers import RESULT_FILE
from catalog.crawlers.checks import check
from workspace.errors import (
    ConcurrentRunsExceededException,
    CrawlerNotRunningException,
    CrawlerRunningException,
    CrawlerStoppingException,
    EntityNotFoundException,
)
from workspace.runs import Run, RunState

_PAGE = 100
_HISTORY_PAGE = 20
_METRICS_RUNS = 20
_MEMORY_MB = 512
_TIMEOUT_SECONDS = 86_400
_COMMAND = ("{python}", "-m", "catalog.crawlers.crawl")
_LOG_GROUP = "/aws-glue/crawlers"

_CRAWL_STATES = {RunState.SUCCEEDED: "COMPLETED", RunState.STOPPED: "STOPPED"}
_LAST_STATES = {RunState.SUCCEEDED: "SUCCEEDED", RunState.STOPPED: "CANCELLED"}


def create_crawler(
    name: str,
    role: str,
    targets: Mapping[str, Any],
    database_name: str | None = None,
    description: str | None = None,
    table_prefix: str | None = None,
    schema_change_policy: Mapping[str, Any] | None = None,
    configuration: str | None = None,
) -> None:
    """CreateCrawler: AlreadyExistsException, InvalidInputException. Its DatabaseName is required here."""
    body = _given(role, targets, database_name, description, table_prefix, schema_change_policy, configuration)
    check(body)
    current().crawlers.create(name, body)


def update_crawler(
    name: str,
    role: str | None = None,
    targets: Mapping[str, Any] | None = None,
    database_name: str | None = None,
    description: str | None = None,
    table_prefix: str | None = None,
    schema_change_policy: Mapping[str, Any] | None = None,
    configuration: str | None = None,
) -> None:
    """UpdateCrawler: the members that are given change. EntityNotFoundException, CrawlerRunningException."""
    changes = _given(role, targets, database_name, description, table_prefix, schema_change_policy, configuration)
    check(current().crawlers.get(name) | changes)
    _not_running(name)
    current().crawlers.update(name, changes)


def delete_crawler(name: str) -> None:
    """DeleteCrawler: EntityNotFoundException, CrawlerRunningException. The tables it made stay."""
    _not_running(name)
    current().crawlers.delete(name)
    forget_tags(current(), "crawler", name)


def get_crawler(name: str) -> dict[str, Any]:
    """GetCrawler: EntityNotFoundException."""
    return {"Crawler": _crawler(current().crawlers.get(name))}


def get_crawlers(max_results: int | None = None, next_token: str | None = None) -> dict[str, Any]:
    """GetCrawlers: the definitions with their states, by name."""
    found, token = _page("GetCrawlers", max_results, next_token)
    return {"Crawlers": [_crawler(one) for one in found], **token}


def batch_get_crawlers(crawler_names: Sequence[str]) -> dict[str, Any]:
    """BatchGetCrawlers: those that exist, and the names of those that do not."""
    found, missing = [], []
    for name in crawler_names:
        try:
            found.append(_crawler(current().crawlers.get(name)))
        except EntityNotFoundException:
            missing.append(name)
    return {"Crawlers": found, "CrawlersNotFound": missing}


def list_crawlers(max_results: int | None = None, next_token: str | None = None) -> dict[str, Any]:
    """ListCrawlers: the names."""
    found, token = _page("ListCrawlers", max_results, next_token)
    return {"CrawlerNames": [one["Name"] for one in found], **token}


def start_crawler(name: str) -> None:
    """StartCrawler: EntityNotFoundException, CrawlerRunningException."""
    current().crawlers.get(name)
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
        raise _running(name) from None


def stop_crawler(name: str) -> None:
    """StopCrawler: EntityNotFoundException, CrawlerNotRunningException, CrawlerStoppingException."""
    current().crawlers.get(name)
    latest = _runs(name, 1)
    if not latest or latest[0].ended:
        raise CrawlerNotRunningException(f"Crawler {name} is not running.")
    if latest[0].state is RunState.STOPPING:
        raise CrawlerStoppingException(f"Crawler {name} is stopping already.")
    current().runner.stop(latest[0].id)


def list_crawls(crawler_name: str, max_results: int | None = None, next_token: str | None = None) -> dict[str, Any]:
    """ListCrawls: a crawler's crawls, the newest first. EntityNotFoundException."""
    context = current()
    context.crawlers.get(crawler_name)
    limit = min(max_results or _HISTORY_PAGE, _PAGE)
    before = paging.position(next_token, "ListCrawls", crawler_name)
    found = context.jobs.runs("crawl", crawler_name, before=int(before) if before else None, limit=limit + 1)
    page, more = paging.split_page(found, limit)
    token = {}
    if more:
        place = str(context.jobs.ordinal(page[-1].id))
        token["NextToken"] = paging.next_token(place, "ListCrawls", crawler_name)
    return {"Crawls": [_crawl(run) for run in page], **token}


def get_crawler_metrics(
    crawler_name_list: Sequence[str] | None = None, max_results: int | None = None, next_token: str | None = None
) -> dict[str, Any]:
    """GetCrawlerMetrics: seconds, and the tables that the last crawl changed."""
    if crawler_name_list:
        return {"CrawlerMetricsList": [_metrics(name) for name in crawler_name_list]}
    found, token = _page("GetCrawlerMetrics", max_results, next_token)
    return {"CrawlerMetricsList": [_metrics(one["Name"]) for one in found], **token}


def _given(*values: Any) -> dict[str, Any]:
    members = (
        "Role", "Targets", "DatabaseName", "Description", "TablePrefix", "SchemaChangePolicy", "Configuration",
    )  # fmt: skip
    return {member: value for member, value in zip(members, values, strict=True) if value is not None}


def _page(
    operation: str, max_results: int | None, token: str | None
) -> tuple[Sequence[dict[str, Any]], dict[str, str]]:
    limit = min(max_results or _PAGE, _PAGE)
    found = current().crawlers.list(after=paging.position(token, operation) or "", limit=limit + 1)
    page, more = paging.split_page(found, limit)
    return page, {"NextToken": paging.next_token(page[-1]["Name"], operation)} if more else {}


def _runs(name: str, limit: int) -> list[Run]:
    return current().jobs.runs("crawl", name, limit=limit)


def _running(name: str) -> CrawlerRunningException:
    return CrawlerRunningException(f"Crawler {name} is running already: wait for it to end, or stop it.")


def _not_running(name: str) -> None:
    latest = _runs(name, 1)
    if latest and not latest[0].ended:
        raise _running(name)


def _crawler(crawler: dict[str, Any]) -> dict[str, Any]:
    """Glue's Crawler: its definition, and what its runs say."""
    answer = {"SchemaChangePolicy": {}, "Classifiers": [], "CrawlElapsedTime": 0, "State": "READY", **crawler}
    policy = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE"}
    answer["SchemaChangePolicy"] = policy | answer["SchemaChangePolicy"]
    runs = _runs(crawler["Name"], 2)
    if runs and not runs[0].ended:
        answer["State"] = "STOPPING" if runs[0].state is RunState.STOPPING else "RUNNING"
        answer["CrawlElapsedTime"] = int((time.time() - runs[0].submitted_at) * 1000)
    if ended := [run for run in runs if run.ended]:
        answer["LastCrawl"] = {
            "Status": _LAST_STATES.get(ended[0].state, "FAILED"),
            "StartTime": ended[0].submitted_at,
            **_messages(ended[0]),
        }
    return answer


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
        "State": _CRAWL_STATES.get(run.state, "FAILED") if run.ended else "RUNNING",
        "StartTime": run.submitted_at,
        "EndTime": run.ended_at,
        "Summary": json.dumps(summary) if changes else None,
        **_messages(run),
    }
    return {member: value for member, value in answer.items() if value is not None}


def _messages(run: Run) -> dict[str, str]:
    """Where a crawl's log is, and why it failed: the sentence that it ended with."""
    answer = {"LogGroup": _LOG_GROUP, "LogStream": run.name, "MessagePrefix": run.id}
    if run.ended and run.state not in _LAST_STATES:
        sentence = run.reason.partition(": ")[2] if run.exit_code == 1 else ""
        answer["ErrorMessage"] = sentence or run.reason
    return answer


def _changes(run: Run) -> dict[str, int]:
    """What a crawl says that it changed; nothing while it runs, or when it did not reach its end."""
    try:
        found: dict[str, int] = json.loads((current().workspace.runs / run.id / RESULT_FILE).read_text())
    except FileNotFoundError:
        return {}
    return found


def _metrics(name: str) -> dict[str, Any]:
    runs = _runs(name, _METRICS_RUNS)
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
