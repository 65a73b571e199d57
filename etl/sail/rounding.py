"""Rounding as Spark has it, of doubles by their text (:mod:`lakelet.etl.sail.calls`)."""

from __future__ import annotations

from typing import Any

from lakelet.etl.sail import engine
from lakelet.etl.sail.casts import doubtful, plain_digits
from lakelet.etl.sail.notations import Notation
from lakelet.etl.sail.values import floating, of_decimals, of_kind, refusal

_DIGITS = 38  # of the largest decimal


def rounded(e: Notation, call: Any, v: Any, scale: Any = 0) -> Any:
    """A double is rounded as the decimal that its text is: 1.005 is 1.01. The binary fraction, as Sail has it, is less.

    A value that is made a double is known to be one; one of any type is refused where it would have to be another.
    """
    return _rounding(e, call, v, scale, is_double=e.makes_double(v))


def rounded_to_even(e: Notation, call: Any, v: Any, scale: Any = 0) -> Any:
    """Halves go to the even digit, so that one is refused whatever makes it."""
    digits = scale if isinstance(scale, int) else e.constant(scale)
    if not isinstance(digits, int) or digits < 0:
        raise engine.otherwise("bround before the point", "it may be too large")
    return _rounding(e, call, v, scale, is_double=False)


def _rounding(e: Notation, call: Any, v: Any, scale: Any, *, is_double: bool) -> Any:
    """Zero has no sign."""
    digits, absolute = e.constant(scale), e.call("abs", call)
    branches = [(e.infix(floating(e, v), "and", e.infix(absolute, "=", 0)), absolute)]
    if isinstance(digits, int) and 0 < digits < _DIGITS:
        by_text, may_differ = _by_text(e, v, digits), doubtful(e, v, digits)
        if is_double:
            branches.append((may_differ, e.call("coalesce", by_text, call)))
        else:
            half = refusal(e, "A half that is rounded", "its binary fraction is; cast it to a decimal first")
            differs = e.infix(by_text, "<>", e.cast(call, "double"))
            odd = e.infix(e.infix(of_kind(e, v, "double"), "and", may_differ), "and", differs)
            branches.append((odd, half))
    refused = refusal(e, "A decimal that is rounded", "it has more or fewer digits")
    return e.case((of_decimals(e, v), refused), *branches, otherwise=call)


def _by_text(e: Notation, v: Any, digits: int) -> Any:
    """A value rounded by its text; by that of the decimal, too, for a decimal that is divided is not exact."""
    decimal = e.cast(plain_digits(e, e.cast(v, "string")), f"decimal({_DIGITS},{digits})", "TRY_CAST")
    return e.cast(e.cast(decimal, "string"), "double")


def to_whole(e: Notation, call: Any, v: Any, *scale: Any) -> Any:
    """The next whole number, up or down, as it is called."""
    if scale:
        raise engine.otherwise("ceil or floor to a digit", "it is rounded")
    return call


def sign(e: Notation, call: Any, v: Any) -> Any:
    """That of -0.0 is itself."""
    zero = e.infix(floating(e, v), "and", e.infix(e.call("abs", v), "=", 0))
    return e.case((zero, e.cast(v, "double")), otherwise=call)
