"""forEachBatch: how often a batch that fails is tried again, and how long a window is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.errors import StreamingQueryException

from lakelet.etl.errors import UnsupportedError
from lakelet.workspace.errors import UsageError
from tests.spark import on_spark

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = on_spark


def run(glue: GlueContext, folder: Path, batch: Callable[[Any, int], object], **options: Any) -> Exception | None:
    """What a stream of text files, one a batch, ended with; one that goes on is stopped when ``batch`` says "over"."""
    stream = glue.spark_session.readStream.option("maxFilesPerTrigger", 1).text(str(folder / "in"))
    ended: list[Exception | None] = []
    over = threading.Event()

    def one(rows: Any, number: int) -> None:
        if batch(rows, number) == "over":
            over.set()

    def start() -> None:
        try:
            glue.forEachBatch(stream, one, {"checkpointLocation": str(folder / "state"), **options})
            ended.append(None)
        except Exception as error:
            ended.append(error)
        over.set()

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    assert over.wait(120)
    time.sleep(0.2)  # what is saved of a batch is saved after it
    for query in glue.spark_session.streams.active:
        query.stop()
    thread.join(60)
    return ended[0]


def put(folder: Path, *texts: str) -> None:
    (folder / "in").mkdir()
    for at, text in enumerate(texts):
        (folder / "in" / f"{at}.txt").write_text(text)


@pytest.mark.parametrize(
    ("retries", "failures", "calls"),
    [({"batchMaxRetries": 0}, 1, 1), ({"batchMaxRetries": "2"}, 2, 3), ({"batchMaxRetries": 2}, 3, 3), ({}, 3, 4),
     ({}, 4, 4)],
)  # fmt: skip
def test_a_batch_is_tried_as_often_as_is_said(
    glue: GlueContext, tmp_path: Path, retries: dict[str, Any], failures: int, calls: int
) -> None:
    put(tmp_path, "a\nb")
    seen: list[tuple[int, int]] = []

    def batch(rows: Any, number: int) -> str:
        seen.append((number, rows.count()))
        if len(seen) <= failures:
            raise RuntimeError(f"failure {len(seen)}")
        return "over"

    ended = run(glue, tmp_path, batch, windowSize="0 seconds", **retries)
    assert seen == [(0, 2)] * calls
    if failures < calls:
        assert ended is None
    else:
        assert isinstance(ended, StreamingQueryException) and f"failure {calls}" in str(ended)


def test_there_is_a_batch_in_each_window(glue: GlueContext, tmp_path: Path) -> None:
    put(tmp_path, "a", "b", "c")
    seen: list[tuple[float, int]] = []

    def batch(rows: Any, number: int) -> str:
        seen.append((time.monotonic(), rows.count()))
        return "over" if number == 2 else "goes on"

    assert run(glue, tmp_path, batch, windowSize="4 seconds") is None
    assert [rows for _, rows in seen] == [1, 1, 1]
    assert 3 < seen[2][0] - seen[1][0] < 5.5  # windows are cut at whole multiples of their size


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"windowSize": "soon"}, "windowSize is 'soon', and takes how often"),
        ({"windowSize": 100}, "windowSize is '100', and takes how often"),
        ({"windowSize": "-1 seconds"}, "windowSize is '-1 seconds', and takes how often"),
        ({"windowSize": "1 month"}, "windowSize is '1 month', and takes how often"),
        ({}, "needs the option windowSize"),
        ({"windowSize": "1 second", "checkpointLocation": ""}, "needs the option checkpointLocation"),
        ({"windowSize": "1 second", "batchMaxRetries": -1}, "batchMaxRetries is -1, and takes a whole number from 0"),
        ({"windowSize": "1 second", "batchMaxRetries": "many"}, "batchMaxRetries is 'many', and takes"),
    ],
)
def test_options_that_mean_nothing_are_named(
    glue: GlueContext, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    put(tmp_path, "a")
    stream = glue.spark_session.readStream.text(str(tmp_path / "in"))
    with pytest.raises(UsageError, match=message):
        glue.forEachBatch(stream, lambda rows, number: None, {"checkpointLocation": str(tmp_path), **options})
    with pytest.raises(UnsupportedError, match="persistDataFrame"):
        glue.forEachBatch(stream, lambda rows, number: None, {**options, "persistDataFrame": True})
    assert glue.spark_session.streams.active == []
