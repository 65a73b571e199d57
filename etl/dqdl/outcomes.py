"""What an evaluation gives: the outcomes of rules, and the rows with those that each passes, fails and skips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lakelet.etl.dqdl.planning import Planned
from lakelet.etl.dqdl.plans import Data, Verdict
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

PASSED, FAILED = "Passed", "Failed"
PASS, FAIL, SKIP = "DataQualityRulesPass", "DataQualityRulesFail", "DataQualityRulesSkip"
RESULT = "DataQualityEvaluationResult"
_SCHEMA = "Rule string, Outcome string, FailureReason string, EvaluatedMetrics map<string,double>, EvaluatedRule string"


@dataclass(frozen=True)
class Outcome:
    """How one rule ended."""

    planned: Planned
    verdict: Verdict

    @property
    def rule(self) -> str:
        """Its text."""
        return str(self.planned.rule)

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.planned.rule.labels

    @property
    def outcome(self) -> str:
        """Passed or Failed."""
        return PASSED if self.verdict.passed else FAILED


def rule_outcomes(session: Any, outcomes: Sequence[Outcome]) -> DataFrame:
    """A row for each rule: Rule, Outcome, FailureReason, EvaluatedMetrics, EvaluatedRule; Labels, if any has them."""
    labelled = any(one.labels for one in outcomes)
    rows = [
        (one.rule, one.outcome, one.verdict.reason, dict(one.verdict.metrics), one.verdict.evaluated)
        + ((dict(one.labels),) if labelled else ())
        for one in outcomes
    ]
    made: DataFrame = session.createDataFrame(rows, _SCHEMA + (", Labels map<string,string>" if labelled else ""))
    return made


def row_outcomes(data: Data, outcomes: Sequence[Outcome], *, skip_filtered: bool, with_labels: bool) -> DataFrame:
    """The rows with the rules that each passes, fails and skips, and whether it fails any.

    A row that a where clause leaves out passes, or is skipped. A rule about the dataset as a whole is skipped by all.
    Raises UsageError for rows that have such columns already.
    """
    if taken := [name for name in (PASS, FAIL, SKIP, RESULT) if name.lower() in data.types]:
        raise UsageError(f"The frame has {', '.join(taken)} already: drop what an earlier evaluation has added.")
    rows = reduce(lambda made, attach: attach(made), data.attachments, data.rows)
    passing: list[Column] = []
    failing: list[Column] = []
    skipping: list[Column] = []
    for one in outcomes:
        told = one.planned.rows
        name = F.lit(_named(one, with_labels=with_labels))
        if told is None:
            skipping.append(name)
            continue
        if told.attach and told.attach not in data.attachments:
            rows = told.attach(rows)
        if told.where is not None and skip_filtered:
            skipping.append(F.when(~told.where, name))
            passing.append(F.when(told.where & told.passes, name))
        else:
            passing.append(F.when(told.passes_or_left_out, name))
        failing.append(F.when(~told.passes_or_left_out, name))
    lists = [_list(names).alias(column) for column, names in ((PASS, passing), (FAIL, failing), (SKIP, skipping))]
    own = [data.column(name) for name in data.types]
    listed = rows.select(*own, *lists)
    return listed.withColumn(RESULT, F.when(F.size(F.col(FAIL)) == 0, PASSED).otherwise(FAILED))


def _list(names: Sequence[Column]) -> Column:
    if not names:
        return F.array().cast("array<string>")
    return F.array_compact(F.array(*names))


def _named(outcome: Outcome, *, with_labels: bool) -> str:
    if not with_labels or not outcome.labels:
        return outcome.rule
    labels = ",".join(f'"{key}"="{value}"' for key, value in outcome.labels.items())
    return f"{outcome.rule} labels=[{labels}]"
