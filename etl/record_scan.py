"""Objects whose records are no lines of JSON, taken apart in Python workers: JSON documents, Ion, logs.

Every record comes out as JSON text, so that what follows (:mod:`lakelet.etl.record_source`) is the same for all of
them.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pyspark.sql import types as T

from lakelet.catalog.classifiers.grok import Grok
from lakelet.catalog.classifiers.jsonpath import JsonPath
from lakelet.etl.compression import decompress
from lakelet.etl.delimited_source import BATCH_ROWS, binary_rows, partition_values, plain_uri

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

VALUE, MESSAGE, INPUT, SOURCE = "_value", "_message", "_input", "_source"


@dataclass(frozen=True)
class Record:
    """A record as JSON text, or why it is none and what there was instead."""

    text: str | None
    message: str | None = None
    input: str | None = None


class Reader(Protocol):
    """How the bytes of one object become records."""

    def records(self, content: bytes) -> Iterator[Record]:
        """The records, each readable or not."""


@dataclass(frozen=True)
class JsonDocuments:
    """JSON over any number of lines, documents one after the other; ``path`` leads to the records in each."""

    path: str

    def records(self, content: bytes) -> Iterator[Record]:
        """The records; what follows something that is no JSON is lost with it, and is one error."""
        text, path = content.decode("utf-8-sig", errors="replace"), JsonPath.of(self.path)
        decoder, at = json.JSONDecoder(), 0
        while (at := _past_space(text, at)) < len(text):
            try:
                document, at = decoder.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                yield Record(None, f"no JSON: {error}", text[at : at + 1000])
                return
            documents = document if isinstance(document, list) and self.path == "$" else path.records(document)
            for record in documents:
                yield Record(json.dumps(record, ensure_ascii=False))


@dataclass(frozen=True)
class IonDocuments:
    """Amazon Ion, as text or binary. Timestamps become text, blobs base64, symbols text."""

    def records(self, content: bytes) -> Iterator[Record]:
        """The top-level structs."""
        from amazon.ion import simpleion
        from amazon.ion.exceptions import IonException

        try:
            for value in simpleion.load(io.BytesIO(content), single_value=False, parse_eagerly=False):
                text = json.dumps(_plain(value), ensure_ascii=False)
                yield Record(text) if isinstance(value, Mapping) else Record(None, "no Ion struct", text)
        except (IonException, ValueError) as error:
            yield Record(None, f"no Ion: {error}", content[:1000].decode(errors="backslashreplace"))


@dataclass(frozen=True)
class GrokLines:
    """Lines that a grok pattern takes apart; ``missing`` stands for no value."""

    pattern: str
    custom: str = ""
    missing: str = "-"

    def records(self, content: bytes) -> Iterator[Record]:
        """The lines, empty ones apart."""
        grok = Grok.of(self.pattern, self.custom)
        for line in content.decode(errors="backslashreplace").splitlines():
            if not line.strip():
                continue
            found = grok.match(line)
            if found is None:
                yield Record(None, "the line does not match logFormat", line)
                continue
            values = {name: None if value == self.missing else value for name, value in found.items()}
            yield Record(json.dumps(values, ensure_ascii=False))


@dataclass(frozen=True)
class RecordScan:
    """What to read: locations (``s3a://…``), how, and per folder its partition values."""

    locations: Sequence[str]
    reader: Reader
    partition_keys: Sequence[str] = ()
    partitions: Mapping[str, Sequence[str]] | None = None

    def rows(self, spark: SparkSession) -> DataFrame:
        """One row per record: its text, or its error; its source; and the partition keys, all of them strings."""
        names = (VALUE, MESSAGE, INPUT, SOURCE, *self.partition_keys)
        schema = T.StructType([T.StructField(name, T.StringType()) for name in names])
        return binary_rows(spark, self.locations).mapInArrow(_Worker(self), schema)


@dataclass(frozen=True)
class _Worker:
    """What the Python workers run: record batches of (path, content) in, batches of records out."""

    scan: RecordScan

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa

        keys = self.scan.partition_keys
        schema = pa.schema([(name, pa.string()) for name in (VALUE, MESSAGE, INPUT, SOURCE, *keys)])
        for batch in batches:
            for path, content in zip(batch.column("path"), batch.column("content"), strict=True):
                source = plain_uri(path.as_py())
                found = partition_values(source, self.scan.partitions or {})
                values: Sequence[str | None] = found or [None] * len(keys)
                for some in _batched(_records(self.scan.reader, content.as_py())):
                    columns = [[one.text for one in some], [one.message for one in some], [one.input for one in some]]
                    constant = [[value] * len(some) for value in (source, *values)]
                    yield pa.record_batch([pa.array(c, pa.string()) for c in (*columns, *constant)], schema=schema)


def _records(reader: Reader, content: bytes) -> Iterator[Record]:
    """The records of an object, compressed or not; a fault of the compressed stream is an error record, with the record
    that was cut, if there is one."""
    stream = decompress(content)
    data, cut = stream.lines() if isinstance(reader, GrokLines) else (stream.data, b"")
    left = cut.decode(errors="backslashreplace") or None
    last: Record | None = None
    for record in reader.records(data):
        if last:
            yield last
        last = record
    if last and stream.is_cut and last.text is None and not isinstance(reader, GrokLines):
        left = last.input
    elif last:
        yield last
    for fault in stream.faults:
        yield Record(None, fault, left)


def _batched(records: Iterator[Record]) -> Iterator[list[Record]]:
    some: list[Record] = []
    for record in records:
        some.append(record)
        if len(some) == BATCH_ROWS:
            yield some
            some = []
    if some:
        yield some


def _past_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _plain(value: Any) -> Any:
    """An Ion value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "text"):
        return [_plain(one) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, int | float):
        return value
    text = getattr(value, "text", value)  # symbols have one; nulls of a type say so by being false of everything
    return text if isinstance(text, str) else None
