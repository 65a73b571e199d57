"""How a value is written for people: one table of formats, for KPIs, axes, tooltips, tables and filters alike."""

from __future__ import annotations

import calendar
import datetime
import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

NOTHING = "–"


@dataclass(frozen=True)
class Format:
    """One format: its d3 pattern (charts), its pattern for Streamlit's tables, and the kind of axis it makes.

    ``kind`` is Vega-Lite's: ``quantitative``, ``temporal``, ``ordinal`` (a few ordered values) or ``nominal``.
    """

    kind: str
    d3: str = ""
    column: str = ""


FORMATS = {
    "text": Format("nominal"),
    "integer": Format("quantitative", ",.0f", "%,d"),
    "decimal": Format("quantitative", ",.1f", "%,.1f"),
    "percent": Format("quantitative", ".1%", "percent"),
    "date": Format("temporal", "%-d %b %Y", "D MMM YYYY"),
    "datetime": Format("temporal", "%-d %b %Y %H:%M", "D MMM YYYY, HH:mm"),
    "month": Format("ordinal"),
    "weekday": Format("ordinal"),
    "ordinal": Format("ordinal"),
}


def write(value: Any, name: str, unit: str = "") -> str:
    """One value as text: ``write(0.7812, "percent") == "78.1 %"``; a missing one is a dash."""
    if value is None or pd.isna(value):
        return NOTHING
    if hasattr(value, "item"):  # one of numpy's numbers
        value = value.item()
    text = _number(value, name) if isinstance(value, (int, float)) else _other(value, name)
    return f"{text} {unit}" if unit else text


def _number(value: float, name: str) -> str:
    if math.isinf(value):
        return NOTHING
    if name == "month" and 1 <= value <= 12:
        return calendar.month_name[int(value)]
    if name == "weekday" and 1 <= value <= 7:  # ISO: Monday is 1
        return calendar.day_name[int(value) - 1]
    if name == "percent":
        return f"{value:.1%}".replace("%", " %")
    if name == "decimal":
        return f"{value:,.1f}"
    if name == "integer":
        return f"{value:,.0f}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _other(value: Any, name: str) -> str:
    if isinstance(value, datetime.datetime) and name == "datetime":
        return f"{value:%-d %b %Y, %H:%M}"
    if isinstance(value, datetime.date):
        return f"{value:%-d %b %Y}"
    return str(value)


def duration(seconds: float | None) -> str:
    """A length of time: ``duration(75) == "1 min 15 s"``."""
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
