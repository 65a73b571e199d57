"""The main job: a year of real flights through lake, catalog, ETL, quality gate, Spark, index and boards.

The flow is :data:`STEPS`, read downward. Every step runs what a user would run (a crawler, a job run), and what it
reports is counted afterwards, from what it left behind.
"""

from __future__ import annotations

import http.client
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lakelet.catalog.client import ensure_database, get_partitions, get_tables
from lakelet.catalog.glue import Glue
from lakelet.data import flights
from lakelet.data.zones import BRONZE, GOLD, SILVER
from lakelet.jobs.client import JobClient, JobRun, Submitted, has_ended
from lakelet.query.client import query
from lakelet.search.client import open_client
from lakelet.search.client import translated as search_translated
from lakelet.workspace.addresses import bearer
from lakelet.workspace.errors import (
    AlreadyExistsException,
    ConcurrentRunsExceededException,
    CrawlerNotRunningException,
    CrawlerStoppingException,
    QualityError,
    RunError,
    StackError,
)
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import RunState

MONTHS = tuple(range(1, 13))
CRAWLER = "bronze"
AGGREGATES = ("delay_by_carrier", "delay_by_route", "delay_by_hour", "delay_by_weather", "monthly_seasonality")
POLL_SECONDS = 0.1

Counts = dict[str, int]


@dataclass(frozen=True)
class Demo:
    """What the steps share: the workspace, the months of 2013 to load, and where notes on progress go."""

    workspace: Workspace
    months: Sequence[int] = MONTHS
    note: Callable[[str], None] = lambda text: None


@dataclass(frozen=True)
class Step:
    """One stage: its name, a sentence for people, and the function that runs it and counts what it left."""

    name: str
    title: str
    run: Callable[[Demo], Counts]


@dataclass(frozen=True)
class Outcome:
    """What a step left, in rows (or objects) by name, and how many seconds it took."""

    step: Step
    counts: Counts
    seconds: float


def lake(demo: Demo) -> Counts:
    """Deliver the bronze objects of the months asked for, and of those only."""
    done = flights.write_bronze(demo.workspace, demo.months, demo.note)
    return {
        "objects": done.objects,
        "input": done.input_rows,
        "flights": done.flights,
        "resent": done.duplicates,
        "broken": done.quarantine,
    }


def catalog(demo: Demo) -> Counts:
    """Make the three databases and crawl the bronze bucket."""
    for database in (BRONZE, SILVER, GOLD):
        ensure_database(demo.workspace, database)
    _crawl(demo)
    tables = list(get_tables(demo.workspace, BRONZE))
    return {
        "tables": len(tables),
        "partitions": sum(1 for _ in get_partitions(demo.workspace, BRONZE, "flights")),
    }


def silver(demo: Demo) -> Counts:
    """Run the Glue script bronze → silver; every delivered row must be found again, once."""
    _run(demo, "flights_silver")
    counts = {name: _count(demo, f"silver.{name}") for name in ("flights", "flights_duplicates", "flights_quarantine")}
    delivered = flights.bronze_objects(demo.months)[1]
    expected = delivered["flights"] + delivered["resent_exact"] + delivered["resent_conflicting"]
    expected += sum(delivered["broken"].values())
    if sum(counts.values()) != expected:
        raise QualityError(
            f"{expected:,} rows were delivered but silver, duplicates and quarantine hold {sum(counts.values()):,}: "
            "see `lakelet jobs logs` of the flights_silver run."
        )
    return counts


def quality(demo: Demo) -> Counts:
    """Run the gate between silver and gold; it fails the demo when silver breaks an expectation."""
    _run(demo, "flights_quality")
    return {"checked": _count(demo, "silver.flights")}


def gold(demo: Demo) -> Counts:
    """Join silver with weather, planes, airports and airlines on the cluster."""
    _run(demo, "flights_gold")
    return {"flights": _count(demo, "gold.flights")}


def aggregates(demo: Demo) -> Counts:
    """Aggregate delays by carrier, route, hour and weather, and the seasons."""
    _run(demo, "flights_aggregates")
    return {name: _count(demo, f"gold.{name}") for name in AGGREGATES}


def index(demo: Demo) -> Counts:
    """Index gold in OpenSearch."""
    _run(demo, "flights_index")
    client = open_client(demo.workspace)
    names = ("flights", *(name.replace("_", "-") for name in AGGREGATES))
    with search_translated():
        return {name: int(client.count(index=name)["count"]) for name in names}


def boards(demo: Demo) -> Counts:
    """See that the dashboards answer."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # they are on the loopback address
    direct.addheaders = list(bearer(demo.workspace).items())
    with direct.open(demo.workspace.endpoint("dashboards"), timeout=60) as page:
        return {"bytes": len(page.read())}


STEPS = (
    Step("lake", "Deliver real flights to the bronze bucket", lake),
    Step("catalog", "Crawl the lake into the Data Catalog", catalog),
    Step("silver", "Clean and type them with a Glue script", silver),
    Step("quality", "Check them with great-expectations", quality),
    Step("gold", "Join them with weather, planes and airports on Spark", gold),
    Step("aggregates", "Aggregate delays on Spark", aggregates),
    Step("index", "Index them in OpenSearch", index),
    Step("boards", "Open the dashboards", boards),
)


def run(demo: Demo, started: Callable[[Step], None] = lambda step: None) -> Iterator[Outcome]:
    """Run the steps in order, yielding each one's outcome as it ends.

    Stops at the first that fails, with the error of that step: :class:`~lakelet.workspace.errors.RunError` names the
    run, :class:`~lakelet.workspace.errors.StackError` a step that a part of the stack did not answer. Ctrl-C stops the
    run or crawl that is under way.
    """
    for step in STEPS:
        started(step)
        begun = time.monotonic()
        try:
            counts = step.run(demo)
        except (BotoCoreError, ClientError, OSError, http.client.HTTPException) as error:
            raise StackError(f"The step {step.name} failed ({error}): see `lakelet status`.") from error
        yield Outcome(step, counts, time.monotonic() - begun)


def _crawl(demo: Demo) -> None:
    glue = Glue(demo.workspace)
    target = {
        "Name": CRAWLER,
        "Role": "lakelet",
        "DatabaseName": BRONZE,
        "Targets": {"S3Targets": [{"Path": f"s3://{BRONZE}/"}]},
        "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"},
    }
    try:
        glue.call("CreateCrawler", **target)
    except AlreadyExistsException:
        _ready(glue)  # an earlier demo that was killed may have left it running
        glue.call("UpdateCrawler", **target)
    glue.call("StartCrawler", Name=CRAWLER)
    try:
        last = _ready(glue)["LastCrawl"]
    except KeyboardInterrupt:
        with suppress(CrawlerNotRunningException, CrawlerStoppingException):
            glue.call("StopCrawler", Name=CRAWLER)
        raise
    if last["Status"] != "SUCCEEDED":
        raise RunError(f"The crawl of s3://{BRONZE}/ ended {last['Status']}: {last.get('ErrorMessage', 'no message')}")


def _ready(glue: Glue) -> dict[str, Any]:
    """The crawler, once it does not run."""
    while True:
        crawler: dict[str, Any] = glue.call("GetCrawler", Name=CRAWLER)["Crawler"]
        if crawler["State"] == "READY":
            return crawler
        time.sleep(POLL_SECONDS)


def _run(demo: Demo, name: str) -> None:
    """Run one library job to its end; Ctrl-C ends it, so that the next demo can run it."""
    jobs = JobClient(demo.workspace)
    current = _submit(demo, jobs, name)

    def notice(run: JobRun) -> None:
        nonlocal current
        current = Submitted(name, run["Id"])  # a retry is a run of its own
        demo.note(f"{name} {run['JobRunState']}")

    try:
        run = jobs.wait(current, notice)
    except KeyboardInterrupt:
        with suppress(RunError):  # it has ended meanwhile
            jobs.stop(name, current.run_id)
        jobs.wait(current)
        raise
    if run["JobRunState"] != RunState.SUCCEEDED:
        raise RunError(
            f"The run {run['Id']} of {name} ended {run['JobRunState']}: {run.get('ErrorMessage', 'no message')} "
            f"(`lakelet jobs logs {run['Id'][:15]}` shows more)."
        )


def _submit(demo: Demo, jobs: JobClient, name: str) -> Submitted:
    """Start a run of a job, after the one that a demo left which was killed."""
    while True:
        try:
            return jobs.submit(name)
        except ConcurrentRunsExceededException:
            for run in jobs.runs(name):
                if not has_ended(run):
                    demo.note(f"waiting for an earlier run of {name}")
                    jobs.wait(Submitted(name, run["Id"]))
            time.sleep(POLL_SECONDS)


def _count(demo: Demo, table: str) -> int:
    return int(query(demo.workspace, f"SELECT count(*) FROM {table}")[0][0].as_py())  # noqa: S608 - our own names
