"""From a chart's description and its numbers to an Altair chart; colours come from the theme, light or dark."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from lakelet.dashboards.formats import FORMATS, write
from lakelet.dashboards.spec import Axis, Chart, Measure

HEIGHT = 340
PADDING = {"left": 0, "right": 4, "top": 4, "bottom": 8}
SMALL = 12  # up to this many points get a marker each
MUTED = "#8A99A6"  # reads on both backgrounds

Orders = dict[str, list[str]]
"""The values of each categorical column, in the order in which they are to be drawn."""


def draw(chart: Chart, frame: pd.DataFrame, extra: dict[str, pd.DataFrame] | None = None) -> alt.Chart | alt.LayerChart:
    """The Altair chart of ``frame`` (columns ``b0``…, ``m0``…, see statements.chart).

    ``extra`` has a map's ``routes`` and ``backdrop``. A ``table`` is no chart: the page shows it as such.
    """
    frame, orders = _readable(chart.by, frame)
    draws = {"line": _series, "area": _series, "bar": _series, "heatmap": _heatmap, "scatter": _scatter}
    drawn = _map(chart, frame, extra or {}) if chart.type == "map" else draws[chart.type](chart, frame, orders)
    sized: alt.Chart | alt.LayerChart = drawn.properties(height=HEIGHT, padding=PADDING)
    return sized


def _series(chart: Chart, frame: pd.DataFrame, orders: Orders) -> Any:
    axis, measure = chart.by[0], chart.measures[0]
    if len(chart.measures) > 1:  # one series for each measure
        names = {f"m{n}": entry.label for n, entry in enumerate(chart.measures)}
        frame = frame.melt("b0", list(names), "b1", "value").replace({"b1": names}).rename(columns={"value": "m0"})
        orders = orders | {"b1": list(names.values())}
    order = orders.get("b1")
    x = _x(axis, chart, orders)
    y = alt.Y("m0:Q", title=_with_unit(measure if len(chart.measures) == 1 else _common(chart)))
    y = y.axis(format=_d3(measure, frame), tickCount=5, gridOpacity=0.7).scale(zero=chart.type != "line")
    encoding: dict[str, Any] = {"x": x, "y": y}
    tooltips = [_tooltip("b0", axis), _number_tooltip("m0", measure, "Value" if order else measure.label)]
    if order:
        encoding["color"] = alt.Color("b1:N", title=None, sort=order).legend(orient="bottom", symbolType="circle")
        tooltips.insert(1, alt.Tooltip("b1:N", title=chart.by[1].label if len(chart.by) > 1 else "Measure"))
    return _mark(chart, frame).encode(**encoding, tooltip=tooltips)


def _mark(chart: Chart, frame: pd.DataFrame) -> Any:
    base = alt.Chart(frame)
    if chart.type == "bar":
        return base.mark_bar(cornerRadiusEnd=3)
    if chart.type == "area":
        return base.mark_area(opacity=0.65, line=True)
    return base.mark_line(strokeWidth=2, point=frame["b0"].nunique() <= SMALL, interpolate="monotone")


def _x(axis: Axis, chart: Chart, orders: Orders) -> Any:
    kind = FORMATS[axis.format].kind
    if kind == "temporal":
        return alt.X("b0:T", title=None).axis(grid=False, tickCount=8, labelFlush=True)
    if kind == "quantitative":
        return alt.X("b0:Q", title=axis.label).axis(format=FORMATS[axis.format].d3, grid=False)
    title = None if axis.format in ("month", "weekday") else axis.label
    longest = max(map(len, orders["b0"]), default=0)
    # Long names would be turned upright; a slant stays readable on a phone.
    return alt.X("b0:N", title=title, sort=orders["b0"]).axis(labelAngle=-35 if longest > 3 else 0, labelLimit=120)


def _heatmap(chart: Chart, frame: pd.DataFrame, orders: Orders) -> Any:
    across, down = chart.by
    measure = chart.measures[0]
    return (
        alt.Chart(frame)
        .mark_rect(cornerRadius=2, stroke=None)
        .encode(
            x=alt.X("b0:N", title=across.label, sort=orders.get("b0")).axis(labelAngle=0, labelOverlap=True),
            y=alt.Y("b1:N", title=None, sort=orders.get("b1")).axis(labelLimit=120),
            color=alt.Color("m0:Q", title=_with_unit(measure)).legend(
                orient="bottom", format=_d3(measure), gradientThickness=10, titleOrient="left"
            ),
            tooltip=[_tooltip("b0", across), _tooltip("b1", down), _number_tooltip("m0", measure)],
        )
    )


def _scatter(chart: Chart, frame: pd.DataFrame, orders: Orders) -> Any:
    x, y, *size = chart.measures
    encoding: dict[str, Any] = {}
    if size:
        encoding["size"] = alt.Size("m2:Q", title=_with_unit(size[0])).legend(orient="bottom").scale(range=[20, 400])
    tooltips = [_tooltip("b0", chart.by[0])]
    tooltips += [_number_tooltip(f"m{n}", entry) for n, entry in enumerate(chart.measures)]
    return (
        alt.Chart(frame)
        .mark_circle(size=70, opacity=0.75)
        .encode(
            x=alt.X("m0:Q", title=_with_unit(x)).axis(format=_d3(x)).scale(zero=False),
            y=alt.Y("m1:Q", title=_with_unit(y)).axis(format=_d3(y)).scale(zero=False),
            tooltip=tooltips,
            **encoding,
        )
    )


def _map(chart: Chart, frame: pd.DataFrame, extra: dict[str, pd.DataFrame]) -> Any:
    """Dots and routes without a base map: nothing is fetched from the internet; ``backdrop`` draws the land."""
    layers = []
    if (backdrop := extra.get("backdrop")) is not None and len(backdrop):
        layers.append(
            alt.Chart(backdrop)
            .mark_circle(size=5, color=MUTED, opacity=0.45, tooltip=False)
            .encode(longitude="longitude:Q", latitude="latitude:Q")
        )
    if (routes := extra.get("routes")) is not None and len(routes):
        layers.append(
            alt.Chart(routes)
            .mark_rule(color=MUTED, strokeWidth=0.6, opacity=0.35, tooltip=False)
            .encode(
                longitude="from_longitude:Q", latitude="from_latitude:Q",
                longitude2="longitude:Q", latitude2="latitude:Q",
            )
        )  # fmt: skip
    encoding: dict[str, Any] = {"size": alt.Size("m0:Q", legend=None).scale(range=[15, 600])}
    if len(chart.measures) > 1:
        measure = chart.measures[1]
        encoding["color"] = alt.Color("m1:Q", title=_with_unit(measure)).legend(
            orient="bottom", format=_d3(measure), gradientThickness=10, titleOrient="left"
        )
    tooltips = [_tooltip("b0", chart.by[0])]
    tooltips += [_number_tooltip(f"m{n}", entry) for n, entry in enumerate(chart.measures)]
    points = alt.Chart(frame).mark_circle(opacity=0.85, strokeWidth=0)
    layers.append(points.encode(longitude="longitude:Q", latitude="latitude:Q", tooltip=tooltips, **encoding))
    projection: Any = chart.place.projection if chart.place else "mercator"
    return alt.layer(*layers).project(type=projection)


def _readable(axes: tuple[Axis, ...], frame: pd.DataFrame) -> tuple[pd.DataFrame, Orders]:
    """The frame with categories as text (months and weekdays by short name), and the order of each one's values."""
    frame, orders = frame.copy(), {}
    for number, axis in enumerate(axes):
        key, kind = f"b{number}", FORMATS[axis.format].kind
        if kind in ("nominal", "ordinal"):
            values = list(dict.fromkeys(frame[key]))
            orders[key] = [_category(value, axis) for value in (sorted(values) if kind == "ordinal" else values)]
            frame[key] = [_category(value, axis) for value in frame[key]]
    return frame, orders


def _category(value: Any, axis: Axis) -> str:
    text = write(value, axis.format)
    return text[:3] if axis.format in ("month", "weekday") else text


def _common(chart: Chart) -> Measure:
    units = {measure.unit for measure in chart.measures}
    return Measure(label="", value="", unit=units.pop() if len(units) == 1 else "")


def _with_unit(measure: Measure) -> str:
    return f"{measure.label} ({measure.unit})" if measure.label and measure.unit else measure.label or measure.unit


def _d3(measure: Measure, frame: pd.DataFrame | None = None) -> str:
    """The pattern for an axis: fewer decimals than a tooltip, and 120k rather than 120,000."""
    d3 = FORMATS[measure.format].d3
    if d3 == ",.0f" and (frame is None or frame["m0"].abs().max() >= 100_000):
        return "~s"
    return d3.replace(".1f", ".0f").replace(".1%", ".0%")


def _tooltip(name: str, axis: Axis) -> Any:
    known = FORMATS[axis.format]
    if known.kind == "temporal":
        return alt.Tooltip(f"{name}:T", title=axis.label, format=known.d3)
    return alt.Tooltip(f"{name}:N", title=axis.label)


def _number_tooltip(name: str, measure: Measure, label: str = "") -> Any:
    title = label or measure.label
    title = f"{title} ({measure.unit})" if measure.unit else title
    return alt.Tooltip(f"{name}:Q", title=title, format=FORMATS[measure.format].d3)
