"""Runs killed at seeded moments, a few of those that `python -m bench.faults` makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.faults import VICTIMS, Faults

pytestmark = pytest.mark.stack

# Each kind of process is hit, on Spark and on Sail: with this seed scripts and drivers before their run can have ended.
RUNS, SEED = 10, 277


def test_whatever_is_killed_states_are_true_and_no_row_is_lost_or_doubled(stack: Any, tmp_path: Path) -> None:
    faults = Faults(stack.workspace, seed=SEED)
    faults.prepare(tmp_path / "faults_seeded.py")
    outcomes = list(faults.run(RUNS))
    assert [one for one in outcomes if one.wrong] == []
    killed = {(one.engine, one.victim) for one in outcomes if one.victim}
    assert killed == {(engine, victim) for engine, victims in VICTIMS.items() for victim in victims}
    assert {one.how for one in outcomes if one.victim} == {"append", "overwrite"}
