"""Conditions: whether a measured number meets one, and the column that says of each row whether its value does."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.dqdl.rule_types import kind_of, last_runs
from lakelet.etl.dqdl.ruleset import (
    Arithmetic,
    Call,
    Condition,
    Duration,
    Keyword,
    Now,
    Number,
    Operand,
    Size,
    Text,
    as_date,
    as_number,
)
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip
_REDUCTIONS: dict[str, Callable[[list[float]], float]] = {
    "avg": statistics.fmean, "median": statistics.median, "max": max, "min": min, "sum": sum, "std": statistics.pstdev,
}  # fmt: skip
_NUMBERS = T.NumericType
WHITESPACE = r"^\s+$"
_WHOLE = 2.0**53  # up to here doubles tell whole numbers apart


class UndefinedError(Exception):
    """A rule cannot be judged, for its condition has no value: ``index(last(5), 3)`` when there was one run."""


# -- of measured numbers ------------------------------------------------------------------------------------------


def resolved(condition: Condition, past: Callable[[], Sequence[float]]) -> tuple[Condition, list[float]]:
    """A condition on a number without its functions, and its numbers. ``past`` gives earlier values, the latest first.

    Raises UndefinedError.
    """
    numbers = [float(_number(one, past)) for one in condition.operands]
    if not any(isinstance(one, Call | Arithmetic) for one in condition.operands):
        return condition, numbers
    told = tuple(Number(one, repr(one)) for one in numbers)
    return Condition(condition.operator, told, condition.negated), numbers


def meets(condition: Condition, value: float, numbers: Sequence[float]) -> bool:
    """Whether a number meets a condition with these numbers; ``between`` is without its ends, as AWS documents."""
    if condition.operator == "between":
        met = numbers[0] < value < numbers[1]
    elif condition.operator == "in":
        met = value in numbers
    else:
        met = bool(_COMPARISONS[condition.operator](value, numbers[0]))
    return met is not condition.negated


def plain_numbers(condition: Condition) -> list[float]:
    """The numbers of a condition that has no functions: a number, a duration in seconds, a size in bytes."""
    made = []
    for one in condition.operands:
        number = one.value if isinstance(one, Size) else as_number(one)
        made.append(one.value.total_seconds() if isinstance(one, Duration) else float(number or 0))
    return made


def _number(operand: Operand, past: Callable[[], Sequence[float]]) -> float:
    if isinstance(operand, Arithmetic):
        left, right = _number(operand.left, past), _number(operand.right, past)
        if operand.operator == "/" and right == 0:
            raise UndefinedError(f"{operand} divides by zero.")
        return _ARITHMETIC[operand.operator](left, right)
    if isinstance(operand, Call):
        return _called(operand, past)
    number = as_number(operand)
    assert number is not None  # noqa: S101 - rule_types has checked it
    return number


def _called(call: Call, past: Callable[[], Sequence[float]]) -> float:
    if call.name == "index":
        last, position = call.arguments
        values, at = _last(last, past), int(as_number(position) or 0)
        if at >= len(values):
            raise UndefinedError(f"{call} has no value: only {len(values)} past runs are known.")
        return values[at]
    if call.name == "last":
        return _last(call, past)[0]
    argument = call.arguments[0]
    many = (
        _last(argument, past) if isinstance(argument, Call) and argument.name == "last" else [_number(argument, past)]
    )
    if call.name in _REDUCTIONS:
        return float(_REDUCTIONS[call.name](many))
    return abs(many[0]) if call.name == "abs" else many[0]


def _last(operand: Operand, past: Callable[[], Sequence[float]]) -> list[float]:
    assert isinstance(operand, Call)  # noqa: S101 - rule_types has checked it
    return list(past()[: last_runs(operand)]) or [0.0]  # AWS's default when there was no run


# -- of rows ------------------------------------------------------------------------------------------------------


def number_column(condition: Condition, value: Column, numbers: Sequence[float]) -> Column:
    """Whether each row's number meets a condition; null where the number is null."""
    met: Any
    given: list[Any] = [int(one) if abs(one) < _WHOLE and one == int(one) else one for one in numbers]
    if condition.operator == "between":
        met = (value > given[0]) & (value < given[1])
    elif condition.operator == "in":
        met = value.isin(given)
    else:
        met = _COMPARISONS[condition.operator](value, given[0])
    return ~met if condition.negated else met  # type: ignore[no-any-return]


def values_column(condition: Condition, column: Column, kind: T.DataType) -> Column:
    """Whether each row's value meets a condition of ColumnValues: true or false.

    A null fails, but for ``!=``, ``not in`` and NULL itself (AWS: "ColumnValues", null behavior).
    """
    keywords = [one.name for one in condition.operands if isinstance(one, Keyword)]
    values = tuple(one for one in condition.operands if not isinstance(one, Keyword))
    positive = Condition(condition.operator, values)
    met = F.coalesce(_compared(positive, column, kind), F.lit(False)) if values else F.lit(False)
    for name in keywords:
        met = met | F.coalesce(_is_keyword(name, column), F.lit(False))
    if not condition.negated:
        return met
    if condition.operator in ("=", "in"):
        return ~met
    return column.isNotNull() & ~met


def _is_keyword(name: str, column: Column) -> Column:
    if name == "NULL":
        return column.isNull()
    text = column.cast("string")
    return text == "" if name == "EMPTY" else text.rlike(WHITESPACE)


def _compared(condition: Condition, column: Column, kind: T.DataType) -> Column:
    compares = kind_of(condition)
    if compares == "date":
        return _dates(condition, column, kind)
    numbers = [as_number(one) for one in condition.operands]
    if condition.operator == "matches":
        (operand,) = condition.operands
        assert isinstance(operand, Text)  # noqa: S101 - rule_types has checked it
        return column.cast("string").rlike(f"^(?:{operand.value})$")  # what Sail has no words for it refuses by name
    if compares == "number" or (isinstance(kind, _NUMBERS) and None not in numbers):
        value = column if isinstance(kind, _NUMBERS) else column.cast("string").try_cast("double")
        return number_column(condition, value, [one for one in numbers if one is not None])
    return column.cast("string").isin([str(getattr(one, "value", one)) for one in condition.operands])


def _dates(condition: Condition, column: Column, kind: T.DataType) -> Column:
    """Days are compared with days; ``now()`` and what is counted from it with moments, where the column has them."""
    is_moment = any(isinstance(one, Now) for one in condition.operands) and not isinstance(kind, T.DateType)
    wanted = "timestamp" if is_moment else "date"
    moment = column.try_cast("timestamp") if isinstance(kind, T.StringType) else column
    value = moment if is_moment else moment.cast("date")
    given = [F.lit(_moment(one, is_moment)).cast(wanted) for one in condition.operands]
    if condition.operator == "between":
        return (value > given[0]) & (value < given[1])
    if condition.operator == "in":
        return value.isin(given)
    met: Column = _COMPARISONS[condition.operator](value, given[0])
    return met


def _moment(operand: Operand, is_moment: bool) -> str:
    if isinstance(operand, Now):
        then = datetime.now(UTC) + operand.offset
        return then.strftime("%Y-%m-%d %H:%M:%S") if is_moment else then.date().isoformat()
    day = as_date(operand)
    if day is None:
        raise UsageError(f'{operand} is no date: write it as in "2022-06-30".')
    return f"{day} 00:00:00" if is_moment else date.isoformat(day)
