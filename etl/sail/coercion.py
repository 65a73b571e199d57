"""The types that Spark makes of operands that have several (its rules of type coercion, with
``spark.sql.ansi.enabled=false``), where Sail fails: texts, dates and truth beside others.

Types are told as SQL tells them; an empty one is not known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lakelet.etl.sail import casts
from lakelet.etl.sail.notations import Notation
from lakelet.etl.sail.texts import COMPARISONS

OPERATORS = ("+", "-", "*", "/", "%")
# Functions of numbers, for which a text is a double.
NUMERIC = frozenset(
    (
        "abs", "acos", "acosh", "asin", "atan", "atan2", "atanh", "bround", "cbrt", "ceil", "ceiling", "corr", "cos",
        "cosh", "covar_pop", "covar_samp", "degrees", "exp", "expm1", "floor", "kurtosis", "ln", "log", "log10",
        "log1p", "log2", "negative", "pow", "power", "radians", "round", "sign", "signum", "sin", "sinh", "skewness",
        "sqrt", "std", "stddev", "stddev_pop", "stddev_samp", "sum", "tan", "tanh", "var_pop", "var_samp", "variance",
    )
)  # fmt: skip
OF_ONE_TYPE = frozenset(("array", "case", "coalesce", "ifnull", "in", "nvl"))
_EQUAL = ("=", "==", "<=>", "<>", "!=")  # in which truth may stand beside numbers
_LIKEWISE = frozenset(("greatest", "least"))  # which take no texts beside others
_NUMBER = re.compile(r"(?:tiny|small|big)?int|float|double|decimal.*")
_ATOMIC = re.compile(rf"{_NUMBER.pattern}|string|date|timestamp")
_TIMES = {"date", "timestamp"}


def targets(name: str, kinds: Sequence[str]) -> list[str | None]:
    """The type that each argument of a function is cast to; None, if it stays as it is."""
    found = set(kinds) - {"void"}
    if found == _TIMES and (name in COMPARISONS | OF_ONE_TYPE | _LIKEWISE or name == "-"):
        return ["timestamp" if one == "date" else None for one in kinds]
    if name in NUMERIC or name in OPERATORS:
        numbers = all(one in ("", "string") or _NUMBER.fullmatch(one) for one in found)
        return ["double" if numbers and one == "string" else None for one in kinds]
    if name in OF_ONE_TYPE and "string" in found and all(map(_ATOMIC.fullmatch, found)):
        return [None if one in ("string", "void") else "string" for one in kinds]
    if name in COMPARISONS and len(kinds) == 2:
        return _compared(*kinds) if "boolean" not in found or name in _EQUAL or "string" in found else [None, None]
    return [None] * len(kinds)


def _compared(one: str, other: str) -> list[str | None]:
    """The types of a comparison: beside a text that of the other one, beside truth that of a number."""
    if not (one == "string" or other == "boolean"):
        return _compared(other, one)[::-1] if other == "string" or one == "boolean" else [None, None]
    weak, strong = ("string", other) if one == "string" else ("boolean", one)
    decimal = strong.startswith("decimal")
    if weak == "string" and decimal:
        return ["double", "double"]
    comparable = _NUMBER.fullmatch(strong) or (weak == "string" and strong in ("boolean", *_TIMES))
    if not comparable:
        return [None, None]
    return [strong, None] if one == weak else [None, strong]


def as_target(e: Notation, v: Any, target: str) -> Any:
    """A value of another type, as Spark has it; null, if it is none of that type."""
    if target.endswith("int"):
        return casts.whole_of_text(e, v, target)  # truth is 1 or 0
    rule = casts.rule(target, "TRY_CAST")
    return rule(e, v) if rule else e.cast(v, target, "TRY_CAST")
