"""Records of text as DynamicFrames: JSON, Ion and logs, from folders or from tables of the catalog.

Without a schema the data is read once to find the type of every field, choices included
(:mod:`lakelet.etl.json_batches`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.catalog.classifiers.grok import Grok
from lakelet.catalog.classifiers.jsonpath import JsonPath
from lakelet.etl.choices import is_choice
from lakelet.etl.delimited_source import ERROR
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.glue_types import spark_name
from lakelet.etl.json_batches import discovered
from lakelet.etl.json_lines import Lines
from lakelet.etl.json_records import members_of, records
from lakelet.etl.options import flag
from lakelet.etl.record_scan import (
    INPUT,
    MESSAGE,
    SOURCE,
    VALUE,
    GrokLines,
    IonDocuments,
    JsonDocuments,
    Reader,
    RecordScan,
)
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakelet.etl.context import GlueContext

NO_FIT = "the record does not fit the schema"


def read_records(
    context: GlueContext,
    rows: DataFrame,
    ctx: str,
    *,
    schema: T.StructType | None = None,
    pending: Mapping[str, str] | None = None,
    lines: Lines | None = None,
) -> DynamicFrame:
    """The records in the column ``_value`` of rows, whose other columns follow the record's own.

    ``_message``, ``_input`` and ``_source``, if there, say what is wrong with rows without a value, and where.
    ``lines`` are those that the rows hold, if the engine's own reader may read them as well.
    """
    own = {VALUE, MESSAGE, INPUT, SOURCE}
    others = [name for name in rows.columns if name not in own]
    known = [name for name in (MESSAGE, INPUT, SOURCE) if name in rows.columns]
    kind = schema
    if kind is None:
        found = discovered(rows, F.col(VALUE))
        if lines and (fitting := lines.rows(found)):
            return DynamicFrame(fitting, context, ctx, pending=pending)
        kind = _struct_of(found.kind)
    said = rows.where(F.col(VALUE).isNull() | (F.trim(VALUE) != ""))
    read, broken = records(said.select(VALUE, *known, *(f"`{name}`" for name in others)), VALUE, kind)
    told = {
        "msg": F.coalesce(F.col(MESSAGE), F.lit(NO_FIT)) if MESSAGE in known else F.lit(NO_FIT),
        "input": F.coalesce(F.col(INPUT), F.col(VALUE)) if INPUT in known else F.col(VALUE),
        "source": F.col(SOURCE) if SOURCE in known else F.lit(None),
    }
    fields = [told.get(field.name, F.lit(None)).cast(field.dataType).alias(field.name) for field in ERROR.fields]
    errors = broken.select(F.struct(*fields).alias("error"))
    good = read.select(*members_of(F.col(VALUE), kind), *(F.col(f"`{name}`") for name in others))
    return DynamicFrame(good, context, ctx, pending=pending, errors=errors)


def schema_of(options: Mapping[str, Any]) -> T.StructType | None:
    """The schema of ``withSchema``: JSON of a StructType of awsglue.gluetypes. Raises UsageError."""
    if not (given := options.get("withSchema")):
        return None
    try:
        found = json.loads(given) if isinstance(given, str) else given
        return T.StructType.fromJson(found)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            "withSchema is no JSON of a schema: give json.dumps(StructType([…]).jsonValue()) of awsglue.gluetypes."
        ) from error


def reader_of(format_name: str, options: Mapping[str, Any]) -> Reader | None:
    """How objects of a format are taken apart; None for JSON in lines, which Spark does.

    Raises UsageError, UnsupportedError for options that cannot be, InvalidInputException for a bad pattern or path.
    """
    if format_name == "ion":
        return IonDocuments()
    if format_name == "grokLog":
        if not options.get("logFormat"):
            raise UsageError("The format grokLog needs format_options={'logFormat': '%{COMMONAPACHELOG}'} or the like.")
        if str(options.get("LineCount", "1")) != "1":
            raise UnsupportedError("The format grokLog does not support LineCount but 1, as on AWS.")
        pattern, custom = str(options["logFormat"]), str(options.get("customPatterns") or "")
        Grok.of(pattern, custom)
        return GrokLines(pattern, custom, str(options.get("MISSING", "-")))
    if options.get("jsonPath") or flag(options, "multiline") or flag(options, "multiLine"):
        path = str(options.get("jsonPath") or "$")
        JsonPath.of(path)
        return JsonDocuments(path)
    return None


def read_objects(
    context: GlueContext,
    locations: Sequence[str],
    reader: Reader,
    ctx: str,
    *,
    schema: T.StructType | None = None,
    filename: str = "",
) -> DynamicFrame:
    """The records of objects (``s3a://…``); ``filename`` is the column that says of which."""
    rows = RecordScan(locations, reader).rows(context.spark_session)
    if filename:
        rows = rows.withColumn(filename, F.col(SOURCE))
    if isinstance(reader, GrokLines):
        fields = Grok.of(reader.pattern, reader.custom).fields
        pending = {name: kind for name, kind in fields if spark_name(kind) != "string"}
        return read_records(context, rows, ctx, schema=_strings(fields), pending=pending)
    return read_records(context, rows, ctx, schema=schema)


def _strings(fields: Sequence[tuple[str, str]]) -> T.StructType:
    return T.StructType([T.StructField(name, T.StringType()) for name, _ in fields])


def _struct_of(kind: T.DataType) -> T.StructType:
    """The type of the records that are objects; others are errors."""
    if isinstance(kind, T.StructType) and not is_choice(kind):
        return kind
    structs = [f.dataType for f in kind.fields if isinstance(f.dataType, T.StructType)] if is_choice(kind) else []  # type: ignore[attr-defined]
    return structs[0] if structs else T.StructType([])
