"""The log page: full-text search over every log line, with a time histogram, facets, and pages of lines."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import timedelta, tzinfo
from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from lakelet.dashboards import datasets, frame
from lakelet.dashboards.datasets import LogQuery
from lakelet.dashboards.pages import links
from lakelet.search.queries import LogLine, LogPage
from lakelet.workspace.paths import Workspace

PAGE = 100
LINE = 2_000  # characters of a line that are shown: the rest is in the file
WINDOWS = {
    "Last 15 minutes": timedelta(minutes=15),
    "Last hour": timedelta(hours=1),
    "Last day": timedelta(days=1),
    "Last 7 days": timedelta(days=7),
}
FACETS = {"level": "Level", "source": "Source", "job": "Job"}
LEVELS = {"FATAL": "#8E2440", "ERROR": "#D9485F", "WARN": "#E0A030", "INFO": "#2D93AF", "DEBUG": "#8A99A6"}


def show(workspace: Workspace) -> None:
    """The whole page."""
    frame.heading("Logs", "Every line of jobs, executors and components, searchable a moment after it is written.")
    with frame.guarded("the logs"):
        _search(workspace)


def _search(workspace: Workspace) -> None:
    run_id = st.query_params.get("run")
    text = st.text_input(
        "Search", key="q", bind="query-params", type="search", placeholder='words, "a phrase", -not, begin*',
        icon=":material/search:", label_visibility="collapsed", max_chars=1000,
    )  # fmt: skip
    window = WINDOWS.get(st.session_state.get("log.window") or "")
    base = LogQuery(text=text or "", run_id=run_id, window=window)
    with st.skeleton(height=90):
        offered = datasets.logs(workspace, base, size=0)
    wanted = replace(base, **_facets(offered), newest_first=not run_id)
    if run_id:
        _run_banner(run_id)
    with st.skeleton(height=400):
        page = datasets.logs(workspace, wanted, _cursor(wanted), PAGE)
    if not page.total:
        if text or run_id or window or offered.total:
            frame.empty("Nothing found", "No log line matches: try fewer words, another filter or a longer time.")
        else:
            frame.empty("No logs yet", "Lines appear here as soon as a job or a component writes one.")
        return
    _histogram(page)
    _lines(page)
    _pager(page)


def _facets(offered: LogPage) -> dict[str, Any]:
    """The facets' choosers; what one offers depends on the text, run and time only, so a choice can be changed."""
    chosen: dict[str, Any] = {}
    with st.container(key="grid-facets"):
        for name, label in FACETS.items():
            counts: dict[str, int] = dict(offered.facets[name])
            key = f"log.{name}"
            if st.session_state.get(key) not in counts:
                st.session_state[key] = None
            chosen[name] = st.selectbox(
                label, list(counts), key=key, placeholder="All", format_func=partial(_counted, counts)
            )
        st.selectbox("Time", list(WINDOWS), None, key="log.window", placeholder="Any time")
    return chosen


def _counted(counts: dict[str, int], value: str) -> str:
    return f"{value} · {counts.get(value, 0):,}"


def _run_banner(run_id: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="run-banner"):
        st.markdown(f"Lines of run `{links.short(run_id)}`, in the order they were written.", width="content")
        st.link_button("The run", links.run_page(run_id), icon=":material/play_circle:")
        if st.button("All logs", icon=":material/close:"):
            del st.query_params["run"]
            st.rerun()


def _histogram(page: LogPage) -> None:
    rows = pd.DataFrame(
        [
            {"start": bar.start, "level": level, "lines": count}
            for bar in page.histogram
            for level, count in (*bar.levels.items(), ("other", bar.count - sum(bar.levels.values())))
            if count
        ]
    )
    rows["level"] = rows["level"].replace({"WARNING": "WARN", "CRITICAL": "FATAL"})
    rows.loc[~rows["level"].isin(LEVELS), "level"] = "other"
    steps = pd.Series(sorted({bar.start for bar in page.histogram})).diff().dropna()
    rows["end"] = rows["start"] + (steps.min() if len(steps) else pd.Timedelta(seconds=1))
    names = [*LEVELS, "other"]
    color = alt.Color("level:N", title=None, sort=names).scale(domain=names, range=[*LEVELS.values(), "#B4BFC9"])
    chart = (
        alt.Chart(rows)
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X("start:T", title=None).axis(grid=False, tickCount=6, format=_ticks(page), labelFlush=True),
            x2="end:T",
            y=alt.Y("sum(lines):Q", title=None).axis(tickCount=3, format="~s"),
            color=color.legend(None),
            tooltip=[
                alt.Tooltip("start:T", title="From", format="%-d %b %H:%M:%S"),
                alt.Tooltip("level:N", title="Level"),
                alt.Tooltip("sum(lines):Q", title="Lines", format=",d"),
            ],
        )
        .properties(height=120, padding={"left": 0, "right": 4, "top": 4, "bottom": 4})
    )
    with st.container(border=True, key="histogram"):
        st.markdown(f"**{page.total:,} line{'s' if page.total != 1 else ''}**")
        st.altair_chart(chart, width="stretch", alt="Log lines over time")


def _ticks(page: LogPage) -> str:
    reach = page.histogram[-1].start - page.histogram[0].start
    return "%-d %b" if reach > timedelta(days=3) else "%-d %b %H:%M" if reach > timedelta(hours=18) else "%H:%M"


def _lines(page: LogPage) -> None:
    zone = links.zone()
    st.html(f'<div class="lakelet-log">{"".join(_line(line, zone) for line in page.hits)}</div>')


def _line(line: LogLine, zone: tzinfo) -> str:
    level = (line.state or line.level or "").upper()
    origin = f"{line.job or line.source}{f' · {line.source}' if line.job else ''}"
    if line.executor_id:
        origin += f" {line.executor_id}"
    message = line.message.strip()[:LINE] + ("…" if len(line.message) > LINE else "")
    body = html.escape(message)
    if line.highlight and len(line.message) <= len(line.highlight):  # the whole line is the fragment
        body = html.escape(line.highlight).replace("[[", "<mark>").replace("]]", "</mark>")
    shown = html.escape(level)
    kind = shown if level in LEVELS or level in ("WARNING", "FAILED") else ""
    return (
        f'<div class="{kind}"><span class="when">{line.timestamp.astimezone(zone):%Y-%m-%d %H:%M:%S}</span>'
        f'<span class="level">{shown}</span><span class="from">{html.escape(origin)}</span>'
        f'<span class="what">{body}</span></div>'
    )


def _cursor(wanted: LogQuery) -> Any:
    """Where the page begins: the cursors walked through so far, forgotten when the question changes."""
    if st.session_state.get("log.query") != wanted:
        st.session_state["log.query"], st.session_state["log.cursors"] = wanted, []
    cursors = st.session_state["log.cursors"]
    return cursors[-1] if cursors else None


def _pager(page: LogPage) -> None:
    cursors: list[Any] = st.session_state["log.cursors"]
    first = len(cursors) * PAGE + 1

    def back() -> None:
        cursors.pop()

    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="center", key="pager"):
        st.button("Previous", icon=":material/chevron_left:", disabled=not cursors, on_click=back)
        st.markdown(f"{first:,} – {first + len(page.hits) - 1:,} of {page.total:,}", width="content")
        st.button(
            "Next", icon=":material/chevron_right:", icon_position="right", disabled=not page.next,
            on_click=lambda: cursors.append(page.next),
        )  # fmt: skip
