"""GetUnfilteredTableMetadata and its like: what engines of their own are told to show, to root and to a user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import Wire
from tests.wire.test_iam import client

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/engine"
DEFINER = f"arn:aws:iam::{ACCOUNT}:role/definer"
CELLS = ["COLUMN_PERMISSION", "CELL_FILTER_PERMISSION"]
ALLOW = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Resource": "*", "Action": ["glue:GetTable", "glue:GetPartition*"]}],
}


@pytest.fixture
def mine(wire: Wire) -> Iterator[Any]:
    """A Glue client of a user whom IAM lets read metadata."""
    iam = wire.client("iam")
    iam.create_user(UserName="engine")
    iam.put_user_policy(UserName="engine", PolicyName="own", PolicyDocument=json.dumps(ALLOW))
    key = iam.create_access_key(UserName="engine")["AccessKey"]
    yield client(wire, "glue", key)
    iam.delete_access_key(UserName="engine", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="engine", PolicyName="own")
    iam.delete_user(UserName="engine")


@pytest.fixture
def lake(wire: Wire) -> Iterator[Any]:
    """Lake Formation, deciding alone about what is new."""
    lake = wire.client("lakeformation")
    before = lake.get_data_lake_settings()["DataLakeSettings"]
    lake.put_data_lake_settings(DataLakeSettings={})
    yield lake
    lake.put_data_lake_settings(DataLakeSettings=before)


@pytest.fixture
def glue(wire: Wire, lake: Any, database: str) -> Any:
    glue = wire.client()
    columns = [{"Name": name, "Type": "string"} for name in ("id", "name", "salary")]
    glue.create_table(DatabaseName=database, TableInput={
        "Name": "t", "PartitionKeys": [{"Name": "month", "Type": "int"}],
        "StorageDescriptor": {"Columns": columns, "Location": f"s3://lake/{database}/t/"}})  # fmt: skip
    for month in ("1", "2"):
        descriptor = {"Columns": columns, "Location": f"s3://elsewhere/{month}/"}
        glue.create_partition(DatabaseName=database, TableName="t",
                              PartitionInput={"Values": [month], "StorageDescriptor": descriptor})  # fmt: skip
    return glue


def refused(code: str, call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


def asked(database: str, name: str = "t", kinds: Any = CELLS, **more: Any) -> dict[str, Any]:
    place = {"CatalogId": ACCOUNT, "DatabaseName": database, "SupportedPermissionTypes": kinds}
    return place | {"Name": name} | more


def test_root_is_shown_everything(glue: Any, lake: Any, database: str) -> None:
    found = glue.get_unfiltered_table_metadata(**asked(database, kinds=["COLUMN_PERMISSION"]))
    assert found["AuthorizedColumns"] == ["id", "name", "salary", "month"]
    assert (found["CellFilters"], found["Permissions"], found["IsMultiDialectView"]) == ([], ["ALL"], False)
    assert found["Table"]["Name"] == "t" and not found["IsRegisteredWithLakeFormation"] and "RowFilter" not in found
    lake.register_resource(ResourceArn="arn:aws:s3:::lake", UseServiceLinkedRole=True)
    try:
        found = glue.get_unfiltered_table_metadata(**asked(database))
        assert found["IsRegisteredWithLakeFormation"] and found["Table"]["IsRegisteredWithLakeFormation"]
        place = {"CatalogId": ACCOUNT, "DatabaseName": database, "TableName": "t", "SupportedPermissionTypes": CELLS}
        one = glue.get_unfiltered_partition_metadata(**place, PartitionValues=["1"])
        assert one["Partition"]["Values"] == ["1"] and not one["IsRegisteredWithLakeFormation"]  # it lies elsewhere
    finally:
        lake.deregister_resource(ResourceArn="arn:aws:s3:::lake")


def test_a_user_is_shown_what_is_granted(glue: Any, mine: Any, lake: Any, database: str) -> None:
    who = {"DataLakePrincipalIdentifier": USER}
    said = refused("AccessDeniedException", mine.get_unfiltered_table_metadata, **asked(database))
    assert USER in said and f"{database}.t" in said
    columns = {"TableWithColumns": {"DatabaseName": database, "Name": "t", "ColumnNames": ["id", "month"]}}
    lake.grant_permissions(Principal=who, Resource=columns, Permissions=["SELECT"])
    found = mine.get_unfiltered_table_metadata(**asked(database, kinds=["COLUMN_PERMISSION"]))
    assert (found["AuthorizedColumns"], found["CellFilters"]) == (["id", "month"], [])
    assert found["Permissions"] == ["SELECT"] and len(found["Table"]["StorageDescriptor"]["Columns"]) == 3
    refused("AccessDeniedException", mine.get_unfiltered_table_metadata, **asked(database, Permissions=["INSERT"]))

    rows = {"TableCatalogId": ACCOUNT, "DatabaseName": database, "TableName": "t", "Name": "f",
            "RowFilter": {"FilterExpression": "month = 1"}, "ColumnNames": ["id", "name"]}  # fmt: skip
    lake.create_data_cells_filter(TableData=rows)
    cells = {
        "DataCellsFilter": {member: rows[member] for member in ("TableCatalogId", "DatabaseName", "TableName", "Name")}
    }
    lake.grant_permissions(Principal=who, Resource=cells, Permissions=["SELECT"])
    refused("PermissionTypeMismatchException", mine.get_unfiltered_table_metadata,
            **asked(database, kinds=["COLUMN_PERMISSION"]))  # fmt: skip
    found = mine.get_unfiltered_table_metadata(**asked(database))
    assert found["AuthorizedColumns"] == ["id", "name", "month"]
    filters = {one["ColumnName"]: one["RowFilterExpression"] for one in found["CellFilters"]}
    assert filters["id"] == filters["month"] == "TRUE" and "month" in filters["name"] and "RowFilter" not in found
    lake.revoke_permissions(Principal=who, Resource=columns, Permissions=["SELECT"])
    found = mine.get_unfiltered_table_metadata(**asked(database))
    assert found["AuthorizedColumns"] == ["id", "name"] and "month" in found["RowFilter"]


def test_partitions(glue: Any, mine: Any, lake: Any, database: str) -> None:
    place = {"CatalogId": ACCOUNT, "DatabaseName": database, "TableName": "t", "SupportedPermissionTypes": CELLS}
    refused("AccessDeniedException", mine.get_unfiltered_partitions_metadata, **place)
    refused("AccessDeniedException", mine.get_unfiltered_partition_metadata, **place, PartitionValues=["1"])
    resource = {"TableWithColumns": {"DatabaseName": database, "Name": "t", "ColumnNames": ["id"]}}
    lake.grant_permissions(Principal={"DataLakePrincipalIdentifier": USER}, Resource=resource, Permissions=["SELECT"])
    first = mine.get_unfiltered_partitions_metadata(**place, MaxResults=1)
    second = mine.get_unfiltered_partitions_metadata(**place, MaxResults=1, NextToken=first["NextToken"])
    both = first["UnfilteredPartitions"] + second["UnfilteredPartitions"]
    assert [one["Partition"]["Values"] for one in both] == [["1"], ["2"]] and "NextToken" not in second
    assert all(one["AuthorizedColumns"] == ["id"] for one in both)
    some = mine.get_unfiltered_partitions_metadata(**place, Expression="month = 2")["UnfilteredPartitions"]
    assert [one["Partition"]["Values"] for one in some] == [["2"]]
    refused("EntityNotFoundException", mine.get_unfiltered_partition_metadata, **place, PartitionValues=["3"])
    refused("InvalidInputException", mine.get_unfiltered_partitions_metadata, **place, Expression="month =")
    refused("InvalidInputException", mine.get_unfiltered_partitions_metadata, **place, NextToken="x",
            Segment={"SegmentNumber": 0, "TotalSegments": 2})  # fmt: skip


def test_through_views(glue: Any, mine: Any, lake: Any, database: str) -> None:
    def arn(name: str) -> str:
        return f"arn:aws:glue:us-east-1:{ACCOUNT}:table/{database}/{name}"

    def view(name: str, part: str) -> None:
        text = {"Dialect": "SPARK", "DialectVersion": "3", "ViewOriginalText": "SELECT 1"}
        definition = {"Definer": DEFINER, "SubObjects": [arn(part)], "Representations": [text], "IsProtected": True}
        columns = [{"Name": "id", "Type": "string"}]
        glue.create_table(DatabaseName=database, TableInput={
            "Name": name, "StorageDescriptor": {"Columns": columns}, "ViewDefinition": definition})  # fmt: skip

    def grant(who: str, name: str) -> None:
        resource = {"Table": {"DatabaseName": database, "Name": name}}
        principal = {"DataLakePrincipalIdentifier": who}
        lake.grant_permissions(Principal=principal, Resource=resource, Permissions=["SELECT"])

    view("inner", "t")
    view("outer", "inner")
    view("other", "none")
    get = mine.get_unfiltered_table_metadata
    through = asked(database, ParentResourceArn=arn("inner"))
    refused("AccessDeniedException", get, **through)
    grant(USER, "inner")
    refused("AccessDeniedException", get, **through)  # the definer may not read it either
    grant(DEFINER, "t")
    assert get(**through)["AuthorizedColumns"] == ["id", "name", "salary", "month"]
    assert get(**through)["ResourceArn"] == arn("inner")
    refused("AccessDeniedException", get, **asked(database))  # by itself it is not the user's
    nested = asked(database, ParentResourceArn=arn("inner"), RootResourceArn=arn("outer"))
    refused("AccessDeniedException", get, **nested)
    grant(USER, "outer")
    assert get(**nested)["Permissions"] == ["SELECT"]
    grant(USER, "other")
    refused(
        "InvalidInputException", get, **asked(database, ParentResourceArn=arn("inner"), RootResourceArn=arn("other"))
    )
    refused("InvalidInputException", get, **asked(database, ParentResourceArn=arn("outer")))
    refused("InvalidInputException", get, **asked(database, ParentResourceArn=arn("t")))
    refused("InvalidInputException", get, **asked(database, RootResourceArn=arn("outer")))
    refused("InvalidInputException", get, **asked(database, ParentResourceArn="arn:aws:iam::1:user/somebody"))
    refused("EntityNotFoundException", get, **asked(database, ParentResourceArn=arn("gone")))

    shown = get(**asked(database, "outer", SupportedDialect={"Dialect": "SPARK", "DialectVersion": "3"}))
    assert shown["IsMultiDialectView"] and shown["IsProtected"]
    refused("InvalidInputException", get, **asked(database, "outer", SupportedDialect={"Dialect": "ATHENA"}))


def test_bad_input(glue: Any, database: str) -> None:
    get = glue.get_unfiltered_table_metadata
    refused("EntityNotFoundException", get, **asked(database, "none"))
    refused("EntityNotFoundException", get, **asked(database) | {"CatalogId": "000000000000"})
    refused("InvalidInputException", get, **asked(database, Region="mars-1"))
    assert get(**asked(database, Region="eu-west-1"))["QueryAuthorizationId"]
    assert get(**asked(database, Region="us-east-1"))["QueryAuthorizationId"]
    session = {"QueryAuthorizationId": "mine"}
    assert get(**asked(database, QuerySessionContext=session))["QueryAuthorizationId"] == "mine"
    refused("ValidationException", get, **asked(database, kinds=["ANY"]))
