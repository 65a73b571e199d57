"""A thin client of the job operations on the wire: what the command line, the demo and the pages run jobs with."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakelet.catalog.glue import Glue
from lakelet.jobs import definitions
from lakelet.workspace.errors import (
    AlreadyExistsException,
    EntityNotFoundException,
    NotFoundError,
    NotRunningError,
    RunError,
    UsageError,
)
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import ENDED, RunState, retry_id

ASK_SECONDS = 1.0  # between two questions about a run whose folder tells no news
LOOK_SECONDS = 0.02  # between two looks at that folder
POLL_SECONDS = 0.1  # between two questions to a control process that does not answer
OUTAGE_SECONDS = 60.0  # how long a waiter bears a control process that does not answer: it is being restarted

JobRun = dict[str, Any]


@dataclass(frozen=True)
class Submitted:
    """A run as it was submitted."""

    job: str
    run_id: str


class JobClient:
    """Registers, starts, follows and stops jobs by the AWS operations; errors are ours (catalog/glue.py)."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._glue = Glue(workspace)

    def jobs(self) -> Iterator[dict[str, Any]]:
        """Every registered job, as Glue's Job structure."""
        yield from self._glue.pages("GetJobs", "Jobs")

    def runs(self, job: str) -> Iterator[JobRun]:
        """The runs of a job, the newest first. Raises EntityNotFoundException."""
        yield from self._glue.pages("GetJobRuns", "JobRuns", JobName=job)

    def put(self, job: Mapping[str, Any]) -> None:
        """Register a job (CreateJob's members), or replace the definition of the one there is."""
        try:
            self._glue.call("CreateJob", **job)
        except AlreadyExistsException:
            update = {member: value for member, value in job.items() if member != "Name"}
            self._glue.call("UpdateJob", JobName=job["Name"], JobUpdate=update)

    def submit(
        self, what: str, arguments: Mapping[str, str] | None = None, timeout_minutes: int | None = None
    ) -> Submitted:
        """Start a run of a job in the library, of a script (a path that ends in ``.py``), or of a registered job.

        The first two are registered first, as they now stand. Raises NotFoundError when there is no such thing,
        ConcurrentRunsExceededException.
        """
        if folder := definitions.library(self._workspace).get(what):
            job = definitions.read_job(folder)
        elif what.endswith(".py"):
            if not Path(what).is_file():
                raise NotFoundError(f"The script {what} does not exist: give the path of a Python file.")
            job = definitions.script_job(Path(what))
        else:
            return self.start(what, arguments, timeout_minutes)
        self.put(job)
        return self.start(job["Name"], arguments, timeout_minutes)

    def start(
        self, job: str, arguments: Mapping[str, str] | None = None, timeout_minutes: int | None = None
    ) -> Submitted:
        """StartJobRun of a registered job. Raises NotFoundError for an unknown one, ConcurrentRunsExceededException."""
        wanted = {"JobName": job, "Arguments": dict(arguments or {})} | (
            {"Timeout": timeout_minutes} if timeout_minutes else {}
        )
        try:
            answer = self._glue.call("StartJobRun", **wanted)
        except EntityNotFoundException as error:
            known = ", ".join(definitions.library(self._workspace)) or "no jobs"
            raise NotFoundError(
                f"No job is named {job!r}: the library has {known}; to run a script, give its path (it ends in .py)."
            ) from error
        return Submitted(job, answer["JobRunId"])

    def run(self, job: str, run_id: str) -> JobRun:
        """GetJobRun. Raises EntityNotFoundException."""
        answer: JobRun = self._glue.call("GetJobRun", JobName=job, RunId=run_id)["JobRun"]
        return answer

    def stop(self, job: str, run_id: str) -> None:
        """Ask a run to end. Raises RunError when it cannot be asked: it has ended, say."""
        answer = self._glue.call("BatchStopJobRun", JobName=job, JobRunIds=[run_id])
        for error in answer["Errors"]:
            raise RunError(error["ErrorDetail"]["ErrorMessage"])

    def wait(self, submitted: Submitted, notice: Callable[[JobRun], None] = lambda run: None) -> JobRun:
        """Follow a run, and its retries, to its end; ``notice`` is told of every change.

        A control process that is being restarted is waited for; NotRunningError when it stays away.
        """
        told: tuple[Any, ...] = ()
        run_id = submitted.run_id
        while True:
            known = self._events(run_id)
            run = self.patiently(submitted.job, run_id)
            if (now := (run["Id"], run["JobRunState"], run.get("StateDetail"))) != told:
                notice(run)
                told = now
            if not has_ended(run):
                self._await_news(run_id, known)
            elif (retry := self._retry(run)) is None:
                return run
            else:
                run_id = retry

    def _await_news(self, run_id: str, known: int) -> None:
        """Wait until the run may have changed. What it is then, Glue is asked: the runner appends to ``events.jsonl``
        after each transition, and looking at a file's size costs the run no processor time, which asking does.
        """
        deadline = time.monotonic() + ASK_SECONDS
        while self._events(run_id) == known and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)

    def _events(self, run_id: str) -> int:
        try:
            return (self._workspace.runs / run_id / "events.jsonl").stat().st_size
        except OSError:
            return 0

    def patiently(self, job: str, run_id: str) -> JobRun:
        """:meth:`run` that waits for a control process that is being restarted; NotRunningError when it stays away."""
        deadline = time.monotonic() + OUTAGE_SECONDS
        while True:
            try:
                return self.run(job, run_id)
            except NotRunningError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)

    def _retry(self, run: JobRun) -> str | None:
        """The id of the attempt that followed a failed one."""
        if run["JobRunState"] != RunState.FAILED:
            return None
        try:
            return str(self.run(run["JobName"], retry_id(run["Id"], run["Attempt"] + 1))["Id"])
        except EntityNotFoundException:
            return None


def has_ended(run: JobRun) -> bool:
    """Whether a JobRun is in one of its last states."""
    return RunState(run["JobRunState"]) in ENDED


def find_run(workspace: Workspace, text: str) -> Submitted:
    """The run of that id, or of the one id that begins so (``jr_3f2a``, ``jr_3f2a_attempt_1``); its folder says whose
    run it is.

    Raises NotFoundError when there is none, UsageError when there is more than one, or the text is no id.
    """
    if not re.fullmatch(r"\w+", text):
        raise UsageError(f"{text!r} is not a valid run id: list the runs with `lakelet jobs runs`.")
    base, _, number = text.partition("_attempt_")
    beginning = base if base.startswith("jr_") else f"jr_{base}"
    names = sorted(path.name for path in workspace.runs.glob("jr_*"))
    found = [name for name in names if name.startswith(beginning) and name.partition("_attempt_")[2] == number]
    if not found:
        raise NotFoundError(f"No run matches {text!r}: list the runs with `lakelet jobs runs`.")
    if len(found) > 1:
        some = ", ".join(name[:15] for name in found[:5])
        raise UsageError(f"Several runs match {text!r} ({some}): list the runs with `lakelet jobs runs`.")
    try:
        with open(workspace.runs / found[0] / "events.jsonl", encoding="utf-8") as file:
            return Submitted(json.loads(file.readline())["name"], found[0])
    except (OSError, ValueError, KeyError) as error:
        raise NotFoundError(f"The folder of run {found[0]} is not complete ({error}).") from error
