"""The columns of ``agg`` of a dict, in Spark's order (as Spark 4.1 answered)."""

from __future__ import annotations

import pytest

from lakelet.etl.sail.grouping import in_order


@pytest.mark.parametrize(
    "expected",
    [
        ["dt", "b", "id", "ts"],
        ["dt", "id", "ts"],
        ["amount", "price", "qty", "k"],
        ["opportunity_stage", "forecasted_monthly_revenue"],
        ["dt", "ts", "a", "id", "b"],
        [
            "forecasted_monthly_revenue", "dt", "price", "a", "amount", "id", "b", "qty", "c", "k", "opportunity", "ts",
        ],
    ],
)  # fmt: skip
def test_in_order(expected: list[str]) -> None:
    assert in_order(sorted(expected)) == expected
    assert in_order(sorted(expected, reverse=True)) == expected
