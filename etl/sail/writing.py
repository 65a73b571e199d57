"""``DataFrame.write`` on Sail (docs/adr/0013): what it lacks is refused, and what goes to S3 is published
(:mod:`etl.frame_writes`). Its own overwrite of some partitions deletes the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from data.zones import S3
from etl.choices import refuse_empty_structs
from etl.frame_writes import OVERWRITE_MODE, is_dynamic, is_staging, publish_write
from etl.paths import quoted
from etl.sail import engine
from etl.sail.reading import local_path
from workspace import effects
from workspace.paths import Workspace

FORMATS = frozenset({"parquet", "csv", "json", "text"})
_TEXT = FORMATS - {"parquet"}
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
        engine.replace(DataFrameWriter, name, _refusing(f"DataFrame.write.{name}"))
    for name in ("create", "replace", "createOrReplace", "append", "overwrite", "overwritePartitions"):
        engine.replace(DataFrameWriterV2, name, _refusing(f"DataFrame.writeTo(…).{name}"))


def require_codec(format: str, options: Mapping[str, Any]) -> None:
    """Refuse, on Sail, a compression of text that it lacks. Raises UnsupportedError."""
    codec = str(options.get("compression") or "none").lower()
    if format in _TEXT and codec not in _TEXT_CODECS:
        engine.spark_only(f"Writing {format} with the compression {codec}")


def stage(writer: Any, original: Any, folder: str) -> None:
    """Write with Sail to a folder that nothing was written to before. Its default compression is not Spark's."""
    effects.mark(f"written to {folder}")
    options = writer._write.options
    if writer._write.source in (None, "parquet"):
        options.setdefault("compression", "snappy")
    elif options.get("compression") in ("none", "uncompressed"):  # words that Sail does not know of text
        del options["compression"]
    if options.get("escape", options.get("quote", '"')) != options.get("quote", '"'):
        raise engine.refused("Writing CSV with an escape character")
    _name_partitions(writer)
    if writer._write.source in _TEXT:
        _write_as_spark(writer)
    original(writer, folder, mode="error")


def _write_as_spark(writer: Any) -> None:
    """Times in text to the millisecond, and values of CSV without the blanks around them unless options keep them."""
    options = {name.lower(): str(value).lower() for name, value in writer._write.options.items()}
    trims = [
        trim
        for side, trim in (("leading", F.ltrim), ("trailing", F.rtrim))
        if writer._write.source == "csv" and options.get(f"ignore{side}whitespace", "true") == "true"
    ]
    zones = {T.TimestampType: "XXX", T.TimestampNTZType: ""}
    keys = {name.lower() for name in writer._write.partitioning_cols}
    columns, changed = [], False
    for field in _rows(writer).schema.fields:
        value = F.col(quoted(field.name))
        if (kind := type(field.dataType)) in zones and "timestampformat" not in options:
            value = F.date_format(value, f"yyyy-MM-dd'T'HH:mm:ss.SSS{zones[kind]}")
        elif isinstance(field.dataType, T.StringType) and field.name.lower() not in keys:
            for trim in trims:
                value = trim(value)
        else:
            columns.append(value)
            continue
        columns.append(value.alias(field.name))
        changed = True
    if changed:
        writer._write._child = _rows(writer).select(*columns)._plan


def _name_partitions(writer: Any) -> None:
    """Give the folders of partitions their names as Spark does: as text, since Sail makes 0, false or 1970-01-01 of a
    null that is none, and the key in the spelling that is asked for, which Sail does not find in another case."""
    spelled = {name.lower(): name for name in writer._write.partitioning_cols}
    rows = _rows(writer)
    fields = rows.schema.fields
    keys = {field.name: spelled[field.name.lower()] for field in fields if field.name.lower() in spelled}
    texts = {field.name for field in fields if isinstance(field.dataType, T.StringType | T.BinaryType)}
    if all(name in texts and name == key for name, key in keys.items()):
        return
    named = ((name, F.col(quoted(name)) if name in texts else F.col(quoted(name)).cast("string")) for name in keys)
    changed = {name: column.alias(keys[name]) for name, column in named}
    writer._write._child = rows.select(*(changed.get(name, F.col(quoted(name))) for name in rows.columns))._plan


def _rows(writer: Any) -> Any:
    from pyspark.sql.connect.dataframe import DataFrame

    return DataFrame(writer._write._child, writer._spark)


def require_types(format: str, schema: T.StructType) -> None:
    """Refuse, on Sail, binary values in text, which it writes in another form than Spark, and maps in JSON, whose nulls
    it leaves out with their keys. Raises UnsupportedError."""
    if format in _TEXT and (binary := [f.name for f in schema.fields if _has(f.dataType, T.BinaryType)]):
        engine.spark_only(f"Writing binary values ({', '.join(binary)}) as {format}")
    if format == "json" and (maps := [f.name for f in schema.fields if _has(f.dataType, T.MapType)]):
        engine.spark_only(f"Writing maps ({', '.join(maps)}) as json")


def _has(kind: T.DataType, wanted: type[T.DataType]) -> bool:
    """Whether a type is that type, or has it anywhere inside."""
    if isinstance(kind, wanted):
        return not isinstance(kind, T.MapType) or kind.valueContainsNull
    if isinstance(kind, T.StructType):
        return any(_has(field.dataType, wanted) for field in kind.fields)
    if isinstance(kind, T.ArrayType):
        return _has(kind.elementType, wanted)
    if isinstance(kind, T.MapType):
        return _has(kind.keyType, wanted) or _has(kind.valueType, wanted)
    return False


def _save(workspace: Workspace, writer: Any, path: str, original: Any) -> None:
    plan = writer._write
    format = plan.source or "parquet"
    if format not in FORMATS:
        raise engine.refused(f"Writing the format {format}")
    require_codec(format, plan.options)
    schema = _rows(writer).schema
    require_types(format, schema)
    refuse_empty_structs(schema)  # as Spark does: the text formats of Sail take them
    if path.startswith(S3) and is_staging(path):
        stage(writer, original, path)
        return
    mode = (plan.mode or "error").lower()
    if mode not in MODES:
        raise engine.refused(f"The write mode {mode}")
    if not path.startswith(S3):
        if mode not in ("error", "errorifexists") or not path:
            raise engine.refused(f"Writing to {path or 'a place without a name'} in the mode {mode}")
        stage(writer, original, local_path(path))
        return
    by_partitions = bool(plan.partitioning_cols) and is_dynamic(plan.options.get(OVERWRITE_MODE), writer._spark)
    publish_write(workspace, path, mode, by_partitions, lambda folder: stage(writer, original, folder))


def _refusing(what: str) -> Any:
    def refuse(*_: Any, **__: Any) -> Any:
        raise engine.refused(what)

    return refuse
