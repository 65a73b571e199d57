"""Random flows of DynamicFrames (tests/random_frames.py) on both engines: Sail's answer is Spark's, or none.

Others are run by ``LAKELET_RANDOM=SEED:COUNT``.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.compared import ENGINES, Place, outcome, put_input
from tests.lake import own_lake
from tests.random_frames import Flow, put_sources
from tests.spark import lake_on

pytestmark = pytest.mark.stack

SEED, COUNT = map(int, os.environ.get("LAKELET_RANDOM", "4:14").split(":"))
MOST = 1000  # flows of a seed


@pytest.fixture(scope="module")
def outcomes(stack: Any) -> dict[str, list[tuple[list[str], Any]]]:
    """What each flow did and came to on each engine."""
    found: dict[str, list[tuple[list[str], Any]]] = {}
    for engine in ENGINES:
        with (
            lake_on(engine, stack.workspace) as glue,
            own_lake(glue, f"test-flows-{engine}") as lake,
            own_lake(glue, "test-flows") as source,
        ):
            put_input(source)
            put_sources(source)
            place = Place(source, lake)
            found[engine] = [_done(Flow(SEED * MOST + number, place)) for number in range(COUNT)]
    return found


def _done(flow: Flow) -> tuple[list[str], Any]:
    try:
        return flow.code, outcome(flow.run())
    except Exception as error:
        return flow.code, error


def test_no_flow_ends_otherwise(outcomes: dict[str, list[tuple[list[str], Any]]]) -> None:
    pairs = zip(*outcomes.values(), strict=True)
    answered = [
        (spark, sail) for spark, sail in pairs if not isinstance(spark[1], Exception) | isinstance(sail[1], Exception)
    ]
    others = [f"{spark[0]}: {spark[1]} / {sail[0]}: {sail[1]}"[:2000] for spark, sail in answered if spark != sail]
    assert not others, others


def test_nearly_all_are_answered(outcomes: dict[str, list[tuple[list[str], Any]]]) -> None:
    asked = [
        (spark, sail) for spark, sail in zip(*outcomes.values(), strict=True) if not isinstance(spark[1], Exception)
    ]
    failed = [f"{spark[0]}: {sail[1]}"[:500] for spark, sail in asked if isinstance(sail[1], Exception)]
    assert len(asked) > COUNT * 0.7
    assert len(failed) < COUNT * 0.1 + 1, failed
