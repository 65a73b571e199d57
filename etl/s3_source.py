"""Folders on S3 as DynamicFrames, without the catalog (AWS Glue Developer Guide, "Amazon S3 connections")."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.data.formats import CSV, GROK, ION, JSON, DataFormat, Dialect
from lakelet.data.objects import StoredObject, list_objects, s3_client
from lakelet.data.zones import plain_slashes, split_uri
from lakelet.etl.choices import choices_in
from lakelet.etl.csv_options import csv_dialect
from lakelet.etl.delimited import first_row
from lakelet.etl.delimited_source import MAX_OBJECT_BYTES, Attached, DelimitedScan
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import ErrorThresholdError, UnsupportedError, refuse_unknown
from lakelet.etl.file_formats import readable, reader_options
from lakelet.etl.json_lines import Lines, SparkLines
from lakelet.etl.json_records import CORRUPT
from lakelet.etl.options import flag
from lakelet.etl.record_scan import VALUE
from lakelet.etl.record_source import read_objects, read_records, reader_of, schema_of
from lakelet.etl.sail import engine
from lakelet.etl.sail.json_lines import SailLines
from lakelet.etl.sail.objects import in_partitions
from lakelet.etl.selection import SELECTION_OPTIONS, SampleOptions, Selection, check_compression
from lakelet.workspace.errors import InvalidInputException, UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameReader

    from lakelet.etl.context import GlueContext

# attachFilename is AWS's; the other two are ours, and AWS ignores them.
ATTACH = {"attachFilename": "filename", "attachLineNumber": "line", "attachText": "text"}
S3_OPTIONS = frozenset({*ATTACH, *SELECTION_OPTIONS, "paths", "path", "recurse", "isFailFast"})
HEADER_BYTES = 1 << 18  # of an object's beginning, in which its first row has to end


def read_s3(
    context: GlueContext,
    format_name: str,
    connection: Mapping[str, Any],
    options: Mapping[str, Any],
    ctx: str = "",
    sample: SampleOptions | None = None,
) -> DynamicFrame:
    """Objects below ``connection["paths"]`` (``s3://…``). CSV without a header gets the names col0, col1, …, as in
    Glue; its fields are strings, as are a header's. Raises UsageError, UnsupportedError, and ErrorThresholdError
    by isFailFast.
    """
    refuse_unknown(dict(connection), S3_OPTIONS, "The connection type s3")
    paths = connection.get("paths") or connection.get("path") or []
    paths = [paths] if isinstance(paths, str) and "paths" not in connection else paths
    if isinstance(paths, str) or not paths:
        raise UsageError("The connection type s3 needs connection_options={'paths': ['s3://bucket/folder/', …]}.")
    paths = [re.sub(r"^s3[an]://", "s3://", plain_slashes(one)) for one in paths]  # as objects are named
    one = readable(format_name, options)
    attached = attached_of({**connection, **options})
    if attached != Attached(attached.filename) and one is not CSV:
        raise UnsupportedError("attachLineNumber and attachText are supported for CSV only.")
    taken = reader_of(one.name, options) if one in (JSON, GROK, ION) else None
    # Folders by the names of partitions are Spark's to read, where it is Spark that lists them.
    partitioned = not (one is CSV or taken)
    files, stored = _chosen(context, paths, connection, Selection.of(connection, sample), partitioned=partitioned)
    if one is CSV:
        frame = _read_csv(context, files, stored, attached, options, ctx)
    elif taken:
        check_sizes(stored)
        frame = read_objects(context, files, taken, ctx, schema=schema_of(options), filename=attached.filename)
    else:
        lines = SailLines(context.spark_session, stored, partial(_pin, context, paths, stored))
        frame = _read_files(context, one, files, lines, connection, options, attached.filename, ctx)
    if flag(connection, "isFailFast") and (found := frame.errorsCount()):
        raise ErrorThresholdError(f"{', '.join(paths)} has {found} error records and isFailFast allows none.")
    return frame


def _read_files(
    context: GlueContext,
    one: DataFormat,
    files: Sequence[str],
    sail_lines: SailLines,
    connection: Mapping[str, Any],
    options: Mapping[str, Any],
    filename: str,
    ctx: str,
) -> DynamicFrame:
    """What Spark itself reads."""
    recurse = flag(connection, "recurse")
    schema = schema_of(options)

    def spark_reader() -> DataFrameReader:
        return context.spark_session.read.option("recursiveFileLookup", str(recurse).lower())

    def by_schema(kind: T.StructType) -> DataFrame:
        return _with_filename(
            spark_reader().schema(kind).json(list(files), mode="FAILFAST", columnNameOfCorruptRecord=CORRUPT), filename
        )

    if one is JSON:
        text = _with_filename(spark_reader().text(list(files)), filename)
        alone = text.columns == ["value"]  # no partition keys beside
        lines: Lines | None = SparkLines(text, by_schema)
        if engine.active():
            lines = sail_lines if alone else None
        return read_records(context, text.withColumnRenamed("value", VALUE), ctx, schema=schema, lines=lines)
    reader = spark_reader()
    if schema is not None:
        if any(True for _ in choices_in(schema)):
            raise UnsupportedError(
                f"withSchema of {one.name} does not support ChoiceType: name one type of each field."
            )
        reader = reader.schema(schema)
    reader = reader.format(one.spark).options(**reader_options(one, options))
    return DynamicFrame(_with_filename(reader.load(list(files)), filename), context, ctx)


def _pin(context: GlueContext, paths: Sequence[str], stored: Sequence[StoredObject]) -> None:
    context.scans.pin(stored, lambda: objects_in(context, paths))


def _with_filename(rows: DataFrame, name: str) -> DataFrame:
    if not name:
        return rows
    engine.spark_only("attachFilename")
    return rows.withColumn(name, F.regexp_replace("_metadata.file_path", "^s3[an]://", "s3://"))


def _chosen(
    context: GlueContext,
    paths: Sequence[str],
    connection: Mapping[str, Any],
    selection: Selection,
    *,
    partitioned: bool,
) -> tuple[list[str], list[StoredObject]]:
    """What Spark is to read, by its Hadoop names, and the objects behind it: folders as a whole where all in them is
    read; on Sail, which makes columns of folders' names, only where those are asked for. Raises UsageError when that
    is nothing."""
    stored = objects_in(context, paths)
    if not stored:
        raise UsageError(f"There is no object below {', '.join(paths)}: check the path.")
    everything, recurse = len(stored), flag(connection, "recurse")
    if not (recurse or (partitioned and _partitioned(stored, paths))):
        stored = _direct(stored, paths)
        if not stored:
            raise UsageError(f"All objects below {', '.join(paths)} lie in subfolders: give 'recurse': True.")
    if selection.selects:
        stored = selection.of_objects(stored)
        if not stored:
            raise UsageError(f"All objects below {', '.join(paths)} are left out by the options: read fewer of them.")
    check_compression(connection, stored)
    if len(stored) == everything and (not engine.active() or (partitioned and not recurse)):
        return [hadoop(path) for path in paths], stored
    return [hadoop(one.uri) for one in stored], stored


def _read_csv(
    context: GlueContext,
    files: Sequence[str],
    stored: Sequence[StoredObject],
    attached: Attached,
    options: Mapping[str, Any],
    ctx: str,
) -> DynamicFrame:
    with_header = flag(options, "withHeader")
    dialect = csv_dialect(options, header_lines=int(with_header or flag(options, "skipFirst")))
    columns = _header(context, stored, dialect, with_header=with_header)
    check_sizes(stored)
    scan = DelimitedScan(files, columns, dialect, attached=attached)
    return DynamicFrame(scan.rows(context.spark_session), context, ctx, errors=scan.errors(context.spark_session))


def objects_in(context: GlueContext, folders: Sequence[str]) -> list[StoredObject]:
    """The objects below folders, each once."""
    client = s3_client(context.workspace)
    listed: list[str] = []
    found: list[StoredObject] = []
    for folder in folders:
        if not any(folder.startswith(done) for done in listed):
            found += list(list_objects(client, *split_uri(folder)))
            listed.append(folder)
    return found


def check_sizes(stored: Sequence[StoredObject]) -> None:
    """Refuse objects that are too large to be read as a whole. Raises InvalidInputException."""
    for one in stored:
        if one.size > MAX_OBJECT_BYTES:
            raise InvalidInputException(
                f"{one.uri} has {one.size >> 20} MiB; a text object is read as a whole and may have "
                f"{MAX_OBJECT_BYTES >> 20}: split it."
            )


def attached_of(options: Mapping[str, Any]) -> Attached:
    """The columns that ``attachFilename`` and the like ask for."""
    return Attached(**{name: str(options[option]) for option, name in ATTACH.items() if options.get(option)})


def hadoop(location: str) -> str:
    """An ``s3://`` name as Hadoop has it."""
    return "s3a://" + location.split("://", 1)[1] if location.startswith(("s3://", "s3n://")) else location


def _direct(stored: Sequence[StoredObject], paths: Sequence[str]) -> list[StoredObject]:
    """The objects that are one of the paths, or lie in one of them as a folder, but in no folder below it."""
    folders = {path.rstrip("/") for path in paths}
    return [one for one in stored if one.uri in folders or one.uri.rpartition("/")[0] in folders]


def _partitioned(stored: Sequence[StoredObject], paths: Sequence[str]) -> bool:
    """Whether any of the objects lies in a folder ``key=value`` below the path that it was found by."""
    below = sorted((f"{path.rstrip('/')}/" for path in paths), key=len, reverse=True)
    found = ((one.uri, next((folder for folder in below if one.uri.startswith(folder)), "")) for one in stored)
    return in_partitions(name.removeprefix(folder) for name, folder in found if folder)


def _hidden(one: StoredObject) -> bool:
    """Whether Spark takes the object for something beside the data, ``_SUCCESS`` for instance."""
    return one.key.rpartition("/")[2].startswith(("_", "."))


def _header(context: GlueContext, stored: Sequence[StoredObject], dialect: Dialect, *, with_header: bool) -> list[str]:
    """The columns of CSV objects. Raises UsageError when their headers differ: columns go by their position."""
    filled = [one for one in stored if one.size and not _hidden(one)]
    rows = ((one, row) for one in filled if (row := first_row(beginning(context, one), dialect)))
    first, columns = next(rows, (None, []))
    if first is None:
        raise UsageError(f"{stored[0].uri} is empty: its columns cannot be told.")
    if not with_header:
        return [f"col{index}" for index in range(len(columns))]
    for other, row in rows:
        if row != columns:
            raise UsageError(
                f"{first.uri} has the header {', '.join(columns)} and {other.uri} has {', '.join(row)}: "
                "read objects with different headers one by one."
            )
    return columns


def beginning(context: GlueContext, one: StoredObject) -> bytes:
    """The first :data:`HEADER_BYTES` of an object."""
    found = s3_client(context.workspace).get_object(Bucket=one.bucket, Key=one.key, Range=f"bytes=0-{HEADER_BYTES - 1}")
    content: bytes = found["Body"].read()
    return content
