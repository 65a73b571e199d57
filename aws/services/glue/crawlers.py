"""Definitions of crawlers (AWS Glue Web API, Crawlers and classifiers API).

A crawl is a run record of kind "crawl": a crawler's state and its last crawl are read from there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from lakelet.aws.context import current, own_catalog
from lakelet.aws.services.glue._answers import arn
from lakelet.aws.services.glue._crawlers import LAST_STATES, PAGE, check_not_running, messages, page_of, runs_of
from lakelet.aws.services.glue._members import check_security_configuration
from lakelet.aws.services.glue._schedules import schedule_of
from lakelet.aws.services.glue._tagged import forget_tags, page_by_tags
from lakelet.catalog.classifiers.store import ClassifierStore
from lakelet.catalog.crawlers.checks import check
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException
from lakelet.workspace.runs import RunState
from lakelet.workspace.state import reading, writing

_DEFAULTS: dict[str, Any] = {
    "Classifiers": [],
    "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
    "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
    "LakeFormationConfiguration": {"UseLakeFormationCredentials": False, "AccountId": ""},
    "CrawlElapsedTime": 0,
    "State": "READY",
}
_POLICY = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE"}


def create_crawler(
    name: str,
    role: str,
    targets: Mapping[str, Any],
    database_name: str | None = None,
    description: str | None = None,
    schedule: str | None = None,
    classifiers: Sequence[str] | None = None,
    table_prefix: str | None = None,
    schema_change_policy: Mapping[str, Any] | None = None,
    recrawl_policy: Mapping[str, Any] | None = None,
    lineage_configuration: Mapping[str, Any] | None = None,
    lake_formation_configuration: Mapping[str, Any] | None = None,
    configuration: str | None = None,
    tags: dict[str, str] | None = None,
    crawler_security_configuration: str | None = None,
    catalog_id: str | None = None,
) -> None:
    """CreateCrawler: AlreadyExistsException, InvalidInputException. A crawl needs its DatabaseName, too."""
    own_catalog(catalog_id)
    body = _given(
        Role=role, Targets=targets, DatabaseName=database_name, Description=description, Classifiers=classifiers,
        TablePrefix=table_prefix, SchemaChangePolicy=schema_change_policy, RecrawlPolicy=recrawl_policy,
        LineageConfiguration=lineage_configuration, LakeFormationConfiguration=lake_formation_configuration,
        Configuration=configuration, CrawlerSecurityConfiguration=crawler_security_configuration, CatalogId=catalog_id,
    )  # fmt: skip
    body |= schedule_of(schedule)
    _check(body)
    context = current()
    context.crawlers.create(name, body)
    try:
        with writing(context.engine) as connection:
            context.catalog.tags.put(connection, arn(context, "crawler", name), tags)
    except InvalidInputException:
        context.crawlers.delete(name)
        raise


def update_crawler(
    name: str,
    role: str | None = None,
    targets: Mapping[str, Any] | None = None,
    database_name: str | None = None,
    description: str | None = None,
    schedule: str | None = None,
    classifiers: Sequence[str] | None = None,
    table_prefix: str | None = None,
    schema_change_policy: Mapping[str, Any] | None = None,
    recrawl_policy: Mapping[str, Any] | None = None,
    lineage_configuration: Mapping[str, Any] | None = None,
    lake_formation_configuration: Mapping[str, Any] | None = None,
    configuration: str | None = None,
    crawler_security_configuration: str | None = None,
    catalog_id: str | None = None,
) -> None:
    """UpdateCrawler: the members that are given change. EntityNotFoundException, CrawlerRunningException."""
    own_catalog(catalog_id)
    changes = _given(
        Role=role, Targets=targets, DatabaseName=database_name, Description=description, Classifiers=classifiers,
        TablePrefix=table_prefix, SchemaChangePolicy=schema_change_policy, RecrawlPolicy=recrawl_policy,
        LineageConfiguration=lineage_configuration, LakeFormationConfiguration=lake_formation_configuration,
        Configuration=configuration, CrawlerSecurityConfiguration=crawler_security_configuration, CatalogId=catalog_id,
    )  # fmt: skip
    changes |= schedule_of(schedule)
    _check(current().crawlers.get(name) | changes)
    check_not_running(name)
    current().crawlers.update(name, changes)


def delete_crawler(name: str) -> None:
    """DeleteCrawler: EntityNotFoundException, CrawlerRunningException. The tables it made stay."""
    check_not_running(name)
    current().crawlers.delete(name)
    forget_tags(current(), "crawler", name)


def get_crawler(name: str) -> dict[str, Any]:
    """GetCrawler: EntityNotFoundException."""
    return {"Crawler": _crawler(current().crawlers.get(name))}


def get_crawlers(max_results: int | None = None, next_token: str | None = None) -> dict[str, Any]:
    """GetCrawlers: the definitions with their states, by name."""
    found, token = page_of("GetCrawlers", max_results, next_token)
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


def list_crawlers(
    max_results: int | None = None, next_token: str | None = None, tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """ListCrawlers: the names, of those that have all of the tags."""
    if not tags:
        found, token = page_of("ListCrawlers", max_results, next_token)
        return {"CrawlerNames": [one["Name"] for one in found], **token}
    limit = min(max_results or PAGE, PAGE)
    names, token = page_by_tags("ListCrawlers", "crawler", tags, next_token, limit, current().crawlers.list)
    return {"CrawlerNames": names, **token}


def _given(**members: Any) -> dict[str, Any]:
    return {member: value for member, value in members.items() if value is not None}


def _check(body: Mapping[str, Any]) -> None:
    check(body)
    with reading(current().engine) as connection:
        check_security_configuration(current(), connection, body.get("CrawlerSecurityConfiguration"))
        for name in body.get("Classifiers") or ():
            try:
                ClassifierStore().get(connection, name)
            except EntityNotFoundException as error:
                raise InvalidInputException(str(error)) from None


def _crawler(crawler: dict[str, Any]) -> dict[str, Any]:
    """Glue's Crawler: its definition, and what its runs say."""
    answer = _DEFAULTS | {member: value for member, value in crawler.items() if value is not None}
    answer["SchemaChangePolicy"] = _POLICY | answer.get("SchemaChangePolicy", {})
    runs = runs_of(crawler["Name"], 2)
    if runs and not runs[0].ended:
        answer["State"] = "STOPPING" if runs[0].state is RunState.STOPPING else "RUNNING"
        answer["CrawlElapsedTime"] = int((time.time() - runs[0].submitted_at) * 1000)
    if ended := [run for run in runs if run.ended]:
        answer["LastCrawl"] = {
            "Status": LAST_STATES.get(ended[0].state, "FAILED"),
            "StartTime": ended[0].submitted_at,
            **messages(ended[0]),
        }
    return answer
