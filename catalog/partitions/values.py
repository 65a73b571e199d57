"""Partition values by their type: read from text, and written as text whose order is the order of the values.

The types are those of GetPartitions' expressions (AWS Glue Web API, GetPartitions): string, char, varchar, tinyint,
smallint, int, bigint, long, decimal, date and timestamp. A text that is no value of its key's type counts as null, as
``__HIVE_DEFAULT_PARTITION__`` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache, lru_cache

from lakelet.data.partitions import DEFAULT_PARTITION

Value = int | Decimal | str  # dates and times as their ISO text, which sorts as they do
Interval = tuple[str, str]  # of encoded values: from the first, included, to the second, not included

_NAMES = {
    "tinyint": "whole", "smallint": "whole", "int": "whole", "integer": "whole", "bigint": "whole", "long": "whole",
    "string": "text", "varchar": "text", "char": "text", "decimal": "decimal", "date": "date",
    "timestamp": "timestamp",
}  # fmt: skip
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?")
_FINER = re.compile(r"[.,][0-9]{6}([0-9]*[1-9])")  # what a time has beyond its microseconds, which datetime drops
_LARGEST = 2**63
_EXPONENT = 2_000_000  # more than any exponent of a decimal that _DECIMAL reads
_COMPLEMENT = str.maketrans("0123456789", "9876543210")

# What an encoded value begins and ends with. A value that follows another begins with SOME or NONE, so what comes
# after a value, whatever follows it, is less than the value and BEYOND.
SOME, NONE, BEYOND = "+", "-", "."
END = "\x01\x01"
ANY_VALUE: Interval = (SOME, ",")
NULL: Interval = (NONE, NONE + BEYOND)


class Kind(Enum):
    """What a Hive type is to an expression."""

    WHOLE = "whole"
    TEXT = "text"
    DECIMAL = "decimal"
    DATE = "date"
    TIMESTAMP = "timestamp"


def kind_of(hive_type: str) -> Kind | None:
    """The kind of a partition key's type; None for one that expressions cannot use (boolean, say)."""
    name = _NAMES.get(hive_type.partition("(")[0].strip().lower())
    return Kind(name) if name else None


def read(kind: Kind, text: str) -> Value | None:
    """The value that a text stands for, or None when it is null or no value of that kind."""
    if text == DEFAULT_PARTITION:
        return None
    if kind is Kind.TEXT:
        return text
    try:
        match kind:
            case Kind.WHOLE:
                number = int(text) if _WHOLE.fullmatch(text) else _LARGEST
                return number if -_LARGEST <= number < _LARGEST else None
            case Kind.DECIMAL:
                return Decimal(text) if len(text) < 500 and _DECIMAL.fullmatch(text) else None
            case Kind.DATE:
                return date.fromisoformat(text).isoformat()
            case Kind.TIMESTAMP:
                moment = datetime.fromisoformat(text)
                if moment.tzinfo is not None:
                    moment = moment.astimezone(UTC).replace(tzinfo=None)
                finer = _FINER.search(text)
                return moment.isoformat(" ", "microseconds") + (finer[1] if finer else "")
    except (ValueError, OverflowError, InvalidOperation):
        return None


def encode(value: Value | None) -> str:
    """The text under which a value is indexed: texts compare (code point by code point) as the values do.

    Nulls come last. No encoded value is the beginning of another, so that they may be put one behind the other.
    """
    if value is None:
        return NONE
    match value:
        case int():
            return f"{SOME}{value + _LARGEST:016x}"
        case Decimal():
            return SOME + _decimal(value)
        case _:
            return SOME + escaped(value) + END


def escaped(text: str) -> str:
    """A text in which nothing is less than the end of an encoded text."""
    return text.replace("\x01", "\x01\x03").replace("\x00", "\x01\x02") if min(text, default=" ") < "\x02" else text


def unescaped(text: str) -> str:
    """The inverse of :func:`escaped`."""
    return text.replace("\x01\x02", "\x00").replace("\x01\x03", "\x01") if "\x01" in text else text


def entry(kinds: Sequence[Kind], texts: Sequence[str]) -> str:
    """What an index on keys of these kinds holds for a partition with these values."""
    return "".join([encoder(kind)(text) for kind, text in zip(kinds, texts, strict=True)])


@cache
def encoder(kind: Kind) -> Callable[[str], str]:
    """What encodes the texts of a kind."""

    @lru_cache(maxsize=4096)  # partitions that come together have values in common
    def encoded(text: str) -> str:
        return encode(read(kind, text))

    return encoded


def point(value: Value | None) -> Interval:
    """The interval of one value."""
    encoded = encode(value)
    return encoded, encoded + BEYOND


def is_point(interval: Interval) -> bool:
    """Whether the interval holds one value only."""
    return interval[1] == interval[0] + BEYOND


def starting_with(text: str) -> Interval:
    """The interval of the texts that begin with ``text``."""
    low = SOME + escaped(text)
    end = low
    while end and end[-1] == "\U0010ffff":
        end = end[:-1]
    following = chr(ord(end[-1]) + 1)
    return low, end[:-1] + ("\ue000" if "\ud800" <= following < "\ue000" else following)


def below(value: Value) -> Interval:
    """The interval of the values that are less."""
    return ANY_VALUE[0], encode(value)


def above(value: Value) -> Interval:
    """The interval of the values that are greater."""
    return encode(value) + BEYOND, ANY_VALUE[1]


def union(intervals: Sequence[Interval]) -> list[Interval]:
    """The intervals as disjoint ones in order."""
    merged: list[Interval] = []
    for low, high in sorted(one for one in intervals if one[0] < one[1]):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def intersection(left: Sequence[Interval], right: Sequence[Interval]) -> list[Interval]:
    """What two lists of disjoint intervals have in common."""
    found, mine, theirs = [], 0, 0
    while mine < len(left) and theirs < len(right):
        low, high = max(left[mine][0], right[theirs][0]), min(left[mine][1], right[theirs][1])
        if low < high:
            found.append((low, high))
        if left[mine][1] <= right[theirs][1]:
            mine += 1
        else:
            theirs += 1
    return found


def others(intervals: Sequence[Interval]) -> list[Interval]:
    """The values, none of them null, that are in none of the disjoint intervals."""
    found, low = [], ANY_VALUE[0]
    for start, end in intersection(intervals, [ANY_VALUE]):
        found.append((low, start))
        low = end
    return [one for one in (*found, (low, ANY_VALUE[1])) if one[0] < one[1]]


def _decimal(value: Decimal) -> str:
    sign, digits, _ = value.as_tuple()
    if not any(digits):
        return "1"
    exponent = value.adjusted() + _EXPONENT
    text = "".join(map(str, digits)).strip("0")
    if sign:
        return f"0{2 * _EXPONENT - exponent:07d}{text.translate(_COMPLEMENT)}~"
    return f"2{exponent:07d}{text}!"
