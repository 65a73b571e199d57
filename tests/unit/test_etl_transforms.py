"""DynamicFrames and their transforms, on a local Spark; one session for the module."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection, DynamicFrameReader, DynamicFrameWriter
from awsglue.job import Job
from awsglue.transforms import (
    ApplyMapping,
    DropFields,
    DropNullFields,
    ErrorsAsDynamicFrame,
    Filter,
    Join,
    Map,
    RenameField,
    ResolveChoice,
    SelectFields,
    SelectFromCollection,
    SplitFields,
    SplitRows,
)
from lakelet.data.formats import CSV, Dialect, dialect_of
from lakelet.etl import publishing, sinks
from lakelet.etl.delimited import read_rows
from lakelet.etl.delimited_source import Attached, DelimitedScan
from lakelet.etl.errors import ErrorThresholdError, UnsupportedError
from lakelet.etl.file_formats import write
from lakelet.etl.sinks import S3Sink
from lakelet.etl.tables import CatalogTable
from lakelet.workspace.errors import EntityNotFoundException, UsageError
from lakelet.workspace.paths import Workspace
from tests.spark import kinds, values

# A table as an earlier definition left it: with a heading, and with names of a dialect that this one has not.
OLDER = {"Name": "t", "Parameters": {"skip.header.line.count": "1", "separatorChar": "|", "delimiter": "|"}}


@pytest.fixture
def prices(glue: GlueContext) -> DynamicFrame:
    """A frame as CSV gives it: text, with the types that the catalog declares still pending."""
    rows = [("1", "10", "a"), ("2", "n/a", "b"), ("3", None, "c")]
    frame = glue.spark_session.createDataFrame(rows, "id string, price string, name string")
    return DynamicFrame(frame, glue, "prices", pending={"id": "bigint", "price": "bigint"})


# -- choices ------------------------------------------------------------------------------------------------------


def test_the_schema_is_computed_from_the_data(prices: DynamicFrame, capsys: pytest.CaptureFixture[str]) -> None:
    prices.printSchema()
    printed = "root\n|-- id: long\n|-- price: choice\n|    |-- long\n|    |-- string\n|-- name: string\n"
    assert capsys.readouterr().out == printed
    assert values(prices, "price.long", "price.string") == [(10, None), (None, "n/a"), (None, None)]


def test_resolve_choice_actions(prices: DynamicFrame) -> None:
    assert values(prices.resolveChoice(specs=[("price", "cast:int")]), "price") == [10, None, None]
    assert values(prices.resolveChoice(specs=[("price", "cast:string")]), "price") == ["10", "n/a", None]
    assert values(prices.resolveChoice(specs=[("price", "project:string")]), "price") == [None, "n/a", None]
    columns = prices.resolveChoice(specs=[("price", "make_cols")])
    assert values(columns, "price_long", "price_string") == [(10, None), (None, "n/a"), (None, None)]
    struct = ResolveChoice.apply(prices, choice="make_struct")
    assert kinds(struct)["price"] == "struct<long:bigint,string:string>"
    assert values(ResolveChoice.apply(prices.settled(), choice="cast:double"), "price") == [10.0, None, None]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"choice": "cast"},
        {"specs": [("price", "explode")]},
        {"choice": "cast:money"},
    ],
)
def test_resolve_choice_refuses_by_name(prices: DynamicFrame, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        prices.resolveChoice(**arguments).toDF()


# -- fields -------------------------------------------------------------------------------------------------------


def test_apply_mapping_renames_casts_and_drops(prices: DynamicFrame) -> None:
    mapped = ApplyMapping.apply(
        frame=prices, mappings=[("id", "long", "key", "int"), ("PRICE", "string", "price", "double")]
    )
    assert kinds(mapped) == {"key": "int", "price": "double"}
    assert values(mapped, "key", "price") == [(1, 10.0), (2, None), (3, None)]


def test_apply_mapping_takes_one_type_of_a_choice(prices: DynamicFrame) -> None:
    mapped = ApplyMapping.apply(
        prices.settled(), [("price", "string", "text", "string"), ("price", "long", "n", "long")]
    )
    assert values(mapped, "text", "n") == [(None, 10), ("n/a", None), (None, None)]


def test_numbers_declared_as_another_type_are_not_lost(glue: GlueContext) -> None:
    rows = [("12.5", "true"), ("7", "false"), ("n/a", None)]
    frame = glue.spark_session.createDataFrame(rows, "x string, yes string")
    pending = DynamicFrame(frame, glue, "x", pending={"x": "double", "yes": "boolean"})
    mapped = pending.apply_mapping([("x", "double", "x", "int"), ("yes", "boolean", "yes", "int")])
    assert values(mapped, "x", "yes") == [(12, 1), (7, 0), (None, None)]
    cast = pending.resolveChoice(specs=[("x", "cast:long"), ("yes", "cast:string")])
    assert values(cast, "x", "yes") == [(12, "true"), (7, "false"), (None, None)]
    exact = DynamicFrame(glue.spark_session.sql("select '9007199254740993' as n"), glue, "n", pending={"n": "double"})
    assert values(exact.resolveChoice(specs=[("n", "cast:long")]), "n") == [9007199254740993]


def test_apply_mapping_reads_nested_and_quoted_names(glue: GlueContext) -> None:
    rows = glue.spark_session.sql("select named_struct('x', 1) as a, 2 as `b.c`")
    frame = DynamicFrame.fromDF(rows, glue, "nested")
    mapped = frame.apply_mapping([("a.x", "int", "x", "long"), ("`b.c`", "int", "c", "string")])
    assert values(mapped, "x", "c") == [(1, "2")]
    with pytest.raises(UnsupportedError, match="arrays"):
        frame.apply_mapping([("a.x", "int", "p[].q", "int")])


@pytest.mark.parametrize(
    "mapping", [("id", "long", "id"), ("nope", "long", "id", "money"), ("id", "long", "id", "money")]
)
def test_apply_mapping_refuses_by_name(prices: DynamicFrame, mapping: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        prices.apply_mapping([mapping])


def test_select_drop_rename_keep_what_is_pending(prices: DynamicFrame) -> None:
    assert SelectFields.apply(prices, ["NAME", "id"]).toDF().columns == ["name", "id"]
    assert DropFields.apply(prices, ["name", "nope"]).toDF().columns == ["id", "price"]
    renamed = RenameField.apply(prices, "id", "key")
    assert kinds(renamed)["key"] == "bigint"


def test_a_field_that_no_record_has_fails_no_transform(prices: DynamicFrame) -> None:
    mapped = prices.apply_mapping([("id", "long", "id", "int"), ("nope", "string", "n", "int"), ("name.x", "y")])
    assert kinds(mapped) == {"id": "int"}
    assert mapped.count() == 3
    assert prices.select_fields(["nope", "name"]).toDF().columns == ["name"]
    assert kinds(prices.rename_field("nope", "other")) == kinds(prices)
    assert values(prices.resolveChoice(specs=[("nope", "cast:int"), ("price", "cast:int")]), "price") == [
        10,
        None,
        None,
    ]
    assert prices.unbox("nope", "json").toDF().columns == ["id", "price", "name"]
    fields = prices.split_fields(["nope", "name"])
    assert [fields[one].toDF().columns for one in ("first", "second")] == [["name"], ["id", "price"]]
    rows = prices.split_rows({"nope": {">": 1}})
    assert [rows[one].count() for one in ("first", "second")] == [0, 3]
    with pytest.raises(UsageError, match="nope"):
        prices.join(["nope"], ["id"], prices)


def test_a_glue_context_of_a_glue_context(glue: GlueContext) -> None:
    again = GlueContext(glue)
    assert (again.spark_context, again.purges) == (glue.spark_context, glue.purges)
    assert GlueContext(glue.spark_session).spark_session is glue.spark_session
    assert GlueContext.getOrCreate(glue) is GlueContext.getOrCreate(glue.spark_context)
    assert DynamicFrameWriter(again).from_options.__self__ is again
    assert DynamicFrameReader(again).from_options == again.create_dynamic_frame.from_options


def test_drop_null_fields(glue: GlueContext) -> None:
    rows = glue.spark_session.sql("select 1 as a, cast(null as int) as b, null as c")
    assert DropNullFields.apply(DynamicFrame.fromDF(rows, glue, "x")).toDF().columns == ["a"]


# -- rows ---------------------------------------------------------------------------------------------------------


def test_filter_and_map(prices: DynamicFrame) -> None:
    assert values(Filter.apply(prices, f=lambda record: record["id"] > 1), "name") == ["b", "c"]

    def double(record: dict[str, Any]) -> dict[str, Any]:
        return {"id": record["id"] * 2, "per": 6 // (record["id"] - 2)}

    mapped = Map.apply(frame=prices, f=double)
    assert sorted(values(mapped, "id", "per")) == [(2, -6), (6, 6)]
    (error,) = ErrorsAsDynamicFrame.apply(mapped).toDF().collect()
    assert "ZeroDivisionError" in error["error"]["msg"]
    assert prices.map(double, stageThreshold=1).count() == 2  # as many as may be
    with pytest.raises(ErrorThresholdError, match="3 error record"):
        prices.map(lambda record: {"none": 1 / 0}, stageThreshold=2)


def test_join_and_union(glue: GlueContext, prices: DynamicFrame) -> None:
    other = DynamicFrame.fromDF(glue.spark_session.sql("select 2 as key, 'x' as name"), glue, "other")
    joined = Join.apply(prices, other, ["id"], ["key"])
    assert joined.toDF().columns == ["id", "price", "name", "key", ".name"]
    assert joined.count() == 1
    with pytest.raises(UsageError):
        prices.join(["id", "name"], ["key"], other)
    assert prices.union(prices).count() == 6


def test_splits_and_collections(prices: DynamicFrame) -> None:
    fields = SplitFields.apply(prices, ["name"], "named", "rest")
    assert sorted(fields.keys()) == ["named", "rest"]
    assert SelectFromCollection.apply(fields, "rest").toDF().columns == ["id", "price"]
    rows = SplitRows.apply(prices, {"id": {">": 1, "<=": 2}}, "in", "out")
    assert (values(rows["in"], "name"), values(rows["out"], "name")) == (["b"], ["a", "c"])
    with pytest.raises(UsageError, match="no frame 'x'"):
        DynamicFrameCollection({}, prices.glue_ctx).select("x")


# -- text ---------------------------------------------------------------------------------------------------------


def test_delimited_rows_errors_and_where_they_stood(glue: GlueContext, tmp_path: Path) -> None:
    for day, content in (("1", b"a,b\n1,x\n2\n"), ("2", b"a,b\n3,y\n")):
        (tmp_path / f"day={day}").mkdir()
        (tmp_path / f"day={day}" / "part.csv.gz").write_bytes(gzip.compress(content))
    root = f"file:{tmp_path}"
    folders = {f"{root}/day=1": ["1"], f"{root}/day=2": ["2"]}
    scan = DelimitedScan(
        list(folders), ["a", "b"], Dialect(header_lines=1), ["day"], folders, Attached("file", "line", "text")
    )
    rows = scan.rows(glue.spark_session).orderBy("a").collect()
    assert [(r.a, r.b, r.day, r.line, r.text) for r in rows] == [("1", "x", "1", 2, "1,x"), ("3", "y", "2", 2, "3,y")]
    (error,) = scan.errors(glue.spark_session).collect()
    assert error["error"].asDict() == {
        "msg": "wrong column count: 1, expected 2",
        "input": "2",
        "source": f"{root}/day=1/part.csv.gz",
        "line": 3,
    }


TEXTS = ['he said "hi"', 'a,b "q", c', "x\\y", "x\\\\y", "end\\", '\\"', '"', "two\nlines", " lead ", "it's", "a;b"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"separator": ";", "quoteChar": "'"},
        {"escaper": "\\"},
        {"quoteChar": "'", "escaper": "\\", "writeHeader": False},
    ],
)
def test_csv_written_is_read_back_by_its_table(
    glue: GlueContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.setattr(CatalogTable, "find", lambda *names: CatalogTable(*names, OLDER))
    sink = glue.getSink("s3", path="s3://lake/t/", enableUpdateCatalog=True)
    sink.setFormat("csv", **options)
    sink.setCatalogInfo("bronze", "t")
    frame = glue.spark_session.createDataFrame(list(enumerate(TEXTS)), "n int, text string").coalesce(1)
    write(frame, CSV, sink.format_options, (), f"file:{tmp_path}/out")
    (part,) = (tmp_path / "out").glob("*.csv")
    written = CatalogTable(glue.workspace, "bronze", "t", sink._table_input(frame.schema, CSV))
    rows = read_rows(part.read_bytes(), ["n", "text"], written.dialect)
    assert (rows.bad, rows.table["text"].to_pylist()) == ([], TEXTS)
    # Appending to that table goes by its dialect.
    appending = S3Sink.of_table(glue, written, {})
    assert dialect_of(appending._table_input(frame.schema, CSV)) == written.dialect


def test_a_write_that_fails_anywhere_ends_its_publish(glue: GlueContext, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, str]] = []

    def call(workspace: Workspace, method: str, path: str, *_: Any, **__: Any) -> dict[str, Any]:
        called.append((method, path))
        return {"publish_id": "pub_1", "staging": "s3://lake/_staging/pub_1/", "sequence": 0, "opened": 17}

    monkeypatch.setattr(publishing, "call", call)
    monkeypatch.setattr(sinks, "write", lambda *_: None)
    monkeypatch.setattr(publishing.Publication, "moves", lambda *_, **__: [])
    monkeypatch.setattr(CatalogTable, "find", lambda *names: CatalogTable(*names, OLDER))
    sink = glue.getSink("s3", path="s3://lake/t/", enableUpdateCatalog=True, updateBehavior="LOG")
    sink.setCatalogInfo("bronze", "t")
    with pytest.raises(UsageError, match="no column extra"):
        sink.write_rows(glue.spark_session.sql("select 1 as extra"))
    assert called == [("POST", "publishes"), ("DELETE", "publishes/pub_1")]


# -- what is not there --------------------------------------------------------------------------------------------


def test_what_is_not_supported_is_named(glue: GlueContext) -> None:
    with pytest.raises(UnsupportedError, match="kinesis"):
        glue.create_dynamic_frame.from_options("kinesis", {})
    with pytest.raises(UnsupportedError, match="noSuchOption"):
        glue.create_dynamic_frame.from_options("s3", {"paths": ["s3://b/x"], "noSuchOption": 1}, "csv")
    with pytest.raises(UnsupportedError, match="noSuchSize"):
        glue.getSink("s3", path="s3://b/x").setFormat("parquet", noSuchSize=1)
    with pytest.raises(UsageError, match="path"):
        glue.getSink("s3")
    with pytest.raises(UnsupportedError, match="manifestFilePath"):
        glue.purge_s3_path("s3://b/x", {"manifestFilePath": "s3://b/m"})
    with pytest.raises(UsageError, match=r"Job\.init"):
        Job(glue).commit()


def test_the_catalog_of_another_account_is_refused(glue: GlueContext, prices: DynamicFrame) -> None:
    other = "999999999999"
    table: dict[str, Any] = {"database": "silver", "table_name": "t"}
    rows = prices.toDF().select("id")
    for refused in (
        lambda: glue.create_dynamic_frame.from_catalog(**table, catalog_id=other),
        lambda: glue.write_dynamic_frame.from_catalog(prices, **table, catalog_id=other),
        lambda: glue.write_data_frame.from_catalog(rows, **table, catalog_id=other),
        lambda: glue.purge_table(other, **table),
        lambda: glue.getSink("s3", path="s3://b/x").setCatalogInfo("silver", "t", other),
        lambda: prices.resolveChoice(choice="match_catalog", database="silver", table_name="t", catalog_id=other),
    ):
        with pytest.raises(EntityNotFoundException, match=other):
            refused()
    glue.getSink("s3", path="s3://b/x").setCatalogInfo("silver", "t", glue.workspace.settings.text("account_id"))


def test_what_cannot_be_cast_is_null_as_on_aws(glue: GlueContext) -> None:
    rows = glue.spark_session.createDataFrame([("x", "", 7, 0)], "word string, empty string, seven int, zero int")
    casts = [f"cast(word AS {kind})" for kind in ("int", "bigint", "decimal(5, 2)", "double", "boolean")]
    more = ("cast(empty AS date)", "cast(empty AS double)", "seven / zero", "to_date(word, 'yyyy-MM-dd')", "word > 5")
    both = (*casts, *more)
    assert [tuple(row) for row in rows.selectExpr(*both).collect()] == [(None,) * len(both)]
