"""Rows of one delimited text object (CSV), each either readable or an error with its line, text and reason.

Good objects go through Arrow's reader; an object with anything wrong in it is read again, slowly and tolerantly, row
by row, so that one bad byte costs one row and not the file. Runs inside Spark's Python workers: no Spark here.
"""

from __future__ import annotations

import bz2
import csv
import io
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from data.formats import Dialect

WRONG_COLUMN_COUNT = "wrong column count"
BAD_ENCODING = "bad encoding"
TRUNCATED_GZIP = "truncated gzip"

_GZIP_MAGIC = b"\x1f\x8b"
_BZIP2_MAGIC = re.compile(rb"BZh[1-9]1AY&SY")


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
    """The rows of an object's bytes (compressed by gzip or bzip2 or not, told by their beginning).

    A gzip stream that ends early, or is damaged, gives the rows before the damage and one error row, whose text is
    what could be read of the row that was cut.
    """
    data, whole = _decompress(content)
    cut = b""
    if not whole:
        end = data.rfind(b"\n") + 1
        data, cut = data[:end], data[end:]
    rows = None if not whole else _read_fast(data, columns, dialect, attach_text)
    if rows is None:
        rows = _read_tolerantly(data, columns, dialect, attach_text)
    if not whole:
        line = data.count(b"\n") + 1
        rows.bad.append(BadRow(line, _visible(cut), f"{TRUNCATED_GZIP}: the stream ends in line {line}"))
    return rows


def decompressed(content: bytes) -> bytes:
    """An object's bytes, decompressed if need be; of a damaged stream what comes before the damage."""
    return _decompress(content)[0]


def first_row(content: bytes, dialect: Dialect) -> list[str]:
    """The fields of the first row of an object, of which the beginning is enough; none when there is no row."""
    data, _ = _decompress(content)
    return next(_reader(io.StringIO(data.decode("utf-8", errors="replace"), newline=""), dialect), [])


def _reader(lines: Iterable[str], dialect: Dialect) -> Any:
    """Python's CSV reader in that dialect; without a quote every line is a row."""
    escape = dialect.escape if dialect.escape != dialect.quote else None
    if not dialect.quote:
        return csv.reader(lines, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE, escapechar=escape)
    return csv.reader(
        lines, delimiter=dialect.delimiter, quotechar=dialect.quote, escapechar=escape, doublequote=escape is None
    )


def _decompress(content: bytes) -> tuple[bytes, bool]:
    """The bytes, and whether the stream was whole. Several gzip members may follow each other (RFC 1952, 2.2)."""
    if _BZIP2_MAGIC.match(content):
        return bz2.decompress(content), True
    if not content.startswith(_GZIP_MAGIC):
        return content, True
    parts = []
    while content.startswith(_GZIP_MAGIC):
        inflate = zlib.decompressobj(31)
        try:
            # In pieces: when one is damaged, what came before it is kept.
            for start in range(0, len(content), 65_536):
                parts.append(inflate.decompress(content[start : start + 65_536]))
                if inflate.eof:
                    content = inflate.unused_data + content[start + 65_536 :]
                    break
            else:
                return b"".join(parts), False
        except zlib.error:
            return b"".join(parts), False
    return b"".join(parts), True


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
