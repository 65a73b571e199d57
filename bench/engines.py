"""What the engine sail saves beside spark-submit of the same script, side by side in one run.

    python -m bench.engines [--repeat 3] [--rows 5000000] [--output json]

Needs a running stack. Two jobs: a stock Glue script over a table of 100,000 rows, catalog to Parquet, in seconds from
StartJobRun to SUCCEEDED (aim: a fifteenth of spark-submit on the cluster), beside that `lakelet jobs submit --wait` of
it on Spark with a driver that waits (aim: a half); and a plain PySpark script that makes
Parquet by partitions of 5 million rows, about 1 GB, of CSV, in CPU seconds (aim: an eighth): on Sail those of a run,
whose Python was forked, and those of a Python that starts anew; of Spark's those of all processes of spark-submit with
local[*], so that its executors are counted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from bench.submit import eventually_ready, submit_and_wait
from catalog.glue import Glue
from data.formats import PARQUET, storage_descriptor
from data.objects import s3_client
from jobs import engines
from jobs.client import JobClient
from jobs.logs import Stream, read
from jobs.sail import sail_argv, sail_environment
from jobs.spark import LIGHT_FLAGS, MODULE_FLAGS, archive_flags, python_path, spark_environment, spark_home
from jobs.warm_driver import READY
from workspace.environment import client_environment
from workspace.paths import Workspace

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
LARGE = f"""
import json
import resource

from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("bench_large").getOrCreate()
rows = spark.read.csv("s3://{BUCKET}/csv/", header=True,
                      schema="id long, city int, fare double, at timestamp, note string")
rows.where("fare > 1").write.mode("overwrite").partitionBy("city").parquet("s3://{BUCKET}/large/")
used = resource.getrusage(resource.RUSAGE_SELF)
print("MEASURED", json.dumps(used.ru_utime + used.ru_stime))
"""
FORKED, WARM = "sail, forked", "spark, warm"
# The share of spark-submit that each is to have.
AIMS = {"small": {engines.SAIL: 1 / 15, WARM: 1 / 2}, "large": {FORKED: 1 / 8, engines.SAIL: 1 / 8}}
MAKE = f"""
from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.getOrCreate()
rows = spark.range({SMALL_ROWS}).select("id", (F.col("id") % 977 / 7).alias("fare"),
                                        F.concat(F.lit("city "), F.col("id") % 50).alias("city"))
rows.write.mode("overwrite").parquet("s3://{BUCKET}/{TABLE}/")
large = spark.range(ROWS).select(
    "id", (F.col("id") % 20).alias("city"), (F.col("id") % 9973 / 7).alias("fare"),
    F.timestamp_seconds(1700000000 + F.col("id")).alias("at"),
    F.concat_ws("-", *[F.sha2(F.concat(F.col("id").cast("string"), F.lit(str(n))), 256) for n in range(2)],
                F.lit("x" * 24)).alias("note"))
large.repartition(8).write.mode("overwrite").option("header", True).csv("s3://{BUCKET}/csv/")
"""


def environments(workspace: Workspace) -> dict[str, dict[str, str]]:
    """What each engine finds in its environment."""
    common = {**os.environ, **workspace.environment, **client_environment(workspace)}
    sail = {**common, **sail_environment(workspace), "PYTHONPATH": python_path()}
    return {engines.SAIL: sail, engines.SPARK: {**common, **spark_environment(workspace)}}


def prepare(workspace: Workspace, folder: Path, rows: int) -> None:
    """The bucket, the table and the CSV."""
    store(workspace, BUCKET)
    script = folder / "make.py"
    script.write_text(MAKE.replace("ROWS", str(rows)))
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


class Ended(NamedTuple):
    """A command that has succeeded: its seconds, the CPU seconds of it and all its children, and what it printed."""

    seconds: float
    cpu: float
    output: str


def run(argv: list[str], env: Mapping[str, str], folder: Path) -> Ended:
    """Run a command that has to succeed. Raises SystemExit with the end of what it said."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, env=dict(env), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{argv[:3]} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ended(time.perf_counter() - began, cpu, done.stdout)


def measured(output: str) -> Any:
    """What a script has measured: the JSON of its line that begins with MEASURED."""
    line = next(line for line in output.splitlines() if line.startswith("MEASURED "))
    return json.loads(line.removeprefix("MEASURED "))


def spark_submit(workspace: Workspace, script: Path, *options: str) -> list[str]:
    """Spark's own launcher, with the flags that our JVMs have."""
    flags = " ".join([*LIGHT_FLAGS, *archive_flags(workspace), *MODULE_FLAGS])
    heap = f"{workspace.settings.number('driver_memory_mb')}m"
    binary = str(spark_home() / "bin" / "spark-submit")
    return [binary, *options, "--driver-memory", heap, "--driver-java-options", flags, str(script)]


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


def measure(workspace: Workspace, repeat: int, rows: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of the small job and CPU seconds of the large one, by engine, in turn."""
    env = environments(workspace)
    small: dict[str, list[float]] = {engines.SAIL: [], WARM: [], engines.SPARK: []}
    large: dict[str, list[float]] = {FORKED: [], engines.SAIL: [], engines.SPARK: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(workspace, folder, rows)
        (folder / "bench_small.py").write_text(SMALL)
        (folder / "bench_large.py").write_text(LARGE)
        for round_ in range(repeat + 1):  # the first round warms the page cache and does not count
            script = folder / "bench_small.py"
            if round_:  # before the first run on Spark there may be no driver that waits
                eventually_ready(workspace)  # nobody is measured while the next driver gets ready beside him
            sail, _ = submitted(workspace, script)
            warm = run(submit_and_wait(script), env[engines.SPARK], folder).seconds
            eventually_ready(workspace)
            spark = run(spark_submit(workspace, script), env[engines.SPARK], folder).seconds
            if round_:
                for engine, seconds in ((engines.SAIL, sail), (WARM, warm), (engines.SPARK, spark)):
                    small[engine].append(seconds)
        for _ in range(max(repeat // 2, 1)):
            script = folder / "bench_large.py"
            large[FORKED].append(measured(submitted(workspace, script)[1]))
            large[engines.SAIL].append(run(sail_argv(script, []), env[engines.SAIL], folder).cpu)
            argv = spark_submit(workspace, script, "--master", "local[*]")
            large[engines.SPARK].append(run(argv, env[engines.SPARK], folder).cpu)
    return {"small": small, "large": large}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    found = measure(Workspace.find(), options.repeat, options.rows)
    if options.output == "json":
        print(json.dumps(found, indent=1))
        return
    for name, unit in (("small", "s"), ("large", "CPU s")):
        medians = {engine: statistics.median(values) for engine, values in found[name].items()}
        spark = medians.pop(engines.SPARK)
        for engine, median in medians.items():
            ratio = f"1/{spark / median:.1f} (aim: 1/{1 / AIMS[name][engine]:.0f})"
            print(f"{name}: {engine} {median:.2f} {unit}, spark-submit {spark:.2f} {unit}: {ratio}")


if __name__ == "__main__":
    main()
