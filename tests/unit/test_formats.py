"""The one table of formats: what names a format, and the descriptors built from it."""

from __future__ import annotations

import pytest

from lakelet.data.formats import (
    BY_NAME,
    CSV,
    FORMATS,
    DataFormat,
    Dialect,
    data_format,
    dialect_of,
    format_of,
    storage_descriptor,
)
from lakelet.data.table_formats import delta_tables
from lakelet.workspace.errors import InvalidInputException


@pytest.mark.parametrize("one", FORMATS, ids=list(BY_NAME))
def test_a_format_is_found_by_classification_and_by_each_serde(one: DataFormat) -> None:
    assert data_format(one.name.upper()) is one
    assert format_of({"Parameters": {"classification": one.name}}) is one
    for serde in one.serdes:
        assert format_of({"StorageDescriptor": {"SerdeInfo": {"SerializationLibrary": serde}}}) is one
    if one.serdes:
        assert format_of({"StorageDescriptor": storage_descriptor(one, [], "s3://b/t")}) is one


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(InvalidInputException, match="'hudi' is not served"):
        data_format("hudi")
    with pytest.raises(InvalidInputException, match=r"'t'.*no classification"):
        format_of({"Name": "t", "StorageDescriptor": {}})


@pytest.mark.parametrize("title", ["Iceberg", "Delta", "Hudi"])
def test_a_table_of_an_open_format_is_no_files(title: str) -> None:
    serde = {"SerdeInfo": {"SerializationLibrary": CSV.serdes[0]}}
    for name in ("table_type", "spark.sql.sources.provider", "classification"):
        table = {"Name": "t", "Parameters": {name: title.upper()}, "StorageDescriptor": serde}
        with pytest.raises(
            InvalidInputException, match=f"'t' is an? {title} table, whose files are more than its rows"
        ):
            format_of(table)


def test_delta_tables_are_found_by_their_logs() -> None:
    hidden = ["a/_delta_log", "b/c/_delta_log", "x_delta_log", "_tmp", "d/_delta_log/_sidecars"]
    assert delta_tables(hidden) == {"a/", "b/c/"} and delta_tables(["_delta_log"]) == {""}


def test_a_descriptor_has_the_location_of_a_folder_and_its_own_copies() -> None:
    column = {"Name": "a", "Type": "int"}
    descriptor = storage_descriptor(CSV, [column], "s3://bronze/flights", serde_parameters={"field.delim": "|"})
    assert descriptor["Location"] == "s3://bronze/flights/"
    assert descriptor["SerdeInfo"]["Parameters"] == {"field.delim": "|"}
    descriptor["SerdeInfo"]["Parameters"]["field.delim"] = ";"
    descriptor["Columns"][0]["Name"] = "b"
    assert CSV.serde_parameters == {"field.delim": ","} and column["Name"] == "a"


@pytest.mark.parametrize(
    ("table", "dialect"),
    [
        ({}, Dialect()),
        ({"Parameters": {"skip.header.line.count": "1"}}, Dialect(header_lines=1)),
        ({"StorageDescriptor": {"SerdeInfo": {"Parameters": {"field.delim": "\t"}}}}, Dialect(delimiter="\t")),
        (
            {
                "StorageDescriptor": {
                    "SerdeInfo": {"Parameters": {"separatorChar": ";", "quoteChar": "'", "escapeChar": "\\"}}
                }
            },
            Dialect(";", "'", "\\"),
        ),
    ],
)
def test_the_dialect_comes_from_the_serde_and_the_table(table: dict, dialect: Dialect) -> None:
    assert dialect_of(table) == dialect
