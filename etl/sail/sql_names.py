"""What in a SQL text gets another name on Sail than on Spark, where it has no alias."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any

from lakelet.etl.sail.rules import GENERATORS
from lakelet.etl.sail.statements import bare

_ODD = re.compile(  # what may be in a text that is named otherwise
    r"\b(?:in|is|not|like|ilike|between|case|if|over|filter|interval|extract|cast|try_cast|div)\b|[(].*[(,]|[-~:]|[|][|]|->|<>|!=|<=>|<<|>>",
    re.IGNORECASE | re.DOTALL,
)
_RETOLD = re.compile(r"[(][^()]*''|\bcase\b", re.IGNORECASE)  # texts in calls, whose quotes Spark leaves out; CASE
_GENERATES = re.compile(rf"\s*(?:{'|'.join(GENERATORS)})\b", re.IGNORECASE)


def is_otherwise(text: str, qualifiers: Set[str]) -> bool:
    """Whether Sail would name an expression otherwise, that is no alias; ``qualifiers`` as in :func:`is_unknown`."""
    code = bare(text)
    retold = bool(_RETOLD.search(code))
    if not (retold or _ODD.search(code)) or _GENERATES.match(code):
        return False
    import sqlglot

    try:
        item = sqlglot.parse_one(text, dialect="spark")
    except sqlglot.errors.SqlglotError:  # Sail's parser says what is wrong
        return False
    except RecursionError:
        return True
    named = isinstance(item, sqlglot.exp.Alias | sqlglot.exp.Aliases)
    return not named and (retold or "||" in code or is_unknown(item, qualifiers))


# What an item of a SELECT without an alias has another name for, as sqlglot calls it.
_OTHERWISE = frozenset(
    (
        "Alias", "ArrayAgg", "ArraySort", "Between", "BitwiseLeftShift", "BitwiseRightShift", "Cast", "Exists",
        "Extract", "Filter", "In", "IntDiv", "Interval", "Is", "Lambda", "Like", "MonthsBetween", "NEQ", "Neg",
        "NullSafeEQ", "NullSafeNEQ", "Overlay", "Pad", "PercentileCont", "PercentileDisc", "PropertyEQ", "Quantile",
        "Replace", "SortArray", "StrPosition", "StrToMap", "StrToUnix", "Subquery", "TimeToUnix", "ToChar",
        "TryCast", "UnixToStr", "UnixToTime", "Window", "WithinGroup",
    )
)  # fmt: skip
_OTHER_CALLS = frozenset(
    ("array_sort", "binary", "datepart", "percentile", "mask", "replace", "sort_array", "to_varchar")
)


def is_unknown(item: Any, qualifiers: Set[str]) -> bool:
    """Whether an item of a SELECT (sqlglot's) gets another name on Sail: a column that is cast has its own on both.
    ``qualifiers`` are the names of data frames and views, in lower case."""
    from sqlglot import exp

    if item.is_star or isinstance(item, exp.Alias):
        return False
    tables = {one.alias_or_name.lower() for one in item.root().find_all(exp.Table, exp.Subquery)} | qualifiers
    if isinstance(item, exp.Cast) and isinstance(item.this, exp.Column):
        return _is_field(item.this, tables)  # which is named in full, unlike a column of a table
    return any(_is_otherwise(part) or (part is not item and _is_field(part, tables)) for part in item.walk())


def _is_field(part: Any, tables: Set[str]) -> bool:
    """Whether this (sqlglot's) is a field of a struct, of which Sail tells the last name alone."""
    from sqlglot import exp

    return isinstance(part, exp.Column) and bool(part.table) and part.parts[-2].name.lower() not in tables


def _is_otherwise(part: Any) -> bool:
    from sqlglot import exp

    if isinstance(part, exp.If):
        return not isinstance(part.parent, exp.Case)  # whose branches they are too
    if isinstance(part, exp.RegexpSplit):
        return part.args.get("limit") is None
    if isinstance(part, exp.Anonymous):
        return part.name.lower() in _OTHER_CALLS
    return type(part).__name__ in _OTHERWISE
