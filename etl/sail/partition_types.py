"""The types of partitions' values, as Spark finds them in the names of folders, or as a schema has them.
(org.apache.spark.sql.execution.datasources.PartitioningUtils)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from pyspark.sql import types as T

from lakelet.data.partitions import DEFAULT_PARTITION
from lakelet.etl.sail import engine

VOID, TEXT = "void", "string"
_BITS: Mapping[type[T.DataType], int] = {T.ByteType: 8, T.ShortType: 16, T.IntegerType: 32, T.LongType: 64}
_DIGITS = 38  # of a decimal
_WHOLE = re.compile(r"[+-]?\d+")  # in any script's digits
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PLAIN = re.compile(rf"[+-]?{_NUMBER}", re.ASCII)
_JAVAS = re.compile(rf"[\0- ]*[+-]?(?:NaN|Infinity|{_NUMBER}[dDfF]?)[\0- ]*", re.ASCII)
_HEXADECIMAL = re.compile(r"[\0- ]*[+-]?0[xX][0-9a-fA-F.]+[pP][+-]?\d+[dDfF]?[\0- ]*", re.ASCII)
# What two types have in common; all others are text together.
_WIDER: Mapping[frozenset[str], str] = {
    frozenset(("int", "bigint")): "bigint",
    frozenset(("int", "double")): "double",
    frozenset(("date", "timestamp")): "timestamp",
}


def found(key: str, values: Collection[str]) -> str:
    """The type that Spark finds in the values of a key: one of them all. Raises UnsupportedError for a decimal."""
    kinds = {_found(value) for value in values if value != DEFAULT_PARTITION}
    if not kinds:
        return VOID
    if TEXT in kinds or len(kinds) > 2:
        return TEXT
    if "" in kinds:
        odd = next(value for value in sorted(values) if not _found(value))
        raise engine.refused(f"A partition {key}={odd}, which is a decimal, or of rare signs, on Spark")
    return _WIDER.get(frozenset(kinds), TEXT) if len(kinds) > 1 else kinds.pop()


def _found(value: str) -> str:
    """The type of one value; empty for a decimal, and for what Sail reads otherwise."""
    if _WHOLE.fullmatch(value):
        return _of_whole(int(value)) if value.isascii() else ""
    if _PLAIN.fullmatch(value):
        _, digits, exponent = Decimal(value).as_tuple()
        return "double" if int(exponent) < 0 or len(digits) + int(exponent) > _DIGITS else ""
    if _JAVAS.fullmatch(value):
        return "double"
    if _HEXADECIMAL.fullmatch(value):
        return ""
    for kind, form, pattern in (
        ("date", r"\d{4}-\d\d-\d\d", "%Y-%m-%d"),
        ("timestamp", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "%Y-%m-%d %H:%M:%S"),
        ("timestamp", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d", "%Y-%m-%d %H:%M:%S.%f"),
    ):
        if re.fullmatch(form, value, re.ASCII):
            if value.startswith("0000"):  # which Python has not
                return ""
            return kind if _is_time(value, pattern) else TEXT
    return TEXT


def _of_whole(number: int) -> str:
    for kind, bits in (("int", 32), ("bigint", 64)):
        if -(1 << (bits - 1)) <= number < 1 << (bits - 1):
            return kind
    return "" if len(str(abs(number))) <= _DIGITS else "double"


def _is_time(value: str, pattern: str) -> bool:
    try:
        return datetime.strptime(value, pattern).second < 60
    except ValueError:
        return False


def require_plain_keys(name: str) -> None:
    """Refuse an object in a folder whose key has an escaped character, of which Sail makes another column. Raises
    UnsupportedError."""
    for folder in name.split("/")[:-1] if "%" in name else ():
        key, equals, _ = folder.partition("=")
        if equals and "%" in key:
            raise engine.refused(f"A partition whose key has an escaped character ({folder})")


def require_fit(key: str, values: Collection[str], kind: T.DataType) -> None:
    """Refuse values that a schema's type is not for: on Spark they fail, or are others. Raises UnsupportedError."""
    for value in values:
        if value != DEFAULT_PARTITION and not _fits(value, kind):
            raise engine.refused(f"A partition {key}={value} by a schema, where it is {kind.simpleString()},")


def _fits(value: str, kind: T.DataType) -> bool:
    if bits := _BITS.get(type(kind)):
        half = 1 << (bits - 1)
        return bool(_WHOLE.fullmatch(value)) and value.isascii() and -half <= int(value) < half
    if isinstance(kind, T.DoubleType | T.FloatType):
        return bool(_JAVAS.fullmatch(value))
    if isinstance(kind, T.BooleanType):
        return value.lower() in ("true", "false")
    if isinstance(kind, T.DecimalType):  # Spark leaves out the point, and puts its own
        if not _PLAIN.fullmatch(value):
            return False
        _, digits, exponent = Decimal(value).as_tuple()
        return -int(exponent) == kind.scale and len(digits) <= kind.precision
    return True
