"""What a crawler may change: its SchemaChangePolicy and its Configuration, checked when it is defined."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workspace.errors import InvalidInputException

UPDATE_IN_DATABASE = "UPDATE_IN_DATABASE"
DELETE_FROM_DATABASE = "DELETE_FROM_DATABASE"
DEPRECATE_IN_DATABASE = "DEPRECATE_IN_DATABASE"
LOG = "LOG"


@dataclass(frozen=True)
class Policy:
    """``update`` is UPDATE_IN_DATABASE or LOG; ``delete`` DELETE_FROM_DATABASE, DEPRECATE_IN_DATABASE or LOG.

    With ``merge_columns`` a table keeps the columns it has, and new ones are added behind them.
    """

    update: str = UPDATE_IN_DATABASE
    delete: str = DEPRECATE_IN_DATABASE
    merge_columns: bool = False

    @classmethod
    def of(cls, crawler: Mapping[str, Any]) -> Policy:
        """The policy of a Glue Crawler; raises InvalidInputException for a Configuration that is not served."""
        given = crawler.get("SchemaChangePolicy") or {}
        return cls(
            given.get("UpdateBehavior", UPDATE_IN_DATABASE),
            given.get("DeleteBehavior", DEPRECATE_IN_DATABASE),
            _merges(crawler.get("Configuration") or ""),
        )


def _merges(configuration: str) -> bool:
    """Whether a Configuration asks for MergeNewColumns. ("Setting crawler configuration options", AWS Glue
    Developer Guide.) ``InheritFromTable`` is how partitions are always written here."""
    if not configuration.strip():
        return False
    try:
        value = json.loads(configuration)
        output = value.pop("CrawlerOutput", {})
        tables = output.pop("Tables", {}).pop("AddOrUpdateBehavior", "")
        partitions = output.pop("Partitions", {}).pop("AddOrUpdateBehavior", "")
        version = value.pop("Version", 1.0)
    except (ValueError, AttributeError):
        raise InvalidInputException("The crawler's Configuration is not a JSON object as Glue describes it.") from None
    unknown = [*value, *output]
    if unknown or version != 1.0 or tables not in ("", "MergeNewColumns") or partitions not in ("", "InheritFromTable"):
        raise InvalidInputException(
            f"The crawler's Configuration {configuration} is not served: Version 1.0 with CrawlerOutput.Tables "
            "MergeNewColumns and CrawlerOutput.Partitions InheritFromTable is."
        )
    return bool(tables)
