"""The crawlers page: every crawler, how its last crawl ended, and the history of the one that is chosen."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from lakelet.dashboards import catalog_data, formats, frame
from lakelet.dashboards.catalog_data import Crawler
from lakelet.dashboards.pages import catalog_lineage, links
from lakelet.workspace.paths import Workspace

REFRESH_SECONDS = 3


def show(workspace: Workspace) -> None:
    """The whole page; it looks again by itself while a crawl is under way."""
    frame.heading("Crawlers", "What registers tables by looking at the lake's objects, and what each crawl changed.")
    with frame.guarded("the crawlers"):
        with st.skeleton(height=320):
            busy = any(one.state != "READY" for one in catalog_data.crawlers(workspace))
        st.fragment(partial(_guarded, workspace), run_every=REFRESH_SECONDS if busy else None)()


def _guarded(workspace: Workspace) -> None:
    with frame.guarded("the crawlers"):
        _crawlers(workspace)


def _crawlers(workspace: Workspace) -> None:
    found = catalog_data.crawlers(workspace)
    if not found:
        text = "`lakelet catalog crawl s3://bucket/folder/` makes one and runs it."
        frame.empty("No crawlers yet", text, ":material/travel_explore:")
        return
    _table(found)
    names = [one.name for one in found]
    if st.session_state.get("crawler") not in names:
        st.session_state["crawler"] = names[0]
    chosen = st.selectbox("History of", names, key="crawler", bind="query-params")
    crawler = next(one for one in found if one.name == chosen)
    if crawler.last_error:
        st.code(crawler.last_error, language=None, wrap_lines=True)
    catalog_lineage.crawl_history(catalog_data.crawls(workspace, crawler.name))


def _table(found: list[Crawler]) -> None:
    rows = pd.DataFrame(
        {
            "Crawler": one.name,
            "State": [one.state],
            "Database": one.database,
            "Last crawl": [one.last_state] if one.last_state else None,
            "When": one.last_started,
            "Usual duration": formats.duration(one.median_seconds),
            "Targets": one.targets,
        }
        for one in found
    )
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content" if len(rows) <= 12 else 440,
        placeholder=formats.NOTHING,
        column_config={
            "Crawler": st.column_config.TextColumn(width=160),
            "State": links.state_column(),
            "Database": st.column_config.TextColumn(width=110),
            "Last crawl": links.state_column("Last crawl"),
            "When": links.time_column("When", 130),
            "Usual duration": st.column_config.TextColumn(width=110),
            "Targets": st.column_config.TextColumn(width=320),
        },
    )
