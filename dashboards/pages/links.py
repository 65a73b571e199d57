"""Addresses inside the dashboards, and how states look everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from lakelet.dashboards import formats

Color = Literal["red", "orange", "green", "blue", "gray"]

_COLORS: dict[str, Color] = {
    "SUCCEEDED": "green", "RUNNING": "blue", "STARTING": "blue", "WAITING": "gray", "STOPPING": "orange",
    "STOPPED": "gray", "FAILED": "red", "TIMEOUT": "red", "ERROR": "red", "BACKOFF": "orange", "FATAL": "red",
    "READY": "gray", "COMPLETED": "green", "CANCELLED": "gray",
}  # fmt: skip


def color(state: str) -> Color:
    """The theme colour of a run's or component's state."""
    return _COLORS.get(state, "gray")


def state_column(label: str = "State") -> Any:
    """How a table shows states: as badges in the states' colours. Its cells are lists of one state."""
    return st.column_config.MultiselectColumn(
        label, options=[*_COLORS], color=[*_COLORS.values()], format_func=str.capitalize, width=125
    )


def zone() -> tzinfo:
    """The time zone of the person who looks, as the browser tells it; else UTC."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ValueError, ZoneInfoNotFoundError):
        return UTC


def time_column(label: str, width: int | None = None) -> Any:
    """How a table shows a moment: in the zone of the person who looks."""
    return st.column_config.DatetimeColumn(label, format="D MMM, HH:mm:ss", timezone=str(zone()), width=width)


def moment(when: datetime | None) -> str:
    """A moment in the zone of the person who looks: ``24 Nov 2026, 18:06:12``."""
    return f"{when.astimezone(zone()):%-d %b %Y, %H:%M:%S}" if when else formats.NOTHING


def open_table(database: str, table: str, view: str = "Schema") -> None:
    """Go to a view of a table of the catalog, on the catalog's page; a callback."""
    st.session_state["view"], st.session_state["where"] = view, ""  # not those of the table before
    st.query_params.update(database=database, table=table)


def close_table() -> None:
    """Go back from a table to the list of all; a callback. What is bound to widgets is theirs to take away."""
    for name in ("database", "table"):
        st.query_params.pop(name, None)


def run_logs(run_id: str) -> str:
    """The log page, at one run's lines."""
    return f"/logs?run={quote(run_id)}"


def run_page(run_id: str) -> str:
    """The jobs page, with one run open."""
    return f"/jobs?run={quote(run_id)}"


def short(run_id: str) -> str:
    """A run's id as people can compare it: its beginning, and the attempt when it is a retry."""
    head, separator, attempt = run_id.partition("_attempt_")
    return head[:11] + (f"… #{attempt}" if separator else "…" if len(head) > 11 else "")
