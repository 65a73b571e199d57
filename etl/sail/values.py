"""What can be asked of a value of any type on Sail, in either notation, and the refusal of one that a row has."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from lakelet.etl.sail import engine
from lakelet.etl.sail.notations import Notation


def refusal(e: Notation, what: str, why: str) -> Any:
    """What fails when a row is met for it, as :func:`lakelet.etl.sail.engine.otherwise` does at once."""
    return e.call("raise_error", engine.refusal(engine.told(what, why)))


def unless(*cases: tuple[Callable[[Notation, Any], Any], str, str]) -> Callable[[Notation, Any], Any]:
    """A rule: the value itself; a refusal when one is met of which a condition holds, of what it is and why."""
    return lambda e, v: e.case(*((when(e, v), refusal(e, what, why)) for when, what, why in cases), otherwise=v)


def whole(e: Notation, call: Any, *arguments: Any) -> Any:
    """A call that Sail has a long of, as an int."""
    return e.cast(call, "int")


def of_kind(e: Notation, v: Any, kind: str) -> Any:
    """Whether a value is of a type, named as ``typeof`` names it."""
    return e.infix(e.call("typeof", v), "=", kind)


def floating(e: Notation, v: Any) -> Any:
    """Whether a value is a double or a float."""
    return e.infix(of_kind(e, v, "double"), "or", of_kind(e, v, "float"))


def matches(e: Notation, text: Any, pattern: str) -> Any:
    """Whether a pattern is found in a text."""
    return e.call("rlike", text, pattern)


def is_nan(e: Notation, v: Any) -> Any:
    """Whether a value of any type is NaN, which may have a sign."""

    def nans(kind: str) -> tuple[Any, ...]:
        return e.cast("NaN", kind), _signed_nan(e, kind)

    return _is_double_of(e, v, nans)


def is_not_finite(e: Notation, v: Any) -> Any:
    """Whether a value of any type is NaN or infinite."""
    infinite = _is_double_of(e, v, lambda kind: (e.cast("Infinity", kind), e.cast("-Infinity", kind)))
    return e.infix(is_nan(e, v), "or", infinite)


def is_negative_zero(e: Notation, v: Any) -> Any:
    """Whether a value of any type is -0.0."""
    zero = _is_double_of(e, v, lambda kind: (e.cast("0", kind),))  # of either sign: texts are made of these alone
    return e.infix(zero, "and", e.infix(e.cast(v, "string"), "=", "-0.0"))


def has_sign(e: Notation, v: Any) -> Any:
    """Whether a value of any type is -0.0, or a NaN with a sign."""
    return e.infix(is_negative_zero(e, v), "or", _is_double_of(e, v, lambda kind: (_signed_nan(e, kind),)))


def _signed_nan(e: Notation, kind: str) -> Any:
    return e.infix(e.cast("Infinity", kind), "-", e.cast("Infinity", kind))


def _is_double_of(e: Notation, v: Any, values: Callable[[str], Iterable[Any]]) -> Any:
    """Whether a value of any type is one of these doubles: ``isnan`` is for numbers alone, ``xxhash64`` for all."""
    hashes = [e.call("xxhash64", one) for kind in ("double", "float") for one in values(kind)]
    return e.infix(floating(e, v), "and", e.call("array_contains", e.call("array", *hashes), e.call("xxhash64", v)))


def java(e: Notation, shown: Any) -> Any:
    """A double's text as Java has it: from 10^7 on and below 10^-3 with an exponent. Sail writes it so in arrays, but
    for large numbers, which have digits too many there.
    """
    large = e.call("replace", e.call("regexp_replace", shown, r"^(-*\d)e", "$1.0e"), "e", "E")
    listed = e.cast(e.call("array", e.cast(shown, "double", "TRY_CAST")), "string")
    plain = e.call("translate", listed, "[]", "")
    return e.case((e.call("contains", shown, "e"), large), (e.call("isnotnull", shown), plain), otherwise=None)


def java_double(value: float) -> str:
    """A double as Java writes it."""
    if value == 0 or not math.isfinite(value) or 1e-3 <= abs(value) < 1e7:
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(repr(value), repr(value))
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    figures = "".join(map(str, digits))
    power = int(exponent) + len(figures) - 1
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{power}"


def of_decimals(e: Notation, v: Any) -> Any:
    """Whether a value is a decimal, or has some in it."""
    return e.call("contains", e.call("typeof", v), "decimal")


def with_null_inside(e: Notation, v: Any) -> Any:
    """Whether an array or a struct has a null in it, or the text NULL."""
    nested = matches(e, e.call("typeof", v), "^(array|struct)")
    return e.infix(nested, "and", e.call("contains", e.cast(v, "string"), "NULL"))


def joined(e: Notation, v: Any) -> Any:
    """A value among texts; a double is refused that Java would write with an exponent."""
    shown = e.cast(v, "string")
    otherwise = e.infix(floating(e, v), "and", e.infix(java(e, shown), "<>", shown))
    parts = e.infix(matches(e, e.call("typeof", v), "^timestamp"), "and", e.call("contains", shown, "."))
    return e.case(
        (otherwise, refusal(e, "A double among texts", "without its exponent; cast it to string first")),
        (parts, refusal(e, "Parts of a second among texts", "with zeros at their end; cast it to string first")),
        otherwise=v,
    )


def written(e: Notation, v: Any) -> Any:
    """A value as text: Arrow's own is another text of times and doubles."""
    shown = e.cast(v, "string")
    return e.case((floating(e, v), java(e, shown)), otherwise=shown)


def text_among(e: Notation, v: Any) -> Any:
    """A value of concat_ws as text, if it is no list."""
    return e.case((e.call("not", _is_list(e, v)), written(e, v)), otherwise=None)


def list_among(e: Notation, v: Any) -> Any:
    """A value of concat_ws, if it is a list, whose texts are joined as the others are."""
    odd = matches(e, e.call("typeof", v), "^array<(double|float|timestamp|array|struct|map|binary)")
    refused = refusal(e, "concat_ws of such a list", "its texts are other ones; cast it to array<string> first")
    return e.case((odd, refused), (_is_list(e, v), e.cast(v, "array<string>")), otherwise=None)


def _is_list(e: Notation, v: Any) -> Any:
    return matches(e, e.call("typeof", v), "^array")
