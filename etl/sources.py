"""Sources: catalog tables as DynamicFrames. Folders on S3 are :mod:`lakelet.etl.s3_source`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.data.formats import CSV, GROK, JSON
from lakelet.data.json_keys import JsonKeys
from lakelet.data.objects import StoredObject
from lakelet.data.partitions import DEFAULT_PARTITION, partition_path
from lakelet.etl.casts import cast_as
from lakelet.etl.compression import decompress
from lakelet.etl.delimited_source import Attached, DelimitedScan
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError, refuse_unknown
from lakelet.etl.file_formats import reader_options
from lakelet.etl.glue_types import spark_name, spark_type
from lakelet.etl.jdbc import is_jdbc, read_jdbc_table
from lakelet.etl.json_names import spelled
from lakelet.etl.mongodb import is_mongodb, read_mongodb_table
from lakelet.etl.open_tables import is_open, kind_of, read_open_table
from lakelet.etl.options import flag
from lakelet.etl.paths import quoted
from lakelet.etl.record_scan import VALUE, GrokLines, Reader, RecordScan
from lakelet.etl.record_source import read_records, reader_of
from lakelet.etl.s3_source import ATTACH, attached_of, beginning, check_sizes, hadoop, objects_in
from lakelet.etl.sail import engine, reading, unions
from lakelet.etl.scans import Snapshot, note_reading, read_elsewhere, read_settled
from lakelet.etl.selection import SELECTION_OPTIONS, SampleOptions, Selection, check_compression
from lakelet.etl.tables import CatalogTable, TablePartition
from lakelet.etl.transformation_contexts import READS, record
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, DataFrameReader

    from lakelet.etl.context import GlueContext

SPELLING_OBJECTS = 4  # whose beginnings tell how JSON spells its keys
CATALOG_OPTIONS = frozenset({*ATTACH, *SELECTION_OPTIONS, "catalogPartitionPredicate", "recurse"})

Files = Mapping[str, Sequence[str]]  # what is read of each folder: itself, or objects in it


def read_table(
    context: GlueContext,
    database: str,
    name: str,
    *,
    predicate: str = "",
    options: Mapping[str, Any],
    ctx: str = "",
    sample: SampleOptions | None = None,
    csv: Mapping[str, str] | None = None,
) -> DynamicFrame:
    """A catalog table. ``predicate`` is Spark SQL over partition keys: other partitions are not read at all. A table of
    CSV is read by Spark's own reader if its options are given (``csv``), and then has no error records.

    Raises EntityNotFoundException, UsageError for a predicate that cannot be evaluated, UnsupportedError for an
    option that is not known.
    """
    table = CatalogTable.get(context.workspace, database, name)
    record(context.workspace, ctx, READS, str(table))
    if is_jdbc(table) or is_mongodb(table):
        if predicate or sample:
            raise UsageError(f"{table} lies in a database: push_down_predicate and samples are for tables on S3.")
        read_there = read_jdbc_table if is_jdbc(table) else read_mongodb_table
        return read_elsewhere(context.workspace, database, name, lambda: read_there(context, table, options, ctx))
    if is_open(table):
        if predicate or sample:
            raise UsageError(f"{table} is {kind_of(table)}: take where() instead of predicates and samples.")
        note_reading(context.workspace, database, name)
        return read_open_table(context, table, options, ctx)
    refuse_unknown(dict(options), CATALOG_OPTIONS, "create_dynamic_frame.from_catalog")

    selection = Selection.of(options, sample)

    def read() -> Snapshot:
        return _read_table(context, database, name, predicate, options, selection, ctx, csv)

    return context.scans.add(lambda: read_settled(context.workspace, database, name, read))


def _read_table(
    context: GlueContext,
    database: str,
    name: str,
    predicate: str,
    options: Mapping[str, Any],
    selection: Selection,
    ctx: str,
    csv: Mapping[str, str] | None,
) -> Snapshot:
    table = CatalogTable.get(context.workspace, database, name)
    partitions: list[TablePartition] = []
    if table.partition_keys:
        partitions = list(table.partitions(options.get("catalogPartitionPredicate")))
        if predicate:
            partitions = _pruned(context, table, partitions, predicate)
        for part in partitions:
            if part.other_format:
                raise UnsupportedError(
                    f"The partition {', '.join(part.values)} of {table} is {part.other_format}, and the table is "
                    f"{table.format.name}: make a table of each format."
                )
    elif unusable := predicate or options.get("catalogPartitionPredicate"):
        raise UsageError(f"The table {table} has no partition keys for the predicate {unusable!r}.")
    folders = [part.location for part in partitions] if table.partition_keys else [table.location]
    stored = objects_in(context, [table.location, *folders] if folders else [])
    check_compression(options, stored)
    files = _files(folders, stored, selection, deep=flag(options, "recurse", True))
    attached, one = attached_of(options), table.format
    if attached != Attached() and one is not CSV:
        raise UnsupportedError(f"{', '.join(ATTACH)} are supported for CSV only, and {table} is {one.name}.")
    if one is CSV and csv is not None:

        def read_csv(reader: DataFrameReader, paths: list[str]) -> DataFrame:
            return reader.options(**csv).csv(paths)

        frame = DynamicFrame(_by_partition(context, table, partitions, files, read_csv, listed=False), context, ctx)
    elif one is CSV:
        frame = _read_csv_table(context, table, partitions, files, attached, stored, ctx)
    elif reader := _reader_of(table):
        check_sizes(stored)
        frame = _read_record_table(context, table, partitions, files, reader, ctx)
    elif one is JSON:
        frame = _read_json_table(context, table, partitions, files, stored, ctx)
    elif one.spark:
        told = reader_options(one, table.parameters)

        def load(reader: DataFrameReader, paths: list[str]) -> DataFrame:
            return reader.format(one.spark).options(**told).load(paths)

        frame = DynamicFrame(_by_partition(context, table, partitions, files, load), context, ctx)
    else:
        raise UnsupportedError(f"The table {table} is of the format {one.name}, which jobs read from S3 only.")
    return Snapshot(table, list(files), _regular(table, partitions, files), frame, stored, attached.text)


def _files(folders: Sequence[str], stored: Iterable[StoredObject], selection: Selection, *, deep: bool = True) -> Files:
    """What is to be read of the folders that hold anything, with their subfolders if ``deep``; objects one by one only
    when some are left out or lie in subfolders, and for Sail, which lists a folder anew at every action."""
    holding: dict[str, list[StoredObject]] = {folder: [] for folder in folders}
    nested = False
    for one in stored:
        folder = one.uri
        while (folder := folder.rstrip("/").rpartition("/")[0] + "/") != "s3://":
            if folder in holding:
                below = "/" in one.uri.removeprefix(folder)
                nested = nested or below
                if deep or not below:
                    holding[folder].append(one)
                break
    if not (nested or selection.selects or engine.active()):
        return {folder: [folder] for folder, found in holding.items() if found}
    kept = {one.uri for one in selection.of_objects(one for found in holding.values() for one in found)}
    chosen = {folder: [one.uri for one in found if one.uri in kept] for folder, found in holding.items()}
    return {folder: found for folder, found in chosen.items() if found}


def _read_csv_table(
    context: GlueContext,
    table: CatalogTable,
    partitions: Sequence[TablePartition],
    files: Files,
    attached: Attached,
    stored: Sequence[StoredObject],
    ctx: str,
) -> DynamicFrame:
    session = context.spark_session
    check_sizes(stored)
    keys, columns = table.partition_keys, table.columns
    scan = DelimitedScan(
        [hadoop(path) for paths in files.values() for path in paths],
        [name for name, _ in columns],
        table.dialect,
        [key for key, _ in keys],
        {part.location.rstrip("/"): part.values for part in partitions},
        attached,
    )
    if not files:
        return DynamicFrame(session.createDataFrame([], _schema([*columns, *keys])), context, ctx)
    typed = _keys(keys)
    rows = scan.rows(session).withColumns(typed) if typed else scan.rows(session)
    pending = {name: kind for name, kind in columns if spark_name(kind) != "string"}
    return DynamicFrame(rows, context, ctx, pending=pending, errors=scan.errors(session))


def _read_json_table(
    context: GlueContext,
    table: CatalogTable,
    partitions: Sequence[TablePartition],
    files: Files,
    stored: Sequence[StoredObject],
    ctx: str,
) -> DynamicFrame:
    # Lines of text rather than spark.read.json, which refuses to tell what was corrupt when nothing else is asked for.
    lines = _by_partition(
        context, table, partitions, files, lambda reader, paths: reader.text(paths), columns=[("value", "string")]
    )
    beginnings = (
        decompress(beginning(context, one)).data for one in [one for one in stored if one.size][:SPELLING_OBJECTS]
    )
    declared = _schema(table.columns)
    schema = spelled(declared, beginnings, JsonKeys.of(table.definition))
    frame = read_records(context, lines.withColumnRenamed("value", VALUE), ctx, schema=schema)
    if schema == declared:
        return frame
    keys = [key.lower() for key, _ in table.partition_keys]
    if taken := [name for name in schema.names if name.lower() in keys]:
        raise UnsupportedError(
            f"The key {taken[0]!r} of a column of {table} has the name of a partition key: spark.sql on the engine "
            "spark reads it."
        )
    columns = {own.name: _declared(own, field) for own, field in zip(schema.fields, declared.fields, strict=True)}
    return frame.derive(frame.raw.select(*(columns.get(name, F.col(quoted(name))) for name in frame.raw.columns)))


def _declared(own: T.StructField, field: T.StructField) -> Column:
    """A column that is read as ``own``, as the table has it."""
    column = F.col(quoted(own.name))
    told = column if own.dataType == field.dataType else cast_as(column, own.dataType, field.dataType)
    return told.alias(field.name)


def _reader_of(table: CatalogTable) -> Reader | None:
    """How the objects of a JSON or log table are taken apart; None for JSON in lines, and for other formats."""
    given = table.parameters
    if table.format is GROK:
        return GrokLines(given.get("input.format", ""), given.get("input.grokCustomPatterns", ""))
    reader = reader_of(JSON.name, {"jsonPath": given.get("jsonPath")}) if table.format is JSON else None
    if reader and JsonKeys.of(table.definition) != JsonKeys():
        raise UnsupportedError(f"{table} has a jsonPath, by which properties of the SerDe about keys are not served.")
    return reader


def _read_record_table(
    context: GlueContext,
    table: CatalogTable,
    partitions: Sequence[TablePartition],
    files: Files,
    reader: Reader,
    ctx: str,
) -> DynamicFrame:
    session, keys = context.spark_session, table.partition_keys
    if not files:
        return DynamicFrame(session.createDataFrame([], _schema([*table.columns, *keys])), context, ctx)
    locations = [hadoop(path) for paths in files.values() for path in paths]
    values = {part.location.rstrip("/"): part.values for part in partitions}
    rows = RecordScan(locations, reader, [key for key, _ in keys], values).rows(session)
    if keys:
        rows = rows.withColumns(_keys(keys))
    if table.format is not GROK:
        return read_records(context, rows, ctx, schema=_schema(table.columns))
    pending = {name: kind for name, kind in table.columns if spark_name(kind) != "string"}
    texts = _schema([(name, "string") for name, _ in table.columns])
    return read_records(context, rows, ctx, schema=texts, pending=pending)


def _by_partition(
    context: GlueContext,
    table: CatalogTable,
    partitions: Sequence[TablePartition],
    files: Files,
    load: Callable[[DataFrameReader, list[str]], DataFrame],
    columns: Sequence[tuple[str, str]] = (),
    *,
    listed: bool = True,
) -> DataFrame:
    """The rows of those files, partition keys last; ``columns`` are the catalog's, unless given. Sail reads them as
    they are, if they are said to be ``listed``, and else as Spark's reader does."""
    session, keys = context.spark_session, table.partition_keys
    as_listed = reading.listed if listed else lambda reader: reader
    own = list(columns or table.columns)
    if not files:
        return session.createDataFrame([], _schema([*own, *keys]))
    values = {part.location: part.values for part in partitions}
    order = [F.col(f"`{name}`") for name, _ in (*own, *keys)]
    if not keys or (_regular(table, partitions, files) and not engine.active()):  # Sail knows no basePath
        reader = as_listed(session.read.schema(_schema([*own, *keys])))
        if keys:
            reader = reader.option("basePath", hadoop(table.location))
        loaded = load(reader, [hadoop(path) for paths in files.values() for path in paths])
        return loaded.select(*order)
    parts = []
    for folder, paths in files.items():  # a partition may lie anywhere: its values then come from the catalog alone
        constants = {key: _key(F.lit(value), kind) for (key, kind), value in zip(keys, values[folder], strict=True)}
        part = load(as_listed(session.read.schema(_schema(own))), [hadoop(path) for path in paths])
        parts.append(part.withColumns(constants).select(*order))
    return unions.of_one_type(parts)


def _regular(table: CatalogTable, partitions: Sequence[TablePartition], folders: Iterable[str]) -> bool:
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
    typed = listed.withColumns(_keys(table.partition_keys))
    try:
        kept = typed.where(predicate).collect()
    except AnalysisException as error:
        keys = ", ".join(key for key, _ in table.partition_keys)
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"The predicate {predicate!r} over the keys of {table} ({keys}) is not valid: {reason}"
        ) from error
    return [partitions[row["_at"]] for row in kept]


def _keys(keys: Sequence[tuple[str, str]]) -> dict[str, Column]:
    """Columns of partition keys, given as the catalog's texts, by their types."""
    return {key: _key(F.col(f"`{key}`"), kind) for key, kind in keys}


def _key(value: Column, kind: str) -> Column:
    """A partition's value by its (Glue) type, of the catalog's text for it; null for Hive's word for that."""
    return F.when(value != DEFAULT_PARTITION, value).try_cast(spark_name(kind))


def _schema(columns: Sequence[tuple[str, str]]) -> T.StructType:
    return T.StructType([T.StructField(name, spark_type(kind)) for name, kind in columns])
