"""Types and tables between Hive, Glue and Spark's data sources."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakelet.catalog.hive.datasources import SHOWN, as_datasource, legible, without_datasource
from lakelet.catalog.hive.types import PROVIDER, SCHEMA, hive_type, spark_type
from lakelet.workspace.errors import InvalidInputException


@pytest.mark.parametrize(
    "hive",
    [
        "int",
        "bigint",
        "array<string>",
        "map<string,array<smallint>>",
        "struct<a:int,b:struct<c:decimal(10,2)>>",
        "date",
    ],
)
def test_types_go_to_spark_and_back(hive: str) -> None:
    assert hive_type(spark_type(hive)) == hive


@pytest.mark.parametrize("hive", ["", "array<", "struct<a>", "int int", "map<string>", "geometry", "decimal(x)"])
def test_what_is_no_type_is_refused(hive: str) -> None:
    with pytest.raises(InvalidInputException, match="no type"):
        spark_type(hive)


def csv_table(**parameters: str) -> dict[str, Any]:
    return {
        "Name": "t",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "csv", **parameters},
        "PartitionKeys": [{"Name": "p", "Type": "int"}],
        "StorageDescriptor": {
            "Columns": [{"Name": "a", "Type": "int", "Parameters": {"kept": "yes"}}],
            "Location": "s3://b/t/",
            "SerdeInfo": {"SerializationLibrary": "x.OpenCSVSerde", "Parameters": {"separatorChar": ";"}},
        },
    }


def test_a_csv_table_is_shown_as_a_data_source_and_comes_back_as_it_was() -> None:
    table = csv_table(**{"skip.header.line.count": "1"})
    shown = as_datasource(table)
    options = shown["StorageDescriptor"]["SerdeInfo"]["Parameters"]
    assert shown["Parameters"][PROVIDER] == "csv"
    assert (options["sep"], options["header"], options["path"]) == (";", "true", "s3://b/t/")
    assert [one["name"] for one in json.loads(shown["Parameters"][SCHEMA])["fields"]] == ["a", "p"]
    assert without_datasource(shown, table) == table


def test_columns_added_by_spark_to_such_a_table_stay() -> None:
    table = csv_table()
    shown = as_datasource(table)
    schema = json.loads(shown["Parameters"][SCHEMA])
    schema["fields"].insert(1, {"name": "z", "type": "long", "nullable": True, "metadata": {"comment": "new"}})
    shown["Parameters"][SCHEMA] = json.dumps(schema)
    back = without_datasource(shown, table)
    assert back["StorageDescriptor"]["Columns"] == [
        {"Name": "a", "Type": "int", "Parameters": {"kept": "yes"}},
        {"Name": "z", "Type": "bigint", "Comment": "new"},
    ]
    assert SHOWN not in back["Parameters"]


def test_two_lines_of_heading_are_refused() -> None:
    with pytest.raises(InvalidInputException, match="2 lines of heading"):
        as_datasource(csv_table(**{"skip.header.line.count": "2"}))


def test_what_spark_cannot_say_in_hive_is_made_legible() -> None:
    schema = {
        "type": "struct",
        "fields": [
            {"name": "Id", "type": "integer", "nullable": True, "metadata": {}},
            {"name": "s", "type": {"type": "array", "elementType": "timestamp_ntz", "containsNull": True}},
            {"name": "p", "type": "string", "nullable": True, "metadata": {}},
        ],
    }
    text = json.dumps(schema)
    halves = {f"{SCHEMA}.part.0": text[:50], f"{SCHEMA}.part.1": text[50:]}
    made = {
        "Name": "j",
        "TableType": "MANAGED_TABLE",
        "PartitionKeys": [{"Name": "p", "Type": "string"}],
        "Parameters": {PROVIDER: "json", f"{SCHEMA}.numParts": "2", **halves},
        "StorageDescriptor": {
            "Columns": [{"Name": "col", "Type": "array<string>"}],
            "Location": "s3://warehouse/j-__PLACEHOLDER__",
            "SerdeInfo": {"Parameters": {"path": "s3://warehouse/j"}},
        },
    }  # fmt: skip
    found = legible(made)
    assert found["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": "int"},
        {"Name": "s", "Type": "array<timestamp>"},
    ]
    assert found["StorageDescriptor"]["Location"] == "s3://warehouse/j"
    assert found["Parameters"]["classification"] == "json"
    assert legible(found) == found
