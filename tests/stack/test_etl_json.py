"""JSON of many blocks on a real lake: what one part says holds for all of it, and no record is lost or read twice.

An object of more than a megabyte is read in parts; on Sail its own reader reads what was found to be whole before.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl import json_text
from lakelet.etl.jackson import written
from lakelet.workspace.errors import PublishError
from tests.lake import Lake, own_lake
from tests.spark import kinds, values

if TYPE_CHECKING:
    from awsglue.context import GlueContext
    from awsglue.dynamicframe import DynamicFrame

pytestmark = pytest.mark.stack
ROWS = 40_000  # of about 100 bytes
lake_on_spark = pytest.mark.parametrize("lake", ["spark"], indirect=True)
lake_on_sail = pytest.mark.parametrize("lake", ["sail"], indirect=True)


@pytest.fixture(scope="module")
def place(lake: GlueContext) -> Iterator[Lake]:
    with own_lake(lake, "test-json") as made:
        yield made


def lines(rows: int = ROWS) -> list[str]:
    return [json.dumps({"n": n, "half": n / 2, "text": f"{n} é " + "x" * (n % 160)}) for n in range(rows)]


def counted(frame: DynamicFrame) -> tuple[int, ...]:
    """Rows, different numbers, their sum, and the length of all texts."""
    found = frame.toDF().agg(
        F.count("*"), F.count_distinct("n"), F.sum("n"), F.sum(F.length("text")), F.sum(F.col("half") * 2).cast("long")
    )
    return tuple(found.collect()[0])


def expected(texts: list[str]) -> tuple[int, ...]:
    records = [json.loads(text) for text in texts]
    total = sum(one["n"] for one in records)
    return len(records), len(records), total, sum(len(one["text"]) for one in records), total


@pytest.mark.parametrize("how", ["plain", "gzip", "crlf", "blank", "several", "folders"])
def test_all_records_of_large_objects_are_read_once(place: Lake, how: str) -> None:
    texts = lines()
    content = "\n".join(texts).encode()  # no line feed at the end
    objects = {
        "plain": {"a.json": content},
        "gzip": {"a.json.gz": gzip.compress(content, 1)},
        "crlf": {"a.json": content.replace(b"\n", b"\r\n") + b"\r\n"},
        "blank": {"a.json": b"\n\n" + content.replace(b"\n", b"\n\n") + b"\n \n"},
        "several": {
            "a.json": "\n".join(texts[:30_000]).encode(),
            "b": "\n".join(texts[30_000:]).encode(),
            "c.json": b"",
        },
        "folders": {"x/a.json": "\n".join(texts[:10]).encode(), "y/z/a.json": "\n".join(texts[10:]).encode()},
    }[how]
    for name, one in objects.items():
        place.put(f"large-{how}/{name}", one)
    frame = place.read(f"large-{how}", "json", recurse=True)
    assert kinds(frame) == {"half": "double", "n": "bigint", "text": "string"}
    assert counted(frame) == expected(texts)
    assert frame.errorsCount() == 0


def test_a_choice_at_the_very_end_is_one(place: Lake) -> None:
    texts = lines()
    last = json.dumps({"n": "last", "half": 7, "text": "z", "more": [True]})
    place.put("end/a.json", "\n".join([*texts, last]))
    frame = place.read("end", "json")
    assert kinds(frame) == {
        "half": "struct<double:double,long:bigint>", "more": "array<boolean>",
        "n": "struct<long:bigint,string:string>", "text": "string",
    }  # fmt: skip
    rows = frame.resolveChoice(specs=[("half", "cast:double")]).resolveChoice(specs=[("n", "project:long")])
    assert counted(rows.derive(rows.toDF().where("n is not null"))) == expected(texts)
    (found,) = frame.toDF().where("n.string is not null").collect()
    assert (found["n"]["string"], found["half"]["long"], found["half"]["double"], found["more"]) == (
        "last", 7, None, [True],
    )  # fmt: skip


WRONG = [
    '{"n": 1, "half": 0.5',
    '{"n": 1} {"n": 2}',
    '{"n": 1}, {"n": 2}',
    '{"n": 1},',
    '{"n": 1} x',
    "{",
    '"n": 3',
    "}",
    "[1]",
]


def test_what_is_broken_in_the_middle_is_the_only_thing_that_is_lost(place: Lake) -> None:
    texts = lines()
    place.put("broken/a.json", "\n".join([*texts[:20_000], *WRONG, *(f"{one} \t" for one in texts[20_000:])]))
    frame = place.read("broken", "json")
    assert counted(frame) == expected(texts)
    errors = frame.errorsAsDynamicFrame().toDF().select("error.input").collect()
    assert sorted(row[0] for row in errors) == sorted(WRONG)


def test_documents_over_many_lines_are_read_whole(place: Lake) -> None:
    records = [json.loads(text) for text in lines(20_000)]
    text = json.dumps({"page": 1, "rows": records}, indent=1)
    place.put("documents/a.json.gz", gzip.compress(text.encode(), 1))
    frame = place.read("documents", "json", {"jsonPath": "$.rows[*]"})
    assert counted(frame) == expected(lines(20_000)) and frame.errorsCount() == 0
    place.put("pretty/a.json", "\n".join(json.dumps(one, indent=1) for one in records))
    frame = place.read("pretty", "json", {"multiline": True})
    assert counted(frame) == expected(lines(20_000)) and frame.errorsCount() == 0


NAMES = ["a", "b.c", "[]", "ü", "A b", "a`b"]
TEXTS = ["", "x", "12", "1.5", "true", "null", "2024-01-02", "2024-01-02T03:04:05Z", '\t"\\/\u2028', "é😀\0"]
VALUES: dict[str, Any] = {
    "whole": lambda r: r.choice([0, -1, 7, (1 << 63) - 1, -(1 << 63), r.randrange(-(10**12), 10**12)]),
    "point": lambda r: r.choice([0.0, -0.0, 1.0, 1e300, 5e-324, 0.1, r.random(), float(r.randrange(10**6))]),
    "huge": lambda r: r.choice([1 << 63, -(1 << 70), 2.5]),
    "truth": lambda r: r.random() < 0.5,
    "text": lambda r: r.choice(TEXTS),
    "none": lambda r: None,
}  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_values_are_those_of_every_record_by_itself(place: Lake, seed: int) -> None:
    chance = random.Random(seed)
    chosen = {name: chance.choice(list(VALUES.values())) for name in NAMES} | {"z": VALUES["whole"]}
    records = []
    for _ in range(2000):
        made = {name: value(chance) if chance.random() < 0.9 else None for name, value in chosen.items()}
        records.append({name: value for name, value in made.items() if chance.random() < 0.9})
    texts = [json.dumps(one, ensure_ascii=chance.random() < 0.5) for one in records]
    place.put(f"random-{seed}/a.json", "\n".join(texts))
    frame = place.read(f"random-{seed}", "json")
    kind = frame.schema()
    assert json_text.in_order(kind) == kind and set(kind.names) == set().union(*records)
    read = json_text.Parser(kind)
    assert sorted(map(repr, (tuple(row) for row in frame.toDF().collect()))) == sorted(
        repr(read(text)) for text in texts
    )


def test_names_that_differ_by_their_case_alone_are_refused(place: Lake) -> None:
    place.put("case/a.json", '{"a": 1, "A": "x"}\n{"A": "y"}\n')
    with pytest.raises(AnalysisException, match=r"(?i)ambiguous"):
        place.read("case", "json").count()


def test_folders_named_after_a_key_are_columns(place: Lake) -> None:
    place.put("keys/k=1/a.json", '{"a": 1}\n')
    place.put("keys/k=2/a.json", '{"a": 2}\n')
    frame = place.read("keys", "json")
    assert sorted(values(frame, "a", "k")) == [(1, 1), (2, 2)]
    assert sorted(values(place.read("keys", "json", recurse=True), "a")) == [1, 2]


@lake_on_spark
def test_texts_that_are_no_utf_8_are_read(place: Lake) -> None:
    """On Sail they are refused by its reader."""
    place.put("latin/a.json", '{"a": "caf\u00e9"}\n'.encode("latin-1") + b'{"a": "x"}\n')
    assert sorted(values(place.read("latin", "json"), "a")) == ["caf\ufffd", "x"]
    place.put("latin/b.json", '{"caf\u00e9'.encode("latin-1"))
    frame = place.read("latin", "json")
    assert (frame.count(), frame.errorsCount()) == (2, 1)


def test_blank_lines_and_the_object_a_record_came_of(place: Lake) -> None:
    place.put("blank/a.json", '\n{"a": 1}\n\n \n{"a": {}}\n{}\n')
    frame = place.read("blank", "json")
    assert frame.count() == 3 and frame.toDF().where("a is null").count() == 1
    assert kinds(frame) == {"a": "struct<long:bigint,struct:struct<>>"}


@lake_on_spark
@pytest.mark.parametrize(
    ("lines", "rows", "errors"),
    [
        ('{"b\\udc00": 1, "a": 2}\n{"a": 3}\n', [2, 3], 0),
        ('{"a": 2}\n{"a": 3, "b": 1' + "1" * 1000 + "}\n", [2], 1),
        ('{"a": 2}\n{"a": 3, "' + "b" * 50_001 + '": 1}\n', [2], 1),
        ('{"_metadata": {"file_path": "x"}, "a": 2}\n', [2], 0),
        ('{"_corrupt_record": "x", "a": 2}\n', [2], 0),
    ],
    ids=["half of a pair in a name", "a long number", "a long name", "_metadata", "_corrupt_record"],
)
def test_what_sparks_reader_fails_on_is_read(place: Lake, lines: str, rows: list[int], errors: int) -> None:
    place.put("odd/a.json", lines)
    frame = place.read("odd", "json", {"attachFilename": "of"})
    found = frame.toDF().collect()
    assert sorted(row["a"] for row in found) == rows and frame.errorsCount() == errors
    assert all(row["of"] == f"s3://{place.name}/odd/a.json" for row in found)
    assert all(row["_corrupt_record"] == "x" for row in found if "_corrupt_record" in row)


@pytest.mark.parametrize(
    ("lines", "kind", "told", "errors"),
    [
        ('{"a":NaN}\n{"a":-INF}\n{"a":1.5}', "double", ['"-Infinity"', '"NaN"', "1.5"], 0),
        ('{"a":[+Infinity,1.5]}\n{"a":[INF]}', "array<double>", ['["Infinity",1.5]'], 1),
        ('{"a":{"b":NaN},"c":1}\n{"a":{"b":1.5},"c":2}', "struct<b:double>", ['{"b":"NaN"}', '{"b":1.5}'], 0),
        ('{"a":1,"a":2}\n{"a":{},"a":3}', "bigint", ["2"], 1),
        ('{"a":{"b":1,"b":2},"c":1}', "struct<b:bigint>", ['{"b":2}'], 0),
        ("{'a':'x\"y','b':{'c':1}}\n{\"a\":'it\\'s'}\n{'a':'\t'}", "string", ['"it\'s"', '"x\\"y"'], 1),
    ],
)
def test_what_is_beside_the_standard_is_read_as_sparks_reader_takes_it(
    place: Lake, lines: str, kind: str, told: list[str], errors: int
) -> None:
    place.put("beside/a.json", lines)
    frame = place.read("beside", "json")
    assert (kinds(frame)["a"], frame.errorsCount()) == (kind, errors)
    shown = (one.asDict() if isinstance(one, Row) else one for one in values(frame, "a"))
    assert sorted(map(written, shown)) == told


@pytest.mark.parametrize("text", ['{"a":1.50}', '{"a":1e7}', '{"a":1e400}', '{"a":NaN}', '{"a":["😀", 1E-7 ]}'])
def test_a_text_is_asked_for_of_other_values(place: Lake, text: str) -> None:
    place.put("as_text/a.json", text)
    schema = T.StructType([T.StructField("a", T.StringType())]).json()
    told = {"1.50": "1.5", "1e7": "1.0E7", "1e400": '"Infinity"', "NaN": '"NaN"'}
    expected = told.get(text[5:-1], r'["\uD83D\uDE00",1.0E-7]')
    assert values(place.read("as_text", "json", {"withSchema": schema}), "a") == [expected]


@lake_on_spark
def test_an_object_that_changes_while_spark_reads_it_loses_nothing(place: Lake) -> None:
    place.put("changed/a.json", '{"a": 1}\n')
    frame = place.read("changed", "json", {"attachFilename": "of"})
    assert values(frame, "a", "of") == [(1, f"s3://{place.name}/changed/a.json")]
    place.put("changed/a.json", '{"a": 1.5}\n')
    with pytest.raises(Py4JJavaError, match="FAILED_READ_FILE"):
        frame.toDF().collect()


@lake_on_sail
def test_an_object_that_was_replaced_since_its_types_were_found_is_not_read_by_them(place: Lake) -> None:
    place.put("moved/a.json", '{"a": 1}\n')
    frame = place.read("moved", "json")
    assert values(frame, "a") == [1]
    place.put("moved/b.json", '{"a": 2.5}\n')  # not one of those that were listed
    assert values(frame, "a") == [1]
    place.put("moved/a.json", '{"a": 1.5}\n')
    with pytest.raises(PublishError, match=r"moved/a\.json was replaced or deleted"):
        frame.count()
    place.client.delete_object(Bucket=place.name, Key="moved/a.json")
    with pytest.raises(PublishError, match=r"moved/a\.json was replaced or deleted"):
        frame.toDF().collect()
    assert values(place.read("moved", "json"), "a") == [2.5]
