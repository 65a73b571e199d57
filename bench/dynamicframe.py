"""What a DynamicFrame costs beside the same in plain DataFrames, side by side in one session.

    python -m bench.dynamicframe [--engine spark|sail] [--rows 1000000] [--repeat 3] [--output json]

Needs a running stack. Each case reads, maps fields and writes Parquet: once as a Glue script does it, once by
``spark.read`` with the schema said (so that nothing is discovered), ``select`` and ``write``; in turn, in one driver.
Aims: Parquet 1.3, CSV and JSON 2.2 (the types are discovered by a scan of their own), JSON with a choice type 3.
On Sail, driver and engine being one process, the ratio of their CPU seconds is told too: a loaded machine changes it
less.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from bench.engines import environments, measured, run, store
from bench.submit import spark_submit
from lakelet.jobs import engines
from lakelet.jobs.sail import sail_argv
from lakelet.workspace.paths import Workspace

BUCKET = "bench-dynamicframe"
AIMS = {"parquet": 1.3, "csv": 2.2, "json": 2.2, "json, a choice": 3.0}
MAKE = f"""
import sys
from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.getOrCreate()
rows = spark.range(int(sys.argv[1])).select(
    "id", (F.col("id") % 977 / 7).alias("fare"), (F.col("id") % 50).cast("int").alias("zone"),
    F.concat(F.lit("city "), F.col("id") % 50).alias("city"), F.sha2(F.col("id").cast("string"), 256).alias("note"))
rows.write.mode("overwrite").parquet("s3://{BUCKET}/parquet/")
rows.write.mode("overwrite").option("header", True).csv("s3://{BUCKET}/csv/")
rows.write.mode("overwrite").json("s3://{BUCKET}/json/")
words = rows.where("id % 1000 = 999").withColumn("zone", F.col("city"))
number = rows.where("id % 1000 <> 999")
number.write.mode("overwrite").json("s3://{BUCKET}/choice/number/")
words.write.mode("overwrite").json("s3://{BUCKET}/choice/words/")
"""
CASES: dict[str, dict[str, object]] = {
    "parquet": {"format": "parquet", "folder": "parquet", "options": {}, "choice": False},
    "csv": {"format": "csv", "folder": "csv", "options": {"withHeader": True}, "choice": False},
    "json": {"format": "json", "folder": "json", "options": {}, "choice": False},
    "json, a choice": {"format": "json", "folder": "choice", "options": {}, "choice": True},
}
SCRIPT = f"""
import json, sys, time
from awsglue.context import GlueContext
from awsglue.transforms import ApplyMapping, ResolveChoice
from pyspark.context import SparkContext

glue = GlueContext(SparkContext.getOrCreate())
spark = glue.spark_session
SCHEMA = "id bigint, fare double, zone {{}}, city string, note string"
RENAMED = {{"fare": "price"}}
TYPES = {{"id": "long", "fare": "double", "zone": "string", "city": "string", "note": "string"}}

def target(name):
    path = "s3://{BUCKET}/out/" + name + "/"
    glue.purge_s3_path(path, {{"retentionPeriod": 0}})
    return path

def ours(case):
    format, folder, options = case["format"], case["folder"], case["options"]
    frame = glue.create_dynamic_frame.from_options(
        "s3", {{"paths": ["s3://{BUCKET}/" + folder + "/"], "recurse": True}}, format, options)
    if case["choice"]:
        frame = ResolveChoice.apply(frame, specs=[("zone", "cast:string")])
    mapped = ApplyMapping.apply(frame, [(f.name, f.dataType.typeName(), RENAMED.get(f.name, f.name), TYPES[f.name])
                                        for f in frame.schema().fields])
    glue.write_dynamic_frame.from_options(mapped, "s3", {{"path": target("ours")}}, "parquet")

def read(case, zone, *folders):
    reader = spark.read.schema(SCHEMA.format(zone)).format(case["format"])
    if case["options"]:
        reader = reader.option("header", True)
    return reader.load(["s3://{BUCKET}/" + case["folder"] + "/" + one for one in folders]).selectExpr(
        "id", "fare as price", "cast(zone as string) as zone", "city", "note")

def plain(case):
    if not case["choice"]:
        rows = read(case, "int", "")
    elif sys.argv[3] == "sail":  # each folder by its type: Sail's own reader fails on a field of two
        rows = read(case, "int", "number").union(read(case, "string", "words"))
    else:
        rows = read(case, "string", "number", "words")
    rows.write.mode("overwrite").parquet("s3://{BUCKET}/out/plain/")

found = {{}}
for name, case in json.loads(sys.argv[1]).items():
    found[name] = {{"ours": [], "plain": []}}
    for round_ in range(int(sys.argv[2]) + 1):  # the first round warms and does not count
        for side, call in (("ours", ours), ("plain", plain)):
            began, before = time.perf_counter(), time.process_time()
            call(case)
            if round_:
                found[name][side].append((time.perf_counter() - began, time.process_time() - before))
print("MEASURED " + json.dumps(found))
"""


Measured = dict[str, dict[str, list[tuple[float, float]]]]


def measure(workspace: Workspace, engine: str, rows: int, repeat: int) -> Measured:
    """Seconds and the driver's CPU seconds, by case and side. Raises SystemExit when a script fails."""
    store(workspace, BUCKET)
    env = environments(workspace)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make, script = folder / "make.py", folder / "bench_dynamicframe.py"
        make.write_text(MAKE)
        script.write_text(SCRIPT)
        run([*sail_argv(make, []), str(rows)], env[engines.SAIL], folder)
        words = sail_argv(script, []) if engine == engines.SAIL else spark_submit(workspace, script)
        said = run([*words, json.dumps(CASES), str(repeat), engine], env[engine], folder).output
    found: Measured = measured(said)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--engine", choices=[engines.SPARK, engines.SAIL], default=engines.SPARK)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    found = measure(Workspace.find(), options.engine, options.rows, options.repeat)
    if options.output == "json":
        print(json.dumps(found, indent=1))
        return
    for name, sides in found.items():
        (ours, our_cpu), (plain, plain_cpu) = (
            map(statistics.median, zip(*sides[side], strict=True)) for side in ("ours", "plain")
        )
        cpu = f"; CPU seconds {our_cpu / plain_cpu:.2f}" if options.engine == engines.SAIL else ""
        print(f"{name} on {options.engine}: {ours:.2f} s ÷ {plain:.2f} s = {ours / plain:.2f}{cpu} (aim: {AIMS[name]})")


if __name__ == "__main__":
    main()
