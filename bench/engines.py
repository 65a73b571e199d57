"""What the engine sail saves beside spark-submit of the same script, side by side in one run.

    python -m bench.engines [--repeat 3] [--rows 5000000] [--shape trips|text] [--only small|large] [--output json]

Needs a running stack. Two jobs: a stock Glue script over a table of 100,000 rows, catalog to Parquet, in seconds from
StartJobRun to SUCCEEDED (aim: a fifteenth of spark-submit on the cluster), beside that `lakelet jobs submit --wait` of
it on Spark with a driver that waits (aim: a half); and a plain PySpark script that makes
Parquet by partitions of 5 million rows, about 1 GB, of CSV, in CPU seconds (aim: an eighth): on Sail those of a run,
whose Python was forked, and those of a Python that starts anew; of Spark's those of all processes of spark-submit with
local[*], and on the cluster, with all executors' and workers'. Before each of them memory is made as dear as before the
others; what the kernel takes, much of which is its price, is told apart (docs/benchmarks.md).
spark-submit is Spark as it ships; what our configuration (class-data archive, compiler's thresholds, one executor
first) makes of the small job is a row of its own.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from bench.submit import eventually, eventually_ready, launcher, spark_submit, submit_and_wait
from lakelet.catalog.glue import Glue
from lakelet.data.formats import PARQUET, storage_descriptor
from lakelet.data.objects import s3_client
from lakelet.jobs import engines
from lakelet.jobs.client import JobClient
from lakelet.jobs.logs import Stream, read
from lakelet.jobs.sail import sail_argv, sail_environment
from lakelet.jobs.spark import python_path, spark_environment
from lakelet.jobs.warm_driver import READY
from lakelet.stack.record import read_record
from lakelet.workspace.environment import client_environment
from lakelet.workspace.paths import Workspace

BUCKET, DATABASE, TABLE = "bench-engines", "bench_engines", "trips"
SMALL_ROWS = 100_000
SMALL = f"""
import sys
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.transforms import ApplyMapping
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

glue = GlueContext(SparkContext.getOrCreate())
job = Job(glue)
job.init("bench_small", {{}})
trips = glue.create_dynamic_frame.from_catalog(database="{DATABASE}", table_name="{TABLE}", transformation_ctx="trips")
kept = ApplyMapping.apply(trips, [("id", "long", "id", "long"), ("fare", "double", "fare", "double"),
                                  ("city", "string", "city", "string")])
glue.purge_s3_path("s3://{BUCKET}/small/", {{"retentionPeriod": 0}})
glue.write_dynamic_frame.from_options(kept, "s3", {{"path": "s3://{BUCKET}/small/"}}, "parquet")
job.commit()
"""
# A table of 5 million rows and about 1 GB of CSV. The first is in the shape of New York's taxi trips of 2013; in the
# second one long text that cannot be compressed is three quarters of it.
SCHEMAS = {
    "trips": "medallion string, hack_license string, vendor_id string, rate_code int, store_and_fwd_flag string, "
    "pickup_datetime timestamp, dropoff_datetime timestamp, passenger_count int, trip_time_in_secs int, "
    "trip_distance double, pickup_longitude double, pickup_latitude double, dropoff_longitude double, "
    "dropoff_latitude double, payment_type string, fare_amount double, surcharge double, mta_tax double, "
    "tip_amount double, tolls_amount double, total_amount double",
    "text": "id long, city int, fare double, at timestamp, note string",
}
WRITES = {
    "trips": 'rows.where("fare_amount > 1").withColumn("day", F.to_date("pickup_datetime")), "day"',
    "text": 'rows.where("fare > 1"), "city"',
}
LARGE = f"""
import json
import resource

from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.appName("bench_large").getOrCreate()
rows = spark.read.csv("s3://{BUCKET}/csv-SHAPE/", header=True, schema="SCHEMA")
kept, key = WRITE
kept.write.mode("overwrite").partitionBy(key).parquet("s3://{BUCKET}/large-SHAPE/")
used = resource.getrusage(resource.RUSAGE_SELF)
print("MEASURED", json.dumps([used.ru_utime, used.ru_stime]))
"""
FORKED, WARM, OURS, SHIPPED = "sail, forked", "spark, warm", "spark-submit, our configuration", "spark-submit"
CLUSTER = "spark-submit, on the cluster"
# Memory that is touched and given back before each large run, in bytes: as much as any of them has.
LEVEL = 3 << 30
# The share of spark-submit that each is to have.
AIMS = {"small": {engines.SAIL: 1 / 15, WARM: 1 / 2}, "large": {FORKED: 1 / 8, engines.SAIL: 1 / 8}}
# What our spark-defaults.conf adds to how Spark starts its JVMs and asks for executors, taken back.
_SHIPPED = ("spark.executor.defaultJavaOptions=", "spark.dynamicAllocation.enabled=false")
MAKE = f"""
from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.getOrCreate()
rows = spark.range({SMALL_ROWS}).select("id", (F.col("id") % 977 / 7).alias("fare"),
                                        F.concat(F.lit("city "), F.col("id") % 50).alias("city"))
rows.write.mode("overwrite").parquet("s3://{BUCKET}/{TABLE}/")
"""
MAKE_LARGE = f"""
from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.getOrCreate()

def drawn(salt, end):
    return F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(end))

def one_of(salt, *words):
    return F.element_at(F.array(*map(F.lit, words)), (drawn(salt, len(words)) + 1).cast("int"))

def place(salt, begin):
    return (drawn(salt, 200000) / 1000000 + begin).alias(f"place_{{salt}}")

shapes = {{
    "trips": lambda: [
        F.upper(F.md5(drawn(1, 13437).cast("string"))).alias("medallion"),
        F.upper(F.md5(drawn(2, 43191).cast("string"))).alias("hack_license"),
        one_of(3, "CMT", "VTS").alias("vendor_id"), one_of(4, 1, 1, 1, 1, 1, 1, 2, 5).alias("rate_code"),
        one_of(5, "N", "N", "N", "Y").alias("store_and_fwd_flag"),
        F.timestamp_seconds(1356998400 + drawn(6, 31 * 86400)).alias("pickup_datetime"),
        F.timestamp_seconds(1356998400 + drawn(6, 31 * 86400) + drawn(7, 3600)).alias("dropoff_datetime"),
        (drawn(8, 6) + 1).alias("passenger_count"), drawn(7, 3600).alias("trip_time_in_secs"),
        (drawn(9, 3000) / 100).alias("trip_distance"), place(10, -74.05), place(11, 40.6), place(12, -74.05),
        place(13, 40.6), one_of(14, "CRD", "CSH", "NOC", "DIS").alias("payment_type"),
        (drawn(15, 120) / 2 + 2.5).alias("fare_amount"), (drawn(16, 3) / 2).alias("surcharge"),
        F.lit(0.5).alias("mta_tax"), (drawn(17, 1500) / 100).alias("tip_amount"), F.lit(0.0).alias("tolls_amount"),
        (drawn(18, 9000) / 100).alias("total_amount")],
    "text": lambda: [
        "id", (F.col("id") % 20).alias("city"), (F.col("id") % 9973 / 7).alias("fare"),
        F.timestamp_seconds(1700000000 + F.col("id")).alias("at"),
        F.concat_ws("-", *[F.sha2(F.concat(F.col("id").cast("string"), F.lit(str(n))), 256) for n in range(2)],
                    F.lit("x" * 24)).alias("note")],
}}
rows = spark.range(ROWS).select(*shapes["SHAPE"]())
rows.repartition(8).write.mode("overwrite").option("header", True).csv("s3://{BUCKET}/csv-SHAPE/")
"""


def environments(workspace: Workspace) -> dict[str, dict[str, str]]:
    """What each engine finds in its environment."""
    common = {**os.environ, **workspace.environment, **client_environment(workspace)}
    sail = {**common, **sail_environment(workspace), "PYTHONPATH": python_path()}
    return {engines.SAIL: sail, engines.SPARK: {**common, **spark_environment(workspace)}}


def prepare(workspace: Workspace, folder: Path) -> None:
    """The bucket and the table."""
    store(workspace, BUCKET)
    script = folder / "make.py"
    script.write_text(MAKE)
    run(sail_argv(script, []), environments(workspace)[engines.SAIL], folder)
    glue = Glue(workspace)
    columns = [{"Name": "id", "Type": "bigint"}, {"Name": "fare", "Type": "double"}, {"Name": "city", "Type": "string"}]
    names = [one["Name"] for one in glue.pages("GetDatabases", "DatabaseList")]
    if DATABASE not in names:
        glue.call("CreateDatabase", DatabaseInput={"Name": DATABASE})
    if TABLE not in [one["Name"] for one in glue.pages("GetTables", "TableList", DatabaseName=DATABASE)]:
        table = {
            "Name": TABLE, "Parameters": {"classification": "parquet"},
            "StorageDescriptor": storage_descriptor(PARQUET, columns, f"s3://{BUCKET}/{TABLE}/"),
        }  # fmt: skip
        glue.call("CreateTable", DatabaseName=DATABASE, TableInput=table)


def store(workspace: Workspace, bucket: str) -> Any:
    """A client of the object store, which has that bucket."""
    client = s3_client(workspace)
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=bucket)
    return client


class Cpu(NamedTuple):
    """CPU seconds: a process's own, and what the kernel took for it. The kernel's tell how dear memory is just then."""

    own: float
    kernel: float

    @classmethod
    def of_children(cls) -> Cpu:
        """Of all children of this process that have ended."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(used.ru_utime, used.ru_stime)

    @classmethod
    def of_workers(cls, workspace: Workspace) -> Cpu:
        """Of the cluster's workers and of all their executors, once these have ended."""
        record = read_record(workspace)
        processes = record.components if record else []
        workers = [psutil.Process(one.pid) for one in processes if one.pid and one.name.startswith("spark-worker-")]
        eventually(lambda: not any(one.children() for one in workers), "an executor does not end")
        times = [one.cpu_times() for one in workers]
        return cls(sum(t.user + t.children_user for t in times), sum(t.system + t.children_system for t in times))

    def __sub__(self, before: Cpu) -> Cpu:
        """What was used since then."""
        return Cpu(self.own - before.own, self.kernel - before.kernel)


class Ended(NamedTuple):
    """A command that has succeeded: its seconds, the CPU seconds of it and all its children, and what it printed."""

    seconds: float
    cpu: Cpu
    output: str


def run(argv: list[str], env: Mapping[str, str], folder: Path) -> Ended:
    """Run a command that has to succeed. Raises SystemExit with the end of what it said."""
    began, before = time.perf_counter(), Cpu.of_children()
    done = subprocess.run(argv, env=dict(env), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{argv[:3]} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return Ended(time.perf_counter() - began, Cpu.of_children() - before, done.stdout)


def measured(output: str) -> Any:
    """What a script has measured: the JSON of its line that begins with MEASURED."""
    line = next(line for line in output.splitlines() if line.startswith("MEASURED "))
    return json.loads(line.removeprefix("MEASURED "))


def shipped_submit(workspace: Workspace, script: Path, *options: str) -> list[str]:
    """Spark's own launcher as Spark ships it, but for the cluster and the lake that it is told of."""
    taken_back = [word for one in _SHIPPED for word in ("--conf", one)]
    return [*launcher(workspace), *taken_back, *options, str(script)]


def submitted(workspace: Workspace, script: Path) -> tuple[float, str]:
    """Seconds from StartJobRun to SUCCEEDED on Sail, forked from a Python that waits, and what the script printed."""
    client = JobClient(workspace)
    deadline = time.monotonic() + 30  # before the first run there is no driver that waits
    while not list((workspace.state / "warm-sail").glob(f"*/{READY}")) and time.monotonic() < deadline:
        time.sleep(0.1)
    began = time.perf_counter()
    ended = client.wait(client.submit(str(script), {engines.ARGUMENT: engines.SAIL}))
    if ended["JobRunState"] != "SUCCEEDED":
        raise SystemExit(f"the run on Sail failed: {ended}")
    seconds = time.perf_counter() - began
    return seconds, "\n".join(line.text for line in read(workspace, ended["Id"], Stream.driver))


def _cpu(
    workspace: Workspace, script: Path, env: Mapping[str, dict[str, str]]
) -> Iterator[tuple[str, Callable[[], Cpu]]]:
    """The ways to run the large job, each with what runs it and says its CPU seconds."""
    shipped = shipped_submit(workspace, script, "--master", "local[*]")
    yield FORKED, lambda: Cpu(*measured(submitted(workspace, script)[1]))
    yield engines.SAIL, lambda: run(sail_argv(script, []), env[engines.SAIL], script.parent).cpu
    yield SHIPPED, lambda: run(shipped, env[engines.SPARK], script.parent).cpu

    def on_the_cluster() -> Cpu:
        before = Cpu.of_workers(workspace)
        driver = run(shipped_submit(workspace, script), env[engines.SPARK], script.parent).cpu
        executors = Cpu.of_workers(workspace) - before
        return Cpu(driver.own + executors.own, driver.kernel + executors.kernel)

    yield CLUSTER, on_the_cluster


def small(workspace: Workspace, folder: Path, repeat: int) -> dict[str, list[float]]:
    """Seconds of the small job by the way it is run, in turn."""
    env = environments(workspace)[engines.SPARK]
    found: dict[str, list[float]] = {engines.SAIL: [], WARM: [], OURS: [], SHIPPED: []}
    script = folder / "bench_small.py"
    script.write_text(SMALL)
    for round_ in range(repeat + 1):  # the first round warms the page cache and does not count
        if round_:  # before the first run on Spark there may be no driver that waits
            eventually_ready(workspace)  # nobody is measured while the next driver gets ready beside him
        took = {engines.SAIL: submitted(workspace, script)[0]}
        took[WARM] = run(submit_and_wait(script), env, folder).seconds
        eventually_ready(workspace)
        took[OURS] = run(spark_submit(workspace, script), env, folder).seconds
        took[SHIPPED] = run(shipped_submit(workspace, script), env, folder).seconds
        if round_:
            for way, seconds in took.items():
                found[way].append(seconds)
    return found


def large(workspace: Workspace, folder: Path, repeat: int, shape: str, rows: int) -> dict[str, list[Cpu]]:
    """CPU seconds of the large job by the way it is run, in turn."""
    found: dict[str, list[Cpu]] = {FORKED: [], engines.SAIL: [], SHIPPED: [], CLUSTER: []}
    store(workspace, BUCKET)
    script = folder / "make_large.py"
    script.write_text(MAKE_LARGE.replace("SHAPE", shape).replace("ROWS", str(rows)))
    run(sail_argv(script, []), environments(workspace)[engines.SAIL], folder)
    script = folder / "bench_large.py"
    script.write_text(LARGE.replace("SHAPE", shape).replace("SCHEMA", SCHEMAS[shape]).replace("WRITE", WRITES[shape]))
    ways = [*_cpu(workspace, script, environments(workspace))]
    for round_ in range(repeat):
        for way, used in ways[round_ % len(ways) :] + ways[: round_ % len(ways)]:  # nobody is always the first
            level()
            found[way].append(used())
    return found


def level() -> None:
    """Have every run begin with memory that this machine has at hand. A virtual one that gives free pages back to its
    host pays several seconds for 2 GB anew, and who comes right after another run pays nothing."""
    with mmap.mmap(-1, LEVEL) as memory:
        for at in range(0, LEVEL, mmap.PAGESIZE):
            memory[at] = 1


def _print_small(found: Mapping[str, Sequence[float]]) -> None:
    medians = {way: statistics.median(values) for way, values in found.items()}
    for way, median in medians.items():
        ours = f", 1/{medians[OURS] / median:.1f} of it with our configuration"
        print(f"small: {way} {median:.2f} s, {_share(medians, way)}{_aim('small', way)}{ours}")


def _print_large(found: Mapping[str, Sequence[Cpu]]) -> None:
    medians = {way: statistics.median(map(sum, values)) for way, values in found.items()}
    own = {way: statistics.median(one.own for one in values) for way, values in found.items()}
    for way, median in medians.items():
        rounds = ", ".join(f"{one.own:.1f} + {one.kernel:.1f}" for one in found[way])
        cluster = f", 1/{medians[CLUSTER] / median:.1f} of it on the cluster"
        without = f"; without the kernel's {own[way]:.2f}, 1/{own[SHIPPED] / own[way]:.1f}"
        share = f"{_share(medians, way)}{cluster}{_aim('large', way)}"
        print(f"large: {way} {median:.2f} CPU s ({rounds}), {share}{without}")


def _share(medians: Mapping[str, float], way: str) -> str:
    return f"1/{medians[SHIPPED] / medians[way]:.1f} of spark-submit"


def _aim(job: str, way: str) -> str:
    return f" (aim: 1/{1 / AIMS[job][way]:.0f})" if way in AIMS[job] else ""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--shape", choices=[*SCHEMAS], default="trips", help="the table of the large job")
    parser.add_argument("--only", choices=["small", "large"], help="one of the two jobs")
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    workspace, found = Workspace.find(), dict[str, Any]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.only != "large":
            prepare(workspace, folder)
            found["small"] = small(workspace, folder, options.repeat)
        if options.only != "small":
            found["large"] = large(workspace, folder, options.repeat, options.shape, options.rows)
    if options.output == "json":
        print(json.dumps(found, indent=1))
        return
    if "small" in found:
        _print_small(found["small"])
    if "large" in found:
        _print_large(found["large"])


if __name__ == "__main__":
    main()
