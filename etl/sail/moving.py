"""Windows whose frame leaves rows behind, on Sail, which takes away from a sum what has left it, where Spark adds up
each frame anew. Behind a much larger value few digits of a sum of doubles are left, or none, and a deviation of equal
values may be NaN: what is known to be zero is, and the rest is refused where it is less than a millionth of the
largest value of its partition. Above that some nine digits are right, and fewer where very many rows have left.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from lakelet.etl.sail import engine
from lakelet.etl.sail.notations import Notation, Sql
from lakelet.etl.sail.values import floating, is_not_finite, refusal, unless

_SUMS = frozenset(("sum", "avg", "mean"))
_ROOTS = frozenset(("std", "stddev", "stddev_samp", "stddev_pop"))
_SQUARES = frozenset(("variance", "var_samp", "var_pop"))
KEPT = _SUMS | _ROOTS | _SQUARES
_OF_PAIRS = re.compile(r"corr|covar_(?:samp|pop)|regr_(?!count)\w+")
_LEAST = 1e-6  # of the largest value, or of its square, that the digits of a result are right of
_ROOT = 1e-3
_DONE = "_lakelet_kept"  # of a window


def require_right(name: str) -> None:
    """Refuse a function of pairs in such a window. Raises UnsupportedError."""
    if _OF_PAIRS.fullmatch(name):
        why = "few of its digits may be right, and equal values have one"
        raise engine.otherwise(f"{name} over a window that rows leave", why)


# What is added up in such a window: NaN or infinity would stay when its row has left.
FINITE = unless((is_not_finite, "NaN or infinity in a window that rows leave", "it stays when its row has left"))


def size(e: Notation, v: Any) -> Any:
    """How large a value is, of which the largest of a partition is asked."""
    return e.call("abs", e.cast(v, "double", "TRY_CAST"))


def kept(e: Notation, name: str, made: Any, low: Any, high: Any, largest: Any) -> Any:
    """What a function of :data:`KEPT` makes of a frame, by the least and the largest value in it, and the largest
    :func:`size` in its partition."""
    if name in _SUMS:
        is_double = floating(e, low)
        equal = e.infix(is_double, "and", e.infix(e.infix(low, "=", 0), "and", e.infix(high, "=", 0)))
        least, few = e.infix(largest, "*", _LEAST), e.call("abs", e.cast(made, "double"))
        lost, zero = e.infix(is_double, "and", e.infix(few, "<", least)), e.call("abs", low)  # of a type with the sum
    else:
        root = e.infix(largest, "*", _ROOT)
        equal, least = e.infix(low, "=", high), root if name in _ROOTS else e.infix(root, "*", root)
        lost, zero = e.infix(e.call("isnan", made), "or", e.infix(made, "<", least)), 0.0
    refused = refusal(e, f"{name} over a window that much larger values have left", "few of its digits are right")
    return e.case(
        (False, made),  # for the type of all
        (e.call("isnull", made), None),
        (equal, zero),
        (lost, refused),
        otherwise=made,
    )


def kept_sql(e: Notation, name: str, piece: str, value: str, window: str, part: str) -> str:
    """A call over a window in SQL as :func:`kept` has it, of a value; ``part`` is what the window is parted by."""
    asked = (("min", value, window), ("max", value, window), ("max", size(e, Sql(value)), f"({part})"))
    return f"({kept(e, name, Sql(piece), *(Sql(f'{called}({one}) OVER {over}') for called, one, over in asked))})"


def kept_window(e: Notation, made: Any, window: Any) -> Any:
    """A window of pyspark's as :func:`kept` has it; None for one of another function, and for what is kept."""
    function = window._windowFunction
    name, args = getattr(function, "_name", ""), list(getattr(function, "_args", ()))
    if name not in KEPT or len(args) != 1 or function._is_distinct or hasattr(window, _DONE):
        return None
    own, part = copy.copy(window), copy.copy(window._windowSpec)
    setattr(own, _DONE, True)
    part._orderSpec, part._frame = [], None

    def over(spec: Any, called: str, value: Any) -> Any:
        return made.WindowExpression(windowFunction=made.UnresolvedFunction(called, [value]), windowSpec=spec)

    low, high = (over(window._windowSpec, called, args[0]) for called in ("min", "max"))
    return kept(e, name, own, low, high, over(part, "max", size(e, args[0])))
