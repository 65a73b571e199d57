"""The quality page: what the gate between silver and gold last said, and great-expectations' Data Docs."""

from __future__ import annotations

import streamlit as st

from dashboards import datasets, frame
from workspace.paths import Workspace

DOCS = "/data-docs/index.html"


def show(workspace: Workspace) -> None:
    """The whole page."""
    frame.heading("Quality", "Expectations that data must meet before it reaches the gold tables.")
    with frame.guarded("the quality results"):
        if not datasets.data_docs(workspace):
            frame.empty(
                "No results yet", "The quality gate writes them: `lakelet demo` runs it.", ":material/verified:"
            )
            return
        st.link_button("Open the Data Docs in a tab of their own", DOCS, icon=":material/open_in_new:")
        st.iframe(DOCS, height=900)
