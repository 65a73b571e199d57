"""Decimals on Sail. What Sail divides is cut and not rounded, and a whole number beside a decimal has ten digits there,
where Spark gives a literal as many as it needs. Both are found in Sail's explanation of a plan, before an action.
Decimals of Python are rounded here, halves up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from etl.sail import engine

_WHOLE = r"U?Int\d+\(-?\d+\)"
_WIDENED = rf"CAST\({_WHOLE} AS Decimal\d+\(\d+, \d+\)\)"
# A literal beside a decimal; the divisor of a remainder is held against 0 first.
_LITERALS = re.compile(rf" [-+*] {_WIDENED}|{_WIDENED} [-+*%] | % CAST\(nullif\({_WHOLE}, U?Int\d+\(0\)\) AS Decimal")
_DIVISORS = re.compile(r" / (?=(CAST\()?nullif\()")  # each is nullif(…, 0)
_ARITHMETIC = re.compile(r"/|[-+*%]\s*\d|\d[lL]?\s*[-+*%]")
_OPERATORS = frozenset(("+", "-", "*", "%"))


def rounding(scale: int) -> Callable[[Decimal], Decimal]:
    """What rounds a decimal of Python to so many digits behind the point, as Spark does."""
    last, digits = Decimal(1).scaleb(-scale), Context(prec=100)
    return lambda value: value.quantize(last, ROUND_HALF_UP, digits) if value.is_finite() else value


def watch(function: str, arguments: Iterable[Any]) -> None:
    """Look at each plan before its action, when a function of columns may have another type or value for decimals."""
    beside = function in _OPERATORS and any(type(getattr(one, "_value", None)) is int for one in arguments)
    if function == "/" or beside:
        engine.before_actions(_require_same)


def watch_text(code: str) -> None:
    """The same for SQL, without its comments and texts."""
    if computes(code):
        engine.before_actions(_require_same)


def computes(code: str) -> bool:
    """Whether SQL divides, or has a whole number beside an operator."""
    return bool(_ARITHMETIC.search(code))


def _require_same(client: Any, plan: Any) -> None:
    """Refuse a plan that divides decimals, or has them beside whole numbers. Raises UnsupportedError."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    try:
        if not plan.HasField("root"):
            plan = type(plan)(root=plan.command.write_operation.input)
        told = client.explain_string(plan, "extended")
    except (PySparkException, DecodeError):  # the action itself will say it; a plan of great depth cannot be sent twice
        return
    if any(_is_decimal(_first_call(told[found.end() :])) for found in _DIVISORS.finditer(told)):
        raise engine.otherwise("The division of decimals", "with fewer digits, which are cut and not rounded")
    if _LITERALS.search(told.partition("== Optimized Logical Plan ==")[0]):
        raise engine.otherwise("A decimal beside a whole number", "with more digits")


def _is_decimal(divisor: str) -> bool:
    return "Decimal128(" in divisor and not divisor.endswith("AS Float64)")


def _first_call(text: str) -> str:
    """A text that begins with a call, up to the parenthesis that closes it."""
    depth = 0
    for at, one in enumerate(text):
        depth += (one == "(") - (one == ")")
        if one == ")" and not depth:
            return text[: at + 1]
    return text
