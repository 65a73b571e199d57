"""Values of several types side by side on Sail: a text or a double compared with a number of the script, and the first
of several that is there (:mod:`etl.sail.rules`). It is held against Spark by tests/stack/test_engines_compared.py.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from etl.sail import casts
from etl.sail.notations import Notation
from etl.sail.values import floating, of_decimals, of_kind, refusal

COMPARISONS = frozenset(("=", "==", "<", ">", "<=", ">=", "<>", "!=", "<=>"))
# Functions whose value is a text, and one that is read as a number often.
TEXTS = frozenset(
    (
        "element_at", "get", "get_json_object", "left", "ltrim", "regexp_extract", "regexp_replace", "replace", "right",
        "rtrim", "split_part", "substr", "substring", "trim",
    )
)  # fmt: skip
_INT = 2**31


def beside_number(e: Notation, v: Any, number: float | Decimal, said: Callable[..., Any]) -> Any:
    """A comparison, which ``said`` makes of a value and a number, or the one in the script if none is given: a text is
    the number that is meant, and null if there is none; a double beside a decimal is compared with a double.
    """
    text = of_kind(e, v, "string")
    if isinstance(number, int):
        small = -_INT <= number < _INT
        whole = e.cast(v, "int") if small else casts.whole_of_text(e, v, "bigint")  # of a text Sail's own cast is right
        return e.case((text, said(whole)), otherwise=said(v))
    double = (text, said(casts.double_of_text(e, v, "double"), float(number)))
    if isinstance(number, float):
        return e.case(double, otherwise=said(v))
    return e.case(double, (floating(e, v), said(e.cast(v, "double"), float(number))), otherwise=said(v))


def first_there_is(e: Notation, call: Any, v: Any, *rest: Any) -> Any:
    """Beside a text of the script all are texts; a text beside a number stays one."""
    values = (v, *rest)
    constants = [e.constant(one) for one in values]
    if any(isinstance(one, str) for one in constants):
        told = [one if isinstance(said, str) else _text(e, one) for one, said in zip(values, constants, strict=True)]
        return e.call("coalesce", *told)
    if any(isinstance(one, float) for one in constants):
        values = tuple(no_decimal(e, one) if said is None else one for one, said in zip(values, constants, strict=True))
        call = e.call("coalesce", *values)
    if len(rest) == 1 and type(constants[1]) in (int, float):
        number = rest[0]
        return e.case(
            (False, e.call("element_at", e.call("array", v, number), 1)),  # for the type of all
            (e.call("not", of_kind(e, v, "string")), call),
            (e.call("isnotnull", v), v),
            otherwise=e.call("element_at", e.call("array", number, v), 1),
        )
    return call


def _text(e: Notation, v: Any) -> Any:
    refused = refusal(e, "A boolean beside a text", "it is a text")
    return e.case((of_kind(e, v, "boolean"), refused), otherwise=casts.to_text(e, v, "CAST", "string"))


def no_decimal(e: Notation, v: Any) -> Any:
    """What stands beside a double of the script, and is no decimal."""
    refused = refusal(e, "A decimal beside a double in coalesce or a CASE", "it stays a decimal; cast it to double")
    return e.case((of_decimals(e, v), refused), otherwise=v)
