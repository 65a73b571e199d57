"""JSON text as Python reads it, record by record.

What fits a type is what Spark's ``from_json`` takes for it. Beside what RFC 8259 has, Spark's reader takes numbers that
are none, single quotes, and names that stand twice, of which the last counts (:func:`read`).
"""

from __future__ import annotations

import base64
import binascii
import datetime
import decimal
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import is_choice, member_name
from lakelet.etl.jackson import written
from lakelet.etl.records import type_of
from lakelet.etl.sail import engine

if TYPE_CHECKING:
    from pyspark.sql import Column

_BITS: dict[type[T.IntegralType], int] = {T.ByteType: 8, T.ShortType: 16, T.IntegerType: 32, T.LongType: 64}
_LONGEST = 1 << 63
_DECIMALS = decimal.Context(prec=2 * 38, rounding=decimal.ROUND_HALF_UP)  # Python's own keeps 28 digits
# Texts in quotes, and infinity with a sign, whose shorter name Python does not know.
_QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([+-])(?:INF|Infinity)\b""", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NAMED = {"NaN": "nan", "Infinity": "inf", "+INF": "inf", "INF": "inf", "-Infinity": "-inf", "-INF": "-inf"}


class _Number(float):
    """A number with a point, and how it was written."""

    text: str

    def __new__(cls, text: str) -> _Number:
        made = super().__new__(cls, text)
        made.text = text
        return made


class _Object(dict[str, Any]):
    """An object in which a name stands twice: the last values, and those before them."""

    earlier: list[tuple[str, Any]]

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__()
        self.earlier = []
        for name, one in pairs:
            if name in self:
                self.earlier.append((name, self[name]))
            self[name] = one


def kinds(texts: Iterable[str]) -> tuple[list[T.DataType], bool]:
    """Types that together are those of all texts, a text that is no JSON having none; and whether all are objects, as
    the standard has them."""
    seen: dict[object, Any] = {}
    objects = True
    for text in texts:
        try:
            value = loaded(text)
        except ValueError:
            objects = False
            try:
                value = read(text)
            except ValueError:
                continue
        objects = objects and isinstance(value, dict)
        seen.setdefault(_likeness(value), value)
    return [type_of(value) for value in seen.values()], objects


def wrapped(kind: T.DataType) -> str:
    """A type as JSON, being the one field ``v`` of a struct."""
    return T.StructType([T.StructField("v", in_order(kind))]).json()


def in_order(kind: T.DataType) -> T.DataType:
    """The type with the fields of its structs by name, which is the order that VARIANT has them in."""
    if isinstance(kind, T.StructType):
        named = sorted(kind.fields, key=lambda field: field.name)
        return T.StructType([T.StructField(f.name, in_order(f.dataType), True, f.metadata) for f in named])
    return T.ArrayType(in_order(kind.elementType)) if isinstance(kind, T.ArrayType) else kind


def parsed(text: Column, kind: T.DataType) -> Column:
    """The JSON in a column of text as a value of a type; null for what is none, or does not fit."""
    return voided(F.udf(Parser(kind), filled(kind), useArrow=False)(text), kind)


def is_broken(text: Column) -> Column:
    """Whether a text is no JSON; false for null."""
    return F.udf(_is_broken, T.BooleanType())(text)


def _is_broken(text: str | None) -> bool:
    try:
        if text is not None:
            loaded(text)
    except ValueError:
        return True
    return False


def voided(value: Column, kind: T.DataType) -> Column:
    """A value as Python has read it, null where it has no type: Python cannot return such."""
    if isinstance(kind, T.NullType):
        return F.lit(None)
    if isinstance(kind, T.StructType) and filled(kind) != kind:
        marks = ({"metadata": f.metadata} if f.metadata else {} for f in kind.fields)  # of choices
        named = zip(kind.fields, marks, strict=True)
        fields = (voided(value.getField(f.name), f.dataType).alias(f.name, **mark) for f, mark in named)
        return F.when(value.isNotNull(), F.struct(*fields))
    if isinstance(kind, T.ArrayType) and filled(kind) != kind:
        element = kind.elementType
        return F.transform(value, lambda one: voided(one, element))
    return value


def filled(kind: T.DataType) -> T.DataType:
    """The type with text in the place of what has no type."""
    if isinstance(kind, T.StructType):
        return T.StructType([T.StructField(f.name, filled(f.dataType), True, f.metadata) for f in kind.fields])
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(filled(kind.elementType))
    return T.StringType() if isinstance(kind, T.NullType) else kind


class Parser:
    """A text as a value of a type; None for what is no JSON, or does not fit."""

    _lakelet_exact = True  # its values are of its type (etl.sail.udf_results)

    def __init__(self, kind: T.DataType) -> None:
        self.kind = kind

    def __call__(self, text: str | None) -> Any:
        try:
            return None if text is None else fitted(read(text), self.kind)
        except ValueError:
            return None


def loaded(text: str) -> Any:
    """A JSON text as Python has it; its numbers with a point remember how they were written. Raises ValueError."""
    return _decoded(text, _no_json, _object)


def read(text: str) -> Any:
    """The same of a text as Spark's reader takes it. Raises ValueError."""
    try:
        return loaded(text)
    except ValueError:
        return _decoded(in_double_quotes(text), _Number, _last)


def in_double_quotes(text: str) -> str:
    """JSON that has texts in single quotes, too, and infinity by all of its names, as Python knows it."""

    def told(found: re.Match[str]) -> str:
        if found[3]:
            return f"{'-' if found[3] == '-' else ''}Infinity"
        inside = found[2].replace('"', "\\u0022") if found[1] is None else found[1]
        return '"' + _ESCAPE.sub(lambda one: "'" if one[1] == "'" else one[0], inside) + '"'

    return _QUOTED.sub(told, text)


def _decoded(text: str, constant: Callable[[str], Any], pairs: Callable[[list[tuple[str, Any]]], Any]) -> Any:
    try:
        return json.loads(
            text, parse_int=_integer, parse_float=_Number, parse_constant=constant, object_pairs_hook=pairs
        )
    except RecursionError as error:
        raise ValueError("its objects are nested too deep") from error


def fitted(value: Any, kind: T.DataType) -> Any:
    """A JSON value as Spark takes it for a type. Raises ValueError when it does not fit."""
    if value is None or isinstance(kind, T.NullType):
        return None
    if isinstance(kind, T.StructType) and is_choice(kind):
        if _has_twice(value):
            raise ValueError("a name stands twice in an object")  # which no VARIANT has
        name = member_name(type_of(value))
        return tuple(fitted(value, f.dataType) if f.name == name else None for f in kind.fields)
    if isinstance(kind, T.StructType) and isinstance(value, Mapping):
        for name, one in getattr(value, "earlier", ()):
            if name in kind.names:
                fitted(one, kind[name].dataType)  # or it is no record
        return tuple(fitted(value.get(f.name), f.dataType) for f in kind.fields)
    if isinstance(kind, T.ArrayType) and isinstance(value, list):
        return [fitted(one, kind.elementType) for one in value]
    if isinstance(kind, T.MapType) and isinstance(value, Mapping):
        if hasattr(value, "earlier"):
            raise engine.refused("A map in which a name stands twice")
        return {name: fitted(one, kind.valueType) for name, one in value.items()}
    if isinstance(kind, T.StringType):
        return _text(value) if isinstance(value, str) else _written(value)
    return _simple(value, kind)


def _simple(value: Any, kind: T.DataType) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(kind, T.BooleanType) and isinstance(value, bool):
        return value
    if isinstance(kind, T.IntegralType) and number and isinstance(value, int):
        most = 1 << _BITS[type(kind)] - 1
        if -most <= value < most:
            return value
    if isinstance(kind, T.DoubleType | T.FloatType) and (number or (isinstance(value, str) and value in _NAMED)):
        return float(value if number else _NAMED[value])
    if isinstance(kind, T.DecimalType) and (number or isinstance(value, str)):
        return _decimal(getattr(value, "text", str(value)), kind)
    if isinstance(value, str) and isinstance(kind, T.DateType):
        return datetime.date.fromisoformat(value[:10])
    if isinstance(kind, T.TimestampType) and isinstance(value, str | int) and not isinstance(value, bool):
        return _moment(value)
    if isinstance(value, str) and isinstance(kind, T.BinaryType):
        return _bytes(value)
    raise ValueError(f"{value!r} is no {kind.simpleString()}")


def _decimal(text: str, kind: T.DecimalType) -> decimal.Decimal:
    try:
        value = decimal.Decimal(text)
        if not value.is_finite():
            raise ValueError(f"{text!r} is no decimal")
        value = value.quantize(decimal.Decimal(1).scaleb(-kind.scale), context=_DECIMALS)
    except decimal.InvalidOperation as error:
        raise ValueError(f"{text!r} is no number") from error
    if value.adjusted() >= kind.precision - kind.scale and value:
        raise ValueError(f"{text} has more digits than {kind.simpleString()}")
    return value or abs(value)  # zero has no sign


def _moment(value: str | int) -> datetime.datetime:
    try:
        if isinstance(value, int):
            return datetime.datetime.fromtimestamp(value, datetime.UTC).replace(tzinfo=None)
        moment = datetime.datetime.fromisoformat(value)
        return moment.astimezone(datetime.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (OverflowError, OSError) as error:
        raise ValueError(f"{value} is no time that Python has") from error


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error


def _text(value: str) -> str:
    """The text without halves of surrogate pairs, which are question marks to the JVM as well."""
    return value if value.isascii() else value.encode(errors="replace").decode()


def _written(value: Any) -> str:
    if _has_twice(value):
        raise engine.refused("The text of JSON in which a name stands twice")
    return written(value)


def _has_twice(value: Any) -> bool:
    """Whether a name stands twice in an object of a value."""
    if isinstance(value, Mapping | list):
        inside = value.values() if isinstance(value, Mapping) else value
        return hasattr(value, "earlier") or any(map(_has_twice, inside))
    return False


def is_long(value: int) -> bool:
    """Whether a whole number is one that a long holds; others are doubles."""
    return -_LONGEST <= value < _LONGEST


def _likeness(value: Any) -> object:
    """What values of the same type have in common."""
    if isinstance(value, dict):
        return frozenset((name, _likeness(one)) for name, one in value.items())
    if isinstance(value, list):
        return (list, *{_likeness(one) for one in value})
    return type(value)


def _integer(text: str) -> int | float:
    value = int(text)
    return value if is_long(value) else _Number(text)


def _no_json(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = {_text(name): one for name, one in pairs}
    if len(value) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return value


def _last(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = [(_text(name), one) for name, one in pairs]
    value = dict(told)
    return value if len(value) == len(told) else _Object(told)
