"""Which keys of JSON belong to a table's columns, by its SerDe's properties and by the beginnings of objects."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import types as T

from lakelet.data.json_keys import _NOT_SERVED, JsonKeys
from lakelet.etl.json_names import spelled
from lakelet.stack.scala_build import SOURCES
from lakelet.workspace.errors import InvalidInputException


def table(**parameters: str) -> dict[str, Any]:
    return {"Name": "events", "StorageDescriptor": {"SerdeInfo": {"Parameters": parameters}}}


def struct(**fields: T.DataType | None) -> T.StructType:
    return T.StructType([T.StructField(name, kind or T.StringType()) for name, kind in fields.items()])


def keys_of(line: bytes, keys: JsonKeys, *columns: str) -> list[str]:
    return spelled(struct(**dict.fromkeys(columns)), [line], keys).names


def test_keys_differ_by_case_alone_and_what_a_record_has_as_declared_wins() -> None:
    first = b'{"userId": 1, "At": 2, "sum": 3}\n{"userId": 1, "at": 2, "At": 4, "SUM": 4, "sum": 5}\n[1]\n{"cut'
    assert keys_of(first, JsonKeys(), "userid", "sum", "absent") == ["userId", "sum", "absent"]
    assert keys_of(b"", JsonKeys(), "at") == ["at"]
    with pytest.raises(InvalidInputException, match="The key of at is written 'At' and 'at'"):
        keys_of(first, JsonKeys(), "at")


def test_so_do_keys_inside() -> None:
    inner = struct(deep=T.ArrayType(struct(v=None)), m=T.MapType(T.StringType(), struct(k=None)))
    line = b'{"In": {"Deep": [{}, {"V": 1}], "M": {"Key": {"K": 1}}}}'
    found = spelled(struct(**{"in": inner}), [line], JsonKeys())
    assert found.simpleString() == "struct<In:struct<Deep:array<struct<V:string>>,M:map<string,struct<K:string>>>>"
    assert spelled(struct(**{"in": inner}), [line], JsonKeys.of(table(**{"mapping.k": "other"}))) == found
    dots = JsonKeys.of(table(**{"dots.in.keys": "true"}))
    with pytest.raises(InvalidInputException, match=r"The key 'a\.b' of a_b lies inside"):
        spelled(struct(**{"in": struct(a_b=None)}), [b'{"in": {"a.b": 1}}'], dots)


def test_properties_of_the_serde_say_which_keys_are_meant() -> None:
    mapped = JsonKeys.of(table(**{"mapping.Stamp": "time.at", "dots.in.keys": "TRUE", "paths": "a,b"}))
    line = b'{"Time.At": 1, "stamp": 2, "user.id": 3}'
    assert keys_of(line, mapped, "stamp", "user_id") == ["Time.At", "user.id"]
    assert keys_of(b"", mapped, "stamp") == ["time.at"]
    exact = JsonKeys.of(table(**{"case.insensitive": "false"}))
    assert keys_of(b'{"userId": 1}', exact, "userid") == ["userid"]


def test_a_property_that_is_not_served_is_refused_by_name() -> None:
    with pytest.raises(InvalidInputException, match=r"'events' has the SerDe property 'timestamp\.formats'"):
        JsonKeys.of(table(**{"timestamp.formats": "yyyy"}))


def test_two_columns_do_not_have_one_key() -> None:
    both = table(**{"mapping.who": "userId"})
    both["StorageDescriptor"]["Columns"] = [{"Name": "userid"}, {"Name": "who"}]
    with pytest.raises(InvalidInputException, match="columns userid and who have the key 'userId' of JSON both"):
        JsonKeys.of(both)


def test_spark_s_reader_refuses_the_same_properties() -> None:
    told = (SOURCES / "JsonTables.scala").read_text()
    assert [name for name in _NOT_SERVED if f'"{name}"' not in told] == []
