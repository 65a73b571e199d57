"""What a rule is made into before data is read: what it measures, how it is judged, and how each row is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException, UnsupportedOperationException
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.dqdl.conditions import UndefinedError, meets, resolved
from lakelet.etl.dqdl.measures import Measures, Run, Values
from lakelet.etl.dqdl.ruleset import Condition, Rule
from lakelet.etl.frame import field_of
from lakelet.etl.sail import engine
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

NUMERIC = "ByteType, DecimalType, DoubleType, FloatType, IntegerType, LongType, ShortType"
Past = Callable[[str], Sequence[float]]
Attach = Callable[["DataFrame"], "DataFrame"]


@dataclass(frozen=True)
class Verdict:
    """How a rule ended: ``metrics`` are AWS's, ``evaluated`` the rule with the numbers that its functions gave."""

    passed: bool
    reason: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    evaluated: str = ""


@dataclass(frozen=True)
class Rows:
    """How each row is judged: a column of true and false, what adds to the rows that which it stands on, and the rows
    that the rule is about (None: all).
    """

    passes: Column
    attach: Attach | None = None
    where: Column | None = None

    @property
    def passes_or_left_out(self) -> Column:
        """True for the rows that the rule is not about, too."""
        return self.passes if self.where is None else self.passes | ~self.where


@dataclass(frozen=True)
class Plan:
    """A rule, ready to be judged by what was measured; ``rows`` is None for a rule about the whole dataset."""

    rule: Rule
    judge: Callable[[Values, Past], Verdict]
    rows: Rows | None = None


@dataclass
class Data:
    """What rules are about: the primary dataset and the others by alias, and what is to be measured of the first."""

    rows: DataFrame
    others: Mapping[str, DataFrame]
    run: Run
    workspace: Workspace
    measures: Measures = field(default_factory=Measures)
    attachments: list[Attach] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.types = {one.name.lower(): one for one in self.rows.schema.fields}
        self._filters: dict[str, Column] = {}
        self._flags = 0

    def kind(self, name: str) -> T.DataType | None:
        """The type of a column, or None."""
        found = self.types.get(name.lower())
        return found.dataType if found else None

    def column(self, name: str) -> Column:
        """A column of the primary dataset."""
        return field_of(self.types[name.lower()].name)  # type: ignore[no-any-return]

    def flag(self) -> str:
        """A new name for a column of our own."""
        self._flags += 1
        return f"lakelet_dq_{self._flags}"

    def where(self, rule: Rule) -> Column | None:
        """The rows that a rule is about; None for all. Raises UsageError for what is no condition of Spark SQL."""
        if rule.where is None:
            return None
        if rule.where not in self._filters:
            try:
                (field,) = self.rows.select(F.expr(rule.where)).schema.fields
            except (PySparkException, ValueError) as error:
                if sail_lacks(error):
                    raise
                told = first_line(error)
                raise UsageError(f"Rule {rule} has provided an invalid where clause: {told}") from None
            if not isinstance(field.dataType, T.BooleanType):
                kind = field.dataType.simpleString()
                raise UsageError(f"Rule {rule} has provided an invalid where clause: it is {kind}, no condition.")
            self._filters[rule.where] = F.coalesce(F.expr(rule.where), F.lit(False))
        return self._filters[rule.where]

    def count(self, rule: Rule) -> str:
        """Measure: the rows that a rule is about."""
        where = self.where(rule)
        every = F.count(F.lit(1)) if where is None else F.count_if(where)
        return self.measures.add(f"rows where {rule.where}", every)

    def count_if(self, rule: Rule, what: str, condition: Column) -> str:
        """Measure: those of them for which a condition is true."""
        where = self.where(rule)
        column = condition if where is None else where & condition
        return self.measures.add(f"{what} where {rule.where}", F.count_if(column))

    def aggregate(self, rule: Rule, what: str, function: Callable[..., Column], *columns: Column) -> str:
        """Measure: an aggregate of columns over them."""
        where = self.where(rule)
        given = columns if where is None else [F.when(where, column) for column in columns]
        return self.measures.add(f"{what} where {rule.where}", function(*given))


# -- judging ------------------------------------------------------------------------------------------------------


def failed(rule: Rule, reason: str) -> Plan:
    """A rule that fails whatever the data is, and of which no row can be told."""
    return Plan(rule, lambda values, past: Verdict(False, reason, evaluated=str(rule)))


def missing(data: Data, rule: Rule, columns: Sequence[str]) -> Plan | None:
    """The plan of a rule about columns that are not there, or hold structs or lists; None when all is well."""
    for name in columns:
        kind = data.kind(name)
        if kind is None:
            return failed(rule, f"Input data does not include column {name}!")
        if isinstance(kind, T.StructType | T.ArrayType | T.MapType):
            return failed(rule, f"Column {name} is nested ({kind.simpleString()}): rules take plain columns only.")
    return None


def not_numeric(data: Data, rule: Rule, columns: Sequence[str]) -> Plan | None:
    """The same for columns that have to hold numbers."""
    if absent := missing(data, rule, columns):
        return absent
    for name in columns:
        kind = data.kind(name)
        if not isinstance(kind, T.NumericType):
            return failed(rule, wrong_type(name, NUMERIC, kind))
    return None


def wrong_type(column: str, wanted: str, kind: T.DataType | None) -> str:
    """AWS's words for a column of another type."""
    return f"Expected type of column {column} to be one of ({wanted}), but found {type(kind).__name__} instead!"


def every(conditions: Iterable[Column]) -> Column:
    """True where all of them are."""
    return reduce(lambda one, other: one & other, conditions, F.lit(True))


def first_line(error: Exception) -> str:
    """What an engine says of a statement, without its plan."""
    return str(error).strip().splitlines()[0]


def sail_lacks(error: Exception) -> bool:
    """Whether Sail says so of what Spark may have: the job is then Spark's, and no rule fails for it."""
    lacking = isinstance(error, UnsupportedOperationException) or "TABLE_OR_VIEW_NOT_FOUND" in str(error)
    return engine.active() and lacking


def unmet(value: object) -> str:
    """AWS's words for a measure that a condition does not allow."""
    return f"Value: {value} does not meet the constraint requirement!"


def compliance(share: float) -> str:
    """AWS's words for too few rows."""
    return f"{share * 100:.2f} % of rows passed the threshold"


def statistic(metric: str, rule: Rule) -> str:
    """The name that a metric is kept by for later runs: rules of one metric may be about different rows."""
    return metric if rule.where is None else f"{metric} where {rule.where}"


def judged(
    rule: Rule, metric: str, value: float | None, past: Past, *, condition: Condition | None = None,
    metrics: Mapping[str, float] | None = None, words: Callable[[float], str] = unmet,
) -> Verdict:  # fmt: skip
    """The verdict on a number: of the rule's condition, unless another is given. ``value`` is None when nothing
    was there to be measured, which fails.
    """
    condition = condition or rule.condition
    assert condition is not None  # noqa: S101 - rule_types has checked it
    if value is None:
        return Verdict(False, f"Empty state for {rule.type}: all input values were NULL.", evaluated=str(rule))
    found = {metric: float(value), **(metrics or {})}
    try:
        told, numbers = resolved(condition, lambda: past(statistic(metric, rule)))
    except UndefinedError as error:
        return Verdict(False, str(error), found, str(rule))
    evaluated = str(rule).replace(str(condition), str(told), 1)
    passed = meets(condition, float(value), numbers)
    return Verdict(passed, None if passed else words(value), found, evaluated)


def of_rows(
    data: Data, rule: Rule, what: str, metric: str, passes: Column, words: Callable[[float], str] = compliance
) -> Plan:
    """The plan of a rule that every row passes or fails: so does the rule, by all rows or by its threshold."""
    total, complying = data.count(rule), data.count_if(rule, f"{rule.type} of {what}", passes)

    def judge(values: Values, past: Past) -> Verdict:
        share = values[complying] / values[total] if values[total] else 1.0
        if rule.threshold is not None:
            return judged(rule, metric, share, past, condition=rule.threshold, words=words)
        passed = values[complying] == values[total]
        return Verdict(passed, None if passed else words(share), {metric: share}, str(rule))

    return Plan(rule, judge, Rows(passes))
