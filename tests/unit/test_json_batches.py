"""JSON by batches: what Arrow reads is what record after record gives, whatever the text is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import types as T

from lakelet.etl import json_batches, json_text
from lakelet.etl.merging import merged

NAMES = st.sampled_from(["a", "b", "A", "a.b", "[]", ""])
NUMBERS = st.integers(-(1 << 65), 1 << 65) | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 3)
LEAVES = st.none() | st.booleans() | NUMBERS | st.sampled_from(["", "x", "2024-01-02", "NaN", 'q":', "é\n", "}\n{"])
VALUES = st.recursive(
    LEAVES, lambda one: st.lists(one, max_size=3) | st.dictionaries(NAMES, one, max_size=3), max_leaves=8
)
TEXTS = st.dictionaries(NAMES, VALUES, max_size=4).map(json.dumps)
ODD = st.sampled_from(
    [
        "", " ", "null", "12", "[1]", "nothing", '{"a":1,}', '{"a":NaN}', '{"a":-Infinity}', '{"a":1e999}', '{"a":01}',
        '{"a":1,"a":2}', '{"a":1} {"a":2}', '{"a":{"b":1}', "}", '{"a":"}', '{"}', '{"a":\n1}', '{"a":1}\n{"a":2}',
        '{"a":"\\ud800"}', "\ufeff{}", '{"a":-0}', '{"a":-0.0}', '{"a":1.0}', '{"a":1E2}', '{"a":9223372036854775808}',
        "{'a':1}", '{"a":"\t"}', "{} x",
    ]
)  # fmt: skip


def of(**kinds: T.DataType) -> T.StructType:
    return T.StructType([T.StructField(name, kind) for name, kind in kinds.items()])


INSIDE = of(a=T.StringType(), b=T.BooleanType())
DECLARED = of(**{
    "a": T.DoubleType(), "b": T.ArrayType(T.LongType()), "a.b": INSIDE, "A": T.DecimalType(10, 2),
    "[]": T.TimestampType(), "": T.IntegerType(),
})  # fmt: skip


def singly(texts: list[str | None], kind: T.StructType) -> list[Any]:
    read = json_text.Parser(kind)
    return [read(text) for text in texts]


def in_batches(texts: list[str | None], kind: T.StructType) -> list[Any]:
    """What the workers make of texts: each as a record, or None where it is said to be broken."""
    batch = pa.record_batch([pa.array(texts, pa.string()), pa.array(range(len(texts)))], ["text", "n"])
    reader = json_batches.Reader(kind)
    good = pa.Table.from_batches(reader([batch])).to_pylist()
    broken = pa.Table.from_batches(reader.broken([batch])).to_pylist()
    assert all(one["text"] == texts[one["n"]] for one in broken)
    return [
        one["text"] for one in sorted([*good, *({**one, "text": None} for one in broken)], key=lambda one: one["n"])
    ]


def as_arrow(values: list[Any], kind: T.StructType) -> list[Any]:
    """Values record by record, as Arrow gives them back."""
    from pyspark.sql.pandas.types import to_arrow_type

    return pa.array(values, to_arrow_type(json_text.filled(kind))).to_pylist()  # type: ignore[no-any-return]


def found(texts: list[str]) -> T.DataType:
    return together(found.kind for found in json_batches._kinds(pa.array(texts)))


def expected(texts: list[str]) -> T.DataType:
    return together(json_text.kinds(texts)[0])


def together(kinds: Iterable[T.DataType]) -> T.DataType:
    kind = merged(T.StructType.fromJson(json.loads(json_text.wrapped(one)))["v"].dataType for one in kinds)
    return T.StructType.fromJson(json.loads(json_text.wrapped(kind)))["v"].dataType  # by name


@settings(deadline=None)
@given(st.lists(TEXTS | ODD, min_size=1, max_size=6))
def test_batches_find_the_types_and_values_that_single_records_have(texts: list[str]) -> None:
    kind = expected(texts)
    assert found(texts) == kind
    if isinstance(kind, T.StructType):
        for part in (texts, *([text] for text in texts)):  # of a choice, one text has but one type
            assert repr(in_batches(part, kind)) == repr(as_arrow(singly(part, kind), kind))


@settings(deadline=None)
@given(st.lists(TEXTS | ODD, min_size=1, max_size=6))
def test_batches_fit_a_declared_type_as_single_records_do(texts: list[str]) -> None:
    assert repr(in_batches(texts, DECLARED)) == repr(as_arrow(singly(texts, DECLARED), DECLARED))


def test_what_is_nested_too_deep_is_no_record_and_ends_no_process() -> None:
    for depth in (400, 100_000):
        text = '{"a":' + "[" * depth + "]" * depth + "}"
        assert in_batches([text, '{"a":[]}'], of(a=T.ArrayType(T.StringType())))[1] == {"a": []}
        found([text])


def test_one_broken_record_is_the_only_one_that_is_lost() -> None:
    texts: list[str | None] = [json.dumps({"a": n, "b": n / 7}) for n in range(1000)]
    texts[700] = '{"a": 1'
    read = in_batches(texts, of(a=T.LongType(), b=T.DoubleType()))
    assert [n for n, one in enumerate(read) if one is None] == [700]
    assert sum(one["a"] for one in read if one) == sum(range(1000)) - 700


def test_integers_among_numbers_with_a_point_are_seen() -> None:
    both = [json.dumps({"p": 1.0}), json.dumps({"p": 2.5}), json.dumps({"p": 3})]
    kind = json_batches._kind_of(json_batches._table(pa.array(both)), pa.array(both))  # type: ignore[arg-type]
    assert kind.simpleString() == "struct<p:struct<double:double,long:bigint>>"
    assert json_batches._kind_of(json_batches._table(pa.array(both[:2])), pa.array(both[:2])).simpleString() == (  # type: ignore[arg-type]
        "struct<p:double>"
    )


def test_no_text_is_no_record() -> None:
    assert in_batches([None, '{"a":1}', None], of(a=T.LongType())) == [None, {"a": 1}, None]


def test_what_is_too_long_for_sparks_reader_is_known_and_is_whole_to_others() -> None:
    long = ['{"a": "' + "x" * 50_000 + '"}', '{"a": 0.' + "1" * 1001 + "}", '{"' + "b" * 50_001 + '": 1}']
    for text, objects in (*((one, False) for one in long), ('{"a": "' + "x1" * 600 + '"}', True), ('{"a": 1}', True)):
        (batch,) = json_batches._shapes([pa.record_batch([pa.array([text, "{}"])], names=["text"])])
        found = batch.to_pylist()
        assert all(one["objects"] is objects and one["whole"] for one in found), text[:20]
