"""Runs killed at seeded moments, a few of those that `python -m bench.faults` makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.faults import Faults

pytestmark = pytest.mark.stack

# They are to hit each kind of process, on Spark and on Sail.
RUNS, SEED = 10, 1739


def test_whatever_is_killed_states_are_true_and_no_row_is_lost_or_doubled(stack: Any, tmp_path: Path) -> None:
    faults = Faults(stack.workspace, seed=SEED)
    faults.prepare(tmp_path / "faults_seeded.py")
    outcomes = list(faults.run(RUNS))
    assert [one for one in outcomes if one.wrong] == []
    assert sum(one.victim is not None for one in outcomes) > 2, "the seed kills too few"
    assert {one.engine for one in outcomes} == {"spark", "sail"}
