"""The formats of the lake, in one table: what Glue, Hive, Spark, DuckDB and pyarrow each call them.

The SerDe and input/output format classes are the ones that AWS Glue crawlers write into a StorageDescriptor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakelet.data.table_formats import refuse_as_files
from lakelet.workspace.errors import InvalidInputException

_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
GROK_SERDE = "com.amazonaws.glue.serde.GrokSerDe"
_OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"


@dataclass(frozen=True)
class DataFormat:
    """One format. ``name`` is Glue's classification; ``serdes`` are the SerDe libraries that mean it, ours first.

    What is empty does not know the format.
    """

    name: str
    serdes: tuple[str, ...]
    input_format: str
    output_format: str
    spark: str  # spark.read.format(…)
    duckdb: str  # the table function that reads it
    pyarrow: str  # pyarrow.dataset's name
    suffixes: tuple[str, ...]  # of object names, before any .gz
    serde_parameters: Mapping[str, str] = field(default_factory=dict)


CSV = DataFormat(
    "csv",
    ("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", _OPEN_CSV),
    _TEXT_INPUT,
    _TEXT_OUTPUT,
    "csv",
    "read_csv",
    "csv",
    (".csv", ".tsv", ".txt"),
    {"field.delim": ","},
)
JSON = DataFormat(
    "json",
    (
        "org.openx.data.jsonserde.JsonSerDe",
        "org.apache.hive.hcatalog.data.JsonSerDe",
        "org.apache.hadoop.hive.serde2.JsonSerDe",
    ),
    _TEXT_INPUT,
    _TEXT_OUTPUT,
    "json",
    "read_json",
    "json",
    (".json", ".jsonl", ".ndjson"),
)
PARQUET = DataFormat(
    "parquet",
    ("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",),
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "parquet",
    "read_parquet",
    "parquet",
    (".parquet",),
    {"serialization.format": "1"},
)

# What jobs alone read; Athena's part and crawlers know the three above.
ORC = DataFormat(
    "orc",
    ("org.apache.hadoop.hive.ql.io.orc.OrcSerde",),
    "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
    "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
    "orc",
    "",
    "orc",
    (".orc",),
)
AVRO = DataFormat(
    "avro",
    ("org.apache.hadoop.hive.serde2.avro.AvroSerDe",),
    "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
    "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
    "avro",
    "",
    "",
    (".avro",),
)
XML = DataFormat("xml", (), "", "", "xml", "", "", (".xml",))
GROK = DataFormat("grokLog", (GROK_SERDE,), _TEXT_INPUT, _TEXT_OUTPUT, "", "", "", (".log",))
ION = DataFormat("ion", (), "", "", "", "", "", (".ion",))

FORMATS: tuple[DataFormat, ...] = (CSV, JSON, PARQUET, ORC, AVRO, XML, GROK, ION)
BY_NAME: Mapping[str, DataFormat] = {one.name.lower(): one for one in FORMATS}
_BY_SERDE: Mapping[str, DataFormat] = {serde: one for one in FORMATS for serde in one.serdes}


@dataclass(frozen=True)
class Dialect:
    """How the rows of a CSV table are written: one-character delimiter, quote and escape, lines of heading."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    header_lines: int = 0

    @property
    def for_spark(self) -> dict[str, str]:
        """The options of Spark's own reader, which skips one line of heading at most."""
        header = str(self.header_lines == 1).lower()
        return {"header": header, "sep": self.delimiter, "quote": self.quote, "escape": self.escape}


def data_format(name: str) -> DataFormat:
    """The format of that classification.

    Raises :class:`~lakelet.workspace.errors.InvalidInputException` when not served.
    """
    try:
        return BY_NAME[name.lower()]
    except KeyError:
        names = ", ".join(one.name for one in FORMATS)
        raise InvalidInputException(f"The format {name!r} is not served: use {names}.") from None


def format_of(table: Mapping[str, Any]) -> DataFormat:
    """The format of a Glue Table (or TableInput, or Partition): by its classification, else by its SerDe.

    Raises :class:`~lakelet.workspace.errors.InvalidInputException` when neither names a format that is served, and for
    a table of an open table format, whose SerDe means nothing.
    """
    refuse_as_files(table)
    serde = table.get("StorageDescriptor", {}).get("SerdeInfo", {}).get("SerializationLibrary", "")
    if serde == GROK_SERDE:  # the classification is then what the classifier calls such logs
        return GROK
    if classification := table.get("Parameters", {}).get("classification"):
        return data_format(classification)
    if serde in _BY_SERDE:
        return _BY_SERDE[serde]
    raise InvalidInputException(
        f"The table {table.get('Name', '')!r} has the SerDe {serde!r} and no classification: "
        f"set its parameter classification to one of {', '.join(BY_NAME)}."
    )


def dialect_of(table: Mapping[str, Any]) -> Dialect:
    """The dialect of a CSV table, from its SerDe's parameters and ``skip.header.line.count``.

    LazySimpleSerDe names no quote, but Glue's own CSV reader takes ``"`` as one by default, so we do.
    """
    descriptor = table.get("StorageDescriptor", {})
    serde = descriptor.get("SerdeInfo", {})
    given = {**table.get("Parameters", {}), **descriptor.get("Parameters", {}), **serde.get("Parameters", {})}
    header = given.get("skip.header.line.count", "0")
    return Dialect(
        delimiter=given.get("separatorChar") or given.get("field.delim") or given.get("delimiter") or ",",
        quote=given.get("quoteChar", '"'),
        escape=given.get("escapeChar") or given.get("escape.delim") or '"',
        header_lines=int(header) if header.isdigit() else 0,
    )


def storage_descriptor(
    one: DataFormat,
    columns: Sequence[Mapping[str, str]],
    location: str,
    *,
    serde_parameters: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    compressed: bool = False,
) -> dict[str, Any]:
    """A Glue StorageDescriptor. ``columns`` are Glue Columns (Name, Type, …); ``location`` an S3 URI of a folder.

    ``serde_parameters`` are added to the format's own; ``parameters`` are the descriptor's.
    """
    return {
        "Columns": [dict(column) for column in columns],
        "Location": location if location.endswith("/") else f"{location}/",
        "InputFormat": one.input_format,
        "OutputFormat": one.output_format,
        "Compressed": compressed,
        "NumberOfBuckets": -1,
        "SerdeInfo": {
            "SerializationLibrary": one.serdes[0],
            "Parameters": {**one.serde_parameters, **(serde_parameters or {})},
        },
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": dict(parameters or {}),
        "StoredAsSubDirectories": False,
    }
