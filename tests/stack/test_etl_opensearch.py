"""OpenSearch as a source and a sink of jobs, for real."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from etl.errors import UnsupportedError
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
