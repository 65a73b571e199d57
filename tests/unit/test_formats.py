"""The one table of formats: what names a format, and the descriptors built from it."""

from __future__ import annotations

import pytest

from data.formats import (
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
from workspace.errors import InvalidInputException


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
