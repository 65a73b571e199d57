"""MongoDB as a source and a sink of jobs: a real server that speaks its protocol."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pyarrow as pa
import pymongo
import pytest
from bson import CodecOptions, Int64, ObjectId, Regex, json_util
from pymongo import monitoring
from pyspark.sql import types as T

from lakelet.catalog.glue import Glue
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.mongodb import Collection
from lakelet.etl.mongodb_source import MongoDBDataSource
from lakelet.workspace.errors import InvalidInputException, UsageError
from tests.conftest import Stack
from tests.mongodb import MongoDB, serving
from tests.spark import kinds, lake_on_spark, values
from tests.stack.test_jobs import Jobs

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = [pytest.mark.stack, lake_on_spark]

NAME = "test_etl_mongodb"
PACKAGE = "com.mongodb.spark.sql.connector.read.partitioner."
AT = datetime.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.UTC)
IDS = [ObjectId() for _ in range(3)]
DOCUMENTS: list[dict[str, Any]] = [
    {"_id": IDS[0], "n": 1, "size": 2, "price": 1.5, "at": AT, "raw": b"\x00\x01", "who": {"name": "Ann", "age": 7},
     "tags": ["a", "b"], "mixed": [1, "x"], "odd": Regex("^x"), "none": None},
    {"_id": IDS[1], "n": "two", "size": Int64(1 << 40), "price": 2.0, "who": {"name": "Bob", "mail": None}, "tags": []},
    {"_id": IDS[2], "n": {"deep": True}, "who": None, "later": True},
]  # fmt: skip


@pytest.fixture(scope="module")
def options(mongodb: MongoDB) -> Iterator[dict[str, Any]]:
    """How the database is reached; it has the collections ``documents`` and ``numbers``."""
    with mongodb.connect() as client:
        client[NAME].documents.insert_many(DOCUMENTS)
        client[NAME].numbers.insert_many([{"_id": n, "v": n % 7 or "zero", "pad": "x" * 9000} for n in range(500)])
        client[NAME].numbers.insert_many([{"_id": f"t{n}", "v": n} for n in range(5)])
        yield {
            "connection.uri": mongodb.address, "username": "admin", "password": mongodb.password, "database": NAME,
            "collection": "documents",
        }  # fmt: skip
        client.drop_database(NAME)


def test_documents_are_read_with_the_types_they_have(lake: GlueContext, options: dict[str, Any]) -> None:
    frame = lake.create_dynamic_frame.from_options("mongodb", options)
    assert kinds(frame) == {
        "_id": "string", "n": "struct<int:int,string:string,struct:struct<deep:boolean>>", "size": "bigint",
        "price": "double", "at": "timestamp", "raw": "binary", "who": "struct<age:int,mail:void,name:string>",
        "tags": "array<string>", "mixed": "array<struct<int:int,string:string>>", "odd": "string", "none": "void",
        "later": "boolean",
    }  # fmt: skip
    first, second, third = frame.toDF().orderBy("_id").collect()
    assert [first["_id"], second["_id"], third["_id"]] == [str(one) for one in IDS]
    assert first["at"] == AT.astimezone().replace(tzinfo=None) and bytes(first["raw"]) == b"\x00\x01"
    assert tuple(first["who"]) == (7, None, "Ann") and [tuple(one) for one in first["mixed"]] == [
        (1, None),
        (None, "x"),
    ]
    assert first["odd"] == '{"$regularExpression": {"pattern": "^x", "options": ""}}'
    assert second["size"] == 1 << 40 and second["tags"] == [] and third["who"] is None
    assert values(frame.resolveChoice(specs=[("n", "cast:int")]), "n") == [1, None, None]


@pytest.mark.parametrize(
    ("how", "parts"),
    [
        ({"partitionerOptions.partitionSizeMB": "1"}, 5),
        ({"partitioner": f"{PACKAGE}PaginateIntoPartitionsPartitioner", "partitionerOptions.numberOfPartitions": 3}, 3),
        ({"partitioner": "MongoPaginateByCountPartitioner", "partitionerOptions.numberOfPartitions": 2,
          "partitionerOptions.partitionKey": "v"}, 2),
        ({"partitioner": f"{PACKAGE}SinglePartitionPartitioner", "batchSize": "7"}, 1),
    ],
)  # fmt: skip
def test_a_read_in_parts_has_every_document_once(
    lake: GlueContext, options: dict[str, Any], how: dict[str, Any], parts: int
) -> None:
    frame = lake.create_dynamic_frame.from_options("mongodb", {**options, **how, "collection": "numbers"})
    assert frame.getNumPartitions() == parts
    found = values(frame, "_id")
    assert len(found) == 505 == len({tuple(one) for one in found})
    assert frame.toDF().selectExpr("spark_partition_id()").distinct().count() == parts


def test_documents_are_written_replaced_and_changed(
    lake: GlueContext, options: dict[str, Any], mongodb: MongoDB
) -> None:
    sql, out = lake.spark_session.sql, {**options, "collection": "out", "maxBatchSize": "50"}
    rows = sql(
        "select cast(id as int) _id, id n, timestamp'2024-01-02 03:04:05.678Z' at, date'2024-01-02' day, "
        f"named_struct('oid', '{IDS[0]}') other, array(named_struct('x', 1.5D)) list, map('a', 1) map from range(120)"
    )
    for _ in range(2):  # the second time nothing is new
        lake.write_data_frame.from_options(rows, "mongodb", out)
    lake.write_data_frame.from_options(sql("select 3 _id, 'x' more"), "documentdb", {**out, "replaceDocument": "false"})
    lake.write_data_frame.from_options(sql("select 4 _id, 'x' more"), "mongodb", {**out, "retryWrites": "false"})
    with mongodb.connect() as client:
        found = client.get_database(NAME, codec_options=CodecOptions(tz_aware=True)).out
        assert found.count_documents({}) == 120
        assert found.find_one({"_id": 3}) == {
            "_id": 3, "n": 3, "at": AT, "day": AT.replace(hour=0, minute=0, second=0, microsecond=0), "other": IDS[0],
            "list": [{"x": 1.5}], "map": {"a": 1}, "more": "x",
        }  # fmt: skip
        assert found.find_one({"_id": 4}) == {"_id": 4, "more": "x"}
        frame = lake.create_dynamic_frame.from_options("mongodb", {**options, "collection": "out"})
        lake.write_dynamic_frame.from_options(frame.drop_fields(["_id"]), "mongodb", {**out, "collection": "copy"})
        assert client[NAME].copy.count_documents({"n": {"$gt": 60}}) == 59
        assert all(isinstance(one["_id"], ObjectId) for one in client[NAME].copy.find().limit(3))


class Commands(monitoring.CommandListener):
    """What PyMongo has sent in this process: (name of the command, the command)."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.clients: list[Any] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.sent.append((event.command_name, dict(event.command)))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Not looked at."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Not looked at."""

    def of(self, name: str) -> list[dict[str, Any]]:
        return [command for one, command in self.sent if one == name]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """The commands of Spark's tasks, which these tests run in their own process."""
    watching, client = Commands(), pymongo.MongoClient

    def watched(*args: Any, **given: Any) -> Any:
        watching.clients.append(client(*args, event_listeners=[watching], **given))
        return watching.clients[-1]

    monkeypatch.setattr("pymongo.MongoClient", watched)
    return watching


def test_batches_are_as_large_as_is_said(lake: GlueContext, options: dict[str, Any], commands: Commands) -> None:
    where = {**options, "collection": "numbers"}
    collection = Collection.of(lake.workspace, where)
    schema = T.StructType([T.StructField("_id", T.LongType())])
    told = {**collection.given, "parts": json_util.dumps([{"_id": {"$lt": 60}}]), "types": "true"}
    for batch, first in (({"batch": "7"}, 7), ({}, None)):
        reader = MongoDBDataSource({**told, **batch}).reader(schema)
        assert sum(len(one) for one in reader.read(reader.partitions()[0])) == 1
        assert commands.of("find")[-1].get("batchSize") == first
        assert {one["batchSize"] for one in commands.of("getMore")} == {7}

    for retry, retries in (("true", True), ("false", False), (True, True)):
        commands.sent.clear()
        sink = lake.getSink("mongodb", **{**options, "collection": "batches", "maxBatchSize": 20, "retryWrites": retry})
        sent = pa.RecordBatch.from_pylist([{"n": n} for n in range(50)])
        writer: Any = MongoDBDataSource(dict(sink.given)).writer(
            T.StructType([T.StructField("n", T.LongType())]), False
        )
        writer.write(iter([sent]))
        assert [len(one["documents"]) for one in commands.of("insert")] == [20, 20, 10]
        assert commands.clients[-1].options.retry_writes is retries


def test_a_server_with_tls(lake: GlueContext, mongodb: MongoDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakelet.catalog.connections.mongodb.CONNECT_SECONDS", 2)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)

    def at(host: str, **more: str) -> dict[str, Any]:
        where = {"connection.uri": f"mongodb://{host}:{mongodb.tls_port}", "username": "admin", "ssl": "true"}
        return where | {"password": mongodb.password, "database": NAME, "collection": "tls"} | more

    def ping(where: dict[str, Any]) -> None:
        Collection.of(lake.workspace, where).ping()

    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(InvalidInputException, match="certificate verify failed"):
        ping(at("127.0.0.1"))
    monkeypatch.setenv("SSL_CERT_FILE", str(mongodb.certificate))  # of the authority that is trusted
    with pytest.raises(InvalidInputException, match="Hostname mismatch"):
        ping(at("localhost"))
    ping(at("localhost", **{"ssl.domain_match": "false"}))
    # What Spark's workers run, whose environment is that of their JVM.
    schema = T.StructType([T.StructField("_id", T.LongType())])
    writer: Any = MongoDBDataSource(dict(lake.getSink("mongodb", **at("127.0.0.1")).given)).writer(schema, False)
    writer.write(iter([pa.RecordBatch.from_pylist([{"_id": n} for n in range(3)])]))
    told = {**Collection.of(lake.workspace, at("127.0.0.1")).given, "parts": "[{}]", "types": "true"}
    reader = MongoDBDataSource(told).reader(schema)
    assert sum(len(one) for one in reader.read(reader.partitions()[0])) == 1  # the type of them all
    with mongodb.connect() as client:
        assert client[NAME].tls.count_documents({}) == 3


def test_a_replica_set(lake: GlueContext) -> None:
    with serving("--repl-set-name=rs0") as server:
        where = {
            "connection.uri": f"{server.address}/?replicaSet=rs0", "username": "admin", "password": server.password,
            "database": NAME, "collection": "set",
        }  # fmt: skip
        rows = lake.spark_session.sql("select id _id, date'2024-01-02' day from range(3)")
        lake.write_data_frame.from_options(rows, "mongodb", where)  # with retryWrites
        found = lake.create_dynamic_frame.from_options("mongodb", where)
        assert kinds(found) == {"_id": "bigint", "day": "timestamp"}
        assert sorted(values(found, "_id", "day"))[2] == (2, datetime.datetime(2024, 1, 2))


def test_parts_are_taken_along_the_key_that_is_said(lake: GlueContext, options: dict[str, Any]) -> None:
    how = {"partitioner": "PaginateIntoPartitionsPartitioner", "partitionerOptions.numberOfPartitions": 4}
    collection = Collection.of(lake.workspace, {**options, "collection": "numbers"})
    by_v = collection.parts({**how, "partitionerOptions.partitionKey": "v"})
    assert by_v[0] == {"v": {"$lt": by_v[0]["v"]["$lt"]}} and 0 < by_v[0]["v"]["$lt"] < 7
    assert list(collection.parts(how)[0]) == ["_id"] and len(collection.parts(how)) == 4


def test_a_struct_of_an_oid_is_one_or_an_object(lake: GlueContext, options: dict[str, Any], mongodb: MongoDB) -> None:
    rows = lake.spark_session.sql(f"select 1 _id, named_struct('oid', '{IDS[0]}') other")
    for extended, expected in (("true", IDS[0]), ("false", {"oid": str(IDS[0])})):
        where = {**options, "collection": "extended", "extendedBsonTypes": extended}
        lake.write_data_frame.from_options(rows, "mongodb", where)
        with mongodb.connect() as client:
            assert client[NAME].extended.find_one() == {"_id": 1, "other": expected}


def test_a_connection_and_a_table_of_the_catalog(lake: GlueContext, options: dict[str, Any], mongodb: MongoDB) -> None:
    glue = Glue(lake.workspace)
    properties = {"CONNECTION_URL": mongodb.address, "USERNAME": "admin", "PASSWORD": mongodb.password}
    connection = {"Name": NAME, "ConnectionType": "MONGODB", "ConnectionProperties": properties}
    glue.call("CreateConnection", ConnectionInput=connection)
    glue.call("CreateDatabase", DatabaseInput={"Name": NAME})
    try:
        table = {
            "Name": "t", "Parameters": {"classification": "mongodb", "connectionName": NAME},
            "StorageDescriptor": {"Columns": [{"Name": "v", "Type": "int"}], "Location": f"{NAME}.few"},
        }  # fmt: skip
        glue.call("CreateTable", DatabaseName=NAME, TableInput=table)
        rows = DynamicFrame.fromDF(lake.spark_session.sql("select id v from range(4)"), lake, "rows")
        lake.write_dynamic_frame.from_catalog(rows, database=NAME, table_name="t")
        assert sorted(values(lake.create_dynamic_frame.from_catalog(NAME, "t"), "v")) == [0, 1, 2, 3]
        others = {"collection": "numbers"}
        assert lake.create_dynamic_frame.from_catalog(NAME, "t", additional_options=others).count() == 505
        source = lake.getSource("mongodb", connectionName=NAME, database=NAME, collection="few")
        assert source.getFrame().count() == 4
        with pytest.raises(UsageError, match="of the type MONGODB, and JDBC is wanted"):
            lake.extract_jdbc_conf(NAME)
    finally:
        glue.call("DeleteDatabase", Name=NAME)
        glue.call("DeleteConnection", ConnectionName=NAME)


JOB = f"""
from awsglue.context import GlueContext
from pyspark.context import SparkContext

glue = GlueContext(SparkContext.getOrCreate())
where = {{"connectionName": "{NAME}_job", "database": "{NAME}"}}
frame = glue.create_dynamic_frame.from_options("mongodb", {{**where, "collection": "documents"}})
frame.toDF().select("who").explain(True)
known = frame.select_fields(["price", "who.name"])
glue.write_dynamic_frame.from_options(known, "mongodb", {{**where, "collection": "by_job"}})
glue.create_dynamic_frame.from_options("mongodb", {{**where, "collection": "nowhere"}})
"""


def test_a_job_on_the_cluster_keeps_the_password_to_itself(
    lake: GlueContext, stack: Stack, options: dict[str, Any], mongodb: MongoDB
) -> None:
    glue, jobs = Glue(stack.workspace), Jobs(stack.workspace)
    properties = {"CONNECTION_URL": mongodb.address, "USERNAME": "admin", "PASSWORD": mongodb.password}
    connection = {"Name": f"{NAME}_job", "ConnectionType": "MONGODB", "ConnectionProperties": properties}
    glue.call("CreateConnection", ConnectionInput=connection)
    try:
        run = jobs.run(JOB, "glueetl", DefaultArguments={"--engine": "auto"})
    finally:
        glue.call("DeleteConnection", ConnectionName=f"{NAME}_job")
    assert run["JobRunState"] == "FAILED" and f"There is no collection {NAME}.nowhere in MongoDB" in run["ErrorMessage"]
    with mongodb.connect() as client:
        written = list(client[options["database"]].by_job.find({}, {"_id": 0}))
    assert sorted(str(one["price"]) for one in written) == ["1.5", "2.0", "None"]
    said = [path.read_bytes() for path in stack.workspace.runs.glob(f"{run['Id']}/*") if path.is_file()]
    said += [path.read_bytes() for path in (stack.workspace.state / "spark").rglob("*") if path.is_file()]
    forms = [
        form.encode() for form in (mongodb.password, quote_plus(mongodb.password), json.dumps(mongodb.password)[1:-1])
    ]
    assert len(said) > 3 and any(b"lakelet_mongodb" in one for one in said)
    assert not [form for form in forms for one in said if form in one]


def test_what_cannot_be_is_said_in_a_sentence(
    lake: GlueContext,
    options: dict[str, Any],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, sql = lake.create_dynamic_frame.from_options, lake.spark_session.sql
    with pytest.raises(InvalidInputException, match=rf"{NAME}\.documents cannot be read: MongoDB at .*Authentication"):
        read("mongodb", {**options, "password": "wrong"})
    with pytest.raises(InvalidInputException, match="Authentication failed"):
        lake.getSink("mongodb", **{**options, "password": "wrong"}).write_rows(sql("select 1 a"))
    with monkeypatch.context() as patch:
        patch.setattr("lakelet.catalog.connections.mongodb.CONNECT_SECONDS", 1)  # it is tried again so long
        with pytest.raises(InvalidInputException, match=r"MongoDB at 127\.0\.0\.1:1 says: .*refused\.$"):
            read("documentdb", {**options, "connection.uri": "mongodb://127.0.0.1:1"})
    with pytest.raises(UsageError, match=rf"no collection {NAME}\.nowhere"):
        read("mongodb", {**options, "collection": "nowhere"})
    with pytest.raises(Exception, match="A row has no _id"):
        lake.getSink("mongodb", **options).write_rows(sql("select cast(null as int) _id"))
    with pytest.raises(UsageError, match="hold values of several types"):
        lake.write_dynamic_frame.from_options(read("mongodb", options), "mongodb", {**options, "collection": "copy"})
    with pytest.raises(UsageError, match=r"No document can hold a \(interval"):
        lake.getSink("mongodb", **options).write_rows(sql("select interval 1 day a"))
    with pytest.raises(UnsupportedError, match="takes no format"):
        lake.write_data_frame.from_options(sql("select 1 a"), "mongodb", options, format="json")
    assert str(options["password"]) not in "".join(capfd.readouterr())
