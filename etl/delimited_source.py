"""Delimited text (CSV) as a Spark DataFrame of strings, and the rows that could not be read as another.

Spark's own CSV reader gives up on a gzip stream that ends early and knows no line numbers, so objects come in whole
(``binaryFile``) and are taken apart by :mod:`lakelet.etl.delimited` in Python workers, a batch of Arrow columns at a
time. One object is read by one task, which for gzip is so anyway; objects over :data:`MAX_OBJECT_BYTES` are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.data.formats import Dialect
from lakelet.etl.sail import engine
from lakelet.etl.sail.objects import whole_objects
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MAX_OBJECT_BYTES = 1 << 30
BATCH_ROWS = 65_536

# The struct that AWS documents for DynamicFrame.errorsAsDynamicFrame, less its Java stack trace; ``line`` is ours.
ERROR = T.StructType(
    [
        T.StructField("msg", T.StringType()),
        T.StructField("input", T.StringType()),
        T.StructField("source", T.StringType()),
        T.StructField("line", T.LongType()),
    ]
)


@dataclass(frozen=True)
class Attached:
    """Names of the columns that tell where a row came from; empty: not attached.

    ``filename`` is AWS's ``attachFilename``; ``line`` and ``text`` are ours.
    """

    filename: str = ""
    line: str = ""
    text: str = ""


@dataclass(frozen=True)
class DelimitedScan:
    """What to read: locations (``s3a://…`` folders), columns by position, and per folder its partition values."""

    locations: Sequence[str]
    columns: Sequence[str]
    dialect: Dialect
    partition_keys: Sequence[str] = ()
    partitions: Mapping[str, Sequence[str]] | None = None
    attached: Attached = Attached()

    def rows(self, spark: SparkSession) -> DataFrame:
        """The readable rows: every column and partition key a string, empty fields null."""
        names = [*self.columns, *self.partition_keys, *self._attached_names()]
        line = self.attached.line
        schema = T.StructType([T.StructField(name, T.LongType() if name == line else T.StringType()) for name in names])
        return self._binary(spark).mapInArrow(_Reader(self, errors=False), schema)

    def errors(self, spark: SparkSession) -> DataFrame:
        """The rows that could not be read, as one struct column ``error`` (see :data:`ERROR`)."""
        flat = self._binary(spark).mapInArrow(_Reader(self, errors=True), ERROR)
        return flat.select(F.struct(*ERROR.names).alias("error"))

    def _binary(self, spark: SparkSession) -> DataFrame:
        return binary_rows(spark, self.locations)

    def _attached_names(self) -> list[str]:
        return [name for name in (self.attached.filename, self.attached.line, self.attached.text) if name]


@dataclass(frozen=True)
class _Reader:
    """What the Python workers run: record batches of (path, content) in, batches of rows or of errors out."""

    scan: DelimitedScan
    errors: bool

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        from lakelet.etl.delimited import read_rows

        for batch in batches:
            for path, content in zip(batch.column("path"), batch.column("content"), strict=True):
                scan, source = self.scan, plain_uri(path.as_py())
                rows = read_rows(
                    content.as_py(),
                    scan.columns,
                    scan.dialect,
                    attach_text=bool(scan.attached.text) and not self.errors,
                )
                table = self._errors(source, rows) if self.errors else self._rows(source, rows)
                yield from table.to_batches(max_chunksize=BATCH_ROWS)

    def _errors(self, source: str, rows: Any) -> Any:
        import pyarrow as pa

        return pa.table(
            {
                "msg": pa.array([bad.reason for bad in rows.bad], pa.string()),
                "input": pa.array([bad.text for bad in rows.bad], pa.string()),
                "source": pa.array([source] * len(rows.bad), pa.string()),
                "line": pa.array([bad.line for bad in rows.bad], pa.int64()),
            }
        )

    def _rows(self, source: str, rows: Any) -> Any:
        import pyarrow as pa

        table, attached = rows.table, self.scan.attached
        found = partition_values(source, self.scan.partitions or {})
        values: Sequence[str | None] = found or [None] * len(self.scan.partition_keys)
        for key, value in zip(self.scan.partition_keys, values, strict=True):
            table = table.append_column(key, pa.array([value] * table.num_rows, pa.string()))
        if attached.filename:
            table = table.append_column(attached.filename, pa.array([source] * table.num_rows, pa.string()))
        if attached.line:
            table = table.append_column(attached.line, rows.lines)
        if attached.text:
            table = table.append_column(attached.text, rows.texts)
        return table


def binary_rows(spark: SparkSession, locations: Sequence[str]) -> DataFrame:
    """Whole objects: ``path``, which :func:`plain_uri` makes an address of, and ``content``."""
    if engine.active():
        return whole_objects(Workspace.find(), spark, locations)
    rows = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(list(locations))
    return rows.select("path", "content")


def plain_uri(path: str) -> str:
    """A Hadoop name as an ``s3://`` one."""
    return "s3://" + path.split("://", 1)[1] if path.startswith(("s3a://", "s3n://")) else path


def partition_values(source: str, partitions: Mapping[str, Sequence[str]]) -> Sequence[str] | None:
    """The values of the partition in whose folder an object lies."""
    folder = source
    while "/" in folder:
        folder = folder.rpartition("/")[0]
        if folder in partitions:
            return partitions[folder]
    return None
