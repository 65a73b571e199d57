"""Where Sail's answer is not Spark's: functions that are refused, and what others are called as.

A rule makes an expression, in either notation (:mod:`etl.sail.notations`), that has to fit values of every type. Sail
knows types as it plans: ``typeof(value)`` is a constant to it, and what cannot come to pass is left out of the plan.
No lambda is in them: Sail fails on those in filters of Parquet. All of it is held against Spark by
tests/stack/test_engines_compared.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from etl.errors import UnsupportedError
from etl.sail import engine
from etl.sail.notations import Notation

# Functions whose value, for some argument, is not Spark's, and what is different.
REFUSED: Mapping[str, str] = {
    "approx_percentile": "it is interpolated",
    "conv": "text that begins with a number is null",
    "format_number": "it counts with doubles",
    "initcap": "a letter after a sign is made a capital",
    "is_valid_utf8": "null is false",
    "nvl2": "numbers become text",
    "percentile_approx": "it is interpolated",
    "quote": "backslashes are doubled",
    "rint": "halves are rounded up",
    "sentences": "words are cut elsewhere",
    "timestampdiff": "days are counted by midnights",
    "weekday": "it is -1 for a Sunday before 1970",
}
# What has another value each time, or several: a rule names a value more than once.
NOT_TWICE = frozenset(
    (
        "explode", "explode_outer", "inline", "inline_outer", "posexplode", "posexplode_outer", "json_tuple", "stack",
        "rand", "randn", "random", "uuid", "monotonically_increasing_id", "shuffle",
    )
)  # fmt: skip

Rule = Callable[[Notation, Any], Any]  # of a value


def otherwise(what: str, why: str) -> UnsupportedError:
    """The error of what Sail would answer otherwise than Spark, and what is different."""
    return engine.refused(_told(what, why))


def _told(what: str, why: str) -> str:
    return f"{what}, which Sail answers otherwise than Spark ({why}),"


def _refusal(e: Notation, what: str, why: str) -> Any:
    """The same, when a row is met for which it has to be."""
    return e.call("raise_error", engine.refusal(_told(what, why)))


def _is(e: Notation, v: Any, kind: str) -> Any:
    return e.infix(e.call("typeof", v), "=", kind)


def _floating(e: Notation, v: Any) -> Any:
    return e.infix(_is(e, v, "double"), "or", _is(e, v, "float"))


def _matches(e: Notation, text: Any, pattern: str) -> Any:
    return e.call("rlike", text, pattern)


def is_nan(e: Notation, v: Any) -> Any:
    """Whether a value of any type is NaN, which may have a sign."""

    def nans(kind: str) -> tuple[Any, ...]:
        return e.cast("NaN", kind), e.infix(e.cast("Infinity", kind), "-", e.cast("Infinity", kind))

    return _is_double_of(e, v, nans)


def _is_not_finite(e: Notation, v: Any) -> Any:
    infinite = _is_double_of(e, v, lambda kind: (e.cast("Infinity", kind), e.cast("-Infinity", kind)))
    return e.infix(is_nan(e, v), "or", infinite)


def _is_double_of(e: Notation, v: Any, values: Callable[[str], Iterable[Any]]) -> Any:
    """Whether a value of any type is one of these doubles: ``isnan`` is for numbers alone, ``xxhash64`` for all."""
    hashes = [e.call("xxhash64", one) for kind in ("double", "float") for one in values(kind)]
    return e.infix(_floating(e, v), "and", e.call("array_contains", e.call("array", *hashes), e.call("xxhash64", v)))


def _java(e: Notation, shown: Any) -> Any:
    """A double's text as Java has it: from 10^7 on and below 10^-3 with an exponent."""
    replaced = partial(e.call, "regexp_replace")
    large = replaced(replaced(shown, r"^(-?\d)(\d+)\.(\d+)$", "$1.$2$3"), r"(\.\d+?)0*$", "$1")
    power = e.infix(e.call("length", replaced(shown, r"^-|\..*$", "")), "-", 1)
    small = replaced(replaced(shown, r"^(-?)0\.0+([1-9])(\d*)$", "$1$2.$3"), r"\.$", ".0")
    zeros = e.infix(e.call("length", replaced(shown, r"^-?0\.(0+)[1-9]\d*$", "$1")), "+", 1)
    return e.case(
        (e.call("endswith", shown, "inf"), e.call("replace", shown, "inf", "Infinity")),
        (e.call("contains", shown, "e"), e.call("replace", replaced(shown, r"^(-?\d)e", "$1.0e"), "e", "E")),
        (_matches(e, shown, r"^-?\d{8}"), e.call("concat", large, "E", power)),
        (_matches(e, shown, r"^-?0\.000\d*[1-9]"), e.call("concat", small, "E-", zeros)),
        otherwise=shown,
    )


def _to_text(e: Notation, v: Any, keyword: str, target: str) -> Any:
    shown = e.cast(v, "string")
    nested = e.infix(_matches(e, e.call("typeof", v), "^(array|struct|map)"), "and", e.call("contains", shown, "NULL"))
    return e.case(
        (_floating(e, v), _java(e, shown)),
        (nested, _refusal(e, "A null inside of a value that is cast to text", "it is NULL")),
        otherwise=shown,
    )


def _of_text(e: Notation, v: Any, keyword: str, target: str, made: Any) -> Any:
    return e.case((_is(e, v, "string"), made), otherwise=e.cast(v, target, keyword))


def _to_date(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """Text that begins with a date is one, whatever comes after its T."""
    dated = e.call("regexp_replace", e.cast(v, "string"), r"^\s*([+-]?\d{4,7}-\d{1,2}-\d{1,2})T.*$", "$1")
    return _of_text(e, v, keyword, target, e.cast(dated, target, "TRY_CAST"))


def _doubtful(e: Notation, v: Any, digits: int) -> Any:
    """Whether a double may be rounded otherwise than its text: it is near a half, or has many digits."""
    scaled = e.call("abs", e.infix(e.cast(v, "double"), "*", 10.0**digits))
    half = e.infix(e.call("abs", e.infix(e.infix(scaled, "%", 1.0), "-", 0.5)), "<", 1e-6)
    return e.infix(half, "or", e.infix(scaled, ">", 1e9))


def _to_decimal(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """Text may have an exponent; a double is the decimal that its text is, and not the binary fraction."""
    power = _matches(e, e.cast(v, "string"), r"^\s*[+-]?[\d.]+[eE][+-]?\d+\s*$")
    powered = e.case((power, e.cast(e.cast(v, "double", "TRY_CAST"), target, "TRY_CAST")), otherwise=None)
    own, of_double = e.cast(v, target, keyword), e.cast(e.cast(e.cast(v, "double"), "string"), target, "TRY_CAST")
    return e.case(
        (_is(e, v, "string"), e.call("coalesce", e.cast(v, target, "TRY_CAST"), powered)),
        (e.infix(_floating(e, v), "and", _doubtful(e, v, _scale(target))), e.call("coalesce", of_double, own)),
        otherwise=own,
    )


def _scale(decimal: str) -> int:
    """The digits after the point of a decimal type."""
    found = re.search(r",\s*(\d+)\s*\)", decimal)
    return int(found[1]) if found else 0


def _to_whole(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """Text may have a fraction, which is left out."""
    shown, replaced = e.cast(v, "string"), partial(e.call, "regexp_replace")
    whole = replaced(replaced(shown, r"^\s*[+-]?\.\d+\s*$", "0"), r"^\s*([+-]?\d+)\.\d*\s*$", "$1")
    made = e.call("coalesce", e.cast(v, target, "TRY_CAST"), e.cast(whole, target, "TRY_CAST"))
    return _of_text(e, v, keyword, target, made)


def _to_long(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """Seconds of times before 1970 are those that have begun."""
    seconds = e.cast(e.call("floor", e.cast(v, "double")), target)
    return e.case((_is(e, v, "timestamp"), seconds), otherwise=_to_whole(e, v, keyword, target))


def _to_double(e: Notation, v: Any, keyword: str, target: str) -> Any:
    """Text may end with a letter, as Java's numbers do."""
    bare = e.call("regexp_replace", e.cast(v, "string"), r"([\d.])[dDfF]\s*$", "$1")
    made = e.call("coalesce", e.cast(v, target, "TRY_CAST"), e.cast(bare, target, "TRY_CAST"))
    return _of_text(e, v, keyword, target, made)


def _to_boolean(e: Notation, v: Any, keyword: str, target: str) -> Any:
    return _of_text(e, v, keyword, target, e.cast(v, target, "TRY_CAST"))


_CASTS: Mapping[str, Callable[[Notation, Any, str, str], Any]] = {
    "string": _to_text,
    "date": _to_date,
    r"(?:decimal|numeric|dec)(?:\s*\(.*)?": _to_decimal,
    "bigint|long": _to_long,
    "tinyint|byte|smallint|short": _to_whole,
    "double|float|real": _to_double,
    "boolean": _to_boolean,
}


def cast(target: str, keyword: str = "CAST") -> Rule | None:
    """The rule of a cast to a type, by ``CAST`` or ``TRY_CAST``; None when Sail's own is Spark's."""
    target = target.strip()
    way = next((way for form, way in _CASTS.items() if re.fullmatch(form, target, re.IGNORECASE | re.DOTALL)), None)
    return None if way is None else lambda e, v: way(e, v, keyword, target)


def _unless(when: Callable[[Notation, Any], Any], what: str, why: str) -> Rule:
    """The value itself; a refusal when one is met of which ``when`` holds."""
    return lambda e, v: e.case((when(e, v), _refusal(e, what, why)), otherwise=v)


def _shown_otherwise(e: Notation, v: Any) -> Any:
    shown = e.cast(v, "string")
    return e.infix(_floating(e, v), "and", e.infix(_java(e, shown), "<>", shown))


def _of_decimals(e: Notation, v: Any) -> Any:
    return e.call("contains", e.call("typeof", v), "decimal")


def _with_null_inside(e: Notation, v: Any) -> Any:
    nested = _matches(e, e.call("typeof", v), "^(array|struct)")
    return e.infix(nested, "and", e.call("contains", e.cast(v, "string"), "NULL"))


_average = _unless(_of_decimals, "The average of decimals", "its last digit is cut, not rounded")
_joined = _unless(_shown_otherwise, "A double among texts", "without its exponent; cast it to string first")
NO_NAN = _unless(is_nan, "NaN in this aggregate", "it is not the largest value")
NO_NULL_INSIDE = _unless(_with_null_inside, "The order of values with a null inside", "it is the largest")
# Of windows whose frame leaves rows behind, from which Sail takes what they had added.
FINITE = _unless(_is_not_finite, "NaN or infinity in a window that rows leave", "it stays when its row has left")
MOVING = frozenset(
    (
        "sum", "avg", "mean", "std", "stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop", "corr",
        "covar_samp", "covar_pop",
    )
)  # fmt: skip
EVERY = -1  # argument of a call
# Arguments, by the function and the place that they have.
ARGUMENTS: Mapping[str, tuple[int, Rule]] = {
    "avg": (0, _average),
    "concat": (EVERY, _joined),
    "concat_ws": (EVERY, _joined),
    "hash": (EVERY, _unless(_of_decimals, "The hash of decimals", "it is another number")),
    "max_by": (1, NO_NAN),
    "mean": (0, _average),
    "median": (0, NO_NAN),
    "min_by": (1, NO_NAN),
    "percentile": (0, NO_NAN),
}
EXTREMES = ("max", "min")
OF_SOME_ROWS: Mapping[str, tuple[int, Rule]] = dict.fromkeys(EXTREMES, (0, NO_NAN))  # or of what is costly
_DIGITS = 38  # of the largest decimal


def extreme(e: Notation, name: str, v: Any) -> Any:
    """``max`` or ``min`` of groups with NaN among their rows; over a window they are right."""
    if fields := e.fields(v):
        return _extreme_struct(e, name, fields)
    nan = is_nan(e, v)
    chosen = e.case((nan if name == "max" else e.call("not", nan), v), otherwise=None)
    return e.call("coalesce", e.call("min", chosen), e.call(name, NO_NULL_INSIDE(e, v)))


def _extreme_struct(e: Notation, name: str, fields: Mapping[str, Any]) -> Any:
    """The same of structs, in which a null is the smallest: each field comes behind marks that put it in its order."""
    marked: list[Any] = []
    for at, v in enumerate(fields.values()):
        marked += [f"there{at}", e.call("isnotnull", v), f"nan{at}", is_nan(e, v), f"v{at}", NO_NULL_INSIDE(e, v)]
    chosen = e.call(name, e.call("named_struct", *marked))
    plain = [part for at, field in enumerate(fields) for part in (field, e.field(chosen, f"v{at}"))]
    return e.case((e.call("isnotnull", chosen), e.call("named_struct", *plain)), otherwise=None)


def _array_contains(e: Notation, call: Any, v: Any, w: Any) -> Any:
    """Null where the array has no such value, but nulls."""
    nulls = e.infix(e.call("size", v), ">", e.call("size", e.call("array_compact", v)))
    return e.case((e.call("isnull", w), None), (call, True), (nulls, None), otherwise=call)


def _round(e: Notation, call: Any, v: Any, scale: Any = None) -> Any:
    """A double is rounded as the decimal that its text is: 1.005 is 1.01. The binary fraction, as Sail has it, is less.

    A value that is made a double is known to be one; for one of any type there is no cast back to it.
    """
    digits = e.constant(scale)
    if not isinstance(digits, int) or not 0 < digits < _DIGITS:
        return call
    decimal = e.cast(e.cast(v, "string"), f"decimal({_DIGITS},{digits})", "TRY_CAST")
    rounded = e.cast(e.cast(decimal, "string"), "double")  # by its text, for a decimal that is divided is not exact
    if e.makes_double(v):
        return e.case((_doubtful(e, v, digits), e.call("coalesce", rounded, call)), otherwise=call)
    differs = e.infix(rounded, "<>", e.cast(call, "double"))
    refusal = _refusal(e, "A half that is rounded", "its binary fraction is; cast it to a decimal first")
    doubtful = e.infix(_is(e, v, "double"), "and", _doubtful(e, v, digits))
    return e.case((doubtful, e.case((differs, refusal), otherwise=call)), otherwise=call)


def _substring(e: Notation, call: Any, v: Any, start: Any = None, length: Any = None) -> Any:
    """Characters before the first count, where the start is counted from the end."""
    if length is None:
        return call
    first = e.infix(e.call("length", v), "+", start)
    end, before = e.infix(first, "+", length), e.infix(first, "<", 0)
    part = e.call("left", v, e.call("greatest", end, 0))
    return e.case((e.infix(e.infix(start, "<", 0), "and", before), part), otherwise=call)


def _whole(e: Notation, call: Any, *arguments: Any) -> Any:
    return e.cast(call, "int")  # a long on Sail


def _first_there_is(e: Notation, call: Any, v: Any, w: Any) -> Any:
    return e.call("coalesce", v, w)  # Sail's own has another type


# Whole calls, with their arguments.
CALLS: Mapping[str, Callable[..., Any]] = {
    "array_contains": _array_contains,
    "date_diff": _whole,
    "datediff": _whole,
    "ifnull": _first_there_is,
    "isnan": lambda e, call, v: e.call("coalesce", call, False),
    "nullif": lambda e, call, v, w: e.case((e.infix(v, "=", w), None), otherwise=v),
    "nvl": _first_there_is,
    "regexp_count": _whole,
    "round": _round,
    "substr": _substring,
    "substring": _substring,
    "to_date": lambda e, call, v, *form: call if form else _to_date(e, v, "CAST", "date"),
    "unix_seconds": lambda e, call, v: _to_long(e, v, "CAST", "bigint"),
}


def of_one_type(e: Notation, values: list[Any]) -> tuple[Any, Any]:
    """A first branch of a CASE, which never holds: Sail takes the type of the first value for that of all."""
    return False, e.call("element_at", e.call("array", *values), 1)
