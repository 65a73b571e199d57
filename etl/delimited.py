"""Rows of one delimited text object (CSV), each either readable or an error with its line, text and reason.

Good objects go through Arrow's reader; an object with anything wrong in it is read again, slowly and tolerantly, row
by row, so that one bad byte costs one row and not the file. Runs inside Spark's Python workers: no Spark here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from lakelet.data.formats import Dialect
from lakelet.etl.compression import decompress

WRONG_COLUMN_COUNT = "wrong column count"
BAD_ENCODING = "bad encoding"


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read. ``line`` counts from 1; bytes that are no UTF-8 stand in ``text`` as ``\\xNN``."""

    line: int
    text: str
    reason: str


@dataclass
class Rows:
    """What one object holds: ``table`` has one string column per column asked for, empty fields null.

    ``lines`` and ``texts`` (when asked for) say where each row of the table stood and how it read.
    """

    table: Any  # pa.Table
    bad: list[BadRow] = field(default_factory=list)
    lines: Any = None  # pa.Array
    texts: Any = None  # pa.Array


def read_rows(content: bytes, columns: Sequence[str], dialect: Dialect, *, attach_text: bool = False) -> Rows:
    """The rows of an object's bytes, compressed by gzip or bzip2 or not.

    A compressed stream that is damaged gives all rows that can be read, and one error row for each fault, whose text
    is what there is of a row that was cut.
    """
    stream = decompress(content)
    data, cut = stream.lines()
    rows = _read_fast(data, columns, dialect, attach_text) if not stream.faults else None
    if rows is None:
        rows = _read_tolerantly(data, columns, dialect, attach_text)
    line = data.count(b"\n") + (stream.is_cut or not data.endswith(b"\n"))
    where = f": the stream ends in line {line}" if stream.is_cut else ""
    rows.bad += [BadRow(line, _visible(cut), fault + where) for fault in stream.faults]
    return rows


def first_row(content: bytes, dialect: Dialect) -> list[str]:
    """The fields of the first row of an object, of which the beginning is enough; none when there is no row."""
    data = decompress(content).data
    return next(_reader(io.StringIO(data.decode("utf-8", errors="replace"), newline=""), dialect), [])


def _reader(lines: Iterable[str], dialect: Dialect) -> Any:
    """Python's CSV reader in that dialect; without a quote every line is a row."""
    escape = dialect.escape if dialect.escape != dialect.quote else None
    if not dialect.quote:
        return csv.reader(lines, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE, escapechar=escape)
    return csv.reader(
        lines, delimiter=dialect.delimiter, quotechar=dialect.quote, escapechar=escape, doublequote=escape is None
    )


def _read_fast(data: bytes, columns: Sequence[str], dialect: Dialect, attach_text: bool) -> Rows | None:
    """The rows as Arrow reads them; None when anything is wrong, quoted or escaped, or rows are not one line each."""
    if any(one and one.encode() in data for one in (dialect.quote, dialect.escape)):
        return None
    if b"\n\n" in data or b"\r" in data or data.startswith(b"\n"):
        return None
    body = data
    for _ in range(dialect.header_lines):
        body = body[body.find(b"\n") + 1 :] if b"\n" in body else b""
    if not body:
        return _rows_of([], columns, [], [], attach_text)
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(body),
            arrow_csv.ReadOptions(column_names=list(columns), use_threads=False, block_size=max(len(body), 1 << 20)),
            arrow_csv.ParseOptions(delimiter=dialect.delimiter, quote_char=False),
            arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in columns}, null_values=[""], strings_can_be_null=True
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    first = dialect.header_lines + 1
    lines = pa.array(range(first, first + table.num_rows), pa.int64())
    texts = pa.array(body.decode().rstrip("\n").split("\n"), pa.string()) if attach_text else None
    return Rows(table, [], lines, texts)


def _read_tolerantly(data: bytes, columns: Sequence[str], dialect: Dialect, attach_text: bool) -> Rows:
    physical = data.splitlines(keepends=True)
    # latin-1 maps every byte to one character and back, so that the fields' own bytes can be judged one by one.
    reader = _reader((line.decode("latin-1") for line in physical), dialect)
    good: list[list[str | None]] = []
    lines: list[int] = []
    texts: list[str] = []
    bad: list[BadRow] = []
    start = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raw = b"".join(physical[start : reader.line_num]).rstrip(b"\r\n")
            bad.append(BadRow(start + 1, _visible(raw), f"unreadable row: {error}"))
            start = reader.line_num
            continue
        raw = b"".join(physical[start : reader.line_num]).rstrip(b"\r\n")
        line, start = start + 1, reader.line_num
        if line <= dialect.header_lines or not row:
            continue
        try:
            values = [value.encode("latin-1").decode() or None for value in row]
        except UnicodeDecodeError:
            bad.append(BadRow(line, _visible(raw), BAD_ENCODING))
            continue
        if len(row) != len(columns):
            bad.append(BadRow(line, _visible(raw), f"{WRONG_COLUMN_COUNT}: {len(row)}, expected {len(columns)}"))
            continue
        good.append(values)
        lines.append(line)
        texts.append(raw.decode())
    rows = _rows_of(good, columns, lines, texts, attach_text)
    rows.bad = bad
    return rows


def _rows_of(
    good: list[list[str | None]], columns: Sequence[str], lines: list[int], texts: list[str], attach_text: bool
) -> Rows:
    by_column = zip(*good, strict=True) if good else ([] for _ in columns)
    table = pa.table(
        [pa.array(values, pa.string()) for values in by_column],
        schema=pa.schema([(name, pa.string()) for name in columns]),
    )
    return Rows(table, [], pa.array(lines, pa.int64()), pa.array(texts, pa.string()) if attach_text else None)


def _visible(raw: bytes) -> str:
    return raw.decode("utf-8", errors="backslashreplace")
