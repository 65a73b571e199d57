"""EvaluateDataQuality: the transform of Glue scripts.

AWS Glue Developer Guide, "EvaluateDataQuality class" and "Evaluating data quality for ETL jobs".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakelet.etl.collection import DynamicFrameCollection
from lakelet.etl.dqdl.evaluation import Evaluation, Options, evaluate
from lakelet.etl.dqdl.outcomes import row_outcomes, rule_outcomes
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.glue_transform import GlueTransform


class EvaluateDataQuality(GlueTransform):
    """Hold a frame against a ruleset of DQDL: for each rule whether it passed, why not, and what was measured."""

    def __call__(
        self,
        frame: DynamicFrame,
        ruleset: str,
        publishing_options: Mapping[str, Any] | None = None,
    ) -> DynamicFrame:
        """Run it: a frame with Rule, Outcome (Passed, Failed), FailureReason, EvaluatedMetrics and EvaluatedRule.

        Raises UsageError for a ruleset that is none, UnsupportedError for a rule or an option that is not there.
        """
        options = Options.of(publishing_options)
        return _rule_outcomes(frame, options, evaluate(frame, ruleset, options))

    def process_rows(
        self,
        frame: DynamicFrame,
        additional_data_sources: Mapping[str, DynamicFrame] | None = None,
        ruleset: str = "",
        publishing_options: Mapping[str, Any] | None = None,
        additional_options: Mapping[str, Any] | None = None,
    ) -> DynamicFrameCollection:
        """Run it: a collection of ``ruleOutcomes``; of ``rowLevelOutcomes``, the rows with DataQualityRulesPass,
        DataQualityRulesFail, DataQualityRulesSkip and DataQualityEvaluationResult; and of ``originalData``.

        Raises the same, and UsageError for a composite rule that cannot be judged row by row where that is asked for.
        """
        options = Options.of(publishing_options, additional_options)
        found = evaluate(frame, ruleset, options, additional_data_sources)
        rows = row_outcomes(
            found.data,
            found.outcomes,
            skip_filtered=options.says("rowLevelConfiguration.filteredRowLabel", "SKIPPED"),
            with_labels=options.says("rowLevelConfiguration.ruleWithLabels", "ENABLED"),
        )
        frames = {
            "ruleOutcomes": _rule_outcomes(frame, options, found),
            "rowLevelOutcomes": DynamicFrame(rows, frame.glue_ctx, f"{options.context}.rowLevelOutcomes"),
            "originalData": frame,
        }
        return DynamicFrameCollection(frames, frame.glue_ctx)


def _rule_outcomes(frame: DynamicFrame, options: Options, found: Evaluation) -> DynamicFrame:
    rows = rule_outcomes(frame.glue_ctx.spark_session, found.outcomes)
    return DynamicFrame(rows, frame.glue_ctx, f"{options.context}.ruleOutcomes")
