"""``DataFrame.write`` on Sail (docs/adr/0013): what it lacks is refused, and what goes to S3 is published
(:mod:`lakelet.etl.frame_writes`). Its own overwrite of some partitions deletes the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.data.partitions import escape
from lakelet.data.zones import S3
from lakelet.etl.choices import refuse_empty_structs
from lakelet.etl.frame_writes import OVERWRITE_MODE, is_dynamic, is_staging, publish_write
from lakelet.etl.paths import quoted
from lakelet.etl.sail import coerced, engine, names, ordered, single
from lakelet.etl.sail.csv_lines import VALUE as LINE
from lakelet.etl.sail.csv_lines import CsvForm, require_simple
from lakelet.etl.sail.file_options import FORMATS, lowered, take_writing
from lakelet.etl.sail.json_written import JsonForm
from lakelet.etl.sail.objects import local_path
from lakelet.etl.sail.staged import as_format, clear, leave_one, name_folders
from lakelet.workspace import effects
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import Column

_TEXT = frozenset(FORMATS) - {"parquet"}
_TEXT_CODECS = frozenset({"none", "uncompressed", "gzip", "bzip2"})  # Spark has more
MODES = ("error", "errorifexists", "append", "overwrite", "ignore")


def install(workspace: Workspace) -> None:
    """Stand before DataFrameWriter.save; what writes to a table of Sail's own catalog is refused."""
    from pyspark.sql.connect.readwriter import DataFrameWriter, DataFrameWriterV2

    original = DataFrameWriter.save

    def save(
        writer: Any,
        path: str | None = None,
        format: str | None = None,
        mode: str | None = None,
        partitionBy: Any = None,
        **options: Any,
    ) -> None:
        writer.mode(mode).options(**options)
        if partitionBy is not None:
            writer.partitionBy(partitionBy)
        if format is not None:
            writer.format(format)
        _save(workspace, writer, path or writer._write.options.pop("path", ""), original)

    engine.replace(DataFrameWriter, "save", save)
    for name in ("saveAsTable", "insertInto", "bucketBy", "sortBy", "clusterBy"):
        engine.replace(DataFrameWriter, name, engine.refusing(f"DataFrame.write.{name}"))
    for name in ("create", "replace", "createOrReplace", "append", "overwrite", "overwritePartitions"):
        engine.replace(DataFrameWriterV2, name, engine.refusing(f"DataFrame.writeTo(…).{name}"))


def require_codec(format: str, options: Mapping[str, Any]) -> None:
    """Refuse, on Sail, a compression of text that it lacks. Raises UnsupportedError."""
    codec = _codec(options)
    if format in _TEXT and codec not in _TEXT_CODECS:
        engine.spark_only(f"Writing {format} with the compression {codec}")


def _codec(options: Mapping[str, Any]) -> str:
    given = lowered({name: value for name, value in options.items() if value})
    return given.get("compression", given.get("codec", "none"))


def stage(workspace: Workspace, writer: Any, original: Any, folder: str, schema: T.StructType) -> None:
    """Write with Sail to a folder that nothing was written to before. Its default compression is not Spark's."""
    plan = writer._write
    options, format, keys = plan.options, plan.source or "parquet", list(plan.partitioning_cols)
    there = {field.name.lower() for field in schema.fields}
    if missing := [key for key in keys if key.lower() not in there]:
        raise AnalysisException(f"Partition column `{missing[0]}` not found in schema {schema.simpleString()}.")
    effects.mark(f"written to {folder}")
    columns = [field.name for field in schema.fields if field.name.lower() not in {key.lower() for key in keys}]
    if odd := [key for key in keys if escape(key) != key]:
        raise engine.refused(f"partitionBy of a column whose name has a sign that is escaped ({odd[0]})")
    if keys and not columns:
        raise AnalysisException("[ALL_PARTITION_COLUMNS_NOT_ALLOWED] Cannot use all columns for partition columns.")
    head, line = "", None
    if format == "parquet":
        options.setdefault("compression", "snappy")
    elif format == "csv":
        form = CsvForm.of(options)
        head, line = form.head(columns), form.line(schema, columns, options)
    elif format == "json" and (json := JsonForm.of(options)).differs(schema):
        line = json.line(schema, columns)
    _name_keys(writer, schema)
    if line is not None:
        _write_lines(writer, line, one_column=format == "csv" and len(columns) == 1)
    codec = _codec(options)
    if format != "parquet" and codec in ("none", "uncompressed"):  # words that Sail does not know of text
        plan.options.pop("compression", None)
    in_order = None if keys else ordered.pulled(_rows(writer))  # in one object, for there is an order of objects too
    one = in_order is not None or (not keys and single.is_asked(plan._child))
    if one:
        single.part(in_order or _rows(writer), plan)
    _write(workspace, writer, original, folder)
    if one:
        single.lift(workspace, folder)
    if line is not None:
        as_format(workspace, folder, format, head.encode())
    if not keys:
        leave_one(workspace, folder, format, head.encode(), codec, schema)


def _write(workspace: Workspace, writer: Any, original: Any, folder: str) -> None:
    try:
        original(writer, folder, mode="error")
    except PySparkException as error:
        if not coerced.is_of_a_row(error):
            raise
        clear(workspace, folder)
        original(writer, folder, mode="error")


def _write_lines(writer: Any, line: Column, *, one_column: bool) -> None:
    """Have lines of text written, and the keys of partitions. Of one column's null Spark writes no line of CSV."""
    plan = writer._write
    lines = _rows(writer).select(line.alias(LINE), *(F.col(quoted(key)) for key in plan.partitioning_cols))
    plan._child, plan.source = (lines.where(F.col(LINE) != "") if one_column else lines)._plan, "text"
    plan.options = {name: value for name, value in plan.options.items() if name.lower() in ("compression", "codec")}


def _name_keys(writer: Any, schema: T.StructType) -> None:
    """Have the keys of partitions written as Spark does."""
    spelled = {name.lower(): name for name in writer._write.partitioning_cols}
    columns, changed = [], False
    for field in schema.fields:
        key = spelled.get(field.name.lower())
        value = None if key is None else _named(field, key)
        changed = changed or value is not None
        columns.append(F.col(quoted(field.name)) if value is None else value.alias(key or field.name))
    if changed:
        writer._write._child = _rows(writer).select(*columns)._plan


def _named(field: T.StructField, key: str) -> Column | None:
    """A key of partitions as Spark names their folders: as text, since Sail makes 0, false or 1970-01-01 of a null that
    is none, and in the spelling that is asked for, which Sail does not find in another case. None: as it is."""
    if not isinstance(field.dataType, T.StringType | T.BinaryType):
        return F.col(quoted(field.name)).cast("string")
    return None if field.name == key else F.col(quoted(field.name))


def _rows(writer: Any) -> Any:
    from pyspark.sql.connect.dataframe import DataFrame

    return DataFrame(writer._write._child, writer._spark)


def require_types(format: str, schema: T.StructType) -> None:
    """Refuse, on Sail, what CSV has no form for: what is nested, as Spark does, and binary values, which Sail writes in
    another form, in text too. Raises AnalysisException, UnsupportedError."""
    if format == "csv" and engine.active():
        require_simple(schema)
    if format == "text" and (binary := [f.name for f in schema.fields if isinstance(f.dataType, T.BinaryType)]):
        engine.spark_only(f"Writing binary values ({', '.join(binary)}) as text")


def _save(workspace: Workspace, writer: Any, path: str, original: Any) -> None:
    plan = writer._write
    format = plan.source or "parquet"
    if format not in FORMATS:
        raise engine.refused(f"Writing the format {format}")
    take_writing(format, plan.options)
    require_codec(format, plan.options)
    schema = _rows(writer).schema
    require_types(format, schema)
    names.require_known(plan._child, schema)
    refuse_empty_structs(schema)  # as Spark does: the text formats of Sail take them
    if path.startswith(S3) and is_staging(path):
        stage(workspace, writer, original, path, schema)
        return
    mode = (plan.mode or "error").lower()
    if mode not in MODES:
        raise engine.refused(f"The write mode {mode}")
    if not path.startswith(S3):
        if mode not in ("error", "errorifexists") or not path:
            raise engine.refused(f"Writing to {path or 'a place without a name'} in the mode {mode}")
        stage(workspace, writer, original, local_path(path), schema)
        name_folders(local_path(path))
        return
    by_partitions = bool(plan.partitioning_cols) and is_dynamic(plan.options.get(OVERWRITE_MODE), writer._spark)
    publish_write(
        workspace, path, mode, by_partitions, lambda folder: stage(workspace, writer, original, folder, schema)
    )
