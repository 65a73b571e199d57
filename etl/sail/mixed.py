"""Values of several types side by side on Sail: a text or a double compared with a number of the script, and the first
of several that is there (:mod:`lakelet.etl.sail.rules`). It is held against Spark by
tests/stack/test_engines_compared.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from lakelet.etl.sail import casts
from lakelet.etl.sail.notations import Notation
from lakelet.etl.sail.values import floating, matches, of_decimals, of_kind, refusal

# Functions whose value is a text, and one that is read as a number often.
TEXTS = frozenset(
    (
        "element_at", "get", "get_json_object", "left", "ltrim", "regexp_extract", "regexp_replace", "replace", "right",
        "rtrim", "split_part", "substr", "substring", "trim",
    )
)  # fmt: skip
_INT = 2**31
_LONG = 1000  # letters of a value that is not named more than once
_WHOLE = r"tinyint|smallint|int|bigint|decimal[(]\d+,\d+[)]"
_DECIMAL = re.compile(r"-?(?:\d+\.\d*|\.\d+)")
_LITERAL = re.compile(r"null|true|false|'.*'|-?\d[\d.]*\w*", re.IGNORECASE | re.DOTALL)


def beside_number(e: Notation, v: Any, number: float | Decimal, said: Callable[..., Any]) -> Any:
    """A comparison, which ``said`` makes of a value and a number, or the one in the script if none is given: a text is
    the number that is meant, and null if there is none; a double beside a decimal is compared with a double. Truth is
    one of those numbers.
    """
    text = of_kind(e, v, "string")
    if isinstance(number, bool):
        truth = e.cast(v, "boolean")
        refused = refusal(e, "A number compared with true or false", "it is 1 or 0 there")
        own = (of_kind(e, v, "boolean"), said(truth))
        return e.case(own, (text, said(casts.to_boolean(e, v, "CAST", "boolean"))), otherwise=refused)
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
            (False, e.call("get", e.call("array", v, number), 0)),  # for the type of all
            (e.call("not", of_kind(e, v, "string")), call),
            (e.call("isnotnull", v), v),
            otherwise=e.call("get", e.call("array", number, v), 0),
        )
    several = constants.count(None) > 1 and all(len(str(one)) < _LONG for one in values)
    return _of_texts(e, call, values) if several else call


def unlike(e: Notation, values: Sequence[Any]) -> tuple[Any, Any]:
    """A branch for the values of coalesces in one another, as one of all, where an inner one would make another value
    of a number or a time before it is a text, or another number before it is a double.
    """
    told = (e.call("typeof", one) for one in values)
    kinds = e.call("array", *(e.call("regexp_replace", one, "^(tiny|small|)int$", "bigint") for one in told))
    several = e.infix(e.call("size", e.call("array_except", kinds, e.call("array", "string", "void"))), ">", 1)
    among = e.call("arrays_overlap", kinds, e.call("array", "string", "float"))
    refused = refusal(e, "A coalesce of coalesces of such values", "each is of its own type; cast the values first")
    return e.infix(several, "and", among), refused


def _of_texts(e: Notation, call: Any, values: Sequence[Any]) -> Any:
    """The first of some values that is there: a text, if there are texts among whole numbers and decimals."""
    kinds = e.call("concat_ws", " ", *(e.call("typeof", one) for one in values))
    texts = e.case(
        (False, e.call("get", e.call("array", *values), 0)),  # for the type of all
        *((e.call("isnotnull", one), one) for one in values),
        otherwise=None,
    )
    return e.case(
        (matches(e, kinds, rf"(^| )(string( .*)? ({_WHOLE})|({_WHOLE})( .*)? string)( |$)"), texts), otherwise=call
    )


def _text(e: Notation, v: Any) -> Any:
    refused = refusal(e, "A boolean beside a text", "it is a text")
    return e.case((of_kind(e, v, "boolean"), refused), otherwise=casts.to_text(e, v, "CAST", "string"))


def no_decimal(e: Notation, v: Any) -> Any:
    """What stands beside a double of the script, and is no decimal."""
    refused = refusal(e, "A decimal beside a double in coalesce or a CASE", "it stays a decimal; cast it to double")
    return e.case((of_decimals(e, v), refused), otherwise=v)


def _no_whole(e: Notation, v: Any) -> Any:
    """What stands beside a literal with a point, 0.0, in SQL: of a whole number both are decimals on Spark."""
    whole = matches(e, e.call("typeof", v), "^(big|small|tiny|)int$")  # a question mark is a parameter's
    return e.case((whole, refusal(e, "A whole number beside 0.0 in SQL", "it stays one; say 0, or 0D")), otherwise=v)


def with_whole(values: list[str], bound: Callable[[str, casts.Rule], str]) -> list[str]:
    """SQL of values that are to be of one type, of which literals without a fraction (0.0) are made whole numbers:
    beside a double they are doubles then, as on Spark, and beside a decimal they take no more digits. A whole number
    beside one is refused, by a rule that ``bound`` has a value by.
    """
    literals = [bool(_LITERAL.fullmatch(one.strip())) for one in values]
    decimals = [one for one in values if _DECIMAL.fullmatch(one.strip())]
    if not decimals or all(literals) or any(float(one) % 1 for one in decimals):
        return values
    told = zip(values, literals, strict=True)
    return [_as_whole(one) if one in decimals else one if plain else bound(one, _no_whole) for one, plain in told]


def _as_whole(decimal: str) -> str:
    """The number as SQL, of the type with the fewest digits."""
    number = int(float(decimal))
    kinds = (kind for kind, most in (("TINYINT", 99), ("SMALLINT", 9999), ("INT", 999_999_999)) if abs(number) <= most)
    return f"CAST({number} AS {next(kinds, 'BIGINT')})"
