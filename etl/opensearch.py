"""OpenSearch as a source and a sink (AWS Glue Developer Guide, "OpenSearch Service connections").

Fields have the types that the index's mapping gives them; documents that do not fit are error records.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import refuse_undecided
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError, refuse_unknown
from lakelet.etl.opensearch_source import NAME, OPERATIONS, OpenSearchDataSource, client_of
from lakelet.etl.opensearch_values import kinds_of
from lakelet.etl.options import whole
from lakelet.etl.record_scan import VALUE
from lakelet.etl.record_source import read_records
from lakelet.etl.sail.engine import spark_only
from lakelet.workspace.addresses import opensearch_credentials
from lakelet.workspace.errors import StackError, UsageError
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakelet.etl.context import GlueContext

Options = Mapping[str, Any]

TYPE = "opensearch"
_USER, _PASSWORD = "opensearch.net.http.auth.user", "opensearch.net.http.auth.pass"
_WHERE = frozenset({"opensearch.resource", "opensearch.nodes", "opensearch.port", _USER, _PASSWORD})
# What has nothing to act on here; docs/awsglue.md says why of each.
WITHOUT_EFFECT = frozenset({"pushdown", "opensearch.nodes.wan.only"})
_ARRAYS = "opensearch.read.field.as.array.include"
READING = _WHERE | WITHOUT_EFFECT | {"opensearch.query", _ARRAYS}
WRITING = _WHERE | WITHOUT_EFFECT | {"opensearch.write.operation", "opensearch.mapping.id"}
# A URI's parameters, and their names in a query_string ("Query string", OpenSearch Documentation).
_URI = {
    "q": "query", "df": "default_field", "default_operator": "default_operator", "analyzer": "analyzer",
    "analyze_wildcard": "analyze_wildcard", "lenient": "lenient",
}  # fmt: skip
_EVERYTHING: dict[str, Any] = {"query": {"match_all": {}}}
_SLICES = 8  # at most, of one read
_TYPES: Mapping[str, T.DataType] = {
    "boolean": T.BooleanType(), "byte": T.ByteType(), "short": T.ShortType(), "integer": T.IntegerType(),
    "long": T.LongType(), "unsigned_long": T.DecimalType(20, 0), "float": T.FloatType(), "half_float": T.FloatType(),
    "double": T.DoubleType(), "scaled_float": T.DoubleType(), "date": T.TimestampType(),
    "date_nanos": T.TimestampType(),
}  # fmt: skip


def read_opensearch(context: GlueContext, options: Options, ctx: str = "") -> DynamicFrame:
    """The documents of an index, an alias or a pattern of them, of which ``opensearch.query`` chooses.

    Raises UnsupportedError for an option that is not known, UsageError, StackError.
    """
    refuse_unknown(dict(options), READING, "Reading OpenSearch")
    given, query = _given(context.workspace, options), _query(options)
    client, index = client_of(given), given["resource"]
    with _asked(given):
        mappings = client.indices.get_mapping(index=index)
        shards = sum(
            int(one["settings"]["index"]["number_of_shards"]) for one in client.indices.get(index=index).values()
        )
    if not mappings:  # of a pattern
        raise UsageError(_no_index(given))
    arrays = {name.strip() for name in str(options.get(_ARRAYS) or "").split(",")}
    schema = T.StructType([])
    for name, one in mappings.items():
        schema = _merged(schema, _struct(one["mappings"].get("properties") or {}, arrays), name)
    kinds = {name: kinds_of(one["mappings"].get("properties") or {}, arrays) for name, one in mappings.items()}
    slices = str(max(1, min(shards, _SLICES)))
    told = {**given, "query": json.dumps(query), "slices": slices, "kinds": json.dumps(kinds)}
    context.spark_session.dataSource.register(OpenSearchDataSource)
    rows = context.spark_session.read.format(NAME).options(**told).load()
    return read_records(context, rows.withColumnRenamed("document", VALUE), ctx, schema=schema)


@dataclass(frozen=True)
class OpenSearchSink:
    """Documents written to an index. As with a database, what a failed run has written stays."""

    context: GlueContext
    given: Mapping[str, str]

    @classmethod
    def of_options(cls, context: GlueContext, options: Options) -> OpenSearchSink:
        """From connection_options. Raises UnsupportedError for an option that is not known, UsageError."""
        refuse_unknown(dict(options), WRITING, "Writing to OpenSearch")
        operation = str(options.get("opensearch.write.operation") or "index")
        identity = str(options.get("opensearch.mapping.id") or "")
        if operation not in OPERATIONS or (operation == "upsert" and not identity):
            raise UsageError(
                f"opensearch.write.operation is {operation}: use {', '.join(OPERATIONS)}, the last with the field "
                "opensearch.mapping.id."
            )
        given = {**_given(context.workspace, options), "operation": operation, "id": identity}
        return cls(context, {name: value for name, value in given.items() if value})

    def setFormat(self, format: str, **options: Any) -> None:
        """Refused: documents are what is written."""
        if format or options:
            raise UnsupportedError(f"OpenSearch takes no format, and {format} was given: leave it out.")

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> None:
        """Refused: an index is no table of the catalog."""
        raise UnsupportedError(f"An index cannot be registered as {catalogDatabase}.{catalogTableName}: leave it out.")

    def writeFrame(self, frame: DynamicFrame) -> DynamicFrame:
        """Write a frame's rows as documents; returns it. Raises UsageError for a choice that nobody resolved."""
        self.write_rows(frame.toDF())
        return frame

    def write_rows(self, rows: DataFrame) -> None:
        """Write a DataFrame's rows as documents. Raises UsageError for a choice that nobody resolved."""
        writable = self.context.scans.current(refuse_undecided(rows))
        if (identity := self.given.get("id")) and identity not in writable.columns:
            raise UsageError(f"opensearch.mapping.id is {identity}, which is no column: {', '.join(writable.columns)}.")
        self.context.scans.published()  # what has gone to an index cannot be taken back, and so not be read anew
        self.context.spark_session.dataSource.register(OpenSearchDataSource)
        every = F.struct(*(F.col(f"`{name}`") for name in writable.columns))
        documents = writable.select(
            F.to_json(every, {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"}).alias("document")
        )
        documents.write.format(NAME).mode("append").options(**self.given).save()


def _given(workspace: Workspace, options: Options) -> dict[str, str]:
    """Where: the options of our data source, whose password Spark redacts by its name."""
    spark_only("Reading and writing OpenSearch")
    if not options.get("opensearch.resource"):
        raise UsageError("OpenSearch needs the option opensearch.resource: the index.")
    nodes = []
    for node in str(options.get("opensearch.nodes") or workspace.endpoint("opensearch")).split(","):
        parts = urlsplit(node.strip() if "://" in node else f"http://{node.strip()}")
        port = parts.port or whole(options, "opensearch.port", 443 if parts.scheme == "https" else 9200)
        nodes.append(f"{parts.scheme}://{parts.hostname}:{port}")
    given = {"resource": str(options["opensearch.resource"]), "nodes": ",".join(nodes)}
    if options.get(_USER):
        return given | {"user": str(options[_USER]), "password": str(options.get(_PASSWORD, ""))}
    if own := _own_credentials(workspace, nodes):
        return given | {"user": own[0], "password": own[1]}
    return given


def _own_credentials(workspace: Workspace, nodes: Sequence[str]) -> tuple[str, str] | None:
    """What the stack's own node asks for, when it alone is meant: no other node is to learn it."""
    own = urlsplit(workspace.endpoint("opensearch"))
    hosts = {own.hostname, "localhost"} if own.hostname == "127.0.0.1" else {own.hostname}
    port = own.port or (443 if own.scheme == "https" else 80)
    addresses = {f"{own.scheme}://{host}:{port}" for host in hosts}
    return opensearch_credentials(workspace) if set(nodes) <= addresses else None


@contextmanager
def _asked(given: Mapping[str, str]) -> Iterator[None]:
    """Turn what OpenSearch's client raises into sentences that name the nodes, which need not be the stack's own."""
    from opensearchpy import exceptions  # which few jobs need

    from lakelet.search.client import reason

    try:
        yield
    except exceptions.NotFoundError as error:
        raise UsageError(_no_index(given)) from error
    except exceptions.TransportError as error:
        said = reason(error) if isinstance(error.info, dict) else error.error
        why = f"{error.status_code}: {said}" if isinstance(error.status_code, int) else str(error.info)
        raise StackError(f"OpenSearch at {given['nodes']} does not serve {given['resource']} ({why}).") from error


def _no_index(given: Mapping[str, str]) -> str:
    return f"There is no index {given['resource']} in OpenSearch at {given['nodes']}: check opensearch.resource."


def _query(options: Options) -> dict[str, Any]:
    """``opensearch.query`` as the body of a search: JSON, or a URI's ``?q=…``. Raises UsageError."""
    text = str(options.get("opensearch.query") or "").strip()
    if not text:
        return _EVERYTHING
    if text.startswith("?"):
        given = dict(parse_qsl(text.removeprefix("?"), keep_blank_values=True))
        if unknown := sorted(given.keys() - _URI):
            raise UnsupportedError(f"opensearch.query does not support {', '.join(unknown)}: use {', '.join(_URI)}.")
        if "q" not in given:
            raise UsageError("opensearch.query has no q: write '?q=…'.")
        return {"query": {"query_string": {_URI[name]: one for name, one in given.items()}}}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError("opensearch.query is no JSON object: write '{\"query\": {…}}' or '?q=…'.")
    return found if "query" in found else {"query": found}


def _struct(properties: Mapping[str, Any], arrays: set[str], path: str = "") -> T.StructType:
    fields = []
    for name, one in properties.items():
        if one.get("type") == "alias":
            continue
        where = f"{path}{name}"
        inner = one.get("properties")
        kind: T.DataType = _struct(inner, arrays, f"{where}.") if inner else _TYPES.get(one.get("type"), T.StringType())
        fields.append(
            T.StructField(name, T.ArrayType(kind) if where in arrays or one.get("type") == "nested" else kind)
        )
    return T.StructType(fields)


def _merged(one: T.StructType, other: T.StructType, index: str) -> T.StructType:
    known = {field.name: field.dataType for field in one.fields}
    for field in other.fields:
        if known.setdefault(field.name, field.dataType) != field.dataType:
            raise UsageError(f"The field {field.name} is of another type in {index} than elsewhere: read it by itself.")
    return T.StructType([T.StructField(name, kind) for name, kind in known.items()])
