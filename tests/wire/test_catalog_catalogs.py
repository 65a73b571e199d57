"""Catalogs beside the account's own: what is in them is apart, and reached by their CatalogId in every operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lakelet.aws.catalogs import SERVED
from lakelet.aws.directory import Directory
from tests.wire.conftest import Wire
from tests.wire.test_iam import client

ACCOUNT = "123456789012"


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


@pytest.fixture
def other(glue: Any, database: str) -> Iterator[dict[str, str]]:
    """The CatalogId of another catalog, in which there is a database of the same name as in the account's own."""
    name = f"c{database[-12:]}"
    glue.create_catalog(Name=name.upper(), CatalogInput={"Description": "Apart"}, Tags={"team": "x"})
    beside = {"CatalogId": f"{ACCOUNT}:{name}"}
    glue.create_database(**beside, DatabaseInput={"Name": database}, Tags={"a": "b"})
    yield beside
    if name in [one["Name"] for one in glue.get_catalogs()["CatalogList"]]:
        glue.delete_catalog(**beside)


def refused(code: str, call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert "\x1f" not in error["Message"]
    return str(error["Message"])


def test_catalogs(glue: Any, other: dict[str, str], database: str) -> None:
    name = other["CatalogId"].partition(":")[2]
    found = glue.get_catalog(**other)["Catalog"]
    assert (found["Name"], found["Description"], found["CatalogId"]) == (name, "Apart", other["CatalogId"])
    assert found["ResourceArn"].endswith(f":catalog/{name}") and found["CreateTime"] == found["UpdateTime"]
    assert glue.get_tags(ResourceArn=found["ResourceArn"])["Tags"] == {"team": "x"}
    refused("AlreadyExistsException", glue.create_catalog, Name=name, CatalogInput={})
    glue.update_catalog(**other, CatalogInput={"Parameters": {"k": "v"}})
    found = glue.get_catalog(**other)["Catalog"]
    assert found["Parameters"] == {"k": "v"} and "Description" not in found
    names = [one["Name"] for one in glue.get_catalogs()["CatalogList"]]
    assert names[0] == ACCOUNT and name in names
    assert ACCOUNT not in [one["Name"] for one in glue.get_catalogs(IncludeRoot=False)["CatalogList"]]
    first = glue.get_catalogs(MaxResults=1)
    second = glue.get_catalogs(MaxResults=1, NextToken=first["NextToken"])
    assert [one["Name"] for page in (first, second) for one in page["CatalogList"]] == names[:2]
    assert name in [one["Name"] for one in glue.get_catalogs(HasDatabases=True)["CatalogList"]]
    glue.delete_database(**other, Name=database)
    assert name in [one["Name"] for one in glue.get_catalogs(HasDatabases=False)["CatalogList"]]
    assert glue.get_catalogs(ParentCatalogId=other["CatalogId"])["CatalogList"] == []
    glue.delete_catalog(**other)
    refused("EntityNotFoundException", glue.get_catalog, **other)
    refused("EntityNotFoundException", glue.get_databases, **other)


def test_what_is_in_it_is_apart(glue: Any, other: dict[str, str], database: str) -> None:
    place = {**other, "DatabaseName": database}
    table = {**place, "TableName": "t"}
    keys = [{"Name": "p", "Type": "string"}]
    glue.create_table(**place, TableInput={"Name": "t", "PartitionKeys": keys, "Description": "there"})
    refused("EntityNotFoundException", glue.get_table, DatabaseName=database, Name="t")
    glue.create_table(DatabaseName=database, TableInput={"Name": "t", "PartitionKeys": keys, "Description": "here"})
    shown = glue.get_table(**place, Name="t")["Table"]
    assert (shown["DatabaseName"], shown["CatalogId"], shown["Description"]) == (database, other["CatalogId"], "there")
    assert glue.get_table(DatabaseName=database, Name="t")["Table"]["Description"] == "here"
    names = [one["Name"] for one in glue.get_databases(**other)["DatabaseList"]]
    assert (
        names == [database] and glue.get_database(**other, Name=database)["Database"]["CatalogId"] == other["CatalogId"]
    )
    every = [one["Name"] for page in glue.get_paginator("get_databases").paginate() for one in page["DatabaseList"]]
    assert every.count(database) == 1 and not any("\x1f" in one for one in every)
    for where, expected in ((other, "there"), ({}, "here")):
        found = glue.search_tables(**where, Filters=[{"Key": "DatabaseName", "Value": database}])["TableList"]
        assert [one["Description"] for one in found] == [expected]

    glue.batch_create_partition(**table, PartitionInputList=[{"Values": ["a"]}, {"Values": ["b"]}])
    page = glue.get_partitions(**table, Expression="p > 'a'")["Partitions"]
    assert [(one["Values"], one["DatabaseName"], one["CatalogId"]) for one in page] == [
        (["b"], database, other["CatalogId"])
    ]
    first = glue.get_partitions(**table, MaxResults=1)
    assert glue.get_partitions(**table, NextToken=first["NextToken"])["Partitions"][0]["Values"] == ["b"]
    assert glue.get_partitions(DatabaseName=database, TableName="t")["Partitions"] == []
    glue.update_table(**place, TableInput={"Name": "t", "PartitionKeys": keys})
    assert len(glue.get_table_versions(**table)["TableVersions"]) == 2
    glue.create_user_defined_function(**place, FunctionInput={"FunctionName": "f", "ClassName": "a.B"})
    assert [
        one["DatabaseName"] for one in glue.get_user_defined_functions(**other, Pattern="*")["UserDefinedFunctions"]
    ] == [database]
    assert glue.get_user_defined_functions(Pattern="*", DatabaseName=database)["UserDefinedFunctions"] == []

    catalog = other["CatalogId"].partition(":")[2]
    arn = f"arn:aws:glue:us-east-1:{ACCOUNT}:database/{catalog}/{database}"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"a": "b"}
    own = f"arn:aws:glue:us-east-1:{ACCOUNT}:database/{database}"
    assert glue.get_tags(ResourceArn=own)["Tags"] == {}
    assert "none" in refused("EntityNotFoundException", glue.get_table, **place, Name="none")
    glue.delete_catalog(**other)
    assert glue.get_table(DatabaseName=database, Name="t")["Table"]["Description"] == "here"
    glue.create_catalog(Name=catalog, CatalogInput={})
    assert glue.get_databases(**other)["DatabaseList"] == []
    refused("EntityNotFoundException", glue.get_tags, ResourceArn=arn)


def test_what_is_of_the_accounts_own_alone(glue: Any, other: dict[str, str], database: str) -> None:
    place = {**other, "DatabaseName": database, "TableName": "t"}
    glue.create_table(**other, DatabaseName=database, TableInput={"Name": "t"})
    optimizer = {"Type": "compaction", "TableOptimizerConfiguration": {"enabled": True}}
    assert "CreateTableOptimizer" in refused("InvalidInputException", glue.create_table_optimizer, **place, **optimizer)
    refused("InvalidInputException", glue.get_connections, **other)
    refused("InvalidInputException", glue.create_crawler, **other, Name="x", Role="r", DatabaseName=database,
            Targets={"S3Targets": [{"Path": "s3://b/"}]})  # fmt: skip
    link = {"Name": "link", "TargetTable": {"DatabaseName": database, "Name": "t"}}
    refused("InvalidInputException", glue.create_table, **other, DatabaseName=database, TableInput=link)
    refused("EntityNotFoundException", glue.get_databases, CatalogId=f"{ACCOUNT}:none")
    refused("EntityNotFoundException", glue.get_databases, CatalogId=f"000000000000:{other['CatalogId'][13:]}")
    assert "longer" in refused(
        "InvalidInputException", glue.create_database, **other, DatabaseInput={"Name": "d" * 255}
    )
    refused("InvalidInputException", glue.delete_catalog, CatalogId=ACCOUNT)
    refused("EntityNotFoundException", glue.update_catalog, CatalogId=f"{ACCOUNT}:none", CatalogInput={})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"FederatedCatalog": {"ConnectionName": "x"}}, "FederatedCatalog"),
        ({"TargetRedshiftCatalog": {"CatalogArn": "arn:x"}}, "TargetRedshiftCatalog"),
        ({"CatalogProperties": {"DataLakeAccessProperties": {"CatalogType": "aws:redshift"}}}, "DataLakeAccess"),
        ({"CreateTableDefaultPermissions": [{"Permissions": ["SELECT"]}]}, "CreateTableDefaultPermissions"),
    ],
)
def test_what_is_no_catalog_here(glue: Any, given: dict[str, Any], said: str) -> None:
    assert said in refused("InvalidInputException", glue.create_catalog, Name="elsewhere", CatalogInput=given)
    for name in (ACCOUNT, "a:b", " "):
        refused("InvalidInputException", glue.create_catalog, Name=name, CatalogInput={})


def test_permissions_are_on_the_catalogs_own_resources(
    wire: Wire, glue: Any, other: dict[str, str], database: str
) -> None:
    iam, catalog = wire.client("iam"), other["CatalogId"].partition(":")[2]
    prefix = f"arn:aws:glue:us-east-1:{ACCOUNT}:"
    allow = {"Effect": "Allow", "Action": "glue:GetDatabase"}
    resources = [f"{prefix}catalog", f"{prefix}database/{database}"]
    there = [f"{prefix}catalog/{catalog}", f"{prefix}database/{catalog}/{database}"]
    iam.create_user(UserName="beside")
    key = iam.create_access_key(UserName="beside")["AccessKey"]
    mine = client(wire, "glue", key)

    def policy(*arns: str) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": [allow | {"Resource": list(arns)}]})
        iam.put_user_policy(UserName="beside", PolicyName="own", PolicyDocument=document)

    try:
        policy(*resources)
        assert mine.get_database(Name=database)
        refused("AccessDeniedException", mine.get_database, **other, Name=database)
        policy(*there)
        assert mine.get_database(**other, Name=database)["Database"]["Name"] == database
        refused("AccessDeniedException", mine.get_database, Name=database)
    finally:
        iam.delete_user_policy(UserName="beside", PolicyName="own")
        iam.delete_access_key(UserName="beside", AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName="beside")


def test_what_is_served_takes_a_catalog_id() -> None:
    (service,) = (one for one in Directory.served().all() if one.name == "glue")
    assert {name for name, one in service.operations.items() if "CatalogId" in one.arguments} > SERVED
