"""The metastore's partition filters: what Spark sends, as conditions over partitions."""

from __future__ import annotations

import pytest

from lakelet.catalog.expressions import parse_expression
from lakelet.catalog.hive.filters import expression
from lakelet.workspace.errors import InvalidInputException

KEYS = [("dt", "string"), ("p", "int"), ("day", "date")]
ROW = ("2024-01-02", "7", "2024-03-01")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('dt = "2024-01-02"', True),
        ("dt = '2024-01-02' and p = 8", False),
        ('(dt) in ("2024-01-02", "x") and 6 < p', True),
        ('dt not in ("2024-01-02")', False),
        ('((p = 1 or p = 7) and not (dt = "x"))', True),
        ('dt like "2024-.*" and dt like ".*02" and dt like ".*-01-.*"', True),
        ('dt like "024.*"', False),
        ("day >= 2024-03-01", True),
        ("day > date '2024-03-01'", False),
        ("p between 1 and 7", True),
        ("p != -7 and p <> 8", True),
        ("`p` = 7", True),
        ('dt = "it\'s" or p = 7', True),
    ],
)
def test_a_filter_means_what_hive_means_by_it(text: str, holds: bool) -> None:
    assert parse_expression(expression(text), KEYS).holds(ROW) is holds


@pytest.mark.parametrize(
    "text",
    ['dt = "x', "p = 1; drop", "nosuch = 1", "p = p + 1", "p = (select 1)", "p = __import__('os')", "dt ~ 'x'", "p ="],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputException):
        parse_expression(expression(text), KEYS)


def test_quotes_cannot_leave_a_text() -> None:
    said = expression("""dt = "x' or '1'='1" """)
    assert parse_expression(said, KEYS).holds(ROW) is False
    assert parse_expression(said, KEYS).holds(("x' or '1'='1", "1", "2024-01-01")) is True
