"""Whether a crawler's definition can be crawled, decided when it is written and not when it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakelet.catalog.crawlers.iceberg import IcebergTarget
from lakelet.catalog.crawlers.jdbc import JdbcTarget
from lakelet.catalog.crawlers.listing import Target
from lakelet.catalog.crawlers.policy import LOG, Policy
from lakelet.workspace.errors import InvalidInputException, NotImplementedException

_TARGETS = ("S3Targets", "JdbcTargets", "IcebergTargets", "CatalogTargets")
_TARGET_MEMBERS = frozenset({"Path", "Exclusions", "SampleSize"})
_MOST_SAMPLES = 249


def check(crawler: Mapping[str, Any]) -> None:
    """Check the members of Glue's Crawler structure.

    Raises InvalidInputException (or UsageError, for a path that is none on S3) for a value that makes no sense, and
    NotImplementedException for a kind of target, or a member of one, that is not served.
    """
    targets = crawler.get("Targets") or {}
    if others := sorted(kind for kind, given in targets.items() if kind not in _TARGETS and given):
        raise NotImplementedException(
            f"Crawler targets are served without {', '.join(others)}: use {' or '.join(_TARGETS)}."
        )
    if not any(targets.get(kind) for kind in _TARGETS):
        raise InvalidInputException(
            "The crawler has no target: give S3Targets with a Path, JdbcTargets or IcebergTargets."
        )
    for target in targets.get("JdbcTargets") or ():
        JdbcTarget.of(target)
    for target in targets.get("IcebergTargets") or ():
        IcebergTarget.all_of(target)
    for target in targets.get("S3Targets") or ():
        if unknown := sorted(target.keys() - _TARGET_MEMBERS):
            raise NotImplementedException(f"An S3Target is served without {', '.join(unknown)}: leave it out.")
        if not target.get("Path"):
            raise InvalidInputException("An S3Target has no Path: write s3://bucket/path.")
        if not 1 <= target.get("SampleSize", 1) <= _MOST_SAMPLES:
            raise InvalidInputException(f"SampleSize is {target['SampleSize']}, but it must be 1 to {_MOST_SAMPLES}.")
        Target.of(target)
    _check_settings(crawler)
    policy = Policy.of(crawler)
    if policy.incremental and targets.get("IcebergTargets"):
        raise InvalidInputException("IcebergTargets are crawled whole: use CRAWL_EVERYTHING.")
    if targets.get("CatalogTargets"):
        _check_catalogued(targets, policy)


def check_startable(name: str, crawler: Mapping[str, Any]) -> None:
    """Check what a crawler may be written without, but not crawl without; raises InvalidInputException."""
    if not crawler.get("DatabaseName") and not (crawler.get("Targets") or {}).get("CatalogTargets"):
        raise InvalidInputException(
            f"Crawler {name} has no DatabaseName, the database that its tables go to: set it with UpdateCrawler."
        )


def _check_settings(crawler: Mapping[str, Any]) -> None:
    if (crawler.get("LineageConfiguration") or {}).get("CrawlerLineageSettings") == "ENABLE":
        raise NotImplementedException("CrawlerLineageSettings ENABLE is not served: crawls record no lineage.")
    if (crawler.get("LakeFormationConfiguration") or {}).get("UseLakeFormationCredentials"):
        raise NotImplementedException(
            "UseLakeFormationCredentials is not served: a crawl reads the lake with the workspace's own keys."
        )


def _check_catalogued(targets: Mapping[str, Any], policy: Policy) -> None:
    if any(targets.get(kind) for kind in _TARGETS if kind != "CatalogTargets"):
        raise InvalidInputException("CatalogTargets stand alone: give other targets to another crawler.")
    if policy.delete != LOG or policy.incremental:
        raise InvalidInputException("With CatalogTargets the DeleteBehavior is LOG, and every folder is crawled.")
    for target in targets["CatalogTargets"]:
        if unknown := sorted(target.keys() - {"DatabaseName", "Tables"}):
            raise NotImplementedException(f"A CatalogTarget is served without {', '.join(unknown)}: leave it out.")
