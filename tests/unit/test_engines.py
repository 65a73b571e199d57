"""Which engine runs a job: what is asked for, and what `auto` finds in a script and its input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakelet.jobs import engines
from lakelet.jobs.definitions import LIBRARY
from lakelet.jobs.engines import Choice, Sources, choose
from lakelet.jobs.needs import Inputs, inputs, spark_alone
from lakelet.workspace.errors import InvalidInputException, RunError
from lakelet.workspace.paths import REPOSITORY
from lakelet.workspace.settings import Settings

GLUE = """
from pyspark.context import SparkContext
from pyspark.sql import functions as F
from awsglue.context import GlueContext
glue = GlueContext(SparkContext.getOrCreate())
frame = glue.create_dynamic_frame.from_catalog(database="silver", table_name=args["table"])
other = glue.create_dynamic_frame.from_catalog("silver", "planes")
rows = frame.toDF().join(F.broadcast(other.toDF()), "tailnum")
rows.createOrReplaceTempView("v")
spark.sql("select * from v").write.mode("overwrite").parquet("s3://gold/out/")
"""
# What Glue Studio writes for its transform "SQL query".
STUDIO = """
def sparkSqlQuery(glueContext, query, mapping, transformation_ctx):
    for alias, frame in mapping.items():
        frame.toDF().createOrReplaceTempView(alias)
    return DynamicFrame.fromDF(spark.sql(query), glueContext, transformation_ctx)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, {})


def sources(
    script: str = GLUE, mib: int = 1, objects: int = 1, kind: str = "int", stored_as: str = "parquet"
) -> Sources:
    def sizes(folder: str) -> Iterator[int]:
        return iter([mib << 20] * objects)

    def table(database: str, name: str) -> dict[str, Any] | None:
        stored = {"Location": f"s3://{database}/{name}/", "Columns": [{"Name": "a", "Type": kind}]}
        told = {"Name": name, "StorageDescriptor": stored, "Parameters": {"classification": stored_as}}
        return told if name != "new" else None

    return Sources(lambda: script, table, sizes)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (GLUE, ""),
        ("sc.parallelize([1])", "parallelize"),
        ("df.rdd.map(f)", "rdd"),
        ("df.rdd.isEmpty()", ""),
        ("spark.read.option('multiLine', 'true').option('mode', 'PERMISSIVE').json(p)", "multiLine"),
        ("spark.read.option('multiLine', 'true').csv(p)", ""),
        ("sc._jsc.hadoopConfiguration().set('a', 'b')", "hadoopConfiguration"),
        ("from pyspark.ml.feature import Tokenizer", "pyspark.ml"),
        ("from pyspark import ml", "pyspark.ml"),
        ("from awsgluedq.transforms import EvaluateDataQuality", ""),
        ("spark.sql('insert into a select 1')", "catalog"),
        ("spark.sql('select * from silver.flights')", ""),
        ("spark.sql('select * from glue_catalog.silver.flights')", "catalog"),
        ("spark.table('silver.flights')", ""),
        ("spark.table(name)", "known only"),
        ("spark.read.table('silver.' + name())", "known only"),
        ("spark.catalog.tableExists('silver.flights')", ""),
        ("spark.catalog.listTables('silver')", "catalog"),
        ("def table(n):\n    return n\ntable('a')", ""),
        ("spark.sql(f'select * from {t}')", "only when it runs"),
        ("spark.sql(f'select * from v where d > {d}')", ""),
        ("q = 'select * from v'\nspark.sql(q)", ""),
        ("spark.sql('select rint(a) from v')", "rint"),
        ("spark.sql(\"select 'rint(a)' from v\")", ""),
        ("spark.sql(f'select datediff(day, a, {b}) from v')", "datediff"),
        ("rows.intersectAll(others)", "intersectAll"),
        ("F.conv('a', 10, 16)", "conv"),
        ("day.weekday()", ""),
        ("spark.conf.set('spark.sql.legacy.timeParserPolicy', 'LEGACY')", "it sets spark.sql.legacy.timeParserPolicy"),
        ("SparkSession.builder.config('spark.sql.ansi.enabled', True)", "it sets spark.sql.ansi.enabled"),
        ("spark.conf.set('spark.sql.session.timeZone', zone)", ""),
        ("spark.conf.set('spark.sql.shuffle.partitions', 8)", ""),
        ("spark.sql('SET spark.sql.ansi.enabled=true')", "sets spark.sql.ansi.enabled"),
        ("q = 'select * from v'\nq = 'drop table v'\nspark.sql(q)", "catalog"),
        ("q = 'select *' + ' from silver.flights'\nspark.sql(q)", ""),
        ("q = 'select * from v'\nq += more\nspark.sql(q)", "only when it runs"),
        ("for q in queries:\n    spark.sql(q)", "only when it runs"),
        ("q = 'select 1'\nq, r = queries\nspark.sql(q)", "only when it runs"),
        ("t = 'v'\nspark.sql(f'select * from {t}'.strip())", ""),
        ("d = 'silver'\nspark.sql(f'select * from {d}.v')", ""),
        ("spark.sql('select * from v' if a else 'drop table v')", "catalog"),
        ("spark.sql(sqlQuery='select 1')", ""),
        ("q = q2\nq2 = q\nspark.sql(q)", "only when it runs"),
        (f"{STUDIO}\nsparkSqlQuery(glue, 'select * from v', {{}}, 'a')", ""),
        (f"{STUDIO}\nQ = 'select 1'\nsparkSqlQuery(glue, query=Q, mapping={{}}, transformation_ctx='a')", ""),
        (
            f"{STUDIO}\nsparkSqlQuery(glue, 'select 1', {{}}, 'a')\nsparkSqlQuery(glue, q, {{}}, 'a')",
            "only when it runs",
        ),
        (f"{STUDIO}\nsparkSqlQuery(glue, 'select * from silver.v', {{}}, 'a')", ""),
        (f"{STUDIO}\nsparkSqlQuery(*given)", "only when it runs"),
        (STUDIO, "only when it runs"),
        ("spark.read.format('orc').load(p)", "orc"),
        ("glueContext.create_dynamic_frame.from_options('mongodb', options)", "mongodb"),
        ("spark.read.parquet('s3://b/*/x')", ""),
        ("from pyspark.sql.functions import input_file_name\ninput_file_name()", "input_file_name"),
        ("spark.read.option('header', True).option('dateFormat', 'dd/MM/yyyy').csv(p)", "dateFormat"),
        ("spark.read.csv(p, sep=';', encoding='UTF-8', dateFormat='yyyy-MM-dd', nullValue='NA')", ""),
        ("spark.read.csv(p, encoding=given, ignoreLeadingWhiteSpace='true')", "ignoreLeadingWhiteSpace"),
        ("spark.read.json(p, multiLine=True)", "multiLine"),
        ("spark.read.option('multiLine', True).csv(p)", ""),
        ("df.write.mode('append').option('dateFormat', 'dd/MM/yyyy').csv(p)", ""),
        ("df.write.csv(p, lineSep=given)", ""),
        ("df.write.option('maxRecordsPerFile', 1000).parquet(p)", "maxRecordsPerFile"),
        ("settings.option('dateFormat', 'dd/MM/yyyy').load(p)", ""),
        ("def broken(", "parsed"),
    ],
)
def test_what_only_spark_can_run(code: str, reason: str) -> None:
    found = spark_alone(code)
    assert reason in found
    assert bool(found) == bool(reason)


def test_inputs_are_found_in_script_and_arguments() -> None:
    found = inputs(GLUE, {"--table": "flights", "--path": "s3://bronze/in/"})
    assert found == Inputs(("s3://gold/out/", "s3://bronze/in/"), (("silver", "flights"), ("silver", "planes")), ())
    assert inputs("spark.read.json('s3://bronze/raw/month=*/*.json')", {}).paths == ("s3://bronze/raw/",)


def test_what_is_asked_for_is_taken(settings: Settings) -> None:
    assert choose("j", {}, settings, sources()).engine == "sail"  # auto
    assert choose("j", {}, settings) == Choice("spark", "there is no script to look at")
    assert choose("j", {"--engine": "sail"}, settings) == Choice("sail", "asked for by --engine")
    with pytest.raises(InvalidInputException, match="'fast'"):
        choose("j", {"--engine": "fast"}, settings)
    with pytest.raises(InvalidInputException, match="a in --conf"):
        choose("j", {"--engine": "sail", "--conf": "a=b --conf spark.executor.memory=1g"}, settings)
    tuned = {"--engine": "sail", "--conf": "spark.executor.memory=1g"}  # there are no executors to be tuned
    assert choose("j", tuned, settings).engine == "sail"


def test_auto_goes_by_script_and_size(settings: Settings) -> None:
    auto = {"--engine": "auto"}
    assert choose("j", auto, settings, sources()) == Choice(
        "sail", "nothing in the script needs Spark, and its input has 2 MiB", may_change=True
    )
    assert "only Spark" in choose("j", auto, settings, sources("x.rdd")).reason
    big = choose("j", auto, settings, sources(mib=600))
    assert (big.engine, "1,200 MiB" in big.reason) == ("spark", True)
    assert "10,000 objects" in choose("j", auto, settings, sources(objects=9999)).reason
    assert choose("j", auto | {"--conf": "a=b"}, settings, sources()).engine == "spark"

    def missing() -> str:
        raise RunError("s3://b/x.py cannot be read")

    lost = choose("j", auto, settings, Sources(missing, lambda *_: None, lambda _: iter(())))
    assert (lost.engine, "cannot be read" in lost.reason) == ("spark", True)


@pytest.mark.parametrize("code", ["spark.sql('select * from silver.flights')", "spark.table('silver.flights')"])
def test_tables_that_sql_names_are_looked_at(settings: Settings, code: str) -> None:
    script = f"{GLUE}\n{code}"
    choice = choose("j", {}, settings, sources(script))
    assert (choice.engine, "3 MiB" in choice.reason) == ("sail", True)  # of flights too
    of_csv = choose("j", {}, settings, sources(script, stored_as="json"))
    assert of_csv == Choice("spark", "only Spark reads silver.flights by SQL: its format is json")
    assert choose("j", {}, settings, sources(script.replace("silver.flights", "silver.new"))).engine == "sail"
    assert choose("j", {}, settings, sources(stored_as="json")).engine == "sail"  # by from_catalog


@pytest.mark.parametrize(
    ("code", "computes"),
    [
        ("rows.agg(F.avg('a'))", True),
        ("rows.groupBy('k').mean()", True),
        ("rows.agg({'a': 'avg'})", True),
        ("rows.selectExpr('a / b')", True),
        ("rows.withColumn('c', F.col('a') / 100)", True),
        ("spark.sql('select AVG (a) from v')", True),
        ("rows.select(F.round('a', 1))", True),
        ("rows.withColumn('c', F.col('a') * 2)", True),
        ("rows.where('a + 1 > b')", True),
        ("rows.where(\"d > '2024-01-01'\")", False),
        ("rows.agg(F.sum('a'))", False),
        ("Path(folder) / 'a'", False),
        ("rows.where('a > 1').write.parquet('s3://gold/a/')", False),
    ],
)
def test_what_is_computed_of_decimals_is_sparks(settings: Settings, code: str, computes: bool) -> None:
    of_ints, of_decimals = (
        choose("j", {}, settings, sources(f"{GLUE}\n{code}", kind=kind)) for kind in ("int", "array<decimal(10,2)>")
    )
    typed = choose("j", {}, settings, sources(f"{GLUE}\n{code}\nT.DecimalType(10, 2)"))
    assert of_ints.engine == "sail"
    assert {of_decimals.engine, typed.engine} == {"spark" if computes else "sail"}
    assert ("only Spark computes" in of_decimals.reason) == ("the table" in of_decimals.reason) == computes


def test_the_library_says_what_it_needs() -> None:
    needs = {path.parent.name: spark_alone(path.read_text()) for path in (REPOSITORY / LIBRARY).glob("*/script.py")}
    assert (needs["flights_aggregates"], needs["flights_gold"]) == ("", "")


def test_a_choice_is_noted_in_the_folder_of_its_run(tmp_path: Path) -> None:
    assert engines.noted(tmp_path) is None
    engines.note(tmp_path, Choice("sail", "because"))
    assert engines.noted(tmp_path) == Choice("sail", "because")
