"""One table of the catalog, a view at a time: schema, rows, partitions, versions, statistics, lineage and crawls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from lakelet.dashboards import catalog_data, formats, frame
from lakelet.dashboards.pages import catalog_lineage, catalog_versions, links
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException
from lakelet.workspace.paths import Workspace

PARTITIONS = 50
CACHE_SECONDS = 30
ROW_HEIGHT = 30
TALL = 25  # rows, from which on a grid scrolls

Found = dict[str, Any]


def show(workspace: Workspace, database: str, name: str) -> None:
    """The whole page."""
    st.button("All tables", icon=":material/arrow_back:", type="tertiary", on_click=links.close_table)
    title = f"{database}.{name}"
    with frame.guarded("this table"):
        try:
            with st.skeleton(height=160):
                found = catalog_data.table(workspace, database, name)
        except EntityNotFoundException:
            frame.heading(title, "This table is not in the Data Catalog.")
            frame.empty("No such table", "It may have been dropped or renamed.", ":material/search_off:")
            return
        described = found.get("Description") or f"A table of the database {database}."
        frame.heading(f"{found['DatabaseName']}.{found['Name']}", frame.escaped(described))
        _facts(found)
        _view(workspace, found)


def _view(workspace: Workspace, found: Found) -> None:
    views: dict[str, Callable[[Workspace, Found], None]] = {
        "Schema": _schema, "Rows": _rows, "Partitions": _partitions, "Versions": catalog_versions.show,
        "Statistics": _statistics, "Lineage": catalog_lineage.show, "Crawls": catalog_lineage.crawls,
    }  # fmt: skip
    if not found.get("PartitionKeys"):
        del views["Partitions"]
    chosen = st.segmented_control(
        "View", list(views), default="Schema", required=True, key="view", bind="query-params",
        label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    view = chosen if chosen in views else "Schema"
    with frame.guarded(f"the {view.lower()}"), st.container(key=f"view-{view}"):
        views[view](workspace, found)


def _facts(found: Found) -> None:
    descriptor = found.get("StorageDescriptor") or {}
    keys = ", ".join(key["Name"] for key in found.get("PartitionKeys") or ())
    with st.container(border=True, key="table-facts"):
        with st.container(key="grid-facts"):
            for label, value in (
                ("Format", catalog_data.table_format(found) or formats.NOTHING),
                ("Columns", formats.write(len(descriptor.get("Columns") or ()), "integer")),
                ("Partitioned by", keys or "nothing"),
                ("Version", found.get("VersionId", formats.NOTHING)),
                ("Updated", links.moment(found.get("UpdateTime"))),
                ("Created", links.moment(found.get("CreateTime"))),
            ):
                st.markdown(f":small[:gray[{label}]]  \n{frame.escaped(str(value))}")
        if location := descriptor.get("Location"):
            st.code(location, language=None, wrap_lines=True)


def _schema(workspace: Workspace, found: Found) -> None:
    rows = catalog_data.columns(found)
    if rows.empty:
        frame.empty("No columns", "This table was registered without a schema.", ":material/table:")
    else:
        rows["column"] = rows["column"].where(~rows["partition"], rows["column"] + "  (partition key)")
        grid(
            rows.drop(columns="partition"),
            column=st.column_config.TextColumn("Column", width=230),
            type=st.column_config.TextColumn("Type", width=190),
            comment=st.column_config.TextColumn("Comment", width=420),
        )
    descriptor = found.get("StorageDescriptor") or {}
    storage = {
        "SerDe": (descriptor.get("SerdeInfo") or {}).get("SerializationLibrary"),
        "Input format": descriptor.get("InputFormat"),
        "Output format": descriptor.get("OutputFormat"),
        "Table type": found.get("TableType"),
        "Owner": found.get("Owner"),
    }
    _pairs("Parameters", found.get("Parameters") or {})
    _pairs("SerDe parameters", (descriptor.get("SerdeInfo") or {}).get("Parameters") or {})
    _pairs("Storage", {label: value for label, value in storage.items() if value})
    if text := found.get("ViewOriginalText"):
        with st.expander("View"):
            st.code(text, language="sql", wrap_lines=True)


def _pairs(title: str, values: dict[str, Any]) -> None:
    if not values:
        return
    with st.expander(f"{title} · {len(values)}"):
        rows = pd.DataFrame({"Name": name, "Value": str(value)} for name, value in sorted(values.items()))
        grid(rows, Name=st.column_config.TextColumn(width=260))


def _rows(workspace: Workspace, found: Found) -> None:
    with st.skeleton(height=320):
        rows = _sample(str(workspace.state), found["DatabaseName"], found["Name"], found.get("VersionId", ""))
    if rows.empty:
        frame.empty("No rows", "The table is registered, and has no rows yet.", ":material/table_rows:")
        return
    grid(rows)
    if len(rows) == catalog_data.SAMPLE_ROWS:
        st.caption(f"The first {len(rows)} rows: `lakelet sql` and the boards have them all.")


@st.cache_data(ttl=CACHE_SECONDS, max_entries=50, show_spinner=False)
def _sample(state: str, database: str, name: str, version: str) -> pd.DataFrame:
    """The first rows of a table of the lake that ``state`` belongs to."""
    return catalog_data.sample(Workspace.find(), database, name)


def _partitions(workspace: Workspace, found: Found) -> None:
    keys = found["PartitionKeys"]
    expression = st.text_input(
        "Condition", key="where", bind="query-params", type="search", icon=":material/filter_alt:", max_chars=2048,
        placeholder=_example(keys), label_visibility="collapsed",
    )  # fmt: skip
    wanted = (found["DatabaseName"], found["Name"], expression)
    if st.session_state.get("partitions.of") != wanted:
        st.session_state["partitions.of"], st.session_state["partitions.cursors"] = wanted, []
    cursors: list[str] = st.session_state["partitions.cursors"]
    try:
        with st.skeleton(height=320):
            page = catalog_data.partitions(
                workspace, found, expression or "", cursors[-1] if cursors else None, PARTITIONS
            )
    except InvalidInputException as error:
        frame.empty("Please check the condition", frame.escaped(str(error)), ":material/edit_note:")
        return
    if page.rows.empty:
        text = "No partition satisfies it." if expression else "A crawl, or a write, registers them."
        frame.empty("Nothing found" if expression else "No partitions yet", text, ":material/folder_off:")
        return
    grid(
        page.rows,
        **{key["Name"]: st.column_config.TextColumn(f"{key['Name']} ({key.get('Type', '')})") for key in keys},
        Created=links.time_column("Created", 140),
        Location=st.column_config.TextColumn(width=420),
    )
    if cursors or page.next:
        _pager(cursors, len(page.rows), page.next)


def _example(keys: list[dict[str, Any]]) -> str:
    name, kind = keys[0]["Name"], keys[0].get("Type", "string")
    return f"a condition, like  {name} >= {'6' if kind in catalog_data.NUMBERS else repr('2013-06')}"


def _pager(cursors: list[str], shown: int, following: str | None) -> None:
    first = len(cursors) * PARTITIONS + 1

    def back() -> None:
        cursors.pop()

    def forward() -> None:
        if following:
            cursors.append(following)

    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="center", key="pager"):
        st.button("Previous", icon=":material/chevron_left:", disabled=not cursors, on_click=back)
        st.markdown(f"{first:,} – {first + shown - 1:,}", width="content")
        st.button(
            "Next", icon=":material/chevron_right:", icon_position="right", disabled=not following, on_click=forward
        )


def _statistics(workspace: Workspace, found: Found) -> None:
    with st.skeleton(height=200):
        rows = catalog_data.statistics(workspace, found)
    if rows.empty:
        name = f"{found['DatabaseName']}.{found['Name']}"
        text = f"`lakelet catalog analyze {name}` computes minimum, maximum, nulls and distinct values of its columns."
        frame.empty("No statistics", text, ":material/query_stats:")
        return
    rows = rows.rename(columns=str.capitalize)
    grid(
        rows,
        Column=st.column_config.TextColumn(width=180),
        Minimum=st.column_config.TextColumn(width=150),
        Maximum=st.column_config.TextColumn(width=150),
        Nulls=st.column_config.NumberColumn(format="%,d"),
        Distinct=st.column_config.NumberColumn("Distinct, about", format="%,d"),
        **{"Average length": st.column_config.NumberColumn(format="%.1f")},
        Analyzed=links.time_column("Analyzed"),
    )


def grid(rows: pd.DataFrame, **config: Any) -> None:
    """A table of the catalog's pages: as high as its rows, up to a point."""
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content" if len(rows) <= TALL else TALL * ROW_HEIGHT,
        row_height=ROW_HEIGHT,
        placeholder=formats.NOTHING,
        column_config=config,
    )
