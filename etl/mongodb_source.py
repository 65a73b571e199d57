"""MongoDB for Spark: a Python data source that finds a collection's types, reads it in parts and writes to it in bulk.

Why not MongoDB's own connector: docs/adr/0021-mongodb-by-pymongo.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pyspark.sql import types as T
from pyspark.sql.datasource import DataSource, DataSourceArrowWriter, DataSourceReader, InputPartition

from lakelet.catalog.connections.mongodb import Address, connected
from lakelet.etl.errors import MongoDBError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.datasource import WriterCommitMessage

NAME = "lakelet_mongodb"
ROWS = 1000  # of an Arrow batch
SHAPE = T.StructType([T.StructField("shape", T.StringType())])


class MongoDBDataSource(DataSource):
    """A collection's documents by a schema that is given; without one, the types that its parts have, as JSON.

    Options: ``url``, ``user``, ``password``, ``client`` (JSON of PyMongo's options), ``database``, ``collection``;
    reading: ``parts`` (extended JSON, a filter for each), ``types``, ``batch``; writing: ``replace``, ``extended``,
    ``batch``.
    """

    @classmethod
    def name(cls) -> str:
        """Its name as a format."""
        return NAME

    def schema(self) -> T.StructType:
        """What is read without a schema: types."""
        return SHAPE

    def reader(self, schema: T.StructType) -> DataSourceReader:
        """What reads a collection."""
        return _Reader(dict(self.options), schema)

    def writer(self, schema: T.StructType, overwrite: bool) -> DataSourceArrowWriter:
        """What writes to a collection."""
        return _Writer(dict(self.options), schema)


@dataclass
class _Part(InputPartition):
    number: int


class _Reader(DataSourceReader):
    def __init__(self, options: Mapping[str, str], schema: T.StructType) -> None:
        self._options, self._schema = options, schema

    def partitions(self) -> list[InputPartition]:
        return [_Part(number) for number in range(len(json.loads(self._options["parts"])))]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        from bson import json_util

        from lakelet.etl.bson_types import CODEC, kind_of_all

        [*parts] = json_util.loads(self._options["parts"])
        batch = {"batch_size": int(self._options["batch"])} if self._options.get("batch") else {}
        with _opened(self._options) as client:
            database = client[self._options["database"]]
            collection = database.get_collection(self._options["collection"], codec_options=CODEC)
            found = collection.find(parts[partition.number], **batch)  # type: ignore[attr-defined]
            if self._options.get("types"):
                yield _types(kind_of_all(found))
            else:
                yield from _batches(found, self._schema)


class _Writer(DataSourceArrowWriter):
    def __init__(self, options: Mapping[str, str], schema: T.StructType) -> None:
        self._options, self._schema = options, schema

    def write(self, iterator: Iterator[pa.RecordBatch]) -> WriterCommitMessage:
        """Send a task's rows; raises InvalidInputException with what MongoDB says of the first that it refuses."""
        from pyspark.sql.datasource import WriterCommitMessage

        with _opened(self._options) as client:
            collection = client[self._options["database"]][self._options["collection"]]
            requests = (self._request(row) for batch in iterator for row in batch.to_pylist())
            while some := list(islice(requests, int(self._options["batch"]))):
                collection.bulk_write(some, ordered=True)
        return WriterCommitMessage()

    def _request(self, row: Mapping[str, Any]) -> Any:
        from pymongo import InsertOne, ReplaceOne, UpdateOne

        from lakelet.etl.bson_types import document_of

        document = document_of(row, self._schema, self._options["extended"] == "true")
        if "_id" not in document:
            return InsertOne(document)
        if (identity := {"_id": document["_id"]})["_id"] is None:
            raise MongoDBError("A row has no _id, which is the document's key: fill it, or drop the column.")
        if self._options["replace"] == "true":
            return ReplaceOne(identity, document, upsert=True)
        rest = {name: value for name, value in document.items() if name != "_id"}
        return UpdateOne(identity, {"$set": rest} if rest else {"$setOnInsert": identity}, upsert=True)


def _opened(options: Mapping[str, str]) -> Any:
    address = Address.of_url(options["url"], options.get("user", ""), options.get("password", ""))
    what = f"The collection {options['database']}.{options['collection']} cannot be used"
    return connected(address, what, **json.loads(options["client"]))


def _types(kind: T.DataType) -> pa.RecordBatch:
    import pyarrow as pa

    wrapped = T.StructType([T.StructField("v", kind)]).json()
    return pa.record_batch([pa.array([wrapped], pa.string())], ["shape"])


def _batches(documents: Iterable[Mapping[str, Any]], schema: T.StructType) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    from lakelet.etl.bson_types import fitted

    arrow, every = to_arrow_schema(schema), iter(documents)
    while some := [fitted(document, schema) for document in islice(every, ROWS)]:
        columns = [pa.array([row[at] for row in some], one.type) for at, one in enumerate(arrow)]
        yield pa.RecordBatch.from_arrays(columns, schema=arrow)
