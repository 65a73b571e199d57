"""Functions of arrays on which Sail differs from Spark: what :mod:`lakelet.etl.sail.calls` calls in their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lakelet.etl.sail.notations import Notation
from lakelet.etl.sail.values import matches, refusal

_LAST = 2**31 - 1  # place that an int has
_ARRAY = re.compile(r"[(\s]*array\s*\(", re.IGNORECASE)


def of_structs(e: Notation, values: Sequence[Any]) -> Any:
    """An array of structs that are made there; None for other values. Sail ends where their fields turn out to be
    never null, which it takes for another type: they are told so that they may be.
    """
    shapes = [e.fields(one) for one in values]
    if len(values) < 2 or not all(shapes):
        return None
    return e.call("array", *(_with_nulls(e, fields) for fields in shapes if fields))


def _with_nulls(e: Notation, fields: Mapping[str, Any]) -> Any:
    told: list[Any] = []
    for name, v in fields.items():
        told += [name, v if e.constant(v) is not None else e.call("get", e.call("array", v, None), 0)]
    return e.call("named_struct", *told)


def of_all(e: Notation, values: Sequence[Any]) -> Any:
    """The arrays of which one is made there as one, of the type that all have in common; None for other values."""
    if not any(getattr(one, "_name", "") == "array" or _ARRAY.match(str(one)) for one in values):
        return None
    return e.call("flatten", e.call("array", *values))


def contains(e: Notation, call: Any, v: Any, w: Any) -> Any:
    """Null where the array has no such value, but nulls."""
    nulls = e.infix(e.call("size", v), ">", e.call("size", e.call("array_compact", v)))
    return e.case((e.call("isnull", w), None), (call, True), (nulls, None), otherwise=call)


def of_literals(e: Notation, call: Any, v: Any, w: Any, *, name: str) -> Any:
    """Of an array of literals, whose elements cannot be null to Sail, beside another one: both are made of one type."""
    if not any(getattr(one, "_name", "") == "array" or _ARRAY.match(str(one)) for one in (v, w)):
        return call
    one, other = (
        e.call("slice", e.call("array_append", each, None), 1, e.call("greatest", e.call("size", each), 0))
        for each in (v, w)
    )
    missing = e.infix(e.call("isnull", v), "or", e.call("isnull", w))
    return e.case((missing, None), otherwise=e.call(name, one, other))


def at_place(e: Notation, v: Any, place: Any) -> Any:
    """``v[place]`` by a place that is computed: Sail takes literals alone, and a column for a text. Of a map it is a
    key, and of an array counted from 0."""
    is_map, number = matches(e, e.call("typeof", v), "^map"), e.cast(place, "int", "TRY_CAST")
    beyond = e.infix(e.infix(number, "<", 0), "or", e.infix(number, "=", _LAST))
    counted = e.case((is_map, place), (beyond, None), otherwise=e.infix(number, "+", 1))
    return e.call("try_element_at", v, counted)


def nested_in_order(e: Notation, call: Any, v: Any, *by: Any) -> Any:
    """Nulls inside of what is nested are the largest in ``array_sort``, and not in ``sort_array``; elements that are
    null come last."""
    if by:
        return call
    there = e.call("array_compact", v)
    missing = e.infix(e.call("size", v), "-", e.call("size", there))
    own = e.call("sort_array", v)
    turned = e.call(
        "flatten",
        e.call(
            "array",
            e.call("slice", own, e.infix(missing, "+", 1), e.call("greatest", e.call("size", there), 0)),
            e.call("slice", own, 1, e.call("greatest", missing, 0)),
        ),
    )
    return e.case((_is_of_nested(e, v), turned), otherwise=call)


def extreme(e: Notation, call: Any, v: Any, *, largest: bool) -> Any:
    """The same of ``array_max`` and ``array_min``."""
    first = e.call("try_element_at", e.call("sort_array", e.call("array_compact", v), not largest), 1)
    return e.case((_is_of_nested(e, v), first), otherwise=call)


def _is_of_nested(e: Notation, v: Any) -> Any:
    return matches(e, e.call("typeof", v), "^array<(array|struct)")


def element(e: Notation, call: Any, v: Any, at: Any) -> Any:
    """One by its place, none by one that is counted from the end."""
    return e.case((e.infix(at, "<", 0), None), otherwise=call)


def part(e: Notation, call: Any, v: Any, start: Any, length: Any) -> Any:
    """From a place that is counted from the end, as far as there are elements; none, if it is before the first."""
    said, long = e.constant(start), e.constant(length)
    if isinstance(said, int) and said > 0 and isinstance(long, int) and long >= 0:
        return call
    place = e.infix(e.infix(e.call("size", v), "+", start), "+", 1)
    missing = [(e.call("isnull", one), None) for one in (v, start, length) if e.constant(one) is None]
    return e.case(
        *missing,
        (e.infix(start, "=", 0), refusal(e, "slice from place 0", "it is the first")),
        (e.infix(length, "<", 0), refusal(e, "slice of a negative length", "it is counted from the end")),
        (e.infix(e.infix(start, "<", 0), "and", e.infix(place, "<", 1)), e.call("slice", v, 1, 0)),
        (e.infix(start, "<", 0), e.call("slice", v, e.call("greatest", place, 1), length)),
        otherwise=call,
    )


def overlap(e: Notation, call: Any, v: Any, w: Any) -> Any:
    """Of an empty array nothing is in another one, nulls or not."""
    empty = e.infix(e.infix(e.call("size", v), "=", 0), "or", e.infix(e.call("size", w), "=", 0))
    missing = e.infix(e.call("isnull", v), "or", e.call("isnull", w))
    return e.case((missing, None), (empty, False), otherwise=call)


def joined_by(e: Notation, call: Any, v: Any, by: Any, missing: Any = None) -> Any:
    """Elements as one text, if they are written alike; none by a null in place of nulls."""
    plain = matches(e, e.call("typeof", v), r"^(void|array<(string|tinyint|smallint|int|bigint|date|void)>)$")
    refused = refusal(e, "array_join of such values", "they are written otherwise; cast them to array<string> first")
    branches = [(e.call("not", plain), refused)]
    if missing is not None and not isinstance(e.constant(missing), str):
        branches.append((e.call("isnull", missing), None))
    return e.case(*branches, otherwise=call)


# Calls whose arguments Sail takes for arrays and structs of other types, where they are made in the call.
MADE: Mapping[str, Callable[[Notation, Sequence[Any]], Any]] = {"array": of_structs, "concat": of_all}
