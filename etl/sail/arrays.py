"""Functions of arrays that Sail answers otherwise than Spark: what is called in their place (:mod:`etl.sail.calls`)."""

from __future__ import annotations

import re
from typing import Any

from etl.sail.notations import Notation
from etl.sail.values import matches, refusal

_ARRAY = re.compile(r"[(\s]*array\s*\(", re.IGNORECASE)


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
