"""Rules about the dataset as a whole: RowCount, ColumnCount, ColumnExists, ColumnNamesMatchPattern, CustomSql."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from lakelet.etl.dqdl.measures import Values
from lakelet.etl.dqdl.plans import (
    Data,
    Past,
    Plan,
    Rows,
    Verdict,
    every,
    failed,
    first_line,
    judged,
    of_rows,
    sail_lacks,
    unmet,
)
from lakelet.etl.dqdl.ruleset import Rule
from lakelet.etl.frame import field_of
from lakelet.etl.sail import engine
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PRIMARY = "primary"


def row_count(data: Data, rule: Rule) -> Plan:
    """RowCount."""
    key = data.count(rule)
    return Plan(rule, lambda values, past: judged(rule, "Dataset.*.RowCount", values[key], past))


def column_count(data: Data, rule: Rule) -> Plan:
    """ColumnCount."""
    return Plan(rule, lambda values, past: judged(rule, "Dataset.*.ColumnCount", len(data.types), past))


def column_exists(data: Data, rule: Rule) -> Plan:
    """ColumnExists, which has no metric."""
    (name,) = rule.parameters
    if data.kind(name) is None:
        return failed(rule, f"Input data does not include column {name}!")
    return Plan(rule, lambda values, past: Verdict(True, evaluated=str(rule)))


def column_names(data: Data, rule: Rule) -> Plan:
    """ColumnNamesMatchPattern: whether the pattern is found in every name. Raises UsageError for what is no pattern."""
    try:
        pattern = re.compile(rule.parameters[0])
    except re.error as error:
        raise UsageError(f"{rule} at {rule.place} has no regular expression: {error}.") from None
    names = [one.name for one in data.types.values()]
    others = [name for name in names if not pattern.search(name)]
    metrics = {"Dataset.*.ColumnNamesPatternMatchRatio": (len(names) - len(others)) / len(names)}
    reason = f"Columns that do not match the pattern: {', '.join(others)}" if others else None
    return Plan(rule, lambda values, past: Verdict(not others, reason, metrics, str(rule)))


# -- CustomSql ----------------------------------------------------------------------------------------------------


def custom_sql(data: Data, rule: Rule) -> Plan:
    """CustomSql: the number of a query against a condition; without one, the rows that the query gives pass."""
    views: list[str] = []
    try:
        found = _query(data, rule.parameters[0], views)
        if rule.condition is None:
            return _rows_of(data, rule, found)
        rows = data.run(found)
    except PySparkException as error:
        if sail_lacks(error):
            raise
        return failed(rule, f"Error executing SQL statement: {first_line(error)}")
    finally:
        if rule.condition is not None or not engine.active():  # Sail looks for them again when rows are read
            for view in views:
                data.rows.sparkSession.catalog.dropTempView(view)
    if len(rows) != 1 or len(rows[0]) != 1 or not _is_number(rows[0][0]):
        return failed(rule, "The output from CustomSQL must be one row with one number.")
    value = float(rows[0][0])
    return Plan(rule, lambda values, past: judged(rule, "Dataset.*.CustomSQL", value, past))


def _query(data: Data, statement: str, views: list[str]) -> DataFrame:
    """What a query gives, in which ``primary`` and the aliases are the datasets. They are named for it alone, by
    ``views``: another evaluation's ``primary``, and a view of the script's, stay what they are.
    """
    session = data.rows.sparkSession
    sources: Mapping[str, DataFrame] = {**data.others, PRIMARY: data.rows}
    named = []
    for alias, frame in sources.items():
        view = f"lakelet_dq_{uuid4().hex}"
        frame.createOrReplaceTempView(view)
        views.append(view)
        named.append(f"`{alias.replace('`', '``')}` AS (SELECT * FROM {view})")  # noqa: S608 - our own name
    query = statement.strip().rstrip(";")
    found = session.sql(f"WITH {', '.join(named)} SELECT * FROM (\n{query}\n)")  # noqa: S608 - the statement is the user's
    found.schema  # noqa: B018 - reading it has the engine check the query
    return found


def _rows_of(data: Data, rule: Rule, found: DataFrame) -> Plan:
    own = {name.lower(): field.name for name, field in data.types.items()}
    if not (common := [name for name in found.columns if name.lower() in own]):
        return failed(
            rule,
            "The output from CustomSQL must contain at least one column that matches the input dataset. Ensure that "
            "matching columns are returned from the SQL.",
        )
    if len(common) < len(found.columns):
        others = ", ".join(name for name in found.columns if name not in common)
        return failed(
            rule,
            "The columns returned from the SQL statement should only belong to the primary table. "
            f"Columns not found: {others}",
        )
    flag = data.flag()
    keys = [f"{flag}_{i}" for i in range(len(common))]
    passing = found.select(*(field_of(name).alias(key) for name, key in zip(common, keys, strict=True))).distinct()
    passing = passing.withColumn(flag, F.lit(True))

    def attach(rows: DataFrame) -> DataFrame:
        pairs = zip(common, keys, strict=True)
        same = every(field_of(own[name.lower()]).eqNullSafe(F.col(key)) for name, key in pairs)
        return rows.join(passing, same, "left").drop(*keys)

    data.attachments.append(attach)
    passes = F.coalesce(F.col(flag), F.lit(False))
    plan = of_rows(data, rule, f"{rule.parameters[0]}", "Dataset.*.CustomSQL.Compliance", passes, unmet)
    total = data.count(rule)

    def judge(values: Values, past: Past) -> Verdict:
        if not values[total]:
            return Verdict(False, "Custom SQL rule could not be evaluated due to data frame being empty", {}, str(rule))
        return plan.judge(values, past)

    return Plan(rule, judge, Rows(passes))


def _is_number(value: Any) -> bool:
    try:
        return value is not None and float(value) is not None
    except (TypeError, ValueError):
        return False
