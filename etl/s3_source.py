"""Folders on S3 as DynamicFrames, without the catalog (AWS Glue Developer Guide, "Amazon S3 connections")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from data.formats import CSV, Dialect, data_format
from data.objects import StoredObject, list_objects, s3_client
from data.zones import split_uri
from etl.csv_options import csv_dialect
from etl.delimited import first_row
from etl.delimited_source import MAX_OBJECT_BYTES, Attached, DelimitedScan
from etl.dynamicframe import DynamicFrame
from etl.errors import UnsupportedError, refuse_unknown
from etl.selection import SELECTION_OPTIONS, SampleOptions, Selection, check_compression
from workspace.errors import InvalidInputException, UsageError

if TYPE_CHECKING:
    from etl.context import GlueContext

# attachFilename is AWS's; the other two are ours, and AWS ignores them.
ATTACH = {"attachFilename": "filename", "attachLineNumber": "line", "attachText": "text"}
S3_OPTIONS = frozenset({*ATTACH, *SELECTION_OPTIONS, "paths", "path", "recurse", "isFailFast"})
CSV_OPTIONS = frozenset({"separator", "quoteChar", "escaper", "withHeader", "skipFirst"})
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
    Glue; its fields are strings, as are a header's. Raises UsageError, UnsupportedError.
    """
    refuse_unknown(dict(connection), S3_OPTIONS, "The connection type s3")
    paths = connection.get("paths") or connection.get("path") or []
    paths = [paths] if isinstance(paths, str) and "paths" not in connection else paths
    if isinstance(paths, str) or not paths:
        raise UsageError("The connection type s3 needs connection_options={'paths': ['s3://bucket/folder/', …]}.")
    one = data_format(format_name)
    files, stored = _chosen(context, paths, connection, Selection.of(connection, sample))
    if one is CSV:
        frame = _read_csv(context, files, stored, attached_of(connection), options, ctx)
    else:
        refuse_unknown(dict(options), frozenset(), f"The format {one.name}")
        if attached_of(connection) != Attached():
            raise UnsupportedError(f"{', '.join(ATTACH)} are supported for CSV only.")
        reader = context.spark_session.read.option("recursiveFileLookup", str(bool(connection.get("recurse"))).lower())
        frame = DynamicFrame(reader.format(one.spark).load(files), context, ctx)
    return frame.checked(1) if connection.get("isFailFast") else frame


def _chosen(
    context: GlueContext, paths: Sequence[str], connection: Mapping[str, Any], selection: Selection
) -> tuple[list[str], list[StoredObject]]:
    """What Spark is to read, by its Hadoop names, and the objects behind it: folders as a whole where all in them is
    read. Raises UsageError when that is nothing."""
    stored = objects_in(context, paths)
    if not stored:
        raise UsageError(f"There is no object below {', '.join(paths)}: check the path.")
    everything = len(stored)
    if not connection.get("recurse"):
        stored = _direct(stored, paths)
        if not stored:
            raise UsageError(f"All objects below {', '.join(paths)} lie in subfolders: give 'recurse': True.")
    if selection.selects:
        stored = selection.of_objects(stored)
        if not stored:
            raise UsageError(f"All objects below {', '.join(paths)} are left out by the options: read fewer of them.")
    check_compression(connection, stored)
    if len(stored) == everything:
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
    refuse_unknown(dict(options), CSV_OPTIONS, "The format csv")
    heading = bool(options.get("withHeader")) or bool(options.get("skipFirst"))
    dialect = csv_dialect(options, header_lines=int(heading))
    columns = _header(context, stored, dialect, with_header=bool(options.get("withHeader")))
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


def _hidden(one: StoredObject) -> bool:
    """Whether Spark takes the object for something beside the data, ``_SUCCESS`` for instance."""
    return one.key.rpartition("/")[2].startswith(("_", "."))


def _header(context: GlueContext, stored: Sequence[StoredObject], dialect: Dialect, *, with_header: bool) -> list[str]:
    """The columns of CSV objects. Raises UsageError when their headers differ: columns go by their position."""
    filled = [one for one in stored if one.size and not _hidden(one)]
    rows = ((one, row) for one in filled if (row := first_row(_beginning(context, one), dialect)))
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


def _beginning(context: GlueContext, one: StoredObject) -> bytes:
    found = s3_client(context.workspace).get_object(Bucket=one.bucket, Key=one.key, Range=f"bytes=0-{HEADER_BYTES - 1}")
    content: bytes = found["Body"].read()
    return content
