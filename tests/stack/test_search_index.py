"""Indexing into the real OpenSearch: counts equal the source, reruns leave nothing stale, refusals change nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
from opensearchpy import OpenSearch

from lakelet.search.client import open_client
from lakelet.search.ingest import patiently, replace_index
from lakelet.search.queries import search_index
from lakelet.search.templates import INDEXES, install_templates
from lakelet.workspace.errors import IndexingError, NotFoundError, QueryError, UsageError
from tests.conftest import Stack, eventually

pytestmark = pytest.mark.stack

ALIAS = "flights-test"  # under the template of `flights`, beside the demo's own


@pytest.fixture
def client(stack: Stack) -> Iterator[OpenSearch]:
    client = open_client(stack.workspace)
    patiently(lambda: install_templates(client))
    yield client
    eventually(lambda: client.indices.delete(index=f"{ALIAS}-*"))


def flights(rows: int, carrier: str = "UA") -> pa.Table:
    return pa.table(
        {
            "flight_id": [f"F{n}" for n in range(rows)],
            "carrier": [carrier] * rows,
            "carrier_name": ["United Air Lines Inc."] * rows,
            "origin": ["JFK"] * rows,
            "dep_delay": [float(n) for n in range(rows)],
        }
    )


def count(client: OpenSearch, **query: object) -> int:
    body = {"query": {"term": query}} if query else None
    return int(client.count(index=ALIAS, body=body)["count"])


def test_a_rerun_leaves_the_same_documents_and_no_stale_ones(client: OpenSearch) -> None:
    assert replace_index(client, ALIAS, flights(5000).to_reader(), ["flight_id"]) == 5000
    assert replace_index(client, ALIAS, flights(4000, "DL").to_reader(), ["flight_id"]) == 4000
    assert (count(client), count(client, carrier="DL"), count(client, _id="F3999")) == (4000, 4000, 1)
    assert len(client.indices.get(index=f"{ALIAS}-*")) == 1


def test_mappings_are_explicit(client: OpenSearch) -> None:
    replace_index(client, ALIAS, flights(1).to_reader(), ["flight_id"])
    (index,) = client.indices.get(index=ALIAS).values()
    assert index["mappings"]["dynamic"] == "strict"
    assert set(index["mappings"]["properties"]) == set(INDEXES["flights"][0])
    assert index["settings"]["index"]["number_of_replicas"] == "0"


def test_a_refused_document_is_named_and_the_old_index_stays(client: OpenSearch) -> None:
    replace_index(client, ALIAS, flights(10).to_reader(), ["flight_id"])
    unknown = flights(20).append_column("surprise", pa.array([1] * 20))
    with pytest.raises(IndexingError, match=r"'F0'.*surprise"):
        replace_index(client, ALIAS, unknown.to_reader(), ["flight_id"])
    with pytest.raises(IndexingError, match="holds 1 documents for 20 rows"):
        replace_index(client, ALIAS, flights(20).to_reader(), ["carrier"])
    assert count(client) == 10
    replace_index(client, ALIAS, flights(30).to_reader(), ["flight_id"])
    assert len(client.indices.get(index=f"{ALIAS}-*")) == 1  # what the failed builds left is gone


def test_searching_rows(client: OpenSearch) -> None:
    replace_index(client, ALIAS, flights(50).to_reader(), ["flight_id"])
    assert search_index(client, ALIAS, "united jfk", 5).total == 50
    assert search_index(client, ALIAS, "UA -jfk", 5).total == 0
    assert search_index(client, ALIAS, 'f7 | ((" ~~', 5).total >= 0
    assert [hit["_id"] for hit in search_index(client, ALIAS, "f7", 5).hits] == ["F7"]
    with pytest.raises(NotFoundError, match="no index nowhere"):
        search_index(client, "nowhere", "x")
    with pytest.raises(UsageError, match="out of range"):
        search_index(client, ALIAS, "x", -1)
    with pytest.raises(QueryError, match="fewer words"):
        search_index(client, ALIAS, " ".join(f"a{n}*" for n in range(150)))
