"""Values in columns and SQL on Spark and Sail (tests/compared.py), as in test_engines_compared.py: another module, for
each takes minutes, and two run at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests import (
    compared_arithmetic,
    compared_expressions,
    compared_idioms,
    compared_mixed,
    compared_texts,
    compared_times,
    compared_types,
)
from tests.compared import of_modules, outcomes_of, require_refused, require_the_same

pytestmark = pytest.mark.stack

CASES, REFUSED = of_modules(
    compared_arithmetic,
    compared_expressions,
    compared_idioms,
    compared_mixed,
    compared_texts,
    compared_times,
    compared_types,
)


@pytest.fixture(scope="module")
def outcomes(stack: Any) -> dict[str, dict[str, Any]]:
    return outcomes_of(CASES | REFUSED, stack, "compared-values")


@pytest.mark.parametrize("name", CASES)
def test_both_engines_answer_the_same(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    require_the_same(outcomes, name)


@pytest.mark.parametrize("name", REFUSED)
def test_what_sail_would_answer_otherwise_it_refuses(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    require_refused(outcomes, name)
