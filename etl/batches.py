"""Micro-batches of a stream (AWS Glue Developer Guide, "GlueContext class", forEachBatch)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from lakelet.etl.errors import refuse_unknown
from lakelet.etl.options import whole
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

BATCH_OPTIONS = frozenset({"windowSize", "checkpointLocation", "batchMaxRetries"})
MAX_RETRIES = 3  # AWS's default
GRANULARITIES = ("year", "month", "day", "hour", "minute")


def for_each_batch(
    frame: DataFrame, batch_function: Callable[[DataFrame, int], object], options: Mapping[str, Any]
) -> None:
    """Call a function of a DataFrame and a batch's number for every ``windowSize`` of a stream; where it is, is kept at
    ``checkpointLocation``. A batch that fails is tried again ``batchMaxRetries`` times (3). It ends with the stream.

    ``windowSize`` is an interval of Spark's (``100 seconds``): a batch begins so long after the one before it began.
    Raises UsageError for a frame that is no stream and for options that mean nothing, UnsupportedError for an option
    that is not known, and what the last try of a batch raised as Spark's StreamingQueryException.
    """
    refuse_unknown(dict(options), BATCH_OPTIONS, "forEachBatch")
    if not frame.isStreaming:
        raise UsageError("forEachBatch takes a streaming DataFrame, of spark.readStream: call the function itself.")
    if missing := [name for name in ("windowSize", "checkpointLocation") if not options.get(name)]:
        raise UsageError(f"forEachBatch needs the option {', '.join(missing)}.")
    retries = whole(options, "batchMaxRetries", MAX_RETRIES, 0)

    def patiently(rows: DataFrame, number: int) -> None:
        for left in range(retries, -1, -1):
            try:
                batch_function(rows, number)
            except Exception as error:
                if not left:
                    raise
                print(f"Batch {number} failed and is tried again, at most {left} times: {error}", flush=True)
            else:
                return

    writer, window = frame.writeStream.foreachBatch(patiently), str(options["windowSize"])
    try:
        writer = writer.trigger(processingTime=window)
    except PySparkException as error:
        raise UsageError(
            f"The option windowSize is {window!r}, and takes how often there is a batch: '100 seconds'."
        ) from error
    writer.option("checkpointLocation", str(options["checkpointLocation"])).start().awaitTermination()


def with_ingestion_time(rows: DataFrame, granularity: str) -> DataFrame:
    """The rows with the time of now as the columns ``ingest_year`` and so on, down to day, hour or minute.

    Raises UsageError for another granularity.
    """
    if granularity not in GRANULARITIES[2:]:
        raise UsageError(f"timeGranularity is {granularity!r}: use day, hour or minute.")
    patterns = dict(zip(GRANULARITIES, ("yyyy", "MM", "dd", "HH", "mm"), strict=True))
    now = F.current_timestamp()
    names = GRANULARITIES[: GRANULARITIES.index(granularity) + 1]
    return rows.withColumns({f"ingest_{name}": F.date_format(now, patterns[name]) for name in names})
