"""docs/awsglue-reference.md: every public name of awsglue, and what came of calling it on each engine.

The page is made of what happens here: ``LAKELET_WRITE_REFERENCE=1 pytest tests/stack/test_awsglue_reference.py``.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from pyspark.errors import PySparkNotImplementedError

import awsglue.context
import awsglue.dynamicframe
import awsglue.job
import awsglue.transforms as t
import awsglue.utils
import awsgluedq.transforms
from awsglue.context import GlueContext
from awsglue.dynamicframe import (
    DynamicFrame,
    DynamicFrameCollection,
    DynamicFrameReader,
    DynamicFrameWriter,
    ResolveOption,
)
from awsglue.job import Job
from awsglue.transforms import GlueTransform
from awsglue.utils import GlueArgumentError, getResolvedOptions
from awsgluedq.transforms import EvaluateDataQuality
from lakelet.catalog.client import ensure_database
from lakelet.catalog.glue import Glue
from lakelet.data.objects import s3_client
from lakelet.etl import (
    batches,
    context,
    file_formats,
    jdbc,
    mongodb,
    open_tables,
    opensearch,
    s3_source,
    selection,
    sinks,
    sources,
)
from lakelet.etl.dqdl import evaluation
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import engine
from lakelet.etl.transforms import spigot, unbox
from lakelet.workspace.paths import REPOSITORY
from tests.databases import PostgreSQL

pytestmark = pytest.mark.stack
DOCUMENT, WRITE = REPOSITORY / "docs" / "awsglue-reference.md", "LAKELET_WRITE_REFERENCE"
TABLE, ROOT, CONNECTION = ("gold", "awsglue_reference"), "s3://gold/awsglue_reference/", "awsglue_reference"
ENGINES = ("spark", "sail")
MODULES: tuple[ModuleType, ...] = (
    awsglue.context, awsglue.dynamicframe, t, awsgluedq.transforms, awsglue.job, awsglue.utils,
)  # fmt: skip
# Lakelet's own, between its modules; `raw` is the DataFrame below a frame.
INTERNAL = frozenset(("checked", "derive", "raw", "replaced", "settled", "with_errors", "with_errors_of"))
HEAD = """# Every name of awsglue

Written by `tests/stack/test_awsglue_reference.py`, which calls each of them on both engines and holds this page against
what came of it. A dash is a call that works; what is refused says so. How they behave, formats and options:
[Writing Glue scripts](awsglue.md).

| name | | on Spark | on Sail |
|---|---|---|---|
"""


ABOUT_OPTIONS = """
Those that are known, from the code; every other one is refused by name. What they do, and on which engine, is in
[Writing Glue scripts](awsglue.md), and there too what is [accepted without effect](awsglue.md#accepted-without-effect).

| of | options |
|---|---|
"""


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


class Name(NamedTuple):
    """A public name, how it is called, and the first sentence of what is said of it."""

    name: str
    signature: str
    about: str


class Place:
    """What the examples work on: a context, frames, a table of the lake, a connection to a real PostgreSQL."""

    def __init__(self, glue: GlueContext, folder: Path) -> None:
        self.glue, self.folder = glue, folder
        schema = "id int, name string, text string, list array<int>"
        self.rows = glue.spark_session.createDataFrame([(1, "a", "2", [1, 2]), (2, "b", "x", [3])], schema)
        self.frame = DynamicFrame.fromDF(self.rows, glue, "frame")
        self.flat = self.frame.drop_fields(["list"])
        self.two = DynamicFrameCollection({"one": self.flat, "two": self.flat}, glue)
        self.item = DynamicFrame.fromDF(glue.spark_session.sql(ITEM), glue, "item")
        self.json = DynamicFrame.fromDF(glue.spark_session.sql("""select '{"a": 1}' as text"""), glue, "json")

    def path(self, name: str) -> str:
        self.glue.purge_s3_path(path := f"{ROOT}{name}/", {"retentionPeriod": 0})
        return path

    def to_s3(self, call: Callable[..., Any], *frame: Any) -> Any:
        return call(*frame, connection_type="s3", connection_options={"path": self.path("out")}, format="json")

    def to_database(self, call: Callable[..., Any], frame: Any) -> Any:
        return call(frame, catalog_connection=CONNECTION, connection_options={"dbtable": "reference"})

    def from_source(self) -> DynamicFrame:
        source = self.glue.getSource("s3", paths=[f"{ROOT}json/"])
        source.setFormat("json")
        return source.getFrame()

    def batches(self) -> None:
        stream = self.glue.spark_session.readStream.schema("n int").json(f"{ROOT}json/")
        options = {"windowSize": "1 seconds", "checkpointLocation": self.folder.as_uri(), "batchMaxRetries": 0}
        try:
            self.glue.forEachBatch(stream, _end_the_stream, options)
        except Exception as error:
            if "one batch is enough" not in str(error):
                raise


def _end_the_stream(*_: Any) -> None:
    raise RuntimeError("one batch is enough")


ITEM = "select named_struct('n', named_struct('N', '1')) as Item"
MAPPING = [("id", "int", "number", "long")]
READ: dict[str, Any] = {
    "connection_type": "s3", "connection_options": {"paths": [f"{ROOT}json/"]}, "format": "json",
}  # fmt: skip
RULES = 'Rules = [ IsComplete "id" ]'
EXAMPLES: dict[str, Callable[[Place], Any]] = {
    "GlueContext.add_ingestion_time_columns": lambda p: p.glue.add_ingestion_time_columns(p.rows, "hour").count(),
    "GlueContext.cancel_transaction": lambda p: p.glue.cancel_transaction("t"),
    "GlueContext.commit_transaction": lambda p: p.glue.commit_transaction("t"),
    "GlueContext.create_data_frame_from_catalog": lambda p: p.glue.create_data_frame_from_catalog(*TABLE).count(),
    "GlueContext.create_data_frame_from_options": lambda p: p.glue.create_data_frame_from_options(**READ).count(),
    "GlueContext.create_dynamic_frame_from_catalog": lambda p: p.glue.create_dynamic_frame.from_catalog(*TABLE).count(),
    "GlueContext.create_dynamic_frame_from_options": lambda p: p.glue.create_dynamic_frame.from_options(**READ).count(),
    "GlueContext.create_dynamic_frame_from_rdd": lambda p: p.glue.create_dynamic_frame.from_rdd(
        p.rows.rdd, "r"
    ).count(),
    "GlueContext.create_sample_dynamic_frame_from_catalog": lambda p: p.glue.create_sample_dynamic_frame.from_catalog(
        *TABLE, num=1
    ).count(),
    "GlueContext.create_sample_dynamic_frame_from_options": lambda p: p.glue.create_sample_dynamic_frame.from_options(
        **READ, num=1
    ).count(),
    "GlueContext.extract_jdbc_conf": lambda p: p.glue.extract_jdbc_conf(CONNECTION),
    "GlueContext.forEachBatch": lambda p: p.batches(),
    "GlueContext.getOrCreate": lambda p: GlueContext.getOrCreate(p.glue),
    "GlueContext.getSink": lambda p: p.glue.getSink("s3", format="json", path=p.path("sink")).writeFrame(p.flat),
    "GlueContext.getSource": lambda p: p.from_source().count(),
    "GlueContext.get_logger": lambda p: p.glue.get_logger().info("said"),
    "GlueContext.purge_s3_path": lambda p: p.glue.purge_s3_path(f"{ROOT}purged/", {"retentionPeriod": 0}),
    "GlueContext.purge_table": lambda p: p.glue.purge_table(None, *TABLE, {"retentionPeriod": 10_000}),
    "GlueContext.start_transaction": lambda p: p.glue.start_transaction(True),
    "GlueContext.transition_s3_path": lambda p: p.glue.transition_s3_path(ROOT, "GLACIER"),
    "GlueContext.transition_table": lambda p: p.glue.transition_table(*TABLE, transition_to="GLACIER"),
    "GlueContext.write_data_frame_from_catalog": lambda p: p.glue.write_data_frame.from_catalog(p.rows, *TABLE),
    "GlueContext.write_data_frame_from_options": lambda p: p.to_s3(p.glue.write_data_frame.from_options, p.rows),
    "GlueContext.write_dynamic_frame_from_catalog": lambda p: p.glue.write_dynamic_frame.from_catalog(p.frame, *TABLE),
    "GlueContext.write_dynamic_frame_from_jdbc_conf": lambda p: p.to_database(
        p.glue.write_dynamic_frame.from_jdbc_conf, p.flat
    ),
    "GlueContext.write_dynamic_frame_from_options": lambda p: p.to_s3(p.glue.write_dynamic_frame.from_options, p.flat),
    "GlueContext.write_from_jdbc_conf": lambda p: p.to_database(p.glue.write_from_jdbc_conf, p.flat),
    "GlueContext.write_from_options": lambda p: p.to_s3(p.glue.write_from_options, p.two),
    "DynamicFrame.apply_mapping": lambda p: p.frame.apply_mapping(MAPPING).count(),
    "DynamicFrame.assertErrorThreshold": lambda p: p.frame.assertErrorThreshold(),
    "DynamicFrame.coalesce": lambda p: p.frame.coalesce(1).count(),
    "DynamicFrame.count": lambda p: p.frame.count(),
    "DynamicFrame.drop_fields": lambda p: p.frame.drop_fields(["id"]).count(),
    "DynamicFrame.errorsAsDynamicFrame": lambda p: p.frame.errorsAsDynamicFrame().count(),
    "DynamicFrame.errorsCount": lambda p: p.frame.errorsCount(),
    "DynamicFrame.filter": lambda p: p.frame.filter(lambda one: one["id"] > 1).count(),
    "DynamicFrame.fromDF": lambda p: DynamicFrame.fromDF(p.rows, p.glue, "again").count(),
    "DynamicFrame.getNumPartitions": lambda p: p.frame.getNumPartitions(),
    "DynamicFrame.join": lambda p: p.flat.join(["id"], ["id"], p.flat).count(),
    "DynamicFrame.map": lambda p: p.flat.map(lambda one: one).count(),
    "DynamicFrame.mergeDynamicFrame": lambda p: p.flat.mergeDynamicFrame(p.flat, ["id"]).count(),
    "DynamicFrame.printSchema": lambda p: p.frame.printSchema(),
    "DynamicFrame.relationalize": lambda p: p.frame.relationalize("root", p.path("staging")).select("root").count(),
    "DynamicFrame.rename_field": lambda p: p.frame.rename_field("id", "key").count(),
    "DynamicFrame.repartition": lambda p: p.frame.repartition(2).count(),
    "DynamicFrame.resolveChoice": lambda p: p.frame.resolveChoice(specs=[("text", "cast:int")]).count(),
    "DynamicFrame.schema": lambda p: p.frame.schema(),
    "DynamicFrame.select_fields": lambda p: p.frame.select_fields(["id"]).count(),
    "DynamicFrame.show": lambda p: p.frame.show(1),
    "DynamicFrame.simplify_ddb_json": lambda p: p.item.simplify_ddb_json().count(),
    "DynamicFrame.spigot": lambda p: p.frame.spigot(p.path("spigot"), {"topk": 1}).count(),
    "DynamicFrame.split_fields": lambda p: p.frame.split_fields(["id"]).select("first").count(),
    "DynamicFrame.split_rows": lambda p: p.flat.split_rows({"id": {">": 1}}).select("first").count(),
    "DynamicFrame.stageErrorsCount": lambda p: p.frame.stageErrorsCount(),
    "DynamicFrame.toDF": lambda p: p.frame.toDF().count(),
    "DynamicFrame.unbox": lambda p: p.json.unbox("text", "json").count(),
    "DynamicFrame.union": lambda p: p.flat.union(p.flat).count(),
    "DynamicFrame.unnest": lambda p: p.item.unnest().count(),
    "DynamicFrame.unnest_ddb_json": lambda p: p.item.unnest_ddb_json().count(),
    "DynamicFrame.write": lambda p: p.to_s3(p.flat.write),
    "DynamicFrameCollection.flatmap": lambda p: p.two.flatmap(lambda frame, _: frame),
    "DynamicFrameCollection.keys": lambda p: list(p.two.keys()),
    "DynamicFrameCollection.map": lambda p: p.two.map(lambda frame, _: frame).select("one").count(),
    "DynamicFrameCollection.select": lambda p: p.two.select("one").count(),
    "DynamicFrameCollection.values": lambda p: [frame.count() for frame in p.two.values()],
    "DynamicFrameReader": lambda p: DynamicFrameReader(p.glue).from_options,
    "DynamicFrameWriter": lambda p: DynamicFrameWriter(p.glue).from_options,
    "ResolveOption": lambda p: ResolveOption("text", "Cast"),
    "ApplyMapping": lambda p: t.ApplyMapping.apply(p.frame, MAPPING).count(),
    "DropFields": lambda p: t.DropFields.apply(p.frame, ["id"]).count(),
    "DropNullFields": lambda p: t.DropNullFields.apply(p.frame).count(),
    "ErrorsAsDynamicFrame": lambda p: t.ErrorsAsDynamicFrame.apply(p.frame).count(),
    "FillMissingValues": lambda p: t.FillMissingValues.apply(p.frame, missing_values_column="id"),
    "Filter": lambda p: t.Filter.apply(p.flat, lambda one: one["id"] > 1).count(),
    "FindIncrementalMatches": lambda p: t.FindIncrementalMatches.apply(p.frame, transformId="t"),
    "FindMatches": lambda p: t.FindMatches.apply(p.frame, transformId="t"),
    "FlatMap": lambda p: t.FlatMap.apply(p.two, t.Filter, "frame", f=lambda one: True),
    "GlueTransform": lambda p: [one.describe() for one in GlueTransform.__subclasses__()],
    "Join": lambda p: t.Join.apply(p.flat, p.flat, "id", "id").count(),
    "Map": lambda p: t.Map.apply(p.flat, lambda one: one).count(),
    "MapToCollection": lambda p: t.MapToCollection.apply(p.two, t.DropFields, "frame", paths=["id"]),
    "Relationalize": lambda p: t.Relationalize.apply(p.frame, p.path("staging"), "root").select("root").count(),
    "RenameField": lambda p: t.RenameField.apply(p.frame, "id", "key").count(),
    "ResolveChoice": lambda p: t.ResolveChoice.apply(p.frame, choice="make_cols").count(),
    "SelectFields": lambda p: t.SelectFields.apply(p.frame, ["id"]).count(),
    "SelectFromCollection": lambda p: t.SelectFromCollection.apply(p.two, "one").count(),
    "Simplify_ddb_json": lambda p: t.Simplify_ddb_json.apply(p.item).count(),
    "Spigot": lambda p: t.Spigot.apply(p.frame, p.path("spigot"), {"topk": 1}).count(),
    "SplitFields": lambda p: t.SplitFields.apply(p.frame, ["id"]).select("first").count(),
    "SplitRows": lambda p: t.SplitRows.apply(p.flat, {"id": {">": 1}}).select("first").count(),
    "Unbox": lambda p: t.Unbox.apply(p.json, "text", "json").count(),
    "Union": lambda p: t.Union.apply(p.flat, p.flat).count(),
    "UnnestFrame": lambda p: t.UnnestFrame.apply(p.item).count(),
    "Unnest_ddb_json": lambda p: t.Unnest_ddb_json.apply(p.item).count(),
    "EvaluateDataQuality": lambda p: EvaluateDataQuality.apply(p.frame, RULES).count(),
    "Job.init": lambda p: Job(p.glue).init("reference", {}),
    "Job.isInitialized": lambda p: Job(p.glue).isInitialized(),
    "Job.commit": lambda p: _committed(Job(p.glue)),
    "GlueArgumentError": lambda p: GlueArgumentError("said"),
    "getResolvedOptions": lambda p: getResolvedOptions(["script", "--JOB_NAME", "reference"], ["JOB_NAME"]),
}


def _committed(job: Job) -> None:
    job.init("reference", {})
    job.commit()


OPTIONS_TITLE = "## Every option"
CHECKED = 25  # calls of refuse_unknown whose options are below, or which know none
OPTIONS: dict[str, Iterable[str]] = {
    "`create_dynamic_frame.from_catalog` and the like: `additional_options`": sources.CATALOG_OPTIONS,
    "the same, of a table in a database": jdbc.PARALLEL | jdbc.SAMPLE,
    "the same, and `write_dynamic_frame.from_catalog`, of an Iceberg or Delta table": open_tables.WITHOUT_EFFECT,
    "the connection type `s3`, reading": s3_source.S3_OPTIONS,
    "`sample_options`": selection.SAMPLE_OPTIONS,
    "the sink `s3`, in `connection_options` too": sinks.SINK_OPTIONS,
    "`write_dynamic_frame.from_catalog`: `additional_options`": sinks.SINK_OPTIONS - sinks.OF_PLACE,
    **{f"the format `{name}`, reading": known for name, known in file_formats.READING.items()},
    **{f"the format `{name}`, writing": known for name, known in file_formats.WRITING.items()},
    f"{_listed(jdbc.TYPES)}, reading": jdbc.WHERE | jdbc.PARALLEL | jdbc.SAMPLE,
    f"{_listed(jdbc.TYPES)}, writing": jdbc.WHERE | {"bulkSize"},
    f"{_listed(mongodb.TYPES)}, reading": mongodb.READING,
    f"{_listed(mongodb.TYPES)}, writing": mongodb.WRITING,
    "`opensearch`, reading": opensearch.READING,
    "`opensearch`, writing": opensearch.WRITING,
    "`forEachBatch`": batches.BATCH_OPTIONS,
    "`purge_table`, `purge_s3_path`": context.PURGE_OPTIONS,
    "`spigot`": spigot.OPTIONS,
    "`unbox` of `csv`": unbox.CSV_OPTIONS,
    "`EvaluateDataQuality`: `publishing_options`": evaluation.PUBLISHING | evaluation.WITHOUT_EFFECT,
    "`EvaluateDataQuality`: `additional_options`": {*evaluation.CHOICES, *evaluation.WITHOUT_EFFECT},
}


def options_section() -> str:
    rows = [f"| {what} | {_listed(sorted(known))} |" for what, known in OPTIONS.items()]
    return f"\n{OPTIONS_TITLE}\n{ABOUT_OPTIONS}" + "\n".join(rows) + "\n"


def names() -> Iterator[Name]:
    """Every public name, in the order of the page; of GlueContext, DynamicFrame and the like also the methods."""
    for module in MODULES:
        for name, value in sorted(vars(module).items()):
            if name.startswith("_") or not (inspect.isclass(value) or inspect.isfunction(value)):
                continue
            if value in (GlueContext, DynamicFrame, DynamicFrameCollection, Job):
                for method, code in inspect.getmembers(value, inspect.isroutine):
                    if not method.startswith("_") and method not in INTERNAL:
                        yield Name(f"{name}.{method}", _signature(code), _about(code))
            else:
                transform = inspect.isclass(value) and issubclass(value, GlueTransform) and value is not GlueTransform
                yield Name(name, _signature(value.__call__ if transform else value), _about(value))


def _signature(code: Any) -> str:
    if inspect.isclass(code) and issubclass(code, Exception):
        return ""
    parameters = [one for one in inspect.signature(code).parameters.values() if one.name not in ("self", "cls")]
    return str(inspect.Signature([one.replace(annotation=inspect.Parameter.empty) for one in parameters]))


def _about(code: Any) -> str:
    return " ".join((inspect.getdoc(code) or "").partition("\n\n")[0].split()).partition(": see :")[0].rstrip(".") + "."


def _shown(about: str) -> str:
    return re.sub(r":\w+:`[~.]*([^`]+)`", r"`\1`", about).replace("``", "`")


def row(name: Name, came: Mapping[str, str]) -> str:
    cells = (f"`{name.name}{name.signature}`", _shown(name.about), *(came[engine] for engine in ENGINES))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


@pytest.fixture(scope="module")
def place(lake: GlueContext, postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    ensure_database(lake.workspace, TABLE[0])
    catalog = Glue(lake.workspace)
    url = f"jdbc:postgresql://127.0.0.1:{postgresql.port}/postgres"
    properties = {"JDBC_CONNECTION_URL": url, "USERNAME": "postgres", "PASSWORD": "any"}
    connection = {"Name": CONNECTION, "ConnectionType": "JDBC", "ConnectionProperties": properties}
    catalog.call("CreateConnection", ConnectionInput=connection)
    s3_client(lake.workspace).put_object(Bucket="gold", Key=f"{ROOT[10:]}json/a.json", Body=b'{"n": 1}\n')
    made = Place(lake, tmp_path_factory.mktemp("checkpoint"))
    sink = lake.getSink("s3", path=f"{ROOT}table/", enableUpdateCatalog=True)
    sink.setFormat("parquet")
    sink.setCatalogInfo(*TABLE)
    sink.writeFrame(made.frame)
    yield made
    catalog.call("DeleteTable", DatabaseName=TABLE[0], Name=TABLE[1])
    catalog.call("DeleteConnection", ConnectionName=CONNECTION)


came_of: dict[str, dict[str, str]] = {}  # what the calls came to, by engine, for the page that is written anew


def test_every_name_is_called_and_the_page_says_what_comes_of_it(lake: GlueContext, place: Place) -> None:
    engine_name = "sail" if engine.active() else "spark"
    listed = list(names())
    assert {one.name for one in listed} == set(EXAMPLES)
    came = came_of[engine_name] = {}
    for name, example in EXAMPLES.items():
        try:
            example(place)
            came[name] = "–"
        except (UnsupportedError, PySparkNotImplementedError) as error:
            came[name] = str(error)
    if os.environ.get(WRITE):
        both = [
            row(one, {each: came_of.get(each, {}).get(one.name, "") for each in ("spark", "sail")}) for one in listed
        ]
        DOCUMENT.write_text(f"{HEAD}{chr(10).join(both)}\n{options_section()}")
    written = re.findall(r"^\| `.*$", DOCUMENT.read_text().partition(OPTIONS_TITLE)[0], re.MULTILINE)
    assert len(written) == len(listed), f"{DOCUMENT.name} has other names: write it again with {WRITE}=1"
    for one, line in zip(listed, written, strict=True):
        said = re.split(r"(?<!\\) \| ", line.removesuffix(" |"))
        there = {each: said[ENGINES.index(each) - 2].replace("\\|", "|") for each in ENGINES}
        assert line == row(one, {**there, engine_name: came[one.name]}), f"write the page again with {WRITE}=1"


def test_the_page_has_every_option() -> None:
    """What :func:`lakelet.etl.errors.refuse_unknown` lets through, wherever it stands, and nothing else."""
    assert DOCUMENT.read_text().endswith(options_section()), f"write the page again with {WRITE}=1"
    calls = [
        node
        for path in (REPOSITORY / "etl").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "refuse_unknown"
    ]
    assert len(calls) == CHECKED, "a call that takes options is to be added to OPTIONS"
