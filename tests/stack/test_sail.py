"""Jobs on the engine sail, on the real stack: stock scripts, their output published as Spark's is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from lakelet.jobs import engines
from lakelet.jobs.client import JobRun
from lakelet.jobs.logs import Stream, read
from lakelet.jobs.warm_driver import READY, START
from lakelet.workspace.control import call
from tests.stack.flights import Flights

pytestmark = pytest.mark.stack

GLUE = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
flights = glueContext.create_dynamic_frame.from_catalog(
    database="bronze", table_name="flights", transformation_ctx="flights"
)
mapped = ApplyMapping.apply(
    frame=flights,
    mappings=[("carrier", "string", "carrier", "string"), ("dep_delay", "bigint", "delay", "double"),
              ("origin", "string", "origin", "string")],
)
sink = glueContext.getSink(
    connection_type="s3", path="s3://silver/sail_delays/", enableUpdateCatalog=True, partitionKeys=["origin"]
)
sink.setFormat("glueparquet")
sink.setCatalogInfo(catalogDatabase="silver", catalogTableName="sail_delays")
glueContext.purge_table(database="silver", table_name="sail_delays", options={"retentionPeriod": 0}) if PURGE else None
sink.writeFrame(mapped)
print(mapped.count(), mapped.errorsCount())
job.commit()
import subprocess
print("java" in subprocess.run(["ps", "-o", "args=", "--ppid", str(__import__("os").getpid())], capture_output=True,
      text=True).stdout)
"""

GONE = """
from awsglue.context import GlueContext
from awsglue.job import Job
from pyspark import SparkContext

glue = GlueContext(SparkContext.getOrCreate())
job = Job(glue)
job.init("gone")
frame = glue.create_dynamic_frame.from_catalog("silver", "TABLE")
glue.purge_table(database="silver", table_name="TABLE", options={"retentionPeriod": 0})
job.commit()
print(glue.spark_session.range(1).count())
print(frame.count())
"""

PLAIN = """
from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.appName("plain").master("local[*]").getOrCreate()
spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
out = "s3://silver/FOLDER/"
rows = spark.range(6).withColumn("part", F.col("id") % 3)
rows.write.mode("overwrite").partitionBy("part").parquet(out)
rows.where("part = 1").withColumn("id", F.lit(7).cast("long")).write.mode("overwrite").partitionBy("part").parquet(out)
spark.sql("select 9L as id, 2L as part").write.mode("append").partitionBy("part").parquet(out)
read = spark.read.parquet(out)
print(sorted((row.part, row.id) for row in read.collect()))
"""


@pytest.fixture(scope="module")
def flights(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Flights:
    return Flights(stack.workspace, tmp_path_factory.mktemp("scripts"))


def run(flights: Flights, name: str, code: str, state: str = "SUCCEEDED") -> tuple[JobRun, str]:
    path = Path(flights.scripts / f"{name}.py")
    path.write_text(code)
    ended = flights.jobs.wait(flights.jobs.submit(str(path), {engines.ARGUMENT: engines.SAIL}))
    said = "\n".join(line.text for line in read(flights.workspace, ended["Id"], Stream.driver))
    assert ended["JobRunState"] == state, (ended, said)
    return ended, said


def test_a_stock_glue_script_runs_as_it_is(flights: Flights) -> None:
    table = f"sail_{uuid4().hex[:8]}"
    code = GLUE.replace("sail_delays", table)
    ended, said = run(flights, table, code.replace("PURGE", "False"))
    counts, java = said.splitlines()
    assert java == "False"
    good, bad = map(int, counts.split())
    assert (good, bad > 0) == (good, True)
    assert ended["Arguments"] == {"--engine": "sail"}
    choice = engines.noted(flights.workspace.runs / ended["Id"])
    assert choice == engines.Choice("sail", "asked for by --engine")
    sql = f"select count(*), count(distinct origin) from silver.{table}"
    assert flights.rows(sql) == [[good, 3]]
    # Once more, its purge and write in one publish.
    run(flights, table, code.replace("PURGE", "True"))
    assert flights.rows(sql) == [[good, 3]]
    assert flights.staged("silver", ended) == []
    # Files that are gone when they are read are no files without rows.
    ended, _ = run(flights, f"{table}_gone", GONE.replace("TABLE", table), "FAILED")
    assert f"silver.{table} have been replaced" in ended["ErrorMessage"]


def test_a_plain_script_overwrites_the_partitions_that_come(flights: Flights) -> None:
    _, said = run(flights, "sail_plain", PLAIN.replace("FOLDER", f"sail_plain_{uuid4().hex[:8]}"))
    assert said.strip() == str([(0, 0), (0, 3), (1, 7), (1, 7), (2, 2), (2, 5), (2, 9)])


def test_auto_chooses_and_says_why(flights: Flights) -> None:
    script = flights.scripts / "auto.py"
    script.write_text(
        "from pyspark.sql import SparkSession\n"
        "print(SparkSession.builder.getOrCreate().read.text('s3://bronze/planes/').count())\n"
    )
    submitted = flights.jobs.submit(str(script), {engines.ARGUMENT: engines.AUTO})
    assert flights.jobs.wait(submitted)["JobRunState"] == "SUCCEEDED"
    choice = engines.noted(flights.workspace.runs / submitted.run_id)
    assert choice == engines.Choice(
        "sail", "nothing in the script needs Spark, and its input has 0 MiB", may_change=True
    )


HIDDEN = """
from awsglue.context import GlueContext
from pyspark.context import SparkContext
from pyspark.sql import SparkSession

context = SparkContext.getOrCreate()
rows = SparkSession.builder.getOrCreate().read.text("s3://bronze/planes/")
count = rows.count() and GlueContext(context).create_dynamic_frame.from_catalog("bronze", "planes").count()
DONE
made = getattr(context, "parallel" + "ize")([1, 2])
print(made.sum(), count > 0)
"""


@pytest.mark.parametrize("kind", ["warm", "cold"])
def test_what_sail_cannot_do_goes_to_spark_while_nothing_has_been_done(flights: Flights, kind: str) -> None:
    name = f"sail_hidden_{kind}"
    script, extra = flights.scripts / f"{name}.py", flights.scripts / "cold.py"
    script.write_text(HIDDEN.replace("DONE", ""))
    extra.write_text("x = 1\n")
    arguments = {engines.ARGUMENT: engines.AUTO} | ({"--extra-py-files": str(extra)} if kind == "cold" else {})
    ended = flights.jobs.wait(flights.jobs.submit(str(script), arguments))
    said = [line.text for line in read(flights.workspace, ended["Id"], Stream.driver)]
    assert ended["JobRunState"] == "SUCCEEDED", (ended, said)
    assert "3 True" in said
    choice = engines.noted(flights.workspace.runs / ended["Id"])
    assert choice is not None
    assert choice.engine == "spark"
    assert choice.reason.startswith("Sail could not: SparkContext.parallelize")
    assert choice.reason.endswith("the script had done nothing yet")


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("print(count)", "printed"),
        ("import boto3; boto3.client('s3').put_object(Bucket='silver', Key='effects/x', Body=b'')", "connected to"),
        ("rows.write.mode('overwrite').parquet('s3://silver/effects/out/')", "begun to publish"),
        ("rows.toPandas().to_parquet('s3://silver/effects/pandas.parquet')", "called to_parquet"),
        ("import os; os.write(1, b'said')", "printed"),
    ],
    ids=["print", "boto3", "write", "pandas", "os.write"],
)
def test_a_script_that_has_done_something_is_not_started_again(flights: Flights, done: str, said: str) -> None:
    script = flights.scripts / f"sail_done_{abs(hash(done))}.py"
    script.write_text(HIDDEN.replace("DONE", done))
    ended = flights.jobs.wait(flights.jobs.submit(str(script), {engines.ARGUMENT: engines.AUTO}))
    assert ended["JobRunState"] == "FAILED"
    assert "--engine spark" in ended["ErrorMessage"]
    errors = (flights.workspace.runs / ended["Id"] / "stderr.log").read_text()
    assert f"Not run again on Spark: the script has {said}" in errors
    choice = engines.noted(flights.workspace.runs / ended["Id"])
    assert choice is not None
    assert choice.engine == "sail"


FORKED = """
import json, os, random, sys
import numpy
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
names = ("LAKELET_COMPONENT", "LAKELET_WARM_FOLDER", "PYTHONSAFEPATH", "LEAK")
print(json.dumps({
    "env": [name for name in names if name in os.environ], "run": os.environ["LAKELET_RUN_ID"], "in": os.getcwd(),
    "files": os.listdir(), "script": sys.argv[0][-14:], "leaked": hasattr(json, "leak"), "path": "/leak" in sys.path,
    "views": spark.catalog.tableExists("leak"), "conf": spark.conf.get("spark.leak", None),
    "numbers": [numpy.random.random(), random.random()],
}))
os.environ["LEAK"] = json.leak = "yes"
sys.path.append("/leak")
spark.range(1).createOrReplaceTempView("leak")
spark.conf.set("spark.leak", "yes")
open("leak", "w").close()
"""


def test_runs_are_forked_from_one_template_and_see_nothing_of_each_other(flights: Flights) -> None:
    home = flights.workspace.state / "warm-sail"
    assert call(flights.workspace, "POST", "warm-sail", {}) == {"ready": True}
    ready = list(home.glob(f"*/{READY}"))
    numbers = set()
    for _ in range(2):
        ended, said = run(flights, "sail_forked", FORKED)
        folder = flights.workspace.runs / ended["Id"]
        assert (folder / START).exists(), "it was not forked"
        seen = json.loads(said)
        numbers.update(seen.pop("numbers"))
        assert seen == {
            "env": [], "run": ended["Id"], "in": str(folder / "work"), "files": [], "script": "sail_forked.py",
            "leaked": False, "path": False, "views": False, "conf": None,
        }  # fmt: skip
    assert len(numbers) == 4
    assert ready[0].exists()


# Values of chance are kept in files of the run's until it ends.
KILLED = """
import os, pathlib, signal
from pyspark.sql import SparkSession, functions as F
rows = SparkSession.builder.getOrCreate().range(3).withColumn("key", F.expr("uuid()"))
assert rows.count() == 3
print([path.suffix for path in pathlib.Path("../scratch").rglob("*") if path.is_file()][0], flush=True)
DONE
"""


@pytest.mark.parametrize(("done", "state"), [("", "SUCCEEDED"), ("os.kill(os.getpid(), signal.SIGKILL)", "FAILED")])
def test_nothing_stays_of_what_a_run_has_kept(flights: Flights, done: str, state: str) -> None:
    ended, said = run(flights, "sail_killed", KILLED.replace("DONE", done), state)
    assert said.strip() == ".parquet"
    assert ("killed by SIGKILL" in ended.get("ErrorMessage", "")) == bool(done)
    assert not (flights.workspace.runs / ended["Id"] / "scratch").exists()


def test_what_only_spark_can_do_fails_and_says_so(flights: Flights) -> None:
    code = "from pyspark import SparkContext\nprint(SparkContext().parallelize([1]).count())\n"
    ended, _ = run(flights, "sail_rdd", code, "FAILED")
    assert "SparkContext.parallelize" in ended["ErrorMessage"]
    assert "--engine spark" in ended["ErrorMessage"]
    code = (
        "from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate().range(1).write.saveAsTable('a.b')\n"
    )
    ended, _ = run(flights, "sail_table", code, "FAILED")
    assert "--engine spark" in ended["ErrorMessage"]
