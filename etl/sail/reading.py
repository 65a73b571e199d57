"""``spark.read`` on Sail: what it would leave out in silence is put right or refused.

Sail takes a path that is not there for one without rows, ignores ``basePath``, does not expand globs, reads all
subfolders, and the values of ``key=value`` folders as text, where Spark tells numbers and dates.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import types as T

from lakelet.data.partitions import DEFAULT_PARTITION, parse_partition_path
from lakelet.data.zones import S3, plain_slashes, split_uri
from lakelet.etl.paths import quoted
from lakelet.etl.sail import (
    csv_values,
    decimals,
    engine,
    globs,
    json_rows,
    json_values,
    listings,
    partition_types,
    read_rows,
)
from lakelet.etl.sail.csv_rows import ALL_RECORDS, CsvRead, common
from lakelet.etl.sail.file_options import FORMATS, lowered, take_reading
from lakelet.etl.sail.objects import Objects, in_partitions, objects_at, sail_path
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LISTED = "lakelet.listed"  # an option of our own reads, which name objects that they have listed
LOOKED_THROUGH = 64 << 20  # bytes of CSV whose lines are looked at before they are read, quotes or not
MOST_OVER_LINES = 1 << 30  # bytes, which are held in memory object by object
_TWICE = "A path that is given twice to spark.read, whose rows are there twice on Spark,"
MERGED, _DEFAULT = "spark.sql.parquet.mergeSchema", "spark.sql.sources.default"


def install(workspace: Workspace) -> None:
    """Stand before DataFrameReader.load."""
    from pyspark.sql.connect.readwriter import DataFrameReader

    original = DataFrameReader.load

    def load(reader: Any, path: Any = None, format: str | None = None, schema: Any = None, **options: Any) -> DataFrame:
        paths = [path] if isinstance(path, str) else list(path or ())
        if format is not None:
            reader.format(format)
        reader.options(**options)
        asked = reader._format or reader._client.conf.get(_DEFAULT, "parquet")
        if asked.lower() not in FORMATS:
            raise engine.refused(f"Reading the format {asked}")
        reader.format(asked.lower())
        decimals.watch_type(schema if schema is not None else reader._schema)
        if reader._options.pop(LISTED, ""):
            return original(reader, path=[sail_path(one) for one in paths], schema=schema)
        found = _check(workspace, reader._format, reader._options, [plain_slashes(one) for one in paths])
        chosen = [one for path, inside in found.items() for one in _as_spark_lists(path, inside, reader._options)]
        if schema is not None:
            reader.schema(schema)
        given, objects = _schema_of(reader._schema), Objects(workspace, found, [one.rstrip("/") for one in chosen])
        kept = reader._schema, dict(reader._options)  # the reader may be asked again
        try:
            rows = _read(original, reader, chosen, objects)
        finally:
            reader._schema, reader._options = kept
        listings.note(rows, objects)
        if given is None:
            _require_names(rows, ", ".join(paths))
        decimals.watch_type(rows.schema)
        return _typed(
            rows, objects.names, {field.name.lower(): field.dataType for field in given.fields} if given else {}
        )

    engine.replace(DataFrameReader, "load", load)


def _require_names(rows: DataFrame, place: str) -> None:
    """Refuse columns that differ by case alone: Sail makes two of what is one column of Spark's, or its error."""
    seen: set[str] = set()
    for name in rows.columns:
        if name.lower() in seen:
            raise engine.refused(f"Reading columns that differ by case alone ({name} in {place})")
        seen.add(name.lower())


def _read(original: Any, reader: Any, paths: list[str], objects: Objects) -> DataFrame:
    """What Sail reads from those paths, as Spark does: a schema need not name the keys of partitions."""
    options, schema = reader._options, _schema_of(reader._schema)
    escaped, keys = [sail_path(one) for one in paths], objects.keys(options)
    if schema is not None:
        reader.schema(_with_keys(schema, keys))
    rows: DataFrame
    if reader._format == "csv":
        rows = _read_csv(original, reader, paths, schema, objects)
    elif reader._format == "json":
        rows = _read_json(original, reader, paths, schema, keys)
    elif reader._format == "text" and lowered(options).get("wholetext") != "true" and "linesep" not in lowered(options):
        options["lineSep"] = "\n"
        rows = read_rows.lines_of_text(original(reader, path=escaped))
    elif reader._format == "parquet" and schema is None:
        merged = lowered(options).get("mergeschema") or str(reader._client.conf.get(MERGED, "false")).lower()
        rows = original(reader, path=escaped)
        # An object may lack a column; metadata, as the mark of a choice, is of what was computed before it was written.
        if not read_rows.is_bare(rows.schema):
            reader.schema(read_rows.bare(rows.schema))
            rows = original(reader, path=escaped)
        rows = read_rows.typed_parquet(rows, lambda: objects.end_of_first)
        if merged != "true" and len(objects.names) > 1:
            _require_names(rows, ", ".join(paths))
            rows = read_rows.of_first(rows, objects.end_of_first, keys)
    elif reader._format == "parquet" and schema is not None:
        read_rows.require_fields(schema, lambda: objects.end_of_first)
        rows = original(reader, path=escaped)
    else:
        rows = original(reader, path=escaped)
    return read_rows.renamed(rows, schema.names) if schema else rows


def _read_csv(original: Any, reader: Any, paths: list[str], schema: T.StructType | None, objects: Objects) -> DataFrame:
    options, escaped = reader._options, [sail_path(one) for one in paths]
    csv = CsvRead.taken(options, schema)
    keys = {key.lower() for key in objects.keys(options)}
    taken = "value" in keys  # what a line is called
    small = objects.size <= LOOKED_THROUGH and not csv.over_lines and not taken
    kinds = _csv_kinds(original, reader, objects, escaped)
    own = [field for field in kinds.fields if field.name.lower() not in keys]
    blank = csv.may_be_blank(len(own))
    if csv.over_lines:
        if objects.size > MOST_OVER_LINES:
            raise engine.refused("spark.read.csv of more than 1 GiB with multiLine")
        csv.require_agreed_over_lines(objects.contents())
    elif taken and blank:
        raise engine.refused("spark.read.csv of one column, or by blanks, in partitions of a key named value")
    elif taken or not (small or blank or objects.begin_with(csv.quote.encode())):
        csv = csv.unquoted(options)
    else:
        csv.require_agreed(listed(reader._client.read).option("lineSep", "\n").text(paths), blank=blank)
    large = not (small or csv.over_lines)
    texts = csv_values.by_text(own, csv, doubles=not large)
    if texts or csv.plain or csv.infers:
        told = [T.StructField(f.name, T.StringType() if f.name in texts else f.dataType) for f in kinds.fields]
        reader.schema(T.StructType(told))
    rows: DataFrame = original(reader, path=escaped)
    if csv.plain:
        rows = csv.without_quotes(rows)
    return csv.rows(csv_values.valued(rows, texts, csv), [field.name for field in own], finite=large)


def _csv_kinds(original: Any, reader: Any, objects: Objects, paths: list[str]) -> T.StructType:
    """The columns of CSV and their types, as far as Sail finds them: it fails where those of the objects differ."""
    from pyspark.errors import SparkRuntimeException

    try:
        kinds: T.StructType = original(reader, path=paths).schema
    except SparkRuntimeException as error:
        if "Fail to merge schema field" not in str(error):
            raise
        each = [original(reader, path=[sail_path(one)]).schema for one in objects.addresses()]
        kinds = _with_keys(common(each), objects.keys(reader._options))
    empty = any(isinstance(field.dataType, T.NullType) for field in kinds.fields)  # in the first of the records
    if empty and ALL_RECORDS.items() - reader._options.items():
        reader._options.update(ALL_RECORDS)
        return _csv_kinds(original, reader, objects, paths)
    return kinds


def _read_json(original: Any, reader: Any, paths: list[str], schema: T.StructType | None, keys: list[str]) -> DataFrame:
    lines, escaped = listed(reader._client.read).text(paths), [sail_path(one) for one in paths]
    if schema is None:
        kind = json_rows.json_kind(lines)
        reader.schema(_with_keys(kind, keys))
        return json_rows.in_order(original(reader, path=escaped), kind.names)
    simple = json_rows.require_fit(lines, schema)
    folded = {key.lower() for key in keys}
    own = [field for field in schema.fields if field.name.lower() not in folded]
    if inside := json_values.times_inside(own):
        reader.schema(_with_keys(json_values.as_read(schema, simple, inside=True), keys))
        json_values.require_plain(original(reader, path=escaped), inside)
    reader.schema(_with_keys(json_values.as_read(schema, simple), keys))
    fails = lowered(reader._options).get("mode") == "failfast"
    return json_values.valued(original(reader, path=escaped), own, fails=fails)


def _with_keys(schema: T.StructType, keys: Sequence[str]) -> T.StructType:
    """A schema with the keys of partitions, as text, which Sail gives no null for."""
    own, known = {key.lower() for key in keys}, {name.lower() for name in schema.names}
    fields = [T.StructField(f.name, T.StringType() if f.name.lower() in own else f.dataType) for f in schema.fields]
    return T.StructType([*fields, *(T.StructField(key, T.StringType()) for key in keys if key.lower() not in known)])


def _schema_of(told: str | None) -> T.StructType | None:
    """The schema that a reader was given: JSON, or what Spark's DDL says."""
    if not told:
        return None
    made = T.StructType.fromJson(json.loads(told)) if told.startswith("{") else T.StructType.fromDDL(told)
    assert isinstance(made, T.StructType)  # noqa: S101 - the schema of a table is one
    return made


def listed(reader: Any) -> Any:
    """A DataFrameReader for objects that were listed before: they are not looked for again."""
    return reader.option(LISTED, "true") if engine.active() else reader


def _as_spark_lists(path: str, inside: Collection[str], options: Mapping[str, str]) -> list[str]:
    """What Sail is to read of a path, whose subfolders it reads unasked and makes columns of: Spark passes over those
    that are no partitions, and with recursiveFileLookup makes no columns."""
    if not any("/" in name for name in _below(path, inside)):
        return [path]
    if lowered(options).get("recursivefilelookup") == "true":
        chosen = list(inside)
    elif in_partitions(inside):
        return [path]
    elif not (chosen := [name for name in inside if "/" not in name]):
        raise engine.refused(f"Reading {path}, whose objects all lie in subfolders,")
    return [f"{path.rstrip('/')}/{name}" for name in chosen]


def _check(
    workspace: Workspace, format: str, options: dict[str, str], paths: Sequence[str]
) -> dict[str, dict[str, int]]:
    """The objects that lie at each of the paths, named from there on, and their sizes in bytes."""
    take_reading(format, options)
    if not paths:
        raise engine.refused("spark.read.load without a path")
    if len({path.rstrip("/") for path in paths}) < len(paths):
        raise engine.refused(_TWICE)
    found: dict[str, dict[str, int]] = {}
    for path in paths:
        there = globs.expanded(workspace, path) if globs.is_pattern(path) else {path: objects_at(workspace, path)}
        if not any(there.values()):
            from pyspark.errors import AnalysisException

            raise AnalysisException(f"[PATH_NOT_FOUND] Path does not exist: {path}.")
        for one, inside in there.items():
            if one in found:
                raise engine.refused(_TWICE)
            found[one] = inside
    if len(found) > 1 and lowered(options).get("recursivefilelookup") != "true":
        _require_one_base(found)
    return found


def _require_one_base(found: Mapping[str, Collection[str]]) -> None:
    """Partitions below several paths fail, as on Spark, which would not know what belongs to which."""
    if any(map(in_partitions, (_below(path, inside) for path, inside in found.items()))):
        from pyspark.errors import SparkRuntimeException

        places = ", ".join(list(found)[:5])
        raise SparkRuntimeException(f"[CONFLICTING_DIRECTORY_STRUCTURES] Partitions are below several paths: {places}.")


def _below(path: str, inside: Collection[str]) -> Collection[str]:
    """The objects in the folder that a path is; none of a path that is an object."""
    return () if list(inside) == [split_uri(path)[1] if path.startswith(S3) else path] else inside


def _typed(rows: DataFrame, objects: Sequence[str], given: Mapping[str, T.DataType]) -> DataFrame:
    """Rows with the partition columns as Spark types them, or as a schema has them (by names in lower case)."""
    from pyspark.sql import functions as F

    values: dict[str, set[str]] = {}
    for one in objects:
        partition_types.require_plain_keys(one)
        for key, value in parse_partition_path(one):
            values.setdefault(key, set()).add(value)
    spelled, typed = {name.lower(): name for name in rows.columns}, {}
    for key, found in values.items():
        if (name := spelled.get(key.lower())) is None:
            continue
        column, asked = F.col(quoted(name)), given.get(key.lower())
        if asked is not None:
            partition_types.require_fit(key, found, asked)
        kind = partition_types.found(key, found) if asked is None else asked.simpleString()
        if kind == partition_types.VOID:
            typed[name] = F.lit(None)
        elif kind != partition_types.TEXT:
            typed[name] = column.try_cast(kind)
        elif DEFAULT_PARTITION in found:
            typed[name] = F.when(column != DEFAULT_PARTITION, column)
    return rows.withColumns(typed) if typed else rows
