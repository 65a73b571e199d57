"""Text that is no UTF-8, read as Hive does: what cannot be decoded becomes U+FFFD, and the row stays.

DuckDB refuses a whole file for one such byte. A statement that met one is run again, with those files written anew
into the worker's temporary folder.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb

from lakelet.query.scans import Plan, Scan

STEP = 1 << 20
GZIP = 31  # zlib's number for it


def as_utf8(connection: duckdb.DuckDBPyConnection, plan: Plan, folder: Path) -> Plan:
    """The plan with its CSV files read from ``folder`` where they are no UTF-8."""
    return replace(
        plan, scans=[_scan(connection, scan, folder) if scan.format == "csv" else scan for scan in plan.scans]
    )


def _scan(connection: duckdb.DuckDBPyConnection, scan: Scan, folder: Path) -> Scan:
    parts = [replace(part, files=[_file(connection, file, folder) for file in part.files]) for part in scan.parts]
    return replace(scan, parts=parts)


def _file(connection: duckdb.DuckDBPyConnection, file: str, folder: Path) -> str:
    row = connection.execute("SELECT content FROM read_blob(?)", [file]).fetchone()
    assert row is not None  # noqa: S101  a file that is gone raises
    content = bytes(row[0])
    if _is_utf8(content, file):
        return file
    # Below the same folders, whose names may spell partition values, but never outside of ours.
    target = folder / "utf-8" / file.rpartition("://")[2].lstrip("/").removesuffix(".gz")
    if ".." in target.parts:
        return file
    target.parent.mkdir(parents=True, exist_ok=True)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with open(target, "w", encoding="utf-8", newline="") as written:
        for piece in _plain(content, file):
            written.write(decoder.decode(piece))
        written.write(decoder.decode(b"", True))
    return str(target)


def _is_utf8(content: bytes, file: str) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in _plain(content, file):
            decoder.decode(piece)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _plain(content: bytes, file: str) -> Iterator[bytes]:
    """The content in pieces, without its compression; of a stream that breaks off, what there is."""
    if not file.endswith(".gz"):
        yield from (content[start : start + STEP] for start in range(0, len(content), STEP))
        return
    while content:
        stream = zlib.decompressobj(GZIP)
        while content and not stream.eof:
            yield stream.decompress(content, STEP)
            content = stream.unconsumed_tail
        content = stream.unused_data  # of the next member
