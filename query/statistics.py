"""One run that computes column statistics: the process that StartColumnStatisticsTaskRun starts.

    python -m lakelet.query.statistics TASK

TASK is JSON: {"database", "table", "columns": names or null, "sample": % or null}.

It is a client of the wire and of the SQL service, whose sandbox does the reading; the figures go back to the catalog
by UpdateColumnStatisticsForTable. Exit 0, or 1 with one sentence on stderr.
"""

from __future__ import annotations

import base64
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakelet.catalog.glue import Glue
from lakelet.catalog.statistics.kinds import kind_of
from lakelet.query.client import query_rows
from lakelet.query.views import quoted
from lakelet.workspace.errors import LakeletError, UsageError
from lakelet.workspace.paths import Workspace

COLUMNS_AT_ONCE = 16  # of one statement: a wide table takes several, none of which holds all of its columns at once


@dataclass(frozen=True)
class Column:
    """A column of the table: its Glue type, and the kind of its statistics."""

    name: str
    type: str
    kind: str


def compute(workspace: Workspace, task: dict[str, Any], say: Callable[[str], None] = print) -> int:
    """Compute and store the statistics of a table; returns of how many columns.

    Raises :class:`~lakelet.workspace.errors.LakeletError`.
    """
    glue = Glue(workspace)
    database, name, sample = task["database"], task["table"], task["sample"]
    table = glue.call("GetTable", DatabaseName=database, Name=name)["Table"]
    columns = _columns(table, task["columns"], say)
    done = 0
    for start in range(0, len(columns), COLUMNS_AT_ONCE):
        part = columns[start : start + COLUMNS_AT_ONCE]
        analyzed_at = time.time()
        (row,) = query_rows(workspace, statement(database, name, part, sample)).rows
        found = [
            {
                "ColumnName": column.name, "ColumnType": column.type, "AnalyzedTime": analyzed_at,
                "StatisticsData": data,
            }
            for column, data in zip(part, figures(part, row, sample), strict=True)
        ]  # fmt: skip
        answer = glue.call(
            "UpdateColumnStatisticsForTable", DatabaseName=database, TableName=name, ColumnStatisticsList=found
        )
        for failed in answer.get("Errors", ()):
            raise LakeletError(f"Statistics could not be stored: {failed['Error']['ErrorMessage']}")
        done += len(part)
        say(f"Read {row[0]} rows: {done} of {len(columns)} columns.")
    return done


def _columns(table: dict[str, Any], wanted: Sequence[str] | None, say: Callable[[str], None]) -> list[Column]:
    there = [*table.get("StorageDescriptor", {}).get("Columns", ()), *table.get("PartitionKeys", ())]
    columns = []
    for one in there:
        name, hive_type = one["Name"].lower(), one.get("Type") or "string"
        if wanted is not None and name not in wanted:
            continue
        if (kind := kind_of(hive_type)) is None:
            say(f"Note: {name} is of type {hive_type}, which has no statistics.")
        else:
            columns.append(Column(name, hive_type, kind))
    if not columns:
        raise UsageError(f"The table {table['Name']} has no column of a type that has statistics.")
    return columns


def statement(database: str, table: str, columns: Sequence[Column], sample: float | None) -> str:
    """One SELECT whose only row has the number of rows, and after it the figures of every column.

    ``sample`` is the percentage of the rows that are looked at, each by chance; None for all.
    """
    chosen = f" TABLESAMPLE {sample:f} PERCENT (BERNOULLI)" if sample is not None else ""
    items = ["count(*)", *(item for column in columns for item in _items(column))]
    return f"SELECT {', '.join(items)} FROM {quoted(database)}.{quoted(table)}{chosen}"  # noqa: S608  quoted


def _items(column: Column) -> list[str]:
    name = quoted(column.name)
    match column.kind:
        case "BOOLEAN":
            return [f"count({name})", f"count(*) FILTER ({name})"]
        case "STRING" | "BINARY":
            length = f"octet_length({name})" if column.kind == "BINARY" else f"length({name})"
            return [f"count({name})", f"approx_count_distinct({name})", f"max({length})", f"avg({length})"]
        case "DOUBLE":  # of NaN and the infinities, JSON can say nothing
            finite = f"FILTER (isfinite({name}))"
            return [
                f"count({name})",
                f"approx_count_distinct({name})",
                f"min({name}) {finite}",
                f"max({name}) {finite}",
            ]
    value = f"epoch({name})" if column.kind == "DATE" or kind_is_time(column) else name
    return [f"count({name})", f"approx_count_distinct({name})", f"min({value})", f"max({value})"]


def kind_is_time(column: Column) -> bool:
    """Whether a LONG column is a timestamp, of which the statistics are seconds since 1970."""
    return column.type.strip().lower().startswith("timestamp")


def figures(columns: Sequence[Column], row: Sequence[Any], sample: float | None) -> Iterator[dict[str, Any]]:
    """Glue's ColumnStatisticsData of each column, from the row that :func:`statement` gave.

    Of a sample, numbers of rows are scaled up to the whole; distinct values are those that were seen.
    """
    rows, *values = row
    for column in columns:
        count = len(_items(column))
        mine, values = values[:count], values[count:]
        data = _data(column, rows, mine, 100 / sample if sample is not None else 1.0)
        yield {"Type": column.kind, f"{column.kind.capitalize()}ColumnStatisticsData": data}


def _data(column: Column, rows: int, values: Sequence[Any], scale: float) -> dict[str, Any]:
    nulls = {"NumberOfNulls": round((rows - values[0]) * scale)}
    if column.kind == "BOOLEAN":
        there, true = values
        return nulls | {"NumberOfTrues": round(true * scale), "NumberOfFalses": round((there - true) * scale)}
    there, distinct, low, high = values
    if column.kind in ("STRING", "BINARY"):
        data = nulls | {"MaximumLength": low or 0, "AverageLength": high or 0.0}
        # An estimate (HyperLogLog) may be more than there can be.
        return data if column.kind == "BINARY" else data | {"NumberOfDistinctValues": min(distinct, there)}
    data = nulls | {"NumberOfDistinctValues": min(distinct, there)}
    for member, value in (("MinimumValue", low), ("MaximumValue", high)):
        if value is not None:
            data[member] = _bound(column.kind, value)
    return data


def _bound(kind: str, value: Any) -> Any:
    match kind:
        case "DECIMAL":
            sign, digits, exponent = Decimal(str(value)).as_tuple()
            number = int("".join(map(str, digits))) * (-1 if sign else 1)
            scale = max(0, -int(exponent))
            size = number.bit_length() // 8 + 1  # two's complement, big-endian, as Java's BigInteger is written
            unscaled = number.to_bytes(size, "big", signed=True)
            return {"UnscaledValue": base64.b64encode(unscaled).decode(), "Scale": scale}
        case "LONG":
            return math.floor(value)
    return value


def main(arguments: Sequence[str]) -> int:
    """Run one task; returns the exit code."""
    if len(arguments) != 1:
        print("usage: python -m lakelet.query.statistics TASK", file=sys.stderr)
        return 2
    # Between two requests nothing is half done: ending at once is safe.
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(128 + number))
    try:
        done = compute(Workspace.find(), json.loads(arguments[0]), lambda line: print(line, flush=True))
    except LakeletError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Statistics of {done} columns are stored.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
