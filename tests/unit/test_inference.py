"""What the crawler's classifiers make of objects, the hostile ones above all."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakelet.catalog.crawlers.csv_classifier import DELIMITERS
from lakelet.catalog.crawlers.sampling import classify
from lakelet.catalog.crawlers.schema import Array, Sample, Struct, Unreadable, glue_type, settle, widen
from lakelet.data.objects import StoredObject


def look(content: bytes, size: int | None = None, limit: int = 1 << 20) -> Sample | Unreadable:
    item = StoredObject("bronze", "t/file", len(content) if size is None else size, "etag")
    return classify(item, content[:limit], limit)


def types(content: bytes, **more: int) -> dict[str, str]:
    sample = look(content, **more)
    assert isinstance(sample, Sample), sample
    return {column.glue_name: glue_type(column.type) for column in sample.columns}


# -- CSV --------------------------------------------------------------------------------------------------------


def test_csv_types_are_those_of_glues_classifier() -> None:
    text = (
        "id,Share,late,name,big,time_hour,day,empty\n"
        "1,0.5,true,ann,9223372036854775807,2013-01-01T10:00:00Z,2013-01-01,\n"
        "-2,1e3,FALSE,bob,9223372036854775808,2013-01-01T11:00:00Z,2013-01-02,\n"
    )
    assert types(text.encode()) == {
        "id": "bigint", "share": "double", "late": "boolean", "name": "string", "big": "string",
        "time_hour": "string", "day": "string", "empty": "string",
    }  # fmt: skip


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_the_delimiter_is_found(delimiter: str) -> None:
    sample = look(f"a{delimiter}b{delimiter}c\n1{delimiter}x y{delimiter}2.5\n3{delimiter}z{delimiter}4\n".encode())
    assert isinstance(sample, Sample) and sample.delimiter == delimiter
    assert [glue_type(column.type) for column in sample.columns] == ["bigint", "string", "double"]


def test_quotes_embedded_newlines_and_delimiters_stay_in_their_cell() -> None:
    text = 'id,note\r\n1,"two\nlines, and a ""quote"""\r\n2,plain\r\n3,"last, one"\r\n'
    sample = look(text.encode())
    assert isinstance(sample, Sample) and sample.rows == 3 and not sample.complaints
    assert types(text.encode()) == {"id": "bigint", "note": "string"}


def test_a_stray_quote_does_not_swallow_the_file() -> None:
    lines = [f'{i},"broken' if i == 20 else f"{i},fine" for i in range(1000)]
    sample = look("\n".join(["id,name", *lines]).encode() + b"\n")
    assert isinstance(sample, Sample) and sample.rows == 1000
    assert [glue_type(column.type) for column in sample.columns] == ["bigint", "string"]


def test_without_a_heading_columns_are_numbered() -> None:
    sample = look(b"1,ann\n2,bob\n")
    assert isinstance(sample, Sample) and not sample.named and sample.header_lines == 0 and sample.rows == 2
    assert types(b"1,ann\n2,bob\n") == {"col0": "bigint", "col1": "string"}
    # All text: nothing tells the first row from the others.
    assert types(b"name,city\nann,rome\nbob,oslo\n") == {"col0": "string", "col1": "string"}


def test_a_heading_cell_of_150_characters_is_data() -> None:
    assert "col0" in types(f"{'x' * 150},n\nann,1\nbob,2\n".encode())


def test_repeated_and_empty_names_become_distinct() -> None:
    assert list(types(b"a,A,,b\n1,2,3,x\n4,5,6,y\n")) == ["a", "a_1", "col2", "b"]


def test_a_byte_order_mark_is_not_part_of_the_first_name() -> None:
    assert types(b"\xef\xbb\xbfid,n\n1,2\n3,4\n") == {"id": "bigint", "n": "bigint"}


def test_one_bad_value_in_two_hundred_is_an_accident_and_one_in_ten_is_not() -> None:
    def rows(count: int) -> bytes:
        return "".join(["id,n\n", *(f"{i},x\n" for i in range(count)), "7,n/a\n"]).replace(",x", ",1").encode()

    assert types(rows(200)) == {"id": "bigint", "n": "bigint"}
    assert types(rows(10)) == {"id": "bigint", "n": "string"}


def test_bigint_and_double_make_double() -> None:
    assert types(b"id,n\n1,1\n2,2.5\n") == {"id": "bigint", "n": "double"}


def test_rows_of_another_width_are_complained_about_and_do_not_count() -> None:
    sample = look(b"id,n\n1,1\n2\n3,3,extra\n4,4\n5,5\n6,6\n7,7\n")
    assert isinstance(sample, Sample) and sample.complaints == ("has 2 rows with another number of columns",)
    assert len(sample.columns) == 2


def test_bad_encoding_is_complained_about() -> None:
    sample = look(b"id,name\n1,N\xe9\xff\n2,ann\n3,bob\n4,eve eve eve\n")
    assert isinstance(sample, Sample) and sample.complaints == ("has 2 characters that are not UTF-8",)


def test_a_very_long_line_is_one_value() -> None:
    content = b"id,text\n1," + b"x" * 900_000 + b"\n2,short\n"
    assert types(content) == {"id": "bigint", "text": "string"}
    assert isinstance(look(b"a,b\n" + b"x" * 2_000_000, limit=1 << 20), Unreadable)


def test_a_row_cut_by_the_sample_is_not_looked_at() -> None:
    content = b"id,n\n" + b"".join(b"%d,%d\n" % (i, i) for i in range(1000)) + b"5,not a number"
    sample = look(content, limit=len(content) - 3)
    assert isinstance(sample, Sample) and not sample.whole and sample.rows == 1000
    assert {glue_type(column.type) for column in sample.columns} == {"bigint"}


# -- packing ----------------------------------------------------------------------------------------------------

ROWS = b"id,name\n" + b"".join(b"%d,name %d\n" % (i, i * 7919 % 1000) for i in range(5000))


def test_gzip_is_unpacked_and_many_members_are_one_file() -> None:
    sample = look(gzip.compress(ROWS))
    assert isinstance(sample, Sample) and (sample.compression, sample.rows, sample.whole) == ("gzip", 5000, True)
    two = look(gzip.compress(ROWS) + gzip.compress(b"5000,last\n"))
    assert isinstance(two, Sample) and two.rows == 5001 and two.size == len(ROWS) + 10


def test_truncated_gzip_gives_what_is_before_the_end() -> None:
    packed = gzip.compress(ROWS)
    sample = look(packed[: len(packed) // 2])
    assert isinstance(sample, Sample) and not sample.whole and 0 < sample.rows < 5000
    assert sample.complaints == ("is truncated gzip",)
    assert [glue_type(column.type) for column in sample.columns] == ["bigint", "string"]


def test_damaged_gzip_gives_what_is_before_the_damage() -> None:
    squeeze = zlib.compressobj(6, zlib.DEFLATED, 31)
    good = squeeze.compress(ROWS) + squeeze.flush(zlib.Z_FULL_FLUSH)
    sample = look(good + b"\xff" * 200)
    assert isinstance(sample, Sample) and sample.rows >= 4000 and "damaged gzip" in sample.complaints[0]
    assert isinstance(look(b"\x1f\x8b" + b"\x00" * 50), Unreadable)


def test_a_gzip_bomb_is_only_unpacked_to_the_limit() -> None:
    sample = look(gzip.compress(b"id,n\n" + b"1,2\n" * 5_000_000), limit=1 << 17)
    assert isinstance(sample, Sample) and sample.size <= 1 << 17 and not sample.whole


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"BZh91AY", "packed with bzip2"),
        (bytes(range(256)) * 20, "not text"),
        (b"only one column\nof text\n", "neither CSV"),
        (b"a,b\n", "neither CSV"),
        (b"{", "neither CSV"),
        (b"[[1,2],[3,4]]", "neither CSV"),
    ],
)
def test_what_nothing_recognises_has_a_reason(content: bytes, reason: str) -> None:
    found = look(content)
    assert isinstance(found, Unreadable) and reason in found.reason


# -- JSON -------------------------------------------------------------------------------------------------------


def test_json_types_are_those_of_glues_classifier() -> None:
    records = [
        {"i": 1, "l": 1, "d": 1, "s": "x", "b": True, "a": [1, None], "o": {"Lat": 1, "tags": ["x"]}, "n": None},
        {"i": 2, "l": 2**40, "d": 0.5, "s": "y", "b": False, "a": [2.5], "o": {"Lat": 1.5, "alt": 3}, "n": None},
    ]
    assert types("\n".join(map(json.dumps, records)).encode()) == {
        "i": "int", "l": "bigint", "d": "double", "s": "string", "b": "boolean", "a": "array<double>",
        "o": "struct<lat:double,tags:array<string>,alt:int>", "n": "string",
    }  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [b'{"a":1}\n{"a":2}\n', b'[{"a":1},\n {"a":2}]', b'{\n "a": 1\n}\n{\n "a": 2\n}\n', b'[{"a":1},{"a":2},{"a":'],
    ids=["lines", "array", "pretty", "cut array"],
)
def test_json_comes_in_several_forms(content: bytes) -> None:
    sample = look(content)
    assert isinstance(sample, Sample) and sample.format.name == "json" and sample.rows == 2
    assert types(content) == {"a": "int"}


def test_bad_json_lines_do_not_spoil_the_schema() -> None:
    lines = [json.dumps({"a": i, "b": "x"}) for i in range(300)] + ["{broken", '{"a": "text", "b": "y"}', "17"]
    sample = look("\n".join(lines).encode())
    assert isinstance(sample, Sample) and sample.rows == 301
    assert sample.complaints == ("has 2 lines that are not JSON objects",)
    assert types("\n".join(lines).encode()) == {"a": "int", "b": "string"}


def test_deep_json_ends() -> None:
    deep = b'{"a":' * 500 + b"1" + b"}" * 500
    assert types(b"\n".join([deep, deep]))["a"].startswith("struct<a:struct<")
    assert isinstance(look(b'{"a":' * 100_000), (Sample, Unreadable))


def test_keys_that_differ_in_case_are_one_column() -> None:
    assert types(b'{"Id":1,"id":2.5}\n{"ID":3}\n') == {"id": "double"}


# -- types, and any bytes at all --------------------------------------------------------------------------------

KINDS = st.recursive(
    st.sampled_from(["", "int", "bigint", "double", "string", "boolean", "date", "timestamp", "float"]),
    lambda inner: (
        st.builds(Array, inner)
        | st.lists(st.tuples(st.sampled_from("abc"), inner), min_size=1, unique_by=lambda f: f[0]).map(
            lambda fields: Struct(tuple(sorted(fields)))
        )
    ),
    max_leaves=6,
)


@given(KINDS, KINDS)
def test_widening_holds_both_and_settles(one: object, other: object) -> None:
    wide = widen(one, other)  # type: ignore[arg-type]
    assert widen(wide, one) == wide and widen(wide, other) == wide  # type: ignore[arg-type]
    assert glue_type(widen(one, one)) == glue_type(one)  # type: ignore[arg-type]


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 10_000)))
def test_settling_keeps_the_majority(counts: dict[str, int]) -> None:
    kept = settle(counts)
    assert bool(kept) == bool(counts)
    assert sum(counts[kind] for kind in counts if kind not in kept) <= sum(counts.values()) * 0.01
    assert not counts or max(counts.values()) in [counts[kind] for kind in kept]


@settings(max_examples=300)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\x1f\x8b\x08", b"{", b"[", b"a,b\n1,2\n", b"PAR1"]))
def test_no_bytes_stop_a_crawl(tail: bytes, start: bytes) -> None:
    assert isinstance(look(start + tail), (Sample, Unreadable))


@given(
    st.lists(
        st.tuples(st.integers(-(2**62), 2**62), st.floats(allow_nan=False), st.text(st.characters(codec="utf-8"))),
        min_size=2,
        max_size=20,
    )
)
def test_what_a_csv_writer_wrote_is_read_back(rows: list[tuple[int, float, str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("id", "x", "note"), *((i, float(x), f"~{note}") for i, x, note in rows)])
    content = text.getvalue().encode()
    found = look(content)
    assert isinstance(found, Sample) and [column.name for column in found.columns] == ["id", "x", "note"]
    assert glue_type(found.columns[0].type) == "bigint"
