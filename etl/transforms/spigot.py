"""Spigot: a sample of the records written aside (AWS Glue Developer Guide, "Spigot class")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import refuse_unknown
from lakelet.etl.options import number, whole
from lakelet.etl.transformation_contexts import WRITES, record
from lakelet.workspace.errors import UsageError

OPTIONS = frozenset({"topk", "prob"})
TOPK = 100  # AWS's default


def spigot(frame: DynamicFrame, path: str, options: Mapping[str, Any], ctx: str = "") -> None:
    """Write records as JSON lines to a folder: of each with the probability ``prob`` (1), the first ``topk`` (100)."""
    from lakelet.etl.sinks import S3Sink

    refuse_unknown(dict(options), OPTIONS, "spigot")
    top, prob = whole(options, "topk", TOPK), number(options, "prob", 1)
    if not 0 < prob <= 1:
        raise UsageError(f"spigot takes a prob from above 0 to 1, not {prob}.")
    record(frame.glue_ctx.workspace, ctx, WRITES, path)
    rows = frame.toDF()
    sample = (rows if prob == 1 else rows.sample(prob)).limit(top)
    sink = S3Sink.of_options(frame.glue_ctx, {"path": path})
    sink.setFormat("json")
    sink.writeFrame(DynamicFrame.fromDF(sample, frame.glue_ctx, "spigot"))
