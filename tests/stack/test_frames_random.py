"""Random flows of DynamicFrames (tests/random_frames.py) on both engines: Sail's answer is Spark's, or none.

Others are run by ``LAKELET_RANDOM=SEED:COUNT``.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.compared import Case, outcome, outcomes_of
from tests.random_frames import Flow, put_sources

pytestmark = pytest.mark.stack

SEED, COUNT = map(int, os.environ.get("LAKELET_RANDOM", "4:14").split(":"))
MOST = 1000  # flows of a seed


@pytest.fixture(scope="module")
def pairs(stack: Any) -> list[tuple[Any, Any]]:
    """What each flow did and came to, on Spark and on Sail."""
    flows: dict[str, Case] = {
        str(seed): lambda place, seed=seed: _done(Flow(seed, place))  # type: ignore[misc]
        for seed in range(SEED * MOST, SEED * MOST + COUNT)
    }
    found = outcomes_of(flows, stack, "flows", put_sources)
    return [(found["spark"][seed], found["sail"][seed]) for seed in flows]


def _done(flow: Flow) -> tuple[list[str], Any]:
    try:
        return flow.code, outcome(flow.run())
    except Exception as error:
        return flow.code, error


def test_no_flow_ends_otherwise(pairs: list[tuple[Any, Any]]) -> None:
    answered = [
        (spark, sail) for spark, sail in pairs if not isinstance(spark[1], Exception) | isinstance(sail[1], Exception)
    ]
    others = [f"{spark[0]}: {spark[1]} / {sail[0]}: {sail[1]}"[:2000] for spark, sail in answered if spark != sail]
    assert not others, others


def test_nearly_all_are_answered(pairs: list[tuple[Any, Any]]) -> None:
    asked = [(spark, sail) for spark, sail in pairs if not isinstance(spark[1], Exception)]
    failed = [f"{spark[0]}: {sail[1]}"[:500] for spark, sail in asked if isinstance(sail[1], Exception)]
    assert len(asked) > COUNT * 0.7
    assert len(failed) < COUNT * 0.1 + 1, failed
