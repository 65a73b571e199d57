"""OpenSearch as a source and a sink of jobs, for real."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from lakelet.etl.errors import UnsupportedError
from lakelet.etl.opensearch_source import SCHEMA, OpenSearchDataSource, client_of
from lakelet.search.client import open_client
from lakelet.workspace.addresses import opensearch_address
from lakelet.workspace.errors import StackError, UsageError
from lakelet.workspace.secrets import secret
from tests.certificates import guarded
from tests.spark import kinds, lake_on_spark, values

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


def test_every_type_is_written_and_read(lake: GlueContext, client: Any) -> None:
    types = {
        "yes": "boolean", "b": "byte", "s": "short", "i": "integer", "l": "long", "u": "unsigned_long", "f": "float",
        "h": "half_float", "d": "double", "address": "ip", "place": "geo_point", "key": "keyword", "at": "date",
    }  # fmt: skip
    inner = {"x": {"type": "integer"}, "t": {"properties": {"k": {"type": "keyword"}}}}
    properties: dict[str, Any] = {name: {"type": kind} for name, kind in types.items()}
    properties |= {"day": {"type": "date", "format": "yyyy/MM/dd"}, "scaled": {"type": "scaled_float"}}
    properties["scaled"]["scaling_factor"] = 100
    properties |= {"object": {"properties": inner}, "nested": {"type": "nested", "properties": inner}}
    properties |= {f"{name}s": {"type": types[name]} for name in ("u", "f", "yes", "address", "at")}
    client.indices.create(index=INDEX, body={"mappings": {"properties": properties}})
    struct = "named_struct('x', 1, 't', named_struct('k', 'v'))"
    rows = lake.spark_session.sql(
        "select 1 n, true yes, -128Y b, -32768S s, 2147483647 i, 9007199254740993L l, 18446744073709551615BD u, "
        "0.1F f, 0.5F h, 1e300D d, '::1' address, named_struct('lat', 1.5D, 'lon', 2.5D) place, 'k' key, "
        "timestamp'2024-01-02 03:04:05.678Z' at, '2024/01/02' day, 1.25D scaled, "
        f"{struct} object, array({struct}, {struct}) nested, array(1BD, 18446744073709551615BD) us, "
        "array(0.5F, null) fs, array(true, false) yess, array('10.0.0.1', '::1') addresss, "
        "array(timestamp'2024-01-02 03:04:05.678Z') ats"
    )
    lake.write_data_frame.from_options(rows, "opensearch", {"opensearch.resource": INDEX})
    # The same, as clients may send it.
    document = (
        client.search(index=INDEX, body={"query": {"match_all": {}}}) if client.indices.refresh(index=INDEX) else {}
    )
    sent = {name: value for name, value in document["hits"]["hits"][0]["_source"].items() if name != "object"}
    sent |= {name: str(sent[name]) for name in ("b", "s", "i", "l", "u", "f", "h", "d", "scaled")}
    sent |= {"n": 2, "yes": "true", "at": 1704164645678, "object.x": "1", "object.t.k": "v"}
    client.index(index=INDEX, body=sent, refresh=True)

    frame = read(lake, opensearch__read__field__as__array__include="us,fs,yess,addresss,ats")
    assert frame.errorsCount() == 0
    found = kinds(frame)
    struct = "struct<t:struct<k:string>,x:int>"
    assert found == {
        "yes": "boolean", "b": "tinyint", "s": "smallint", "i": "int", "l": "bigint", "u": "decimal(20,0)",
        "f": "float", "h": "float", "d": "double", "address": "string", "place": "string", "key": "string",
        "at": "timestamp", "day": "timestamp", "scaled": "double", "object": struct, "nested": f"array<{struct}>",
        "us": "array<decimal(20,0)>", "fs": "array<float>", "yess": "array<boolean>", "addresss": "array<string>",
        "ats": "array<timestamp>", "n": "bigint",
    }  # fmt: skip
    assert [row.n for row in frame.toDF().orderBy("n").collect()] == [1, 2]
    one, other = (row.asDict(True) for row in frame.toDF().orderBy("n").drop("n").collect())
    assert one == other
    expected = rows.drop("n", "place", "day").first().asDict(True)
    assert {name: one[name] for name in expected} == expected
    assert one["place"] == '{"lat":1.5,"lon":2.5}' and str(one["day"]) == "2024-01-02 00:00:00"

    # One value where lists are is a list of one; what does not fit is an error record, and no other value.
    single = {"n": 3, "us": 5, "nested": {"x": 7}, "day": "2024/01/03"}
    client.index(index=INDEX, body=single, refresh=True)
    (row,) = (
        read(lake, opensearch__read__field__as__array__include="us", opensearch__query="?q=n:3")
        .toDF()
        .select("us", "nested.x", "day")
        .collect()
    )
    assert (row.us, row.x, str(row.day)) == ([5], [7], "2024-01-03 00:00:00")


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

    assert of()["nodes"] == lake.workspace.endpoint("opensearch") and "user" not in of(nodes="h")
    port = urlsplit(lake.workspace.endpoint("opensearch")).port
    for own in (of(), of(nodes=f"localhost:{port}"), of(nodes="127.0.0.1", port=str(port))):
        assert (own["user"], own["password"]) == ("lakelet", secret(lake.workspace, "opensearch"))
    assert "user" not in of(nodes=f"localhost:{port},h:1")  # another node is not to learn the password
    assert of(nodes="https://h")["nodes"] == "https://h:443" and of(nodes="h")["nodes"] == "http://h:9200"
    assert of(nodes="https://h, i:1", port="9250")["nodes"] == "https://h:9250,http://i:1"
    who = of(nodes="h", net__http__auth__user="u", net__http__auth__pass="p:")
    (connection,) = client_of(who).transport.connection_pool.connections
    assert connection.headers["authorization"] == "Basic " + b64encode(b"u:p:").decode()
    with pytest.raises(UsageError, match=r"opensearch\.port is 'x', and takes a whole number"):
        of(nodes="h", port="x")


def test_a_server_with_tls_and_a_password(
    lake: GlueContext, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with guarded(opensearch_address(lake.workspace), tmp_path, "ötto", "p:w") as door:
        given = {"opensearch.resource": INDEX, "opensearch.nodes": door}
        who = {"opensearch.net.http.auth.user": "ötto", "opensearch.net.http.auth.pass": "p:w"}
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(
            StackError, match=rf"OpenSearch at {door} does not serve {INDEX} .*certificate verify failed"
        ):
            lake.create_dynamic_frame.from_options("opensearch", given | who)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "127.0.0.1.pem"))
        for wrong in ({}, {**who, "opensearch.net.http.auth.pass": "p"}):
            with pytest.raises(StackError, match=rf"{door} does not serve {INDEX} \(401: nobody is let in like this"):
                lake.create_dynamic_frame.from_options("opensearch", given | wrong)
        # What Spark's workers run, whose environment is that of their JVM: here, where the certificate is trusted.
        told = {**lake.getSink("opensearch", **given, **who).given, "slices": "1", "query": "{}", "kinds": "{}"}
        source = OpenSearchDataSource(told)
        source.writer(SCHEMA, False).write(iter([('{"n": 1}',), ('{"n": 2}',)]))
        client.indices.refresh(index=INDEX)
        reader = source.reader(SCHEMA)
        assert sorted(row for one in reader.partitions() for row in reader.read(one)) == [('{"n": 1}',), ('{"n": 2}',)]
        assert kinds(lake.create_dynamic_frame.from_options("opensearch", given | who)) == {"n": "bigint"}


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
    with pytest.raises(UsageError, match=rf"no index {INDEX}-none\* in OpenSearch at http"):
        lake.create_dynamic_frame.from_options("opensearch", {"opensearch.resource": f"{INDEX}-none*"})
    with pytest.raises(UsageError, match=r"opensearch\.query"):
        read(lake, opensearch__query="n: 5")
    with pytest.raises(UnsupportedError, match="connectionName"):
        read(lake, connectionName="x")
