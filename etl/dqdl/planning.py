"""From rules to plans: which function plans which type, how composite rules are judged, what analyzers measure."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.dqdl import column_rules, dataset_rules, file_rules, reference_rules
from lakelet.etl.dqdl.measures import Values
from lakelet.etl.dqdl.plans import Data, Past, Plan, Rows, Verdict, statistic
from lakelet.etl.dqdl.ruleset import Composite, Condition, Number, Rule

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_PLANNERS: Mapping[str, Callable[[Data, Rule], Plan]] = {
    "AggregateMatch": reference_rules.aggregate_match,
    "ColumnCorrelation": column_rules.aggregate(F.corr),
    "ColumnCount": dataset_rules.column_count,
    "ColumnDataType": column_rules.column_data_type,
    "ColumnExists": dataset_rules.column_exists,
    "ColumnLength": column_rules.column_length,
    "ColumnNamesMatchPattern": dataset_rules.column_names,
    "ColumnValues": column_rules.column_values,
    "Completeness": column_rules.completeness,
    "CustomSql": dataset_rules.custom_sql,
    "DataFreshness": column_rules.data_freshness,
    "DatasetMatch": reference_rules.dataset_match,
    "DistinctValuesCount": column_rules.distinct_values,
    "Entropy": column_rules.entropy,
    "FileFreshness": file_rules.file_freshness,
    "FileMatch": file_rules.file_match,
    "FileSize": file_rules.file_size,
    "FileUniqueness": file_rules.file_uniqueness,
    "IsComplete": column_rules.completeness,
    "IsPrimaryKey": column_rules.uniqueness,
    "IsUnique": column_rules.uniqueness,
    "Mean": column_rules.aggregate(F.avg),
    "ReferentialIntegrity": reference_rules.referential_integrity,
    "RowCount": dataset_rules.row_count,
    "RowCountMatch": reference_rules.row_count_match,
    "SchemaMatch": reference_rules.schema_match,
    "StandardDeviation": column_rules.aggregate(F.stddev_pop),
    "Sum": column_rules.aggregate(F.sum),
    "Uniqueness": column_rules.uniqueness,
    "UniqueValueRatio": column_rules.unique_value_ratio,
}
_ANYTHING = Condition(">=", (Number(-sys.float_info.max, "any number"),))


@dataclass(frozen=True)
class Joined:
    """The plan of a composite rule. ``by_row`` counts the rows that pass, where it is judged row by row."""

    rule: Composite
    parts: Sequence[Planned]
    rows: Rows | None
    by_row: tuple[str, str] | None = None

    def judge(self, values: Values, past: Past) -> Verdict:
        """By its parts' verdicts, or row by row."""
        verdicts = [part.judge(values, past) for part in self.parts]
        metrics = {name: value for one in verdicts for name, value in one.metrics.items()}
        evaluated = f" {self.rule.operator.upper()} ".join(f"({one.evaluated})" for one in verdicts)
        if self.by_row:
            total, passing = (values[key] for key in self.by_row)
            share = passing / total if total else 1.0
            words = f"{share * 100:.2f} % of rows passed the threshold"
            return Verdict(passing == total, None if passing == total else words, metrics, evaluated)
        passed = (all if self.rule.operator == "and" else any)(one.passed for one in verdicts)
        reasons = [one.reason for one in verdicts if one.reason]
        return Verdict(passed, None if passed else "\n".join(reasons), metrics, evaluated)


Planned = Plan | Joined


def plan(data: Data, rule: Rule | Composite, *, by_row: bool = False) -> Planned:
    """The plan of a rule; ``by_row`` has composite ones judged row by row, if every part of them can be.

    Raises UsageError for a where clause, a pattern or a format that is none.
    """
    if isinstance(rule, Rule):
        made = _PLANNERS[rule.type](data, rule)
        return made if made.rows is None else replace(made, rows=replace(made.rows, where=data.where(rule)))
    parts = [plan(data, part) for part in rule.parts]
    rows = _joined_rows(rule.operator, [part.rows for part in parts])
    if not by_row or rows is None:
        return Joined(rule, parts, rows)
    if rows.attach:
        data.attachments.append(rows.attach)
    whole = Rule("Composite")  # which is about all rows
    counts = data.count(whole), data.count_if(whole, f"rows that pass {rule}", rows.passes)
    return Joined(rule, parts, Rows(rows.passes), counts)


def _joined_rows(operator: str, parts: Sequence[Rows | None]) -> Rows | None:
    """A row passes by what its parts say of it; if one says nothing, the whole says nothing."""
    told = [part for part in parts if part is not None]
    if len(told) < len(parts):
        return None
    attaching = [part.attach for part in told if part.attach]

    def attach(rows: DataFrame) -> DataFrame:
        return reduce(lambda made, one: one(made), attaching, rows)

    def both(one: Column, other: Column) -> Column:
        return one & other if operator == "and" else one | other

    return Rows(reduce(both, (part.passes_or_left_out for part in told)), attach if attaching else None)


def statistics(planned: Planned, values: Values, past: Past) -> dict[str, float]:
    """The metrics of a rule, or of a composite rule's parts, by the names that they are kept by for later runs."""
    if isinstance(planned, Joined):
        return {name: value for part in planned.parts for name, value in statistics(part, values, past).items()}
    return {statistic(name, planned.rule): value for name, value in planned.judge(values, past).metrics.items()}


def analysis(data: Data, analyzer: Rule) -> Iterator[Plan]:
    """Plans whose metrics are those of an analyzer; their verdicts mean nothing."""
    if analyzer.type != "AllStatistics":
        yield _measured(data, analyzer)
        return
    (name,) = analyzer.parameters
    yield _measured(data, Rule("RowCount"))
    yield _measured(data, Rule("ColumnCount"))
    kind = data.kind(name)
    types = ["Completeness", "Uniqueness"]
    if isinstance(kind, T.NumericType):
        types += ["ColumnValues", "Entropy", "Mean", "StandardDeviation", "Sum"]
    elif isinstance(kind, T.StringType):
        types += ["ColumnLength"]
    for one in types:
        yield _measured(data, Rule(one, (name,)))


def _measured(data: Data, rule: Rule) -> Plan:
    kind = data.kind(rule.parameters[0]) if rule.parameters else None
    if rule.type == "ColumnValues" and not isinstance(kind, T.NumericType):
        rule = replace(rule, type="ColumnLength")  # AWS's analyzer of columns that hold no numbers
    return _PLANNERS[rule.type](data, replace(rule, condition=_ANYTHING))
