"""Where Sail's answer is not Spark's: functions that are refused, and what others are called as.

A rule makes an expression, in either notation (:mod:`etl.sail.notations`), that has to fit values of every type. Sail
knows types as it plans: ``typeof(value)`` is a constant to it, and what cannot come to pass is left out of the plan.
No lambda is in them: Sail fails on those in filters of Parquet. All of it is held against Spark by
tests/stack/test_engines_compared.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from etl.sail import engine
from etl.sail.casts import Rule, doubtful, plain_digits, to_date, to_long
from etl.sail.notations import Notation
from etl.sail.values import (
    floating,
    is_nan,
    is_not_finite,
    java,
    matches,
    of_decimals,
    of_kind,
    refusal,
    with_null_inside,
)

# Functions whose value, for some argument, is not Spark's, and what is different.
REFUSED: Mapping[str, str] = {
    "approx_percentile": "it is interpolated",
    "current_catalog": "it is Sail's own",
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
GENERATORS = frozenset(
    ("explode", "explode_outer", "inline", "inline_outer", "posexplode", "posexplode_outer", "stack")
)
# What has another value each time, or several: a rule names a value more than once.
NOT_TWICE = GENERATORS | {"json_tuple", "rand", "randn", "random", "uuid", "monotonically_increasing_id", "shuffle"}


def _unless(when: Callable[[Notation, Any], Any], what: str, why: str) -> Rule:
    """The value itself; a refusal when one is met of which ``when`` holds."""
    return lambda e, v: e.case((when(e, v), refusal(e, what, why)), otherwise=v)


def _shown_otherwise(e: Notation, v: Any) -> Any:
    shown = e.cast(v, "string")
    return e.infix(floating(e, v), "and", e.infix(java(e, shown), "<>", shown))


def taken_away(e: Notation, said: Any, v: Any, w: Any) -> Any:
    """What is taken from ``v``, as it is said; ``w`` is the same value. That of two dates is an interval on Spark."""
    dates = e.infix(of_kind(e, v, "date"), "and", of_kind(e, w, "date"))
    return e.case((dates, refusal(e, "A date minus a date", "it is a number of days; use datediff")), otherwise=said)


_average = _unless(of_decimals, "The average of decimals", "its last digit is cut, not rounded")
_joined = _unless(_shown_otherwise, "A double among texts", "without its exponent; cast it to string first")
NO_NAN = _unless(is_nan, "NaN in this aggregate", "it is not the largest value")
NO_NULL_INSIDE = _unless(with_null_inside, "The order of values with a null inside", "it is the largest")
# Of windows whose frame leaves rows behind, from which Sail takes what they had added.
FINITE = _unless(is_not_finite, "NaN or infinity in a window that rows leave", "it stays when its row has left")
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
    "hash": (EVERY, _unless(of_decimals, "The hash of decimals", "it is another number")),
    "max_by": (1, NO_NAN),
    "mean": (0, _average),
    "median": (0, NO_NAN),
    "min_by": (1, NO_NAN),
    "percentile": (0, NO_NAN),
}
EXTREMES = ("max", "min")
OF_SOME_ROWS: Mapping[str, tuple[int, Rule]] = dict.fromkeys(EXTREMES, (0, NO_NAN))  # or of what is costly
_DIGITS = 38  # of the largest decimal
_GROUP, _ODD_GROUP = re.compile(r"\$(\d)"), re.compile(r"\$\d\d|\$(?![\d{])")
_DOUBLES_IN_JSON = r"NaN|inf|\d[eE][+-]?\d|\d{8,}\.\d|\b0\.000"


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


def _round(e: Notation, call: Any, v: Any, scale: Any = 0) -> Any:
    """A double is rounded as the decimal that its text is: 1.005 is 1.01. The binary fraction, as Sail has it, is less.

    A value that is made a double is known to be one; one of any type is refused where it would have to be another.
    """
    return _rounding(e, call, v, scale, is_double=e.makes_double(v))


def _bround(e: Notation, call: Any, v: Any, scale: Any = 0) -> Any:
    """Halves go to the even digit, so that one is refused whatever makes it."""
    return _rounding(e, call, v, scale, is_double=False)


def _rounding(e: Notation, call: Any, v: Any, scale: Any, *, is_double: bool) -> Any:
    """Zero has no sign."""
    digits, absolute = e.constant(scale), e.call("abs", call)
    branches = [(e.infix(floating(e, v), "and", e.infix(absolute, "=", 0)), absolute)]
    if isinstance(digits, int) and 0 < digits < _DIGITS:
        rounded, may_differ = _rounded(e, v, digits), doubtful(e, v, digits)
        if is_double:
            branches.append((may_differ, e.call("coalesce", rounded, call)))
        else:
            half = refusal(e, "A half that is rounded", "its binary fraction is; cast it to a decimal first")
            differs = e.infix(rounded, "<>", e.cast(call, "double"))
            odd = e.infix(e.infix(of_kind(e, v, "double"), "and", may_differ), "and", differs)
            branches.append((odd, half))
    refused = refusal(e, "A decimal that is rounded", "it has more or fewer digits")
    return e.case((of_decimals(e, v), refused), *branches, otherwise=call)


def _rounded(e: Notation, v: Any, digits: int) -> Any:
    """A value rounded by its text; by that of the decimal, too, for a decimal that is divided is not exact."""
    decimal = e.cast(plain_digits(e, e.cast(v, "string")), f"decimal({_DIGITS},{digits})", "TRY_CAST")
    return e.cast(e.cast(decimal, "string"), "double")


def _substring(e: Notation, call: Any, v: Any, start: Any = None, length: Any = None) -> Any:
    """Characters before the first count, where the start is counted from the end."""
    if length is None:
        return call
    first = e.infix(e.call("length", v), "+", start)
    end, before = e.infix(first, "+", length), e.infix(first, "<", 0)
    part = e.call("left", v, e.call("greatest", end, 0))
    return e.case((e.infix(e.infix(start, "<", 0), "and", before), part), otherwise=call)


def _sign(e: Notation, call: Any, v: Any) -> Any:
    """That of -0.0 is itself."""
    zero = e.infix(floating(e, v), "and", e.infix(e.call("abs", v), "=", 0))
    return e.case((zero, e.cast(v, "double")), otherwise=call)


def _of_json(e: Notation, call: Any, v: Any, path: Any) -> Any:
    """A number with a point or an exponent is a double's text, if it is none of a text's own; so is one inside."""
    if e.constant(path) is None:
        raise engine.otherwise("get_json_object by a path that is no literal", "it finds nothing that is nested")
    shown = java(e, e.cast(e.cast(call, "double", "TRY_CAST"), "string"))
    odd = e.infix(matches(e, call, r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$"), "and", e.infix(shown, "<>", call))
    text = e.call("contains", v, e.call("concat", '"', call, '"'))
    inside = matches(e, call, r"^[\[{](?:.*[:\[,])?\s*-?\d+(\.\d*0|(\.\d+)?[eE][+-]?\d+|\.\d{16,})\s*[,\]}]")
    refused = refusal(e, "A number in JSON", "its digits are those of the text")
    return e.case(
        (e.call("not", matches(e, call, r"\d[.eE]")), call),
        (e.infix(odd, "and", text), refused),
        (inside, refused),
        (odd, shown),
        otherwise=call,
    )


def _to_json(e: Notation, call: Any, v: Any, *options: Any) -> Any:
    kind, shown = e.call("typeof", v), e.cast(v, "string")
    doubles = e.infix(matches(e, kind, "double"), "and", matches(e, shown, _DOUBLES_IN_JSON))
    maps = e.infix(matches(e, kind, "map"), "and", e.call("contains", shown, "NULL"))
    refused = refusal(e, "to_json of such a value", "decimals, times, floats, large and small doubles, nulls in maps")
    return e.case(
        (matches(e, kind, "decimal|timestamp|float"), refused), (doubles, refused), (maps, refused), otherwise=call
    )


def _replaced(e: Notation, call: Any, v: Any, pattern: Any, by: Any, *begin: Any) -> Any:
    """Java takes a digit behind ``$`` for a group, Sail the whole word; a backslash is none of the text to Java."""
    said = e.constant(by)
    if not isinstance(said, str):
        refused = refusal(e, "A replacement with $ or a backslash", "groups are told in another way")
        return e.case((matches(e, by, r"[$\\]"), refused), otherwise=call)
    grouped = _GROUP.sub(r"${\1}", said)
    if "\\" in said or _ODD_GROUP.search(said):
        raise engine.otherwise(f"The replacement {said!r} of regexp_replace", "groups are told in another way")
    return call if grouped == said else e.call("regexp_replace", v, pattern, grouped, *begin)


def _seconds(e: Notation, call: Any, v: Any) -> Any:
    fractions = matches(e, e.call("typeof", v), "double|float|decimal")
    return e.case((fractions, refusal(e, "timestamp_seconds of fractions", "they are left out")), otherwise=call)


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
    "bround": _bround,
    "get_json_object": _of_json,
    "regexp_replace": _replaced,
    "round": _round,
    "sign": _sign,
    "signum": _sign,
    "substr": _substring,
    "substring": _substring,
    "timestamp_seconds": _seconds,
    "to_date": lambda e, call, v, *form: call if form else to_date(e, v, "CAST", "date"),
    "to_json": _to_json,
    "unix_seconds": lambda e, call, v: to_long(e, v, "CAST", "bigint"),
}


def of_one_type(e: Notation, values: list[Any]) -> tuple[Any, Any]:
    """A first branch of a CASE, which never holds: Sail takes the type of the first value for that of all."""
    return False, e.call("element_at", e.call("array", *values), 1)
