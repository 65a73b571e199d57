"""SplitRows: the records that satisfy comparisons, and the others (AWS Glue Developer Guide, "SplitRows class")."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import is_choice
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.paths import ELEMENT, column_at, locate
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip


def split_rows(
    frame: DynamicFrame, comparisons: Mapping[str, Mapping[str, Any]], *, name: str = ""
) -> tuple[DynamicFrame, DynamicFrame]:
    """``{"age": {">": 10, "<": 20}}``: the records for which all of it holds, and those for which it does not.

    A null satisfies no comparison, nor does a field that is not there. Raises UsageError for an unknown operator, a
    choice, or what is in an array.
    """
    rows = frame.settled().raw
    condition: Column = F.lit(True)
    for text, tests in comparisons.items():
        path, kind = locate(rows.schema, text) or ((), T.NullType())
        if is_choice(kind) or ELEMENT in path:
            raise UsageError(f"SplitRows cannot compare {text}, a choice or in an array: resolve it first.")
        value_there = column_at(path) if path else F.lit(None)
        for sign, value in tests.items():
            if sign not in _OPERATORS:
                raise UsageError(f"SplitRows compares with {sign!r}: use {' '.join(_OPERATORS)}.")
            condition = condition & _OPERATORS[sign](value_there, F.lit(value))
    holds = F.coalesce(condition, F.lit(False))
    return frame.derive(rows.where(holds), name=name), frame.derive(rows.where(~holds), name=name)
