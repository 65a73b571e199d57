"""OpenSearch for Spark: a Python data source that reads an index in slices and writes documents in bulk.

It needs no JVM of Spark's; the OpenSearch connector for Java has no version for Spark 4.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import types as T
from pyspark.sql.datasource import DataSource, DataSourceReader, DataSourceWriter, InputPartition, WriterCommitMessage

from lakelet.etl.opensearch_values import fitted
from lakelet.workspace.errors import IndexingError

NAME = "lakelet_opensearch"
PAGE = 1000  # documents of one answer
BATCH_BYTES = 8 << 20
OPERATIONS = ("index", "create", "upsert")
SCHEMA = T.StructType([T.StructField("document", T.StringType())])


class OpenSearchDataSource(DataSource):
    """Documents as JSON text. Options: nodes, user, password, resource, query, slices, kinds, operation, id."""

    @classmethod
    def name(cls) -> str:
        """Its name as a format."""
        return NAME

    def schema(self) -> T.StructType:
        """One column of JSON."""
        return SCHEMA

    def reader(self, schema: T.StructType) -> DataSourceReader:
        """What reads an index."""
        return _Reader(dict(self.options))

    def writer(self, schema: T.StructType, overwrite: bool) -> DataSourceWriter:
        """What writes to an index."""
        return _Writer(dict(self.options))


@dataclass
class _Slice(InputPartition):
    number: int


class _Reader(DataSourceReader):
    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options

    def partitions(self) -> list[InputPartition]:
        return [_Slice(number) for number in range(int(self._options["slices"]))]

    def read(self, partition: InputPartition) -> Iterator[tuple[str]]:
        from opensearchpy import helpers

        slices, body = int(self._options["slices"]), json.loads(self._options["query"])
        kinds = json.loads(self._options["kinds"])
        if slices > 1:
            body["slice"] = {"id": partition.number, "max": slices}  # type: ignore[attr-defined]
        found = helpers.scan(client_of(self._options), query=body, index=self._options["resource"], size=PAGE)
        for hit in found:
            yield (json.dumps(fitted(hit["_source"], kinds.get(hit["_index"], {})), ensure_ascii=False),)


class _Writer(DataSourceWriter):
    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options

    def write(self, iterator: Iterator[Any]) -> WriterCommitMessage:
        """Send a task's rows; raises IndexingError with what OpenSearch says of the first that it refuses."""
        from opensearchpy import helpers

        sent = helpers.streaming_bulk(
            client_of(self._options),
            (self._action(json.loads(row[0])) for row in iterator),
            max_chunk_bytes=BATCH_BYTES,
            max_retries=5,
            raise_on_error=False,
        )
        for good, item in sent:
            if not good:
                [(_, answer)] = item.items()
                error = answer.get("error") or {}
                why = error.get("reason", error) if isinstance(error, dict) else error
                raise IndexingError(f"OpenSearch refused a document for {self._options['resource']}: {why}.")
        return WriterCommitMessage()

    def _action(self, document: dict[str, Any]) -> dict[str, Any]:
        operation, field = self._options["operation"], self._options.get("id")
        action: dict[str, Any] = {"_op_type": operation, "_index": self._options["resource"], "_source": document}
        if field:
            if document.get(field) is None:
                raise IndexingError(f"A row has no {field}, which is to be the document's id.")
            action["_id"] = str(document[field])
        if operation == "upsert":
            del action["_source"]
            action |= {"_op_type": "update", "doc": document, "doc_as_upsert": True}
        return action


def client_of(options: Mapping[str, str]) -> Any:
    """A client of the nodes in a data source's options."""
    from opensearchpy import OpenSearch

    headers = {}
    if options.get("user"):  # in UTF-8, as OpenSearch reads it; the client's own http_auth is in Latin-1
        who = b64encode(f"{options['user']}:{options['password']}".encode()).decode()
        headers["authorization"] = f"Basic {who}"
    return OpenSearch(options["nodes"].split(","), headers=headers, timeout=60, max_retries=5, retry_on_timeout=True)
