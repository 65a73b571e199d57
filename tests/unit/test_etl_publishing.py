"""What counts of what was staged."""

from __future__ import annotations

import pytest

from etl.publishing import _committed
from workspace.errors import PublishError


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
