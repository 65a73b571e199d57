"""What publishing costs beside Spark's own committed write of the same files, side by side in one session.

    python -m bench.publishing [--files 10000] [--repeat 1] [--output json]

Needs a running stack. Rows that make one small Parquet file in each of many partitions are written by a Glue sink
(staged, committed by one manifest, moved into place), by Spark's writer as Spark itself commits it (tasks and the job
by renames), and by that writer as it commits here (docs/adr/0028); in turn, in one driver, each to a folder that is
new, after a first round of few files. Aim: 1.3. It takes some ten minutes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from bench.engines import environments, measured, run, store
from bench.submit import spark_submit
from lakelet.data.publish import delete_keys, keys_below
from lakelet.jobs import engines
from lakelet.workspace.paths import Workspace

BUCKET, AIM = "bench-publishing", 1.3
WRITES = f"""
import json, sys, time
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from pyspark.context import SparkContext
from pyspark.sql import functions as F

glue = GlueContext(SparkContext.getOrCreate())
files, repeat = int(sys.argv[1]), int(sys.argv[2])

def rows_of(files):
    rows = glue.spark_session.range(files).select(
        (F.col("id") / 100).cast("int").alias("a"), (F.col("id") % 100).alias("b"), F.col("id").alias("v")
    ).repartition(8, "a").cache()
    rows.count()
    return rows

def ours(rows, path):
    sink = glue.getSink("s3", path=path, partitionKeys=["a", "b"])
    sink.setFormat("parquet")
    sink.writeFrame(DynamicFrame.fromDF(rows, glue, "rows"))

def written(rows, path):  # by the JVM's own writer: Python's is ours in a Glue script
    keys = SparkContext._gateway.new_array(SparkContext._jvm.java.lang.String, 2)
    keys[0], keys[1] = "a", "b"
    rows._jdf.write().mode("append").partitionBy(keys).parquet(path)

def sql(rows, path):
    glue.spark_session.conf.unset(PROTOCOL)
    written(rows, path)

def spark(rows, path):
    glue.spark_session.conf.set(PROTOCOL, "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol")
    written(rows, path)

PROTOCOL = "spark.sql.sources.commitProtocolClass"
found = {{"ours": [], "sql": [], "spark": []}}
for round_ in range(repeat + 1):  # the first round warms and does not count
    rows = rows_of(files if round_ else min(files, 200))
    for name, write in (("ours", ours), ("sql", sql), ("spark", spark)):
        path = f"s3://{BUCKET}/{{name}}-{{round_}}/"
        began = time.perf_counter()
        write(rows, path)
        if round_:
            found[name].append(time.perf_counter() - began)
        assert glue.spark_session.read.parquet(path).count() == rows.count()
print("MEASURED " + json.dumps(found))
"""


def measure(workspace: Workspace, files: int, repeat: int) -> dict[str, list[float]]:
    """Seconds by side. Raises SystemExit when the script fails."""
    client = store(workspace, BUCKET)
    delete_keys(client, BUCKET, list(keys_below(client, BUCKET, "")))
    with tempfile.TemporaryDirectory() as name:
        script = Path(name) / "bench_publishing.py"
        script.write_text(WRITES)
        words = [*spark_submit(workspace, script), str(files), str(repeat)]
        said = run(words, environments(workspace)[engines.SPARK], Path(name)).output
    delete_keys(client, BUCKET, list(keys_below(client, BUCKET, "")))
    found: dict[str, list[float]] = measured(said)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    found = measure(Workspace.find(), options.files, options.repeat)
    if options.output == "json":
        print(json.dumps(found, indent=1))
        return
    spark = statistics.median(found["spark"])
    for name, side in (("ours", "a sink"), ("sql", "SQL's way")):
        ours = statistics.median(found[name])
        print(f"{options.files} files: {side} {ours:.1f} s ÷ Spark {spark:.1f} s = {ours / spark:.2f} (aim: {AIM})")


if __name__ == "__main__":
    main()
