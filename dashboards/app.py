"""What ``streamlit run`` serves: the pages, and beside them great-expectations' Data Docs."""

from __future__ import annotations

import logging

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from lakelet.dashboards.access import Access
from lakelet.dashboards.data_docs import data_docs
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret

log = logging.getLogger("lakelet.dashboards")


def on_script_error(error: Exception) -> bool:
    """The last net below the pages' own: a sentence for people, the traceback for the log."""
    log.error("A page failed", exc_info=error)
    st.error("This page failed: `lakelet logs dashboards` has the details.", icon=":material/error:")
    return True


app = st.App(
    # Inside pages/, not beside it: Streamlit takes a script with a pages folder for its older kind of app.
    "pages/navigation.py",
    routes=[Route("/data-docs/{path:path}", data_docs)],
    middleware=[Middleware(Access, token=secret(Workspace.find(), "dashboards"))],
    on_script_error=on_script_error,
)
