"""What Python functions return, on Sail, as Spark takes it: a value of another type than the function's is null, and no
number is made of a text or of a fraction (org.apache.spark.sql.execution.python.EvaluatePython). Sail's workers make
what they can of it.
"""

from __future__ import annotations

import array
import datetime
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pyspark.sql import types as T

from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import engine
from lakelet.etl.sail.decimals import rounding
from lakelet.etl.sail.values import java_double

EXACT = "_lakelet_exact"  # of functions of ours, whose values are of their type
Convert = Callable[[Any], Any]
# What Spark's workers can hand on; of times and structs they take others, too.
_PYTHONS = frozenset(
    (bool, int, float, str, bytes, bytearray, list, tuple, dict, set, frozenset, Decimal, array.array,
     datetime.date, datetime.datetime, datetime.time, datetime.timedelta)
)  # fmt: skip
_OBJECTS = (T.DateType, T.TimestampType, T.TimestampNTZType, T.DayTimeIntervalType, T.StructType, T.UserDefinedType)
_BITS: Mapping[type[T.DataType], int] = {T.ByteType: 8, T.ShortType: 16, T.IntegerType: 32, T.LongType: 64}


class AsSpark:
    """A script's function as the Python workers call it."""

    def __init__(self, function: Callable[..., Any], kind: T.DataType, handed_on: bool) -> None:
        self._function, self._kind, self._handed_on = function, kind, handed_on
        self._convert: Convert | None = None  # made in the worker

    def __call__(self, *args: Any, **named: Any) -> Any:
        if self._convert is None:
            self._convert = converter(self._kind)
        value = self._function(*args, **named)
        made = self._convert(value)
        if self._handed_on and not _alike(made, value):
            raise _other(f"A {type(value).__name__} that one function hands to another", "it is made one of its type")
        return made


def _alike(made: Any, value: Any) -> bool:
    return made is value or (made == value and (type(made) is type(value) or isinstance(value, tuple)))


def converter(kind: T.DataType) -> Convert:
    """What makes Spark's value of one that a function returned.

    It raises TypeError for what fails on Spark, and UnsupportedError for what has Java's name of an object there.
    """
    by_kind, takes_objects = _of(kind), isinstance(kind, _OBJECTS)

    def convert(value: Any) -> Any:
        if value is None:
            return None
        if not (takes_objects or type(value) in _PYTHONS):
            raise TypeError(f"a function of {kind.simpleString()} returned a {type(value).__name__}")
        return by_kind(value)

    return convert


def _of(kind: T.DataType) -> Convert:
    if isinstance(kind, T.StringType):
        return _text
    if isinstance(kind, T.ArrayType):
        return _list(converter(kind.elementType))
    if isinstance(kind, T.MapType):
        return _map(converter(kind.keyType), converter(kind.valueType))
    if isinstance(kind, T.StructType):
        return _struct(kind)
    if isinstance(kind, T.DecimalType):
        return _decimal(kind.scale)
    if bits := _BITS.get(type(kind)):
        return _whole(bits)
    return _PLAIN.get(type(kind), _same)


def _other(what: str, why: str) -> UnsupportedError:
    return UnsupportedError(engine.refusal(engine.told(what, why)))


def _same(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    """A text as Java writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join('null' if one is None else _text(one) for one in value)}]"
    if isinstance(value, dict):
        told = (f"{_text(key)}={'null' if one is None else _text(one)}" for key, one in value.items())
        return f"{{{', '.join(told)}}}"
    raise _other(f"A {type(value).__name__} returned by a function of texts", "it is Java's name of the object")


def _whole(bits: int) -> Convert:
    half = 1 << (bits - 1)

    def convert(value: Any) -> int | None:
        if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
            return None
        return (value + half) % (2 * half) - half  # as Java cuts it

    return convert


def _decimal(scale: int) -> Convert:
    rounded = rounding(scale)
    return lambda value: rounded(value) if isinstance(value, Decimal) else None


def _date(value: Any) -> datetime.date:
    if not isinstance(value, datetime.date):
        raise TypeError(f"a function of dates returned a {type(value).__name__}")
    return value.date() if isinstance(value, datetime.datetime) else value


def _time(value: Any) -> datetime.datetime:
    if not isinstance(value, datetime.datetime):
        raise TypeError(f"a function of timestamps returned a {type(value).__name__}")
    of_pandas = getattr(value, "to_pydatetime", None)
    return of_pandas() if of_pandas else value


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, bytes | bytearray) else None


def _list(element: Convert) -> Convert:
    def convert(value: Any) -> list[Any] | None:
        if isinstance(value, bytes | bytearray):
            raise _other("Bytes returned by a function of arrays", "they are numbers")
        return [element(one) for one in value] if isinstance(value, list | tuple | array.array) else None

    return convert


def _map(key: Convert, item: Convert) -> Convert:
    def convert(value: Any) -> dict[Any, Any] | None:
        return {key(one): item(other) for one, other in value.items()} if isinstance(value, dict) else None

    return convert


def _struct(kind: T.StructType) -> Convert:
    names, fields = kind.names, [converter(field.dataType) for field in kind.fields]

    def convert(value: Any) -> Any:
        if not isinstance(value, list | tuple | dict):
            if not hasattr(value, "__dict__"):
                raise TypeError(f"a function of {kind.simpleString()} returned a {type(value).__name__}")
            value = vars(value)
        told = [value.get(name) for name in names] if isinstance(value, dict) else value
        if len(told) != len(fields):
            raise TypeError(f"a function of {kind.simpleString()} returned {len(told)} values")
        return tuple(of(one) for of, one in zip(fields, told, strict=True))

    return convert


_PLAIN: Mapping[type[T.DataType], Convert] = {
    T.BinaryType: _bytes,
    T.BooleanType: lambda value: value if isinstance(value, bool) else None,
    T.DateType: _date,
    T.DoubleType: lambda value: value if isinstance(value, float) else None,
    T.FloatType: lambda value: value if isinstance(value, float) else None,
    T.TimestampNTZType: _time,
    T.TimestampType: _time,
}
