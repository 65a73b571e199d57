"""Rules about the values of columns: Completeness, Uniqueness, ColumnValues, ColumnLength, Mean, DataFreshness, …

AWS Glue Developer Guide, "DQDL rule type reference"; names of metrics are those of its table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.dqdl.conditions import number_column, plain_numbers, values_column
from lakelet.etl.dqdl.measures import Frequencies, Values
from lakelet.etl.dqdl.plans import (
    NUMERIC,
    Data,
    Past,
    Plan,
    Rows,
    Verdict,
    every,
    failed,
    judged,
    missing,
    not_numeric,
    of_rows,
    unmet,
    wrong_type,
)
from lakelet.etl.dqdl.rule_types import kind_of
from lakelet.etl.dqdl.ruleset import Condition, Rule, Text
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_DATA_TYPES = {
    "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "timestamp", "INTEGER": "int", "DOUBLE": "double",
    "FLOAT": "float", "LONG": "bigint",
}  # fmt: skip
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_DATE_PARTS = {"dd", "MM", "yyyy"}


def completeness(data: Data, rule: Rule) -> Plan:
    """Completeness and IsComplete: the share of values that are there."""
    (name,) = rule.parameters
    if absent := missing(data, rule, [name]):
        return absent
    present = data.column(name).isNotNull()
    total, complete = data.count(rule), data.count_if(rule, f"values of {name}", present)
    condition = rule.condition or _ALL

    def judge(values: Values, past: Past) -> Verdict:
        share = values[complete] / values[total] if values[total] else None
        return judged(rule, f"Column.{name}.Completeness", share, past, condition=condition)

    return Plan(rule, judge, Rows(present))


def uniqueness(data: Data, rule: Rule) -> Plan:
    """Uniqueness, IsUnique and IsPrimaryKey: the share of rows whose values occur once, of those with any."""
    if absent := missing(data, rule, rule.parameters):
        return absent
    key = _frequencies(data, rule)
    is_key = rule.type == "IsPrimaryKey"
    complete = every(data.column(name).isNotNull() for name in rule.parameters)
    total, filled = data.count(rule), data.count_if(rule, f"rows with all of {rule.parameters}", complete)
    unique = _unique_rows(data, rule)

    def judge(values: Values, past: Past) -> Verdict:
        found: Frequencies = values[key]
        share = found.unique / found.rows if found.rows else None
        verdict = judged(rule, f"{_instance(rule)}.Uniqueness", share, past, condition=rule.condition or _ALL)
        if not is_key or values[filled] == values[total]:
            return verdict
        return Verdict(False, unmet("NULL"), verdict.metrics, str(rule))

    return Plan(rule, judge, Rows(unique.passes & complete, unique.attach) if is_key else unique)


def unique_value_ratio(data: Data, rule: Rule) -> Plan:
    """UniqueValueRatio: the values that occur once, among all distinct ones."""
    if absent := missing(data, rule, rule.parameters):
        return absent
    key = _frequencies(data, rule)

    def judge(values: Values, past: Past) -> Verdict:
        found: Frequencies = values[key]
        share = found.unique / found.distinct if found.distinct else None
        return judged(rule, f"{_instance(rule)}.UniqueValueRatio", share, past)

    return Plan(rule, judge, _unique_rows(data, rule))


def distinct_values(data: Data, rule: Rule) -> Plan:
    """DistinctValuesCount: null counts as one value, as in AWS's open Deequ."""
    if absent := missing(data, rule, rule.parameters):
        return absent
    key = _frequencies(data, rule)

    def judge(values: Values, past: Past) -> Verdict:
        return judged(rule, f"{_instance(rule)}.DistinctValuesCount", values[key].groups, past)

    return Plan(rule, judge)


def entropy(data: Data, rule: Rule) -> Plan:
    """Entropy, in nats, of the values that are there."""
    if absent := missing(data, rule, rule.parameters):
        return absent
    key = _frequencies(data, rule)

    def judge(values: Values, past: Past) -> Verdict:
        value = values[key].entropy if values[key].rows else None
        return judged(rule, f"{_instance(rule)}.Entropy", value, past)

    return Plan(rule, judge)


def aggregate(function: Callable[..., Column]) -> Callable[[Data, Rule], Plan]:
    """Mean, Sum and StandardDeviation (of the population) of a column, ColumnCorrelation of two; nulls are left out."""

    def plan(data: Data, rule: Rule) -> Plan:
        if absent := not_numeric(data, rule, rule.parameters):
            return absent
        columns = [data.column(name).cast("double") for name in rule.parameters]
        key = data.aggregate(rule, f"{rule.type} of {rule.parameters}", function, *columns)

        def judge(values: Values, past: Past) -> Verdict:
            return judged(rule, f"{_instance(rule)}.{rule.type}", values[key], past)

        return Plan(rule, judge)

    return plan


def column_values(data: Data, rule: Rule) -> Plan:
    """ColumnValues: each value against the condition."""
    (name,), condition = rule.parameters, rule.condition
    assert condition is not None  # noqa: S101 - rule_types has checked it
    if absent := missing(data, rule, [name]):
        return absent
    kind, column = data.kind(name), data.column(name)
    assert kind is not None  # noqa: S101 - it is not missing
    is_number = isinstance(kind, T.NumericType)
    orders = condition.operator in (">", "<", ">=", "<=") or (condition.operator == "=" and not condition.negated)
    has_numbers = kind_of(condition) == "number"
    if has_numbers and orders and not is_number:
        return failed(rule, wrong_type(name, NUMERIC, kind))
    passes = values_column(condition, column, kind)
    if not is_number:
        return of_rows(data, rule, f"{name} {condition}", f"Column.{name}.ColumnValues.Compliance", passes, unmet)
    return _numeric_values(data, rule, name, passes, bounded=has_numbers and orders)


def _numeric_values(data: Data, rule: Rule, name: str, passes: Column, *, bounded: bool) -> Plan:
    """The same of numbers, whose metrics are the least and the greatest value, and with a threshold the share."""
    column, condition = data.column(name), rule.condition
    assert condition is not None  # noqa: S101 - rule_types has checked it
    total, complying = data.count(rule), data.count_if(rule, f"ColumnValues of {name} {condition}", passes)
    least = data.aggregate(rule, f"minimum of {name}", F.min, column)
    greatest = data.aggregate(rule, f"maximum of {name}", F.max, column)
    nulls = data.count_if(rule, f"nulls of {name} that fail {condition}", column.isNull() & ~passes)

    def judge(values: Values, past: Past) -> Verdict:
        found = {"Minimum": values[least], "Maximum": values[greatest]}
        metrics = {f"Column.{name}.{which}": float(one) for which, one in found.items() if one is not None}
        share = values[complying] / values[total] if values[total] else 1.0
        if rule.threshold is not None:
            metric = f"Column.{name}.ColumnValues.Compliance"
            return judged(rule, metric, share, past, condition=rule.threshold, metrics=metrics)
        missed = values[total] - values[complying]
        if not missed:
            return Verdict(True, None, metrics, str(rule))
        reasons = [unmet("NULL")] if values[nulls] else []
        if missed > values[nulls]:
            value = share if not bounded else found["Maximum" if condition.operator in ("<", "<=") else "Minimum"]
            reasons.insert(0, unmet(value))
        return Verdict(False, "\n".join(reasons), metrics, str(rule))

    return Plan(rule, judge, Rows(passes))


def column_length(data: Data, rule: Rule) -> Plan:
    """ColumnLength: the characters of each value; a null has none."""
    (name,), condition = rule.parameters, rule.condition
    assert condition is not None  # noqa: S101 - rule_types has checked it
    if absent := missing(data, rule, [name]):
        return absent
    if not isinstance(data.kind(name), T.StringType):
        return failed(rule, wrong_type(name, "StringType", data.kind(name)))
    length = F.coalesce(F.length(data.column(name)), F.lit(0))
    passes = number_column(condition, length, plain_numbers(condition))
    plan = of_rows(data, rule, f"{name} {condition}", f"Column.{name}.LengthCompliance", passes, unmet)
    least = data.aggregate(rule, f"least length of {name}", F.min, length)
    greatest = data.aggregate(rule, f"greatest length of {name}", F.max, length)

    def judge(values: Values, past: Past) -> Verdict:
        verdict = plan.judge(values, past)
        found = {"MinimumLength": values[least], "MaximumLength": values[greatest]}
        metrics = {f"Column.{name}.{which}": float(one) for which, one in found.items() if one is not None}
        reason = verdict.reason
        if reason and condition.operator in (">", ">=", "<", "<="):
            reason = unmet(float(found["MaximumLength" if condition.operator in ("<", "<=") else "MinimumLength"]))
        return Verdict(verdict.passed, reason, metrics, verdict.evaluated)

    return Plan(rule, judge, plan.rows)


def column_data_type(data: Data, rule: Rule) -> Plan:
    """ColumnDataType: whether Spark can cast each value. Raises UsageError for a type or a format that AWS has not."""
    (name,), condition = rule.parameters, rule.condition
    assert condition is not None  # noqa: S101 - rule_types has checked it
    wanted = condition.operands[0]
    if condition.operator != "=" or not isinstance(wanted, Text):
        raise UsageError(f"{rule} at {rule.place} compares a type with {condition.operator}: write = or !=.")
    name_of_type = wanted.value.upper()
    known = _DATA_TYPES.get(name_of_type) or (name_of_type if _DECIMAL.fullmatch(name_of_type) else None)
    if known is None:
        raise UsageError(f"{rule} at {rule.place} names the type {wanted.value}: AWS has {', '.join(_DATA_TYPES)}.")
    if absent := missing(data, rule, [name]):
        return absent
    column = data.column(name)
    form = rule.tags.get("format")
    casts = column.try_cast(known) if form is None else _date_of(column, _form(rule, form, known))
    passes = casts.isNull() if condition.negated else casts.isNotNull()
    return of_rows(data, rule, f"{name} {condition} {form}", f"Column.{name}.ColumnDataType.Compliance", passes, unmet)


def _form(rule: Rule, form: Condition, kind: str) -> str:
    given = str(getattr(form.operands[0], "value", ""))
    if kind != "date" or set(re.split("[-/]", given)) - _DATE_PARTS or not re.search("[-/]", given):
        raise UsageError(
            f"{rule} at {rule.place} has the format {given!r}: dates have formats, as dd-MM-yyyy, MM/yyyy or dd-MM."
        )
    return given


def _date_of(column: Column, form: str) -> Column:
    """A text as a date; a part that its format has not is made up, so that every engine can read it."""
    text = column.cast("string")
    for part, value in (("dd", "01"), ("MM", "01"), ("yyyy", "2000")):
        if part not in form:
            text, form = F.concat(text, F.lit(f" {value}")), f"{form} {part}"
    return F.try_to_timestamp(text, F.lit(form)).cast("date")


def data_freshness(data: Data, rule: Rule) -> Plan:
    """DataFreshness: how long before now each value is; a null fails."""
    (name,), condition = rule.parameters, rule.condition
    assert condition is not None  # noqa: S101 - rule_types has checked it
    if absent := missing(data, rule, [name]):
        return absent
    if not isinstance(kind := data.kind(name), T.DateType | T.TimestampType | T.TimestampNTZType | T.StringType):
        return failed(rule, wrong_type(name, "DateType, TimestampType", kind))
    column = data.column(name)
    moment = column.try_cast("timestamp") if isinstance(kind, T.StringType) else column.cast("timestamp")
    age = F.lit(int(datetime.now(UTC).timestamp())) - F.unix_timestamp(moment)
    passes = F.coalesce(number_column(condition, age, plain_numbers(condition)), F.lit(False))
    return of_rows(data, rule, f"{name} {condition}", f"Column.{name}.DataFreshness.Compliance", passes)


_ALL = Condition("=", (Text("1.0"),))


def _frequencies(data: Data, rule: Rule) -> str:
    names = [data.types[name.lower()].name for name in rule.parameters]
    return data.measures.group(names, data.where(rule), rule.where)


def _unique_rows(data: Data, rule: Rule) -> Rows:
    """Whether the values of a row are there once, among the rows that the rule is about."""
    where, flag = data.where(rule), data.flag()
    columns = [data.column(name) for name in rule.parameters]

    def attach(rows: DataFrame) -> DataFrame:
        counted = F.count_if(F.lit(True) if where is None else where)
        return rows.withColumn(flag, counted.over(Window.partitionBy(*columns)) == 1)

    return Rows(F.col(flag), attach)


def _instance(rule: Rule) -> str:
    names = rule.parameters
    return f"Column.{names[0]}" if len(names) == 1 else f"Multicolumn.{','.join(names)}"
