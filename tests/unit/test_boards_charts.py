"""Charts: every kind draws, categories keep their order, and names from data never become Vega's field paths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lakelet.dashboards import charts, formats
from lakelet.dashboards.spec import Chart, parse


def chart(**values: Any) -> Chart:
    board = {"title": "t", "dataset": "a.b", "charts": [{"title": "t"} | values]}
    return parse(Path("t.toml"), board).charts[0]


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(item)


DAYS = pd.DataFrame({"b0": pd.date_range("2013-01-01", periods=3), "m0": [1.0, 2.0, None], "m1": [3.0, 2.0, 1.0]})
MONTHS = pd.DataFrame({"b0": [12, 2, 1], "b1": ["x.y[0]", "'", "x.y[0]"], "m0": [1, 2, 3]})
PLACES = pd.DataFrame({"b0": ["a"], "m0": [1], "m1": [2.0], "latitude": [40.0], "longitude": [-73.0]})
LINES = pd.DataFrame({"latitude": [1.0], "longitude": [1.0], "from_latitude": [2.0], "from_longitude": [2.0]})

DRAWN: list[tuple[dict[str, Any], pd.DataFrame]] = [
    ({"type": "line", "x": {"column": "d", "format": "date"}, "y": ["a", "b"]}, DAYS),
    ({"type": "area", "x": {"column": "d", "format": "date"}, "y": "a"}, DAYS),
    ({"type": "bar", "x": {"column": "m", "format": "month"}, "y": "a", "color": "c"}, MONTHS),
    ({"type": "bar", "x": {"column": "m", "format": "integer"}, "y": "a"}, MONTHS),
    ({"type": "heatmap", "x": {"column": "m", "format": "ordinal"}, "y": "c", "value": "a"}, MONTHS),
    ({"type": "scatter", "by": "c", "x": "a", "y": "b", "size_by": "c"}, DAYS.assign(b0="x", m2=1)),
    ({"type": "map", "by": "c", "latitude": "la", "longitude": "lo", "size_by": "a", "color": "b"}, PLACES),
]


@pytest.mark.parametrize(("values", "frame"), DRAWN, ids=[values["type"] for values, _ in DRAWN])
def test_every_kind_draws(values: dict[str, Any], frame: pd.DataFrame) -> None:
    drawn = charts.draw(chart(**values), frame, {"routes": LINES, "backdrop": LINES}).to_dict()
    assert drawn["height"] == charts.HEIGHT
    fields = {part["field"] for part in _parts(drawn) if "field" in part}
    assert fields <= {"b0", "b1", "m0", "m1", "m2", *LINES.columns}


def test_months_and_weekdays_come_in_their_own_order() -> None:
    months = charts.draw(chart(type="bar", x={"column": "m", "format": "month"}, y="a"), MONTHS).to_dict()
    assert months["encoding"]["x"]["sort"] == ["Jan", "Feb", "Dec"]
    days = pd.DataFrame({"b0": [1, 1, 2], "b1": [7, 1, 3], "m0": [1, 2, 3]})
    heat = chart(type="heatmap", x="h", y={"column": "d", "format": "weekday"}, value="a")
    assert charts.draw(heat, days).to_dict()["encoding"]["y"]["sort"] == ["Mon", "Wed", "Sun"]


WRITTEN = [
    (336776, "integer", "", "336,776"), (12.639, "decimal", "min", "12.6 min"), (0.7634, "percent", "", "76.3 %"),
    (None, "integer", "min", "–"), (float("nan"), "decimal", "", "–"), (float("inf"), "integer", "", "–"),
    (pd.NaT, "date", "", "–"), (1, "month", "", "January"), (7, "weekday", "", "Sunday"), (13, "month", "", "13"),
    (pd.Timestamp("2013-01-02 03:04"), "date", "", "2 Jan 2013"),
    (pd.Timestamp("2013-01-02 03:04"), "datetime", "", "2 Jan 2013, 03:04"), ("x", "text", "", "x"),
    (5.0, "ordinal", "", "5"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "name", "unit", "text"), WRITTEN)
def test_values_are_written_for_people(value: Any, name: str, unit: str, text: str) -> None:
    assert formats.write(value, name, unit) == text


def test_durations() -> None:
    assert [formats.duration(seconds) for seconds in (None, 4.4, 75, 3700)] == ["–", "4 s", "1 min 15 s", "1 h 1 min"]
