"""An evaluation: a ruleset is parsed, checked, planned, measured in one go and judged; its results are published."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from uuid import uuid4

from lakelet.data.objects import s3_client
from lakelet.data.zones import split_uri
from lakelet.etl.dqdl import parser, planning, rule_types
from lakelet.etl.dqdl.history import JOB_VARIABLE, History
from lakelet.etl.dqdl.outcomes import Outcome
from lakelet.etl.dqdl.plans import Data
from lakelet.etl.dqdl.ruleset import Rule
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import refuse_unknown
from lakelet.etl.options import flag
from lakelet.etl.publishing import run_id
from lakelet.workspace import effects
from lakelet.workspace.errors import UsageError

# What has nothing to act on here; docs/awsglue.md says why of each.
WITHOUT_EFFECT = frozenset({
    "dataQualityResultsPublishing.strategy", "enableDataQualityCloudWatchMetrics", "observations.scope",
    "publishAggregatedMetrics.status",
})  # fmt: skip
PUBLISHING = frozenset({"dataQualityEvaluationContext", "enableDataQualityResultsPublishing", "resultsS3Prefix"})
CHOICES = {
    "compositeRuleEvaluation.method": ("COLUMN", "ROW"),
    "performanceTuning.caching": ("CACHE_NOTHING", "CACHE_INPUT"),
    "rowLevelConfiguration.filteredRowLabel": ("PASSED", "SKIPPED"),
    "rowLevelConfiguration.ruleWithLabels": ("DISABLED", "ENABLED"),
}
_DEFAULT_CONTEXT = "default_context"


@dataclass(frozen=True)
class Options:
    """AWS's ``publishing_options`` and ``additional_options``."""

    context: str = _DEFAULT_CONTEXT
    keeps_history: bool = True
    results: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, publishing: Mapping[str, Any] | None, additional: Mapping[str, Any] | None = None) -> Options:
        """Raises UnsupportedError for an option that is not there, UsageError for a value that AWS does not have."""
        given, more = dict(publishing or {}), dict(additional or {})
        refuse_unknown(given, PUBLISHING | WITHOUT_EFFECT, "publishing_options")
        refuse_unknown(more, frozenset(CHOICES) | WITHOUT_EFFECT, "additional_options")
        results = str(given.get("resultsS3Prefix") or "")
        if results:
            results = results if "://" in results else f"s3://{results}"  # AWS's example names a bucket alone
            split_uri(results)
        for name, allowed in CHOICES.items():
            if str(more.get(name, allowed[0])).upper() not in allowed:
                raise UsageError(f"{name} is {more[name]!r}: use {' or '.join(allowed)}.")
        return cls(
            str(given.get("dataQualityEvaluationContext") or _DEFAULT_CONTEXT),
            flag(given, "enableDataQualityResultsPublishing", True),
            results,
            {name: str(more.get(name, allowed[0])).upper() for name, allowed in CHOICES.items()},
        )

    def says(self, name: str, value: str) -> bool:
        """Whether an additional option has that value."""
        return self.chosen.get(name) == value


@dataclass(frozen=True)
class Evaluation:
    """What was found: the outcomes in the rules' order, and the data as it was measured."""

    data: Data
    outcomes: Sequence[Outcome]


def evaluate(
    frame: DynamicFrame, ruleset: str, options: Options, others: Mapping[str, DynamicFrame] | None = None
) -> Evaluation:
    """Hold a frame against a ruleset. Raises UsageError and UnsupportedError before any data is read."""
    for name, given in {"frame": frame, **(others or {})}.items():
        if not isinstance(given, DynamicFrame):
            raise UsageError(f"{name} of EvaluateDataQuality is no DynamicFrame: make one by DynamicFrame.fromDF.")
    rules = parser.parse(ruleset)
    rule_types.check(rules)
    by_row = options.says("compositeRuleEvaluation.method", "ROW")
    if by_row:
        for rule in rules.rules:
            rule_types.check_per_row(rule)
    started = datetime.now(UTC)
    context = frame.glue_ctx
    primary = frame.toDF()
    data = Data(
        primary.persist() if options.says("performanceTuning.caching", "CACHE_INPUT") else primary,
        {alias: other.toDF() for alias, other in (others or {}).items()},
        lambda rows: context.scans.run(rows, lambda current: current.collect(), f"the rules of {options.context}"),
        context.workspace,
    )
    for leaf in rules.leaves():
        data.where(leaf)  # what is wrong in one is said before anything is read
    planned = [planning.plan(data, rule, by_row=by_row) for rule in rules.rules]
    analyses = [(rule, list(planning.analysis(data, rule))) for rule in rules.analyzers]
    attached = reduce(lambda made, attach: attach(made), data.attachments, data.rows)
    values = data.measures.values(data.rows, attached, data.run)
    history = History(context.workspace, options.context)
    outcomes = [Outcome(one, one.judge(values, history.past)) for one in planned]
    analyzed = [
        (rule, {name: value for one in plans for name, value in planning.statistics(one, values, history.past).items()})
        for rule, plans in analyses
    ]
    if options.keeps_history:
        kept = [planning.statistics(one, values, history.past) for one in planned]
        history.add({name: value for one in (*kept, *(found for _, found in analyzed)) for name, value in one.items()})
    if options.results:
        _write(context.workspace, options, started, outcomes, analyzed)
    return Evaluation(data, outcomes)


def _write(
    workspace: Any, options: Options, started: datetime, outcomes: Sequence[Outcome],
    analyses: Sequence[tuple[Rule, Mapping[str, float]]],
) -> None:  # fmt: skip
    """Write the results to S3, as lines of JSON, one for each rule and analyzer."""
    shared = {
        "evaluationContext": options.context,
        "jobName": os.environ.get(JOB_VARIABLE, ""),
        "jobRunId": run_id(),
        "evaluationStartedOn": started.isoformat(timespec="milliseconds"),
        "evaluationCompletedOn": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    lines = [
        {
            **shared, "rule": one.rule, "outcome": one.outcome, "failureReason": one.verdict.reason,
            "evaluatedMetrics": dict(one.verdict.metrics), "evaluatedRule": one.verdict.evaluated,
            "labels": dict(one.labels),
        }
        for one in outcomes
    ]  # fmt: skip
    lines += [{**shared, "analyzer": str(rule), "evaluatedMetrics": dict(metrics)} for rule, metrics in analyses]
    bucket, prefix = split_uri(options.results)
    name = f"{started:%Y%m%dT%H%M%S}-{uuid4().hex[:12]}.json"
    key = "/".join(part for part in (prefix.strip("/"), options.context, name) if part)
    effects.mark(f"written to s3://{bucket}/{key}")
    s3_client(workspace).put_object(
        Bucket=bucket, Key=key, Body="".join(json.dumps(one) + "\n" for one in lines).encode()
    )
