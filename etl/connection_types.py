"""Connection types: what a script may read from and write to, and what it may not, by name.

"Connection types and options for ETL in AWS Glue for Spark" (AWS Glue Developer Guide).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from lakelet.etl import jdbc, mongodb, opensearch
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.open_tables import OpenTableSink, is_open
from lakelet.etl.s3_source import read_s3
from lakelet.etl.selection import SampleOptions
from lakelet.etl.sinks import S3Sink
from lakelet.etl.tables import CatalogTable
from lakelet.etl.transformation_contexts import READS, WRITES, place, record
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakelet.etl.context import GlueContext

Options = Mapping[str, Any]

_SERVED = ("s3", *jdbc.TYPES, *mongodb.TYPES, opensearch.TYPE)


class Sink(Protocol):
    """Where a frame goes: configured by its ``set…`` methods, then ``writeFrame``."""

    def setFormat(self, format: str, **options: Any) -> None:
        """Choose the format and its options."""

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> None:
        """Say which table of the catalog the data belongs to."""

    def writeFrame(self, frame: DynamicFrame) -> DynamicFrame:
        """Write a frame; returns it."""

    def write_rows(self, rows: DataFrame) -> None:
        """Write a DataFrame."""


class Source:
    """What ``getSource`` returns: give it a format, then take its frame."""

    def __init__(self, context: GlueContext, connection_type: str, options: Options, ctx: str = "") -> None:
        _check(connection_type)
        self._context = context
        self._type = connection_type
        self._options = options
        self._ctx = ctx
        self._format: str | None = None
        self._format_options: Options = {}

    def setFormat(self, format: str, **options: Any) -> None:
        """Choose the format and its options."""
        self._format, self._format_options = format, options

    def getFrame(self) -> DynamicFrame:
        """Read it."""
        return read_from(self._context, self._type, self._options, self._format, self._format_options, self._ctx)


def read_from(
    context: GlueContext,
    connection_type: str,
    options: Options,
    format: str | None,
    format_options: Options,
    ctx: str = "",
    sample: SampleOptions | None = None,
) -> DynamicFrame:
    """What lies behind a connection. Raises UnsupportedError for a type that is not served, UsageError."""
    _check(connection_type)
    record(context.workspace, ctx, READS, place(connection_type, options))
    if connection_type != "s3" and (format or format_options or sample):
        raise UsageError(f"The connection type {connection_type} takes no format and no sample_options.")
    if connection_type == opensearch.TYPE:
        return opensearch.read_opensearch(context, options, ctx)
    if connection_type in jdbc.TYPES:
        return jdbc.read_jdbc(context, connection_type, options, ctx)
    if connection_type in mongodb.TYPES:
        return mongodb.read_mongodb(context, connection_type, options, ctx)
    if not format:
        raise UsageError("The connection type s3 needs a format: csv, json, parquet, orc, avro, xml, grokLog or ion.")
    return read_s3(context, format, options, format_options, ctx, sample)


def sink_to(context: GlueContext, connection_type: str, options: Options, ctx: str = "") -> Sink:
    """A sink to what lies behind a connection. Raises UnsupportedError for a type that is not served, UsageError."""
    _check(connection_type)
    record(context.workspace, ctx, WRITES, place(connection_type, options))
    if connection_type in jdbc.TYPES:
        return jdbc.JdbcSink.of_options(context, connection_type, options)
    if connection_type in mongodb.TYPES:
        return mongodb.MongoDBSink.of_options(context, connection_type, options)
    if connection_type == opensearch.TYPE:
        return opensearch.OpenSearchSink.of_options(context, options)
    return S3Sink.of_options(context, options)


def sink_to_table(context: GlueContext, database: str, name: str, options: Options, ctx: str = "") -> Sink:
    """A sink to a table that is in the catalog. Raises EntityNotFoundException, UnsupportedError, UsageError."""
    table = CatalogTable.get(context.workspace, database, name)
    record(context.workspace, ctx, WRITES, str(table))
    if is_open(table):
        return OpenTableSink.of_table(context, table, options)
    if mongodb.is_mongodb(table):
        return mongodb.MongoDBSink.of_table(context, table, options)
    return (jdbc.JdbcSink if jdbc.is_jdbc(table) else S3Sink).of_table(context, table, options)


def parse_options(options: Options | str | None) -> dict[str, Any]:
    """Options as Glue takes them: a dict, JSON text, or nothing."""
    return dict(json.loads(options) if isinstance(options, str) else options or {})


def _check(connection_type: str) -> None:
    if connection_type not in _SERVED:
        raise UnsupportedError(
            f"The connection type {connection_type} is not supported: jobs read and write {', '.join(_SERVED)} and "
            "the Data Catalog."
        )
