"""The bronze layer: its counts are those of its bytes, and its bytes are always the same."""

from __future__ import annotations

import io
import json

import pyarrow.parquet
import pytest

from lakelet.data.flights import (
    BAD_ENCODING,
    BROKEN_ROWS,
    TRUNCATED_GZIP,
    WRONG_COLUMN_COUNT,
    BronzeCounts,
    bronze_objects,
)
from lakelet.data.formats import Dialect
from lakelet.etl.delimited import Rows, read_rows
from lakelet.workspace.errors import UsageError

COLUMNS = [
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour",
]  # fmt: skip
FOLDER = "flights/period=2013-01/"


@pytest.fixture(scope="module")
def january() -> tuple[dict[str, bytes], BronzeCounts]:
    objects, counts = bronze_objects([1])
    return objects, BronzeCounts(**counts)


def rows(content: bytes) -> Rows:
    return read_rows(content, COLUMNS, Dialect(header_lines=1), attach_text=True)


def test_the_counts_are_those_of_the_bytes(january: tuple[dict[str, bytes], BronzeCounts]) -> None:
    objects, counts = january
    assert rows(objects[FOLDER + "flights.csv.gz"]).table.num_rows == counts.flights == 27_004
    assert rows(objects[FOLDER + "resent.csv.gz"]).table.num_rows == counts.duplicates == 550
    for name, expected in (("planes", 3322), ("airports", 1458), ("airlines", 16)):
        lines = objects[f"{name}/{name}.json"].decode().splitlines()
        assert len([json.loads(line) for line in lines]) == getattr(counts, name) == expected
    weather = pyarrow.parquet.read_table(io.BytesIO(objects["weather/weather.parquet"]))
    assert weather.num_rows == counts.weather == 26_115
    assert counts.input_rows == 27_004 + 550 + sum(BROKEN_ROWS.values())


def test_resent_rows_are_duplicates_of_real_ones(january: tuple[dict[str, bytes], BronzeCounts]) -> None:
    objects, counts = january
    delivered = set(rows(objects[FOLDER + "flights.csv.gz"]).texts.to_pylist())
    resent = rows(objects[FOLDER + "resent.csv.gz"]).texts.to_pylist()
    assert sum(text in delivered for text in resent) == counts.resent_exact == 500
    assert len(set(resent)) == 550


def test_every_broken_row_is_broken_in_its_way(january: tuple[dict[str, bytes], BronzeCounts]) -> None:
    objects, counts = january
    found = rows(objects[FOLDER + "broken.csv.gz"])
    reasons = [bad.reason.split(":")[0] for bad in found.bad]
    for reason in (WRONG_COLUMN_COUNT, BAD_ENCODING, TRUNCATED_GZIP):
        assert reasons.count(reason) == counts.broken[reason]
    assert found.table.num_rows == counts.broken["unparsable number"]


def test_the_same_months_give_the_same_bytes(january: tuple[dict[str, bytes], BronzeCounts]) -> None:
    again, _ = bronze_objects([2, 1])
    assert {key: again[key] for key in january[0]} == january[0]
    assert set(again) - set(january[0]) == {"flights/period=2013-02/flights.csv.gz"}


@pytest.mark.parametrize("months", [[], [2], [1, 13]])
def test_months_that_make_no_sense_are_refused(months: list[int]) -> None:
    with pytest.raises(UsageError, match="January"):
        bronze_objects(months)
