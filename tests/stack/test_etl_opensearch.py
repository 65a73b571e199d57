"""OpenSearch as a source and a sink of jobs, for real."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from etl.errors import UnsupportedError
from etl.opensearch_source import client_of
from search.client import open_client
from tests.spark import kinds, lake_on_spark, values
from workspace.errors import UsageError

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = [pytest.mark.stack, lake_on_spark]

INDEX = "test-etl-opensearch"


@pytest.fixture
def client(lake: GlueContext) -> Iterator[Any]:
    client = open_client(lake.workspace)
    client.indices.delete(index=f"{INDEX}*", ignore_unavailable=True)
    yield client
    client.indices.delete(index=f"{INDEX}*", ignore_unavailable=True)


def read(lake: GlueContext, **options: Any) -> Any:
    given = {"opensearch.resource": INDEX, **{name.replace("__", "."): value for name, value in options.items()}}
    return lake.create_dynamic_frame.from_options("opensearch", given)


def test_documents_are_written_and_read(lake: GlueContext, client: Any) -> None:
    rows = lake.spark_session.sql(
        "select id, concat('n', id) name, id / 4 part, timestamp'2024-01-02 03:04:05Z' at, array(id) list "
        "from range(100)"
    )
    properties = {"at": {"type": "date"}, "name": {"type": "keyword"}, "part": {"type": "double"}}
    settings = {"number_of_shards": 2, "number_of_replicas": 0}
    client.indices.create(index=INDEX, body={"settings": settings, "mappings": {"properties": properties}})
    options = {"opensearch.resource": INDEX, "opensearch.mapping.id": "id"}
    for operation in ("index", "upsert"):  # the second time nothing is new
        lake.write_data_frame.from_options(rows, "opensearch", {**options, "opensearch.write.operation": operation})
    client.indices.refresh(index=INDEX)
    frame = read(lake, opensearch__read__field__as__array__include="list")
    assert kinds(frame) == {
        "id": "bigint", "name": "string", "part": "double", "at": "timestamp", "list": "array<bigint>",
    }  # fmt: skip
    assert frame.getNumPartitions() == 2 and frame.errorsCount() == 0
    assert sorted(values(frame, "id", "part"))[-1] == (99, 24.75)
    assert str(frame.toDF().where("id = 7").select("list", "at").first()).startswith(
        "Row(list=[7], at=datetime.datetime(2024"
    )
    chosen = '{"query": {"range": {"id": {"gte": 95}}}}'
    assert sorted(
        values(read(lake, opensearch__query=chosen, opensearch__read__field__as__array__include="list"), "id")
    ) == [*range(95, 100)]
    assert read(lake, opensearch__query="?q=name:n5").errorsCount() == 1  # an array where no array was announced


def test_dates_are_read_as_their_mapping_has_them(lake: GlueContext, client: Any) -> None:
    properties = {
        "at": {"type": "date"}, "second": {"type": "date", "format": "epoch_second||strict_date"},
        "all": {"type": "date"}, "in": {"properties": {"at": {"type": "date"}}}, "n": {"type": "long"},
    }  # fmt: skip
    client.indices.create(index=INDEX, body={"mappings": {"properties": properties}})
    moment, text = 1704164645678, "2024-01-02T03:04:05.678Z"
    given: list[tuple[Any, Any]] = [
        (moment, moment // 1000), (str(moment), str(moment // 1000)), (text, "2024-01-02"), (None, None),
    ]  # fmt: skip
    for n, (at, second) in enumerate(given):
        document = {"n": n, "at": at, "second": second, "in": {"at": at}, "all": [at, text]}
        client.index(index=INDEX, id=str(n), body=document, refresh=True)
    frame = read(lake, opensearch__read__field__as__array__include="all")
    assert frame.errorsCount() == 0
    rows = (
        frame.toDF()
        .orderBy("n")
        .selectExpr(
            "unix_millis(at)", "unix_seconds(second)", "unix_millis(in.at)", "transform(all, t -> unix_millis(t))"
        )
    )
    day = 1704153600
    assert [tuple(row) for row in rows.collect()] == [
        (moment, moment // 1000, moment, [moment, moment]), (moment, moment // 1000, moment, [moment, moment]),
        (moment, day, moment, [moment, moment]), (None, None, None, [None, moment]),
    ]  # fmt: skip
    client.index(index=INDEX, id="far", body={"n": 9, "at": 1 << 60}, refresh=True)
    frame = read(lake, opensearch__read__field__as__array__include="all")
    assert frame.errorsCount() == 1 and frame.count() == 4


def test_an_alias_a_pattern_and_a_query_by_uri(lake: GlueContext, client: Any) -> None:
    for name, kind in (("a", "long"), ("b", "long"), ("odd", "keyword")):
        body = {"mappings": {"properties": {"n": {"type": kind}, "t": {"type": "text"}}}}
        client.indices.create(index=f"{INDEX}-{name}", body=body)
    for n, (index, text) in enumerate((("a", "red fox"), ("a", "red hen"), ("b", "old fox"))):
        client.index(index=f"{INDEX}-{index}", body={"n": n, "t": text}, refresh=True)
    client.indices.put_alias(index=f"{INDEX}-a", name=f"{INDEX}-alias")

    def found(resource: str, query: str = "") -> list[int]:
        given = {"opensearch.resource": f"{INDEX}-{resource}", "opensearch.query": query}
        return sorted(values(lake.create_dynamic_frame.from_options("opensearch", given), "n"))

    assert found("alias") == [0, 1]
    assert found(f"a,{INDEX}-b") == [0, 1, 2]
    assert found(f"a,{INDEX}-b", '{"match": {"t": "fox"}}') == [0, 2]
    assert found("a", "?q=t:red%20AND%20t:fox") == [0]
    assert found("a", "?q=red+fox&default_operator=AND&df=t") == [0]
    assert found("a", "?q=red+fox&df=t") == [0, 1]
    with pytest.raises(UnsupportedError, match=r"opensearch\.query does not support size: use q"):
        found("a", "?q=red&size=1")
    with pytest.raises(UsageError, match=r"opensearch\.query has no q"):
        found("a", "?df=t")
    with pytest.raises(UsageError, match=f"field n is of another type in {INDEX}-(a|b|odd) than"):
        found("*")


def test_what_is_there_is_not_created_again(lake: GlueContext, client: Any) -> None:
    given = {"opensearch.resource": INDEX, "opensearch.mapping.id": "n", "opensearch.write.operation": "create"}
    rows = lake.spark_session.sql("select 1 n, 'x' t")
    lake.write_data_frame.from_options(rows, "opensearch", given)
    with pytest.raises(Exception, match=r"OpenSearch refused a document for .*already exists"):
        lake.write_data_frame.from_options(rows, "opensearch", given)
    part = lake.spark_session.sql("select 1 n, 'y' more")
    for operation, expected in (("upsert", {"n": 1, "t": "x", "more": "y"}), ("index", {"n": 1, "more": "y"})):
        lake.write_data_frame.from_options(part, "opensearch", {**given, "opensearch.write.operation": operation})
        assert client.get(index=INDEX, id="1")["_source"] == expected
    for operation in ("update", "delete"):
        with pytest.raises(UsageError, match=f"write.operation is {operation}: use index, create, upsert"):
            lake.getSink("opensearch", **{**given, "opensearch.write.operation": operation})
    with pytest.raises(Exception, match="A row has no n, which is to be the document's id"):
        sink = lake.getSink("opensearch", **given)
        sink.write_rows(lake.spark_session.sql("select cast(null as int) n"))


def test_where_and_who(lake: GlueContext) -> None:
    def of(**options: str) -> Any:
        told = {f"opensearch.{name.replace('__', '.')}": value for name, value in options.items()}
        return lake.getSink("opensearch", **{"opensearch.resource": "i", **told}).given

    assert of()["nodes"] == lake.workspace.endpoint("opensearch") and "user" not in of()
    assert of(nodes="https://h")["nodes"] == "https://h:443" and of(nodes="h")["nodes"] == "http://h:9200"
    assert of(nodes="https://h, i:1", port="9250")["nodes"] == "https://h:9250,http://i:1"
    who = of(nodes="h", net__http__auth__user="u", net__http__auth__pass="p:")
    (connection,) = client_of(who).transport.connection_pool.connections
    assert connection.headers["authorization"] == "Basic " + b64encode(b"u:p:").decode()
    with pytest.raises(UsageError, match=r"opensearch\.port is 'x', and takes a whole number"):
        of(nodes="h", port="x")


def test_what_is_refused_fails_the_job_and_says_why(lake: GlueContext, client: Any) -> None:
    client.indices.create(index=INDEX, body={"mappings": {"properties": {"n": {"type": "integer"}}}})
    sink = lake.getSink("opensearch", **{"opensearch.resource": INDEX})
    with pytest.raises(Exception, match=r"OpenSearch refused a document.*failed to parse"):
        sink.write_rows(lake.spark_session.sql("select 'x' n"))
    with pytest.raises(UsageError, match="no column"):
        lake.getSink("opensearch", **{"opensearch.resource": INDEX, "opensearch.mapping.id": "id"}).write_rows(
            lake.spark_session.sql("select 1 n")
        )
    with pytest.raises(UsageError, match=f"no index {INDEX}-none"):
        lake.create_dynamic_frame.from_options("opensearch", {"opensearch.resource": f"{INDEX}-none"})
    with pytest.raises(UsageError, match=r"opensearch\.query"):
        read(lake, opensearch__query="n: 5")
    with pytest.raises(UnsupportedError, match="connectionName"):
        read(lake, connectionName="x")
