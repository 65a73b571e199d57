"""The overview: is everything up, what is in the lake, what ran last, and where to go."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lakelet.dashboards import datasets, formats, frame
from lakelet.dashboards.datasets import Component, JobRun, TableRows
from lakelet.dashboards.pages import links
from lakelet.workspace.paths import Workspace

LATEST = 6
CACHE_SECONDS = 30
ADDRESSES = {
    "AWS endpoint": "control", "S3": "s3", "MinIO console": "s3_console", "OpenSearch": "opensearch",
    "Spark master": "spark_master_ui", "Spark history": "spark_history",
}  # fmt: skip


def show(workspace: Workspace) -> None:
    """The whole page."""
    frame.heading("Overview", "The AWS data stack on your own machine: lake, catalog, jobs, search and boards.")
    with frame.guarded("the stack's state"):
        components = datasets.components(workspace)
        _components(components)
        if not components and datasets.address(workspace, "control") is None:
            return
    with frame.guarded("the lake"):
        with st.skeleton(height=220):
            tables = _tables(str(workspace.state))
        _lake(tables)
    left, right = st.columns([3, 2])
    with left, frame.guarded("the latest runs"):
        with st.skeleton(height=220):
            runs = datasets.job_runs(workspace)[:LATEST]
        _runs(runs)
    with right:
        _addresses(workspace)


@st.cache_data(ttl=CACHE_SECONDS, show_spinner=False)
def _tables(state: str) -> list[TableRows]:
    """The rows of every table of the lake that ``state`` belongs to."""
    return datasets.table_rows(Workspace.find())


def _components(components: list[Component]) -> None:
    if not components:
        frame.empty("The stack is not running", "Start it with `lakelet up`.", icon=":material/power_off:")
        return
    with st.container(key="grid-components"):
        for item in components:
            with st.container(border=True, gap="xxsmall"):
                st.markdown(f"**{frame.escaped(item.name)}**")
                st.badge(item.state.capitalize(), color="green" if item.state == "RUNNING" else links.color(item.state))
                if item.message and item.state != "RUNNING":
                    st.caption(frame.escaped(item.message[:200]))


def _lake(tables: list[TableRows]) -> None:
    st.subheader("Lake", anchor=False)
    if not tables:
        frame.no_data()
        return
    with st.container(key="grid-wide-layers"):
        for layer in datasets.LAYERS:
            found = [table for table in tables if table.database == layer]
            with st.container(border=True):
                counted = [table.rows for table in found if table.rows is not None]
                total = sum(counted) if len(counted) == len(found) else None  # part of it would look like all
                st.markdown(f"**{layer.capitalize()}** :gray[{formats.write(total, 'integer')} rows]")
                if not found:
                    st.caption("No tables yet.")
                    continue
                rows = pd.DataFrame({"Table": [t.name for t in found], "Rows": [t.rows for t in found]})
                st.dataframe(
                    rows,
                    hide_index=True,
                    width="stretch",
                    height="content",
                    row_height=30,
                    column_config={"Rows": st.column_config.NumberColumn(format="%,d")},
                )


def _runs(runs: list[JobRun]) -> None:
    st.subheader("Latest runs", anchor=False)
    if not runs:
        frame.empty("No runs yet", "`lakelet demo` runs the pipeline.", icon=":material/play_circle:")
        return
    rows = pd.DataFrame(
        {
            "State": [run.state],
            "Job": run.job,
            "Started": run.started,
            "Duration": formats.duration(run.seconds),
            "Run": links.run_page(run.id),
        }
        for run in runs
    )
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content",
        column_config={
            "State": links.state_column(),
            "Started": links.time_column("Started"),
            "Run": st.column_config.LinkColumn(display_text="Open"),
        },
    )


def _addresses(workspace: Workspace) -> None:
    st.subheader("Addresses", anchor=False)
    found = {label: datasets.address(workspace, name) for label, name in ADDRESSES.items()}
    with st.container(border=True):
        for label, url in found.items():
            st.markdown(f"{label}  \n" + (f"[{url}]({url})" if url else ":gray[not running]"))
