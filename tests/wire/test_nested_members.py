"""Members below the top: what the table of aws/members.py refuses is refused by name, what it keeps comes back."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import Wire

JDBC = {"JDBC_CONNECTION_URL": "jdbc:postgresql://127.0.0.1:1/db", "USERNAME": "u", "PASSWORD": "p"}
QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
DATABASE = "nested"


def targets(kind: str, **members: Any) -> dict[str, Any]:
    return {"Name": "nested", "Role": "r", "DatabaseName": "d", "Targets": {kind: [members]}}


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("ConnectionName", targets("S3Targets", Path="s3://b/", ConnectionName="c")),
        ("EventQueueArn", targets("S3Targets", Path="s3://b/", EventQueueArn=QUEUE)),
        ("DlqEventQueueArn", targets("S3Targets", Path="s3://b/", DlqEventQueueArn=QUEUE)),
        ("RAWTYPES", targets("JdbcTargets", Path="d/%", ConnectionName="c", EnableAdditionalMetadata=["RAWTYPES"])),
        ("ConnectionName", targets("IcebergTargets", Paths=["s3://b/"], ConnectionName="c")),
        ("MongoDBTargets", targets("MongoDBTargets", Path="d/c", ConnectionName="c")),
        ("DynamoDBTargets", targets("DynamoDBTargets", Path="t")),
        ("DeltaTargets", targets("DeltaTargets", DeltaTables=["s3://b/t/"])),
        ("HudiTargets", targets("HudiTargets", Paths=["s3://b/t/"])),
    ],
)
def test_crawler_targets(wire: Wire, name: str, refused: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match=name if name != "RAWTYPES" else "COMMENTS only") as raised:
        wire.client().create_crawler(**refused)
    assert raised.value.response["Error"]["Code"] == "NotImplementedException"


def test_connections(wire: Wire) -> None:
    glue = wire.client()
    given = {"Name": "nested", "ConnectionType": "JDBC", "ConnectionProperties": JDBC}
    for member, value in (
        ("AuthenticationConfiguration", {"AuthenticationType": "BASIC"}),
        ("ValidateForComputeEnvironments", ["SPARK"]),
    ):
        with pytest.raises(ClientError, match=member):
            glue.create_connection(ConnectionInput={**given, member: value})
    place = {"SubnetId": "subnet-1", "SecurityGroupIdList": ["sg-1"], "AvailabilityZone": "us-east-1a"}
    kept = {"Description": "d", "PhysicalConnectionRequirements": place, "AthenaProperties": JDBC}
    glue.create_connection(ConnectionInput={**given, **kept})
    try:
        found = glue.get_connection(Name="nested")["Connection"]
        assert {member: found[member] for member in kept} == kept
        with pytest.raises(ClientError):  # nothing listens there, and it is tried
            glue.update_connection(Name="nested", ConnectionInput={**given, "ValidateCredentials": True})
    finally:
        glue.delete_connection(ConnectionName="nested")


def test_databases_and_tables(wire: Wire) -> None:
    glue = wire.client()
    federated = {"Identifier": "i", "ConnectionName": "c"}
    with pytest.raises(ClientError, match="FederatedDatabase"):
        glue.create_database(DatabaseInput={"Name": DATABASE, "FederatedDatabase": federated})
    glue.create_database(DatabaseInput={"Name": DATABASE})
    try:
        kept = {"Description": "d", "Owner": "o", "Retention": 3}
        glue.create_table(DatabaseName=DATABASE, TableInput={"Name": "t", **kept})
        found = glue.get_table(DatabaseName=DATABASE, Name="t")["Table"]
        assert {member: found[member] for member in kept} == kept
        table = {"Name": "t", "FederatedTable": federated}
        for write in (glue.create_table, glue.update_table):
            with pytest.raises(ClientError, match="FederatedTable"):
                write(DatabaseName=DATABASE, TableInput=table)
    finally:
        glue.delete_database(Name=DATABASE)


def test_settings_of_encryption_are_refused(wire: Wire) -> None:
    settings = {"EncryptionAtRest": {"CatalogEncryptionMode": "SSE-KMS"}}
    with pytest.raises(ClientError, match="CatalogEncryptionMode SSE-KMS"):
        wire.client().put_data_catalog_encryption_settings(DataCatalogEncryptionSettings=settings)


def test_a_location_gives_no_privileged_access(wire: Wire) -> None:
    with pytest.raises(ClientError, match="WithPrivilegedAccess"):
        wire.client("lakeformation").register_resource(
            ResourceArn="arn:aws:s3:::nested", UseServiceLinkedRole=True, WithPrivilegedAccess=True
        )


def test_a_database_has_default_permissions_for_its_tables(wire: Wire) -> None:
    glue, lake = wire.client(), wire.client("lakeformation")
    reader = "arn:aws:iam::123456789012:role/reader"
    for number, (defaults, expected) in enumerate(
        [
            ([], []),
            ([{"Principal": {"DataLakePrincipalIdentifier": reader}, "Permissions": ["SELECT"]}], [reader]),
            (None, ["IAM_ALLOWED_PRINCIPALS"]),
        ]
    ):
        given = {} if defaults is None else {"CreateTableDefaultPermissions": defaults}
        name = f"{DATABASE}{number}"
        glue.create_database(DatabaseInput={"Name": name, **given})
        try:
            glue.create_table(DatabaseName=name, TableInput={"Name": "t"})
            granted = lake.list_permissions(Resource={"Table": {"DatabaseName": name, "Name": "t"}})
            principals = {
                one["Principal"]["DataLakePrincipalIdentifier"] for one in granted["PrincipalResourcePermissions"]
            }
            assert principals == set(expected)
        finally:
            glue.delete_database(Name=name)
