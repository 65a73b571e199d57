"""What a crawler may change: its SchemaChangePolicy and its Configuration, checked when it is defined."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakelet.workspace.errors import InvalidInputException, NotImplementedException

UPDATE_IN_DATABASE = "UPDATE_IN_DATABASE"
DELETE_FROM_DATABASE = "DELETE_FROM_DATABASE"
DEPRECATE_IN_DATABASE = "DEPRECATE_IN_DATABASE"
LOG = "LOG"


@dataclass(frozen=True)
class Policy:
    """``update`` is UPDATE_IN_DATABASE or LOG; ``delete`` DELETE_FROM_DATABASE, DEPRECATE_IN_DATABASE or LOG.

    With ``merge_columns`` a table keeps the columns it has, and new ones are added behind them. With ``combine`` each
    target is one table, however its schemas differ; ``level`` says how deep in a bucket tables are (the bucket is 1).
    More than ``threshold`` tables fail a crawl. With ``incremental`` only folders that are new are crawled.
    """

    update: str = UPDATE_IN_DATABASE
    delete: str = DEPRECATE_IN_DATABASE
    merge_columns: bool = False
    combine: bool = False
    level: int | None = None
    threshold: int | None = None
    incremental: bool = False

    @classmethod
    def of(cls, crawler: Mapping[str, Any]) -> Policy:
        """The policy of a Glue Crawler; raises InvalidInputException for a Configuration that is not served."""
        given = crawler.get("SchemaChangePolicy") or {}
        found = cls(
            given.get("UpdateBehavior", UPDATE_IN_DATABASE),
            given.get("DeleteBehavior", DEPRECATE_IN_DATABASE),
            **_configured(crawler.get("Configuration") or ""),
            incremental=_is_incremental(crawler),
        )
        if found.incremental and (found.update, found.delete) != (LOG, LOG):
            raise InvalidInputException(
                "With CRAWL_NEW_FOLDERS_ONLY the UpdateBehavior and the DeleteBehavior have to be LOG."
            )
        return found


def _is_incremental(crawler: Mapping[str, Any]) -> bool:
    behavior = (crawler.get("RecrawlPolicy") or {}).get("RecrawlBehavior", "CRAWL_EVERYTHING")
    if behavior == "CRAWL_EVENT_MODE":
        raise NotImplementedException("RecrawlBehavior CRAWL_EVENT_MODE is not served: use CRAWL_NEW_FOLDERS_ONLY.")
    return bool(behavior == "CRAWL_NEW_FOLDERS_ONLY")


def _configured(configuration: str) -> dict[str, Any]:
    """What a Configuration asks for ("Setting crawler configuration options", AWS Glue Developer Guide).

    ``InheritFromTable`` is how partitions are always written here, and they are always indexed.
    """
    if not configuration.strip():
        return {}
    try:
        value = json.loads(configuration)
        output, grouping = value.pop("CrawlerOutput", {}), value.pop("Grouping", {})
        tables = output.pop("Tables", {})
        found = {
            "merge_columns": _one_of(tables.pop("AddOrUpdateBehavior", None), "MergeNewColumns"),
            "combine": _one_of(grouping.pop("TableGroupingPolicy", None), "CombineCompatibleSchemas"),
            "level": _number(grouping.pop("TableLevelConfiguration", None)),
            "threshold": _number(tables.pop("TableThreshold", None)),
        }
        partitions = output.pop("Partitions", {})
        _one_of(partitions.pop("AddOrUpdateBehavior", None), "InheritFromTable")
        if not isinstance(value.pop("CreatePartitionIndex", True), bool) or value.pop("Version", 1.0) != 1.0:
            raise ValueError
        unknown = [*value, *output, *grouping, *tables, *partitions]
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise InvalidInputException("The crawler's Configuration is not a JSON object as Glue describes it.") from None
    if unknown:
        raise InvalidInputException(
            f"The crawler's Configuration is not served with {', '.join(unknown)}: it is with CrawlerOutput's Tables "
            "(MergeNewColumns, TableThreshold) and Partitions (InheritFromTable), Grouping's TableGroupingPolicy and "
            "TableLevelConfiguration, and CreatePartitionIndex."
        )
    return found


def _one_of(value: Any, known: str) -> bool:
    if value is not None and value != known:
        raise ValueError
    return value is not None


def _number(value: Any) -> int | None:
    if value is None:
        return None
    number = int(value)
    if isinstance(value, bool) or number < 1:
        raise ValueError
    return number
