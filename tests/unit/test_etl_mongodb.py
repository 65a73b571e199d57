"""Options of MongoDB, and its addresses: what is understood, and what is refused, before anybody is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakelet.catalog.connections.mongodb import Address
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.mongodb import Collection, MongoDBSink, read_mongodb
from lakelet.workspace.errors import InvalidInputException, UsageError
from lakelet.workspace.paths import Workspace

WHERE = {"connection.uri": "mongodb://h:1", "database": "d", "collection": "c"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, tmp_path / ".lakelet")


@pytest.mark.parametrize(
    ("url", "given", "shown", "who"),
    [
        ("mongodb://h:1/d", ("u", "p"), "mongodb://h:1/d", ("u", "p")),
        ("mongodb://a%40b:p%3A%2F@h:1,i:2/?replicaSet=r&TLS=true", (), "mongodb://h:1,i:2/?replicaSet=r&tls=true",
         ("a@b", "p:/")),
        ("mongodb+srv://x:y@h.example/d", ("u", "p"), "mongodb+srv://h.example/d", ("u", "p")),
        ("mongodb://[::1]:5", (), "mongodb://[::1]:5/", ("", "")),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_who_connects(url: str, given: Any, shown: str, who: tuple[str, str]) -> None:
    address = Address.of_url(url, *given)
    assert address.url == shown and (address.user, address.password) == who
    assert not who[1] or f"{who[1]!r}" not in repr(address)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "cannot be read"),
        ("h:27017", "cannot be read"),
        ("http://h", "cannot be read"),
        ("mongodb:///d", "cannot be read"),
        ("mongodb://[h", "cannot be read"),
        ("mongodb://h:x,i:1", "cannot be read"),
        ("mongodb://h/?tlsCAFile=/etc/passwd", "without tlsCAFile"),
        ("mongodb://h/?authMechanism=MONGODB-AWS", "MONGODB-AWS is not served"),
    ],
)
def test_what_is_no_address_is_refused(url: str, said: str) -> None:
    with pytest.raises(InvalidInputException, match=said):
        Address.of_url(url)


def test_tls_and_the_database_of_the_address(workspace: Workspace) -> None:
    options = {"uri": "mongodb://h/shop", "collection": "c", "ssl": "true", "ssl.domain_match": False}
    found = Collection.of(workspace, options)
    assert str(found) == "shop.c" and found.client == {"tls": True, "tlsAllowInvalidHostnames": True}
    assert Collection.of(workspace, {**options, "ssl": "false"}).client == {}
    assert str(Collection.of(workspace, {**options, "database": "d"})) == "d.c"


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"connection.uri": ""}, UsageError, "connectionName, or connection.uri"),
        ({"collection": ""}, UsageError, "database and collection"),
        ({"database": None}, UsageError, "database and collection"),
        ({"ssl": "maybe"}, UsageError, "ssl is 'maybe'"),
        ({"partitioner": "ShardedPartitioner"}, UnsupportedError, "ShardedPartitioner"),
        ({"partitionerOptions.partitionSizeMB": "0"}, UsageError, "partitionSizeMB is '0'"),
        ({"batchSize": "many"}, UsageError, "batchSize is 'many'"),
        ({"pipeline": "[]"}, UnsupportedError, "pipeline"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    workspace: Workspace, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    context: Any = type("Context", (), {"workspace": workspace})()
    with pytest.raises(error, match=said):
        read_mongodb(context, "mongodb", {**WHERE, **changes})


def test_how_documents_are_written(workspace: Workspace) -> None:
    context: Any = type("Context", (), {"workspace": workspace})()
    plain = MongoDBSink.of_options(context, "mongodb", WHERE).given
    assert (plain["replace"], plain["extended"], plain["batch"], plain["client"]) == ("true", "true", "512", "{}")
    options = {
        **WHERE,
        "replaceDocument": "false",
        "retryWrites": "false",
        "maxBatchSize": 7,
        "extendedBsonTypes": False,
    }
    told = MongoDBSink.of_options(context, "documentdb", options).given
    assert (told["replace"], told["extended"], told["batch"]) == ("false", "false", "7")
    assert told["client"] == '{"retryWrites": false}'
    for changes, said in (({"maxBatchSize": 0}, "maxBatchSize"), ({"replaceDocument": 1}, "replaceDocument")):
        with pytest.raises(UsageError, match=said):
            MongoDBSink.of_options(context, "mongodb", {**WHERE, **changes})
    with pytest.raises(UnsupportedError, match="partitioner"):
        MongoDBSink.of_options(context, "mongodb", {**WHERE, "partitioner": "SinglePartitionPartitioner"})
