"""The quality page: what the gate between silver and gold last said, and great-expectations' Data Docs."""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

from lakelet.dashboards import datasets, frame
from lakelet.dashboards.datasets import JobRun
from lakelet.dashboards.pages import links
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import RunState

DOCS = "/data-docs"


def show(workspace: Workspace) -> None:
    """The whole page."""
    frame.heading("Quality", "Expectations that data must meet before it reaches the gold tables.")
    runs: list[JobRun] = []
    with frame.guarded("the gate's runs"):
        with st.skeleton(height=120):
            runs = [run for run in datasets.job_runs(workspace) if "quality" in run.job]
        if runs:
            _verdict(runs)
    with frame.guarded("the Data Docs"):
        if pages := datasets.data_docs(workspace):
            table = next(iter(pages)) if len(pages) == 1 else st.selectbox("Table", list(pages))
            address = f"{DOCS}/{quote(pages[table])}"
            st.link_button("Open these results in a tab of their own", address, icon=":material/open_in_new:")
            st.iframe(address, height=1000)
        elif not runs:
            frame.empty(
                "No results yet", "The quality gate writes them: `lakelet demo` runs it.", ":material/verified:"
            )


def _verdict(runs: list[JobRun]) -> None:
    """How the gate last ended, and how it ended before."""
    last = runs[0]
    with st.container(border=True, key="verdict"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{frame.escaped(last.job)}**", width="content")
            st.badge(last.state.capitalize(), color=links.color(last.state))
            st.link_button("The run", links.run_page(last.id), icon=":material/play_circle:")
            st.link_button("Its logs", links.run_logs(last.id), icon=":material/manage_search:")
        if last.error:
            st.code(last.error, language=None, wrap_lines=True)
        st.caption(
            f"{len(runs)} run{'s' if len(runs) != 1 else ''}, "
            f"{sum(run.state == RunState.SUCCEEDED for run in runs)} passed."
        )
