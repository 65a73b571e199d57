"""The figures of column statistics, from rows whose figures are known."""

from __future__ import annotations

import base64
import json
from typing import Any

import duckdb
import pytest

from lakelet.catalog.statistics.kinds import kind_of
from lakelet.query.results import plain
from lakelet.query.statistics import Column, figures, statement

ROWS = """
    (true, 1, 9007199254740993, 1.5, -123.45, 'a', 'xy'::BLOB, DATE '1969-12-31', TIMESTAMP '2013-01-01 00:00:00.7'),
    (false, -3, NULL, 'NaN'::DOUBLE, 0.01, 'éèê', ''::BLOB, DATE '2013-01-02', NULL),
    (true, 1, 2, 'inf'::DOUBLE, NULL, '', NULL, NULL, TIMESTAMP '1969-12-31 23:59:59.5'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
"""
TYPES = {
    "flag": "boolean", "whole": "int", "big": "bigint", "real": "double", "money": "decimal(10,2)", "text": "string",
    "raw": "binary", "day": "date", "moment": "timestamp",
}  # fmt: skip
COLUMNS = [Column(name, kind, str(kind_of(kind))) for name, kind in TYPES.items()]


@pytest.fixture
def lake() -> Any:
    connection = duckdb.connect()
    names = ", ".join(f'"{name}"' for name in TYPES)
    connection.execute(f"CREATE SCHEMA d; CREATE TABLE d.t AS SELECT * FROM (VALUES {ROWS}) AS v({names})")
    connection.execute("ALTER TABLE d.t ALTER money TYPE DECIMAL(10, 2)")
    return connection


def ask(lake: Any, sample: float | None = None) -> dict[str, dict[str, Any]]:
    row = lake.execute(statement("d", "t", COLUMNS, sample)).fetchone()
    found = figures(COLUMNS, json.loads(json.dumps([plain(value) for value in row])), sample)
    return {column.name: one for column, one in zip(COLUMNS, found, strict=True)}


def test_every_kind_has_the_figures_of_its_rows(lake: Any) -> None:
    found = ask(lake)
    values = {name: one[f"{one['Type'].capitalize()}ColumnStatisticsData"] for name, one in found.items()}
    decimal = {
        bound: {"Scale": 2, "UnscaledValue": base64.b64encode(number.to_bytes(size, "big", signed=True)).decode()}
        for bound, number, size in (("MinimumValue", -12345, 2), ("MaximumValue", 1, 1))
    }
    assert values == {
        "flag": {"NumberOfTrues": 2, "NumberOfFalses": 1, "NumberOfNulls": 1},
        "whole": {"MinimumValue": -3, "MaximumValue": 1, "NumberOfNulls": 1, "NumberOfDistinctValues": 2},
        "big": {
            "MinimumValue": 2, "MaximumValue": 9007199254740993, "NumberOfNulls": 2, "NumberOfDistinctValues": 2,
        },
        "real": {"MinimumValue": 1.5, "MaximumValue": 1.5, "NumberOfNulls": 1, "NumberOfDistinctValues": 3},
        "money": decimal | {"NumberOfNulls": 2, "NumberOfDistinctValues": 2},
        "text": {"MaximumLength": 3, "AverageLength": 4 / 3, "NumberOfNulls": 1, "NumberOfDistinctValues": 3},
        "raw": {"MaximumLength": 2, "AverageLength": 1.0, "NumberOfNulls": 2},
        "day": {
            "MinimumValue": -86400.0, "MaximumValue": 1357084800.0, "NumberOfNulls": 2, "NumberOfDistinctValues": 2,
        },
        "moment": {
            "MinimumValue": -1, "MaximumValue": 1356998400, "NumberOfNulls": 2, "NumberOfDistinctValues": 2,
        },
    }  # fmt: skip


def test_a_table_without_rows_has_no_bounds(lake: Any) -> None:
    lake.execute("DELETE FROM d.t")
    found = ask(lake)
    assert found["whole"]["LongColumnStatisticsData"] == {"NumberOfNulls": 0, "NumberOfDistinctValues": 0}
    assert found["text"]["StringColumnStatisticsData"]["AverageLength"] == 0.0


def test_a_sample_scales_numbers_of_rows_up(lake: Any) -> None:
    lake.execute("DELETE FROM d.t; INSERT INTO d.t (flag, whole) SELECT true, i % 10 FROM range(40000) r(i)")
    samples = [ask(lake, 25) for _ in range(4)]
    trues = [found["flag"]["BooleanColumnStatisticsData"]["NumberOfTrues"] for found in samples]
    assert len(set(trues)) > 1  # each is of other rows; one of them may be exactly right
    assert all(abs(one - 40000) < 2000 for one in trues)
    found = samples[0]
    assert found["whole"]["LongColumnStatisticsData"]["NumberOfDistinctValues"] == pytest.approx(10, abs=1)
    assert found["text"]["StringColumnStatisticsData"]["NumberOfNulls"] == trues[0]


def test_types_without_statistics() -> None:
    assert [kind_of(one) for one in ("array<int>", "map<string,int>", "struct<a:int>", "interval")] == [None] * 4
    assert [kind_of(one) for one in ("DECIMAL(38, 9)", " varchar(3)", "char(1)")] == ["DECIMAL", "STRING", "STRING"]
