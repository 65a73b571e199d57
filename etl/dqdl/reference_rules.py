"""Rules about two datasets: ReferentialIntegrity, DatasetMatch, SchemaMatch, RowCountMatch, AggregateMatch.

The other dataset is one of ``additional_data_sources``, by its alias.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.dqdl.dataset_rules import PRIMARY
from lakelet.etl.dqdl.measures import Values
from lakelet.etl.dqdl.plans import Data, Past, Plan, Rows, Verdict, every, failed, judged
from lakelet.etl.dqdl.ruleset import Rule
from lakelet.etl.frame import field_of
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_AGGREGATE = re.compile(r"(sum|avg|SUM|AVG)\((.+)\)")
_UNSUITABLE = "Provided key map not suitable for given data frames"


def referential_integrity(data: Data, rule: Rule) -> Plan:
    """ReferentialIntegrity: the share of the rows whose values are in the other dataset; a null is in none."""
    own = _split(rule.parameters[0])
    alias, theirs = _reference_columns(rule)
    other = data.others.get(alias)
    if other is None:
        return failed(rule, f"{alias} not found in additional sources")
    if len(own) != len(theirs):
        raise UsageError(f"{rule} at {rule.place} names {len(own)} columns and {len(theirs)} of {alias}: name as many.")
    if absent := _absent(own, data.rows, "primary") or _absent(theirs, other, "reference"):
        return failed(rule, absent)
    flag = data.flag()
    keys = [f"{flag}_{i}" for i in range(len(own))]
    there = other.select(*(field_of(name).alias(key) for name, key in zip(theirs, keys, strict=True))).distinct()

    def attach(rows: DataFrame) -> DataFrame:
        same = every(data.column(name) == F.col(key) for name, key in zip(own, keys, strict=True))
        return rows.join(there.withColumn(flag, F.lit(True)), same, "left").drop(*keys)

    metric = f"Column.{alias}.ReferentialIntegrity"
    return _joined(data, rule, metric, attach, F.coalesce(F.col(flag), F.lit(False)))


def dataset_match(data: Data, rule: Rule) -> Plan:
    """DatasetMatch: the share of the rows that the other dataset has under the same key, with equal values."""
    alias = rule.parameters[0]
    other = data.others.get(alias)
    if other is None:
        return failed(rule, f"{alias} not found in additional sources")
    keys = _mapping(rule.parameters[1])
    if absent := _absent([*keys], data.rows, "primary") or _absent([*keys.values()], other, "reference"):
        return failed(rule, absent)
    own_keys = {name.lower() for name in keys}
    compared = (
        _mapping(rule.parameters[2])
        if len(rule.parameters) > 2
        else {one.name: one.name for one in data.types.values() if one.name.lower() not in own_keys}
    )
    if absent := _absent([*compared], data.rows, "primary") or _absent([*compared.values()], other, "reference"):
        return failed(rule, absent)
    if not (_is_key(data, data.rows, [*keys]) and _is_key(data, other, [*keys.values()])):
        return failed(rule, _UNSUITABLE)
    flag = data.flag()
    named = {name: f"{flag}_{i}" for i, name in enumerate([*keys.values(), *compared.values()])}
    there = other.select(F.lit(True).alias(flag), *(field_of(name).alias(key) for name, key in dict(named).items()))

    def attach(rows: DataFrame) -> DataFrame:
        same = every(data.column(mine) == F.col(named[theirs]) for mine, theirs in keys.items())
        equal = every(data.column(mine).eqNullSafe(F.col(named[theirs])) for mine, theirs in compared.items())
        joined = rows.join(there, same, "left")
        return joined.withColumn(flag, F.coalesce(F.col(flag), F.lit(False)) & equal).drop(*named.values())

    return _joined(data, rule, f"Dataset.{alias}.DatasetMatch", attach, F.col(flag))


def schema_match(data: Data, rule: Rule) -> Plan:
    """SchemaMatch: the share of the columns that the other dataset has with the same type, in whatever order."""
    (alias,) = rule.parameters
    other = data.others.get(alias)
    if other is None:
        return failed(rule, f"Reference dataset '{alias}' not found in additional data sources")
    theirs = {one.name.lower(): one.dataType for one in other.schema.fields}
    metric = f"Dataset.{alias}.SchemaMatch"
    if len(theirs) != len(data.types):
        return Plan(rule, lambda v, p: Verdict(False, "Column counts do not match", {metric: 0.0}, str(rule)))
    same = sum(theirs.get(name) == one.dataType for name, one in data.types.items())
    return Plan(rule, lambda values, past: judged(rule, metric, same / len(data.types), past))


def row_count_match(data: Data, rule: Rule) -> Plan:
    """RowCountMatch: the rows of the primary dataset by those of the other."""
    (alias,) = rule.parameters
    other = data.others.get(alias)
    if other is None:
        return failed(rule, f"Reference dataset '{alias}' not found in additional data sources")
    (found,) = data.run(other.agg(F.count(F.lit(1)).alias("n")))
    key = data.count(rule)

    def judge(values: Values, past: Past) -> Verdict:
        return judged(rule, f"Dataset.{alias}.RowCountMatch", _ratio(values[key], found[0]), past)

    return Plan(rule, judge)


def aggregate_match(data: Data, rule: Rule) -> Plan:
    """AggregateMatch: the ratio of two sums or averages, of any two datasets."""
    names: list[str] = []
    keys: list[str] = []
    found: dict[str, Any] = {}
    for number, expression in enumerate(rule.parameters):
        told = _AGGREGATE.fullmatch(expression.strip())
        if told is None:
            raise UsageError(
                f"{rule} at {rule.place} aggregates {expression!r}: write sum(column) or avg(alias.column)."
            )
        function = F.sum if told[1].lower() == "sum" else F.avg
        alias, name = _source(data, told[2].strip().strip('"'))
        frame = data.rows if alias == PRIMARY else data.others.get(alias)
        if frame is None:
            return failed(rule, f"{alias} not found in additional sources")
        if absent := _absent([name], frame, "primary" if alias == PRIMARY else "reference"):
            return failed(rule, absent)
        if not isinstance(frame.select(field_of(name)).schema.fields[0].dataType, T.NumericType):
            return failed(rule, f"Column {name} of {alias} holds no numbers: {told[1]} takes numbers only.")
        column = field_of(name).cast("double")
        names.append(name)
        if alias == PRIMARY:
            keys.append(data.aggregate(rule, f"{told[1].lower()} of {name}", function, column))
        else:
            keys.append(f"reference {number}")
            found[keys[-1]] = data.run(frame.agg(function(column).alias("a")))[0][0]
    metric = f"Column.{','.join(dict.fromkeys(names))}.AggregateMatch"

    def judge(values: Values, past: Past) -> Verdict:
        first, second = ({**values, **found}[key] for key in keys)
        ratio = None if first is None or second is None else _ratio(first, second)
        return judged(rule, metric, ratio, past)

    return Plan(rule, judge)


def _ratio(first: float, second: float) -> float:
    return first / second if second else 1.0 if first == second else 0.0


def _joined(data: Data, rule: Rule, metric: str, attach: Any, passes: Column) -> Plan:
    data.attachments.append(attach)
    total, complying = data.count(rule), data.count_if(rule, str(rule), passes)

    def judge(values: Values, past: Past) -> Verdict:
        if not values[total]:
            return Verdict(False, "Primary data frame contains no data.", {}, str(rule))
        return judged(rule, metric, values[complying] / values[total], past)

    return Plan(rule, judge, Rows(passes))


def _is_key(data: Data, rows: DataFrame, columns: Sequence[str]) -> bool:
    """Whether the values of columns are all there, and no two rows have the same."""
    present = every(field_of(name).isNotNull() for name in columns)
    names = [f"k{i}" for i in range(len(columns))]
    chosen = rows.select(
        *(field_of(name).alias(key) for name, key in zip(columns, names, strict=True)), present.alias("p")
    )
    groups = chosen.groupBy(*names, "p").agg(F.count(F.lit(1)).alias("n"))
    (bad,) = data.run(groups.agg(F.count_if((F.col("n") > 1) | ~F.col("p")).alias("bad")))
    return not bad[0]


def _absent(names: Iterable[str], frame: DataFrame, which: str) -> str:
    known = {name.lower() for name in frame.columns}
    absent = [name for name in names if name.lower() not in known]
    verb = "does" if len(absent) == 1 else "do"
    plural = "" if len(absent) == 1 else "s"
    return f"Column{plural} {', '.join(absent)} {verb} not exist in {which} data frame." if absent else ""


def _reference_columns(rule: Rule) -> tuple[str, list[str]]:
    """The alias and the columns of ``reference.{a,b}`` or ``reference.a``."""
    text = rule.parameters[1]
    told = re.fullmatch(r"(.+)\.\{(.+)\}", text) or re.fullmatch(r"(.+)\.([^.]+)", text)
    if told is None:
        raise UsageError(f'{rule} at {rule.place} names {text!r}: write "alias.column" or "alias.{{a,b}}".')
    return told[1], _split(told[2])


def _source(data: Data, text: str) -> tuple[str, str]:
    """The dataset and the column of ``reference.amount`` or ``amount``."""
    if data.kind(text) is not None:
        return PRIMARY, text
    alias, _, name = text.rpartition(".")
    return alias or PRIMARY, name


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _mapping(text: str) -> Mapping[str, str]:
    """``a->b,c`` as a column of ours to a column of theirs."""
    pairs = [one.partition("->") for one in _split(text)]
    return {mine.strip(): (theirs or mine).strip() for mine, _, theirs in pairs}
