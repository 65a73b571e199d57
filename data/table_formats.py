"""Open table formats: tables whose files hold more than their rows, so that nobody may read them as plain files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lakelet.workspace.errors import InvalidInputException

ICEBERG, DELTA, HUDI = "iceberg", "delta", "hudi"
TITLES: Mapping[str, str] = {ICEBERG: "an Iceberg table", DELTA: "a Delta table", HUDI: "a Hudi table"}
# What tells one in a table's parameters: Athena's and the crawlers' property, Spark's, and Glue's classification.
_LOG = "_delta_log"
_NAMED_BY = ("table_type", "spark.sql.sources.provider", "classification")


def table_format(table: Mapping[str, Any]) -> str:
    """Which of the formats a Glue Table (or TableInput) is of: a key of TITLES, or empty for plain files."""
    parameters = table.get("Parameters") or {}
    return next((one for name in _NAMED_BY if (one := str(parameters.get(name, "")).lower()) in TITLES), "")


def refuse_as_files(table: Mapping[str, Any], name: str = "") -> None:
    """Raises InvalidInputException, which calls the table ``name``, for one that is not to be read, or changed, as the
    files at its location."""
    if one := table_format(table):
        advice = f"a job with --datalake-formats {one} reads and writes it" if one != HUDI else "nothing here reads it"
        name = name or f"The table {table.get('Name', '')!r}"
        raise InvalidInputException(f"{name} is {TITLES[one]}, whose files are more than its rows: {advice}.")


def iceberg_tables(keys: Iterable[str]) -> set[str]:
    """The folders of Iceberg tables, without their ``/``, by their metadata among the objects of these keys."""
    found = (key.rpartition("/metadata/") for key in keys if key.endswith(".metadata.json"))
    return {root for root, middle, _ in found if middle}


def delta_tables(folders: Iterable[str]) -> set[str]:
    """The folders of Delta tables, ending in ``/`` or empty, by those of their logs among ``folders`` (without one)."""
    found = (folder.rpartition(_LOG) for folder in folders if f"/{folder}".endswith(f"/{_LOG}"))
    return {root for root, _, _ in found}
