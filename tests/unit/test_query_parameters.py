"""Variables in statements become literals, whatever they hold."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from lakelet.query.parameters import bind
from lakelet.workspace.errors import UsageError

VALUES: list[Any] = [
    "it's; DROP TABLE x --", "\\\\' OR 1=1", 1, -1, 1 << 62, True, None, 1.5, float("-inf"), decimal.Decimal("1.50"),
    datetime.date(2013, 1, 2), datetime.datetime(2013, 1, 2, 3, 4, 5, 6), b"a\xff", [1, 2], ["o'b", None],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_arrives_as_it_is(value: Any) -> None:
    assert duckdb.sql(bind("SELECT :value AS a", {"value": value})).fetchall() == [(value,)]


def test_values_of_numpy_and_pandas() -> None:
    assert bind("SELECT :n", {"n": np.int64(3)}) == "SELECT 3"
    assert bind("SELECT 2 IN :n", {"n": pd.Series([1, 2])}) == "SELECT 2 IN ([1, 2])" or duckdb.sql(
        bind("SELECT 2 IN :n", {"n": pd.Series([1, 2])})
    ).fetchall() == [(True,)]


def test_a_statement_without_names_stays_as_it_is() -> None:
    for sql in ("SELECT  a::int, {'k':b}, t[1:n], ':x' -- :y", "SHOW DATABASES", "SELEC 1", ""):
        assert bind(sql, {}) == sql


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT :missing", "no variable 'missing'"),
        ("SELECT {{ x }}", "write :x"),
        ("SELECT '{{x}}'", "write :x"),
        ("SELECT * FROM :x", "names of tables"),
        ("SELECT :thing", "no SQL literal"),
    ],
)
def test_what_cannot_be_bound_says_so(sql: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        bind(sql, {"x": 1, "thing": object()})
