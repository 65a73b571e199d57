"""What each format's library says: which definitions are valid, and which can read what another wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakelet.catalog.registry.compatibility import canonical, compared, incompatible, module_of
from lakelet.catalog.registry.errors import InvalidDefinition

STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
DRAFT4 = "http://json-schema.org/draft-04/schema#"


def record(*fields: tuple[Any, ...], **more: Any) -> str:
    listed = [{"name": name, "type": kind, **({"default": rest[0]} if rest else {})} for name, kind, *rest in fields]
    return json.dumps({"type": "record", "name": "P", "fields": listed, **more})


def document(properties: dict[str, Any], **more: Any) -> str:
    return json.dumps({"type": "object", "properties": properties, **more})


def message(fields: str, syntax: str = "proto2", more: str = "") -> str:
    return f'syntax = "{syntax}"; package a; message P {{ {fields} }} {more}'


PERSON = (("first", "string"), ("last", "string"))
BOTH, NEW_READS_OLD, OLD_READS_NEW, NEITHER = (True, True), (True, False), (False, True), (False, False)
CLOSED = {"additionalProperties": False}
PATTERN = {"type": "string", "pattern": "^a"}

CASES = {
    # AVRO: the specification's schema resolution
    "avro: a required field more": ("AVRO", record(*PERSON), record(*PERSON, ("zip", "int")), OLD_READS_NEW),
    "avro: a field with a default": ("AVRO", record(*PERSON), record(*PERSON, ("zip", "int", 0)), BOTH),
    "avro: int becomes long": ("AVRO", record(("n", "int")), record(("n", "long")), NEW_READS_OLD),
    "avro: string and bytes": ("AVRO", record(("n", "string")), record(("n", "bytes")), BOTH),
    "avro: null joins": ("AVRO", record(("n", "string")), record(("n", ["null", "string"])), NEW_READS_OLD),
    "avro: another name": ("AVRO", record(("n", "int")), record(("n", "int"), name="Q"), NEITHER),
    "avro: an alias": ("AVRO", record(("n", "int")), record(("n", "int"), name="Q", aliases=["P"]), NEW_READS_OLD),
    "avro: a symbol more": (
        "AVRO",
        '{"type":"enum","name":"E","symbols":["A"]}',
        '{"type":"enum","name":"E","symbols":["A","B"]}',
        NEW_READS_OLD,
    ),
    "avro: a recursive type": (
        "AVRO",
        record(("v", "int"), ("next", ["null", "P"], None)),
        record(("v", "long"), ("next", ["null", "P"], None)),
        NEW_READS_OLD,
    ),
    # JSON: whatever the writer's schema allows, the reader's does (AWS's own examples first)
    "json: a property more, open": (
        "JSON",
        document({"a": STRING}),
        document({"a": STRING, "b": STRING}),
        OLD_READS_NEW,
    ),
    "json: a property more, closed": (
        "JSON",
        document({"a": STRING}, **CLOSED),
        document({"a": STRING, "b": STRING}, **CLOSED),
        NEW_READS_OLD,
    ),
    "json: a property required": (
        "JSON",
        document({"a": STRING}),
        document({"a": STRING}, required=["a"]),
        OLD_READS_NEW,
    ),
    "json: integer becomes number": ("JSON", document({"a": INTEGER}), document({"a": NUMBER}), NEW_READS_OLD),
    "json: one value more": ("JSON", document({"a": {"enum": [1]}}), document({"a": {"enum": [1, 2]}}), NEW_READS_OLD),
    "json: only words": ("JSON", document({"a": STRING}), document({"a": {**STRING, "title": "A"}}, title="t"), BOTH),
    "json: a pattern": ("JSON", document({"a": STRING}), document({"a": PATTERN}), OLD_READS_NEW),
    "json: another pattern": ("JSON", document({"a": {**PATTERN, "pattern": "^b"}}), document({"a": PATTERN}), NEITHER),
    "json: a pattern kept": (
        "JSON",
        document({"a": {**PATTERN, "minLength": 2}}),
        document({"a": PATTERN}),
        NEW_READS_OLD,
    ),
    "json: a format": ("JSON", document({"a": STRING}), document({"a": {**STRING, "format": "date"}}), OLD_READS_NEW),
    "json: names": ("JSON", document({}), document({}, propertyNames=PATTERN), OLD_READS_NEW),
    "json: a pattern in a new property, closed": (
        "JSON",
        document({"a": STRING}, **CLOSED),
        document({"a": STRING, "b": PATTERN}, **CLOSED),
        NEW_READS_OLD,
    ),
    "json: a pattern alone, open": ("JSON", document({}), document({"b": {"pattern": "^a"}}), OLD_READS_NEW),
    "json: one more alternative": (
        "JSON",
        document({"a": {"anyOf": [PATTERN]}}),
        document({"a": {"anyOf": [PATTERN, INTEGER]}}),
        NEW_READS_OLD,
    ),
    "json: draft-04 exclusive": (
        "JSON",
        document({"a": {**NUMBER, "minimum": 1, "exclusiveMinimum": True}}, **{"$schema": DRAFT4}),
        document({"a": {**NUMBER, "minimum": 1}}, **{"$schema": DRAFT4}),
        NEW_READS_OLD,
    ),
    "json: tuples": (
        "JSON",
        document({"a": {"type": "array", "items": [STRING, INTEGER], "additionalItems": False}}),
        document({"a": {"type": "array", "items": [STRING, NUMBER]}}),
        NEW_READS_OLD,
    ),
    "json: dependencies": (
        "JSON",
        document({"a": STRING}),
        document({"a": STRING}, dependencies={"a": ["b"]}),
        OLD_READS_NEW,
    ),
    "json: a definition": (
        "JSON",
        document({"a": {"$ref": "#/definitions/x"}}, definitions={"x": INTEGER}),
        document({"a": {"$ref": "#/definitions/x"}}, definitions={"x": NUMBER}),
        NEW_READS_OLD,
    ),
    "json: elsewhere": ("JSON", '{"$ref":"http://example.com/a"}', '{"$ref":"http://example.com/b"}', NEITHER),
    # PROTOBUF: AWS's examples, and the wire format
    "proto: a required field less": (
        "PROTOBUF",
        message("required string a = 1; required int32 b = 2;"),
        message("required string a = 1;"),
        NEW_READS_OLD,
    ),
    "proto: optional fields": ("PROTOBUF", message("optional string a = 1;"), message("optional int32 b = 2;"), BOTH),
    "proto: a wider number": ("PROTOBUF", message("optional int32 a = 1;"), message("optional int64 a = 1;"), BOTH),
    "proto: another type": ("PROTOBUF", message("optional int32 a = 1;"), message("optional string a = 1;"), NEITHER),
    "proto: another name": ("PROTOBUF", message("optional int32 a = 1;"), message("optional int32 b = 1;"), BOTH),
    "proto: a method more": (
        "PROTOBUF",
        message("int32 a = 1;", "proto3", "service S { rpc F(P) returns (P); }"),
        message("int32 a = 1;", "proto3", "service S { rpc F(P) returns (P); rpc G(P) returns (P); }"),
        NEW_READS_OLD,
    ),
    "proto: a message more": (
        "PROTOBUF",
        message("optional int32 a = 1;"),
        message("optional int32 a = 1;", more="message Q { }"),
        NEW_READS_OLD,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_who_can_read_whom(case: str) -> None:
    data_format, old, new, expected = CASES[case]
    unreadable = module_of(data_format).unreadable
    found = (unreadable(reader=new, writer=old), unreadable(reader=old, writer=new))
    assert (found[0] is None, found[1] is None) == expected, found


@pytest.mark.parametrize(
    ("data_format", "definition", "complaint"),
    [
        ("AVRO", "nonsense", "JSON"),
        ("AVRO", '{"type":"record","name":"a","fields":[{"name":"z","type":"integer"}]}', "integer"),
        ("AVRO", record(("n", "int", "seven")), 'default "seven" of field n'),
        ("AVRO", record(("n", ["null", "int"], "seven")), "field n"),
        ("AVRO", "[" * 50_000, "deeply"),
        ("JSON", "nonsense", "no JSON"),
        ("JSON", '{"type":"strong"}', r"\$\.type"),
        ("JSON", '{"$schema":"https://json-schema.org/draft/2020-12/schema"}', "draft-04, draft-06 or draft-07"),
        ("JSON", '{"minimum":NaN}', "NaN"),
        ("JSON", '"text"', "JSON object"),
        ("JSON", "[" * 50_000, "deeply"),
        ("PROTOBUF", "nonsense", "line 1"),
        ("PROTOBUF", 'syntax = "proto3"; import "/etc/passwd";', "relative"),
        ("PROTOBUF", 'syntax = "proto3"; import "other.proto";', "does not exist"),
        ("PROTOBUF", 'edition = "2023"; message P { }', "proto2 and proto3"),
        ("PROTOBUF", message("optional group G = 1 { optional int32 a = 2; }"), "groups"),
        ("PROTOBUF", message("extensions 100 to 199;"), "extensions"),
        ("AVRO", '"\ud800"', "Unicode"),
    ],
)
def test_what_is_not_valid_says_where(data_format: str, definition: str, complaint: str) -> None:
    with pytest.raises(InvalidDefinition, match=complaint):
        canonical(data_format, definition)


def test_equal_definitions_have_one_canonical_form() -> None:
    spaced = '{ "fields": [], "name": "P",\n "type": "record" }'
    assert canonical("AVRO", spaced) == canonical("AVRO", record())
    assert canonical("AVRO", record(("a", "int"))) != canonical("AVRO", record(("a", "int", 1)))
    assert canonical("JSON", '{"type" :"string"}') == canonical("JSON", json.dumps(STRING))
    laid_out = 'syntax = "proto3"; // a word\nmessage P {\n int32 a = 1;\n}'
    assert canonical("PROTOBUF", laid_out) == canonical("PROTOBUF", 'syntax = "proto3"; message P { int32 a = 1; }')


def test_modes_choose_the_versions_and_the_direction() -> None:
    versions = [(1, "a"), (2, "b"), (4, "c")]
    assert compared("NONE", versions, 1) == compared("DISABLED", versions, 1) == ()
    for mode in ("BACKWARD", "FORWARD", "FULL"):
        assert compared(mode, versions, 1) == [(4, "c")]
        assert compared(f"{mode}_ALL", versions, 1) == versions
        assert compared(f"{mode}_ALL", versions, 2) == versions[1:]
    narrow, wide = record(("n", "int")), record(("n", "long"))
    assert incompatible("AVRO", "BACKWARD", wide, [(1, narrow)]) is None
    assert "version 1: type mismatch" in (incompatible("AVRO", "FORWARD", wide, [(1, narrow)]) or "")
    assert "not FULL_ALL compatible with version 1" in (incompatible("AVRO", "FULL_ALL", wide, [(1, narrow)]) or "")


def test_a_comparison_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fanned_out(leaf: Any) -> str:
        definitions: dict[str, Any] = {"d25": leaf}
        for n in range(25):
            below = {"$ref": f"#/definitions/d{n + 1}"}
            branches = [{"type": "array", "items": below}, {"type": "object", "properties": {"a": below, "b": below}}]
            definitions[f"d{n}"] = {"anyOf": branches}
        return json.dumps({"definitions": definitions, "$ref": "#/definitions/d0"})

    monkeypatch.setattr("lakelet.catalog.registry.json_schema.SECONDS", 1)
    old, new = fanned_out(STRING), fanned_out({"type": ["string", "null"]})
    assert "within 1 s" in module_of("JSON").unreadable(reader=new, writer=old)
