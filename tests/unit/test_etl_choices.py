"""Schema per record: what JSON says in every record, choices at any depth, and every way to decide them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pyspark.sql import functions as F
from pyspark.sql import types as T

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame, ResolveOption
from awsglue.transforms import ApplyMapping, Map, ResolveChoice
from lakelet.etl.choices import choices_in, is_choice
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.json_batches import discovered
from lakelet.etl.json_records import parsed
from lakelet.etl.paths import parse_path
from lakelet.etl.sail import engine
from lakelet.workspace.errors import UsageError
from tests.spark import kinds, values

RECORDS = [
    {"id": 1, "price": 10, "o": {"b": "x", "k`c": 1}, "l": [1, 2], "m": [{"b": 1}], "n": None},
    {"id": 2, "price": 2.5, "o": {"b": 7}, "l": [1, "two", None, {"z": 1}], "m": [{"b": "one"}, {"d": True}]},
    {"id": 3, "price": None, "o": {}, "l": [], "m": []},
    {"id": 4, "price": "n/a", "o": "none", "l": None},
]


def read(glue: GlueContext, records: list[Any]) -> DynamicFrame:
    texts = glue.spark_session.createDataFrame([(json.dumps(one),) for one in records], "value string").coalesce(1)
    kind = discovered(texts, F.col("value")).kind
    rows = texts.select(parsed(F.col("value"), kind).alias("r")).select("r.*")
    return DynamicFrame(rows, glue, "records")


@pytest.fixture
def frame(glue: GlueContext) -> DynamicFrame:
    return read(glue, RECORDS)


def test_every_record_has_its_say_the_last_too(frame: DynamicFrame, capsys: pytest.CaptureFixture[str]) -> None:
    assert kinds(frame) == {
        "id": "bigint",
        "l": "array<struct<long:bigint,string:string,struct:struct<z:bigint>>>",
        "m": "array<struct<b:struct<long:bigint,string:string>,d:boolean>>",
        "n": "void",
        "o": "struct<string:string,struct:struct<b:struct<long:bigint,string:string>,k`c:bigint>>",
        "price": "struct<double:double,long:bigint,string:string>",
    }
    assert list(choices_in(frame.schema())) == [("l", "[]"), ("m", "[]", "b"), ("o",), ("price",)]
    frame.select_fields(["price", "m"]).printSchema()
    assert capsys.readouterr().out.splitlines() == [
        "root", "|-- price: choice", "|    |-- double", "|    |-- long", "|    |-- string", "|-- m: array",
        "|    |-- element: struct", "|    |    |-- b: choice", "|    |    |    |-- long", "|    |    |    |-- string",
        "|    |    |-- d: boolean",
    ]  # fmt: skip


def test_rows_are_shown_as_json(frame: DynamicFrame, capsys: pytest.CaptureFixture[str]) -> None:
    frame.select_fields(["id", "price"]).show(2)
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert sorted(one["id"] for one in shown) == [1, 2]
    assert {"id": 1, "price": {"long": 10}} in shown


def test_the_values_are_those_of_their_records(frame: DynamicFrame) -> None:
    assert values(frame, "price.long", "price.double", "price.string") == [
        (10, None, None),
        (None, 2.5, None),
        (None, None, None),
        (None, None, "n/a"),
    ]
    (mixed,) = values(frame.filter(lambda r: r["id"] == 2), "l")
    assert [tuple(one) if one else None for one in mixed] == [
        (1, None, None),
        (None, "two", None),
        None,
        (None, None, (1,)),
    ]
    assert values(frame, "o.struct.b.string", "o.struct.b.long", "o.string", "o.struct.`k``c`")[0] == (
        "x",
        None,
        None,
        1,
    )


def test_a_function_sees_the_values_not_the_structs(frame: DynamicFrame) -> None:
    seen = values(frame.map(lambda r: {"seen": json.dumps({**r, "n": 0})}), "seen")
    assert [json.loads(one)["price"] for one in seen] == [10, 2.5, None, "n/a"]
    assert json.loads(seen[1])["l"] == [1, "two", None, {"z": 1}]
    assert json.loads(seen[3])["o"] == "none"


def test_functions_make_choices(glue: GlueContext, frame: DynamicFrame) -> None:
    made = Map.apply(frame, f=lambda r: {"x": r["id"] if r["id"] < 3 else str(r["id"]), "in": {"deep": [r["id"]]}})
    assert kinds(made) == {"x": "struct<long:bigint,string:string>", "in": "struct<deep:array<bigint>>"}
    assert is_choice(made.schema()["x"].dataType)
    assert values(made.resolveChoice(choice="cast:long"), "x", "in.deep") == [(n, [n]) for n in (1, 2, 3, 4)]
    assert made.filter(lambda r: r["x"] == "4").count() == 1


def test_resolve_choice_at_any_depth(frame: DynamicFrame) -> None:
    cast = ResolveChoice.apply(frame, specs=[("m[].b", "cast:string"), ("price", "cast:double"), ("l[]", "cast:long")])
    assert kinds(cast)["m"] == "array<struct<b:string,d:boolean>>"
    assert values(cast, "m.b") == [["1"], ["one", None], [], None]
    assert values(cast, "price") == [10.0, 2.5, None, None]
    assert values(cast, "l") == [[1, 2], [1, None, None, None], [], None]
    inside = frame.resolveChoice(specs=[("o", "project:struct")]).resolveChoice(specs=[("o.b", "make_cols")])
    assert kinds(inside)["o"] == "struct<b_long:bigint,b_string:string,k`c:bigint>"
    assert values(inside, "o.b_long", "o.b_string")[:2] == [(None, "x"), (7, None)]
    assert not is_choice(inside.schema()["o"].dataType)
    assert values(frame.resolveChoice(specs=[("price", "project:int")]), "price") == [10, None, None, None]
    text = frame.resolveChoice(specs=[("o", "cast:string")])
    assert values(text, "o") == ['{"b":{"string":"x"},"k`c":1}', '{"b":{"long":7}}', "{}", "none"]


@pytest.mark.parametrize("action", ["make_struct", "cast:string", "cast:double"])
def test_one_action_for_every_choice(frame: DynamicFrame, action: str) -> None:
    decided = frame.resolveChoice(choice=action)
    assert list(choices_in(decided.schema())) == []
    assert decided.toDF().collect()


def test_make_cols_for_every_choice(frame: DynamicFrame) -> None:
    decided = frame.drop_fields(["l"]).resolveChoice(choice="make_cols")
    assert kinds(decided) == {
        "id": "bigint",
        "m": "array<struct<b_long:bigint,b_string:string,d:boolean>>",
        "n": "void",
        "o_string": "string",
        "o_struct": "struct<b_long:bigint,b_string:string,k`c:bigint>",
        "price_double": "double",
        "price_long": "bigint",
        "price_string": "string",
    }
    with pytest.raises(UsageError, match="element of l"):
        frame.resolveChoice(choice="make_cols")


def test_resolve_options_of_todf(frame: DynamicFrame) -> None:
    options = [ResolveOption("price", "Project", T.DoubleType()), ResolveOption("o", "KeepAsStruct")]
    rows = frame.toDF([*options, ResolveOption("m[].b", "Cast", T.StringType())])
    assert rows.schema["price"].dataType == T.DoubleType()
    assert [row["price"] for row in rows.collect()] == [None, 2.5, None, None]
    with pytest.raises(UsageError, match="KeepAsStruct"):
        frame.toDF([ResolveOption("price", "Explode")])


def test_fromdf_makes_choices_structs(glue: GlueContext, frame: DynamicFrame) -> None:
    again = DynamicFrame.fromDF(frame.toDF(), glue, "again")
    assert list(choices_in(again.schema())) == []
    assert kinds(again) == kinds(frame)


def test_union_of_differing_frames_has_choices(glue: GlueContext) -> None:
    one, other = read(glue, [{"a": 1, "s": {"x": 1}}]), read(glue, [{"a": "z", "s": {"y": [True]}}])
    both = one.union(other)
    assert kinds(both) == {"a": "struct<long:bigint,string:string>", "s": "struct<x:bigint,y:array<boolean>>"}
    found = values(both.union(one).resolveChoice(choice="cast:string"), "a", "s.x")
    expected = [("1", 1), ("z", None), ("1", 1)]
    if engine.active():  # Sail's unions have no order
        found, expected = sorted(found, key=repr), sorted(expected, key=repr)
    assert found == expected


def test_apply_mapping_of_nested_paths(glue: GlueContext) -> None:
    frame = read(glue, [{"a": {"b": "1", "c": 2}, "l": [{"x": "5"}, {"x": "q"}], "p": 1}, {"p": "t"}])
    mapped = ApplyMapping.apply(
        frame,
        [
            ("a.b", "string", "to.deep.b", "long"),
            ("a.c", "long", "to.c", "string"),
            ("l[].x", "string", "xs", "int"),
            ("l", "array", "l", "array"),
            ("p", "string", "p", "string"),
        ],
    )
    assert kinds(mapped) == {
        "to": "struct<deep:struct<b:bigint>,c:string>",
        "xs": "array<int>",
        "l": "array<struct<x:string>>",
        "p": "string",
    }
    assert values(mapped, "to.deep.b", "to.c", "xs", "p") == [(1, "2", [5, None], None), (None, None, None, "t")]
    assert kinds(frame.apply_mapping([("a.b", "q")])) == {"q": "string"}
    with pytest.raises(UsageError, match="Two fields"):
        frame.apply_mapping([("a.b", "string", "x", "string"), ("p", "string", "x", "string")])


def test_no_scan_is_needed_to_filter_what_is_undecided(glue: GlueContext) -> None:
    rows = glue.spark_session.createDataFrame([("1",), ("x",), (None,)], "v string")
    frame = DynamicFrame(rows, glue, "text", pending={"v": "bigint"})
    kept = frame.filter(lambda r: r["v"] in (1, "x"))
    assert kept.pending == {"v": "bigint"}
    assert values(kept, "v.long", "v.string") == [(1, None), (None, "x")]


@pytest.mark.parametrize("text", ["", "[]", "a..b", "a[0]", "a.", ".a", "a[]b"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no path"):
        parse_path(text)


def test_paths() -> None:
    assert parse_path("a.b[].`c.d``e`") == ("a", "b", "[]", "c.d`e")
    assert parse_path("a[][]") == ("a", "[]", "[]")


def test_machine_learning_is_refused_by_name(frame: DynamicFrame) -> None:
    from awsglue.transforms import FillMissingValues, FindMatches

    for transform in (FillMissingValues, FindMatches):
        with pytest.raises(UnsupportedError, match=transform.__name__):
            transform.apply(frame, transformId="x")


def test_rows_with_two_columns_of_a_name_are_not_written(glue: GlueContext) -> None:
    rows = glue.spark_session.range(1).toDF("id")
    frame = DynamicFrame.fromDF(rows.join(rows.toDF("ID"), F.lit(True)), glue, "twice")
    with pytest.raises(UsageError, match="more than one column id: rename or drop"):
        glue.write_dynamic_frame.from_options(frame, "s3", {"path": "s3://nowhere/out/"}, "parquet")


NESTED = [{"s": {"a": 1, "B": "x", "in": {"z": 5}}, "l": [{"a": 2, "b": "y"}], "c": {"a": "t"}}, {"c": {"a": 3}}]
TYPE = "struct<b:string,a:int,In:struct<gone:string,Z:string>>"


@pytest.mark.parametrize("how", ["resolveChoice", "apply_mapping"])
def test_fields_of_structs_are_cast_by_their_names(glue: GlueContext, how: str) -> None:
    wanted = {"s": TYPE, "l": "array<struct<b:string,a:string>>", "c": "struct<a:string>"}
    frame = read(glue, NESTED)
    if how == "resolveChoice":
        cast = frame.resolveChoice(specs=[(name, f"cast:{kind}") for name, kind in wanted.items()])
    else:
        cast = frame.apply_mapping([(name, "struct", name, kind) for name, kind in wanted.items()])
    assert {name: kinds(cast)[name] for name in wanted} == wanted
    assert values(cast, "s.a", "s.b", "s.In.Z", "s.In.gone", "l", "c.a") == [
        (1, "x", "5", None, [("y", "2")], "t"), (None, None, None, None, None, "3"),
    ]  # fmt: skip


def test_apply_mapping_of_what_is_in_arrays(glue: GlueContext) -> None:
    frame = read(glue, [{"l": [{"x": 1, "m": [{"y": "7"}]}, {"x": "q", "m": []}]}])
    mapped = frame.apply_mapping(
        [("l[].x", "long", "whole", "int"), ("l[].m[].y", "string", "deep", "int"), ("l[].x", "string", "x", "string")]
    )
    assert values(mapped, "whole", "deep", "x") == [([1, None], [[7], []], [None, "q"])]


def test_the_parameters_of_apply_mapping_are_in_the_documented_order(glue: GlueContext, frame: DynamicFrame) -> None:
    mapping = [("ID", "long", "id", "long")]
    assert frame.apply_mapping(mapping, "named").name == "named"
    assert ApplyMapping.apply(frame, mapping, "named", "", 1, 1).name == "named"
    assert [field.name for field in frame.apply_mapping(mapping, case_sensitive=True).schema()] == []
