"""The options of each format, reading and writing: AWS's names, and what Spark's reader or writer is told for them.

"Data format options for inputs and outputs in AWS Glue for Spark" (AWS Glue Developer Guide).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lakelet.data.formats import AVRO, CSV, GROK, ION, JSON, ORC, PARQUET, XML, DataFormat, Dialect, data_format
from lakelet.etl.csv_options import csv_dialect
from lakelet.etl.errors import UnsupportedError, refuse_unknown
from lakelet.etl.options import flag, whole
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ATTACH = frozenset({"attachFilename"})
# What has nothing to act on here; docs/awsglue.md says why of each.
WITHOUT_EFFECT = frozenset({
    "optimizePerformance", "strictCheckForQuoting", "useGlueParquetWriter", "StrictMode", "version",
    "blockSize", "pageSize",  # on Sail
})  # fmt: skip
READING: Mapping[str, frozenset[str]] = {
    CSV.name: _ATTACH | {
        "separator", "quoteChar", "escaper", "withHeader", "skipFirst", "multiLine", "multiline", "writeHeader",
        "optimizePerformance", "strictCheckForQuoting",
    },
    JSON.name: _ATTACH | {"jsonPath", "multiline", "multiLine", "withSchema", "optimizePerformance"},
    PARQUET.name: _ATTACH | {"useGlueParquetWriter", "compression", "blockSize", "pageSize"},
    ORC.name: _ATTACH,
    AVRO.name: _ATTACH | {"version"},
    XML.name: _ATTACH | {
        "rowTag", "encoding", "excludeAttribute", "treatEmptyValuesAsNulls", "attributePrefix", "valueTag",
        "ignoreSurroundingSpaces", "withSchema",
    },
    GROK.name: _ATTACH | {"logFormat", "customPatterns", "MISSING", "LineCount", "StrictMode"},
    ION.name: _ATTACH,
}  # fmt: skip
WRITING: Mapping[str, frozenset[str]] = {
    CSV.name: frozenset({"separator", "quoteChar", "escaper", "writeHeader", "withHeader", "compression"}),
    JSON.name: frozenset({"compression"}),
    PARQUET.name: frozenset({"compression", "blockSize", "pageSize", "useGlueParquetWriter"}),
    ORC.name: frozenset({"compression"}),
    AVRO.name: frozenset({"compression", "version"}),
}
_XML = {
    "encoding": "charset", "attributePrefix": "attributePrefix", "valueTag": "valueTag",
    "ignoreSurroundingSpaces": "ignoreSurroundingSpaces", "excludeAttribute": "excludeAttribute",
}  # fmt: skip


def readable(name: str, options: Mapping[str, Any]) -> DataFormat:
    """The format of that name, its options being known. Raises InvalidInputException, UnsupportedError."""
    one = data_format("parquet" if name == "glueparquet" else name)
    refuse_unknown(dict(options), READING[one.name], f"The format {name}")
    return one


def writable(name: str, options: Mapping[str, Any]) -> DataFormat:
    """The format of that name if a sink can write it so. Raises InvalidInputException, UnsupportedError, UsageError."""
    one = data_format("parquet" if name == "glueparquet" else name)
    if one.name not in WRITING:
        raise UnsupportedError(f"The format {name} can be read and not written: use {', '.join(WRITING)}.")
    refuse_unknown(dict(options), WRITING[one.name], f"Writing the format {name}")
    if one is CSV and not csv_dialect(options, header_lines=0).quote:
        raise UnsupportedError("Writing the format csv does not support quoteChar -1 (no quoting): name a character.")
    return one


def reader_options(one: DataFormat, options: Mapping[str, Any]) -> dict[str, str]:
    """What Spark's reader of a format is told. Raises UsageError for XML without its rowTag.

    Of Parquet and ORC the columns of all objects are read, since records of a DynamicFrame have those that they have.
    """
    if one in (PARQUET, ORC):
        return {"mergeSchema": "true"}
    if one is not XML:
        return {}
    if not options.get("rowTag"):
        raise UsageError("The format xml needs format_options={'rowTag': 'record'}, the element that is a record.")
    told = {_XML[name]: _text(value) for name, value in options.items() if name in _XML}
    if flag(options, "treatEmptyValuesAsNulls"):
        told["nullValue"] = ""
    return {"rowTag": str(options["rowTag"]), **told}


def written_dialect(options: Mapping[str, Any]) -> Dialect:
    """How a sink with those format_options writes CSV."""
    return csv_dialect(options, header_lines=int(flag(options, "writeHeader", True)))


def dialect_options(dialect: Dialect) -> dict[str, Any]:
    """The format_options that make a sink write in a dialect: the inverse of :func:`written_dialect`."""
    return {
        "separator": dialect.delimiter,
        "quoteChar": dialect.quote,
        "escaper": dialect.escape,
        "writeHeader": dialect.header_lines > 0,
    }


def write(
    rows: DataFrame,
    one: DataFormat,
    options: Mapping[str, Any],
    keys: Sequence[str],
    folder: str,
    committer: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write with Spark to a folder by its Hadoop name (``s3a://…``), which must not be there. ``committer`` are the
    options of Spark that say how its tasks do it."""
    writer = rows.write.format(one.spark).mode("error").options(**_writer_options(one, options), **committer)
    (writer.partitionBy(*keys) if keys else writer).save(folder)


def _writer_options(one: DataFormat, options: Mapping[str, Any]) -> dict[str, str]:
    told: dict[str, str] = {}
    if one is CSV:
        dialect = written_dialect(options)
        told = {
            "header": str(dialect.header_lines > 0),
            "sep": dialect.delimiter,
            "quote": dialect.quote,
            "escape": dialect.escape,
            # Spark leaves an escape in a value without quotes as it is, and every reader would take it for one.
            "quoteAll": str(dialect.escape != dialect.quote),
            "ignoreLeadingWhiteSpace": "false",  # Spark strips values unless told not to
            "ignoreTrailingWhiteSpace": "false",
        }
    elif one is JSON:
        told = {"ignoreNullFields": "true"}
    elif one is PARQUET:
        sizes = {"blockSize": "parquet.block.size", "pageSize": "parquet.page.size"}
        told = {theirs: str(whole(options, ours, 1)) for ours, theirs in sizes.items() if options.get(ours)}
    if compression := str(options.get("compression") or ""):
        told["compression"] = "uncompressed" if compression == "none" and one not in (CSV, JSON) else compression
    return told


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
