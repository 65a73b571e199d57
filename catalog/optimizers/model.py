"""What a table optimizer is told, with the defaults that AWS has (AWS Glue Web API, TableOptimizerConfiguration)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakelet.catalog.model import Definition
from lakelet.workspace.errors import InvalidInputException, NotImplementedException

COMPACTION, RETENTION, ORPHANS = "compaction", "retention", "orphan_file_deletion"
BINPACK = "binpack"
DAY_MS = 86_400_000

_MEMBERS = {
    COMPACTION: "compactionConfiguration",
    RETENTION: "retentionConfiguration",
    ORPHANS: "orphanFileDeletionConfiguration",
}
_RATE_HOURS = (3, 168)
_DEFAULT_RATE_HOURS = 24


@dataclass(frozen=True)
class Optimizer:
    """One optimizer of one table; times are Unix seconds."""

    database: str
    table: str
    kind: str
    configuration: Definition
    updated_at: float

    @property
    def enabled(self) -> bool:
        """Whether it runs by itself."""
        return bool(self.configuration.get("enabled", True))

    @property
    def title(self) -> str:
        """The name of its runs."""
        return f"{self.database}.{self.table} {self.kind}"

    @property
    def options(self) -> Mapping[str, Any]:
        """What it is told for Iceberg tables, as far as it was given."""
        return options_of(self.kind, self.configuration)

    @property
    def every_seconds(self) -> float:
        """How often it runs, when it is not asked for by what is written (compaction)."""
        return float(self.options.get("runRateInHours", _DEFAULT_RATE_HOURS)) * 3600


def options_of(kind: str, configuration: Definition) -> Mapping[str, Any]:
    """The members of the icebergConfiguration of that kind."""
    return (configuration.get(_MEMBERS[kind]) or {}).get("icebergConfiguration") or {}


def check(kind: str, configuration: Definition, location: str) -> None:
    """Whether a configuration is one of that kind for a table at ``location``.

    Raises InvalidInputException, and NotImplementedException for strategies of compaction that are not served.
    """
    others = [member for other, member in _MEMBERS.items() if other != kind and configuration.get(member)]
    if others:
        raise InvalidInputException(f"An optimizer of type {kind} has no {', '.join(others)}.")
    options = options_of(kind, configuration)
    if (strategy := options.get("strategy", BINPACK)) != BINPACK:
        raise NotImplementedException(f"Compaction is served by the strategy {BINPACK}, not by {strategy}.")
    least = {"snapshotRetentionPeriodInDays": 0}
    for name, value in options.items():
        if type(value) is int and value < least.get(name, 1):
            raise InvalidInputException(f"{name} is {value}, but the least is {least.get(name, 1)}.")
    low, high = _RATE_HOURS
    if not low <= options.get("runRateInHours", low) <= high:
        raise InvalidInputException(f"runRateInHours is from {low} to {high}.")
    if (place := options.get("location")) and not f"{place.rstrip('/')}/".startswith(f"{location.rstrip('/')}/"):
        raise InvalidInputException(f"The location {place} of orphan files is not in the table's, {location}.")
