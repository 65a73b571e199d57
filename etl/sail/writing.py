"""``DataFrame.write`` on Sail (docs/adr/0013): what it lacks is refused, and what goes to S3 is published
(:mod:`etl.frame_writes`). Its own overwrite of some partitions deletes the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from data.zones import S3
from etl.choices import refuse_empty_structs
from etl.frame_writes import OVERWRITE_MODE, is_dynamic, is_staging, publish_write
from etl.paths import quoted
from etl.sail import engine
from etl.sail.reading import local_path, lowered
from workspace import effects
from workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import Column

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


def stage(writer: Any, original: Any, folder: str, schema: T.StructType) -> None:
    """Write with Sail to a folder that nothing was written to before. Its default compression is not Spark's."""
    effects.mark(f"written to {folder}")
    options = writer._write.options
    if writer._write.source in (None, "parquet"):
        options.setdefault("compression", "snappy")
    elif options.get("compression") in ("none", "uncompressed"):  # words that Sail does not know of text
        del options["compression"]
    if options.get("escape", options.get("quote", '"')) != options.get("quote", '"'):
        raise engine.refused("Writing CSV with an escape character")
    _write_as_spark(writer, schema)
    original(writer, folder, mode="error")


def _write_as_spark(writer: Any, schema: T.StructType) -> None:
    """Change what is written, where Sail would write it otherwise: the keys of partitions, and values of text."""
    spelled = {name.lower(): name for name in writer._write.partitioning_cols}
    as_text = _as_text_has_it(writer)
    columns, changed = [], False
    for field in schema.fields:
        key = spelled.get(field.name.lower())
        value = as_text(field) if key is None else _named(field, key)
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


def _as_text_has_it(writer: Any) -> Callable[[T.StructField], Column | None]:
    """What makes of a field the value that Spark writes as text: times to the millisecond, in CSV texts without the
    blanks around them unless options keep these. None: as it is."""
    options, source = lowered(writer._write.options), writer._write.source
    zones = {T.TimestampType: "XXX", T.TimestampNTZType: ""} if source in _TEXT else {}
    trims = [
        trim
        for side, trim in (("leading", F.ltrim), ("trailing", F.rtrim))
        if source == "csv" and options.get(f"ignore{side}whitespace", "true") == "true"
    ]

    def value(field: T.StructField) -> Column | None:
        column = F.col(quoted(field.name))
        if (kind := type(field.dataType)) in zones and "timestampformat" not in options:
            return F.date_format(column, f"yyyy-MM-dd'T'HH:mm:ss.SSS{zones[kind]}")
        if not (trims and isinstance(field.dataType, T.StringType)):
            return None
        for trim in trims:
            column = trim(column)
        return column

    return value


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
        stage(writer, original, path, schema)
        return
    mode = (plan.mode or "error").lower()
    if mode not in MODES:
        raise engine.refused(f"The write mode {mode}")
    if not path.startswith(S3):
        if mode not in ("error", "errorifexists") or not path:
            raise engine.refused(f"Writing to {path or 'a place without a name'} in the mode {mode}")
        stage(writer, original, local_path(path), schema)
        return
    by_partitions = bool(plan.partitioning_cols) and is_dynamic(plan.options.get(OVERWRITE_MODE), writer._spark)
    publish_write(workspace, path, mode, by_partitions, lambda folder: stage(writer, original, folder, schema))


def _refusing(what: str) -> Any:
    def refuse(*_: Any, **__: Any) -> Any:
        raise engine.refused(what)

    return refuse
