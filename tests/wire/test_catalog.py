"""The Data Catalog over the wire, by boto3."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.conftest import Wire

TABLE = {
    "Name": "Flights",
    "Description": "one row a flight — ✈",
    "Retention": 7,
    "StorageDescriptor": {
        "Columns": [{"Name": "carrier", "Type": "string", "Comment": "IATA"}],
        "Location": "s3://silver/flights/",
        "SerdeInfo": {"SerializationLibrary": "org.x.ParquetHiveSerDe", "Parameters": {"a": "b"}},
        "NumberOfBuckets": -1,
        "Compressed": False,
    },
    "PartitionKeys": [{"Name": "year", "Type": "int"}, {"Name": "month", "Type": "string"}],
    "TableType": "EXTERNAL_TABLE",
    "Parameters": {"classification": "parquet"},
}


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


def test_a_database_lives(glue: Any) -> None:
    glue.create_database(DatabaseInput={"Name": "Life", "Description": "d", "Parameters": {"k": "v"}})
    found = glue.get_database(Name="LIFE")["Database"]
    assert (found["Name"], found["Description"], found["Parameters"]) == ("life", "d", {"k": "v"})
    assert found["CatalogId"] == "123456789012" and found["CreateTime"].year >= 2024
    with pytest.raises(glue.exceptions.AlreadyExistsException, match="life"):
        glue.create_database(DatabaseInput={"Name": "life"})
    glue.update_database(Name="life", DatabaseInput={"Name": "life", "LocationUri": "s3://x/y"})
    changed = glue.get_database(Name="life")["Database"]
    assert "Description" not in changed and changed["LocationUri"] == "s3://x/y"
    assert changed["CreateTime"] == found["CreateTime"]
    glue.create_table(DatabaseName="life", TableInput={"Name": "t"})
    glue.delete_database(Name="life")
    for call in (glue.get_database, glue.delete_database):
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            call(Name="life")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_table(DatabaseName="life", Name="t")


def test_a_table_is_kept_member_for_member(glue: Any, database: str) -> None:
    glue.create_table(DatabaseName=database, TableInput=TABLE)
    found = glue.get_table(DatabaseName=database, Name="flights")["Table"]
    assert {name: found[name] for name in TABLE} == TABLE | {"Name": "flights"}
    assert (found["DatabaseName"], found["VersionId"]) == (database, "0")
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_table(DatabaseName=database, TableInput=TABLE)
    glue.update_table(DatabaseName=database, TableInput={"Name": "flights", "Owner": "me"}, SkipArchive=True)
    changed = glue.get_table(DatabaseName=database, Name="flights")["Table"]
    assert changed["VersionId"] == "1" and changed["Owner"] == "me" and "Parameters" not in changed
    assert changed["CreateTime"] == found["CreateTime"] < changed["UpdateTime"]
    errors = glue.batch_delete_table(DatabaseName=database, TablesToDelete=["flights", "none"])["Errors"]
    assert [(e["TableName"], e["ErrorDetail"]["ErrorCode"]) for e in errors] == [("none", "EntityNotFoundException")]
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.delete_table(DatabaseName=database, Name="flights")


def test_get_tables_pages_and_matches(glue: Any, database: str) -> None:
    for number in range(12):
        glue.create_table(DatabaseName=database, TableInput={"Name": f"t{number:02}"})
    pages = list(glue.get_paginator("get_tables").paginate(DatabaseName=database, PaginationConfig={"PageSize": 5}))
    assert [len(page["TableList"]) for page in pages] == [5, 5, 2]
    for pattern, expected in {"t0*": 10, "t0.*": 10, "T0[12]": 2, "t1": 0, "*1": 2, "t00|t01": 2}.items():
        assert len(glue.get_tables(DatabaseName=database, Expression=pattern)["TableList"]) == expected, pattern
    with pytest.raises(glue.exceptions.InvalidInputException, match="regular expression"):
        glue.get_tables(DatabaseName=database, Expression="(")
    glue.create_table(DatabaseName=database, TableInput={"Name": "a" * 200})
    assert not glue.get_tables(DatabaseName=database, Expression="(a+)+b")["TableList"]  # linear, not catastrophic


def test_a_token_is_good_for_its_own_request_only(glue: Any, database: str) -> None:
    for number in range(3):
        glue.create_table(DatabaseName=database, TableInput={"Name": f"t{number}"})
    token = glue.get_tables(DatabaseName=database, MaxResults=1)["NextToken"]
    assert glue.get_tables(DatabaseName=database, NextToken=token)["TableList"][0]["Name"] == "t1"
    for call in (
        lambda: glue.get_tables(DatabaseName=database, NextToken="bm9uc2Vuc2U="),
        lambda: glue.get_tables(DatabaseName=database, NextToken=token, Expression="t*"),
        lambda: glue.get_databases(NextToken=token),
    ):
        with pytest.raises(glue.exceptions.InvalidInputException, match="NextToken"):
            call()


def test_partitions(glue: Any, database: str) -> None:
    table = {"DatabaseName": database, "TableName": "flights"}
    glue.create_table(DatabaseName=database, TableInput=TABLE)
    sd = {"Location": "s3://silver/flights/year=2013/", "Columns": [{"Name": "carrier", "Type": "string"}]}
    glue.create_partition(**table, PartitionInput={"Values": ["2013", "jan"], "StorageDescriptor": sd})
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_partition(**table, PartitionInput={"Values": ["2013", "jan"]})
    with pytest.raises(glue.exceptions.InvalidInputException, match="2 partition keys"):
        glue.create_partition(**table, PartitionInput={"Values": ["2013"]})
    batch = [{"Values": v} for v in (["2013", "jan"], ["2013", "feb"], ["2014", "jan"], ["x"], ["2014", "jan"])]
    errors = glue.batch_create_partition(**table, PartitionInputList=batch)["Errors"]
    assert [(tuple(e["PartitionValues"]), e["ErrorDetail"]["ErrorCode"]) for e in errors] == [
        (("2013", "jan"), "AlreadyExistsException"), (("x",), "InvalidInputException"),
        (("2014", "jan"), "AlreadyExistsException"),
    ]  # fmt: skip
    one = glue.get_partition(**table, PartitionValues=["2013", "jan"])["Partition"]
    assert one["StorageDescriptor"] == sd and one["TableName"] == "flights" and one["Values"] == ["2013", "jan"]

    def values(expression: str, **more: Any) -> list[list[str]]:
        pages = glue.get_paginator("get_partitions").paginate(**table, Expression=expression, **more)
        return [p["Values"] for page in pages for p in page["Partitions"]]

    assert values("year = 2013") == [["2013", "feb"], ["2013", "jan"]]
    assert values("year > '2013' AND month IN ('jan', 'mar')") == [["2014", "jan"]]
    assert len(values("", PaginationConfig={"PageSize": 1})) == 3
    segments = [values("", Segment={"SegmentNumber": n, "TotalSegments": 3}) for n in range(3)]
    assert sorted(v for segment in segments for v in segment) == sorted(values(""))
    with pytest.raises(glue.exceptions.InvalidInputException, match="partition keys are"):
        values("day = 1")
    lean = glue.get_partitions(**table, Expression="month='jan'", ExcludeColumnSchema=True)["Partitions"][0]
    assert "Columns" not in lean["StorageDescriptor"] and lean["StorageDescriptor"]["Location"] == sd["Location"]

    asked = [{"Values": ["2014", "jan"]}, {"Values": ["1999", "jan"]}]
    found = glue.batch_get_partition(**table, PartitionsToGet=asked)
    assert [p["Values"] for p in found["Partitions"]] == [["2014", "jan"]]
    glue.update_partition(
        **table,
        PartitionValueList=["2014", "jan"],
        PartitionInput={"Values": ["2015", "jan"], "Parameters": {"a": "b"}},
    )
    moved = glue.get_partition(**table, PartitionValues=["2015", "jan"])["Partition"]
    assert moved["Parameters"] == {"a": "b"}
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.update_partition(**table, PartitionValueList=["2015", "jan"], PartitionInput={"Values": ["2013", "jan"]})
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.delete_partition(**table, PartitionValues=["2014", "jan"])
    glue.delete_partition(**table, PartitionValues=["2015", "jan"])
    gone = [{"Values": ["2013", "feb"]}, {"Values": ["2015", "jan"]}]
    errors = glue.batch_delete_partition(**table, PartitionsToDelete=gone)["Errors"]
    assert [e["PartitionValues"] for e in errors] == [["2015", "jan"]]
    assert values("") == [["2013", "jan"]]
    with pytest.raises(glue.exceptions.InvalidInputException, match="has partitions"):
        glue.update_table(DatabaseName=database, TableInput={"Name": "flights"})


def test_who_am_i(wire: Wire) -> None:
    me = wire.client("sts").get_caller_identity()
    assert (me["Account"], me["Arn"]) == ("123456789012", "arn:aws:iam::123456789012:root")
    assert me["ResponseMetadata"]["RequestId"]


def test_another_account_has_no_catalog_here(glue: Any) -> None:
    assert "DatabaseList" in glue.get_databases(CatalogId="123456789012")
    with pytest.raises(glue.exceptions.EntityNotFoundException, match="Catalog 999999999999"):
        glue.get_databases(CatalogId="999999999999")
