"""Where a table comes from and where it goes, and the crawls that registered it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from lakelet.dashboards import catalog_data, formats, frame
from lakelet.dashboards.catalog_data import Crawl, Toucher
from lakelet.dashboards.pages import links
from lakelet.workspace.paths import Workspace


def show(workspace: Workspace, found: dict[str, Any]) -> None:
    """The lineage of one table, Glue's structure of which is ``found``."""
    with st.skeleton(height=240):
        lineage = catalog_data.lineage(workspace, found)
    if not (lineage.writers or lineage.readers or lineage.crawler):
        text = "It fills as jobs read the table through the catalog, and publish to it."
        frame.empty("Nothing recorded yet", text, ":material/account_tree:")
        return
    with st.container(border=True, key="lineage-in"):
        st.markdown("**Where it comes from**")
        _tables("in", lineage.sources, "No job that wrote it read another table.")
        if lineage.crawler:
            st.markdown(f"Registered by the crawler **{frame.escaped(lineage.crawler)}**.")
        _touchers("Written by", lineage.writers)
    with st.container(border=True, key="lineage-out"):
        st.markdown("**Where it goes**")
        _tables("out", lineage.derived, "No table was made of it yet.")
        _touchers("Read by", lineage.readers)
    st.caption("As jobs' runs have read and published; queries and boards are not counted.")


def _tables(side: str, tables: Sequence[tuple[str, str]], nothing: str) -> None:
    if not tables:
        st.caption(nothing)
        return
    with st.container(horizontal=True, gap="small"):
        for database, name in tables:
            st.button(
                f"{database}.{name}", key=f"{side}.{database}.{name}", icon=":material/table:",
                on_click=links.open_table, args=(database, name, "Lineage"),
            )  # fmt: skip


def _touchers(title: str, jobs: Sequence[Toucher]) -> None:
    if not jobs:
        return
    rows = pd.DataFrame(
        {
            title: one.job or "a notebook",
            "Last run": [one.state] if one.state else None,
            "When": one.at,
            "Runs": one.runs,
            "Details": links.run_page(one.run_id) if one.job else None,
        }
        for one in jobs
    )
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content" if len(rows) <= 10 else 380,
        placeholder=formats.NOTHING,
        column_config={
            title: st.column_config.TextColumn(width=150),
            "Last run": links.state_column("Last run"),
            "When": links.time_column("When", 125),
            "Runs": st.column_config.NumberColumn(format="%,d", width=60),
            "Details": st.column_config.LinkColumn(display_text="Open", width=70),
        },
    )


def crawls(workspace: Workspace, found: dict[str, Any]) -> None:
    """The crawls of the crawler that registered one table."""
    crawler = (found.get("Parameters") or {}).get("UPDATED_BY_CRAWLER")
    if not crawler:
        text = "`lakelet catalog crawl s3://bucket/folder/` registers tables by looking at their objects."
        frame.empty("No crawler registered this table", text, ":material/travel_explore:")
        return
    with st.skeleton(height=200):
        history = catalog_data.crawls(workspace, crawler)
    st.markdown(f"Crawls of **{frame.escaped(crawler)}**")
    crawl_history(history)


def crawl_history(history: Sequence[Crawl]) -> None:
    """Some crawls as a table; a sentence when there are none."""
    if not history:
        frame.empty("No crawls yet", "`lakelet catalog crawl NAME` starts one.", ":material/travel_explore:")
        return
    rows = pd.DataFrame(
        {
            "State": [one.state],
            "Started": one.started,
            "Duration": formats.duration(one.seconds),
            "Changes": ", ".join(f"{count:,} {what}" for what, count in one.changes.items()) or None,
            "Logs": links.run_logs(one.id),
            "Message": one.error or None,
        }
        for one in history
    )
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content" if len(rows) <= 12 else 440,
        placeholder=formats.NOTHING,
        column_config={
            "State": links.state_column(),
            "Started": links.time_column("Started", 130),
            "Duration": st.column_config.TextColumn(width=95),
            "Changes": st.column_config.TextColumn(width=300),
            "Logs": st.column_config.LinkColumn(display_text="Logs", width=60),
            "Message": st.column_config.TextColumn(width=300),
        },
    )
