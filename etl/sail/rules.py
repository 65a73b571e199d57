"""Where Sail's answer is not Spark's: functions that are refused, and what others are called as.

A rule makes an expression, in either notation (:mod:`lakelet.etl.sail.notations`), that has to fit values of every
type. Sail knows types as it plans: ``typeof(value)`` is a constant to it, and what cannot come to pass is left out of
the plan. No lambda is in them: Sail fails on those in filters of Parquet. All of it is held against Spark by
tests/stack/test_engines_compared.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lakelet.etl.sail import engine, json_paths
from lakelet.etl.sail.casts import Rule, double_of_text, to_text
from lakelet.etl.sail.notations import Notation
from lakelet.etl.sail.values import (
    floating,
    has_sign,
    is_nan,
    is_negative_zero,
    joined,
    list_among,
    matches,
    of_decimals,
    of_kind,
    refusal,
    text_among,
    unless,
    with_null_inside,
)

# Functions whose value, for some argument, is not Spark's, and what is different.
REFUSED: Mapping[str, str] = {
    "approx_percentile": "it is interpolated",
    "asinh": "other digits are lost",
    "current_catalog": "it is Sail's own",
    "conv": "text that begins with a number is null",
    "format_number": "it counts with doubles",
    "from_json": "numbers that do not fit are cut, and text that is no JSON becomes a record",
    "hypot": "large numbers are infinite or wrong",
    "is_valid_utf8": "null is false",
    "json_array_length": "what is no array has a length",
    "json_object_keys": "JSON is taken more strictly",
    "nvl2": "numbers become text",
    "parse_url": "a URL is written anew, and what is none is read",
    "percentile_approx": "it is interpolated",
    "quote": "backslashes are doubled",
    "rint": "halves are rounded up",
    "sentences": "words are cut elsewhere",
    "try_parse_url": "a URL is written anew, and what is none is read",
    "timestampdiff": "days are counted by midnights",
    "weekday": "it is -1 for a Sunday before 1970",
}
ABSENT = frozenset(("input_file_name", "session_window"))
GENERATORS = frozenset(
    ("explode", "explode_outer", "inline", "inline_outer", "posexplode", "posexplode_outer", "stack")
)
# What has another value each time, or several: a rule names a value more than once.
NOT_TWICE = GENERATORS | {"json_tuple", "rand", "randn", "random", "uuid", "monotonically_increasing_id", "shuffle"}

# SQL that is the literal of an interval, and what one has in it that is not of days or more.
LITERAL_INTERVAL = re.compile(r"[\s(]*-?\s*interval\s+(?:'[^']*'|-(?=\s*[\d'])|[^()'*/+,-])*[\s)]*", re.IGNORECASE)
HOURS = re.compile(r"hour|minute|second", re.IGNORECASE)
_HOURS = "(?:interval day|timestamp.*timestamp)"  # of operands' types
_TIMES = rf"\bdate\b.*(?:\bdate\b|{_HOURS})|{_HOURS}.*\bdate\b|timestamp.*\bdate\b.*timestamp"


def require_same(name: str) -> None:
    """Refuse a function whose value is another one, or that is not there. Raises UnsupportedError."""
    if name in ABSENT:
        raise engine.refused(f"The function {name}")
    if why := REFUSED.get(name):
        raise engine.otherwise(f"The function {name}", why)


def argument(e: Notation, name: str, values: Sequence[Any]) -> tuple[int, Rule] | None:
    """The rule of a function's arguments, and their place; beside a text of the script ``concat`` joins texts."""
    if name == "concat" and any(isinstance(e.constant(one), str) for one in values):
        return EVERY, lambda e, v: v if isinstance(e.constant(v), str) else to_text(e, v, "CAST", "string")
    return ARGUMENTS.get(name)


def of_times(e: Notation, said: Any, operands: Sequence[Any]) -> Any:
    """One of the operands of a sum, as it is said: of two dates it would be an interval on Spark, of a date and an
    interval with hours (of days alone it is of the same type on Sail), or two timestamps, a timestamp.
    """
    kinds = e.call("concat_ws", " ", *(e.call("typeof", one) for one in operands))
    refused = refusal(
        e,
        "A sum of a date with another date, or with hours",
        "it is a number of days or stays a date; use datediff, or cast it to timestamp first",
    )
    return e.case((matches(e, kinds, _TIMES), refused), otherwise=said)


def divisor(e: Notation, v: Any) -> Any:
    """What is divided by: by -0.0 there is no quotient, as by 0.0, where Sail has one that is infinite."""
    zero = e.infix(e.cast(v, "double"), "=", e.cast("-0.0", "double"))
    return e.case((e.infix(floating(e, v), "and", zero), None), otherwise=v)


def of_that_field(e: Notation, v: Any, name: str) -> Any:
    """A struct, of which a field is changed or dropped: Spark finds it in any case."""
    named = f"[<,]{re.escape(name.partition('.')[0])}:"
    kind = e.call("typeof", v)
    other = e.infix(matches(e, kind, f"(?i){named}"), "and", e.call("not", matches(e, kind, named)))
    refused = refusal(e, f"The field {name}, which the struct has in another case", "it is another field")
    return e.case((other, refused), otherwise=v)


def negated(e: Notation, v: Any) -> Any:
    """What has a minus before it."""
    why = "the point is elsewhere; subtract it from a decimal 0"
    return e.case((of_decimals(e, v), refusal(e, "A minus before a decimal", why)), otherwise=v)


def no_date(e: Notation, v: Any) -> Any:
    """What rows of a RANGE frame are counted from by a number, which is no date."""
    why = "the frame has all rows; order by unix_date of it"
    return e.case((of_kind(e, v, "date"), refusal(e, "A RANGE of a number over a date", why)), otherwise=v)


def _average(e: Notation, v: Any) -> Any:
    """What an average is of: the number that a text is."""
    refused = refusal(e, "The average of decimals", "its last digit is cut, not rounded")
    return e.case((of_decimals(e, v), refused), otherwise=double_of_text(e, v, "double"))


def _middle(e: Notation, v: Any) -> Any:
    """What a median is of: the number that a text is."""
    return NO_NAN(e, double_of_text(e, v, "double"))


_NAN = (is_nan, "NaN in this aggregate", "it is not the largest value")
_NULL_INSIDE = (with_null_inside, "The order of values with a null inside", "it is the largest")
NO_NAN, NO_NULL_INSIDE = unless(_NAN), unless(_NULL_INSIDE)
# Of what a largest or smallest value is looked for among, where it is named but once or by its rows alone.
IN_ORDER = unless(_NAN, _NULL_INSIDE)
# Of a window's keys, and of those of an order that others come after.
WITHOUT_SIGNS = unless(
    (has_sign, "Zero or NaN with a sign in the keys of a window or an order", "it is another value than without")
)
EVERY = -1  # argument of a call
# Arguments, by the function and the place that they have.
ARGUMENTS: Mapping[str, tuple[int, Rule]] = {
    "avg": (0, _average),
    "collect_set": (0, unless((is_negative_zero, "A zero with a sign in collect_set", "it is another than zero"))),
    "concat": (EVERY, joined),
    "hash": (EVERY, unless((of_decimals, "The hash of decimals", "it is another number"))),
    "json_tuple": (0, json_paths.members),
    "max_by": (1, NO_NAN),
    "mod": (1, divisor),
    "mean": (0, _average),
    "median": (0, _middle),
    "min_by": (1, NO_NAN),
    "percentile": (0, _middle),
    "try_avg": (0, _average),
}
# Each argument behind DISTINCT.
DISTINCT = unless((is_negative_zero, "A zero with a sign in count(DISTINCT …)", "it is another than zero"))
# Arguments that are told twice, but for the first: a null is passed over.
TWICE: Mapping[str, tuple[Rule, Rule]] = {"concat_ws": (text_among, list_among)}
DIVISIONS = ("/", "%")
EXTREMES = ("max", "min")
OF_SOME_ROWS: Mapping[str, tuple[int, Rule]] = dict.fromkeys(EXTREMES, (0, IN_ORDER))  # or of what is costly


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


def of_one_type(e: Notation, values: list[Any]) -> tuple[Any, Any]:
    """A first branch of a CASE, which never holds: Sail takes the type of the first value for that of all."""
    return False, e.call("get", e.call("array", *values), 0)
