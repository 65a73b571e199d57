"""Casts on which Sail differs from Spark: :mod:`lakelet.etl.sail.rules` for them, by the target type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial, reduce
from typing import Any

from lakelet.etl.sail import engine
from lakelet.etl.sail.notations import Notation
from lakelet.etl.sail.values import floating, java, matches, of_kind, refusal

Rule = Callable[[Notation, Any], Any]  # of a value
_WORD = re.compile(r"\s*(?:epoch|now|today|yesterday|tomorrow)\b", re.IGNORECASE)
_SIZES: Mapping[str, int] = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}  # bits
_BITS: Mapping[str, int] = {**_SIZES, "byte": 8, "short": 16, "integer": 32, "long": 64}
_DECIMAL = r"(?:decimal|numeric|dec)(?:\s*\(.*)?"
_TIMES = re.compile(r"\s*(?:date|timestamp(?:_ntz|_ltz)?)\s*", re.IGNORECASE)


def require_no_word(text: Any) -> None:
    """Refuse a literal that is a time by a word: of columns they are none. Raises UnsupportedError."""
    if isinstance(text, str) and _WORD.match(text):
        raise engine.otherwise(f"The time {text!r}", "it is null")


def require_no_time(text: Any, target: str) -> None:
    """The same of a literal that is cast, if it is cast to a time."""
    if _TIMES.fullmatch(target):
        require_no_word(text)


def to_text(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """A value as text: a double as Java writes it."""
    shown = e.cast(v, "string")
    nested = e.infix(matches(e, e.call("typeof", v), "^(array|struct|map)"), "and", e.call("contains", shown, "NULL"))
    return e.case(
        (floating(e, v), java(e, shown)),
        (nested, refusal(e, "A null inside of a value that is cast to text", "it is NULL")),
        otherwise=shown,
    )


def _of_text(e: Notation, v: Any, keyword: str, target: str, made: Any) -> Any:
    return e.case((of_kind(e, v, "string"), made), otherwise=e.cast(v, target, keyword))


def to_date(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """Text that begins with a date is one, whatever comes after its T, and blanks around it."""
    require_no_word(e.constant(v))
    shown = e.call("regexp_replace", e.cast(v, "string"), r"^\s+|\s+$", "")
    form = r"^([+-]?\d{4,7}-\d{1,2}-\d{1,2})T.*$|^[+-]?\d{4,7}(?:-\d{1,2})?[T ].*$"  # the latter is none
    dated = e.call("regexp_replace", shown, form, "$1")
    return _of_text(e, v, keyword, target, e.cast(dated, target, "TRY_CAST"))


def doubtful(e: Notation, v: Any, digits: int) -> Any:
    """Whether a double may be rounded otherwise than its text: it is near a half, or has many digits."""
    scaled = e.call("abs", e.infix(e.cast(v, "double"), "*", 10.0**digits))
    half = e.infix(e.call("abs", e.infix(e.infix(scaled, "%", 1.0), "-", 0.5)), "<", 1e-6)
    return e.infix(half, "or", e.infix(scaled, ">", 1e9))


def _to_decimal(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """Text may have an exponent; a double is the decimal that its text is, and not the binary fraction."""
    power = matches(e, e.cast(v, "string"), r"^\s*[+-]?[\d.]+[eE][+-]?\d+\s*$")
    powered = e.case((power, e.cast(e.cast(v, "double", "TRY_CAST"), target, "TRY_CAST")), otherwise=None)
    own, shown = e.cast(v, target, keyword), e.cast(e.cast(v, "double"), "string")
    of_double = e.cast(plain_digits(e, shown), target, "TRY_CAST")
    foreign = matches(e, e.cast(v, "string"), r"^\s*[+-]?[\p{Nd}.]*[\p{Nd}&&[^0-9]][\p{Nd}.]*([eE][+-]?\p{Nd}+)?\s*$")
    digits = refusal(e, "A decimal of digits beyond ASCII", "it is null")
    return e.case(
        (e.infix(of_kind(e, v, "string"), "and", foreign), digits),
        (of_kind(e, v, "string"), e.call("coalesce", e.cast(v, target, "TRY_CAST"), powered)),
        (e.infix(floating(e, v), "and", doubtful(e, v, _scale(target))), e.call("coalesce", of_double, own)),
        otherwise=own,
    )


def plain_digits(e: Notation, shown: Any) -> Any:
    """A double's text without its exponent, if that is a large one."""
    form, replaced = r"^(-?\d)\.?(\d*)e\+?(\d+)$", partial(e.call, "regexp_replace", shown)
    end = e.infix(e.cast(replaced(form, "$3"), "int", "TRY_CAST"), "+", 1)
    signed = e.infix(end, "+", e.cast(e.call("startswith", shown, "-"), "int"))
    return e.case((matches(e, shown, form), e.call("rpad", replaced(form, "$1$2"), signed, "0")), otherwise=shown)


def is_decimal(target: str) -> bool:
    """Whether a type, as SQL tells it, is one of decimals."""
    return re.fullmatch(_DECIMAL, target.strip(), re.IGNORECASE | re.DOTALL) is not None


def _scale(decimal: str) -> int:
    """The digits after the point of a decimal type."""
    found = re.search(r",\s*(\d+)\s*\)", decimal)
    return int(found[1]) if found else 0


def whole_of_text(e: Notation, v: Any, target: str) -> Any:
    """A text as a whole number: it may have a fraction, which is left out; null, if it is none."""
    shown, replaced = e.cast(v, "string"), partial(e.call, "regexp_replace")
    whole = replaced(replaced(shown, r"^\s*[+-]?\.\d+\s*$", "0"), r"^\s*([+-]?\d+)\.\d*\s*$", "$1")
    return e.call("coalesce", e.cast(v, target, "TRY_CAST"), e.cast(whole, target, "TRY_CAST"))


def _to_whole(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """Of a number that is too large the last bits are left, of a double the nearest number that there is."""
    bits = _BITS[target.lower()]
    made = e.cast(v, target, keyword)
    if keyword == "CAST":
        branches = [(floating(e, v), _of_double(e, v, target, bits))]
        if larger := [of_kind(e, v, kind) for kind, size in _SIZES.items() if size > bits]:
            branches.append((reduce(partial(_either, e), larger), _last_bits(e, v, target, bits)))
        made = e.case(*branches, otherwise=made)
    if keyword != "CAST" or bits == _SIZES["int"]:  # Sail's own is right of texts: by TRY_CAST 1.5 is no whole number
        return made
    return e.case((of_kind(e, v, "string"), whole_of_text(e, v, target)), otherwise=made)


def _either(e: Notation, one: Any, other: Any) -> Any:
    return e.infix(one, "or", other)


def _last_bits(e: Notation, v: Any, target: str, bits: int) -> Any:
    """The number that the last bits of a whole number are."""
    away = _SIZES["bigint"] - bits
    return e.cast(e.call("shiftright", e.call("shiftleft", e.cast(v, "bigint", "TRY_CAST"), away), away), target)


def _of_double(e: Notation, v: Any, target: str, bits: int) -> Any:
    """A double as a whole number: that of fewer bits is cut from an int. NaN is 0."""
    kind, largest = ("bigint", 2**63 - 1) if bits == _SIZES["bigint"] else ("int", 2**31 - 1)
    beyond = e.case(
        (e.call("isnan", e.cast(v, "double")), 0),
        (e.infix(e.cast(v, "double"), ">", 0.0), largest),
        (e.infix(e.cast(v, "double"), "<", 0.0), e.cast(str(-largest - 1), kind)),
        otherwise=None,
    )
    whole = e.call("coalesce", e.cast(v, kind, "TRY_CAST"), e.cast(beyond, kind))
    return whole if bits >= _SIZES["int"] else _last_bits(e, whole, target, bits)


def _to_small(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """The seconds of a time, or null if they are too many."""
    seconds = e.cast(e.call("floor", e.cast(v, "double")), target, "TRY_CAST")
    return e.case((of_kind(e, v, "timestamp"), seconds), otherwise=_to_whole(e, v, keyword, target))


def to_long(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """Seconds of times before 1970 are those that have begun."""
    seconds = e.cast(e.call("floor", e.cast(v, "double")), target)
    return e.case((of_kind(e, v, "timestamp"), seconds), otherwise=_to_whole(e, v, keyword, target))


def double_of_text(e: Notation, v: Any, target: str) -> Any:
    """A text as a double: it may end with a letter, as Java's numbers do; null, if it is none."""
    bare = e.call("regexp_replace", e.cast(v, "string"), r"([\d.])[dDfF]\s*$", "$1")
    return e.call("coalesce", e.cast(v, target, "TRY_CAST"), e.cast(bare, target, "TRY_CAST"))


def _to_double(e: Notation, v: Any, keyword: str, target: str) -> Any:
    return _of_text(e, v, keyword, target, double_of_text(e, v, target))


def to_boolean(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """The words on and off are none."""
    word = matches(e, e.cast(v, "string"), r"(?i)^\s*(?:on|off)\s*$")
    return _of_text(e, v, keyword, target, e.case((e.call("not", word), e.cast(v, target, "TRY_CAST")), otherwise=None))


def _to_binary(e: Notation, v: Any, keyword: str, target: str) -> Any:
    numbers = matches(e, e.call("typeof", v), "^(tinyint|smallint|int|bigint)$")
    return e.case(
        (numbers, refusal(e, "A number as binary", "its last byte is the first")), otherwise=e.cast(v, target, keyword)
    )


_CASTS: Mapping[str, Callable[[Notation, Any, str, str], Any]] = {
    "string": to_text,
    "date": to_date,
    _DECIMAL: _to_decimal,
    "bigint|long": to_long,
    "tinyint|byte|smallint|short|int|integer": _to_small,
    "double|float|real": _to_double,
    "boolean": to_boolean,
    "binary": _to_binary,
}


def rule(target: str, keyword: str = "CAST") -> Rule | None:
    """The rule of a cast to a type, by ``CAST`` or ``TRY_CAST``; None when Sail's own is Spark's."""
    target = target.strip()
    way = next((way for form, way in _CASTS.items() if re.fullmatch(form, target, re.IGNORECASE | re.DOTALL)), None)
    return None if way is None else lambda e, v: way(e, v, keyword, target)
