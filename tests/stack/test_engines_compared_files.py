"""Spark and Sail read and write files, option by option: a matrix, each case on both, compared with each other. What an
engine has to answer is not written down; a case may be refused by name on Sail, before it starts or by a value."""

from __future__ import annotations

import bz2
import contextlib
import csv
import gzip
import io
import itertools
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from awsglue.dynamicframe import DynamicFrame
from awsglue.transforms import ResolveChoice
from lakelet.catalog.glue import Glue
from lakelet.data.formats import BY_NAME, storage_descriptor
from lakelet.data.objects import list_objects
from lakelet.data.partitions import escape
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import objects, reading
from lakelet.etl.sail.csv_rows import CsvRead
from tests.compared import ENGINES, outcome, require_refused, require_the_same, tried
from tests.lake import Lake, own_lake
from tests.spark import lake_on

pytestmark = pytest.mark.stack

TEXTS = (
    "", None, "a", "  ", "\t x\t", "#a", " #x", '"', 'a"b', '"a"', "\\", "a\\", 'a\\"b', "a,b", "a;b|c", "a\tb",
    "line\nfeed", "x\n", "\nx", "cr\rx", "a\r\nb", "\u00a0n", "é日", "NULL", "it's", "x\\,y", '""', "\x01c",
)  # fmt: skip
DOUBLES = (1.5, 1e-7, 1e-3, 9.99e-4, 1e16, 1e7, 9999999.0, 12345678.9, float("nan"), float("inf"), -float("inf"), -0.0)
VALUES = [
    "cast(id as int) i",
    "d",
    "cast(d as float) f",
    "cast(id as decimal(6, 2)) dec",
    "date_add(date'1899-12-31', id * 5000) dt",
    "timestamp'1969-12-31 23:59:59.5' ts",
    "timestamp_ntz'2024-02-29 12:34:56.123456' n",
    "id % 2 = 0 b",
]
NESTED = [
    "named_struct('d', d, 'ts', timestamp'2024-01-01 01:02:03.456789', 'no', cast(null as int), 'a', array(1)) st",
    "array(timestamp'2024-01-01 01:02:03.456789', null) ts", "array(named_struct('x', s)) ss",
    "map('k', cast(null as int)) m", "cast(null as array<int>) na", "array(double('NaN'), 1.5D) ds",
    "cast(s as binary) bin", "if(id = 1, null, named_struct('x', d)) ns",
]  # fmt: skip


class Place:
    """Where a case runs: an engine, and a bucket of its own."""

    def __init__(self, lake: Lake) -> None:
        self.lake, self.glue, self.spark = lake, lake.glue, lake.glue.spark_session
        self.folders = 0

    def folder(self) -> str:
        self.folders += 1
        return f"case-{self.folders}"

    def uri(self, folder: str) -> str:
        return self.lake.uri(folder).replace("s3:", "s3a:")

    def put(self, content: bytes | str, name: str = "a.txt") -> str:
        folder = self.folder()
        self.lake.put(f"{folder}/{name}", content)
        return self.uri(folder)

    def objects(self, folder: str) -> list[tuple[str, str]]:
        """The suffix and the content of each object."""
        found = []
        for one in list_objects(self.lake.client, self.lake.name, f"{folder}/"):
            body = self.lake.client.get_object(Bucket=self.lake.name, Key=one.key)["Body"].read()
            place, _, name = one.key.removeprefix(folder).rpartition("/")
            suffix = re.sub(r"^.*?(\.c000)?(\.[a-z].*)?$", r"\2", name)
            unpacked = {"gz": gzip.decompress, "bz2": bz2.decompress}.get(suffix.rpartition(".")[2], bytes)(body)
            found.append((f"{place}/{suffix}", unpacked.decode()))
        return sorted(found)


Case = Callable[[Place], Any]
CASES: dict[str, Case] = {}
REFUSED: dict[str, Case] = {}  # answered by Spark alone
BY_VALUE: dict[str, Case] = {}  # the same, when a value is met
FAILING: dict[str, Case] = {}  # on Spark, and refused on Sail


def written(
    format: str,
    columns: list[str],
    options: dict[str, Any],
    keys: tuple[str, ...] = (),
    where: str = "true",
    *,
    legible: bool = True,
) -> Case:
    """A write, and what lies there then; what is not ``legible`` is not looked at."""

    def case(place: Place) -> Any:
        rows = [(at, text, DOUBLES[at % len(DOUBLES)]) for at, text in enumerate(TEXTS)]
        made = place.spark.createDataFrame(rows, "id int, s string, d double").coalesce(1)
        made = made.where(where).selectExpr(*columns)
        folder = place.folder()
        made.write.partitionBy(*keys).format(format).options(**options).save(place.uri(folder))
        return place.objects(folder) if legible else None

    return case


def slashes(place: Place) -> Any:
    """Scripts join ``s3://bucket/silver/`` and ``/flights``, which is one folder to Hadoop."""
    folder = place.folder()
    path = place.uri(folder).removesuffix("/") + "//in//"
    rows = place.spark.range(3).coalesce(1)
    rows.write.parquet(path)
    place.glue.write_dynamic_frame.from_options(
        DynamicFrame.fromDF(rows, place.glue, "more"), "s3", {"path": path}, "parquet"
    )
    frame = place.glue.create_dynamic_frame.from_options("s3", {"paths": [path]}, "parquet")
    return sorted(place.spark.read.parquet(path).collect()), sorted(frame.toDF().collect())


CASES["slashes that follow each other"] = slashes


def by_pattern(*patterns: str, format: str = "json", schema: str | None = None) -> Case:
    """What is read by patterns of months and days, some of whose objects Spark passes over."""

    def case(place: Place) -> Any:
        folder = place.folder()
        for number, name in enumerate(
            (
                "month=1/day=1/a.json", "month=1/day=2/b.json", "month=2/day=1/a.json", "month=2/day=1/_b.json",
                "month=12/a.json", "flat/a.json", "flat/b.jsonl", "flat/.c.json", "flat/sub/d.json", "a.json",
            )
        ):  # fmt: skip
            place.lake.put(f"{folder}/{name}", f'{{"n": {number}}}\n')
        read = place.spark.read.load([place.uri(folder) + one for one in patterns], format, schema)
        return read.columns, sorted(map(tuple, read.collect()))

    return case


for _patterns in (
    ("month=*/day=*/",), ("month=*/day=*/*.json",), ("month=[1-2]/day=1",), ("month=?/day=2/?.json",),
    ("flat/*.json*",),
    ("{flat,nothing}/[!b]*.json",), ("*.json",), ("flat/*",), ("month=1*/a.json", "flat/b.jsonl"), ("mo*h=2/*/*",),
    ("month=1/*", "*.json"), ("month=[^1]/day=*",),
):  # fmt: skip
    CASES[f"read by the patterns {_patterns}"] = by_pattern(*_patterns)
CASES["read by a pattern and a schema"] = by_pattern("month=*/day=*/*.json", schema="n int, x string")
CASES["read text by a pattern"] = by_pattern("flat/*.json", format="text")
_OF_TEXTS: tuple[dict[str, Any], ...] = (
    {}, {"header": True}, {"sep": ";"}, {"sep": "|", "header": True}, {"delimiter": "\\t"}, {"quote": "'"},
    {"quote": ""},
    {"escape": '"'}, {"escape": "$"}, {"quoteAll": True, "header": True}, {"nullValue": "NULL"}, {"nullValue": "\\N"},
    {"emptyValue": ""}, {"emptyValue": "E,E"}, {"nullValue": "N", "emptyValue": "E", "quoteAll": True},
    {"escapeQuotes": False}, {"charToEscapeQuoteEscaping": "$"}, {"comment": "a"},
    {"ignoreLeadingWhiteSpace": False, "ignoreTrailingWhiteSpace": False}, {"ignoreTrailingWhiteSpace": False},
    {"compression": "gzip", "header": True}, {"codec": "bzip2", "header": True}, {"compression": "none"},
    {"encoding": "UTF-8"}, {"lineSep": "\n"}, {"multiLine": True}, {"unknown": "x"},
)  # fmt: skip
_OF_VALUES: tuple[dict[str, Any], ...] = (
    {}, {"sep": "-"}, {"sep": "1", "header": True}, {"quoteAll": True}, {"nullValue": "-"},
    {"dateFormat": "dd/MM/yyyy"},
    {"timestampFormat": "yyyy/MM/dd HH:mm"}, {"timestampNTZFormat": "HH:mm"},
)  # fmt: skip
_OF_JSON: tuple[dict[str, Any], ...] = (
    {}, {"ignoreNullFields": False}, {"dateFormat": "dd/MM/yyyy"}, {"timestampFormat": "yyyy/MM/dd HH:mm"},
    {"compression": "gzip"}, {"codec": "gzip"}, {"encoding": "UTF-8"},
)  # fmt: skip
for _options in _OF_TEXTS:
    CASES[f"write csv, texts, {_options}"] = written("csv", ["s", 's as `t"x`', "id"], _options)
    CASES[f"write csv, one text, {_options}"] = written("csv", ["s"], _options)
for _options in _OF_VALUES:
    CASES[f"write csv, values, {_options}"] = written("csv", VALUES, _options)
for _options in _OF_JSON:
    CASES[f"write json, texts, {_options}"] = written("json", ["id", "s", 's as `q"é`'], _options)
    CASES[f"write json, values, {_options}"] = written("json", VALUES, _options)
    CASES[f"write json, nested, {_options}"] = written("json", NESTED, _options)
for _options in ({}, {"compression": "gzip"}, {"lineSep": "|"}):
    CASES[f"write text, {_options}"] = written("text", ["s"], _options, where="s is not null")
for _format, _columns in (("csv", ["s", "d"]), ("json", ["s", "d"]), ("text", ["s"])):
    for _options in ({}, {"header": True}, {"compression": "gzip"}):
        CASES[f"write no rows, {_format}, {_options}"] = written(_format, _columns, _options, where="id < 0")
CASES["write csv by keys"] = written("csv", ["s", "d", "id % 3 k"], {"header": True}, ("k",))
CASES["write json by keys"] = written("json", ["s", "d", "id % 3 k"], {}, ("K",))
CASES["write no rows by keys"] = written("csv", ["s", "id k"], {"header": True}, ("k",), "id < 0")
for _format, _options in (
    ("csv", {"sep": "||"}), ("csv", {"lineSep": "\r\n"}), ("csv", {"encoding": "UTF-16"}), ("csv", {"locale": "de"}),
    ("csv", {"timeZone": "America/New_York"}), ("csv", {"maxRecordsPerFile": 2}), ("csv", {"compression": "deflate"}),
    ("json", {"lineSep": "|"}), ("json", {"encoding": "UTF-16LE"}), ("json", {"pretty": True}),
    ("json", {"timeZone": "America/New_York"}), ("json", {"writeNonAsciiCharacterAsCodePoint": True}),
    ("json", {"maxRecordsPerFile": 2}), ("text", {"lineSep": "\r\n"}),
):  # fmt: skip
    REFUSED[f"write {_format}, {_options}"] = written(_format, ["s"], _options, where="s is not null", legible=False)
REFUSED["write csv, an interval"] = written("csv", ["id", "interval '1' day a"], {})
for _key in ("date'2024-01-01'", "timestamp'2024-01-01 10:00:00'", "named_struct('x', 1)", "cast(1 as decimal(20,10))"):
    REFUSED[f"write json, a map by {_key}"] = written("json", ["id", f"map({_key}, id) m"], {}, legible=False)


def no_rows_of_parquet(place: Place) -> Any:
    folder = place.folder()
    place.spark.range(3).selectExpr("id", *VALUES[5:], "array(id) a", "named_struct('x', 1.5D) st").where(
        "id < 0"
    ).write.parquet(place.uri(folder))
    return outcome(place.spark.read.parquet(place.uri(folder)))


CASES["write no rows, parquet"] = no_rows_of_parquet


def read(format: str, content: bytes | str, options: dict[str, Any], schema: str = "", name: str = "a.txt") -> Case:
    def case(place: Place) -> Any:
        reader = place.spark.read.format(format).options(**options)
        return outcome((reader.schema(schema) if schema else reader).load(place.put(content, name)))

    return case


H, INFERRED = {"header": True}, {"header": True, "inferSchema": True}
CSV = {
    "plain": 'a,b,c,d\n1,x,1.5,2024-01-31\n2,,2.5,\n3,"q,r",,2024-02-29\n',
    "CR LF": "a,b\r\n1,x\r\n2,y\r\n",
    "BOM": "\ufeffa,b\n1,x\n",
    "times": "a,b,c\n2024-01-31,2024-01-31 10:00:00,2024-01-31T10:00:00Z\n2024-02-01,,2024-02-01\n",
    "booleans": "a,b\ntrue,1\nFALSE,\n",
    "header alone": "a,b\n",
    "no name": "a,,c\n1,2,3\n",
    "long": "a\n" + "1\n" * 1500 + "1.5\n",
    "late text": "a,b\n" + "1,1\n" * 1500 + "x,1\n",
    "zeros": "a,b\n007,1_000\n-0,0x10\n",
    "empty": "",
}
for _name, _content in CSV.items():
    for _options in ({}, H, INFERRED):
        CASES[f"read csv, {_name}, {_options}"] = read("csv", _content, _options)
for _content, _options in (
    ("a;b\n1;x\n2;\'y;z\'\n", {"sep": ";", "quote": "'"}), ("a\tb\n1\tx\n", {"sep": "\\t"}),
    ("a\tb\n1\tx\n", {"delimiter": "\t"}), ('a,b\n1,"x""y"\n2,\\z\n', {"escape": '"'}),
    ('a,b\n1,"x\ny"\n', {"multiLine": True}), ('a,b\n1,"x\ny""z"\n', {"multiLine": True, "escape": '"'}),
    ("a,b\n1,NULL\n2,\n3,N\n", {"nullValue": "NULL"}), ("a,b\n1,\\N\n2,\\x\n", {"nullValue": "\\N"}),
    ("a,b\n1,x\n#c,d\n", {"comment": "#"}),
    ('a,b\r\n1,"x,y"\r\n,5"\r\n', {"multiLine": True}), (CSV["plain"], {"encoding": "utf-8", "mode": "PERMISSIVE"}),
    (CSV["plain"], {"compression": "gzip"}), (CSV["plain"], {"ignoreLeadingWhiteSpace": False, "emptyValue": ""}),
    (CSV["plain"], {"HEADER": "false", "dateFormat": "yyyy-MM-dd", "foo": "bar"}),
):  # fmt: skip
    CASES[f"read csv, {_content!r}, {_options}"] = read("csv", _content, {**H, **_options})
for _schema in ("a int, b string, c double, d date", "a bigint, b string, c decimal(5,1), d string",
"A string, B string, "
                "c float, d timestamp"):  # fmt: skip
    CASES[f"read csv, {_schema}"] = read("csv", CSV["plain"], H, _schema)
CASES["read csv, gzip"] = read("csv", gzip.compress(CSV["plain"].encode()), H, name="a.csv.gz")
for _options in (
    {"dateFormat": "dd/MM/yyyy"}, {"timestampFormat": "dd/MM/yyyy HH:mm"}, {"encoding": "latin1"}, {"lineSep": "|"},
    {"ignoreLeadingWhiteSpace": True}, {"ignoreTrailingWhiteSpace": True}, {"quote": ""}, {"escape": "$"},
    {"sep": "||"},
    {"charToEscapeQuoteEscaping": "$"}, {"emptyValue": "E"}, {"samplingRatio": 0.5}, {"locale": "de"},
    {"timeZone": "America/New_York"}, {"enforceSchema": False}, {"mode": "DROPMALFORMED"}, {"positiveInf": "x"},
    {"nanValue": "x"}, {"preferDate": False}, {"inferSchema": True, "nullValue": "x"}, {"pathGlobFilter": "*"},
    {"unescapedQuoteHandling": "STOP_AT_DELIMITER"}, {"modifiedAfter": "2020-01-01T00:00:00"},
):  # fmt: skip
    REFUSED[f"read csv, {_options}"] = read("csv", "a,b\n1,x\n", {**H, **_options})
CASES["infer csv, exponents"] = read("csv", "a,b\n1e3,1\n2,2.5\n", INFERRED)
for _content in ("a,b\n 1,x\n2 ,y\n", "a\n99999999999999999999\n", "a\n2024-01-31T10:20\n2024-01-31\n"):
    REFUSED[f"infer csv, {_content!r}"] = read("csv", _content, INFERRED)
CASES["read csv, nullValue of a number"] = read(
    "csv", "a,b\nx,1.5\n1,x\n,\n", {**H, "nullValue": "x"}, "a int, b double"
)
REFUSED["read csv, nullValue of bytes"] = read("csv", "a\nx\n1\n", {**H, "nullValue": "x"}, "a binary")
LINES = {  # by the number of their texts, lines that both engines take for the same; what they are is not written down
    size: [
        line
        for signs in range(1, 6)
        for line in map("".join, itertools.product('a,"\\ ', repeat=signs))
        if re.match(CsvRead().agreed(), line) and len(next(csv.reader([line]))) == size
    ]
    for size in (1, 2, 3)
}
for _size, _lines in LINES.items():
    _content = "".join(f"{at},{line}\n" for at, line in enumerate(_lines))
    _schema = ", ".join(f"c{at} string" for at in range(_size + 1))
    CASES[f"read csv, {len(_lines)} lines of {_size} and a number"] = read("csv", _content, {}, _schema)
CASES["read csv, quotes and backslashes as other signs"] = read(
    "csv", 'a,b\n1,5" pipe\n2,C:\\dir\\\n3,x\\\\y\n4,"a\\b"\n5,""\n6,x"y"\n', H
)
CASES["read csv, numbers without blanks by a schema"] = read(
    "csv", "a,b,c\n1, 2,NaN\n-3,x y,\n", H, "a int, b string, c double"
)
CASES["read csv, what is no whole number"] = read(
    "csv",
    'a,b,c,d\nx, 1,1 ,+5\ny,1.5,99999999999,-0\nz,"7"," 7",007\n,,x,300\n',
    H,
    "a string, b int, c bigint, d tinyint",
)
BY_VALUE["read csv, digits of others"] = read("csv", "a,b\nx,٣\n", H, "a string, b int")
CASES["read csv, infinity"] = read("csv", "a,b\nInf,x\n-Inf,y\nNaN,z\n", H, "a double, b string")
CASES["read csv, doubles"] = read(
    "csv",
    'a,b,c\ninf,x,nan\n+Inf,y,NaN\n"inf",z,"NaN"\n iNf,,INFINITY\n1e999, ,+Infinity\n'
    " 1.5 ,-,.5e-3\n1.,1.5.2,+7\n-Inf,x,x\n",
    H,
    "a double, b double, c float",
)
for _text in ("1.5d", "0x1p3", "+NaN", " NaN", "Infinity "):
    BY_VALUE[f"read csv, the double {_text!r}"] = read("csv", f"a,b\n{_text},x\n", H, "a double, b string")
CASES["read csv, decimals and dates"] = read(
    "csv",
    'a,b,c\n19.995,2024-01-31,1\n"1,234.5,",,",1"\n0.005,20240101,1e3\n-2.675,2024-1-5,99999\n'
    " 1,x,1.\n123456789012,2024-02-30,.5\n",
    H,
    "a decimal(10,2), b date, c decimal(4,0)",
)
_TIMES = """a,b,c,d
2024-01-31 10:20:60,2024-01-31T10:20:30Z,TRUE,1
2024-01-31 10:20:59.1234567,2024-01-31T1:2:3.5,false,2
2024-01-31T10:20:30+01:00,2024-01-31 10:20 Europe/Paris,t,3
 2024-2-5 ,2024-02,1,4
2024-02-30,20240131,,5
10:20:30x,now,yes,6
"""
CASES["read csv, times and truth"] = read("csv", _TIMES, H, "a timestamp, b timestamp_ntz, c boolean, d int")
CASES["read csv, times in a zone are no others"] = read("csv", "a,b\n2024-01-31T10:20:30Z,x\n", INFERRED)
for _text, _kind in (("2024-01-31GMT", "timestamp"), ("2024-01-31GMT", "date")):
    BY_VALUE[f"read csv, {_text} as {_kind}"] = read("csv", f"a,b\n{_text},x\n", H, f"a {_kind}, b string")
BY_VALUE["read csv, a zone after 2099"] = read(
    "csv", "a,b\n2124-07-01 10:00:00 Europe/Paris,x\n", H, "a timestamp, b string"
)
BY_VALUE["read csv, a date of a year of seven digits"] = lambda place: outcome(
    place.spark.read.schema("a date, b string").csv(place.put("2024013,x\n")).selectExpr("cast(a as string)")
)
BY_VALUE["read csv, a number over two lines"] = read(
    "csv", 'a,b\n"5\n",x\n7,y\n', {**H, "multiLine": True}, "a int, b string"
)
CASES["infer csv, 19 digits"] = read("csv", "a,b\n1234567890123456789,1\n2,2\n", INFERRED)
CASES["infer csv, nothing in quotes"] = read("csv", 'a,b\n"",1\n2,2\n', INFERRED)
REFUSED["read csv, a quote as the escape of another"] = read("csv", "a,b\n1,x\n", {**H, "quote": "'", "escape": '"'})
CASES["read csv, a null's word over lines"] = read("csv", "a,b\n-,x\n", {**H, "nullValue": "-", "multiLine": True})
CASES["read csv, a partition that is called as a line"] = read("csv", "a,b\n1,x\n", H, name="value=3/a.csv")
CASES["read csv, quotes in a line that is none"] = read("csv", 'a,b\n#"x"y\n1,"x"\n', {**H, "comment": "#"})
_DOUBTFUL = ('a\n"x""y"\n', 'a\n"x\\"y"\n', 'a\n"x\\\\y"\n', 'a,b\n"x\\",1\n')
REFUSED["read csv, a line of blanks"] = read("csv", "a\n \nx\n", H)
REFUSED["read csv, a line of separators that are blanks"] = read("csv", "a\tb\n1\tx\n\t\n", {**H, "sep": "\\t"})
REFUSED["read csv, a name that is null"] = read("csv", "N,b\n1,x\n", {**H, "nullValue": "N"})
CASES["read csv, lines that are empty"] = read("csv", "a\r\n\r\n1\r\n", H)
for _content in (*_DOUBTFUL, 'a,b\n"x\ny",1\n', 'a,b\n"x"y,1\n', 'a,b\n"x" ,1\n', "a,b\nx\ry,1\n"):
    REFUSED[f"read csv, {_content!r}"] = read("csv", _content, H)
for _content in (*_DOUBTFUL, 'a,b\n"x"y,1\n', 'a,b\n"x\r\ny",1\n', 'a\nx\n"y" z\n', 'a,b\r\n"x\ny",1\r\n', "a\nx\r\n"):
    REFUSED[f"read csv over lines, {_content!r}"] = read("csv", _content, {**H, "multiLine": True})
REFUSED["read csv, a quote alone within quotes"] = read("csv", 'a,b\n"x"y,1\n', {**H, "escape": '"'})
REFUSED["read csv, nothing in quotes beside a word for null"] = read("csv", 'a,b\n"",1\n', {**H, "nullValue": "N"})


def as_large(case: Case, beginning: int) -> Case:
    """The same of objects that count as large, of which so many bytes are looked at for quotes."""

    def patched(place: Place) -> Any:
        with mock.patch.object(reading, "LOOKED_THROUGH", -1), mock.patch.object(objects, "BEGINNING", beginning):
            return case(place)

    return patched


_TYPED = "a int, b string, c double, d date"
for _name in ("plain", "no name", "times", "long", "zeros", "CR LF"):
    for _options in (H, INFERRED):
        CASES[f"large csv, {_name}, {_options}"] = as_large(read("csv", CSV[_name], _options), 1 << 20)
for _name, _case in {
    "a schema": read("csv", CSV["plain"], H, _TYPED),
    "gzip": read("csv", gzip.compress(CSV["plain"].encode()), H, name="a.csv.gz"),
    "a null's word": read("csv", 'a,b\n1,NULL\n2,"N"\n', {**H, "nullValue": "NULL"}),
    "what is no whole number": CASES["read csv, what is no whole number"],
    "times": CASES["read csv, times and truth"],
    "a null's word as a double": CASES["read csv, nullValue of a number"],
    "quotes as other signs": CASES["read csv, quotes and backslashes as other signs"],
    **{name: case for name, case in CASES.items() if "lines of" in name},
}.items():
    CASES[f"large csv, {_name}"] = as_large(_case, 1 << 20)
for _name, _case in {
    "a schema": read("csv", CSV["plain"].replace('"q,r"', "\\"), H, _TYPED),
    "inferred": read("csv", "a,b,c\n1,x,1.5\n-2,,\n", INFERRED),
    "a null's word": read("csv", 'a,b\n1,NULL\n2,5"\n', {**H, "nullValue": "NULL"}),
    "what is no whole number": read("csv", "a,b\n 1,x\n1.5,\n99999999999,y\n", H, "a int, b string"),
    "in a partition that is called as a line": read("csv", "a,b\n1,x\n", INFERRED, name="value=3/a.csv"),
}.items():
    CASES[f"large csv without quotes, {_name}"] = as_large(_case, 0)
REFUSED["large csv, text behind a quote"] = as_large(read("csv", 'a,b\n"x"y,1\n', H), 1 << 20)
CASES["large csv without quotes, a quote at a name"] = as_large(read("csv", '"a",b\n1,x\n', H), 0)
for _name, _content, _schema in (
    ("nan", "a,b\nx,nan\n", "a string, b double"), ("infinity", "a,b\nx,-Infinity\n", "a string, b float"),
):  # fmt: skip
    BY_VALUE[f"large csv, {_name}"] = as_large(read("csv", _content, H, _schema), 1 << 20)
for _name, _content, _schema in (
    ("a text", 'a,b\n1,"x"\n', ""), ("a number", 'a,b\n"1",x\n', "a int, b string"),
):  # fmt: skip
    BY_VALUE[f"large csv without quotes, a quote at {_name}"] = as_large(read("csv", _content, H, _schema), 0)


def below_a_hidden_folder(place: Place) -> Any:
    """A folder that is asked for is not hidden by its name; what is in it may be."""
    folder = place.folder()
    for name in ("part.csv", "_SUCCESS", ".part.crc"):
        place.lake.put(f"{folder}/_made/{name}", "a,b\n1,x\n" if name == "part.csv" else b"\xff\x00")
    return outcome(place.spark.read.csv(place.uri(f"{folder}/_made"), header=True, multiLine=True))


_TREE = {
    "k=1/m=01/a1.csv": "1,2,1.5",
    "k=1/m=02/a2.csv": "3,é,2",
    "k=2/m=01/b1.csv": "5,,",
    "k=2/m=01/_b.csv": "6,,",
    "c.csv": "7,8,2024-01-05",
    "d.csv": "8,true,2024-01-05 10:00:00",
}


def by_patterns(*patterns: str, **options: Any) -> Case:
    """CSV of a tree of folders, by patterns."""

    def case(place: Place) -> Any:
        folder = place.folder()
        for name, line in _TREE.items():
            place.lake.put(f"{folder}/{name}", f"x,y,z\n{line}\n")
        paths = [place.uri(f"{folder}/{one}").rstrip("/") for one in patterns]
        return outcome(place.spark.read.options(header=True, **options).csv(paths))

    return case


def failing(case: Case) -> Case:
    """The exception that a case comes to, by its name and condition."""

    def failed(place: Place) -> str:
        with pytest.raises(PySparkException) as error:
            case(place)
        return f"{error.type.__name__} {str(error.value).partition(']')[0]}"

    return failed


def by_a_pattern_of_hidden(place: Place) -> Any:
    folder = place.folder()
    for name in ("a/b.csv", "_a/b.csv"):
        place.lake.put(f"{folder}/{name}", "x\n1\n")
    return outcome(place.spark.read.csv(place.uri(f"{folder}/*"), header=True))


for _patterns in (
    ("*.csv",), ("?.csv",), ("[dc].csv",), ("[!c].csv",), ("{c,d}.csv",), ("k=*/*/*.csv",), ("*/m=0[12]",),
    ("k=*/m=01/",), ("k={1,2}/m=01/*",), ("k=1*",), ("**/m=01",), ("k=1/*", "c*"), ("k=*/m=*/a?.csv", "d.csv"),
):  # fmt: skip
    CASES[f"read csv by the patterns {_patterns}"] = by_patterns(*_patterns)
    CASES[f"infer csv by the patterns {_patterns}"] = by_patterns(*_patterns, inferSchema=True)
for _patterns in (("k=[3-9]",), ("x*/y",), ("k=*",), ("k=1", "k=2")):
    CASES[f"nothing, or no one table, by the patterns {_patterns}"] = failing(by_patterns(*_patterns))
CASES["infer csv of objects that differ"] = by_patterns("k=1", inferSchema=True)
REFUSED["read csv by a pattern and a path of its own"] = by_patterns("*.csv", "c.csv")
REFUSED["read csv by a pattern with an escape"] = by_patterns("k\\=1")
REFUSED["read csv by a pattern that finds a hidden folder"] = by_a_pattern_of_hidden


def with_slashes(place: Place) -> Any:
    """A path with several slashes (and Hadoop's name of S3), written and read."""
    plain = place.uri(f"{place.folder()}/b/c").rstrip("/")
    path = plain.replace("/b/c", "//b///c/")
    place.spark.createDataFrame([(1, "x")], "i int, s string").write.parquet(path)
    frame = place.lake.glue.create_dynamic_frame.from_options("s3", {"paths": [path]}, "parquet")
    place.lake.glue.write_dynamic_frame.from_options(frame, "s3", {"path": path + "/d/"}, "json")
    return outcome(place.spark.read.parquet(plain)), outcome(place.spark.read.json(path + "/d/"))


CASES["paths with several slashes"] = with_slashes


def of_many_bytes(place: Place) -> Any:
    with mock.patch.object(reading, "MOST_OVER_LINES", 1):
        return read("csv", "a,b\n1,x\n", {**H, "multiLine": True})(place)


CASES["read csv, below a hidden folder"] = below_a_hidden_folder
REFUSED["read csv over lines, more than fits"] = of_many_bytes


def some_of_it(place: Place) -> Any:
    """Columns in which no text begins with a quote."""
    uri = place.put('a,b,c\nq,1,2\n"Doe, J",5\n', "a.txt")
    return outcome(place.spark.read.csv(uri, header=True, schema="a string, b string, c string").select("b", "c"))


BY_VALUE["large csv without quotes, a quote elsewhere"] = as_large(some_of_it, 0)
BY_VALUE["large csv, a number that is inferred and another later"] = as_large(
    read("csv", "a\n" + "1\n" * 100_000 + " 5\n", INFERRED), 0
)

JSON = {
    "plain": '{"b": 1, "a": "x", "c": {"z": 1.5, "y": [{"d": 1, "c": null}]}}\n{"a": null, "d": [1, 2]}\n',
    "late": '{"a": 1}\n' * 1500 + '{"a": 1.5, "b": "x"}\n',
    "CR LF": '{"a": 1}\r\n\r\n{"a": 2}\r\n',
    "nothing": '{"a": null, "b": [], "c": 1}\n',
    "times": '{"t": "2024-01-31T10:20:30.123456Z"}\n{"t": "2024-01-31 10:20:30"}\n{"t": "2024-01-31"}\n',
}
for _name, _content in JSON.items():
    CASES[f"read json, {_name}"] = read("json", _content, {})
for _content, _schema in (
    (JSON["plain"], "a string, b int"), (JSON["plain"], "b double, x string"), (JSON["plain"], "c struct<z:double>"),
    (JSON["plain"], "d array<int>"), (JSON["times"], "t timestamp"), (JSON["times"], "t date"), (JSON["late"],
    "a double"),
    (JSON["nothing"], "a date, b array<string>"), ('{"m": {"k": 1, "l": 2}}\n', "m map<string,int>"),
):  # fmt: skip
    CASES[f"read json, {_content[:40]}, {_schema}"] = read("json", _content, {"mode": "PERMISSIVE"}, _schema)
for _content, _schema in (
    ('{"a": 2}\n', "a date"), ('{"a": 2}\n', "a timestamp"), ('{"a": "2"}\n', "a int"), ('{"a": 2.7}\n', "a int"),
    ('{"a": "1.5"}\n', "a double"), ('{"a": 1.5}\n', "a decimal(38,19)"), ('{"a": 2.50}\n', "a string"), ('{"a": 2}\n',
    "A int"),
    ('{"a": {"b": ["2"]}}\n', "a struct<b:array<int>>"), ('{"a": 1}\n{"a": \n', "a int"),
    ('{"a": -0}\n', "a string"), ('{"a": 1}\n{"a": "x"}\n', "a string"), ('{"a": [1]}\n', "a array<string>"),
    ('{"a": 1.5}\n{"a": 123456789012345678901}\n', "a decimal(38,2)"), ('{"a": 1e10}\n', "a decimal(5,2)"),
):  # fmt: skip
    REFUSED[f"read json, {_content!r}, {_schema}"] = read("json", _content, {}, _schema)
for _content in (
    '{"a": 1}\n{"a": "x"}\n',
    '{"a": [1, "x"]}\n',
    '{"a": 1}\n{"a": \n',
    "{'a': 1}\n",
    '[{"a": 1}]\n',
    '{"a": NaN}\n',
):
    REFUSED[f"read json, {_content!r}"] = read("json", _content, {})
for _options in (
    {"multiLine": True}, {"lineSep": "|"}, {"dateFormat": "dd/MM/yyyy"}, {"timestampFormat": "yyyy"},
    {"allowComments": True},
    {"allowUnquotedFieldNames": True}, {"primitivesAsString": True}, {"prefersDecimal": True},
    {"dropFieldIfAllNull": True},
    {"samplingRatio": 0.5}, {"timeZone": "America/New_York"}, {"inferTimestamp": True}, {"mode": "DROPMALFORMED"},
    {"maxNestingDepth": 2}, {"maxStringLen": 9}, {"maxNumLen": 9}, {"wholetext": True}, {"singleVariantColumn": "v"},
):  # fmt: skip
    REFUSED[f"read json, {_options}"] = read("json", '{"a": 1}\n', _options)
for _content in (
    '{"a": {}, "b": 1}\n', '{"a": [{}], "b": {"": 1}, "c": {"d": {"e": {}}, "f": 1}}\n{"c": {}}\n', '{}\n',
    '{"": 1, "a": {"": 2, "b": 3}}\n', '{"a": {}}\n{"a": {"b": [{}, {"c": 1}]}}\n', '{"a": -0.0}\n{"a": 0}\n',
):  # fmt: skip
    CASES[f"read json, what has no type, {_content!r}"] = read("json", _content, {})
for _content in (
    '{"a": {}}\n', '{"a": [{"b": 1}, {"B": 2}]}\n', '{"_corrupt_record": "x", "a": 1}\n', '{"a": -0}\n{"a": 1.5}\n',
):  # fmt: skip
    REFUSED[f"read json, {_content!r}"] = read("json", _content, {})
for _content, _schema in (
    ('{\n "a": 1\n}\n', "a int"), ('{"a": 1}{"a": 2}\n', "a int"), ('{"a": 1}\n', "a int, _corrupt_record string"),
    ('{"a": [-0]}\n', "a array<double>"), ('{"a": ["2024-01-31T23:30:00-05:00"]}\n', "a array<date>"),
    ('{"a": {"b": "2024-01-31T10:00:00Z"}}\n', "a struct<b:timestamp_ntz>"),
    ('{"a": {"k": [{"b": "2024-01-31t10:00:00"}]}}\n', "a map<string, array<struct<b:timestamp>>>"),
    ('{"a": ["2024-02-30"]}\n', "a array<timestamp>"),
):  # fmt: skip
    REFUSED[f"read json, {_content!r}, {_schema}"] = read("json", _content, {}, _schema)
CASES["read json, the data's own key of partitions"] = read("json", '{"a": 1, "k": 5, "z": 2}\n', {}, name="k=1/a.json")
_ODD_TIMES = (
    "2024-01-31", "2024-01-31T23:30:00-05:00", "2024-01-31T10:00:00Z", "2024-01-31t10:00:00", "2024-01-31T10:00:00z",
    "2024-01-31T100000", "2024-01-31T10:00:60", "2024-01-31T10:00", "2024", " 2024-01-31 ", "2024-1-5 1:2:3.1234567",
    "2024-02-30", "2024-01-31 10:00 Europe/Paris", "", "x", "0001-01-02", "9999-12-31", "2024-01-31Tx",
)  # fmt: skip
_LINES = "".join(f'{{"t": "{one}", "n": "{one}", "d": "{one}"}}\n' for one in _ODD_TIMES) + '{"t": null}\n'
CASES["read json, odd times"] = read("json", _LINES, {}, "n timestamp_ntz, d date, t timestamp, x date")
CASES["read json, seconds in quotes"] = read("json", '{"a": "1706695200", "b": "2024"}\n', {}, "a timestamp, b date")
CASES["read json, times in partitions"] = read(
    "json", '{"t": "2024-01-31"}\n', {}, "d date, t timestamp", "d=2024-01-31/a.json"
)
CASES["read json, plain times inside"] = read(
    "json",
    '{"a": ["2024-01-31", null], "b": {"c": "2024-01-31T10:00:00.5Z"}, "m": {"k": ["1969-12-31 23:59:59"]}}\n{}\n',
    {},
    "a array<date>, b struct<c:timestamp>, m map<string, array<timestamp_ntz>>",
)
_NUMBERS = (
    "1.5", "2.555", "-2.545", "0.005", "0.00499999999999999999999999999999999999999", "5e-3", "1e3", "-0", "-0.0",
    "99999999.994", "99999999.995", "123456789012", "9223372036854775807", "null",
)  # fmt: skip
_LINES = "".join(f'{{"a": {one}, "b": {one}, "c": {one}, "d": {one}}}\n' for one in _NUMBERS)
CASES["read json, decimals"] = read(
    "json", _LINES, {}, "a decimal(10,2), b decimal(38,18), c decimal(20,0), d decimal(5,5)"
)


def asked_again(format: str, contents: tuple[str, str], options: dict[str, Any], schema: str = "") -> Case:
    """Two objects by one reader."""

    def case(place: Place) -> Any:
        reader = place.spark.read.format(format).options(**options)
        reader = reader.schema(schema) if schema else reader
        return [outcome(reader.load(place.put(one))) for one in contents]

    return case


CASES["two reads by a reader, json"] = asked_again("json", ('{"a": "x"}\n', '{"b": 1}\n'), {})
CASES["two reads by a reader, json by a schema"] = asked_again("json", ('{"a": "2024-01-31"}\n',) * 2, {}, "a date")
CASES["two reads by a reader, csv"] = asked_again("csv", ("a,b\n1,x\n", "c\n2.5\n"), INFERRED)
CASES["two reads by a reader, csv by a schema"] = asked_again("csv", ("a\n2024-01-31\n",) * 2, H, "a date")
CASES["read json, decimals inside"] = read(
    "json",
    '{"a": [2.555, 1, null], "b": {"k": {"x y": -0.005, "d": "2024-01-31"}}, "c": 1}\n{"a": []}\n',
    {},
    "a array<decimal(10,2)>, b map<string, struct<`x y`: decimal(10,2), d: date>>, c decimal(38,19)",
)
CASES["read json, numbers and booleans as text"] = read(
    "json",
    '{"a": 1, "b": true, "c": "x"}\n{"a": -9223372036854775808, "b": null}\n',
    {},
    "a string, b string, c string",
)
CASES["read json, numbers that are too large"] = read(
    "json", '{"a": 2147483648, "b": 32768, "c": -129}\n{"a": -2147483648, "b": 1, "c": 127}\n', {},
    "a int, b smallint, c tinyint",
)  # fmt: skip
CASES["read json, FAILFAST of what is well"] = read("json", '{"a": "2024-1-5"}\n', {"mode": "FAILFAST"}, "a date")
BY_VALUE["read json, numbers in quotes as dates"] = lambda place: outcome(
    place.spark.read.schema("a date").json(place.put('{"a": "20240131"}\n')).selectExpr("cast(a as string)")
)
BY_VALUE["read json, a zone by its old word"] = read("json", '{"a": "2024-01-31GMT"}\n', {}, "a timestamp")

for _content in ("a\nb\r\n\ne", "", "\ufeffa\n", "".join(f"{at} {'x' * (at % 200)}\r\n" for at in range(30_000))):
    CASES[f"read text, {_content[:10]!r}"] = read("text", _content, {})
CASES["read json, the largest long"] = read("json", '{"a": 1.5, "b": 9223372036854775807}\n', {})
REFUSED["read json, more than the largest long"] = read("json", '{"a": 1.5}\n{"b": [9223372036854775808]}\n', {})


def csvs(*texts: str) -> Case:
    """Objects of CSV whose columns are of several types, by inferSchema; in partitions, too."""

    def case(place: Place) -> Any:
        one, other = place.folder(), place.folder()
        for number, text in enumerate(texts):
            place.lake.put(f"{one}/{number}.csv", text)
            place.lake.put(f"{other}/p={number}/{number}.csv", text)
        read = place.spark.read.options(header=True, inferSchema=True)
        return outcome(read.csv(place.uri(one))), outcome(read.csv(place.uri(other)))

    return case


CASES["read csv, objects of numbers"] = csvs("a,b,c\n1,,x\n", "a,b,c\n3000000000,1.5,\n", "a,b,c\n2,7,\n")
CASES["read csv, objects of numbers and texts"] = csvs("a,b\n1,true\n", "a,b\nx,2\n", "a,b\n,q\n")
CASES["read text, whole"] = lambda place: outcome(place.spark.read.text(place.put("a\nb\n"), wholetext=True))
CASES["read text, whole or not"] = lambda place: outcome(
    place.spark.read.option("wholeText", True).text(place.put("a\nb\n"))
)
CASES["read text, lineSep"] = read("text", "a|b", {"lineSep": "|"})
REFUSED["read text, encoding"] = read("text", "a", {"encoding": "UTF-16"})
BY_VALUE["read text, CR alone"] = read("text", "a\rb\n", {})


def parquet(table: pa.Table, options: dict[str, Any], schema: str = "", **told: Any) -> Case:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **told)
    return read("parquet", buffer.getvalue(), options, schema, "a.parquet")


_MOMENTS = pa.array([datetime(2024, 1, 31, 10, 20, 30, 123456), datetime(1899, 12, 31), None], pa.timestamp("us"))
for _options in ({}, {"mergeSchema": True}):
    CASES[f"read parquet, INT96, {_options}"] = parquet(
        pa.table({"t": _MOMENTS}), _options, use_deprecated_int96_timestamps=True
    )
    CASES[f"read parquet, without a zone, {_options}"] = parquet(pa.table({"t": _MOMENTS}), _options)
    CASES[f"read parquet, no type, {_options}"] = parquet(pa.table({"a": [1], "n": pa.nulls(1)}), _options)


def parquets(*tables: pa.Table, **options: Any) -> Case:
    """Objects whose columns differ, in that order; as data frame and as DynamicFrame."""

    def case(place: Place) -> Any:
        folder = place.folder()
        for number, table in enumerate(tables):
            buffer = io.BytesIO()
            pq.write_table(table, buffer)
            place.lake.put(f"{folder}/p={number % 2}/{'cab'[number]}.parquet", buffer.getvalue())
        rows = place.spark.read.options(**options).parquet(place.lake.uri(folder))
        return outcome(rows), outcome(place.lake.read(folder, "parquet", {}))

    return case


_FEW, _MORE, _ELSE = (
    pa.table({"b": [1], "a": ["x"]}),
    pa.table({"a": ["y"], "c": [2.5], "b": [2]}),
    pa.table({"a": ["z"]}),
)
_SURE = pa.table(
    {"a": ["w"], "z": ["never null"]}, pa.schema([("a", pa.string()), pa.field("z", pa.string(), nullable=False)])
)
_PAIRS = ((_MORE, _FEW), (_FEW, _FEW), (_FEW, _SURE), (_SURE, _MORE))
for _tables in ((_FEW, _MORE, _ELSE), (_ELSE, _ELSE, _MORE), *_PAIRS):
    for _options in ({}, {"mergeSchema": True}):
        CASES[f"read parquets, {[one.column_names for one in _tables]}, {_options}"] = parquets(*_tables, **_options)


def of_folders(place: Place) -> Any:
    """Of a folder with others below, which are not read."""
    folder = place.folder()
    for name, table in (("b", _MORE), ("archive/a", _ELSE), ("_old/a", _FEW)):
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        place.lake.put(f"{folder}/{name}.parquet", buffer.getvalue())
    return outcome(place.spark.read.parquet(place.lake.uri(folder)))


CASES["read parquet, folders below"] = of_folders
_INNER = [pa.table({"s": [one]}) for one in ({"x": 1}, {"x": 1, "y": 2})]
REFUSED["read parquets, structs that differ"] = parquets(*_INNER)
CASES["read parquet, spelling"] = parquet(pa.table({"a": pa.array([1], pa.int32())}), {}, "A int")
REFUSED["read parquet, durations"] = parquet(pa.table({"a": pa.array([3], pa.duration("us"))}), {})
for _name, _inside in (
    ("a struct", pa.StructArray.from_arrays([_MOMENTS], ["t"])),
    ("an array", pa.array([[datetime(2024, 1, 31)]], pa.list_(pa.timestamp("us")))),
    ("a map", pa.array([[("k", datetime(2024, 1, 31))]], pa.map_(pa.string(), pa.timestamp("us")))),
):
    REFUSED[f"read parquet, INT96 in {_name}"] = parquet(
        pa.table({"a": _inside}), {}, use_deprecated_int96_timestamps=True
    )
    CASES[f"read parquet, without a zone in {_name}"] = parquet(pa.table({"a": _inside}), {})
for _name, _inside in (
    ("no type in a struct", pa.StructArray.from_arrays([pa.nulls(1), pa.array([1])], ["n", "x"])),
    ("no type in an array", pa.array([[None]], pa.list_(pa.null()))),
    ("durations in an array", pa.array([[timedelta(seconds=3)]], pa.list_(pa.duration("us")))),
):
    REFUSED[f"read parquet, {_name}"] = parquet(pa.table({"a": _inside}), {})
_CASED = pa.table({"a": pa.array([{"X": 1, "y": [{"z": 2}]}])})
CASES["read parquet, fields by a schema"] = parquet(_CASED, {}, "A struct<y:array<struct<z:bigint>>,X:bigint>")
REFUSED["read parquet, a field in another case"] = parquet(_CASED, {}, "a struct<x:bigint>")
REFUSED["read parquet, a field of an array in another case"] = parquet(
    _CASED, {}, "a struct<y:array<struct<Z:bigint>>>"
)
REFUSED["read parquet, rebase"] = parquet(pa.table({"a": [1]}), {"datetimeRebaseMode": "LEGACY"})


def frame(format: str, content: str, **options: Any) -> Case:
    """A DynamicFrame of one object, and what it says of its errors."""

    def case(place: Place) -> Any:
        folder = place.folder()
        place.lake.put(f"{folder}/a", content)
        made = place.lake.read(folder, format, options)
        errors = made.errorsAsDynamicFrame().toDF()
        return outcome(made), outcome(errors.select("error.msg", "error.input")) if made.errorsCount() else None

    return case


_DECLARED = "a,b,c\n1,2.5,x\n1.5,1,1.5\n,+3,7\n"


def of_declared(place: Place) -> Any:
    """A table of CSV, some of whose texts are of another type than is declared."""
    folder = place.folder()
    place.lake.put(f"{folder}/a.csv", _DECLARED)
    made = place.lake.table(folder, folder, "csv", {"a": "bigint", "b": "smallint", "c": "string"})
    cast = made.resolveChoice(specs=[("a", "cast:long"), ("b", "cast:short"), ("c", "cast:long")])
    return outcome(made), outcome(cast)


CASES["csv of a table, fractions for whole numbers"] = of_declared

LOG = (
    '1.2.3.4 - bob [10/Oct/2000:13:55:36 -0700] "GET /a?x=1 HTTP/1.0" 200 2326\nbad line\n'
    '5.6.7.8 - - [11/Oct/2000:13:55:36 +0000] "POST /b HTTP/1.1" 404 -\n\n'
)
ION = (
    '{a: 1, b: "x", c: 1.5, d: 1.25d0, e: 2024-01-31T10:20:30Z, f: null, g: [1, 2, "x"], h: {i: true}}{bl: {{aGk=}}}'
    "{a: 2.5, b: null.string, c: nan, big: 123456789012345678901234567890, e: 2024T, g: []}"
)
for _pattern, _more in (
    ("%{COMMONAPACHELOG}", {}), ("%{IP:ip} %{GREEDYDATA:x}", {"MISSING": "?"}),
    ("%{IP:ip} %{USER:a} %{USER:b} .* %{NUMBER:status:int} (?:%{NUMBER:bytes:long}|-)", {}),
    ("%{IP:ip}%{REST:rest}", {"customPatterns": "REST .*"}),
):  # fmt: skip
    CASES[f"grok {_pattern}"] = frame("grokLog", LOG, logFormat=_pattern, **_more)
CASES["grok casts"] = frame(
    "grokLog", "a 1.5 2.5\nb x y\nc -3 1e5\nd 1e40 .5\n", logFormat="%{WORD:w} %{NOTSPACE:f:float} %{NOTSPACE:d:double}"
)
for _content in (ION, "{a: 1}\n{a: \n", "[{a: 1}, {a: 2}]", '1 2 "x"', "", '{a: 1}{a: "x"}{a: {b: 1}}{a: [1]}'):
    CASES[f"ion {_content[:30]}"] = frame("ion", _content)
for _content in ('{"a": 1e400}\n{"a": -1e400}\n{"a": 1.5}\n', '{"a": {"b": [1e999, 2.0]}}\n',
'{"a": []}\n{"a": 1}\n{"a": "x"}\n',
                 '{"a": {"b": []}}\n{"a": 1}\n'):  # fmt: skip
    CASES[f"frame of json, {_content!r}"] = frame("json", _content)


def shown(columns: list[str]) -> Case:
    """What ``show`` prints of a frame, and its columns as text."""

    def case(place: Place) -> Any:
        rows = place.spark.createDataFrame([(at, DOUBLES[at]) for at in range(len(DOUBLES))], "id int, d double")
        rows = rows.coalesce(1).selectExpr("id", *columns)
        frame, told = DynamicFrame.fromDF(rows, place.glue, "shown"), io.StringIO()
        with contextlib.redirect_stdout(told):
            frame.show(50)
        texts = ResolveChoice.apply(frame=frame, specs=[(name, "cast:string") for name in rows.columns[1:]])
        return told.getvalue(), outcome(texts)

    return case


CASES["show and text of values"] = shown(["d", "cast(d as float) f", "timestamp'1969-12-31 23:59:59.5' t", "1.20 dec"])
CASES["show and text of what is nested"] = shown(
    ["named_struct('d', d, 'f', cast(d as float), 't', timestamp'2024-01-01 01:02:03.456789', 'dec', 1.20) st",
     "array(named_struct('x', id, 'no', cast(null as string))) ar", "map('k', cast(null as int), 'l', 1) m",
     "array('a\\n\"', null) s"]
)  # fmt: skip


def mixed_partitions(place: Place) -> Any:
    """A table whose partitions are of other formats is refused on both engines, unless they are left out."""
    name = place.folder().replace("-", "_")
    columns = [{"Name": "a", "Type": "int"}]
    call = Glue(place.glue.workspace).call
    told = {"Parameters": {"classification": "json"}, "PartitionKeys": [{"Name": "k", "Type": "string"}]}
    table = {
        "Name": name,
        "StorageDescriptor": storage_descriptor(BY_NAME["json"], columns, place.lake.uri(name)),
        **told,
    }
    call("CreateTable", DatabaseName=place.lake.name, TableInput=table)
    for format, content in (("json", '{"a": 1}\n'), ("csv", "2\n")):
        place.lake.put(f"{name}/k={format}/a", content)
        where = storage_descriptor(BY_NAME[format], columns, f"{place.lake.uri(name)}k={format}/")
        partition = {"Values": [format], "StorageDescriptor": where}
        call("CreatePartition", DatabaseName=place.lake.name, TableName=name, PartitionInput=partition)
    source = place.glue.create_dynamic_frame
    with pytest.raises(UnsupportedError, match=r"partition csv of .* is csv, and the table is json"):
        source.from_catalog(database=place.lake.name, table_name=name)
    return outcome(source.from_catalog(database=place.lake.name, table_name=name, push_down_predicate="k = 'json'"))


def partitioned(format: str, schema: str) -> Case:
    """A folder of partitions, read by a schema that may leave out their key."""

    def case(place: Place) -> Any:
        folder = place.uri(place.folder())
        rows = place.spark.sql("select id, concat('t', id) s, cast(if(id = 1, null, id) as int) g from range(4)")
        rows.write.partitionBy("g").format(format).save(folder)
        reader = place.spark.read.format(format)
        return outcome((reader.schema(schema) if schema else reader).load(folder))

    return case


for _format in ("parquet", "csv", "json"):
    for _schema in ("id bigint, s string", "g string, id bigint, s string"):
        CASES[f"read partitions, {_format}, {_schema}"] = partitioned(_format, _schema)
CASES["read partitions, json, no schema"] = partitioned("json", "")
CASES["partitions of other formats"] = mixed_partitions


def valued(*values: str, key: str = "k", schema: str = "") -> Case:
    """Partitions of those values, and the type that they have together."""

    def case(place: Place) -> Any:
        folder = place.folder()
        for number, value in enumerate(values):
            buffer = io.BytesIO()
            pq.write_table(pa.table({"a": [number]}), buffer)
            place.lake.put(f"{folder}/{key}={escape(value)}/a.parquet", buffer.getvalue())
        reader = place.spark.read.schema(schema) if schema else place.spark.read
        return outcome(reader.parquet(place.uri(folder)))

    return case


for _values in (
    ("1700000000",), ("2147483647", "-2147483648"), ("2147483648",), ("0000000000012",), ("1234567890123456789",),
    ("9223372036854775807", "1"), ("1", "3000000000"), ("1", "1.5"), ("1", "2147483648", "1.5"), ("1e-3", ".5"),
    ("123456789012345678901234567890123456789",), ("NaN", "1"), ("-Infinity",), ("1d", "1.5f"), (" 1", "2 "),
    ("1d", "x"), ("1e3", "x"), ("2024-02-29",), ("2024-02-30",), ("2024-01-01", "2024-02-30"), ("2024-1-5",),
    ("2024-01-01 10:00:00",), ("2024-01-01 10:00:00.5", "2024-01-01"), ("2024-01-01 10:00",), ("2024-01-01T10:00:00",),
    ("2024-01-01 10:00:00.123456",), ("2024-01-01 25:00:00",), ("2024-01-01 10:00:60",), ("2024-01-01", "1"),
    ("2024-01-01", ""), ("",), ("1", ""), ("x", ""), ("true",), ("0x10",),
):  # fmt: skip
    CASES[f"read partitions, {_values}"] = valued(*_values)
for _values in (
    ("1e3",), ("1.",), ("1.5e3", "2"), ("9223372036854775808",), ("12345678901234567890", "1"), ("٣",), ("0x1p3",),
):  # fmt: skip
    REFUSED[f"read partitions, {_values}"] = valued(*_values)
REFUSED["read partitions, an escaped key"] = valued("1", key="a%20b")
for _value, _kind in (
    ("1", "int"), ("+01", "int"), ("3000000000", "bigint"), ("7", "smallint"), ("1d", "double"), (" 1.5", "double"),
    ("NaN", "float"), ("TRUE", "boolean"), ("1.50", "decimal(10,2)"), ("2024-1-5", "date"), ("x", "date"),
    ("2024-01-05T10:00", "timestamp"), ("", "int"), ("007", "string"),
):  # fmt: skip
    CASES[f"read partitions, {_value!r} by a schema, {_kind}"] = valued(_value, schema=f"a bigint, k {_kind}")
for _value, _kind in (("70000", "smallint"), ("1.5", "decimal(10,2)"), ("1", "decimal(10,2)")):
    REFUSED[f"read partitions, {_value!r} by a schema, {_kind}"] = valued(_value, schema=f"a bigint, k {_kind}")
for _value, _kind in (
    ("x", "int"), ("1.5", "int"), ("3000000000", "int"), (" 1", "bigint"), ("yes", "boolean"), ("1", "boolean"),
    ("x", "double"),
):  # fmt: skip
    FAILING[f"read partitions, {_value!r} by a schema, {_kind}"] = valued(_value, schema=f"a bigint, k {_kind}")


def twice(place: Place) -> Any:
    uri = place.put("a,b\n1,x\n")
    return outcome(place.spark.read.csv([uri, f"{uri}/"]))


def by_default(place: Place) -> Any:
    """Without a format, of two places, and with one in another case."""
    places = [place.uri(place.folder()) for _ in range(2)]
    for at, uri in enumerate(places):
        place.spark.range(at, 2).write.parquet(uri)
    return outcome(place.spark.read.load(places)), outcome(place.spark.read.format("PARQUET").load(places[0]))


REFUSED["read csv, a path twice"] = twice
CASES["read by default"] = by_default
REFUSED["write parquet by a key that is escaped"] = written("parquet", ["s", "1 as `e=f`"], {}, ("e=f",), legible=False)


def large_csv(place: Place) -> Any:
    """Objects that are put together behind their header in parts."""
    folder = place.folder()
    rows = place.spark.range(500_000).select(F.rpad(F.col("id").cast("string"), 120, "x").alias("a"), "id").coalesce(1)
    rows.write.csv(place.uri(folder), header=True)
    texts = [text for _, text in place.objects(folder)]
    assert max(map(len, texts)) > 11 << 20
    assert all(text.startswith("a,id\n") for text in texts)
    return sorted(line for text in texts for line in text.splitlines()[1:])


CASES["write csv, large"] = large_csv


@pytest.fixture(scope="module")
def outcomes(stack: Any) -> dict[str, dict[str, Any]]:
    """What every case came to on each engine: a value, or the exception."""
    found: dict[str, dict[str, Any]] = {}
    for engine in ENGINES:
        with lake_on(engine, stack.workspace) as glue, own_lake(glue, f"test-files-{engine}") as lake:
            found[engine] = tried(CASES | REFUSED | BY_VALUE | FAILING, Place(lake))
    return found


@pytest.mark.parametrize("name", CASES)
def test_both_engines_do_the_same(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    require_the_same(outcomes, name)


@pytest.mark.parametrize("name", [*REFUSED, *BY_VALUE])
def test_what_sail_would_do_otherwise_it_refuses(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    require_refused(outcomes, name, by=UnsupportedError if name in REFUSED else Exception)


@pytest.mark.parametrize("name", FAILING)
def test_what_fails_on_spark_is_no_null_on_sail(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    assert isinstance(outcomes["spark"][name], PySparkException)
    assert isinstance(outcomes["sail"][name], UnsupportedError)
