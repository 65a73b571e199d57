"""Custom classifiers on objects: what they recognise, and what they leave to the built-in ones."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lakelet.catalog.classifiers.grok import Grok
from lakelet.catalog.classifiers.grok_patterns import PATTERNS
from lakelet.catalog.classifiers.jsonpath import JsonPath
from lakelet.catalog.crawlers.custom import CustomClassifier
from lakelet.catalog.crawlers.definitions import table_input
from lakelet.catalog.crawlers.grouping import find_tables
from lakelet.catalog.crawlers.listing import Target
from lakelet.catalog.crawlers.sampling import classify
from lakelet.catalog.crawlers.schema import Sample, glue_type
from lakelet.data.objects import StoredObject


def sample(text: str, *classifiers: dict[str, Any], limit: int = 1 << 20) -> Any:
    raw = text.encode()
    item = StoredObject("lake", "t/a", len(raw), "etag")
    return classify(item, raw, limit, [CustomClassifier.of(one) for one in classifiers])


def schema(found: Sample) -> dict[str, str]:
    return {column.glue_name: glue_type(column.type) for column in found.columns}


def table(text: str, *classifiers: dict[str, Any]) -> dict[str, Any]:
    """The TableInput of an object."""
    found = sample(text, *classifiers)
    [made], _ = find_tables(Target("lake", "t/"), [found.object], [found])
    return table_input("t", made, "c")


def csv(**members: Any) -> dict[str, Any]:
    return {"CsvClassifier": {"Name": "n", **members}}


def grok(pattern: str, **members: str) -> dict[str, Any]:
    return {"GrokClassifier": {"Name": "n", "Classification": "app", "GrokPattern": pattern, **members}}


def json_path(path: str) -> dict[str, Any]:
    return {"JsonClassifier": {"Name": "n", "JsonPath": path}}


def xml(**members: str) -> dict[str, Any]:
    return {"XMLClassifier": {"Name": "n", "Classification": "orders", **members}}


def test_csv_by_the_rules_of_people() -> None:
    rows = "1~'a~b'~2.5\n2~'c'~3\n"
    found = sample(rows, csv(Delimiter="~", QuoteSymbol="'", Header=["id", "name", "price"], ContainsHeader="ABSENT"))
    assert schema(found) == {"id": "bigint", "name": "string", "price": "double"}
    assert (found.rows, found.header_lines, found.named, found.delimiter) == (2, 0, True, "~")
    typed = sample(rows, csv(Delimiter="~", QuoteSymbol="'", CustomDatatypes=["INT", "STRING", "DECIMAL"]))
    assert schema(typed) == {"col0": "int", "col1": "string", "col2": "decimal"}
    # A heading that the built-in classifier would take for data, and data that it would take for a heading.
    assert list(schema(sample("a,b\nx,y\n", csv(ContainsHeader="PRESENT")))) == ["a", "b"]
    assert sample("id,n\n1,2\n3,4\n", csv(ContainsHeader="ABSENT")).header_lines == 0
    assert schema(sample("a\n1\n2\n", csv(AllowSingleColumn=True))) == {"a": "bigint"}
    assert schema(sample("a, b\n 1, 2\n", csv(DisableValueTrimming=True))) == {"a": "bigint", "b": "bigint"}


def test_csv_that_does_not_fit_is_left_to_the_next() -> None:
    narrow, wide = csv(Header=["a", "b"], ContainsHeader="ABSENT"), csv(Header=["x", "y", "z"])
    assert list(schema(sample("1,2,3\n4,5,6\n", narrow, wide))) == ["x", "y", "z"]
    assert list(schema(sample("1,2,3\n4,5,6\n", narrow))) == ["col0", "col1", "col2"]  # the built-in one's


def test_open_csv_is_written_into_the_table() -> None:
    made = table("1|a\n2|b\n", csv(Delimiter="|", QuoteSymbol="'", Serde="OpenCSVSerDe", ContainsHeader="ABSENT"))
    serde = made["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"] == "org.apache.hadoop.hive.serde2.OpenCSVSerde"
    assert serde["Parameters"] == {"separatorChar": "|", "quoteChar": "'", "escapeChar": "\\"}
    assert made["Parameters"]["classification"] == "csv" and made["Parameters"]["delimiter"] == "|"


def test_json_records_are_where_the_path_leads() -> None:
    inner = '{"meta": 1, "records": [{"id": 1, "at": {"x": 0.5}}, {"id": 2}]}'
    assert schema(sample(inner, json_path("$.records[*]"))) == {"id": "int", "at": "struct<x:double>"}
    assert schema(sample(inner, json_path("$"))).keys() == {"meta", "records"}
    lines = sample(f"{inner}\n{inner}\n".replace("\n", " ").replace("} {", "}\n{"), json_path("$['records'][0].at"))
    assert schema(lines) == {"x": "double"} and lines.rows == 2
    cut = "[" + ",".join('{"a": {"b": 1}}' for _ in range(100))
    assert schema(sample(cut, json_path("$[*].a"))) == {"b": "int"}
    assert schema(sample('{"a": 1}\n', json_path("$.b[*]"))) == {"a": "int"}  # the built-in one's
    assert table(inner, json_path("$.records[*]"))["Parameters"]["jsonPath"] == "$.records[*]"
    assert list(JsonPath.of("$.a.*").records({"a": {"x": 1, "y": [2]}})) == [1, [2]]


def test_xml_records_are_the_elements_of_a_name() -> None:
    text = """<?xml version="1.0"?><shop xmlns="urn:x">
      <order id="1"><item>a</item><item>b</item><price cur="EUR">2.5</price><paid>true</paid></order>
      <order id="2"><item>c</item><price cur="USD">3</price><paid>false</paid></order><ord"""
    found = sample(text, xml(RowTag="order"))
    assert found.rows == 2 and schema(found) == {
        "_id": "int", "item": "string", "price": "struct<_cur:string,_value:double>", "paid": "boolean",
    }  # fmt: skip
    made = table(text, xml())
    assert made["Parameters"]["classification"] == "orders"
    assert made["StorageDescriptor"]["SerdeInfo"] == {"Parameters": {"rowTag": "order"}}
    assert "InputFormat" not in made["StorageDescriptor"]
    assert not isinstance(sample("<a></a>", xml(RowTag="order")), Sample)


def test_xml_that_could_grow_without_end_is_not_read() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE r [<!ENTITY l0 "ha">{laughs}]><r><order><a>&l11;</a></order></r>'
    assert not isinstance(sample(bomb, xml(RowTag="order")), Sample)
    assert not isinstance(sample("<a>" * 100_000, xml(RowTag="a")), Sample)
    deep = "<order>" + "<b>" * 5_000 + "</b>" * 5_000 + "</order>"
    assert sample(deep, xml(RowTag="order")).rows == 1


def test_a_quotation_without_an_end_goes_to_the_end_of_its_pattern() -> None:
    """As Java reads it."""
    found = Grok.of("%{OPEN:a} %{WORD:b}", "OPEN \\Q[x.").match("[x. y")
    assert found == {"a": "[x.", "b": "y"} and Grok.of("%{WORD:a}\\Q.*").match("a.*") == {"a": "a"}


def test_grok_fields_are_columns() -> None:
    lines = "2013-01-01T10:00:00Z HIGH 17 disk full\n" * 9 + "Traceback\n"
    pattern = "%{TIMESTAMP_ISO8601:at} %{SEVERITY:level} %{INT:code:int} %{GREEDYDATA:text}"
    one = grok(pattern, CustomPatterns="# ours\nSEVERITY LOW|HIGH")
    found = sample(lines, one)
    assert schema(found) == {"at": "string", "level": "string", "code": "int", "text": "string"}
    assert found.rows == 10 and found.complaints == ("has 1 lines that the grok pattern does not match",)
    made = table(lines, one)
    serde = made["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"] == "com.amazonaws.glue.serde.GrokSerDe"
    assert serde["Parameters"] == {"input.format": pattern, "input.grokCustomPatterns": "# ours\nSEVERITY LOW|HIGH"}
    assert made["Parameters"]["classification"] == "app"
    assert isinstance(sample("a,b\n1,2\n3,4\n", one), Sample)  # the built-in CSV classifier's


@pytest.mark.parametrize("name", PATTERNS)
def test_every_grok_pattern_compiles(name: str) -> None:
    assert Grok.of(f"%{{{name}:field}}").fields[0] == ("field", "string")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("IP", "192.168.0.255"), ("IP", "fe80::1"), ("UUID", "12345678-1234-1234-1234-123456789abc"),
        ("HTTPDATE", "10/Oct/2000:13:55:36 -0700"), ("QS", '"a \\" b"'), ("URI", "https://me@h.example:80/p?q=1"),
        ("MAC", "00:1b:63:84:45:e6"), ("SYSLOGTIMESTAMP", "Mar  5 10:20:30"), ("NUMBER", "-1.5"), ("PATH", "/a/b.c"),
        ("TIMESTAMP_ISO8601", "2013-01-01 10:00:00,123+02:00"), ("LOGLEVEL", "WARN"), ("DATESTAMP", "1/2/2013 10:00"),
    ],
)  # fmt: skip
def test_grok_patterns_match_what_they_are_named_after(name: str, text: str) -> None:
    assert Grok.of(f"^%{{{name}:field}}$").match(text) == {"field": text}


def test_a_pattern_that_would_take_others_forever_takes_no_time() -> None:
    began = time.monotonic()
    hostile = Grok.of("^%{A:x}$", "A (((a+)+)+)+b")
    assert hostile.match("a" * 100_000) is None
    assert time.monotonic() - began < 30  # a backtracking matcher would take longer than the universe
