"""The jobs page: every run with its state, times, attempts and links, and one run in full."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pandas as pd
import streamlit as st

from lakelet.dashboards import datasets, formats, frame
from lakelet.dashboards.datasets import JobRun
from lakelet.dashboards.pages import links
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import RunState

REFRESH_SECONDS = 4
FAILED = (RunState.FAILED, RunState.TIMEOUT, RunState.ERROR)


def show(workspace: Workspace) -> None:
    """The whole page; it looks again by itself while a run is under way."""
    frame.heading("Jobs", "Runs of Glue and Spark jobs: what ran, how it ended, and where to look closer.")
    with frame.guarded("the jobs"):
        with st.skeleton(height=400):
            under_way = any(run.under_way for run in datasets.job_runs(workspace))
        st.fragment(partial(_guarded_runs, workspace), run_every=REFRESH_SECONDS if under_way else None)()


def _guarded_runs(workspace: Workspace) -> None:
    with frame.guarded("the jobs"):
        _runs(workspace)


def _runs(workspace: Workspace) -> None:
    runs = datasets.job_runs(workspace)
    if not runs:
        frame.empty("No runs yet", "`lakelet demo` runs the pipeline, `lakelet jobs submit` a script of your own.")
        return
    with st.container(key="grid-jobs"):
        ended = [run.seconds for run in runs if run.state == RunState.SUCCEEDED and run.seconds is not None]
        st.metric("Runs", formats.write(len(runs), "integer"), border=True)
        st.metric(
            "Succeeded", formats.write(sum(run.state == RunState.SUCCEEDED for run in runs), "integer"), border=True
        )
        st.metric("Failed", formats.write(sum(run.state in FAILED for run in runs), "integer"), border=True)
        st.metric("Under way", formats.write(sum(run.under_way for run in runs), "integer"), border=True)
        st.metric("Median duration", formats.duration(pd.Series(ended).median() if ended else None), border=True)
    _one(workspace, runs)
    _table(workspace, runs)


def _table(workspace: Workspace, runs: list[JobRun]) -> None:
    counted = Counter(run.job for run in runs)
    with st.container(key="grid-job-filters"):
        job = st.selectbox(
            "Job", sorted(counted), None, placeholder="All jobs", format_func=lambda name: f"{name} · {counted[name]}"
        )
        state = st.selectbox("State", sorted({run.state for run in runs}), None, placeholder="All states")
    shown = [run for run in runs if job in (None, run.job) and state in (None, run.state)]
    if not shown:
        st.caption("No run matches.")
        return
    rows = pd.DataFrame(
        {
            "State": [run.state],
            "Job": run.job,
            "Started": run.started,
            "Duration": formats.duration(run.seconds),
            "Engine": run.engine.engine if run.engine else None,
            "Attempt": run.attempt + 1,
            "Details": links.run_page(run.id),
            "Logs": links.run_logs(run.id),
            "Spark": datasets.spark_address(workspace, run),
            "Message": run.error,
            "Run": run.id,
        }
        for run in shown
    )
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        placeholder=formats.NOTHING,
        column_config={
            "State": links.state_column(),
            "Job": st.column_config.TextColumn(width=150),
            "Started": links.time_column("Started", 130),
            "Duration": st.column_config.TextColumn(width=95),
            "Engine": st.column_config.TextColumn(width=70),
            "Attempt": st.column_config.NumberColumn(width=70),
            "Details": st.column_config.LinkColumn(display_text="Open", width=70),
            "Logs": st.column_config.LinkColumn(display_text="Logs", width=60),
            "Spark": st.column_config.LinkColumn(display_text="Spark UI", width=80),
            "Message": st.column_config.TextColumn(width=260),
        },
    )


def _one(workspace: Workspace, runs: list[JobRun]) -> None:
    """The run that the address names, in full."""
    wanted = st.query_params.get("run")
    if not wanted:
        return
    run = next((run for run in runs if run.id == wanted), None)
    with st.container(border=True, key="run-details"):
        if run is None:
            st.markdown("**No such run.** It may have been removed; choose another below.")
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(frame.escaped(run.job), anchor=False, width="content")
            st.badge(run.state.capitalize(), color=links.color(run.state))
        if run.error:
            st.code(run.error, language=None, wrap_lines=True)
        with st.container(key="grid-run"):
            for label, value in (
                ("Started", links.moment(run.started)),
                ("Ended", links.moment(run.ended)),
                ("Duration", formats.duration(run.seconds)),
                ("Attempt", str(run.attempt + 1)),
            ):
                st.markdown(f":small[:gray[{label}]]  \n{value}")
        if run.engine:
            st.caption(f"On {run.engine.engine}: {frame.escaped(run.engine.reason)}.")
        st.caption(f"Run {run.id}" + (f", a retry of {links.short(run.previous_id)}" if run.previous_id else ""))
        if run.arguments:
            with st.expander("Arguments"):
                st.code("\n".join(f"{name} {value}" for name, value in run.arguments.items()), language=None)
        if contexts := datasets.transformation_contexts(workspace, run):
            with st.expander("Transformation contexts"):
                st.code("\n".join(f"{name}: {', '.join(uses)}" for name, uses in contexts.items()), language=None)
        with st.container(horizontal=True):
            st.link_button("Logs", links.run_logs(run.id), icon=":material/manage_search:")
            if spark := datasets.spark_address(workspace, run):
                st.link_button("Spark history", spark, icon=":material/open_in_new:")
            if run.under_way and (master := datasets.address(workspace, "spark_master_ui")):
                st.link_button("Spark master", master, icon=":material/open_in_new:")
            if st.button("Close", icon=":material/close:"):
                del st.query_params["run"]
                st.rerun()
