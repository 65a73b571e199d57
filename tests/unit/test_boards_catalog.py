"""The catalog's pages and their data, without a stack: sentences, not tracebacks; figures as people read them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from lakelet.catalog.differences import ADDED, CHANGED, REMOVED, differences
from lakelet.dashboards import catalog_data
from lakelet.dashboards.catalog_data import Crawler, Lineage, TableEntry, Toucher
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException, LakeletError, NotRunningError
from lakelet.workspace.paths import STATE_VARIABLE, Workspace

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TABLE = {
    "DatabaseName": "sales", "Name": "orders", "VersionId": "1", "Description": "Orders *in* euros",
    "Parameters": {"classification": "parquet", "UPDATED_BY_CRAWLER": "shop"},
    "PartitionKeys": [{"Name": "day", "Type": "string"}],
    "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "bigint", "Comment": "The order"}], "Location": "s3://b/o/"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / ".lakelet"))
    yield Workspace.find()
    st.cache_data.clear()


def page(name: str = "catalog_search", **address: str) -> AppTest:
    def script(name: str) -> None:
        import importlib

        from lakelet.dashboards import theme
        from lakelet.workspace.paths import Workspace

        theme.apply()
        importlib.import_module(f"lakelet.dashboards.pages.{name}").show(Workspace.find())

    app = AppTest.from_function(script, args=(name,), default_timeout=60)
    for parameter, value in address.items():
        app.query_params[parameter] = value
    return app.run()


def words(app: AppTest) -> str:
    assert not app.exception
    return " ".join(element.value for element in (*app.title, *app.markdown, *app.caption))


def returns(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
    for name, answer in answers.items():

        def give(*_: object, answer: Any = answer, **__: object) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(catalog_data, name, give)


@pytest.mark.parametrize("name", ["catalog_search", "catalog_crawlers"])
def test_without_a_stack_the_pages_say_how_to_begin(name: str) -> None:
    assert "lakelet up" in words(page(name))


FAILURES = [
    (NotRunningError("The control process does not answer: see `lakelet status`."), "lakelet status"),
    (LakeletError("The object store is full."), "The object store is full"),
    (ZeroDivisionError("secret internals"), "lakelet logs dashboards"),
]


@pytest.mark.parametrize(("error", "said"), FAILURES, ids=[type(error).__name__ for error, _ in FAILURES])
def test_a_failure_is_a_sentence(error: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    returns(monkeypatch, search=error, table=error, crawlers=error)
    for app in (page(), page(database="sales", table="orders"), page("catalog_crawlers")):
        assert said in words(app)
        assert "secret internals" not in words(app)


VIEWS = ["Rows", "Partitions", "Versions", "Statistics", "Lineage", "Crawls"]


@pytest.mark.parametrize("view", VIEWS)
def test_one_view_that_fails_leaves_the_table(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = ZeroDivisionError("secret internals")
    returns(monkeypatch, table=TABLE, sample=failure, partitions=failure, versions=failure, statistics=failure)
    returns(monkeypatch, lineage=failure, crawls=failure)
    text = words(page(database="sales", table="orders", view=view))
    assert "sales.orders" in text
    assert f"Cannot show the {view.lower()}" in text
    assert "secret internals" not in text


NOTHING: dict[str, tuple[Any, str]] = {
    "Rows": (pd.DataFrame(), "No rows"),
    "Partitions": (catalog_data.PartitionPage(pd.DataFrame(), None), "No partitions yet"),
    "Versions": ([{"VersionId": "0", "Table": TABLE}], "One version"),
    "Statistics": (pd.DataFrame(), "No statistics"),
    "Lineage": (Lineage(), "Nothing recorded yet"),
    "Crawls": ([], "No crawls yet"),
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_of_nothing_says_so(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, said = NOTHING[view]
    returns(monkeypatch, table=TABLE, **{{"Rows": "sample"}.get(view, view.lower()): answer})
    assert said in words(page(database="sales", table="orders", view=view))


def test_a_table_that_is_gone_and_a_condition_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    returns(monkeypatch, table=EntityNotFoundException("Table gone not found."))
    assert "No such table" in words(page(database="sales", table="gone"))
    returns(monkeypatch, table=TABLE, partitions=InvalidInputException("day >= is no condition."))
    text = words(page(database="sales", table="orders", view="Partitions", where="day >="))
    assert "Please check the condition" in text
    assert "is no condition" in text


def test_facets_are_counted_and_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [TableEntry(database, "t", "csv", 1, (), "", NOW) for database in ("a", "b")]
    returns(monkeypatch, search=found)
    app = page(database="b")
    assert "1 table." in words(app)
    assert app.selectbox[0].options == ["a · 1", "b · 1"]
    assert list(app.dataframe[0].value["Table"]) == ["b.t"]


def test_lineage_names_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Toucher("load_orders", "jr_1", "SUCCEEDED", NOW, 3)
    returns(monkeypatch, table=TABLE, lineage=Lineage([writer], [], [("raw", "orders")], [], "shop"))
    app = page(database="sales", table="orders", view="Lineage")
    assert list(app.dataframe[0].value["Written by"]) == ["load_orders"]
    assert "raw.orders" in [button.label for button in app.button]


def test_crawlers_show_their_history(monkeypatch: pytest.MonkeyPatch) -> None:
    crawler = Crawler("shop", "READY", "sales", "s3://b/", "FAILED", NOW, "The bucket b does not exist.", None)
    returns(monkeypatch, crawlers=[crawler], crawls=[catalog_data._crawl(
        {"CrawlId": "c", "State": "COMPLETED", "StartTime": NOW, "EndTime": NOW,
         "Summary": '{"TABLE": {"ADD": 2, "UPDATE": 0}, "PARTITION": {"DELETE": 1}}'}
    )])  # fmt: skip
    app = page("catalog_crawlers")
    assert app.code[0].value == "The bucket b does not exist."
    assert list(app.dataframe[1].value["Changes"]) == ["2 tables added, 1 partition deleted"]


def test_a_page_of_all_partitions_is_in_the_order_of_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {**TABLE, "PartitionKeys": [{"Name": "day", "Type": "int"}, {"Name": "place", "Type": "string"}]}
    values = [["1", "b"], ["10", "a"], ["1", "a"], ["__HIVE_DEFAULT_PARTITION__", "a"], ["2", "a"]]
    answer: dict[str, Any] = {"Partitions": [{"Values": one} for one in values]}
    monkeypatch.setattr(catalog_data, "Glue", lambda workspace: SimpleNamespace(call=lambda *_, **__: answer))
    rows = catalog_data.partitions(Workspace.find(), found).rows
    assert list(zip(rows["day"], rows["place"], strict=True))[:4] == [("1", "a"), ("1", "b"), ("2", "a"), ("10", "a")]
    answer["NextToken"] = "more"
    assert list(catalog_data.partitions(Workspace.find(), found).rows["day"]) == [one[0] for one in values]


def test_the_ends_of_a_column_are_written_as_its_values() -> None:
    for kind, name, value, text in (
        ("timestamp", "Long", 1357034400, "2013-01-01 10:00:00"),
        ("date", "Date", 86400, "1970-01-02"),
        ("int", "Long", 2013, "2013"),
        ("double", "Double", -43.0, "-43"),
        ("double", "Double", 0.1, "0.1"),
        ("decimal(5,2)", "Decimal", {"UnscaledValue": base64.b64encode(b"\x7b").decode(), "Scale": 2}, "1.23"),
    ):
        data = {"Type": name.upper(), f"{name}ColumnStatisticsData": {"MinimumValue": value, "NumberOfNulls": 1}}
        row = catalog_data._statistics({"ColumnName": "c", "ColumnType": kind, "StatisticsData": data})
        assert (row["minimum"], row["maximum"], row["nulls"]) == (text, None, 1)


def test_nested_and_binary_values_are_text() -> None:
    column = catalog_data._plain(pa.chunked_array([[{"a": [1, None]}, None]]))
    assert column == ['{"a": [1, null]}', None]
    assert catalog_data._plain(pa.chunked_array([[b"\x01\xff"]])) == ["01ff"]
    assert len(catalog_data._plain(pa.chunked_array([[["x" * 999]]]))[0]) == catalog_data.CELL + 1


def test_figures_of_a_decimal_are_written_out() -> None:
    assert catalog_data._decimal({"UnscaledValue": "+DE=", "Scale": 2}) == "-19.99"


def test_versions_differ_in_columns_parameters_and_storage() -> None:
    after = TABLE | {
        "PartitionKeys": [],
        "Parameters": {"classification": "csv", "new": "1"},
        "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "int"}], "Location": "s3://b/p/"},
    }
    found = {(one.part, one.name): (one.change, one.before, one.after) for one in differences(TABLE, after)}
    assert found == {
        ("column", "id"): (CHANGED, "bigint (The order)", "int"),
        ("partition key", "day"): (REMOVED, "string", ""),
        ("parameter", "classification"): (CHANGED, "parquet", "csv"),
        ("parameter", "new"): (ADDED, "", "1"),
        ("parameter", "UPDATED_BY_CRAWLER"): (REMOVED, "shop", ""),
        ("storage", "Location"): (CHANGED, "s3://b/o/", "s3://b/p/"),
    }
    assert differences(TABLE, TABLE) == []


def test_columns_in_another_order_differ() -> None:
    def of(*names: str) -> dict[str, Any]:
        return {"StorageDescriptor": {"Columns": [{"Name": name, "Type": "int"} for name in names]}}

    assert [(one.name, one.before, one.after) for one in differences(of("a", "b"), of("b", "a"))] == [
        ("order", "a, b", "b, a")
    ]
