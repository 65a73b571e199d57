"""Every format that jobs read and write, on a real lake: from folders, from tables, and records that are wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import engine
from lakelet.workspace.errors import InvalidInputException, UsageError
from tests.lake import Lake, own_lake
from tests.spark import kinds, lake_on_spark, values

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def place(lake: GlueContext) -> Iterator[Lake]:
    with own_lake(lake, "test-formats") as made:
        yield made


def bad(frame: Any) -> list[tuple[str, str]]:
    rows = frame.errorsAsDynamicFrame().toDF().select("error.*").collect()
    return [(row["msg"].partition(":")[0], row["input"]) for row in rows]


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("parquet", {"compression": "gzip", "blockSize": 1048576}), ("glueparquet", {}), ("orc", {}), ("avro", {}),
        ("json", {"compression": "gzip"}), ("csv", {"separator": "|", "compression": "bzip2"}),
    ],
)  # fmt: skip
def test_what_is_written_is_read_from_the_folder_and_from_the_table(
    place: Lake, format: str, options: dict[str, Any]
) -> None:
    from awsglue.dynamicframe import DynamicFrame

    glue = place.glue
    rows = glue.spark_session.sql("select id, concat('n', id) name, id % 2 part from range(4)")
    frame = DynamicFrame.fromDF(rows, glue, "x").coalesce(1)
    sink = glue.getSink("s3", path=place.uri(f"out-{format}"), partitionKeys=["part"], enableUpdateCatalog=True)
    sink.setFormat(format, **options)
    sink.setCatalogInfo(catalogDatabase=place.name, catalogTableName=f"out_{format}")
    if engine.active() and format in ("orc", "avro"):
        with pytest.raises(UnsupportedError, match=f"{format} .*--engine spark"):
            sink.writeFrame(frame)
        return
    sink.writeFrame(frame)
    expected = [(n, f"n{n}", n % 2) for n in range(4)]
    table = glue.create_dynamic_frame.from_catalog(database=place.name, table_name=f"out_{format}")
    assert sorted(values(table, "id", "name", "part")) == expected
    if format != "csv":
        assert sorted(values(place.read(f"out-{format}", format), "id", "name", "part")) == expected
    if engine.active() and format != "csv":  # Sail does not tell of which file a row is
        with pytest.raises(UnsupportedError, match="--engine spark"):
            place.read(f"out-{format}", format, {"attachFilename": "file"}, recurse=True)
        return
    named = place.read(f"out-{format}", format, {"attachFilename": "file"}, recurse=True)
    assert all(f"{place.name}/out-{format}/part=" in one for one in values(named, "file"))


def test_a_table_without_partitions(place: Lake) -> None:
    glue = place.glue
    sink = glue.getSink("s3", path=place.uri("plain"), enableUpdateCatalog=True)
    sink.setCatalogInfo(catalogDatabase=place.name, catalogTableName="plain")
    sink.write_rows(glue.spark_session.range(3))
    frame = glue.create_dynamic_frame.from_catalog(database=place.name, table_name="plain")
    assert sorted(values(frame, "id")) == [0, 1, 2]


def test_columns_of_json_are_found_whatever_their_case(place: Lake) -> None:
    place.put("spelled/a.json", '{"deviceId": 1, "At": "x", "plain": 2, "PLAIN": 3}\n{"deviceId": 2}\n{"broken\n')
    columns = {"deviceid": "int", "at": "string", "plain": "int", "other": "string"}
    frame = place.table("spelled", "spelled", "json", columns)
    assert sorted(values(frame, "deviceid", "at", "plain", "other"), key=str) == [
        (1, "x", 2, None),
        (2, None, None, None),
    ]
    assert frame.toDF().columns == list(columns)
    assert frame.errorsCount() == 1
    place.put("within/a.json", '{"userIdentity": {"principalId": "p", "Roles": [{"Arn": "a"}, {"Arn": null}]}}\n{}\n')
    kind = "struct<principalid:string,roles:array<struct<arn:string>>,other:int>"
    within = place.table("within", "within", "json", {"useridentity": kind})
    assert kinds(within) == {"useridentity": kind}
    assert sorted(values(within, "useridentity"), key=str) == [None, ("p", [("a",), (None,)], None)]
    place.put("mapped/a.json", '{"@timestamp": "t", "stamp": "no", "ip.addr": "i"}\n')
    properties = {"mapping.stamp": "@timestamp", "dots.in.keys": "true"}
    mapped = place.table("mapped", "mapped", "json", {"stamp": "string", "ip_addr": "string"}, **properties)
    assert values(mapped, "stamp", "ip_addr") == [("t", "i")]
    with pytest.raises(InvalidInputException, match=r"SerDe property 'timestamp\.formats'"):
        place.table("odd", "mapped", "json", {"stamp": "string"}, **{"timestamp.formats": "yyyy"})


def test_json_has_choices_and_errors(place: Lake) -> None:
    place.put("lines/a.json", '{"a": 1, "b": {"c": true}}\n{"a": "x"}\nno json\n\n[1]\n{"b": null, "d": [1.5]}\n')
    frame = place.read("lines", "json")
    assert kinds(frame) == {
        "a": "struct<long:bigint,string:string>", "b": "struct<c:boolean>", "d": "array<double>",
    }  # fmt: skip
    assert values(frame.resolveChoice(specs=[("a", "cast:string")]), "a") == ["1", "x", None]
    assert bad(frame) == [
        ("the record does not fit the schema", "no json"),
        ("the record does not fit the schema", "[1]"),
    ]
    schema = json.dumps({"type": "struct", "fields": [{"name": "a", "type": "long", "nullable": True, "metadata": {}}]})
    given = place.read("lines", "json", {"withSchema": schema})
    assert kinds(given) == {"a": "bigint"} and values(given, "a") == [1, None]
    with pytest.raises(UsageError, match="withSchema"):
        place.read("lines", "json", {"withSchema": "a: int"})


def test_json_documents(place: Lake) -> None:
    place.put("documents/a.json", '{"page": 1,\n "rows": [{"n": 1.0}, {"n": 2.5}]}\n{"page": 2, "rows": []} {oops')
    frame = place.read("documents", "json", {"jsonPath": "$.rows[*]"})
    assert values(frame, "n") == [1.0, 2.5] and bad(frame) == [("no JSON", "{oops")]
    assert values(place.read("documents", "json", {"multiline": True}), "page") == [1, 2]
    table = place.table("documents", "documents", "json", {"n": "double"}, jsonPath="$.rows[*]")
    assert values(table, "n") == [1.0, 2.5]
    with pytest.raises(InvalidInputException, match="JsonPath"):
        place.read("documents", "json", {"jsonPath": "rows"}).count()


@lake_on_spark
def test_xml(place: Lake) -> None:
    text = "<all><row id='1'><n>5</n></row><row id='2'><n></n><m>text</m></row></all>"
    place.put("xml/a.xml", text)
    frame = place.read("xml", "xml", {"rowTag": "row", "attributePrefix": "at_"})
    assert sorted(values(frame, "at_id", "n", "m"), key=str) == [(1, 5, None), (2, None, "text")]
    table = place.table("xml", "xml", "xml", {"n": "int", "_id": "string"}, rowTag="row")
    assert values(table, "_id", "n") == [("1", 5), ("2", None)]
    with pytest.raises(UsageError, match="rowTag"):
        place.read("xml", "xml")
    with pytest.raises(UnsupportedError, match="xml can be read and not written"):
        place.glue.getSink("s3", format="xml", path=place.uri("never"))


def test_logs(place: Lake) -> None:
    place.put("logs/a.log", "7 GET -\nwhat\n8 PUT x\n")
    pattern = "%{NUMBER:code:int} %{WORD:verb} %{NOTSPACE:rest}"
    frame = place.read("logs", "grokLog", {"logFormat": pattern})
    assert kinds(frame) == {"code": "int", "verb": "string", "rest": "string"}
    assert values(frame, "code", "verb", "rest") == [(7, "GET", None), (8, "PUT", "x")]
    assert bad(frame) == [("the line does not match logFormat", "what")]
    columns = {"code": "int", "verb": "string", "rest": "string"}
    table = place.table("logs", "logs", "grokLog", columns, **{"input.format": pattern})
    assert values(table, "code", "rest") == [(7, None), (8, "x")]
    with pytest.raises(UsageError, match="logFormat"):
        place.read("logs", "grokLog")


def test_logs_in_patterns_and_with_a_missing_mark_of_one_s_own(place: Lake) -> None:
    place.put("own/a.log", "EDDF late n/a\nKJFK early rain\n")
    options = {
        "logFormat": "%{STATION:station} %{WORD:state} %{NOTSPACE:why}",
        "customPatterns": "LETTER [A-Z]\nSTATION %{LETTER}{4}",
        "MISSING": "n/a",
    }
    frame = place.read("own", "grokLog", options)
    assert values(frame, "station", "state", "why") == [("EDDF", "late", None), ("KJFK", "early", "rain")]
    with pytest.raises(InvalidInputException, match="STATION"):
        place.read("own", "grokLog", {"logFormat": options["logFormat"]})


def test_ion(place: Lake) -> None:
    from amazon.ion import simpleion

    place.put("ion/text.ion", "{a: 1, b: sym, c: 2024-01-02T, d: [1.5]}\n{a: null.int}\n7\n")
    place.put("ion/binary.10n", simpleion.dumps({"a": 2, "b": "text"}, binary=True))
    frame = place.read("ion", "ion")
    assert sorted(values(frame, "a", "b", "c", "d"), key=str) == [
        (1, "sym", "2024-01-02T00:00:00", [1.5]), (2, "text", None, None), (None, None, None, None),
    ]  # fmt: skip
    assert bad(frame) == [("no Ion struct", "7")]


def test_csv_without_quotes_and_failing_fast(place: Lake) -> None:
    from pyspark.errors import PySparkException

    place.put("quotes/a.csv", 'a,b\n"1,2"\n')
    assert values(place.read("quotes", "csv", {"withHeader": True, "quoteChar": -1}), "a", "b") == [('"1', '2"')]
    with pytest.raises((PySparkException, Exception), match="error records"):
        place.read("quotes", "csv", {"withHeader": True}, isFailFast=True)
    with pytest.raises(UnsupportedError, match="quoteChar -1"):
        place.glue.getSink("s3", path=place.uri("never")).setFormat("csv", quoteChar=-1)


def test_a_schema_of_gluetypes_with_choices(place: Lake) -> None:
    from awsglue.gluetypes import ArrayType, ChoiceType, Field, IntegerType, StringType, StructType

    place.put("typed/a.json", '{"id": 1, "z": 2, "l": [1, "a"]}\n{"id": 2, "z": "b", "more": 1}\n{"id": "no"}\n')
    either = ChoiceType([IntegerType(), StringType()])
    schema = StructType([Field("id", IntegerType()), Field("z", either), Field("l", ArrayType(either))])
    for options in ({}, {"multiline": True}):
        frame = place.read("typed", "json", {"withSchema": json.dumps(schema.jsonValue()), **options})
        assert kinds(frame) == {
            "id": "int", "z": "struct<long:bigint,string:string>", "l": "array<struct<long:bigint,string:string>>",
        }  # fmt: skip
        assert isinstance(frame.schema()["z"].dataType, ChoiceType)
        assert not isinstance(frame.schema(), ChoiceType)
        assert values(frame.resolveChoice(choice="cast:string"), "id", "z", "l") == [
            (1, "2", ["1", "a"]), (2, "b", None),
        ]  # fmt: skip
        assert frame.errorsCount() == 1
    for types in ([], [IntegerType()], [IntegerType(), IntegerType()], [StringType(), either]):
        with pytest.raises(UsageError, match="ChoiceType"):
            ChoiceType(types)
    if not engine.active():
        with pytest.raises(UnsupportedError, match="ChoiceType"):
            place.read("typed", "xml", {"rowTag": "r", "withSchema": json.dumps(schema.jsonValue())})
