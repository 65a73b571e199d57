"""Options that are true or false, and numbers."""

from __future__ import annotations

from typing import Any

import pytest

from lakelet.etl.options import flag, number, whole
from lakelet.workspace.errors import UsageError


@pytest.mark.parametrize(("given", "found"), [(3, 3), (" 3 ", 3), ("", 9), (None, 9), (1, 1)])
def test_whole_numbers_may_be_text(given: Any, found: int) -> None:
    assert whole({"n": given}, "n", 9) == found
    assert whole({}, "n", 9) == 9


@pytest.mark.parametrize("given", [0, -1, "0", "-1", "1.5", 1.5, "x", "²", True, [1]])
def test_what_is_no_whole_number_is_named(given: Any) -> None:
    with pytest.raises(UsageError, match=r"^The option n is .*, and takes a whole number from 1\.$"):
        whole({"n": given}, "n", 9)


def test_the_lowest_number_is_said() -> None:
    assert whole({"n": 0}, "n", 9, 0) == 0
    with pytest.raises(UsageError, match="from 0"):
        whole({"n": -1}, "n", 9, 0)


def test_numbers_with_a_point() -> None:
    assert [number({"n": given}, "n", 9) for given in (0, "0.5", 1.5, None, "")] == [0, 0.5, 1.5, 9, 9]
    for given in ("x", "nan", float("inf"), [1]):
        with pytest.raises(UsageError, match="and takes a number"):
            number({"n": given}, "n", 9)


def test_true_and_false_may_be_text() -> None:
    assert [flag({"n": given}, "n", True) for given in (True, "TRUE", "false", False, None, "")] == [
        True, True, False, False, True, True,
    ]  # fmt: skip
    with pytest.raises(UsageError, match="n is 1, and takes true or false"):
        flag({"n": 1}, "n")
