"""Reading delimited text: what is readable is read, what is not is one error each, with line, text and reason."""

from __future__ import annotations

import bz2
import gzip
import zlib
from typing import Any

import pytest

from lakelet.data.formats import Dialect
from lakelet.data.objects import StoredObject
from lakelet.etl import s3_source
from lakelet.etl.csv_options import csv_dialect
from lakelet.etl.delimited import BAD_ENCODING, BadRow, read_rows
from lakelet.workspace.errors import UsageError

COLUMNS = ("a", "b")
HEADED = Dialect(header_lines=1)


def read(content: bytes, dialect: Dialect = HEADED) -> list[tuple[str | None, ...]]:
    rows = read_rows(content, COLUMNS, dialect)
    assert rows.bad == []
    return list(zip(*(column.to_pylist() for column in rows.table.columns), strict=True))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_good_rows(pack) -> None:  # type: ignore[no-untyped-def]
    assert read(pack(b"a,b\n1,x\n,\n3,\xc3\xa9\n")) == [("1", "x"), (None, None), ("3", "é")]


def test_gzip_members_one_after_the_other() -> None:
    assert read(gzip.compress(b"a,b\n1,x\n") + gzip.compress(b"2,y\n")) == [("1", "x"), ("2", "y")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a,b\n", []),
        (b"a,b", []),
        (b"a,b\n1,x", [("1", "x")]),
        (b"a,b\r\n1,x\r\n", [("1", "x")]),
        (b"a,b\n\n1,x\n\n", [("1", "x")]),
        (b'a,b\n"1,0","x ""y"""\n', [("1,0", 'x "y"')]),
        (b'a,b\n1,"two\nlines"\n2,y\n', [("1", "two\nlines"), ("2", "y")]),
    ],
)
def test_shapes_of_text(content: bytes, expected: list[tuple[str, ...]]) -> None:
    assert read(content) == expected


def test_line_numbers_and_texts_count_physical_lines() -> None:
    rows = read_rows(b'a,b\n1,"two\nlines"\n\n2,y\n', COLUMNS, HEADED, attach_text=True)
    assert rows.lines.to_pylist() == [2, 5]
    assert rows.texts.to_pylist() == ['1,"two\nlines"', "2,y"]
    fast = read_rows(b"a,b\n1,x\n2,y\n", COLUMNS, HEADED, attach_text=True)
    assert (fast.lines.to_pylist(), fast.texts.to_pylist()) == ([2, 3], ["1,x", "2,y"])


def test_bad_rows_cost_themselves_only() -> None:
    rows = read_rows(b"a,b\n1,x\n2\n3,y,z\n4,\xff\n5,v\n", COLUMNS, HEADED)
    assert rows.table.to_pydict() == {"a": ["1", "5"], "b": ["x", "v"]}
    assert rows.bad == [
        BadRow(3, "2", "wrong column count: 1, expected 2"),
        BadRow(4, "3,y,z", "wrong column count: 3, expected 2"),
        BadRow(5, "4,\\xff", BAD_ENCODING),
    ]


def test_a_truncated_gzip_stream_gives_what_came_before_and_one_error() -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    content = squeeze.compress(b"a,b\n1,x\n2,y\n3,") + squeeze.flush(zlib.Z_SYNC_FLUSH)
    rows = read_rows(content, COLUMNS, HEADED)
    assert rows.table.to_pydict() == {"a": ["1", "2"], "b": ["x", "y"]}
    assert rows.bad == [BadRow(4, "3,", "truncated gzip: the stream ends in line 4")]


NUMBERED = b"a,b\n" + b"".join(b"%d,x%d\n" % (n, n * 7919) for n in range(5000))
LAST = 5001  # the line of the last row


def delivered(content: bytes) -> tuple[int, list[BadRow]]:
    """How many of the numbered rows are read, all of them right, and the error rows."""
    rows = read_rows(content, COLUMNS, HEADED)
    table = rows.table.to_pydict()
    assert table == {"a": [str(n) for n in range(rows.table.num_rows)], "b": [f"x{int(n) * 7919}" for n in table["a"]]}
    return rows.table.num_rows, rows.bad


@pytest.mark.parametrize(("at", "what"), [(-8, "checksum (CRC)"), (-4, "size")])
def test_a_wrong_gzip_trailer_costs_no_row(at: int, what: str) -> None:
    content = bytearray(gzip.compress(NUMBERED))
    content[at] ^= 0xFF
    fault = f"damaged gzip: wrong {what}, values may be wrong"
    assert delivered(bytes(content)) == (5000, [BadRow(LAST, "", fault)])
    more = gzip.compress(b"5000,x39595000\n")
    assert delivered(bytes(content) + more) == (5001, [BadRow(LAST + 1, "", fault)])


def test_a_last_row_without_an_end_of_line_is_no_cut_row() -> None:
    content = bytearray(gzip.compress(NUMBERED[:-1]))
    content[-8] ^= 0xFF
    count, (bad,) = delivered(bytes(content))
    assert (count, bad.line, bad.text) == (5000, LAST, "")


@pytest.mark.parametrize("end", [b"\0" * 512, b""])
def test_zeros_after_the_end_are_padding(end: bytes) -> None:
    assert delivered(gzip.compress(NUMBERED) + end) == (5000, [])
    assert delivered(bz2.compress(NUMBERED) + end) == (5000, [])


@pytest.mark.parametrize(("pack", "kind"), [(gzip.compress, "gzip"), (bz2.compress, "bzip2")])
def test_other_bytes_after_the_end_are_an_error(pack, kind: str) -> None:  # type: ignore[no-untyped-def]
    fault = f"trailing bytes: 7 after the end of the {kind} stream are not {kind}"
    assert delivered(pack(NUMBERED) + b"garbage") == (5000, [BadRow(LAST, "", fault)])


@pytest.mark.parametrize("kept", [2, 7, 40, 5000, -9, -8, -1])
def test_every_row_before_a_gzip_stream_ends_is_read(kept: int) -> None:
    packed = gzip.compress(NUMBERED)[:kept]
    whole = zlib.decompressobj(31).decompress(packed)
    count, (bad,) = delivered(packed)
    assert count == max(whole.count(b"\n") - 1, 0)
    assert bad.reason == f"truncated gzip: the stream ends in line {whole.count(chr(10).encode()) + 1}"
    assert bad.text == whole[whole.rfind(b"\n") + 1 :].decode()


def test_every_row_before_damage_is_read() -> None:
    squeeze = zlib.compressobj(6, zlib.DEFLATED, 31)
    content = squeeze.compress(NUMBERED[:-4]) + squeeze.flush(zlib.Z_FULL_FLUSH) + b"\xff" * 8  # no such block
    assert delivered(content) == (
        4999,
        [BadRow(LAST, "4999,x39587", "damaged gzip: invalid block type: the stream ends in line 5001")],
    )


def test_a_header_that_is_none_is_told_as_such() -> None:
    rows = read_rows(b"\x1f\x8b\x07" + b"a,b\n1,x\n" * 3, COLUMNS, HEADED)
    assert rows.table.num_rows == 0
    assert [bad.reason.partition(":")[0] for bad in rows.bad] == ["not gzip"]


def test_headers_of_gzip_may_have_names_and_comments() -> None:
    plain = gzip.compress(NUMBERED)
    extra = b"\x1f\x8b\x08\x1e" + plain[4:10] + b"\x03\x00abc" + b"name\0" + b"comment\0" + b"\0\0"
    assert delivered(extra + plain[10:]) == (5000, [])


def test_blocks_of_damaged_bzip2_before_the_damage_are_read() -> None:
    packed = bytearray(bz2.compress(NUMBERED, 1) + bz2.compress(b"5000,x39595000\n"))
    packed[-4] ^= 0xFF  # of the last stream's checksum
    count, bad = delivered(bytes(packed))
    assert (count, len(bad)) == (5001, 1)
    assert bad[0].reason.startswith("damaged bzip2: ")
    assert delivered(bz2.compress(NUMBERED)[:-10])[1][0].reason.startswith("truncated bzip2")


def test_other_dialects() -> None:
    assert read(b"1;'x;y'\n", Dialect(delimiter=";", quote="'", escape="'")) == [("1", "x;y")]
    assert read(b'1,"x\\"y"\n', Dialect(escape="\\")) == [("1", 'x"y')]


def test_a_value_reads_the_same_whatever_the_other_rows_hold() -> None:
    dialect = Dialect(escape="\\")
    assert read(b"1,x\\\\y\n", dialect) == read(b'1,x\\\\y\n2,"q"\n', dialect)[:1] == [("1", "x\\y")]


def test_csv_options_as_a_dialect() -> None:
    assert csv_dialect({}, header_lines=0) == Dialect()
    given = {"separator": ";", "quoteChar": "'", "escaper": "\\"}
    assert csv_dialect(given, header_lines=1) == Dialect(";", "'", "\\", 1)
    assert csv_dialect({"quoteChar": "'"}, header_lines=0).escape == "'"


@pytest.mark.parametrize("given", [-1, "-1"])
def test_without_a_quote_every_line_is_a_row(given: Any) -> None:
    dialect = csv_dialect({"quoteChar": given}, header_lines=0)
    assert dialect == Dialect(",", "", "", 0)
    assert read(b'"1,2"\n3,4\n', dialect) == [('"1', '2"'), ("3", "4")]


@pytest.mark.parametrize("options", [{"separator": "||"}, {"separator": ""}, {"escaper": "§"}])
def test_csv_options_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        csv_dialect(options, header_lines=0)


def test_every_header_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {
        "in/_SUCCESS": b"x", "in/0.csv": b"", "in/1.csv": b"a,b\n1,2\n", "in/2.csv.gz": gzip.compress(b"a,b\n3,4\n"),
    }  # fmt: skip
    stored = [StoredObject("lake", key, len(content), "") for key, content in contents.items()]
    monkeypatch.setattr(s3_source, "beginning", lambda context, one: contents[one.key])
    context: Any = None
    assert s3_source._header(context, stored, HEADED, with_header=True) == ["a", "b"]
    assert s3_source._header(context, stored, Dialect(), with_header=False) == ["col0", "col1"]
    contents["in/2.csv.gz"] = gzip.compress(b"b,a\n3,4\n")
    with pytest.raises(UsageError, match=r"in/1\.csv .* a, b and .*in/2\.csv\.gz has b, a"):
        s3_source._header(context, stored, HEADED, with_header=True)


def test_objects_in_subfolders_are_told_from_direct_ones() -> None:
    keys = ("in/a.csv", "in/day=1/b.csv", "in2/c.csv", "one.csv")
    stored = [StoredObject("lake", key, 1, "") for key in keys]
    assert [one.key for one in s3_source._direct(stored, ["s3://lake/in/", "s3://lake/one.csv"])] == [
        "in/a.csv",
        "one.csv",
    ]
