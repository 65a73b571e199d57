"""Arrow batches to bulk bodies: ids from the data, JSON that OpenSearch reads, and mappings that name every column."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from lakelet.search.ingest import bulk_bodies
from lakelet.search.templates import FLIGHTS, INDEXES
from lakelet.workspace.errors import UsageError


def documents(table: pa.Table, ids: list[str], rows: int = 1000) -> list[tuple[str, dict[str, object]]]:
    found = []
    for bulk in bulk_bodies(table.to_reader(), ids, rows):
        lines = bulk.body.decode().splitlines()
        assert len(lines) == 2 * bulk.rows and bulk.body.endswith(b"\n")
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            found.append((json.loads(action)["index"]["_id"], json.loads(document)))
    return found


def test_values_become_what_opensearch_reads() -> None:
    table = pa.table(
        {
            'a "name"': ['tab\t"quote" é 🛫\n', None],
            "number": [1.5, float("nan")],
            "money": [Decimal("1.25"), None],
            "at": pa.array([datetime(2013, 1, 1, 10), None], pa.timestamp("us", "UTC")),
            "nanos": pa.array([datetime(2013, 1, 1, 10), None], pa.timestamp("ns")),
            "Infinity": [float("inf"), 2.0],
            "flag": [True, None],
            "many": [[1, 2], []],
        }
    )
    (_, first), (_, second) = documents(table, ["at", 'a "name"'])
    assert first == {
        'a "name"': 'tab\t"quote" é 🛫\n', "number": 1.5, "money": 1.25, "at": "2013-01-01T10:00:00.000Z",
        "nanos": "2013-01-01T10:00:00.000Z", "Infinity": None, "flag": True, "many": [1, 2],
    }  # fmt: skip
    assert second["number"] is None and second["at"] is None and second["Infinity"] == 2.0


def test_ids_are_the_keys_joined_and_batches_keep_their_rows() -> None:
    table = pa.table({"origin": ["EWR", "JFK", None] * 1000, "n": range(3000)})
    found = documents(table, ["origin", "n"], rows=700)
    assert [key for key, _ in found[:3]] == ["EWR|0", "JFK|1", "|2"]
    assert [document["n"] for _, document in found] == list(range(3000))


def test_an_id_column_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="no column b"):
        documents(pa.table({"a": [1]}), ["a", "b"])


def test_no_rows_are_no_requests() -> None:
    assert documents(pa.table({"a": pa.array([], pa.int64())}), ["a"]) == []


def test_the_flights_index_maps_the_columns_of_gold() -> None:
    assert len(FLIGHTS) == 20 + 9 + 7 + 7  # silver with its month, weather, plane, names and places
    for fields, ids in INDEXES.values():
        assert set(ids) <= set(fields)
