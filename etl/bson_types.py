"""BSON and Spark: the type that a document's value has, the value for a type, and the document for a row.

The types are those of MongoDB's connector for Spark 10, which AWS Glue 4.0 and later have ("Data Types", MongoDB Spark
Connector): an ObjectId is its text, a date a timestamp, what SQL has no type for is extended JSON. A field that holds
values of several types is a choice here, where the connector makes text of it.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterable, Mapping
from typing import Any

from bson import json_util
from bson.binary import Binary
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.errors import BSONError
from bson.int64 import Int64
from bson.objectid import ObjectId
from bson.timestamp import Timestamp
from pyspark.sql import types as T

from lakelet.etl.choices import choice_of, is_choice, member_name
from lakelet.etl.errors import MongoDBError
from lakelet.etl.merging import merge

CODEC: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
_DIGITS = 38  # of Spark's decimals
_OID = T.StructType([T.StructField("oid", T.StringType())])  # an ObjectId of extendedBsonTypes
_WRITTEN = (
    T.StringType, T.BooleanType, T.ByteType, T.ShortType, T.IntegerType, T.LongType, T.FloatType, T.DoubleType,
    T.DecimalType, T.DateType, T.TimestampType, T.TimestampNTZType, T.BinaryType,
)  # fmt: skip
_SIMPLE: Mapping[type, T.DataType] = {
    str: T.StringType(), ObjectId: T.StringType(), bool: T.BooleanType(), int: T.IntegerType(), Int64: T.LongType(),
    float: T.DoubleType(), DatetimeMS: T.TimestampType(), Timestamp: T.TimestampType(), bytes: T.BinaryType(),
    Binary: T.BinaryType(), type(None): T.NullType(),
}  # fmt: skip


def kind_of_all(documents: Iterable[Mapping[str, Any]]) -> T.DataType:
    """The type that all documents have together; NullType for none. See :func:`settled`."""
    seen: set[object] = set()
    found: T.DataType = T.NullType()
    for document in documents:
        if (likeness := _likeness(document)) not in seen:
            seen.add(likeness)
            found = merge(found, kind_of(document))
    return found


def kind_of(value: Any) -> T.DataType:
    """The type of a value that PyMongo gives by :data:`CODEC`."""
    if (simple := _SIMPLE.get(type(value))) is not None:
        return simple
    if isinstance(value, Decimal128):
        return _decimal_kind(value)
    if isinstance(value, Mapping | DBRef):
        return T.StructType([T.StructField(name, kind_of(one)) for name, one in _fields(value).items()])
    if isinstance(value, list):
        element: T.DataType = T.NullType()
        for one in value:
            element = merge(element, kind_of(one))
        return T.ArrayType(element)
    return T.StringType()


def settled(kind: T.DataType) -> T.DataType:
    """A type that was merged of many, its fields by name; a field of both kinds of whole numbers is of the longer."""
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(settled(kind.elementType))
    if not isinstance(kind, T.StructType):
        return kind
    fields = {field.name: settled(field.dataType) for field in sorted(kind.fields, key=lambda one: one.name)}
    if not is_choice(kind):
        return T.StructType([T.StructField(name, one) for name, one in fields.items()])
    if "long" in fields:
        fields.pop("int", None)
    return choice_of(list(fields.values())) if len(fields) > 1 else next(iter(fields.values()))


def fitted(value: Any, kind: T.DataType, path: str = "") -> Any:
    """A value as Arrow takes it for a type that :func:`settled` gave. Raises MongoDBError when it does not fit."""
    if value is None:
        return None
    if isinstance(kind, T.StructType):
        if is_choice(kind):
            name = member_name(kind_of(value))
            name = "long" if name == "int" and "int" not in kind.names else name
            if name in kind.names:
                return tuple(fitted(value, f.dataType, path) if f.name == name else None for f in kind.fields)
        elif isinstance(value, Mapping | DBRef):
            given = _fields(value)
            if not given.keys() <= set(kind.names):
                raise _changed(path or "a document", value)
            return tuple(fitted(given.get(f.name), f.dataType, f"{path}.{f.name}" if path else f.name) for f in kind)
    elif isinstance(kind, T.ArrayType):
        if isinstance(value, list):
            return [fitted(one, kind.elementType, path) for one in value]
    else:
        own = kind_of(value)
        if type(own) is type(kind) or (isinstance(own, T.IntegerType) and isinstance(kind, T.LongType)):
            return _simple(value, kind, path)
    raise _changed(path, value)


def document_of(row: Mapping[str, Any], kind: T.StructType, extended: bool) -> dict[str, Any]:
    """The document for a row as Arrow gives it; ``extended``: a struct of one text ``oid`` is an ObjectId.

    Raises MongoDBError for what BSON cannot hold.
    """
    return {f.name: _bson(row[f.name], f.dataType, extended, f.name) for f in kind.fields}


def unwritable(kind: T.DataType, path: str = "") -> list[str]:
    """The paths and types of a type that no document can hold."""
    if isinstance(kind, T.StructType):
        return [one for f in kind.fields for one in unwritable(f.dataType, f"{path}.{f.name}" if path else f.name)]
    if isinstance(kind, T.ArrayType):
        return unwritable(kind.elementType, path)
    if isinstance(kind, T.MapType):
        own = [] if isinstance(kind.keyType, T.StringType) else [f"{path} ({kind.simpleString()})"]
        return own or unwritable(kind.valueType, path)
    return [] if isinstance(kind, _WRITTEN) else [f"{path} ({kind.simpleString()})"]


def _simple(value: Any, kind: T.DataType, path: str) -> Any:
    if isinstance(value, DatetimeMS):
        return int(value) * 1000
    if isinstance(value, Timestamp):
        return value.time * 1_000_000
    if isinstance(kind, T.DecimalType):
        number: decimal.Decimal = value.to_decimal()
        if number and number.adjusted() >= kind.precision - kind.scale:
            raise MongoDBError(f"{path} holds {number}, which has more digits than a {kind.simpleString()}.")
        return number
    if isinstance(kind, T.StringType) and type(value) is not str:
        if isinstance(value, ObjectId | Decimal128):
            return str(value)
        return json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS)
    return value


def _bson(value: Any, kind: T.DataType, extended: bool, path: str) -> Any:
    if value is None:
        return None
    try:
        if isinstance(kind, T.StructType):
            if extended and T.StructType([T.StructField(f.name, f.dataType) for f in kind.fields]) == _OID:
                return ObjectId(value["oid"])
            return {f.name: _bson(value[f.name], f.dataType, extended, f"{path}.{f.name}") for f in kind.fields}
        if isinstance(kind, T.ArrayType):
            return [_bson(one, kind.elementType, extended, path) for one in value]
        if isinstance(kind, T.MapType):
            return {name: _bson(one, kind.valueType, extended, path) for name, one in value}
        if isinstance(kind, T.LongType):
            return Int64(value)
        if isinstance(kind, T.DecimalType):
            return Decimal128(value)
        if isinstance(kind, T.DateType):
            return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)
    except (BSONError, decimal.DecimalException, TypeError) as error:
        raise MongoDBError(f"{path} holds {value!r}, which no document can hold: {error}.") from None
    return value


def _decimal_kind(value: Decimal128) -> T.DataType:
    """The decimal that holds a value; text for infinities, what is no number, and more digits than Spark has."""
    number = value.to_decimal()
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        return T.StringType()
    scale = max(-exponent, 0)
    precision = max(len(number.as_tuple().digits) + max(exponent, 0), scale, 1)
    return T.DecimalType(precision, scale) if precision <= _DIGITS else T.StringType()


def _fields(value: Mapping[str, Any] | DBRef) -> Mapping[str, Any]:
    return value.as_doc() if isinstance(value, DBRef) else value


def _likeness(value: Any) -> object:
    """What values of the same type have in common."""
    if isinstance(value, Mapping | DBRef):
        return frozenset((name, _likeness(one)) for name, one in _fields(value).items())
    if isinstance(value, list):
        return (list, *{_likeness(one) for one in value})
    return _decimal_kind(value).simpleString() if isinstance(value, Decimal128) else type(value)


def _changed(path: str, value: Any) -> MongoDBError:
    return MongoDBError(
        f"{path} is a {type(value).__name__} now, or has fields that were not there when the collection's types were "
        "found: it was changed meanwhile; run the job again."
    )
