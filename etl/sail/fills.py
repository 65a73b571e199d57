"""``fillna`` and ``dropna`` on Sail. A value of another type than its column's is cast to that, as on Spark, where Sail
leaves the nulls; an empty list of columns is of none, where Sail takes all; and of rows that may have no value at all
each is kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

_FRACTIONS = T.DoubleType | T.FloatType
_TIMES = T.DateType | T.TimestampType | T.TimestampNTZType
_BITS: Mapping[type[T.DataType], int] = {T.ByteType: 8, T.ShortType: 16, T.IntegerType: 32, T.LongType: 64}
_SMALL = 1 << 7  # what every whole number's type holds
_WHOLE, _FRACTION = re.compile(r"[+-]?\d{1,18}"), re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?")
_WORDS = ("true", "false")
Value = bool | int | float | str


def install(workspace: Workspace) -> None:
    """Stand before ``fillna`` and ``dropna``, which ``na.fill`` and ``na.drop`` call."""
    from pyspark.sql.connect.dataframe import DataFrame

    original, drop = DataFrame.fillna, DataFrame.dropna

    def fillna(self: Any, value: Any, subset: Any = None) -> Any:
        if isinstance(subset, list | tuple) and not subset and isinstance(value, Value):
            return self
        given = _given(self, value, subset)
        if given is None:
            return original(self, value, subset)
        fields = _fields(self, list(given))
        odd = {
            fields[name].name: _filled(fields[name], one)
            for name, one in given.items()
            if _is_odd(one, fields[name].dataType, by_name=isinstance(value, dict))
        }
        if not odd:
            return original(self, value, subset)
        made = self.withColumns(odd)
        rest = {name: one for name, one in given.items() if fields[name].name not in odd}
        if not rest:
            return made
        return original(made, rest) if isinstance(value, dict) else original(made, value, list(rest))

    def dropna(self: Any, how: str = "any", thresh: int | None = None, subset: Any = None) -> Any:
        made = drop(self, how, thresh, subset)
        return self if thresh is not None and thresh < 1 else made

    engine.replace(DataFrame, "fillna", fillna)
    engine.replace(DataFrame, "dropna", dropna)


def _given(rows: Any, value: Any, subset: Any) -> dict[str, Any] | None:
    """The values by the names of columns; None for what Sail fills as Spark does, or pyspark does not take."""
    if isinstance(value, dict):
        return value if value and all(isinstance(one, str) for one in value) else None
    if not isinstance(value, Value):
        return None
    if subset is None:
        return None if isinstance(value, str) or abs(value) < _SMALL else dict.fromkeys(rows.columns, value)
    names = [subset] if isinstance(subset, str) else subset
    return dict.fromkeys(names, value) if all(isinstance(one, str) for one in names) else None


def _fields(rows: Any, names: Sequence[str]) -> dict[str, T.StructField]:
    """The columns of those names, in any case. Raises AnalysisException for what is not there."""
    own: dict[str, list[T.StructField]] = {}
    for field in rows.schema.fields:
        own.setdefault(field.name.lower(), []).append(field)
    found = {}
    for name in names:
        fields = own.get(name.lower(), [])
        if len(fields) > 1 or "." in name or "`" in name:
            raise engine.refused(f"fillna of the column {name}, whose name stands twice or has a point in it,")
        if not fields:
            from pyspark.errors import AnalysisException

            raise AnalysisException(f"[UNRESOLVED_COLUMN.WITH_SUGGESTION] fillna: there is no column `{name}`.")
        found[name] = fields[0]
    return found


def _is_odd(value: Value, kind: T.DataType, *, by_name: bool) -> bool:
    """Whether Sail would leave the nulls of a column where Spark casts a value: to any type that a dict has it for,
    else from one number to another."""
    if isinstance(value, bool):
        return by_name and not isinstance(kind, T.BooleanType)
    if isinstance(value, str):
        return by_name and not isinstance(kind, T.StringType)
    if isinstance(kind, T.NumericType):
        held = isinstance(kind, _FRACTIONS | T.DecimalType) or (math.isfinite(value) and _fits(int(value), kind))
        return not held
    return by_name


def _fits(value: int, kind: T.DataType) -> bool:
    half = 1 << (_BITS.get(type(kind), 64) - 1)
    return -half <= value < half


def _filled(field: T.StructField, value: Value) -> Any:
    """A column with a value of another type for its nulls, and for NaN."""
    column, kind = F.col(quoted(field.name)), field.dataType
    if isinstance(kind, _FRACTIONS):
        column = F.nanvl(column, F.lit(None).cast(kind))
    made = _made(value, kind)
    if made is None:
        raise engine.refused(f"fillna of the {kind.simpleString()} {field.name} with {value!r}")
    return F.coalesce(column, F.lit(made).cast(kind))


def _made(value: Value, kind: T.DataType) -> Any:
    """A value as Sail casts it right to a type; None for one that it may not."""
    if isinstance(value, str):
        if isinstance(kind, T.NumericType):
            return _number(value, kind)
        allowed = isinstance(kind, _TIMES) or (isinstance(kind, T.BooleanType) and value.lower() in _WORDS)
        return value if allowed else None
    if isinstance(kind, T.StringType):
        return str(value).lower() if isinstance(value, bool) else value
    if isinstance(kind, T.NumericType):  # of a boolean, or of what the type does not hold
        return int(value) if isinstance(value, bool) else None if math.isfinite(value) else _of_none(value, kind)
    if isinstance(kind, T.TimestampType):
        return None if isinstance(value, bool) or not math.isfinite(value) else value
    return value if isinstance(kind, T.BooleanType) else None


def _number(text: str, kind: T.DataType) -> int | float | Decimal | None:
    if isinstance(kind, _FRACTIONS):
        return float(text) if _FRACTION.fullmatch(text) else None
    if isinstance(kind, T.DecimalType):
        return Decimal(text) if _FRACTION.fullmatch(text) else None
    return int(text) if _WHOLE.fullmatch(text) and _fits(int(text), kind) else None


def _of_none(value: float, kind: T.DataType) -> int | None:
    """What Java makes of NaN and of infinity in a whole number."""
    if not isinstance(kind, T.IntegerType | T.LongType):
        return None
    half = 1 << (_BITS[type(kind)] - 1)
    return 0 if math.isnan(value) else half - 1 if value > 0 else -half
