"""What is true after a run was killed: Glue jobs that append to one table, killed at seeded moments.

    python -m bench.faults [--runs 50] [--seed 1] [--output json]

Needs a running stack. Each run puts its own rows into one partition of a table, by a script as one writes it for
AWS Glue, on Spark or on Sail: a sink appends them, or a DataFrame overwrites the partition (dynamic partition
overwrite). At a random moment its script (in whose process Sail runs), its driver, a Spark worker, MinIO or the control
process gets SIGKILL, each of them before one comes again. After each run this must hold, or the program ends with exit
code 1:

- the run's state is the truth: SUCCEEDED and all of its rows are there, once; or FAILED and none is;
- every object that was there before is there unchanged, but for those of the partition that it overwrote, and nothing
  new lies in the other partitions;
- nothing is left of the staging of the runs before.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from lakelet.catalog.glue import Glue
from lakelet.data.objects import s3_client
from lakelet.data.publish import STAGING_PREFIX
from lakelet.jobs.client import JobClient, Submitted
from lakelet.jobs.launchers import folder_of
from lakelet.jobs.runner import PUBLISHED
from lakelet.query.client import query_rows
from lakelet.stack import operate
from lakelet.workspace import shim
from lakelet.workspace.errors import AlreadyExistsException, LakeletError
from lakelet.workspace.paths import Workspace

VICTIMS = {
    "spark": ("script", "driver", "spark-worker-1", "minio", "control"),
    "sail": ("script", "minio", "control"),
}
# So soon both workers have an executor of the run, whichever is killed.
CONF = {"spark": {"--conf": "spark.dynamicAllocation.schedulerBacklogTimeout=1s"}, "sail": {}}
PARTITIONS = 4
ROWS = 20_000
PATIENCE_SECONDS = 240.0
BUCKET, DATABASE, TABLE = "gold", "bench_faults", "rows"
PREFIX = f"{DATABASE}/{TABLE}/"
SCRIPT = f"""
import os, sys
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as F

print("pid", os.getpid(), flush=True)
args = getResolvedOptions(sys.argv, ["JOB_NAME", "number", "rows", "how"])
glue = GlueContext(SparkContext.getOrCreate())
job = Job(glue)
job.init(args["JOB_NAME"], args)
number = int(args["number"])
rows = glue.spark_session.range(int(args["rows"])).repartition(4).select(
    F.lit(number).alias("number"), "id", F.sha2(F.col("id").cast("string"), 256).alias("text"),
    F.lit(number % {PARTITIONS}).alias("part"),
)
if args["how"] == "overwrite":
    writer = rows.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
    writer.partitionBy("part").parquet("s3://{BUCKET}/{PREFIX}")
else:
    sink = glue.getSink(
        connection_type="s3", path="s3://{BUCKET}/{PREFIX}", enableUpdateCatalog=True, partitionKeys=["part"]
    )
    sink.setFormat("glueparquet")
    sink.setCatalogInfo(catalogDatabase="{DATABASE}", catalogTableName="{TABLE}")
    sink.writeFrame(DynamicFrame.fromDF(rows, glue, "rows"))
job.commit()
"""


@dataclass(frozen=True)
class Outcome:
    """One run: how it wrote (``append``, ``overwrite``), who was killed (None: nobody) how many seconds after its
    submission or as soon as there was somebody to kill, how it ended, what is wrong."""

    number: int
    engine: str
    how: str
    victim: str | None
    after: float
    state: str
    wrong: tuple[str, ...]


class Faults:
    """Runs, kills and looks; a table of its own in a running stack, empty at the start."""

    def __init__(self, workspace: Workspace, seed: int) -> None:
        self._workspace = workspace
        self._random = random.Random(seed)
        self._jobs, self._s3 = JobClient(workspace), s3_client(workspace)
        self._ended: dict[int, Submitted] = {}
        self._published: set[int] = set()  # the runs whose rows have to be there

    def prepare(self, script: Path) -> None:
        """An empty table's database, and the job."""
        glue = Glue(self._workspace)
        with suppress(AlreadyExistsException):
            glue.call("CreateDatabase", DatabaseInput={"Name": DATABASE})
        with suppress(LakeletError):
            glue.call("DeleteTable", DatabaseName=DATABASE, Name=TABLE)
        for name in self._objects(PREFIX):
            self._s3.delete_object(Bucket=BUCKET, Key=name)
        script.write_text(SCRIPT)
        self._script = str(script)

    def run(self, runs: int) -> Iterator[Outcome]:
        """One run on each engine that nobody disturbs, which says how long one takes; ``runs`` that somebody does."""
        seconds = {}
        for number, engine in enumerate(VICTIMS):
            began = time.monotonic()
            yield self._one(number, engine, None, 0.0)
            seconds[engine] = time.monotonic() - began
        kinds = [(engine, victim) for engine, victims in VICTIMS.items() for victim in victims]
        left: list[tuple[str, str]] = []
        for number in range(len(VICTIMS), len(VICTIMS) + runs):
            left = left or self._random.sample(kinds, len(kinds))
            engine, victim = left.pop()
            yield self._one(number, engine, victim, self._random.uniform(0, 1.1 * seconds[engine]))

    def _one(self, number: int, engine: str, victim: str | None, after: float) -> Outcome:
        before = self._objects(PREFIX)
        same = {one for one in self._published if one % PARTITIONS == number % PARTITIONS}
        how = "overwrite" if same and number // PARTITIONS % 2 else "append"  # the catalog knows the partition by then
        arguments = {"--number": str(number), "--rows": str(ROWS), "--engine": engine, "--how": how, **CONF[engine]}
        submitted = self._jobs.submit(self._script, arguments)
        if victim:
            time.sleep(after)
            victim = victim if self._kill_in_time(victim, submitted) else None
        ended = self._jobs.wait(submitted)
        state = str(ended["JobRunState"])
        self._settle()
        # Who is killed between its commit and its end has failed, and its rows are there: its message has to say so.
        if state == "SUCCEEDED" or PUBLISHED in ended.get("ErrorMessage", ""):
            self._published.add(number)
            self._published -= same if how == "overwrite" else set()
        own = f"/part={number % PARTITIONS}/" if how == "overwrite" and number in self._published else None
        kept = {name: etag for name, etag in before.items() if own is None or own not in name}
        wrong = (*self._rows(), *self._untouched(number, kept, set(before)), *self._litter())
        if state not in ("SUCCEEDED", "FAILED") or (victim is None and state == "FAILED"):
            wrong = (*wrong, f"the run ended in {state}")
        self._ended[number] = submitted
        return Outcome(number, engine, how, victim, after, state, wrong)

    # -- killing ------------------------------------------------------------------------------------------------

    def _kill_in_time(self, victim: str, submitted: Submitted) -> bool:
        """Kill, as soon as there is somebody to kill and before the run has ended; whether it was so."""
        folder = folder_of(self._workspace, submitted.run_id)
        while not (killed := self._kill(victim, submitted)) and shim.read_exit(folder) is None:
            time.sleep(0.02)
        return killed

    def _kill(self, victim: str, submitted: Submitted) -> bool:
        """Whether there was somebody to kill: a script may not have come up yet, or have ended."""
        killed = False
        for pid in self._pids(victim, submitted):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed = True
                if victim not in ("script", "driver"):
                    self._revive(victim, pid)
        return killed

    def _pids(self, victim: str, submitted: Submitted) -> list[int]:
        folder = folder_of(self._workspace, submitted.run_id)
        if victim == "driver":
            running = shim.read_running(folder)
            return [running.driver] if running and running.driver else []
        if victim == "script":
            with suppress(FileNotFoundError):
                lines = (folder / "stdout.log").read_text().splitlines()
                return [int(line.split()[1]) for line in lines if line.startswith("pid ")]
            return []
        return [int(row["pid"]) for row in operate.status(self._workspace) if row["name"] == victim and row["pid"]]

    def _revive(self, victim: str, dead: int) -> None:
        """Wait until the supervisor has seen the death; what dies so often that it gives up, `lakelet up` starts again,
        or the run would wait for it for ever."""
        while any(
            row["name"] == victim and row["state"] == "RUNNING" and row["pid"] in (dead, None)
            for row in operate.status(self._workspace)
        ):
            time.sleep(0.05)
        with suppress(LakeletError):
            operate.start(self._workspace)

    def _settle(self) -> None:
        """Wait until the stack is whole again: what is looked at next must not fail for want of it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with suppress(LakeletError, OSError, BotoCoreError, ClientError):
                if all(row["state"] == "RUNNING" for row in operate.status(self._workspace)):
                    query_rows(self._workspace, "SELECT 1")
                    self._s3.list_buckets()
                    return
            time.sleep(0.1)
        raise SystemExit("The stack did not come back: see `lakelet status`.")

    # -- looking ------------------------------------------------------------------------------------------------

    def _rows(self) -> Iterator[str]:
        """Every run's rows are there once, or not at all."""
        if not self._published:
            return
        counted = (
            f"SELECT number, count(*), count(DISTINCT id), min(part), max(part) FROM {DATABASE}.{TABLE} GROUP BY 1"
        )
        found = {row[0]: tuple(row[1:]) for row in query_rows(self._workspace, counted).rows}
        expected = {n: (ROWS, ROWS, n % PARTITIONS, n % PARTITIONS) for n in self._published}
        for number in sorted({*found, *expected}):
            if found.get(number) != expected.get(number):
                yield f"run {number} has {found.get(number)}, not {expected.get(number)}"

    def _untouched(self, number: int, kept: dict[str, str], before: set[str]) -> Iterator[str]:
        now = self._objects(PREFIX)
        changed = [name for name, etag in kept.items() if now.get(name) != etag]
        added = [name for name in now if name not in before]
        if changed:
            yield f"{len(changed)} objects of other runs changed"
        if number not in self._published and added:
            yield f"a run that failed left {len(added)} objects"
        if any(f"/part={number % PARTITIONS}/" not in name for name in added):
            yield "other partitions were written to"

    def _litter(self) -> Iterator[str]:
        for number, submitted in self._ended.items():
            if left := self._objects(f"{STAGING_PREFIX}{submitted.run_id}/"):
                yield f"run {number} left {len(left)} objects in its staging"

    def _objects(self, prefix: str) -> dict[str, str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return {one["Key"]: one["ETag"] for page in pages for one in page.get("Contents", ())}


def main() -> int:
    """Run, kill, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    faults = Faults(Workspace.find(), options.seed)
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        faults.prepare(Path(folder) / "bench_faults.py")
        for outcome in faults.run(options.runs):
            outcomes.append(outcome)
            if options.output == "text":
                killed = f"{outcome.victim} after {outcome.after:.1f} s" if outcome.victim else "nobody"
                wrong = "; ".join(outcome.wrong)
                run = f"{outcome.number:4} {outcome.engine:6} {outcome.how:9}"
                print(f"{run} killed: {killed:28} {outcome.state:10} {wrong}", flush=True)
    failures = sum(bool(outcome.wrong) for outcome in outcomes)
    if options.output == "json":
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    else:
        states = Counter((outcome.engine, outcome.victim or "nobody", outcome.state) for outcome in outcomes)
        for (engine, victim, state), count in sorted(states.items()):
            print(f"{engine:6} {victim:16} {state:10} {count:4}")
        print(f"{len(outcomes)} runs, {failures} of them wrong")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
