"""The versions of a table, and what two of them differ in, side by side."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pandas as pd
import streamlit as st

from lakelet.catalog.differences import ADDED, CHANGED, REMOVED, Difference, differences
from lakelet.dashboards import catalog_data, formats, frame
from lakelet.dashboards.pages import links
from lakelet.workspace.paths import Workspace

COLORS = {ADDED: "green", REMOVED: "red", CHANGED: "orange"}


def show(workspace: Workspace, found: dict[str, Any]) -> None:
    """The view of one table, Glue's structure of which is ``found``."""
    with st.skeleton(height=240):
        versions = catalog_data.versions(workspace, found["DatabaseName"], found["Name"])
    numbers = [one["VersionId"] for one in versions]
    by_number = {one["VersionId"]: one["Table"] for one in versions}
    if len(numbers) == 1:
        frame.empty("One version", "The table has not been changed since it was made.", ":material/history:")
        return
    _choose(numbers, by_number)
    st.markdown("**All versions**")
    _history(versions)
    if len(versions) == catalog_data.MAX_VERSIONS:
        st.caption(f"The latest {len(versions):,} versions.")


def _choose(numbers: list[str], by_number: dict[str, dict[str, Any]]) -> None:
    with st.container(key="grid-versions"):
        older = st.selectbox("From", numbers, 1, format_func=lambda one: _named(one, by_number), key="from")
        newer = st.selectbox("To", numbers, 0, format_func=lambda one: _named(one, by_number), key="to")
    if older is None or newer is None or older not in by_number or newer not in by_number:
        return
    changes = differences(by_number[older], by_number[newer])
    if not changes:
        frame.empty("No difference", f"Versions {older} and {newer} are the same.", ":material/difference:")
        return
    _changes(changes, older, newer)


def _named(number: str, by_number: dict[str, dict[str, Any]]) -> str:
    return f"{number} · {links.moment(by_number[number].get('UpdateTime'))}"


def _changes(changes: list[Difference], older: str, newer: str) -> None:
    rows = pd.DataFrame(
        {
            "Change": [one.change],
            "What": one.part,
            "Name": one.name,
            f"Version {older}": one.before or None,
            f"Version {newer}": one.after or None,
        }
        for one in changes
    )
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content" if len(rows) <= 15 else 500,
        placeholder=formats.NOTHING,
        alt="What differs between the two versions",
        column_config={
            "Change": st.column_config.MultiselectColumn(
                options=list(COLORS), color=list(COLORS.values()), format_func=str.capitalize, width=105
            ),
            "What": st.column_config.TextColumn(width=110),
            "Name": st.column_config.TextColumn(width=180),
            f"Version {older}": st.column_config.TextColumn(width=240),
            f"Version {newer}": st.column_config.TextColumn(width=240),
        },
    )


def _history(versions: list[dict[str, Any]]) -> None:
    rows = []
    for one, before in itertools.zip_longest(versions, versions[1:]):
        counted = Counter(item.change for item in differences(before["Table"], one["Table"])) if before else Counter()
        rows.append(
            {
                "Version": one["VersionId"],
                "Updated": one["Table"].get("UpdateTime"),
                "Columns": len((one["Table"].get("StorageDescriptor") or {}).get("Columns") or ()),
                "Changes": ", ".join(f"{count} {change}" for change, count in counted.items()) or None,
            }
        )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        height="content" if len(rows) <= 10 else 380,
        placeholder=formats.NOTHING,
        column_config={
            "Version": st.column_config.TextColumn(width=80),
            "Updated": links.time_column("Updated", 150),
            "Columns": st.column_config.NumberColumn(format="%,d", width=90),
            "Changes": st.column_config.TextColumn(width=260),
        },
    )
