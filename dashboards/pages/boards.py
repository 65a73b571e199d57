"""The page of one board: filters, KPIs, charts and drill-down, all as its file says."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from lakelet.dashboards import charts, datasets, formats, frame, statements
from lakelet.dashboards.spec import Axis, Board, Chart, Filter, Measure, load
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace

CACHE_SECONDS = 600  # the catalog's table versions are part of the key: a publish shows at once
SKELETON_HEIGHT = 420
ROW_HEIGHT = 30


@dataclass(frozen=True)
class Entry:
    """A board in the navigation, at the address ``slug``. One with a ``problem`` is there too: its page shows it."""

    path: Path
    title: str
    icon: str
    slug: str
    problem: str = ""


def entries(paths: Iterable[Path], reserved: Collection[str]) -> list[Entry]:
    """The navigation's entries for the board files, in their order, whatever is wrong with a file. ``reserved`` are the
    addresses of other pages."""
    taken, titles = set(reserved), dict[str, str]()
    entries = []
    for path in paths:
        wanted = os.fsencode(path.stem).decode(errors="replace").strip()
        slug = wanted
        while not slug or slug in taken:
            slug = f"board-{slug}"
        taken.add(slug)
        try:
            board = load(path)
            if slug != wanted:
                raise UsageError(f"{path.name}: the address /{wanted} belongs to another page: rename the file.")
            if other := titles.get(board.title):
                raise UsageError(f"{path.name}: title is {board.title!r}, as in {other}: change one of them.")
            titles[board.title] = path.name
            entries.append(Entry(path, board.title, board.icon, slug))
        except UsageError as error:
            entries.append(Entry(path, wanted or path.name, ":material/warning:", slug, str(error)))
    return entries


def show(workspace: Workspace, path: Path, problem: str = "") -> None:
    """The whole page; of a board with a problem, that alone."""
    with frame.guarded("this board's file"):
        if problem:
            raise UsageError(problem)
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
    wanted: dict[str, str] = {}
    if board.kpis:
        wanted["kpis"] = statements.kpis(board, choices)
        if board.trend:
            wanted["trends"] = statements.trends(board, choices)
    for number, item in enumerate(board.charts):
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
        chosen = {item.column: _filter(board, number, item, offer) for number, item in enumerate(board.filters)}
    return {column: value for column, value in chosen.items() if value not in (None, [])}


def _filter(board: Board, number: int, item: Filter, offer: pd.Series[Any]) -> Any:
    key = f"{board.slug}.{item.column}"
    if item.type in ("select", "multiselect"):
        offered = [value for value in _plain(offer[f"f{number}"]) if value is not None]
        name = partial(formats.write, name=item.format)
        if item.type == "multiselect":
            return st.multiselect(item.label, offered, format_func=name, key=key, placeholder="All")
        return st.selectbox(item.label, offered, None, format_func=name, key=key, placeholder="All")
    low, high = offer[f"f{number}_low"], offer[f"f{number}_high"]
    if pd.isna(low) or low == high:
        st.text_input(item.label, formats.write(low, item.format), disabled=True, key=key)
        return None
    if item.type == "date":
        days = pd.Timestamp(low).date(), pd.Timestamp(high).date()
        value = st.date_input(item.label, days, *days, key=key, format="YYYY-MM-DD")
        # While a person has picked the first day only, the choice is not one yet.
        return value if isinstance(value, tuple) and len(value) == 2 and value != days else None
    first, last = float(low), float(high)
    whole = first.is_integer() and last.is_integer()
    bounds = st.slider(
        item.label, first, last, (first, last), key=key, step=1.0 if whole else None, format="%d" if whole else None
    )
    return bounds if bounds != (first, last) else None


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
                delta_color="blue",
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
            st.markdown(f"**{frame.escaped(item.title)}**", help=item.help or None)
            with frame.guarded("this chart"):
                _chart(item, found[f"chart{number}"], extra)


def _chart(item: Chart, rows: pd.DataFrame, extra: dict[str, pd.DataFrame]) -> None:
    if rows.empty:
        st.caption("No rows match these filters.")
    elif item.type == "table":
        _table(rows, item.by, item.measures)
    else:
        st.altair_chart(charts.draw(item, rows, extra), width="stretch", alt=item.title)


def _table(rows: pd.DataFrame, by: tuple[Axis, ...], measures: tuple[Measure, ...], **options: Any) -> None:
    titles: dict[str, Any] = {f"b{n}": _column(axis.label, axis.format) for n, axis in enumerate(by)}
    for number, item in enumerate(measures):
        label = f"{item.label} ({item.unit})" if item.unit else item.label
        titles[f"m{number}"] = _column(label, item.format)
    st.dataframe(
        rows,
        hide_index=True,
        column_config=titles,
        width="stretch",
        row_height=ROW_HEIGHT,
        placeholder=formats.NOTHING,
        **options,
    )


def _column(label: str, name: str) -> Any:
    known = formats.FORMATS[name]
    if known.kind == "quantitative":
        return st.column_config.NumberColumn(label, format=known.column)
    if known.kind == "temporal":
        return st.column_config.DatetimeColumn(label, format=known.column)
    return st.column_config.Column(label)


def _drill(state: str, board: Board, choices: dict[str, Any], versions: tuple[str, ...]) -> None:
    """One selectbox for each level down to the first that is open, and the table of that level below them."""
    st.subheader(board.drill_title, anchor=False)
    path: list[Any] = []
    with st.container(key="grid-drill"):
        for number, item in enumerate(board.drill):
            with st.skeleton(height=72):
                (rows,) = _tables(state, (statements.level(board, number, path, choices),), versions)
            if item.by is None or (chosen := _step(board, number, item.by, rows)) is None:
                break
            path.append(chosen)
    if rows.empty:
        st.caption("No rows match these filters.")
    elif item.by is None:
        _table(rows, item.rows, (), key=f"{board.slug}.rows")
        if len(rows) == statements.MAX_DETAIL_ROWS:
            st.caption(f"The first {statements.MAX_DETAIL_ROWS:,} rows: filter further to see the others.")
    else:
        key = f"{board.slug}.open.{'/'.join(map(str, path))}"
        is_last = number + 1 == len(board.drill)
        if not is_last:
            st.caption(f"Click a row to see its {board.drill[number + 1].label.lower()}s.")
        opening = partial(_open, key, _step_key(board, number), _plain(rows["b0"]))
        picked = {} if is_last else {"key": key, "selection_mode": "single-cell", "on_select": opening}
        _table(rows, (item.by,), item.measures, **picked)


def _step(board: Board, number: int, axis: Axis, rows: pd.DataFrame) -> Any:
    if number + 1 == len(board.drill):
        return None
    key = _step_key(board, number)
    offered = [value for value in _plain(rows["b0"]) if value is not None]
    if st.session_state.get(key) not in offered:
        st.session_state[key] = None  # a filter has taken the value away
    name = partial(formats.write, name=axis.format)
    return st.selectbox(board.drill[number].label, offered, key=key, placeholder="All", format_func=name)


def _step_key(board: Board, number: int) -> str:
    return f"{board.slug}.drill{number}"


def _open(table: str, step: str, values: list[Any]) -> None:
    """A cell of the table was clicked: choose its row's value on that level."""
    cells = st.session_state[table].selection.cells
    if cells and values[cells[0][0]] is not None:
        st.session_state[step] = values[cells[0][0]]
