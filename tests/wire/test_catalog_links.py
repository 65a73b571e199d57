"""Resource links to databases and tables, as Lake Formation's guide has Glue's operations handle them; and tables whose
columns are in the schema registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lakelet.aws.context import current
from lakelet.aws.lookup import CatalogLookup
from lakelet.workspace.errors import InvalidInputException
from tests.wire.conftest import Wire

ACCOUNT = "123456789012"
COLUMNS = [{"Name": "a", "Type": "int"}]
TABLE = {
    "Name": "t", "PartitionKeys": [{"Name": "d"}], "Parameters": {"x": "y"},
    "StorageDescriptor": {"Columns": COLUMNS, "Location": "s3://b/t/"},
}  # fmt: skip


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


@pytest.fixture
def link(glue: Any, database: str) -> Iterator[str]:
    """A database that is a link to the test's, which has one table."""
    glue.create_table(DatabaseName=database, TableInput=TABLE)
    target = {"CatalogId": ACCOUNT, "DatabaseName": database}
    glue.create_database(DatabaseInput={"Name": f"{database}_link", "TargetDatabase": target})
    yield f"{database}_link"
    glue.delete_database(Name=f"{database}_link")


@pytest.fixture
def shortcut(glue: Any, database: str) -> Iterator[str]:
    """Another database, in which ``s`` is a link to the test's table."""
    glue.create_table(DatabaseName=database, TableInput=TABLE)
    name = f"{database}_shortcuts"
    glue.create_database(DatabaseInput={"Name": name})
    target = {"CatalogId": ACCOUNT, "DatabaseName": database, "Name": "t"}
    glue.create_table(DatabaseName=name, TableInput={"Name": "s", "TargetTable": target})
    yield name
    glue.delete_database(Name=name)


def code(call: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**members)
    return str(refused.value.response["Error"]["Code"])


def lookup() -> CatalogLookup:
    context = current()
    return CatalogLookup(context.engine, context.catalog, context.publishes)


def test_a_database_link_leads_to_the_database_and_its_tables(glue: Any, database: str, link: str) -> None:
    shown = glue.get_database(Name=link)["Database"]
    assert shown["TargetDatabase"]["DatabaseName"] == database and shown["Name"] == link
    assert [one["Name"] for one in glue.get_tables(DatabaseName=link)["TableList"]] == ["t"]
    assert glue.get_table(DatabaseName=link, Name="t")["Table"]["DatabaseName"] == database
    glue.create_partition(DatabaseName=link, TableName="t", PartitionInput={"Values": ["1"]})
    assert len(glue.get_partitions(DatabaseName=database, TableName="t")["Partitions"]) == 1
    glue.create_table(DatabaseName=link, TableInput={"Name": "u"})
    assert glue.get_table(DatabaseName=database, Name="u")
    glue.update_database(Name=link, DatabaseInput={"Name": link, "Description": "of the target"})
    assert glue.get_database(Name=database)["Database"]["Description"] == "of the target"
    assert glue.get_database(Name=link)["Database"]["Description"] == "of the target"
    assert "TargetDatabase" in glue.get_database(Name=link)["Database"]
    target = {"DatabaseName": database, "Name": "t"}
    through = {"DatabaseName": link, "TableInput": {"Name": "s", "TargetTable": target}}
    assert code(glue.create_table, **through) == "InvalidInputException"
    found = lookup().table(link, "t")
    assert (found.database, found.name, found.location) == (link, "t", "s3://b/t/")


def test_a_database_link_that_goes_leaves_its_target(glue: Any, database: str) -> None:
    target = {"CatalogId": ACCOUNT, "DatabaseName": database}
    glue.create_database(DatabaseInput={"Name": "going", "TargetDatabase": target})
    glue.delete_database(Name="going")
    assert glue.get_database(Name=database)
    far = {"Name": "far", "TargetDatabase": target | {"CatalogId": "999999999999"}}
    assert code(glue.create_database, DatabaseInput=far) == "EntityNotFoundException"


def test_a_table_link_shows_its_target_under_its_own_name(glue: Any, database: str, shortcut: str) -> None:
    for shown in (
        glue.get_table(DatabaseName=shortcut, Name="s")["Table"],
        glue.get_tables(DatabaseName=shortcut)["TableList"][0],
    ):
        assert (shown["DatabaseName"], shown["Name"], shown["TargetTable"]["Name"]) == (shortcut, "s", "t")
        assert shown["StorageDescriptor"]["Columns"] == COLUMNS and shown["Parameters"] == {"x": "y"}
    where = {"DatabaseName": shortcut, "TableName": "s"}
    glue.create_partition(**where, PartitionInput={"Values": ["1"]})
    assert glue.batch_create_partition(**where, PartitionInputList=[{"Values": ["2"]}])["Errors"] == []
    assert len(glue.get_partitions(DatabaseName=database, TableName="t")["Partitions"]) == 2
    glue.update_table(DatabaseName=shortcut, TableInput={"Name": "s", "Description": "new", **_without(TABLE, "Name")})
    assert glue.get_table(DatabaseName=database, Name="t")["Table"]["Description"] == "new"
    assert glue.get_table_versions(**where)["TableVersions"][0]["Table"]["Description"] == "new"
    found = lookup().table(shortcut, "s")
    assert (found.database, found.name, found.location) == (shortcut, "s", "s3://b/t/")
    assert [one.values for one in lookup().partitions(shortcut, "s", "d > '1'")] == [("2",)]
    glue.delete_table(DatabaseName=shortcut, Name="s")
    assert glue.get_table(DatabaseName=database, Name="t")


def test_a_table_link_into_nothing_says_so(glue: Any, database: str, shortcut: str) -> None:
    glue.delete_table(DatabaseName=database, Name="t")
    assert code(glue.get_table, DatabaseName=shortcut, Name="s") == "EntityNotFoundException"
    assert code(glue.get_partitions, DatabaseName=shortcut, TableName="s") == "EntityNotFoundException"
    (listed,) = glue.get_tables(DatabaseName=shortcut)["TableList"]
    assert listed["Name"] == "s" and "StorageDescriptor" not in listed
    wrong = {"Name": "w", "TargetTable": {"DatabaseName": database}}
    assert code(glue.create_table, DatabaseName=shortcut, TableInput=wrong) == "InvalidInputException"


def test_links_of_both_kinds_at_once_are_refused(glue: Any, database: str, shortcut: str) -> None:
    glue.create_database(DatabaseInput={"Name": "both", "TargetDatabase": {"DatabaseName": shortcut}})
    try:
        through = glue.get_table(DatabaseName="both", Name="s")["Table"]
        assert through["TargetTable"]["Name"] == "t" and "StorageDescriptor" not in through  # the link itself
        assert code(glue.update_table, DatabaseName="both", TableInput={"Name": "s"}) == "InvalidInputException"
        assert code(glue.get_partitions, DatabaseName="both", TableName="s") == "InvalidInputException"
    finally:
        glue.delete_database(Name="both")


def test_what_writes_to_the_lake_names_the_target(glue: Any, database: str, link: str) -> None:
    glue.create_table(
        DatabaseName=database, TableInput={"Name": "s", "TargetTable": {"DatabaseName": "x", "Name": "y"}}
    )
    publishes = current().publishes
    with pytest.raises(InvalidInputException, match=f"write to {database}.t"):
        publishes.begin("run", link, "t", "s3://b/t/")
    with pytest.raises(InvalidInputException, match=r"write to x\.y"):
        publishes.begin("run", database, "s", "s3://b/t/")


def test_a_link_gives_no_permission_on_its_target(wire: Wire, glue: Any, database: str, shortcut: str) -> None:
    iam = wire.client("iam")
    iam.create_user(UserName="linked")
    everything = f"arn:aws:glue:us-east-1:{ACCOUNT}:"
    mine = [f"{everything}{one}" for one in ("catalog", f"database/{shortcut}", f"table/{shortcut}/*")]
    theirs = [f"{everything}{one}" for one in (f"database/{database}", f"table/{database}/t")]

    def allow(resources: list[str]) -> None:
        statement = {"Effect": "Allow", "Action": "glue:*", "Resource": resources}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="linked", PolicyName="p", PolicyDocument=document)

    allow(mine)
    key = iam.create_access_key(UserName="linked")["AccessKey"]
    try:
        user = boto3.client(
            "glue", endpoint_url=wire.url, region_name="us-east-1", aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )  # fmt: skip
        assert code(user.get_table, DatabaseName=shortcut, Name="s") == "AccessDeniedException"
        assert code(user.get_partitions, DatabaseName=shortcut, TableName="s") == "AccessDeniedException"
        (listed,) = user.get_tables(DatabaseName=shortcut)["TableList"]
        assert "StorageDescriptor" not in listed
        allow([*mine, *theirs])
        assert user.get_table(DatabaseName=shortcut, Name="s")["Table"]["StorageDescriptor"]["Columns"] == COLUMNS
        (listed,) = user.get_tables(DatabaseName=shortcut)["TableList"]
        assert "StorageDescriptor" in listed
    finally:
        iam.delete_access_key(UserName="linked", AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName="linked", PolicyName="p")
        iam.delete_user(UserName="linked")


def _without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


# -- columns from the schema registry ----------------------------------------------------------------------------------

AVRO = {
    "type": "record", "name": "Order", "namespace": "shop",
    "fields": [
        {"name": "Id", "type": "long"}, {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "lines", "type": {"type": "array", "items": {
            "type": "record", "name": "Line", "fields": [{"name": "sku", "type": "string"}]}}},
        {"name": "first", "type": "Line"}, {"name": "counts", "type": {"type": "map", "values": "int"}},
        {"name": "odd", "type": ["int", "string"]},
    ],
}  # fmt: skip
JSON_SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
    "definitions": {"point": {"type": "object", "properties": {"x": {"type": "number"}}}},
    "properties": {
        "id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"},
        "where": {"$ref": "#/definitions/point"},
        "tags": {"type": "array", "items": {"type": ["string", "null"]}}, "any": {},
        "sizes": {"type": "object", "additionalProperties": {"type": "boolean"}},
    },
}  # fmt: skip
PROTOBUF = """
syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto";
message Order { int32 id = 1; uint64 big = 2; google.protobuf.Timestamp at = 3; repeated Line lines = 4;
  map<string, double> prices = 5; Kind kind = 6; enum Kind { A = 0; } message Line { string sku = 1; bytes raw = 2; } }
message Other { string x = 1; }
"""
EXPECTED = {
    "AVRO": {
        "id": "bigint", "note": "string", "price": "decimal(8,2)", "at": "timestamp",
        "lines": "array<struct<sku:string>>", "first": "struct<sku:string>", "counts": "map<string,int>",
        "odd": "string",
    },
    "JSON": {
        "id": "bigint", "at": "timestamp", "where": "struct<x:double>", "tags": "array<string>", "any": "string",
        "sizes": "map<string,boolean>",
    },
    "PROTOBUF": {
        "id": "int", "big": "decimal(20,0)", "at": "timestamp", "lines": "array<struct<sku:string,raw:binary>>",
        "prices": "map<string,double>", "kind": "string",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "definition"), [("AVRO", json.dumps(AVRO)), ("JSON", json.dumps(JSON_SCHEMA)), ("PROTOBUF", PROTOBUF)]
)
def test_a_table_has_the_columns_of_the_schema_that_it_refers_to(
    glue: Any, database: str, kind: str, definition: str
) -> None:
    name = f"{database}-{kind}"
    made = glue.create_schema(SchemaName=name, DataFormat=kind, Compatibility="NONE", SchemaDefinition=definition)
    try:
        for at, reference in enumerate(
            ({"SchemaId": {"SchemaName": name}, "SchemaVersionNumber": 1}, {"SchemaVersionId": made["SchemaVersionId"]})
        ):
            descriptor = {"Columns": [], "Location": "s3://b/t/", "SchemaReference": reference}
            table = {"Name": f"t{at}", "StorageDescriptor": descriptor, "PartitionKeys": [{"Name": "d"}]}
            glue.create_table(DatabaseName=database, TableInput=table)
            shown = glue.get_table(DatabaseName=database, Name=f"t{at}")["Table"]["StorageDescriptor"]
            assert {one["Name"]: one["Type"] for one in shown["Columns"]} == EXPECTED[kind]
            assert shown["SchemaReference"] == reference
            found = lookup().table(database, f"t{at}").columns
            assert {one["Name"]: one["Type"] for one in found} == EXPECTED[kind]
        place = {"DatabaseName": database, "TableName": "t0"}
        glue.create_partition(**place, PartitionInput={"Values": ["1"], "StorageDescriptor": descriptor})
        part = glue.get_partition(**place, PartitionValues=["1"])["Partition"]
        assert len(part["StorageDescriptor"]["Columns"]) == len(EXPECTED[kind])
    finally:
        glue.delete_schema(SchemaId={"SchemaName": name})
    shown = glue.get_table(DatabaseName=database, Name="t0")["Table"]["StorageDescriptor"]
    assert shown["Columns"] == []  # the schema is gone, the table is not


def test_a_table_cannot_refer_to_a_schema_that_is_not_there(glue: Any, database: str) -> None:
    for reference, expected in (
        ({"SchemaId": {"SchemaName": "none"}}, "EntityNotFoundException"),
        ({"SchemaVersionId": "12345678-1234-1234-1234-123456789012"}, "EntityNotFoundException"),
        ({}, "InvalidInputException"),
    ):
        table = {"Name": "t", "StorageDescriptor": {"SchemaReference": reference | {"SchemaVersionNumber": 1}}}
        assert code(glue.create_table, DatabaseName=database, TableInput=table) == expected


def test_a_function_keeps_its_tags_under_another_name(glue: Any, database: str) -> None:
    function = {"FunctionName": "f", "ClassName": "a.B"}
    glue.create_user_defined_function(DatabaseName=database, FunctionInput=function)
    arn = f"arn:aws:glue:us-east-1:{ACCOUNT}:userDefinedFunction/{database}/"
    glue.tag_resource(ResourceArn=f"{arn}f", TagsToAdd={"team": "flights"})
    glue.update_user_defined_function(
        DatabaseName=database, FunctionName="F", FunctionInput=function | {"FunctionName": "G"}
    )
    assert glue.get_tags(ResourceArn=f"{arn}g")["Tags"] == {"team": "flights"}
    glue.create_user_defined_function(DatabaseName=database, FunctionInput=function)
    assert glue.get_tags(ResourceArn=f"{arn}f")["Tags"] == {}
