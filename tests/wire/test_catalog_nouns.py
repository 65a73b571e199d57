"""Column statistics, functions, tags, policies and settings over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.wire.conftest import Wire

NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)
DAY = datetime(2013, 1, 1, tzinfo=UTC)
COUNTS = {"NumberOfNulls": 1, "NumberOfDistinctValues": 2}
STATISTICS = {
    "flag": ("BOOLEAN", {"NumberOfTrues": 1, "NumberOfFalses": 2, "NumberOfNulls": 3}),
    "day": ("DATE", {"MinimumValue": DAY, "MaximumValue": NOW, **COUNTS}),
    "price": ("DECIMAL", {"MinimumValue": {"UnscaledValue": b"\x01\xff", "Scale": 2}, **COUNTS}),
    "ratio": ("DOUBLE", {"MinimumValue": -1.5, "MaximumValue": 2.5, **COUNTS}),
    "number": ("LONG", {"MinimumValue": -(2**63), "MaximumValue": 2**63 - 1, **COUNTS}),
    "text": ("STRING", {"MaximumLength": 9, "AverageLength": 1.5, **COUNTS}),
    "raw": ("BINARY", {"MaximumLength": 9, "AverageLength": 1.5, "NumberOfNulls": 0}),
}


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


@pytest.fixture
def table(glue: Any, database: str) -> Iterator[dict[str, str]]:
    columns = [{"Name": name, "Type": "string"} for name in STATISTICS]
    definition = {"Name": "t", "StorageDescriptor": {"Columns": columns}, "PartitionKeys": [{"Name": "p"}]}
    glue.create_table(DatabaseName=database, TableInput=definition)
    names = {"DatabaseName": database, "TableName": "t"}
    glue.create_partition(**names, PartitionInput={"Values": ["1"]})
    yield names


def statistics(column: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    member = f"{kind.capitalize()}ColumnStatisticsData"
    values = {"Type": kind, member: data}
    return {"ColumnName": column, "ColumnType": "x", "AnalyzedTime": NOW, "StatisticsData": values}


@pytest.mark.parametrize("of", ["table", "partition"])
def test_statistics_of_all_types_come_back(glue: Any, table: dict[str, str], of: str) -> None:
    where: dict[str, Any] = table | ({"PartitionValues": ["1"]} if of == "partition" else {})
    update, get, delete = (getattr(glue, f"{verb}_column_statistics_for_{of}") for verb in ("update", "get", "delete"))
    sent = [statistics(column, *one) for column, one in STATISTICS.items()]
    assert not update(**where, ColumnStatisticsList=sent)["Errors"]
    answer = get(**where, ColumnNames=[*STATISTICS, "none"])
    assert answer["ColumnStatisticsList"] == sent
    assert [(one["ColumnName"], one["Error"]["ErrorCode"]) for one in answer["Errors"]] == [
        ("none", "EntityNotFoundException")
    ]
    wrong = statistics("text", "STRING", STATISTICS["text"][1])
    wrong["StatisticsData"] = {"Type": "LONG", "StringColumnStatisticsData": STATISTICS["text"][1]}
    errors = update(
        **where, ColumnStatisticsList=[statistics("none", *STATISTICS["text"]), wrong, sent[0] | {"ColumnType": "y"}]
    )["Errors"]
    assert [one["Error"]["ErrorCode"] for one in errors] == ["EntityNotFoundException", "InvalidInputException"]
    assert errors[0]["ColumnStatistics"]["ColumnName"] == "none"
    assert get(**where, ColumnNames=["FLAG"])["ColumnStatisticsList"][0]["ColumnType"] == "y"
    delete(**where, ColumnName="flag")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        delete(**where, ColumnName="flag")
    assert len(get(**where, ColumnNames=list(STATISTICS))["ColumnStatisticsList"]) == len(STATISTICS) - 1


def test_statistics_go_with_what_they_are_of(glue: Any, table: dict[str, str]) -> None:
    where = table | {"PartitionValues": ["1"]}
    sent = [statistics("text", *STATISTICS["text"])]
    glue.update_column_statistics_for_partition(**where, ColumnStatisticsList=sent)
    glue.update_partition(**table, PartitionValueList=["1"], PartitionInput={"Values": ["1"], "Parameters": {"a": "b"}})
    assert glue.get_column_statistics_for_partition(**where, ColumnNames=["text"])["ColumnStatisticsList"] == sent
    assert not glue.get_column_statistics_for_table(**table, ColumnNames=["text"])["ColumnStatisticsList"]
    glue.delete_partition(**table, PartitionValues=["1"])
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_column_statistics_for_partition(**where, ColumnNames=["text"])
    glue.create_partition(**table, PartitionInput={"Values": ["1"]})
    assert not glue.get_column_statistics_for_partition(**where, ColumnNames=["text"])["ColumnStatisticsList"]


def test_functions(glue: Any, database: str) -> None:
    function = {
        "FunctionName": "Upper", "ClassName": "org.x.Upper", "OwnerName": "me", "OwnerType": "USER",
        "ResourceUris": [{"ResourceType": "JAR", "Uri": "s3://code/udf.jar"}],
    }  # fmt: skip
    glue.create_user_defined_function(DatabaseName=database, FunctionInput=function)
    found = glue.get_user_defined_function(DatabaseName=database, FunctionName="UPPER")["UserDefinedFunction"]
    assert {name: found[name] for name in function} == function | {"FunctionName": "upper"}
    assert (found["DatabaseName"], found["FunctionType"]) == (database, "REGULAR_FUNCTION")
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_user_defined_function(DatabaseName=database, FunctionInput={"FunctionName": "upper"})
    with pytest.raises(glue.exceptions.InvalidInputException, match="FunctionName"):
        glue.create_user_defined_function(DatabaseName=database, FunctionInput={"ClassName": "x"})
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.create_user_defined_function(DatabaseName="none", FunctionInput={"FunctionName": "f"})
    for number in range(3):
        aggregate = {"FunctionName": f"sum{number}", "FunctionType": "AGGREGATE_FUNCTION"}
        glue.create_user_defined_function(DatabaseName=database, FunctionInput=aggregate)

    def names(**more: Any) -> list[str]:
        pages = glue.get_paginator("get_user_defined_functions").paginate(**more, PaginationConfig={"PageSize": 2})
        return [one["FunctionName"] for page in pages for one in page["UserDefinedFunctions"]]

    assert names(DatabaseName=database, Pattern="*") == ["sum0", "sum1", "sum2", "upper"]
    assert names(DatabaseName=database, Pattern="sum[01]") == ["sum0", "sum1"]
    assert "upper" in names(Pattern=".*")
    assert names(DatabaseName=database, Pattern="*", FunctionType="REGULAR_FUNCTION") == ["upper"]
    renamed = {"FunctionName": "lower", "ClassName": "org.x.Lower"}
    glue.update_user_defined_function(DatabaseName=database, FunctionName="upper", FunctionInput=renamed)
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.update_user_defined_function(
            DatabaseName=database, FunctionName="lower", FunctionInput={"FunctionName": "sum0"}
        )
    glue.delete_user_defined_function(DatabaseName=database, FunctionName="lower")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.delete_user_defined_function(DatabaseName=database, FunctionName="lower")


def test_tags(glue: Any, database: str) -> None:
    prefix = "arn:aws:glue:us-east-1:123456789012"
    glue.create_database(DatabaseInput={"Name": "Tagged"}, Tags={"team": "a", "cost": "1"})
    arn = f"{prefix}:database/Tagged"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "a", "cost": "1"}
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"team": "b", "new": ""})
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["cost", "none"])
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "b", "new": ""}
    with pytest.raises(glue.exceptions.InvalidInputException, match="reserved"):
        glue.tag_resource(ResourceArn=arn, TagsToAdd={"aws:x": "1"})
    glue.tag_resource(ResourceArn=arn, TagsToAdd={f"t{number}": "" for number in range(48)})
    with pytest.raises(glue.exceptions.InvalidInputException, match="more than 50"):
        glue.tag_resource(ResourceArn=arn, TagsToAdd={"one": "more"})
    glue.create_table(DatabaseName="tagged", TableInput={"Name": "t"})
    of_table = f"{prefix}:table/tagged/t"
    glue.tag_resource(ResourceArn=of_table, TagsToAdd={"a": "b"})
    glue.delete_database(Name="tagged")
    glue.create_database(DatabaseInput={"Name": "tagged"})
    glue.create_table(DatabaseName="tagged", TableInput={"Name": "t"})
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {} == glue.get_tags(ResourceArn=of_table)["Tags"]
    glue.delete_database(Name="tagged")
    for missing in (arn, f"{prefix}:job/none", f"{prefix}:crawler/none", f"{prefix}:registry/none"):
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            glue.get_tags(ResourceArn=missing)
    for wrong in (f"{prefix}:table/only", f"{prefix}:workflow/x", f"{prefix}:database/"):
        with pytest.raises((glue.exceptions.InvalidInputException, glue.exceptions.ClientError)):
            glue.get_tags(ResourceArn=wrong)
    with pytest.raises(glue.exceptions.EntityNotFoundException, match="account"):
        glue.get_tags(ResourceArn=f"arn:aws:glue:us-east-1:999999999999:database/{database}")


def test_tags_of_other_rooms(glue: Any) -> None:
    prefix = "arn:aws:glue:us-east-1:123456789012"
    made = glue.create_registry(RegistryName="tagged", Tags={"a": "b"})
    assert glue.get_tags(ResourceArn=made["RegistryArn"])["Tags"] == {"a": "b"}
    glue.delete_registry(RegistryId={"RegistryName": "tagged"})
    job = {"Name": "tagged", "Role": "r", "Command": {"Name": "glueetl", "ScriptLocation": "s3://x/y.py"}}
    for _ in range(2):  # a second job of that name does not inherit the tags of the first
        glue.create_job(**job)
        assert glue.get_tags(ResourceArn=f"{prefix}:job/tagged")["Tags"] == {}
        glue.tag_resource(ResourceArn=f"{prefix}:job/tagged", TagsToAdd={"a": "b"})
        glue.delete_job(JobName="tagged")


def test_the_catalogs_policy(glue: Any) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "glue:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    failed = glue.exceptions.ConditionCheckFailureException
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_resource_policy()
    with pytest.raises(failed):
        glue.put_resource_policy(PolicyInJson=policy, PolicyExistsCondition="MUST_EXIST")
    for wrong in ("[]", "{]", '{"Statement": []}', '{"Statement": [{"Effect": "Allow"}]}', '{"Statement": [1]}'):
        with pytest.raises(glue.exceptions.InvalidInputException):
            glue.put_resource_policy(PolicyInJson=wrong)
    first = glue.put_resource_policy(PolicyInJson=policy, PolicyExistsCondition="NOT_EXIST")["PolicyHash"]
    with pytest.raises(failed):
        glue.put_resource_policy(PolicyInJson=policy, PolicyExistsCondition="NOT_EXIST")
    with pytest.raises(failed):
        glue.put_resource_policy(PolicyInJson=policy, PolicyHashCondition="x")
    denied = policy.replace("Allow", "Deny")
    second = glue.put_resource_policy(PolicyInJson=denied, PolicyHashCondition=first, EnableHybrid="TRUE")["PolicyHash"]
    found = glue.get_resource_policy()
    assert (found["PolicyInJson"], found["PolicyHash"]) == (denied, second) and second != first
    assert found["CreateTime"] <= found["UpdateTime"]
    every = glue.get_resource_policies()["GetResourcePoliciesResponseList"]
    assert [one["PolicyHash"] for one in every] == [second]
    with pytest.raises(failed):
        glue.delete_resource_policy(PolicyHashCondition=first)
    glue.delete_resource_policy(PolicyHashCondition=second)
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.delete_resource_policy()


def test_encryption_settings_and_security_configurations(glue: Any) -> None:
    def settings() -> dict[str, Any]:
        return dict(glue.get_data_catalog_encryption_settings()["DataCatalogEncryptionSettings"])

    assert settings()["EncryptionAtRest"] == {"CatalogEncryptionMode": "DISABLED"}
    at_rest = {"CatalogEncryptionMode": "DISABLED", "SseAwsKmsKeyId": "alias/x"}
    glue.put_data_catalog_encryption_settings(DataCatalogEncryptionSettings={"EncryptionAtRest": at_rest})
    assert settings() == {
        "EncryptionAtRest": at_rest, "ConnectionPasswordEncryption": {"ReturnConnectionPasswordEncrypted": False},
    }  # fmt: skip
    glue.put_data_catalog_encryption_settings(
        DataCatalogEncryptionSettings={"EncryptionAtRest": {"CatalogEncryptionMode": "DISABLED"}}
    )
    body = {"S3Encryption": [{"S3EncryptionMode": "SSE-S3"}]}
    for name in ("one", "two"):
        made = glue.create_security_configuration(Name=name, EncryptionConfiguration=body)
        assert made["Name"] == name and made["CreatedTimestamp"].year >= 2024
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_security_configuration(Name="one", EncryptionConfiguration={})
    pages = glue.get_paginator("get_security_configurations").paginate(PaginationConfig={"PageSize": 1})
    found = [one for page in pages for one in page["SecurityConfigurations"]]
    assert [(one["Name"], one["EncryptionConfiguration"]) for one in found] == [("one", body), ("two", body)]
    for name in ("one", "two"):
        assert glue.get_security_configuration(Name=name)["SecurityConfiguration"]["Name"] == name
        glue.delete_security_configuration(Name=name)
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_security_configuration(Name="one")


def test_the_accounts_own_catalog(glue: Any, database: str) -> None:
    account = "123456789012"
    assert glue.get_catalog(CatalogId=account)["Catalog"]["ResourceArn"] == f"arn:aws:glue:us-east-1:{account}:catalog"
    assert [one["CatalogId"] for one in glue.get_catalogs()["CatalogList"]] == [account]
    assert glue.get_catalogs(IncludeRoot=False)["CatalogList"] == []
    assert glue.get_catalog_import_status()["ImportStatus"]["ImportCompleted"] is True
    glue.import_catalog_to_glue()
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_catalog(CatalogId="999999999999")
