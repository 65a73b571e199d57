"""What the catalog's pages show, as plain functions of the workspace; nothing here knows Streamlit."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlglot import exp

from lakelet.catalog import client as catalog
from lakelet.catalog.glue import Glue
from lakelet.dashboards.spec import DIALECT
from lakelet.data import table_formats
from lakelet.query.client import query
from lakelet.workspace.control import call
from lakelet.workspace.errors import EntityNotFoundException
from lakelet.workspace.paths import Workspace

MAX_FOUND = 1_000
MAX_VERSIONS = 200
MAX_CRAWLS = 50
SAMPLE_ROWS = 50
STATISTICS_AT_ONCE = 100  # columns a request, as Glue allows
_VERBS = {"ADD": "added", "UPDATE": "updated", "DELETE": "deleted"}
NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double")  # Hive's types, decimals aside
CELL = 200  # characters of a nested value that are shown
# Glue's statistics as the columns of one table, whatever the column's type is.
_FIGURES = {
    "MinimumValue": "minimum", "MaximumValue": "maximum", "NumberOfDistinctValues": "distinct",
    "NumberOfNulls": "nulls", "AverageLength": "average length", "MaximumLength": "longest",
    "NumberOfTrues": "true", "NumberOfFalses": "false",
}  # fmt: skip


@dataclass(frozen=True)
class TableEntry:
    """A table in a list."""

    database: str
    name: str
    format: str
    columns: int
    partition_keys: tuple[str, ...]
    description: str
    updated: datetime | None


@dataclass(frozen=True)
class PartitionPage:
    """Some partitions of a table, one row each: the keys' values and the location; ``next`` begins the next page."""

    rows: pd.DataFrame
    next: str | None


@dataclass(frozen=True)
class Toucher:
    """Who wrote or read a table: a job, with its latest run of it; ``job`` is empty for a notebook."""

    job: str
    run_id: str
    state: str
    at: datetime
    runs: int


@dataclass(frozen=True)
class Lineage:
    """Where a table comes from and where it goes; ``crawler`` is the one that registered it, if one did."""

    writers: Sequence[Toucher] = ()
    readers: Sequence[Toucher] = ()
    sources: Sequence[tuple[str, str]] = ()
    derived: Sequence[tuple[str, str]] = ()
    crawler: str = ""


@dataclass(frozen=True)
class Crawler:
    """A crawler and how its last crawl ended; ``median_seconds`` is None before the first has."""

    name: str
    state: str
    database: str
    targets: str
    last_state: str
    last_started: datetime | None
    last_error: str
    median_seconds: float | None


@dataclass(frozen=True)
class Crawl:
    """One run of a crawler; ``changes`` counts "tables added" and the like, those that are not zero."""

    id: str
    state: str
    started: datetime | None
    seconds: float | None
    error: str
    changes: Mapping[str, int] = field(default_factory=dict)


def search(workspace: Workspace, text: str = "") -> list[TableEntry]:
    """The tables of all databases that have every word of ``text``, at most :data:`MAX_FOUND`, by name."""
    words = {"SearchText": text} if text.strip() else {}
    found = Glue(workspace).pages("SearchTables", "TableList", **words)
    return [_entry(table) for table in itertools.islice(found, MAX_FOUND)]


def table(workspace: Workspace, database: str, name: str) -> dict[str, Any]:
    """A table as Glue's Table; raises EntityNotFoundException."""
    return catalog.get_table(workspace, database, name)


def columns(found: Mapping[str, Any]) -> pd.DataFrame:
    """The columns of one of Glue's Tables, its partition keys last."""
    kinds = ((found.get("StorageDescriptor", {}).get("Columns") or (), False), (found.get("PartitionKeys") or (), True))
    rows = [
        {"column": one["Name"], "type": one.get("Type", ""), "partition": is_key, "comment": one.get("Comment") or ""}
        for listed, is_key in kinds
        for one in listed
    ]
    return pd.DataFrame(rows, columns=["column", "type", "partition", "comment"])


def partitions(
    workspace: Workspace, found: Mapping[str, Any], expression: str = "", token: str | None = None, size: int = 50
) -> PartitionPage:
    """A page of a table's partitions, all or those that satisfy an expression over its keys.

    Raises InvalidInputException for an expression that cannot be read.
    """
    keys = [key["Name"] for key in found["PartitionKeys"]]
    wanted: dict[str, Any] = {"DatabaseName": found["DatabaseName"], "TableName": found["Name"], "MaxResults": size}
    wanted |= ({"Expression": expression} if expression.strip() else {}) | ({"NextToken": token} if token else {})
    answer = Glue(workspace).call("GetPartitions", ExcludeColumnSchema=True, **wanted)
    rows = [
        dict(zip(keys, one["Values"], strict=False))
        | {"Created": one.get("CreationTime"), "Location": one.get("StorageDescriptor", {}).get("Location")}
        for one in answer["Partitions"]
    ]
    if not token and not answer.get("NextToken"):  # else their order is the catalog's, in which 10 comes before 2
        rows.sort(
            key=lambda row: [_order(row.get(key["Name"], ""), key.get("Type", "")) for key in found["PartitionKeys"]]
        )
    return PartitionPage(pd.DataFrame(rows, columns=[*keys, "Created", "Location"]), answer.get("NextToken"))


def _order(value: str, kind: str) -> tuple[bool, float, str]:
    if kind in NUMBERS:
        with suppress(ValueError):
            return False, float(value), ""
    return True, 0.0, value  # text, and the partition of rows without a value


def versions(workspace: Workspace, database: str, name: str) -> list[dict[str, Any]]:
    """The latest versions of a table as Glue's TableVersions, the current one first."""
    found = Glue(workspace).pages("GetTableVersions", "TableVersions", DatabaseName=database, TableName=name)
    return list(itertools.islice(found, MAX_VERSIONS))


def sample(workspace: Workspace, database: str, name: str) -> pd.DataFrame:
    """The first rows that the SQL service finds; what is nested is written as JSON. Raises QueryError."""
    statement = exp.select("*").from_(exp.table_(name, db=database, quoted=True)).limit(SAMPLE_ROWS)
    answer: pa.Table = query(workspace, statement.sql(dialect=DIALECT))
    shown = {column.name: _plain(answer.column(number)) for number, column in enumerate(answer.schema)}
    return pd.DataFrame(shown, columns=list(shown))


def statistics(workspace: Workspace, found: Mapping[str, Any]) -> pd.DataFrame:
    """The statistics of a table's columns that have any, one row each, without the figures that none has."""
    names = columns(found)["column"].tolist()
    glue, rows = Glue(workspace), []
    for start in range(0, len(names), STATISTICS_AT_ONCE):
        answer = glue.call(
            "GetColumnStatisticsForTable", DatabaseName=found["DatabaseName"], TableName=found["Name"],
            ColumnNames=names[start : start + STATISTICS_AT_ONCE],
        )  # fmt: skip
        rows += [_statistics(one) for one in answer["ColumnStatisticsList"]]
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def lineage(workspace: Workspace, found: Mapping[str, Any]) -> Lineage:
    """Who wrote a table and who reads it, a job at a time, the latest first."""
    key = {"database": found["DatabaseName"], "table": found["Name"]}
    answer = call(workspace, "POST", "lineage", key)
    sides = [_touchers(answer[side]) for side in ("writers", "readers")]
    sources, derived = ([(one[0], one[1]) for one in answer[side]] for side in ("sources", "derived"))
    return Lineage(sides[0], sides[1], sources, derived, (found.get("Parameters") or {}).get("UPDATED_BY_CRAWLER", ""))


def crawlers(workspace: Workspace) -> list[Crawler]:
    """Every crawler, by name."""
    glue = Glue(workspace)
    metrics = {one["CrawlerName"]: one for one in glue.pages("GetCrawlerMetrics", "CrawlerMetricsList")}
    return [_crawler(one, metrics.get(one["Name"], {})) for one in glue.pages("GetCrawlers", "Crawlers")]


def crawls(workspace: Workspace, crawler: str) -> list[Crawl]:
    """The latest crawls of a crawler, the newest first; none for a crawler that is gone."""
    try:
        found = Glue(workspace).pages("ListCrawls", "Crawls", CrawlerName=crawler)
        return [_crawl(one) for one in itertools.islice(found, MAX_CRAWLS)]
    except EntityNotFoundException:
        return []


def _entry(found: Mapping[str, Any]) -> TableEntry:
    descriptor = found.get("StorageDescriptor") or {}
    return TableEntry(
        database=found["DatabaseName"],
        name=found["Name"],
        format=table_format(found),
        columns=len(descriptor.get("Columns") or ()),
        partition_keys=tuple(key["Name"] for key in found.get("PartitionKeys") or ()),
        description=found.get("Description") or "",
        updated=found.get("UpdateTime"),
    )


def table_format(found: Mapping[str, Any]) -> str:
    """What a table is, in a word: "parquet", "iceberg", "view"."""
    parameters = found.get("Parameters") or {}
    if found.get("TableType") == "VIRTUAL_VIEW":
        return "view"
    return table_formats.table_format(found) or str(parameters.get("classification") or "").lower()


def _plain(column: pa.ChunkedArray) -> list[Any]:
    kind = column.type
    written: Callable[[Any], Any] | None = None
    if pa.types.is_nested(kind):
        written = _as_json
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        written = bytes.hex
    elif pa.types.is_decimal(kind) or pa.types.is_time(kind) or pa.types.is_interval(kind):
        written = str
    values: list[Any] = column.to_pylist()
    return [_short(written(value)) if written and value is not None else value for value in values]


def _as_json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _short(text: str) -> str:
    return text if len(text) <= CELL else text[:CELL] + "…"


def _statistics(one: Mapping[str, Any]) -> dict[str, Any]:
    data = next((value for value in one["StatisticsData"].values() if isinstance(value, dict)), {})
    row: dict[str, Any] = {"column": one["ColumnName"], "type": one.get("ColumnType", "")}
    for member, label in _FIGURES.items():
        value = data.get(member)
        is_value = value is not None and label in ("minimum", "maximum")  # of several types in one column: as text
        row[label] = _written(value, row["type"].lower()) if is_value else value
    row["analyzed"] = one.get("AnalyzedTime")
    return row


def _written(value: Any, kind: str) -> str:
    """A value among the statistics as its column has it; of days and instants there are the seconds since 1970."""
    if isinstance(value, dict):  # a DecimalNumber: its unscaled bytes, in base 64, and its scale
        return _decimal(value)
    if kind.startswith(("date", "timestamp")):
        return f"{datetime.fromtimestamp(value, UTC):{'%Y-%m-%d' if kind == 'date' else '%Y-%m-%d %H:%M:%S'}}"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _decimal(number: Mapping[str, Any]) -> str:
    unscaled = int.from_bytes(base64.b64decode(number["UnscaledValue"]), "big", signed=True)
    return f"{Decimal(unscaled).scaleb(-int(number['Scale'])):f}"


def _touchers(runs: Sequence[Mapping[str, Any]]) -> list[Toucher]:
    by_job: dict[str, list[Mapping[str, Any]]] = {}
    for one in runs:
        by_job.setdefault(one["job"] or "", []).append(one)
    return [
        Toucher(job, all_[0]["run_id"], all_[0]["state"] or "", datetime.fromtimestamp(all_[0]["at"], UTC), len(all_))
        for job, all_ in by_job.items()
    ]


def _crawler(one: Mapping[str, Any], metrics: Mapping[str, Any]) -> Crawler:
    last = one.get("LastCrawl") or {}
    paths = [
        target.get("Path") or "/".join((target.get("DatabaseName", ""), *target.get("Tables", ())))
        for listed in one.get("Targets", {}).values()
        for target in listed
    ]
    return Crawler(
        name=one["Name"],
        state=one["State"],
        database=one.get("DatabaseName") or "",
        targets=", ".join(paths),
        last_state=last.get("Status", ""),
        last_started=last.get("StartTime"),
        last_error=last.get("ErrorMessage", ""),
        median_seconds=metrics.get("MedianRuntimeSeconds") or None,
    )


def _crawl(one: Mapping[str, Any]) -> Crawl:
    started, ended = one.get("StartTime"), one.get("EndTime")
    if started and not ended:
        ended = datetime.now(UTC)
    return Crawl(
        id=one["CrawlId"],
        state=one["State"],
        started=started,
        seconds=(ended - started).total_seconds() if started and ended else None,
        error=one.get("ErrorMessage", ""),
        changes=_changes(one.get("Summary", "")),
    )


def _changes(summary: str) -> dict[str, int]:
    """A crawl's Summary as counts in words: ``{"TABLE": {"ADD": 5}}`` is ``{"tables added": 5}``."""
    try:
        found = json.loads(summary or "{}")
    except ValueError:
        return {}
    return {
        f"{what.lower()}{'' if counts[verb] == 1 else 's'} {word}": counts[verb]
        for what, counts in found.items()
        if isinstance(counts, dict)
        for verb, word in _VERBS.items()
        if counts.get(verb)
    }
