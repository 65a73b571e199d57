"""The catalog page: a search over every table of every database; the one that the address names is shown in full."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pandas as pd
import streamlit as st

from lakelet.dashboards import catalog_data, formats, frame
from lakelet.dashboards.catalog_data import TableEntry
from lakelet.dashboards.pages import catalog_table, links
from lakelet.workspace.paths import Workspace

FACETS = {"database": "Database", "format": "Format"}


def show(workspace: Workspace) -> None:
    """The whole page."""
    database, name = st.query_params.get("database"), st.query_params.get("table")
    if database and name:
        catalog_table.show(workspace, database, name)
        return
    frame.heading("Catalog", "Every table of the Data Catalog: find it, look into it, see where it comes from.")
    with frame.guarded("the catalog"):
        _search(workspace)


def _search(workspace: Workspace) -> None:
    text = st.text_input(
        "Search", key="q", bind="query-params", type="search", icon=":material/search:", max_chars=1000,
        placeholder="words of names, columns, comments, locations", label_visibility="collapsed",
    )  # fmt: skip
    with st.skeleton(height=320):
        found = catalog_data.search(workspace, text or "")
    if not found:
        if text:
            frame.empty("Nothing found", "No table has all of these words: try fewer of them.", ":material/search_off:")
        else:
            frame.no_data()
        return
    shown = _filtered(found)
    _table(shown)
    if len(found) == catalog_data.MAX_FOUND:
        st.caption(f"Only the first {catalog_data.MAX_FOUND:,} tables were looked at: search for more words.")


def _filtered(found: list[TableEntry]) -> list[TableEntry]:
    with st.container(key="grid-catalog-facets"):
        for name, label in FACETS.items():
            counted = Counter(getattr(table, name) for table in found if getattr(table, name))
            key = f"catalog.{name}"
            if key not in st.session_state and name in st.query_params:
                st.session_state[key] = st.query_params[name]
            if st.session_state.get(key) not in counted:
                st.session_state[key] = None
            chosen = st.selectbox(
                label, sorted(counted), key=key, placeholder="All", on_change=partial(_remember, name),
                format_func=partial(_counted, counted),
            )  # fmt: skip
            found = [table for table in found if chosen in (None, getattr(table, name))]
    return found


def _remember(name: str) -> None:
    """Keep a facet's choice in the address."""
    chosen = st.session_state[f"catalog.{name}"]
    if chosen is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = chosen


def _counted(counts: Counter[str], value: str) -> str:
    return f"{value} · {counts[value]:,}"


def _table(shown: list[TableEntry]) -> None:
    rows = pd.DataFrame(
        {
            "Table": f"{table.database}.{table.name}",
            "Format": table.format or formats.NOTHING,
            "Columns": table.columns,
            "Partitioned by": ", ".join(table.partition_keys),
            "Updated": table.updated,
            "Description": table.description,
        }
        for table in shown
    )
    st.caption(f"{len(shown):,} table{'s' if len(shown) != 1 else ''}. Click one to look into it.")
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content" if len(shown) <= 15 else 560,
        placeholder=formats.NOTHING,
        key="catalog.tables",
        selection_mode="single-cell",
        on_select=partial(_open, shown),
        alt="The tables found",
        column_config={
            "Table": st.column_config.TextColumn(width=230),
            "Format": st.column_config.TextColumn(width=80),
            "Columns": st.column_config.NumberColumn(format="%,d", width=75),
            "Partitioned by": st.column_config.TextColumn(width=130),
            "Updated": links.time_column("Updated", 130),
            "Description": st.column_config.TextColumn(width=320),
        },
    )


def _open(shown: list[TableEntry]) -> None:
    """A cell of the list was clicked: show its table."""
    cells = st.session_state["catalog.tables"].selection.cells
    if cells and cells[0][0] < len(shown):
        links.open_table(shown[cells[0][0]].database, shown[cells[0][0]].name)
