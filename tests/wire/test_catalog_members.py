"""Members that few programs send: dialects of views, transactions, audits, security configurations, environments."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import Wire

ACCOUNT = "123456789012"
COLUMNS = [{"Name": "a", "Type": "int"}]
BASE = f"arn:aws:glue:us-east-1:{ACCOUNT}:table/d/base"


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


def refused(code: str, call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


def view(*dialects: str, text: str = "SELECT 1 a", columns: Any = COLUMNS, base: str = BASE) -> dict[str, Any]:
    said = [{"Dialect": one, "DialectVersion": "1", "ViewOriginalText": text} for one in dialects]
    definition = {"SubObjects": [base], "Representations": said}
    return {"Name": "v", "StorageDescriptor": {"Columns": columns}, "ViewDefinition": definition}


def dialects(glue: Any, database: str) -> dict[str, tuple[str, bool]]:
    table = glue.get_table(DatabaseName=database, Name="v")["Table"]
    found = table["ViewDefinition"]["Representations"]
    return {one["Dialect"]: (one["ViewOriginalText"], one.get("IsStale", False)) for one in found}


def test_dialects_of_a_view(glue: Any, database: str) -> None:
    glue.create_table(DatabaseName=database, TableInput=view("ATHENA") | {"Owner": "me"})

    def update(action: str, *names: str, force: bool = False, **parts: Any) -> None:
        given = view(*names, **parts)
        glue.update_table(DatabaseName=database, TableInput=given, ViewUpdateAction=action, Force=force)

    update("ADD", "SPARK")
    assert dialects(glue, database) == {"ATHENA": ("SELECT 1 a", False), "SPARK": ("SELECT 1 a", False)}
    assert glue.get_table(DatabaseName=database, Name="v")["Table"]["Owner"] == "me"  # what is not given stays
    refused("AlreadyExistsException", lambda: update("ADD", "SPARK"))
    update("REPLACE", "SPARK", text="SELECT 2 a")
    refused("EntityNotFoundException", lambda: update("REPLACE", "REDSHIFT"))
    update("ADD_OR_REPLACE", "REDSHIFT", "SPARK", text="SELECT 3 a")
    assert [text for text, _ in dialects(glue, database).values()] == ["SELECT 1 a", "SELECT 3 a", "SELECT 3 a"]
    update("DROP", "REDSHIFT", columns=[])
    refused("EntityNotFoundException", lambda: update("DROP", "REDSHIFT"))
    assert dialects(glue, database).keys() == {"ATHENA", "SPARK"}
    assert "drop the view" in refused("InvalidInputException", lambda: update("DROP", "ATHENA", "SPARK"))

    others = [{"Name": "a", "Type": "int"}, {"Name": "b", "Type": "int"}]
    assert "columns" in refused("InvalidInputException", lambda: update("REPLACE", "SPARK", columns=others))
    assert "SubObjects" in refused("InvalidInputException", lambda: update("REPLACE", "SPARK", base=BASE + "2"))
    update("REPLACE", "SPARK", columns=others, force=True)
    assert dialects(glue, database) == {"ATHENA": ("SELECT 1 a", True), "SPARK": ("SELECT 1 a", False)}
    update("REPLACE", "ATHENA", columns=others)
    assert not any(stale for _, stale in dialects(glue, database).values())

    glue.create_table(DatabaseName=database, TableInput={"Name": "t"})
    said = refused("InvalidInputException", glue.update_table, DatabaseName=database, ViewUpdateAction="ADD",
                   TableInput=view("SPARK") | {"Name": "t"})  # fmt: skip
    assert "no ViewDefinition" in said
    refused("InvalidInputException", lambda: update("ADD_OR_REPLACE", "SPARK", "SPARK"))
    refused("ValidationException", lambda: update("TURN", "SPARK"))


def test_there_are_no_transactions(glue: Any, database: str) -> None:
    table = {"DatabaseName": database, "Name": "t"}
    glue.create_table(DatabaseName=database, TableInput={"Name": "t"})
    for member, value in (("TransactionId", "x"), ("QueryAsOfTime", 1)):
        for call, arguments in (
            (glue.get_table, table),
            (glue.get_tables, {"DatabaseName": database}),
            (glue.get_partitions, {"DatabaseName": database, "TableName": "t"}),
        ):
            assert member in refused("InvalidInputException", call, **arguments, **{member: value})
    for call, arguments in (
        (glue.create_table, {"DatabaseName": database, "TableInput": {"Name": "u"}}),
        (glue.update_table, {"DatabaseName": database, "TableInput": {"Name": "t"}}),
        (glue.delete_table, table),
        (glue.batch_delete_table, {"DatabaseName": database, "TablesToDelete": ["t"]}),
    ):
        assert "TransactionId" in refused("InvalidInputException", call, **arguments, TransactionId="x")
    assert [one["Name"] for one in glue.get_tables(DatabaseName=database)["TableList"]] == ["t"]


def test_what_is_meant_for_an_audit_is_in_the_log(glue: Any, database: str, caplog: pytest.LogCaptureFixture) -> None:
    glue.create_table(DatabaseName=database, TableInput={"Name": "t", "PartitionKeys": [{"Name": "p"}]})
    audit = {"AdditionalAuditContext": "line 1\nline 2", "RequestedColumns": ["a"]}
    place = {"DatabaseName": database, "TableName": "t"}
    glue.create_partition(**place, PartitionInput={"Values": ["1"]})
    with caplog.at_level(logging.INFO, "lakelet.aws.audit"):
        glue.get_table(DatabaseName=database, Name="t", AuditContext=audit)
        glue.get_tables(DatabaseName=database, AuditContext=audit)
        glue.get_table_version(**place, AuditContext=audit)
        glue.get_table_versions(**place, AuditContext=audit)
        glue.get_partition(**place, PartitionValues=["1"], AuditContext=audit)
        glue.get_partitions(**place, AuditContext=audit)
        glue.batch_get_partition(**place, PartitionsToGet=[{"Values": ["1"]}], AuditContext=audit,
                                 QuerySessionContext={"QueryId": "q", "QueryStartTime": 1})  # fmt: skip
        glue.get_table(DatabaseName=database, Name="t")  # which brings nothing
    lines = [record.getMessage() for record in caplog.records if record.name == "lakelet.aws.audit"]
    said = [json.loads(line) for line in lines]
    assert [one["operation"] for one in said] == [
        "GetTable", "GetTables", "GetTableVersion", "GetTableVersions", "GetPartition", "GetPartitions",
        "BatchGetPartition",
    ]  # fmt: skip
    assert all(one["AuditContext"] == audit and one["principal"].endswith(":root") for one in said)
    assert said[0]["resource"] == f"{database}.t" and said[-1]["QuerySessionContext"]["QueryId"] == "q"
    assert not any("\n" in line for line in lines)


def test_security_configurations_that_are_named(glue: Any, database: str) -> None:
    name = f"security_{database}"
    glue.create_security_configuration(Name=name, EncryptionConfiguration={})
    targets = {"S3Targets": [{"Path": "s3://bronze/x/"}]}
    crawler = {"Name": database, "Role": "r", "DatabaseName": database, "Targets": targets}
    refused("InvalidInputException", glue.create_crawler, **crawler, CrawlerSecurityConfiguration="none")
    refused("EntityNotFoundException", glue.create_crawler, **crawler, CatalogId="000000000000")
    glue.create_crawler(**crawler, CrawlerSecurityConfiguration=name, CatalogId=ACCOUNT)
    found = glue.get_crawler(Name=database)["Crawler"]
    assert (found["CrawlerSecurityConfiguration"], found["CatalogId"]) == (name, ACCOUNT)
    refused("InvalidInputException", glue.update_crawler, Name=database, CrawlerSecurityConfiguration="none")
    glue.update_crawler(Name=database, CrawlerSecurityConfiguration="")
    assert not glue.get_crawler(Name=database)["Crawler"]["CrawlerSecurityConfiguration"]
    glue.delete_crawler(Name=database)

    glue.create_table(DatabaseName=database, TableInput={"Name": "t", "StorageDescriptor": {"Columns": COLUMNS}})
    place = {"DatabaseName": database, "TableName": "t"}
    create = glue.create_column_statistics_task_settings
    refused("InvalidInputException", create, **place, Role="r", SecurityConfiguration="none")
    create(**place, Role="r", SecurityConfiguration=name, Tags={"team": "flights"})
    settings = glue.get_column_statistics_task_settings(**place)["ColumnStatisticsTaskSettings"]
    assert settings["SecurityConfiguration"] == name
    refused("InvalidInputException", glue.update_column_statistics_task_settings, **place, SecurityConfiguration="none")
    refused("InvalidInputException", glue.start_column_statistics_task_run, **place, Role="r",
            SecurityConfiguration="none")  # fmt: skip
    started = glue.start_column_statistics_task_run(**place, Role="r", SecurityConfiguration=name)
    run = glue.get_column_statistics_task_run(ColumnStatisticsTaskRunId=started["ColumnStatisticsTaskRunId"])
    assert run["ColumnStatisticsTaskRun"]["SecurityConfiguration"] == name

    arn = f"arn:aws:glue:us-east-1:{ACCOUNT}:columnStatisticsTaskSettings/{database}/t"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "flights"}
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"more": "1"})
    glue.delete_column_statistics_task_settings(**place)
    refused("EntityNotFoundException", glue.get_tags, ResourceArn=arn)
    create(**place, Role="r")
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {}
    glue.delete_security_configuration(Name=name)  # other tests list them all


def test_a_connection_as_a_compute_environment_sees_it(glue: Any, database: str) -> None:
    url = "jdbc:postgresql://127.0.0.1:1/none"
    properties = {"JDBC_CONNECTION_URL": url, "USERNAME": "me", "PASSWORD": "secret"}
    given = {"Name": database, "ConnectionType": "JDBC", "ConnectionProperties": properties,
             "SparkProperties": {"USERNAME": "spark", "PASSWORD": "other"}}  # fmt: skip
    refused("NotImplementedException", glue.create_connection,
            ConnectionInput=given | {"AthenaProperties": {"INVENTED": "x"}})  # fmt: skip
    glue.create_connection(ConnectionInput=given)

    def get(**options: Any) -> dict[str, Any]:
        found: dict[str, Any] = glue.get_connection(Name=database, **options)["Connection"]
        return found

    assert get()["ConnectionProperties"] == properties and get()["SparkProperties"]["USERNAME"] == "spark"
    seen = get(ApplyOverrideForComputeEnvironment="SPARK")["ConnectionProperties"]
    assert seen == {"JDBC_CONNECTION_URL": url, "USERNAME": "spark", "PASSWORD": "other"}
    assert get(ApplyOverrideForComputeEnvironment="ATHENA")["ConnectionProperties"] == properties
    hidden = get(ApplyOverrideForComputeEnvironment="SPARK", HidePassword=True)
    assert hidden["ConnectionProperties"]["USERNAME"] == "spark" and "PASSWORD" not in str(hidden)
    refused("ValidationException", glue.get_connection, Name=database, ApplyOverrideForComputeEnvironment="FLINK")
    glue.delete_connection(ConnectionName=database)
