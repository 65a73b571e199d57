"""Reading delimited text: what is readable is read, what is not is one error each, with line, text and reason."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest

from data.formats import Dialect
from data.objects import StoredObject
from etl import s3_source
from etl.csv_options import csv_dialect
from etl.delimited import BAD_ENCODING, BadRow, read_rows
from workspace.errors import UsageError

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


def test_a_damaged_gzip_stream_is_an_error_and_no_exception() -> None:
    content = bytearray(gzip.compress(b"a,b\n" + b"".join(b"%d,x%d\n" % (n, n * 7919) for n in range(50_000))))
    content[len(content) // 2] ^= 0xFF
    content[len(content) // 2 + 1] ^= 0xFF
    rows = read_rows(bytes(content), COLUMNS, HEADED)
    assert rows.bad[-1].reason.startswith("truncated gzip")


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
