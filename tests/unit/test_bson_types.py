"""What MongoDB's documents are to Spark, and what rows are to MongoDB, by BSON itself."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import bson
import pytest
from bson import Code, DBRef, Decimal128, Int64, ObjectId, Regex, Timestamp
from pyspark.sql import types as T

from lakelet.etl.bson_types import CODEC, document_of, fitted, kind_of_all, settled, unwritable
from lakelet.etl.errors import MongoDBError

IDENTITY = ObjectId("0123456789abcdef01234567")
AT = datetime.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.UTC)
MICROSECONDS = round(AT.timestamp() * 1_000_000)


def read(*documents: dict[str, Any]) -> tuple[str, list[Any]]:
    """The type that documents have once they are BSON, and their values by it."""
    found = [bson.decode(bson.encode(one), CODEC) for one in documents]
    kind = settled(kind_of_all(found))
    return kind.simpleString(), [fitted(one, kind) for one in found]


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (IDENTITY, "string", str(IDENTITY)),
        (7, "int", 7),
        (Int64(7), "bigint", 7),
        (1.5, "double", 1.5),
        (AT, "timestamp", MICROSECONDS),
        (Timestamp(AT, 1), "timestamp", MICROSECONDS // 1_000_000 * 1_000_000),
        (b"\x00", "binary", b"\x00"),
        (Decimal128("12.50"), "decimal(4,2)", decimal.Decimal("12.50")),
        (Decimal128("1E+3"), "decimal(4,0)", decimal.Decimal("1E+3")),
        (Decimal128("0.001"), "decimal(3,3)", decimal.Decimal("0.001")),
        (Decimal128("Infinity"), "string", "Infinity"),
        (Decimal128("1E+40"), "string", "1E+40"),
        (Regex("^a", "i"), "string", '{"$regularExpression": {"pattern": "^a", "options": "i"}}'),
        (Code("f()"), "string", '{"$code": "f()"}'),
        (DBRef("orders", 1), "struct<$id:int,$ref:string>", (1, "orders")),
        ([], "array<void>", []),
        ([1, Int64(2), None], "array<bigint>", [1, 2, None]),
        ({"b": 1, "a": True}, "struct<a:boolean,b:int>", (True, 1)),
    ],
)
def test_values_have_the_types_of_the_connector(value: Any, kind: str, expected: Any) -> None:
    assert read({"v": value}) == (f"struct<v:{kind}>", [(expected,)])


def test_a_field_of_several_types_is_a_choice() -> None:
    kind, rows = read({"v": 1}, {"v": Int64(2)}, {"v": "x"}, {"v": {"a": 1}}, {"v": {"b": [1, "y"]}}, {"v": None}, {})
    assert (
        kind
        == "struct<v:struct<long:bigint,string:string,struct:struct<a:int,b:array<struct<int:int,string:string>>>>>"
    )
    assert [row[0] for row in rows] == [
        (1, None, None), (2, None, None), (None, "x", None), (None, None, (1, None)),
        (None, None, (None, [(1, None), (None, "y")])), None, None,
    ]  # fmt: skip
    assert read({"v": Decimal128("1.5")}, {"v": Decimal128("100")})[0] == "struct<v:decimal(4,1)>"


def test_a_document_that_came_meanwhile_does_not_fit() -> None:
    kind = settled(kind_of_all([{"a": 1, "b": {"c": 1}}]))
    for changed in ({"a": "x"}, {"a": 1, "new": 2}, {"b": {"c": 1, "d": 2}}, {"b": 7}, {"a": {"x": 1}}):
        with pytest.raises(MongoDBError, match="run the job again"):
            fitted(changed, kind)


def test_rows_are_documents_of_bson_types() -> None:
    schema = T.StructType([
        T.StructField("_id", T.StructType([T.StructField("oid", T.StringType())])),
        T.StructField("long", T.LongType()), T.StructField("int", T.IntegerType()),
        T.StructField("price", T.DecimalType(10, 2)), T.StructField("day", T.DateType()),
        T.StructField("at", T.TimestampType()), T.StructField("map", T.MapType(T.StringType(), T.LongType())),
        T.StructField("list", T.ArrayType(T.StructType([T.StructField("x", T.LongType())]))),
        T.StructField("none", T.StringType()),
    ])  # fmt: skip
    row = {
        "_id": {"oid": str(IDENTITY)}, "long": 1, "int": 2, "price": decimal.Decimal("1.50"),
        "day": datetime.date(2024, 1, 2), "at": AT, "map": [("a", 1)], "list": [{"x": 1}], "none": None,
    }  # fmt: skip
    document = bson.decode(bson.encode(document_of(row, schema, True)), CODEC)
    assert document["_id"] == IDENTITY and document["price"] == Decimal128("1.50") and document["none"] is None
    assert [type(document[name]) for name in ("long", "int")] == [Int64, int]
    assert (
        int(document["at"]) == MICROSECONDS // 1000 and str(document["day"].as_datetime())[:19] == "2024-01-02 00:00:00"
    )
    assert document["map"] == {"a": 1} and type(document["list"][0]["x"]) is Int64
    assert document_of(row, schema, False)["_id"] == {"oid": str(IDENTITY)}
    with pytest.raises(MongoDBError, match="_id holds"):
        document_of({**row, "_id": {"oid": "no"}}, schema, True)
    with pytest.raises(MongoDBError, match="price holds"):
        document_of({**row, "price": decimal.Decimal("1" * 36)}, schema, True)


def test_what_no_document_can_hold_is_named() -> None:
    kind = T.StructType([
        T.StructField("a", T.ArrayType(T.StructType([T.StructField("b", T.VariantType())]))),
        T.StructField("m", T.MapType(T.IntegerType(), T.StringType())), T.StructField("s", T.StringType()),
    ])  # fmt: skip
    assert unwritable(kind) == ["a.b (variant)", "m (map<int,string>)"]
