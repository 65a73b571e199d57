"""What counts of what was staged."""

from __future__ import annotations

import pytest

from lakelet.etl.publishing import _committed, sink_name
from lakelet.workspace.errors import PublishError


def test_of_two_attempts_at_a_task_one_counts_and_a_dead_one_never() -> None:
    staged = [
        "attempt_0/day=1/part-0.parquet",
        "attempt_1/day=2/part-1.parquet",
        "attempt_2/day=3/part-1.parquet",
        "attempt_3/day=9/part-2.parquet",
        "committed/task_0/attempt_0",
        "committed/task_1/attempt_1",
        "committed/task_1/attempt_2",
    ]
    counted = _committed({path: f"staging/{path}" for path in staged})
    assert counted["day=1/part-0.parquet"] == "staging/attempt_0/day=1/part-0.parquet"
    assert len(counted) == 2
    assert len(counted.keys() & {"day=2/part-1.parquet", "day=3/part-1.parquet"}) == 1


def test_a_write_that_another_committer_has_made_is_no_empty_publish() -> None:
    with pytest.raises(PublishError, match="lack Lakelet's committer"):
        _committed({"day=1/part-0.parquet": "staging/day=1/part-0.parquet"})


@pytest.mark.parametrize(
    ("staged", "called"),
    [
        ("part-00003-f0-c000.snappy.parquet", "run-17-part-block-0-r-00002-snappy.parquet"),
        ("part-00003-f0.c001.gz.parquet", "run-17-part-block-0-r-00002-gz.parquet"),
        ("part-00003-f0.c000.json.gz", "run-17-part-r-00002.json.gz"),
        ("part-00003-f0-c000.csv", "run-17-part-r-00002.csv"),
        ("0..parquet", "run-17-part-block-0-r-00002.parquet"),
    ],
)
def test_objects_of_sinks_are_called_as_on_aws(staged: str, called: str) -> None:
    assert sink_name(17, 2, staged) == called
