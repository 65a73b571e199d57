"""SearchTables over the wire: words, filters, times, order, pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.wire.conftest import Wire


@pytest.fixture
def glue(wire: Wire, database: str) -> Any:
    glue = wire.client()
    columns = [{"Name": "carrier_code", "Type": "string", "Comment": "IATA designator"}]
    for number, (name, description, kind) in enumerate(
        [("customer-link", "who buys", "parquet"), ("xx-link-yy", "Flights of 2013", "csv"), ("xxlinkyy", "", "csv")]
    ):
        table = {
            "Name": name, "Description": description, "Owner": f"owner {number}", "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": kind}, "StorageDescriptor": {"Columns": columns if number else []},
        }  # fmt: skip
        glue.create_table(DatabaseName=database, TableInput=table)
    return glue


def names(glue: Any, database: str, *filters: tuple[str, ...], **more: Any) -> list[str]:
    keys = ("Key", "Value", "Comparator")
    wanted = [dict(zip(keys, one, strict=False)) for one in (("DatabaseName", database), *filters)]
    return [table["Name"] for table in glue.search_tables(Filters=wanted, **more)["TableList"]]


def test_filters_look_at_tokens(glue: Any, database: str) -> None:
    assert names(glue, database, ("Name", "link")) == ["customer-link", "xx-link-yy"]
    assert names(glue, database, ("Name", "CUSTOMER-link")) == ["customer-link"]
    assert names(glue, database, ("classification", "csv")) == ["xx-link-yy", "xxlinkyy"]
    assert names(glue, database, ("classification", "csv"), ("Name", "yy")) == ["xx-link-yy"]
    assert names(glue, database, ("none", "csv")) == []
    with pytest.raises(glue.exceptions.InvalidInputException, match="times only"):
        names(glue, database, ("Name", "a", "LESS_THAN"))


def test_times_compare(glue: Any, database: str) -> None:
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    assert len(names(glue, database, ("CreateTime", (now - hour).isoformat(), "GREATER_THAN"))) == 3
    assert not names(glue, database, ("UpdateTime", str((now - hour).timestamp()), "LESS_THAN_EQUALS"))
    assert not names(glue, database, ("LastAccessTime", now.isoformat(), "LESS_THAN"))  # never accessed
    with pytest.raises(glue.exceptions.InvalidInputException, match="no time"):
        names(glue, database, ("CreateTime", "yesterday", "LESS_THAN"))


def test_words_and_quotes(glue: Any, database: str) -> None:
    assert names(glue, database, SearchText="flights 2013") == ["xx-link-yy"]
    assert names(glue, database, SearchText="iata") == ["xx-link-yy", "xxlinkyy"]  # a column's comment
    assert names(glue, database, SearchText='"Flights"') == []
    assert names(glue, database, SearchText='"flights of 2013"') == ["xx-link-yy"]
    assert names(glue, database, SearchText="nothing of that kind") == []
    assert names(glue, database, SearchText="link", ResourceShareType="FOREIGN") == []


def test_order_and_pages(glue: Any, database: str) -> None:
    by_owner = [{"FieldName": "Owner", "Sort": "DESC"}]
    first = glue.search_tables(
        Filters=[{"Key": "DatabaseName", "Value": database}], SortCriteria=by_owner, MaxResults=2
    )
    assert [table["Owner"] for table in first["TableList"]] == ["owner 2", "owner 1"]
    rest = glue.search_tables(
        Filters=[{"Key": "DatabaseName", "Value": database}], SortCriteria=by_owner, NextToken=first["NextToken"]
    )
    assert [table["Owner"] for table in rest["TableList"]] == ["owner 0"] and "NextToken" not in rest
    with pytest.raises(glue.exceptions.InvalidInputException, match="NextToken"):
        glue.search_tables(NextToken=first["NextToken"])
    with pytest.raises(glue.exceptions.InvalidInputException, match="SortCriteria"):
        glue.search_tables(SortCriteria=[{"FieldName": "Colour"}])
