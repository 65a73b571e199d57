"""Unbox: a field of text parsed into its structure (AWS Glue Developer Guide, "Unbox class")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.csv_options import csv_dialect
from lakelet.etl.delimited import first_row
from lakelet.etl.delimited_source import ERROR
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError, refuse_unknown
from lakelet.etl.json_batches import discovered
from lakelet.etl.json_records import is_broken, parsed
from lakelet.etl.paths import ELEMENT, column_at, locate, quoted, rewrite
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column

CSV_OPTIONS = frozenset({"separator", "quoteChar", "escaper", "withSchema"})


def unbox(frame: DynamicFrame, path: str, format: str, options: Mapping[str, Any], *, name: str = "") -> DynamicFrame:
    """The text at ``path`` as what it says, in ``json`` or ``csv``; rows whose text cannot be read are error records.

    The schema of JSON is that of all its values. The fields of CSV are strings named col0, col1, …, or those of
    ``withSchema``, the JSON of a StructType. Raises UsageError, and UnsupportedError for another format (avro has to
    have been read as such) and a path within an array. A field that is not there leaves the records as they are.
    """
    raw = frame.settled().raw
    at = locate(raw.schema, path)
    if at is None:
        return frame.derive(raw, name=name)
    found, kind = at
    if ELEMENT in found or not isinstance(kind, T.StringType):
        raise UnsupportedError(f"Unbox parses fields of text: {path} is {kind.simpleString()}.")
    text = column_at(found)
    if format == "json":
        refuse_unknown(dict(options), frozenset(), "unbox of json")
        schema = discovered(raw.where(F.trim(text) != ""), text).kind
        value, bad = parsed(text, schema), is_broken(text)
    elif format == "csv":
        refuse_unknown(dict(options), CSV_OPTIONS, "unbox of csv")
        value, bad = _csv(raw, text, options), F.lit(False)
    else:
        raise UnsupportedError(f"Unbox does not support the format {format}: use json or csv.")
    rows = raw.where(~F.coalesce(bad, F.lit(False)))
    unboxed = rows.select(*rewrite(raw.schema, {found: lambda _column, _kind, field: [(field, value)]}))
    known = {"msg": F.lit(f"{path} is no {format}"), "input": text}
    fields = [known.get(f.name, F.lit(None)).cast(f.dataType).alias(f.name) for f in ERROR.fields]
    return frame.derive(unboxed, name=name).with_errors(raw.where(bad).select(F.struct(*fields).alias("error")))


def _csv(raw: Any, text: Column, options: Mapping[str, Any]) -> Column:
    dialect = csv_dialect(options, header_lines=0)
    spark = {"sep": dialect.delimiter, "quote": dialect.quote, "escape": dialect.escape}
    if "withSchema" in options:
        import json

        schema = T.StructType.fromJson(json.loads(options["withSchema"]))
        fields = ", ".join(f"{quoted(f.name)} {f.dataType.simpleString()}" for f in schema.fields)
        return F.from_csv(text, fields, spark)
    first = raw.where(text.isNotNull()).select(text.alias("text")).first()
    if first is None:
        raise UsageError("Unbox of csv has no row to tell its fields from: give withSchema.")
    width = len(first_row(first["text"].encode(), dialect))
    return F.from_csv(text, ", ".join(f"col{at} string" for at in range(width)), spark)
