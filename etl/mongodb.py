"""MongoDB as a source and a sink, and Amazon DocumentDB, which speaks as it does.

"MongoDB connections" and "Amazon DocumentDB connections" (AWS Glue Developer Guide). A collection is read twice: once
to find the types of its fields, choices included, and once for its documents.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.catalog.connections.mongodb import Address, connected
from lakelet.etl import json_text
from lakelet.etl.choices import refuse_undecided
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError, refuse_unknown
from lakelet.etl.jdbc import connection_properties
from lakelet.etl.merging import merged
from lakelet.etl.mongodb_source import NAME, MongoDBDataSource
from lakelet.etl.options import flag, whole
from lakelet.etl.sail.engine import spark_only
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pyspark.sql import DataFrame

    from lakelet.etl.context import GlueContext
    from lakelet.etl.tables import CatalogTable

Options = Mapping[str, Any]

TYPES = ("mongodb", "documentdb")
_WHERE = frozenset({
    "connection.uri", "uri", "connectionName", "username", "password", "database", "collection", "ssl",
    "ssl.domain_match", "disableUpdateUri",
})  # fmt: skip
# What has nothing to act on here; docs/awsglue.md says why of each.
WITHOUT_EFFECT = frozenset({"disableUpdateUri", "partitionerOptions.samplesPerPartition"})
_KEY, _SIZE = "partitionerOptions.partitionKey", "partitionerOptions.partitionSizeMB"
_NUMBER = "partitionerOptions.numberOfPartitions"
READING = _WHERE | WITHOUT_EFFECT | {"batchSize", "partitioner", _KEY, _SIZE, _NUMBER}
WRITING = _WHERE | {"retryWrites", "replaceDocument", "extendedBsonTypes", "maxBatchSize"}
# The names of AWS's documentation, those of Glue 4.0 and those before; how many parts there are is all they decide.
_SINGLE = ("SinglePartitionPartitioner",)
_BY_SIZE = (
    "SamplePartitioner", "PaginateBySizePartitioner", "MongoDefaultPartitioner", "MongoSamplePartitioner",
    "MongoPaginateBySizePartitioner",
)  # fmt: skip
_BY_NUMBER = ("PaginateIntoPartitionsPartitioner", "MongoPaginateByCountPartitioner")
_PACKAGE = "com.mongodb.spark.sql.connector.read.partitioner."
PART_MB, PARTS, BATCH = 64, 64, 512  # the defaults of partitionSizeMB, numberOfPartitions and maxBatchSize


@dataclass(frozen=True)
class Collection:
    """A collection that Spark connects to; ``client`` are PyMongo's options."""

    address: Address
    database: str
    name: str
    client: Mapping[str, Any]

    @classmethod
    def of(cls, workspace: Workspace, options: Options) -> Collection:
        """From connection_options: a ``connectionName`` of the catalog, or ``connection.uri`` with who connects.

        Raises UsageError, InvalidInputException for an address that cannot be read, EntityNotFoundException.
        """
        spark_only("Reading and writing MongoDB")
        if name := options.get("connectionName"):
            address = Address.of(connection_properties(workspace, str(name), "MONGODB"))
        elif url := options.get("connection.uri") or options.get("uri"):
            address = Address.of_url(str(url), str(options.get("username") or ""), str(options.get("password") or ""))
        else:
            raise UsageError("MongoDB needs connection_options with a connectionName, or connection.uri.")
        database, collection = str(options.get("database") or address.database), str(options.get("collection") or "")
        if not database or not collection:
            raise UsageError("MongoDB needs the options database and collection.")
        tls = {"tls": True} if flag(options, "ssl", False) else {}
        if tls and not flag(options, "ssl.domain_match", True):
            tls["tlsAllowInvalidHostnames"] = True
        return cls(address, database, collection, tls)

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"

    @property
    def given(self) -> dict[str, str]:
        """Where, as options of our data source, whose password Spark redacts by its name."""
        found = {
            "url": self.address.url, "user": self.address.user, "password": self.address.password,
            "client": json.dumps(self.client), "database": self.database, "collection": self.name,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value}

    def ping(self) -> None:
        """Ask the server for an answer. Raises InvalidInputException."""
        with connected(self.address, f"The collection {self} cannot be used", **self.client) as client:
            client[self.database].command("ping")

    def parts(self, options: Options) -> list[dict[str, Any]]:
        """A filter for each part that is read by itself. Raises UsageError, InvalidInputException."""
        key, chosen = str(options.get(_KEY) or "_id"), str(options.get("partitioner") or _BY_SIZE[0])
        chosen = chosen.removeprefix(_PACKAGE)
        if chosen not in (*_SINGLE, *_BY_SIZE, *_BY_NUMBER):
            known = ", ".join((*_SINGLE, *_BY_SIZE, *_BY_NUMBER))
            raise UnsupportedError(f"The partitioner {chosen} is not supported: use one of {known}.")
        size, number = whole(options, _SIZE, PART_MB), whole(options, _NUMBER, PARTS)
        with connected(self.address, f"The collection {self} cannot be read", **self.client) as client:
            found = list(client[self.database].list_collections(filter={"name": self.name}))
            if not found:
                raise UsageError(f"There is no collection {self} in MongoDB at {self.address}.")
            if chosen in _SINGLE or found[0].get("type", "collection") != "collection":
                return [{}]
            if chosen in _BY_SIZE:
                bytes_ = int(client[self.database].command("collStats", self.name).get("size") or 0)
                number = math.ceil(bytes_ / (size << 20))
            return self._ranges(client, key, number)

    def _ranges(self, client: MongoClient[dict[str, Any]], key: str, number: int) -> list[dict[str, Any]]:
        """Filters, each document being let through by exactly one of them, whatever its key is."""
        collection = client[self.database][self.name]
        step = math.ceil(collection.estimated_document_count() / max(number, 1))
        bounds: list[Any] = []
        while len(bounds) < number - 1:
            # An order among values of one type only: those of the other types all go to the last part.
            after = {key: {"$gt": bounds[-1]}} if bounds else {}
            found = list(collection.find(after, {key: 1}).sort(key, 1).skip(step - bool(bounds)).limit(1))
            value = found[0].get(key) if found else None
            if value is None or isinstance(value, list | dict):
                break
            bounds.append(value)
        if not bounds:
            return [{}]
        below = [{key: {"$lt": bound}} for bound in bounds]
        between = [{"$and": [two, {"$nor": [one]}]} for one, two in pairwise(below)]
        return [below[0], *between, {"$nor": [below[-1]]}]


def read_mongodb(context: GlueContext, kind: str, options: Options, ctx: str = "") -> DynamicFrame:
    """The documents of a collection; a field that has several types is a choice.

    Raises UnsupportedError for an option that is not known, UsageError, InvalidInputException.
    """
    from bson import json_util

    refuse_unknown(dict(options), READING, f"The connection type {kind}")
    collection = Collection.of(context.workspace, options)
    batch = {"batch": str(whole(options, "batchSize", 1))} if "batchSize" in options else {}
    parts = json_util.dumps(collection.parts(options), json_options=json_util.CANONICAL_JSON_OPTIONS)
    context.spark_session.dataSource.register(MongoDBDataSource)
    reader = context.spark_session.read.format(NAME).options(**collection.given, **batch, parts=parts)
    found = reader.option("types", "true").load().collect()

    from lakelet.etl.bson_types import settled

    schema = settled(merged(T.StructType.fromJson(json.loads(row["shape"]))["v"].dataType for row in found))
    if not isinstance(schema, T.StructType) or not schema.fields:
        return DynamicFrame(context.spark_session.createDataFrame([], T.StructType([])), context, ctx)
    filled = json_text.filled(schema)
    assert isinstance(filled, T.StructType)  # noqa: S101 - it is of the same class
    rows = reader.options(types="").schema(filled).load()
    typed = [json_text.voided(F.col(f"`{f.name}`"), f.dataType).alias(f.name) for f in schema.fields]
    return DynamicFrame(rows.select(*typed), context, ctx)


def read_mongodb_table(context: GlueContext, table: CatalogTable, options: Options, ctx: str) -> DynamicFrame:
    """A table of the catalog that is a collection: its documents are read as they are."""
    return read_mongodb(context, table.parameters["classification"], {**_place(table), **options}, ctx)


def is_mongodb(table: CatalogTable) -> bool:
    """Whether a table of the catalog is a collection."""
    return bool(table.parameters.get("connectionName")) and table.parameters.get("classification") in TYPES


@dataclass(frozen=True)
class MongoDBSink:
    """Documents written to a collection, which is made if it is not there. As with a database, what a failed run has
    written stays."""

    context: GlueContext
    collection: Collection
    given: Mapping[str, str]

    @classmethod
    def of_options(cls, context: GlueContext, kind: str, options: Options) -> MongoDBSink:
        """From connection_options. Raises UnsupportedError for an option that is not known, UsageError."""
        refuse_unknown(dict(options), WRITING, f"Writing to the connection type {kind}")
        collection = Collection.of(context.workspace, options)
        client = dict(collection.client)
        if "retryWrites" in options:
            client["retryWrites"] = flag(options, "retryWrites", True)
        given = {
            "replace": str(flag(options, "replaceDocument", True)).lower(),
            "extended": str(flag(options, "extendedBsonTypes", True)).lower(),
            "batch": str(whole(options, "maxBatchSize", BATCH)),
            "client": json.dumps(client),
        }
        return cls(context, collection, collection.given | given)

    @classmethod
    def of_table(cls, context: GlueContext, table: CatalogTable, options: Options) -> MongoDBSink:
        """For a table of the catalog that is a collection."""
        return cls.of_options(context, table.parameters["classification"], {**_place(table), **options})

    def setFormat(self, format: str, **options: Any) -> None:
        """Refused: documents are what is written."""
        if format or options:
            raise UnsupportedError(f"MongoDB takes no format, and {format} was given: leave it out.")

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> None:
        """Refused: a sink registers no collection."""
        raise UnsupportedError(
            f"A collection cannot be registered as {catalogDatabase}.{catalogTableName} by a sink: leave it out."
        )

    def writeFrame(self, frame: DynamicFrame) -> DynamicFrame:
        """Write a frame's rows as documents; returns it. Raises UsageError for a choice that nobody resolved."""
        self.write_rows(frame.toDF())
        return frame

    def write_rows(self, rows: DataFrame) -> None:
        """Write a DataFrame's rows as documents. Raises UsageError for a choice that nobody resolved and for columns
        that no document can hold, InvalidInputException for a server that cannot be used."""
        from lakelet.etl.bson_types import unwritable

        writable = self.context.scans.current(refuse_undecided(rows))
        if bad := unwritable(writable.schema):
            raise UsageError(f"No document can hold {', '.join(bad)}: cast them before writing to MongoDB.")
        # Asked before anything is written, so that the sentence is not lost in a task's.
        self.collection.ping()
        self.context.scans.published()  # what has gone to a database cannot be taken back, and so not be read anew
        self.context.spark_session.dataSource.register(MongoDBDataSource)
        writable.write.format(NAME).mode("append").options(**self.given).save()


def _place(table: CatalogTable) -> dict[str, str]:
    """Where a table's collection is: its Location is ``database.collection``; options may say otherwise."""
    found = {"connectionName": table.parameters["connectionName"]}
    if (table.definition.get("StorageDescriptor") or {}).get("Location"):
        found["database"], _, found["collection"] = table.place.replace("/", ".", 1).partition(".")
    return found
