"""What `lakelet jobs show` tells of a Glue script's run: its engine and why, and its transformation contexts."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

import pytest

from tests.stack.test_jobs import Jobs, lakelet

pytestmark = pytest.mark.stack
SCRIPT = """
from awsglue.context import GlueContext
from awsglue.job import Job
from pyspark.context import SparkContext

sc = SparkContext()  # as Glue Studio writes it; most scripts have the other
assert SparkContext.getOrCreate() is sc
glue = GlueContext(sc)
spark = glue.spark_session
assert spark.sql("select 1 as one").collect()[0].one == spark.range(1).count() == 1
job = Job(glue)
job.init("shown")
glue.purge_s3_path("s3://silver/NAME/table/", {"retentionPeriod": 0}, transformation_ctx="purge")
rows = glue.create_dynamic_frame.from_options("s3", {"paths": ["s3://bronze/NAME/"]}, "json", transformation_ctx="src")
rows = rows.repartition(1, transformation_ctx="not a source")
sink = glue.getSink("s3", path="s3://silver/NAME/table/", transformation_ctx="sink", enableUpdateCatalog=True)
sink.setFormat("glueparquet")
sink.setCatalogInfo("default", "NAME")
sink.writeFrame(rows)
again = glue.create_dynamic_frame.from_catalog("default", "NAME", transformation_ctx="table")
sample = glue.create_data_frame.from_catalog("default", "NAME", transformation_ctx="table")
source = glue.getSource("s3", transformation_ctx="src2", paths=["s3://bronze/NAME/"], recurse=True)
source.setFormat("json")
source.getFrame()
glue.write_dynamic_frame.from_catalog(again, "default", "NAME", transformation_ctx="appended")
glue.write_dynamic_frame.from_options(again, "s3", {"path": "s3://silver/NAME/out/"}, "json", transformation_ctx="out")
glue.purge_table("default", "NAME", {"retentionPeriod": 168}, "purge")
again.spigot("s3://silver/NAME/aside/", {"topk": 1}, "spigot")
job.commit()
"""


@pytest.fixture(scope="module")
def jobs(stack: Any) -> Jobs:
    return Jobs(stack.workspace)


@pytest.mark.parametrize("engine", ["spark", "sail", "auto"])
def test_a_run_shows_its_engine_and_its_transformation_contexts(jobs: Jobs, engine: str) -> None:
    name = f"shown_{uuid.uuid4().hex[:8]}"
    body = b'{"n": 1}\n' * 300_000  # 2.6 MiB
    jobs.s3.put_object(Bucket="bronze", Key=f"{name}/a.json", Body=body)
    if "default" not in {one["Name"] for one in jobs.glue.get_databases()["DatabaseList"]}:
        jobs.glue.create_database(DatabaseInput={"Name": "default"})
    arguments = {} if engine == "auto" else {"--engine": engine}
    run = jobs.run(SCRIPT.replace("NAME", name), "glueetl", DefaultArguments=arguments)
    assert run["JobRunState"] == "SUCCEEDED", run
    shown = json.loads(lakelet(jobs, "jobs", "show", run["Id"], "-o", "json").stdout)
    why = "asked for by --engine" if arguments else "nothing in the script needs Spark, and its input has 2 MiB"
    assert (shown["engine"], shown["engine_reason"]) == ("spark" if engine == "spark" else "sail", why)
    listed = json.loads(lakelet(jobs, "jobs", "runs", run["JobName"], "-o", "json").stdout)
    assert [(one["run"], one["engine"]) for one in listed] == [(run["Id"], shown["engine"])]
    table = f"default.{name}"
    assert shown["transformation_ctx"] == {
        "purge": [f"purges s3://silver/{name}/table/", f"purges {table}"],
        "src": [f"reads s3://bronze/{name}/"],
        "sink": [f"writes s3://silver/{name}/table/"],
        "table": [f"reads {table}"],
        "src2": [f"reads s3://bronze/{name}/"],
        "appended": [f"writes {table}"],
        "spigot": [f"writes s3://silver/{name}/aside/"],
        "out": [f"writes s3://silver/{name}/out/"],
    }


def test_the_tables_that_a_script_names_count_as_its_input(jobs: Jobs) -> None:
    name, place = f"sized_{uuid.uuid4().hex[:8]}", "s3://bronze/{}/"
    jobs.s3.put_object(Bucket="bronze", Key=f"{name}/a.json", Body=os.urandom(5 << 20))
    if "default" not in {one["Name"] for one in jobs.glue.get_databases()["DatabaseList"]}:
        jobs.glue.create_database(DatabaseInput={"Name": "default"})
    jobs.glue.create_table(
        DatabaseName="default",
        TableInput={"Name": name, "StorageDescriptor": {"Location": place.format(name), "Columns": []}},
    )
    code = f"import awsglue\ndef read(glue):\n    return glue.create_dynamic_frame.from_catalog('default', '{name}')\n"
    run = jobs.run(code, "glueetl", DefaultArguments={})
    shown = json.loads(lakelet(jobs, "jobs", "show", run["Id"], "-o", "json").stdout)
    assert shown["engine"] == "sail"
    assert shown["engine_reason"] == "nothing in the script needs Spark, and its input has 5 MiB"
    assert shown["transformation_ctx"] == {}


def test_what_may_hold_a_password_is_not_recorded() -> None:
    from lakelet.etl.transformation_contexts import place

    options = {"url": "jdbc:postgresql://h/d?password=p", "password": "p", "path": "s3://a/"}
    assert place("postgresql", options) == "postgresql"
    assert place("s3", {"paths": ["s3://a/", "s3://b/"]}) == "s3://a/ s3://b/"
