"""The page of one board: filters, KPIs, charts and drill-down, all as its file says."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import charts, datasets, formats, frame, statements
from dashboards.spec import Axis, Board, Chart, Filter, Measure, load
from workspace.errors import UsageError
from workspace.paths import Workspace

CACHE_SECONDS = 600  # the catalog's table versions are part of the key: a publish shows at once
SKELETON_HEIGHT = 420


@dataclass(frozen=True)
class Entry:
    """A board in the navigation; one whose file is wrong is there too, and its page says what is wrong."""

    path: Path
    title: str
    icon: str
    slug: str


def entry(path: Path) -> Entry:
    """The navigation's entry for one board file."""
    try:
        board = load(path)
        return Entry(path, board.title, board.icon, board.slug)
    except UsageError:
        return Entry(path, path.stem, ":material/warning:", path.stem)


def show(workspace: Workspace, path: Path) -> None:
    """The whole page."""
    with frame.guarded("this board's file"):
        board = load(path)
        frame.heading(board.title, board.description)
        with frame.guarded("this board"):
            _board(workspace, board)


def _board(workspace: Workspace, board: Board) -> None:
    state, versions = str(workspace.state), datasets.versions(workspace, board)
    choices: dict[str, Any] = {}
    if board.filters:
        with st.skeleton(height=80):
            (offer,) = _tables(state, (statements.options(board),), versions)
        choices = _filters(board, offer.iloc[0])
    below = [entry for entry in board.charts]
    wanted: dict[str, str] = {}
    if board.kpis:
        wanted["kpis"] = statements.kpis(board, choices)
        if board.trend:
            wanted["trends"] = statements.trends(board, choices)
    for number, item in enumerate(below):
        wanted[f"chart{number}"] = statements.chart(board, item, choices)
        if item.place and item.place.from_latitude:
            wanted[f"routes{number}"] = statements.routes(board, item, choices)
        if item.place and item.place.backdrop:
            wanted[f"backdrop{number}"] = item.place.backdrop
    with st.skeleton(height=SKELETON_HEIGHT):
        found = dict(zip(wanted, _tables(state, tuple(wanted.values()), versions), strict=True))
    if board.kpis:
        _kpis(board, found["kpis"].iloc[0], found.get("trends"))
    _charts(board, found)
    if board.drill:
        _drill(state, board, choices, versions)


@st.cache_data(ttl=CACHE_SECONDS, max_entries=200, show_spinner=False)
def _tables(state: str, sqls: tuple[str, ...], versions: tuple[str, ...]) -> list[pd.DataFrame]:
    """The rows of the statements; ``state`` and ``versions`` say of which lake, and as of when."""
    return datasets.select_all(Workspace.find(), sqls)


def _filters(board: Board, offer: pd.Series[Any]) -> dict[str, Any]:
    with st.container(key="grid-filters"):
        chosen = {
            item.column: _filter(board, number, item, offer) for number, item in enumerate(board.filters)
        }
    return {column: value for column, value in chosen.items() if value not in (None, [])}


def _filter(board: Board, number: int, item: Filter, offer: pd.Series[Any]) -> Any:
    key = f"{board.slug}.{item.column}"
    if item.type in ("select", "multiselect"):
        offered = [value for value in _plain(offer[f"f{number}"]) if value is not None]
        name = lambda value: formats.write(value, item.format)  # noqa: E731
        if item.type == "multiselect":
            return st.multiselect(item.label, offered, format_func=name, key=key, placeholder="All")
        return st.selectbox(item.label, offered, None, format_func=name, key=key, placeholder="All")
    low, high = offer[f"f{number}_low"], offer[f"f{number}_high"]
    if low is None or low != low or low == high:
        st.text_input(item.label, formats.write(low, item.format), disabled=True, key=key)
        return None
    if item.type == "date":
        first, last = pd.Timestamp(low).date(), pd.Timestamp(high).date()
        value = st.date_input(item.label, (first, last), first, last, key=key, format="YYYY-MM-DD")
        # While a person has picked the first day only, the choice is not one yet.
        return value if isinstance(value, tuple) and len(value) == 2 and value != (first, last) else None
    bounds = (float(low), float(high))
    whole = bounds[0].is_integer() and bounds[1].is_integer()
    limits = (int(low), int(high)) if whole else bounds
    value = st.slider(item.label, *limits, limits, key=key)
    return value if tuple(value) != limits else None


def _plain(values: Any) -> list[Any]:
    """A list cell's values as Python's own kinds, which a statement can take as literals."""
    return [value.item() if hasattr(value, "item") else value for value in (values if values is not None else ())]


def _kpis(board: Board, row: pd.Series[Any], trends: pd.DataFrame | None) -> None:
    with st.container(key="grid-kpis"):
        for number, item in enumerate(board.kpis):
            line = None if trends is None or len(trends) < 3 else trends[f"m{number}"].dropna().astype(float).tolist()
            st.metric(
                item.label,
                formats.write(row[f"m{number}"], item.format, item.unit),
                help=item.help or None,
                border=True,
                chart_data=line,
                chart_type="area",
            )


def _charts(board: Board, found: dict[str, pd.DataFrame]) -> None:
    row: list[Any] = []
    for number, item in enumerate(board.charts):
        if item.size == "full":
            place, row = st.container(), []
        else:
            row = row or list(st.columns(2))
            place = row.pop(0)
        extra = {name: found[f"{name}{number}"] for name in ("routes", "backdrop") if f"{name}{number}" in found}
        with place, st.container(border=True, key=f"card-{number}"):
            st.markdown(f"**{_escaped(item.title)}**", help=item.help or None)
            with frame.guarded("this chart"):
                _chart(item, found[f"chart{number}"], extra)


def _chart(item: Chart, rows: pd.DataFrame, extra: dict[str, pd.DataFrame]) -> None:
    if rows.empty:
        st.caption("No rows match these filters.")
    elif item.type == "table":
        _table(rows, item.by, item.measures)
    else:
        st.altair_chart(charts.draw(item, rows, extra), width="stretch", alt=item.title)


def _table(rows: pd.DataFrame, by: tuple[Axis, ...], measures: tuple[Measure, ...], key: str | None = None) -> Any:
    titles: dict[str, Any] = {f"b{n}": _column(axis.label, axis.format) for n, axis in enumerate(by)}
    for number, item in enumerate(measures):
        label = f"{item.label} ({item.unit})" if item.unit else item.label
        titles[f"m{number}"] = _column(label, item.format)
    picked: dict[str, Any] = {"on_select": "rerun", "selection_mode": "single-cell", "key": key} if key else {}
    return st.dataframe(rows, hide_index=True, column_config=titles, width="stretch", **picked)


def _column(label: str, name: str) -> Any:
    known = formats.FORMATS[name]
    if known.kind == "quantitative":
        return st.column_config.NumberColumn(label, format=known.column)
    if known.kind == "temporal":
        return st.column_config.DatetimeColumn(label, format=known.column)
    return st.column_config.Column(label)


def _drill(state: str, board: Board, choices: dict[str, Any], versions: tuple[str, ...]) -> None:
    st.subheader(board.drill_title, anchor=False)
    path: list[Any] = []
    with st.container(key="grid-drill"):
        for number, item in enumerate(board.drill):
            with st.skeleton(height=72):
                (rows,) = _tables(state, (statements.level(board, number, path, choices),), versions)
            if item.by is None:
                break
            key = f"{board.slug}.drill{number}"
            offered = [value for value in _plain(rows["b0"]) if value is not None]
            if st.session_state.get(key) not in offered:
                st.session_state[key] = None
            chosen = st.selectbox(
                item.label,
                offered,
                key=key,
                placeholder=f"All – choose one to open it",
                format_func=lambda value, name=item.by.format: formats.write(value, name),
            )
            if chosen is None:
                break
            path.append(chosen)
    item = board.drill[len(path)] if len(path) < len(board.drill) else board.drill[-1]
    if rows.empty:
        st.caption("No rows match these filters.")
        return
    if item.by is None:
        _table(rows, item.rows, ())
        if len(rows) == statements.MAX_DETAIL_ROWS:
            st.caption(f"The first {statements.MAX_DETAIL_ROWS:,} rows: filter further to see the others.")
        return
    _table(rows, (item.by,), item.measures, key=f"{board.slug}.open{len(path)}.{'/'.join(map(str, path))}")


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in r"\`*_{}[]()#+-.!$:~|<>" else char for char in text)
