"""Transforms of nested records: fields by path, unnest, relationalize, unbox, DynamoDB's JSON, merges, collections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException

import awsglue.transforms
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from awsglue.transforms import (
    DropFields,
    DropNullFields,
    FlatMap,
    GlueTransform,
    Join,
    MapToCollection,
    Relationalize,
    RenameField,
    SelectFields,
    Simplify_ddb_json,
    SplitFields,
    SplitRows,
    Unbox,
    Union,
    UnnestFrame,
)
from lakelet.etl.errors import ErrorThresholdError, UnsupportedError
from lakelet.etl.sail import engine
from lakelet.workspace.errors import UsageError
from tests.spark import kinds, on_spark, values
from tests.unit.test_etl_choices import read

PEOPLE = [
    {
        "name": {"first": "Ana", "last": "Li"},
        "home": {"street": {"no": 1, "na": None}, "zip": None},
        "phones": [{"kind": "home", "no": "1", "used": [2020, 2021]}, {"kind": "work", "no": "2", "used": []}],
        "tags": ["a", "b"],
    },
    {"name": {"first": "Bo", "last": "Wu"}, "home": None, "phones": [], "tags": None},
]


@pytest.fixture
def people(glue: GlueContext) -> DynamicFrame:
    return read(glue, PEOPLE)


def test_fields_by_path(people: DynamicFrame) -> None:
    assert kinds(SelectFields.apply(people, ["phones[].no", "name.last"])) == {
        "phones": "array<struct<no:string>>",
        "name": "struct<last:string>",
    }
    dropped = DropFields.apply(people, ["phones[].used", "phones[].kind", "name.first", "name.last", "nope.x"])
    assert kinds(dropped) == {
        "home": "struct<street:struct<na:void,no:bigint>,zip:void>",
        "phones": "array<struct<no:string>>",
        "tags": "array<string>",
    }
    assert values(dropped, "phones.no") == [["1", "2"], []]
    assert values(dropped, "home") == [((None, 1), None), None]
    renamed = RenameField.apply(people, "phones[].no", "phones[].number")
    assert kinds(renamed)["phones"] == "array<struct<kind:string,number:string,used:array<bigint>>>"
    moved = people.rename_field("name.first", "first")
    assert (kinds(moved)["name"], values(moved, "first")) == ("struct<last:string>", ["Ana", "Bo"])
    into = moved.rename_field("first", "name.given")
    assert values(into, "name.given", "name.last") == [("Ana", "Li"), ("Bo", "Wu")]
    with pytest.raises(UnsupportedError, match="within an array"):
        people.rename_field("phones[].no", "no")
    assert kinds(DropNullFields.apply(people))["home"] == "struct<street:struct<no:bigint>>"
    split = SplitFields.apply(people, ["name.first"], "one", "two")
    assert (kinds(split["one"]), kinds(split["two"])["name"]) == (
        {"name": "struct<first:string>"},
        "struct<last:string>",
    )


def test_unnest(people: DynamicFrame) -> None:
    flat = UnnestFrame.apply(people)
    assert flat.toDF().columns == [
        "home.street.na",
        "home.street.no",
        "home.zip",
        "name.first",
        "name.last",
        "phones",
        "tags",
    ]
    assert values(flat, "`home.street.no`", "`name.first`") == [(1, "Ana"), (None, "Bo")]
    # A name with dots needs no backticks when it is the name of a field.
    assert kinds(flat.select_fields(["name.first"])) == {"name.first": "string"}
    assert "first" in kinds(flat.rename_field("`name.first`", "first"))


@pytest.mark.parametrize("staged", [True, False])
def test_relationalize(people: DynamicFrame, tmp_path: Path, staged: bool) -> None:
    staging = f"file:{tmp_path}/staging" if staged else None
    tables = Relationalize.apply(people, staging, "root")
    assert sorted(tables.keys()) == ["root", "root_phones", "root_phones.val.used", "root_tags"]
    root = {row["name.first"]: row for row in tables["root"].toDF().collect()}
    assert (root["Bo"]["tags"], root["Ana"]["home.street.no"]) == (None, 1)
    phones = tables["root_phones"].toDF().orderBy("index").collect()
    assert [(p["id"], p["index"], p["phones.val.no"]) for p in phones] == [
        (root["Ana"]["phones"], 0, "1"),
        (root["Ana"]["phones"], 1, "2"),
    ]
    used = tables["root_phones.val.used"].toDF().orderBy("index").collect()
    assert [(u["id"], u["phones.val.used.val"]) for u in used] == [
        (phones[0]["phones.val.used"], 2020),
        (phones[0]["phones.val.used"], 2021),
    ]
    assert values(tables["root_tags"], "id", "index", "`tags.val`") == [
        (root["Ana"]["tags"], 0, "a"),
        (root["Ana"]["tags"], 1, "b"),
    ]
    joined = Join.apply(tables["root"], tables["root_tags"], ["tags"], ["id"])
    assert sorted(values(joined, "`name.first`", "`tags.val`")) == [("Ana", "a"), ("Ana", "b")]


@pytest.mark.parametrize("staged", [True, False])
def test_fields_of_arrays_that_are_null_in_every_record_are_fields_of_tables(
    glue: GlueContext, tmp_path: Path, staged: bool
) -> None:
    records = [
        {"n": 1, "v": None, "l": [{"e": 1, "f": None, "g": [{"x": None}]}], "m": [None, None]},
        {"n": 2, "l": []},
    ]
    tables = read(glue, records).relationalize("r", f"file:{tmp_path}/staging" if staged else None)
    assert {name: kinds(tables[name]) for name in tables.keys()} == {  # noqa: SIM118
        "r": {"l": "bigint", "m": "bigint", "n": "bigint", "v": "void"},
        "r_l": {"id": "bigint", "index": "int", "l.val.e": "bigint", "l.val.f": "void", "l.val.g": "bigint"},
        "r_l.val.g": {"id": "bigint", "index": "int", "l.val.g.val.x": "void"},
        "r_m": {"id": "bigint", "index": "int", "m.val": "void"},
    }
    assert values(tables["r_m"], "index", "`m.val`") == [(0, None), (1, None)]
    assert values(tables["r_l"], "`l.val.e`", "`l.val.f`") == [(1, None)]


def test_relationalized_tables_join_to_the_records_they_came_from(glue: GlueContext, tmp_path: Path) -> None:
    people = [{"n": n, "l": [{"of": n, "m": [f"{n}.{at}.{k}" for k in range(2)]} for at in range(n)]} for n in range(4)]
    frame = read(glue, people)
    for staging in (f"file:{tmp_path}/more", None):
        tables = frame.relationalize("r", staging)
        root = {row["l"]: row["n"] for row in tables["r"].toDF().collect()}
        assert len(root) == 4
        found = tables["r_l"].toDF().collect()
        assert sorted((root[row["id"]], row["index"]) for row in found) == [
            (1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2),
        ]  # fmt: skip
        assert all(root[row["id"]] == row["l.val.of"] for row in found)
        inner = {row["l.val.m"]: f"{row['l.val.of']}.{row['index']}" for row in found}
        texts = tables["r_l.val.m"].toDF().collect()
        assert len(texts) == 12
        assert all(row["l.val.m.val"] == f"{inner[row['id']]}.{row['index']}" for row in texts)


@pytest.mark.parametrize("staged", [True, False])
def test_numbers_stand_in_place_of_arrays_in_choices_and_of_those_that_cannot_be_null(
    glue: GlueContext, tmp_path: Path, staged: bool
) -> None:
    texts = glue.spark_session.createDataFrame([(0, '{"b": 1}'), (1, "[5, 6]")], "n int, t string")
    choices = DynamicFrame.fromDF(texts, glue, "choices").unbox("t", "json")
    filled = DynamicFrame.fromDF(glue.spark_session.sql("select array(5, 6) t, map('k', 7) m"), glue, "filled")
    for frame, name, more in ((choices, "t.array", []), (filled, "t", ["m"])):
        tables = frame.relationalize("r", f"file:{tmp_path}/{name}" if staged else None)
        root, parts = tables["r"].toDF(), tables[f"r_{name}"].toDF().collect()
        numbers = [row[name] for row in root.collect() if row[name] is not None]
        assert [(row["id"], row["index"], row[f"{name}.val"]) for row in parts] == [(*numbers, 0, 5), (*numbers, 1, 6)]
        assert {root.schema[one].dataType.simpleString() for one in (name, *more)} == {"bigint"}


def test_relationalize_takes_maps_as_arrays_of_entries(glue: GlueContext) -> None:
    rows = glue.spark_session.sql("select map('k', struct(1 as x)) as m")
    tables = DynamicFrame.fromDF(rows, glue, "m").relationalize("r", None)
    assert values(tables["r_m"], "`m.val.key`", "`m.val.value.x`") == [("k", 1)]


def test_unbox(glue: GlueContext) -> None:
    rows = [
        ("1", '{"a": 1, "b": [true]}', "x|1"),
        ("2", '{"a": "z"}', "y|2"),
        ("3", "{x", None),
        ("4", None, None),
        ("5", "[", None),
    ]
    frame = DynamicFrame(glue.spark_session.createDataFrame(rows, "id string, j string, c string"), glue, "boxed")
    unboxed = Unbox.apply(frame, "j", "json")
    assert kinds(unboxed)["j"] == "struct<a:struct<long:bigint,string:string>,b:array<boolean>>"
    assert values(unboxed, "id", "j.a.long", "j.a.string") == [("1", 1, None), ("2", None, "z"), ("4", None, None)]
    assert (unboxed.stageErrorsCount(), unboxed.errorsCount()) == (2, 2)
    errors = unboxed.errorsAsDynamicFrame().toDF().select("error.input").collect()
    assert sorted(error[0] for error in errors) == ["[", "{x"]
    later = unboxed.select_fields(["id"])
    assert (later.stageErrorsCount(), later.errorsCount()) == (0, 2)
    unboxed.select_fields(["id"], stageThreshold=1, totalThreshold=2)
    with pytest.raises(ErrorThresholdError):
        unboxed.select_fields(["id"], totalThreshold=1)
    with pytest.raises(ErrorThresholdError):
        frame.unbox("j", "json", stageThreshold=1)
    assert values(frame.unbox("c", "csv", separator="|"), "c.col0", "c.col1")[:2] == [("x", "1"), ("y", "2")]
    schema = (
        '{"type":"struct","fields":[{"name":"l","type":"string","nullable":true,"metadata":{}},'
        '{"name":"n","type":"integer","nullable":true,"metadata":{}}]}'
    )
    assert values(frame.unbox("c", "csv", separator="|", withSchema=schema), "c.n")[:2] == [1, 2]
    with pytest.raises(UnsupportedError, match="avro"):
        frame.unbox("j", "avro")


@pytest.mark.parametrize("texts", [["{}", "[1]"], ['{"a": {}}', '{"a": []}']])
def test_objects_without_fields(glue: GlueContext, tmp_path: Path, texts: list[str]) -> None:
    rows = glue.spark_session.createDataFrame(list(enumerate(texts)), "n int, t string")
    frame = DynamicFrame.fromDF(rows, glue, "empty").unbox("t", "json")
    assert frame.count() == 2 and frame.errorsCount() == 0
    whole = frame.resolveChoice(choice="cast:string").toDF().orderBy("n").selectExpr("to_json(struct(t)) t").collect()
    assert ["{}" in one["t"] for one in whole] == [True, False] and "[" in whole[1]["t"]
    if engine.active():
        for made in (lambda: frame.filter(lambda record: True), lambda: frame.map(lambda record: record)):
            with pytest.raises(UnsupportedError, match=r"a struct without fields \(t\) .* --engine spark"):
                made()
    else:
        assert frame.filter(lambda record: isinstance(record["t"], dict)).count() == (1 if "{}" in texts else 2)
        assert frame.map(lambda record: {"t": str(record["t"])}).toDF().count() == 2
    struct = frame.resolveChoice(choice="make_struct")
    for format in ("json", "parquet"):
        with pytest.raises((UsageError, AnalysisException), match=r"structs without fields|nested empty schemas"):
            struct.toDF().write.format(format).save(str(tmp_path / format))
        with pytest.raises(UsageError, match="t hold structs without fields"):
            glue.write_dynamic_frame.from_options(struct, "s3", {"path": "s3://nowhere/x/"}, format)


def test_dynamodb_json(glue: GlueContext) -> None:
    items = [
        {
            "Item": {
                "A": {"S": "x"}, "N": {"N": "1.5"}, "Yes": {"BOOL": True}, "Set": {"SS": ["p"]},
                "Nothing": {"NULL": True},
                "M": {"M": {"in": {"M": {"app": {"S": "y"}}}, "l": {"L": [{"S": "e"}]}}},
                "Mixed": {"L": [{"S": "e"}, {"N": "1"}]}, "Either": {"S": "t"},
            }
        },
        {"Item": {"A": {"S": "z"}, "Either": {"BOOL": False}}},
    ]  # fmt: skip
    simple = Simplify_ddb_json.apply(read(glue, items))
    assert kinds(simple) == {
        "A": "string",
        "Either": "struct<boolean:boolean,string:string>",
        "M": "struct<in:struct<app:string>,l:array<string>>",
        "Mixed": "array<struct<N:string,S:string>>",
        "N": "string",
        "Nothing": "boolean",
        "Set": "array<string>",
        "Yes": "boolean",
    }
    assert values(simple, "A", "M.in.app", "M.l") == [("x", "y", ["e"]), ("z", None, None)]
    flat = read(glue, items).unnest_ddb_json()
    assert values(flat, "`M.in.app`", "N") == [("y", "1.5"), (None, None)]


def test_merge_replaces_by_keys(glue: GlueContext) -> None:
    old = read(glue, [{"k": {"a": 1}, "v": "old"}, {"k": {"a": 1}, "v": "old2"}, {"k": {"a": 2}, "v": "kept"}])
    new = read(glue, [{"k": {"a": 1}, "v": "new", "w": 1}, {"k": {"a": 3}, "v": "added"}])
    merged = old.mergeDynamicFrame(new, ["k.a"])
    assert sorted(values(merged, "k.a", "v")) == [(1, "new"), (2, "kept"), (3, "added")]
    assert Union.apply(old, new).count() == 5
    with pytest.raises(UsageError, match="nope"):
        old.mergeDynamicFrame(new, ["nope"])


def test_nulls_are_keys_of_a_merge_and_satisfy_no_comparison(glue: GlueContext) -> None:
    frame = read(glue, [{"k": 1, "v": "a"}, {"k": None, "v": "b"}, {"k": 2, "v": "c"}])
    merged = frame.mergeDynamicFrame(read(glue, [{"k": None, "v": "new"}, {"k": 3, "v": "d"}]), ["k"])
    assert sorted(values(merged, "k", "v"), key=str) == [(1, "a"), (2, "c"), (3, "d"), (None, "new")]
    for sign, inside in ((">", ["c"]), ("<=", ["a"]), ("!=", ["c"]), ("=", ["a"]), (">=", ["a", "c"]), ("<", [])):
        rows = frame.split_rows({"k": {sign: 1}}, "in", "out")
        assert sorted(values(rows["in"], "v")) == inside
        assert sorted(values(rows["out"], "v")) == sorted({"a", "b", "c"} - set(inside))
    with pytest.raises(UsageError, match="compares with '<>'"):
        frame.split_rows({"k": {"<>": 1}})


def test_error_records_go_with_both_frames(glue: GlueContext) -> None:
    rows = glue.spark_session.createDataFrame([("1", "{"), ("2", '{"a": 1}')], "id string, j string")
    broken = DynamicFrame(rows, glue, "broken").unbox("j", "json")
    whole = DynamicFrame(rows, glue, "whole").drop_fields(["j"])
    for made in (
        whole.join(["id"], ["id"], broken),
        broken.join(["id"], ["id"], whole),
        whole.union(broken),
        broken.union(whole),
        whole.mergeDynamicFrame(broken, ["id"]),
        broken.mergeDynamicFrame(whole, ["id"]),
    ):
        assert made.errorsCount() == 1
        assert made.errorsAsDynamicFrame().toDF().select("error.input").first()[0] == "{"
        with pytest.raises(ErrorThresholdError, match="2 error records and the threshold allows 1"):
            made.union(broken, totalThreshold=1)
    assert broken.union(broken).errorsCount() == 2


def test_split_rows_and_join_by_path(people: DynamicFrame) -> None:
    rows = SplitRows.apply(people, {"name.first": {"=": "Ana"}})
    assert sorted(rows.keys()) == ["first", "second"]
    assert values(rows["second"], "name.last") == ["Wu"]
    joined = people.join(["name.last"], ["name.last"], people.select_fields(["name"]))
    assert values(joined, "`.name`.first") == ["Ana", "Bo"]
    with pytest.raises(UsageError, match="phones"):
        people.join(["phones[].no"], ["name.last"], people)


def test_collections(people: DynamicFrame) -> None:
    both = DynamicFrameCollection(
        {"a": people, "b": people.filter(lambda r: r["name"]["first"] == "Bo")}, people.glue_ctx
    )
    named: list[str] = []

    def names(frame: DynamicFrame, ctx: str) -> DynamicFrame:
        named.append(ctx)
        return frame.select_fields(["name"])

    assert [kinds(one) for one in both.map(names, "ctx_").values()] == [
        {"name": "struct<first:string,last:string>"}
    ] * 2
    assert named == ["ctx_a", "ctx_b"]
    split = both.flatmap(lambda frame, _: frame.split_fields(["name"], "n", "rest"))
    assert sorted(split.keys()) == ["a_n", "a_rest", "b_n", "b_rest"]
    selected = MapToCollection.apply(both, SelectFields, "frame", paths=["tags"])
    assert kinds(selected["b"]) == {"tags": "array<string>"}
    flat = FlatMap.apply(both, SplitFields, "frame", paths=["tags"], name1="t", name2="o")
    assert flat["b_t"].count() == 1
    with pytest.raises(UsageError, match="no DynamicFrame"):
        both.map(lambda frame, ctx: frame.count())  # type: ignore[arg-type, return-value]


@on_spark
def test_partitions_are_counted_without_reading(people: DynamicFrame) -> None:
    assert people.repartition(3).getNumPartitions() == 3
    assert people.repartition(3).coalesce(1).getNumPartitions() == 1


def test_every_transform_describes_itself() -> None:
    for name in awsglue.transforms.__all__:
        transform: type[GlueTransform] = getattr(awsglue.transforms, name)
        about: dict[str, Any] = transform.describe()
        assert about["transform"]["name"] == transform.name() == name
        assert about["transform"]["description"]
        json.dumps(about)
    arguments = {one["name"]: one for one in Join.describeArgs()}
    assert not arguments["keys1"]["optional"]
    assert arguments["transformation_ctx"]["defaultValue"] == ""
    assert Relationalize.describeReturn()["type"] == "DynamicFrameCollection"
    assert {"type", "description"} == set(Join.describeErrors()[0])
