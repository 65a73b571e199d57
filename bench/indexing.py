"""Indexing: Lakelet's ingest ÷ the best direct bulk loop of opensearch-py, on the same rows, in one run.

    python -m bench.indexing [--rows N] [--rounds N]

Needs a running stack. Both sides take the same Arrow table in memory, make the same ids, send to an index of the same
mapping with refresh off, refresh, and count. The direct loops are the ones a careful user would write:

- ``parallel_bulk``: opensearch-py's own helper over Python dicts, two threads;
- ``ndjson``: bodies serialised by hand with ``json`` from column lists, two threads, only ``errors`` read back.

Sides alternate, after one round unmeasured (a JVM that just started compiles first); the best round of each counts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from opensearchpy import OpenSearch, helpers

from lakelet.search.client import open_client
from lakelet.search.ingest import SENDERS, index_table
from lakelet.search.templates import FLIGHTS, install_templates
from lakelet.workspace.paths import Workspace

INDEX = "flights-bench"
CHUNK = 4000


def flights(rows: int) -> pa.Table:
    """Rows as wide and as varied as gold.flights, repeatable; the values do not matter, their number and size do."""
    columns: dict[str, pa.Array] = {"flight_id": pa.array([f"20130101T{n:06d}-UA-{n % 8000}-EWR" for n in range(rows)])}
    for place, (name, field) in enumerate(FLIGHTS.items()):
        if name == "flight_id":
            continue
        kind, step = field["type"], 7 + place
        if kind == "integer":
            columns[name] = pa.array([(n * step) % 2400 for n in range(rows)], pa.int32())
        elif kind == "double":
            columns[name] = pa.array([None if n % 40 == 0 else ((n * step) % 9000) / 10 for n in range(rows)])
        elif kind == "date":
            columns[name] = pa.array(
                [1_357_034_400_000 + (n // 40) * 3_600_000 for n in range(rows)], pa.timestamp("ms")
            )
        elif kind == "text":
            columns[name] = pa.array([f"Name of {name} number {n % 100}" for n in range(rows)])
        else:
            columns[name] = pa.array([f"{name[:2].upper()}{(n * step) % 3000}" for n in range(rows)])
    return pa.table(columns)


def lakelet(client: OpenSearch, table: pa.Table) -> None:
    """What the job does."""
    index_table(client, INDEX, table.to_reader(), ["flight_id"])


def parallel_bulk(client: OpenSearch, table: pa.Table) -> None:
    """opensearch-py's helper."""
    actions = (
        {"_index": INDEX, "_id": row["flight_id"], "_source": row} for batch in _chunks(table) for row in _rows(batch)
    )
    for ok, answer in helpers.parallel_bulk(client, actions, thread_count=SENDERS, chunk_size=CHUNK):
        assert ok, answer
    client.indices.refresh(index=INDEX)


def ndjson(client: OpenSearch, table: pa.Table) -> None:
    """The same by hand, without the helper's work per document."""

    def send(batch: pa.Table) -> None:
        lines: list[str] = []
        for row in _rows(batch):
            lines += (f'{{"index":{{"_id":"{row["flight_id"]}"}}}}', json.dumps(row, separators=(",", ":")))
        answer = client.bulk(body="\n".join(lines) + "\n", index=INDEX, params={"filter_path": "errors"})
        assert not answer["errors"]

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, _chunks(table)))
    client.indices.refresh(index=INDEX)


def _chunks(table: pa.Table) -> Iterator[pa.Table]:
    return (table.slice(start, CHUNK) for start in range(0, len(table), CHUNK))


def _rows(batch: pa.Table) -> Iterator[dict[str, object]]:
    for row in batch.to_pylist():
        row["time_hour"] = row["time_hour"].strftime("%Y-%m-%dT%H:%M:%S.000Z")
        yield row


def measure(client: OpenSearch, side: Callable[[OpenSearch, pa.Table], None], table: pa.Table) -> float:
    """Seconds from the first byte to a count that is right, into a fresh index."""
    client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})
    client.indices.create(index=INDEX, body={"settings": {"refresh_interval": "-1"}})
    began = time.perf_counter()
    side(client, table)
    count = client.count(index=INDEX)["count"]
    seconds = time.perf_counter() - began
    assert count == len(table), f"{side.__name__}: {count} documents for {len(table)} rows"
    return seconds


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=336_776)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    client = open_client(Workspace.find(), timeout=120)
    install_templates(client)
    table = flights(options.rows)
    sides = (lakelet, parallel_bulk, ndjson)
    best = {side.__name__: float("inf") for side in sides}
    try:
        measure(client, lakelet, table)
        for _ in range(options.rounds):
            for side in sides:
                best[side.__name__] = min(best[side.__name__], measure(client, side, table))
    finally:
        client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})
    direct = min(best["parallel_bulk"], best["ndjson"])
    print(f"| {options.rows:,} rows | seconds | rows/s |\n|---|---:|---:|")
    for name, seconds in best.items():
        print(f"| {name} | {seconds:.1f} | {options.rows / seconds:,.0f} |")
    print(f"| **throughput ÷ the best direct loop** (≥ 0.9) | | **{direct / best['lakelet']:.2f}** |")


if __name__ == "__main__":
    main()
