"""Decimals on Sail. What Sail divides is cut and not rounded, a whole number beside a decimal has ten digits there,
where Spark gives a literal as many as it needs, a double beside one becomes a decimal, where on Spark both are doubles.
It is found in Sail's explanation of a plan, before each action of a script that has decimals. Decimals of Python are
rounded here, halves up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from lakelet.etl.sail import engine

_WHOLE = r"U?Int\d+\(-?\d+\)"
_WIDENED = rf"CAST\({_WHOLE} AS Decimal\d+\(\d+, \d+\)\)"
# A literal beside a decimal; the divisor of a remainder is held against 0 first.
_LITERALS = re.compile(rf" [-+*] {_WIDENED}|{_WIDENED} [-+*%] | % CAST\(nullif\({_WHOLE}, U?Int\d+\(0\)\) AS Decimal")
_DIVISORS = re.compile(r" / (?=(CAST\()?nullif\()")  # each is nullif(…, 0)
_DOUBLES = re.compile(r"AS Decimal128\((?:3\d, 15|(?:1[4-9]|[23]\d), 7)\)")  # what doubles and floats become beside one
_FLOAT = r"CAST\(Decimal128\([^()]*\) AS Float32\)"
_FLOATS = re.compile(rf" [-+*/%] {_FLOAT}|{_FLOAT} [-+*/%] ")
_REST = re.compile(r"AS Decimal128\(\d+, \d+\)\) % |% nullif\(CAST\(Decimal128")
_TYPE = re.compile(r"Decimal128\(\d+, \d+\)")
_LONGEST = re.compile(r"#(\d+): Decimal128\(38, (\d+)\)")
_KEPT = 6  # digits behind the point that Spark leaves a sum of more than 38
# Of a plan as it is written, and of one from which has been left out what is for other types.
_ODD = (
    (0, _LITERALS, "A decimal beside a whole number", "with more digits"),
    (0, _FLOATS, "A float beside a decimal", "both are floats"),
    (0, _REST, "The rest of a division of decimals", "with more digits"),
    (1, _DOUBLES, "A double beside a decimal, without a cast", "both are decimals"),
)
_NAMED = re.compile(r"\bdecimal\b|(?<![\w.])\d*\.\d|\d\.(?![\w.])", re.IGNORECASE)  # a type, or a literal
_ARITHMETIC = re.compile(r"/|[-+*%]\s*\d|\d[lL]?\s*[-+*%]")
_OPERATORS = frozenset(("+", "-", "*", "%"))


def rounding(scale: int) -> Callable[[Decimal], Decimal]:
    """What rounds a decimal of Python to so many digits behind the point, as Spark does."""
    last, digits = Decimal(1).scaleb(-scale), Context(prec=100)
    return lambda value: value.quantize(last, ROUND_HALF_UP, digits) if value.is_finite() else value


def watch(function: str, arguments: Iterable[Any]) -> None:
    """Look at each plan before its action, when a function of columns may have another type or value for decimals."""
    beside = function in _OPERATORS and any(type(getattr(one, "_value", None)) is int for one in arguments)
    if function == "/" or beside or any(isinstance(getattr(one, "_value", None), Decimal) for one in arguments):
        engine.before_actions(_require_same)


def watch_type(kind: object) -> None:
    """The same from when a type is told, or a schema, that has decimals in it."""
    if "decimal" in str(kind).lower():
        engine.before_actions(_require_same)


def watch_text(code: str) -> None:
    """The same for SQL, without its comments and texts."""
    if computes(code) or _NAMED.search(code):
        engine.before_actions(_require_same)


def computes(code: str) -> bool:
    """Whether SQL divides, or has a whole number beside an operator."""
    return bool(_ARITHMETIC.search(code))


def _require_same(client: Any, plan: Any) -> None:
    """Refuse a plan that has another value or type for decimals on Spark. Raises UnsupportedError."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    try:
        if not plan.HasField("root"):
            plan = type(plan)(root=plan.command.write_operation.input)
        told = client.explain_string(plan, "extended")
    except (PySparkException, DecodeError):  # the action itself will say it; a plan of great depth cannot be sent twice
        return
    written, _, left = told.partition("== Analyzed Logical Plan ==")[2].partition("== Optimized Logical Plan ==")
    if any(_is_decimal(_first_call(written[found.end() :])) for found in _DIVISORS.finditer(written)):
        raise engine.otherwise("The division of decimals", "with fewer digits, which are cut and not rounded")
    for place, odd, what, why in _ODD:
        if odd.search((written, left)[place]):
            raise engine.otherwise(what, why)
    items = _TYPE.sub("", left).replace("Projection: ", ", ").split(", ")
    for number, scale in _LONGEST.findall(written):
        signs = r" [-+*] " if int(scale) > _KEPT else r" \* "
        made = (one for one in items if "CASE " not in one and re.search(rf" AS #{number}\b", one))
        if any(re.search(signs, one) for one in made):
            what = "A product or a sum of decimals of more than 38 digits"
            raise engine.otherwise(what, "with more of them behind the point")


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
