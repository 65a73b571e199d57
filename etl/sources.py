"""Sources: catalog tables and S3 folders as DynamicFrames."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from pyspark.sql import types as T

from data.formats import CSV, JSON, PARQUET, Dialect, data_format
from data.objects import StoredObject, list_objects, s3_client
from data.partitions import partition_path
from data.zones import split_uri
from etl.csv_options import csv_dialect
from etl.delimited import first_row
from etl.delimited_source import ERROR, MAX_OBJECT_BYTES, Attached, DelimitedScan
from etl.dynamicframe import DynamicFrame
from etl.errors import UnsupportedError, refuse_unknown
from etl.glue_types import spark_name, spark_type
from etl.scans import Snapshot, read_settled
from etl.tables import CatalogTable, TablePartition
from workspace.errors import InvalidInputException, UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameReader

    from etl.context import GlueContext

# attachFilename and catalogPartitionPredicate are AWS's; the other two are ours, and AWS ignores them.
ATTACH = {"attachFilename": "filename", "attachLineNumber": "line", "attachText": "text"}
CATALOG_OPTIONS = frozenset({*ATTACH, "catalogPartitionPredicate"})
S3_OPTIONS = frozenset({*ATTACH, "paths", "recurse"})
CSV_OPTIONS = frozenset({"separator", "quoteChar", "escaper", "withHeader", "skipFirst"})
HEADER_BYTES = 1 << 18  # of an object's beginning, in which its first row has to end
CORRUPT = "_corrupt_record"


def read_table(
    context: GlueContext, database: str, name: str, *, predicate: str = "", options: Mapping[str, Any], ctx: str = ""
) -> DynamicFrame:
    """A catalog table. ``predicate`` is Spark SQL over partition keys: other partitions are not read at all.

    Raises EntityNotFoundException, UsageError for a predicate that cannot be evaluated, UnsupportedError for an
    option that is not known.
    """
    refuse_unknown(dict(options), CATALOG_OPTIONS, "create_dynamic_frame.from_catalog")

    def read() -> Snapshot:
        return _read_table(context, database, name, predicate, options, ctx)

    return context.scans.add(lambda: read_settled(context.workspace, database, name, read))


def _read_table(
    context: GlueContext, database: str, name: str, predicate: str, options: Mapping[str, Any], ctx: str
) -> Snapshot:
    table = CatalogTable.get(context.workspace, database, name)
    partitions: list[TablePartition] = []
    if table.partition_keys:
        partitions = list(table.partitions(options.get("catalogPartitionPredicate")))
        if predicate:
            partitions = _pruned(context, table, partitions, predicate)
    elif predicate:
        raise UsageError(f"The table {table} has no partition keys for the predicate {predicate!r}.")
    folders = [part.location for part in partitions] if table.partition_keys else [table.location]
    stored = _objects(context, [table.location, *folders] if folders else [])
    folders = [folder for folder in folders if any(one.uri.startswith(folder) for one in stored)]
    attached = _attached(options)
    if attached != Attached() and table.format is not CSV:
        raise UnsupportedError(f"{', '.join(ATTACH)} are supported for CSV only, and {table} is {table.format.name}.")
    if table.format is CSV:
        frame = _read_csv_table(context, table, partitions, folders, attached, stored, ctx)
    elif table.format is JSON:
        frame = _read_json_table(context, table, partitions, folders, ctx)
    elif table.format is PARQUET:
        rows = _by_partition(context, table, partitions, folders, lambda reader, paths: reader.parquet(*paths))
        frame = DynamicFrame(rows, context, ctx)
    else:
        raise UnsupportedError(f"The table {table} is of the format {table.format.name}, which jobs cannot read yet.")
    return Snapshot(table, folders, _regular(table, partitions, folders), frame)


def read_s3(
    context: GlueContext, format_name: str, connection: Mapping[str, Any], options: Mapping[str, Any], ctx: str = ""
) -> DynamicFrame:
    """Objects below ``connection["paths"]`` (``s3://…``). CSV without a header gets the names col0, col1, …, as in
    Glue; its fields are strings, as are a header's. Raises UsageError, UnsupportedError.
    """
    refuse_unknown(dict(connection), S3_OPTIONS, "The connection type s3")
    paths = connection.get("paths") or []
    if isinstance(paths, str) or not paths:
        raise UsageError("The connection type s3 needs connection_options={'paths': ['s3://bucket/folder/', …]}.")
    one, attached = data_format(format_name), _attached(connection)
    stored = _objects(context, paths)
    if not stored:
        raise UsageError(f"There is no object below {', '.join(paths)}: check the path.")
    hadoop = [_hadoop(path) for path in paths]
    if one is CSV:
        refuse_unknown(dict(options), CSV_OPTIONS, "The format csv")
        heading = bool(options.get("withHeader")) or bool(options.get("skipFirst"))
        dialect = csv_dialect(options, header_lines=int(heading))
        if not connection.get("recurse"):
            stored, nested = _direct(stored, paths), stored
            if not stored:
                raise UsageError(f"All objects below {', '.join(paths)} lie in subfolders: give 'recurse': True.")
            if len(stored) < len(nested):
                hadoop = [_hadoop(found.uri) for found in stored if not _hidden(found)]
        columns = _header(context, stored, dialect, with_header=bool(options.get("withHeader")))
        _check_sizes(stored)
        scan = DelimitedScan(hadoop, columns, dialect, attached=attached)
        return DynamicFrame(scan.rows(context.spark_session), context, ctx, errors=scan.errors(context.spark_session))
    refuse_unknown(dict(options), frozenset(), f"The format {one.name}")
    if attached != Attached():
        raise UnsupportedError(f"{', '.join(ATTACH)} are supported for CSV only.")
    reader = context.spark_session.read.option("recursiveFileLookup", str(bool(connection.get("recurse"))).lower())
    return DynamicFrame(reader.format(one.spark).load(hadoop), context, ctx)


def _read_csv_table(
    context: GlueContext,
    table: CatalogTable,
    partitions: Sequence[TablePartition],
    folders: Sequence[str],
    attached: Attached,
    stored: Sequence[StoredObject],
    ctx: str,
) -> DynamicFrame:
    session = context.spark_session
    _check_sizes(stored)
    keys, columns = table.partition_keys, table.columns
    scan = DelimitedScan(
        [_hadoop(folder) for folder in folders],
        [name for name, _ in columns],
        table.dialect,
        [key for key, _ in keys],
        {part.location.rstrip("/"): part.values for part in partitions},
        attached,
    )
    if not folders:
        return DynamicFrame(session.createDataFrame([], _schema([*columns, *keys])), context, ctx)
    typed = {key: F.col(f"`{key}`").try_cast(spark_name(kind)) for key, kind in keys}
    rows = scan.rows(session).withColumns(typed) if typed else scan.rows(session)
    pending = {name: kind for name, kind in columns if spark_name(kind) != "string"}
    return DynamicFrame(rows, context, ctx, pending=pending, errors=scan.errors(session))


def _read_json_table(
    context: GlueContext,
    table: CatalogTable,
    partitions: Sequence[TablePartition],
    folders: Sequence[str],
    ctx: str,
) -> DynamicFrame:
    # from_json rather than spark.read.json, which refuses to tell what was corrupt when nothing else is asked for.
    own = [(name, kind) for name, kind in table.columns]
    lines = _by_partition(
        context, table, partitions, folders, lambda reader, paths: reader.text(paths), columns=[("value", "string")]
    )
    keys = [F.col(f"`{key}`") for key, _ in table.partition_keys]
    record = F.from_json("value", _schema([*own, (CORRUPT, "string")]), {"columnNameOfCorruptRecord": CORRUPT})
    parsed = lines.where(F.trim("value") != "").select(record.alias("record"), *keys)
    bad = F.col(f"record.{CORRUPT}").isNotNull()
    known = {"msg": F.lit("the record does not fit the table's schema"), "input": F.col(f"record.{CORRUPT}")}
    fields = [known.get(field.name, F.lit(None)).cast(field.dataType).alias(field.name) for field in ERROR.fields]
    errors = parsed.where(bad).select(F.struct(*fields).alias("error"))
    columns = [F.col("record").getField(name).alias(name) for name, _ in own]
    return DynamicFrame(parsed.where(~bad).select(*columns, *keys), context, ctx, errors=errors)


def _by_partition(
    context: GlueContext,
    table: CatalogTable,
    partitions: Sequence[TablePartition],
    folders: Sequence[str],
    load: Callable[[DataFrameReader, list[str]], DataFrame],
    columns: Sequence[tuple[str, str]] = (),
) -> DataFrame:
    """The rows of those folders, partition keys last; ``columns`` are the catalog's, unless given."""
    session, keys = context.spark_session, table.partition_keys
    own = list(columns or table.columns)
    if not folders:
        return session.createDataFrame([], _schema([*own, *keys]))
    values = {part.location: part.values for part in partitions}
    order = [F.col(f"`{name}`") for name, _ in (*own, *keys)]
    if _regular(table, partitions, folders):
        reader = session.read.schema(_schema([*own, *keys]))
        if keys:
            reader = reader.option("basePath", _hadoop(table.location))
        loaded = load(reader, [_hadoop(folder) for folder in folders])
        return loaded.select(*order)
    rows: DataFrame | None = None
    for folder in folders:  # a partition may lie anywhere: its values then come from the catalog alone
        constants = {
            key: F.lit(value).try_cast(spark_name(kind))
            for (key, kind), value in zip(keys, values[folder], strict=True)
        }
        part = load(session.read.schema(_schema(own)), [_hadoop(folder)]).withColumns(constants).select(*order)
        rows = part if rows is None else rows.unionAll(part)
    assert rows is not None  # noqa: S101 - there is a folder
    return rows


def _regular(table: CatalogTable, partitions: Sequence[TablePartition], folders: Sequence[str]) -> bool:
    """Whether the folders' names tell the partitions' values."""
    values = {part.location: part.values for part in partitions}
    keys = [key for key, _ in table.partition_keys]
    return not keys or all(one == f"{table.location}{partition_path(keys, values[one])}/" for one in folders)


def matching_partitions(context: GlueContext, table: CatalogTable, predicate: str) -> list[TablePartition]:
    """The partitions of a table for which Spark SQL over its keys is true. Raises UsageError."""
    return _pruned(context, table, list(table.partitions()), predicate)


def _pruned(
    context: GlueContext, table: CatalogTable, partitions: Sequence[TablePartition], predicate: str
) -> list[TablePartition]:
    if not partitions:
        return []
    schema = T.StructType(
        [
            T.StructField("_at", T.IntegerType()),
            *(T.StructField(key, T.StringType()) for key, _ in table.partition_keys),
        ]
    )
    listed = context.spark_session.createDataFrame([(at, *part.values) for at, part in enumerate(partitions)], schema)
    typed = listed.withColumns(
        {key: F.col(f"`{key}`").try_cast(spark_name(kind)) for key, kind in table.partition_keys}
    )
    try:
        kept = typed.where(predicate).collect()
    except AnalysisException as error:
        keys = ", ".join(key for key, _ in table.partition_keys)
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"The predicate {predicate!r} over the keys of {table} ({keys}) is not valid: {reason}"
        ) from error
    return [partitions[row["_at"]] for row in kept]


def _objects(context: GlueContext, folders: Sequence[str]) -> list[StoredObject]:
    client = s3_client(context.workspace)
    listed: list[str] = []
    found: list[StoredObject] = []
    for folder in folders:
        if not any(folder.startswith(done) for done in listed):
            found += list(list_objects(client, *split_uri(folder)))
            listed.append(folder)
    return found


def _check_sizes(stored: Sequence[StoredObject]) -> None:
    for one in stored:
        if one.size > MAX_OBJECT_BYTES:
            raise InvalidInputException(
                f"{one.uri} has {one.size >> 20} MiB; a text object is read as a whole and may have "
                f"{MAX_OBJECT_BYTES >> 20}: split it."
            )


def _attached(options: Mapping[str, Any]) -> Attached:
    return Attached(**{name: str(options[option]) for option, name in ATTACH.items() if options.get(option)})


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


def _schema(columns: Sequence[tuple[str, str]]) -> T.StructType:
    return T.StructType([T.StructField(name, spark_type(kind)) for name, kind in columns])


def _hadoop(location: str) -> str:
    return "s3a://" + location.split("://", 1)[1] if location.startswith(("s3://", "s3n://")) else location


def parse_options(options: Mapping[str, Any] | str | None) -> dict[str, Any]:
    """Options as Glue takes them: a dict, JSON text, or nothing."""
    return dict(json.loads(options) if isinstance(options, str) else options or {})
