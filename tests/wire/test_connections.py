"""Connections by boto3: what is kept, what is hidden, what is refused; and databases that really answer."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.databases import MariaDB, PostgreSQL
from tests.mongodb import MongoDB
from tests.wire.conftest import Wire

PASSWORD = "correct horse 'battery' \\staple"


def jdbc(url: str = "jdbc:postgresql://127.0.0.1:5432/d", **properties: str) -> dict[str, Any]:
    given = {"JDBC_CONNECTION_URL": url, "USERNAME": "reader", "PASSWORD": PASSWORD} | properties
    return {"ConnectionType": "JDBC", "ConnectionProperties": given}


def mongo(url: str, user: str = "admin", password: str = PASSWORD) -> dict[str, Any]:
    properties = {"CONNECTION_URL": url, "USERNAME": user, "PASSWORD": password}
    return {"ConnectionType": "MONGODB", "ConnectionProperties": properties}


@pytest.fixture
def glue(wire: Wire) -> Any:
    return wire.client()


@pytest.fixture
def name(glue: Any) -> Iterator[str]:
    name = f"c-{uuid.uuid4().hex[:8]}"
    yield name
    glue.batch_delete_connection(ConnectionNameList=[name])


def refusal(call: Any, *arguments: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(*arguments, **members)
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


def test_a_connection_is_kept_and_hides_its_password(glue: Any, name: str) -> None:
    made = jdbc(JDBC_ENFORCE_SSL="true") | {
        "Name": name, "Description": "orders", "MatchCriteria": ["a", "b"],
        "PhysicalConnectionRequirements": {"SubnetId": "subnet-1", "SecurityGroupIdList": ["sg-1"]},
    }  # fmt: skip
    assert glue.create_connection(ConnectionInput=made, Tags={"team": "x"})["CreateConnectionStatus"] == "READY"
    assert refusal(glue.create_connection, ConnectionInput=made)[0] == "AlreadyExistsException"
    found = glue.get_connection(Name=name)["Connection"]
    assert {member: found[member] for member in made} == made and found["Status"] == "READY"
    assert found["CreationTime"] == found["LastUpdatedTime"] and "LastConnectionValidationTime" not in found
    hidden = glue.get_connection(Name=name, HidePassword=True)["Connection"]
    assert "PASSWORD" not in hidden["ConnectionProperties"] and PASSWORD not in str(hidden)
    assert hidden["ConnectionProperties"].keys() | {"PASSWORD"} == made["ConnectionProperties"].keys()
    assert PASSWORD not in str(glue.get_connections(HidePassword=True)["ConnectionList"])

    tagged = f"arn:aws:glue:us-east-1:123456789012:connection/{name}"
    assert glue.get_tags(ResourceArn=tagged)["Tags"] == {"team": "x"}
    changed = jdbc(USERNAME="other") | {"Name": name}
    glue.update_connection(Name=name, ConnectionInput=changed)
    found = glue.get_connection(Name=name)["Connection"]
    assert found["ConnectionProperties"]["USERNAME"] == "other" and "Description" not in found
    assert found["LastUpdatedTime"] > found["CreationTime"]
    assert refusal(glue.update_connection, Name=name, ConnectionInput=changed | {"Name": "x"})[0] == (
        "InvalidInputException"
    )
    glue.delete_connection(ConnectionName=name)
    for gone in (glue.get_connection, glue.test_connection):
        member = "Name" if gone == glue.get_connection else "ConnectionName"
        assert refusal(gone, **{member: name})[0] == "EntityNotFoundException"
    assert refusal(glue.get_tags, ResourceArn=tagged)[0] == "EntityNotFoundException"


def test_connections_are_filtered_paged_and_deleted_together(glue: Any, name: str) -> None:
    names = [f"{name}-{index}" for index in range(5)]
    for index, one in enumerate(names):
        kind = {"ConnectionType": "NETWORK", "ConnectionProperties": {}} if index % 2 else jdbc()
        glue.create_connection(ConnectionInput=kind | {"Name": one, "MatchCriteria": [name, str(index)]})

    def listed(**wanted: Any) -> list[str]:
        pages = glue.get_paginator("get_connections").paginate(
            Filter={"MatchCriteria": [name]} | wanted, PaginationConfig={"PageSize": 2}
        )
        return [one["Name"] for page in pages for one in page["ConnectionList"]]

    assert listed() == names
    assert listed(ConnectionType="NETWORK") == names[1::2] and listed(MatchCriteria=[name, "4"]) == names[4:]
    assert listed(ConnectionSchemaVersion=2) == []
    answer = glue.batch_delete_connection(ConnectionNameList=[*names, "nobody"])
    assert answer["Succeeded"] == names
    assert answer["Errors"]["nobody"]["ErrorCode"] == "EntityNotFoundException" and listed() == []


def test_passwords_that_must_be_encrypted_are_not_given(glue: Any, name: str) -> None:
    glue.create_connection(ConnectionInput=jdbc() | {"Name": name})

    def encrypted(value: bool) -> None:
        settings = {"ConnectionPasswordEncryption": {"ReturnConnectionPasswordEncrypted": value}}
        glue.put_data_catalog_encryption_settings(DataCatalogEncryptionSettings=settings)

    encrypted(True)
    try:
        assert refusal(glue.get_connection, Name=name)[0] == "GlueEncryptionException"
        assert refusal(glue.get_connections)[0] == "GlueEncryptionException"
        assert glue.get_connection(Name=name, HidePassword=True)["Connection"]["Name"] == name
    finally:
        encrypted(False)
    assert glue.get_connection(Name=name)["Connection"]["ConnectionProperties"]["PASSWORD"] == PASSWORD


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"ConnectionProperties": {"USERNAME": "u", "PASSWORD": "p"}}, "InvalidInputException", "HOST, PORT"),
        ({"ConnectionProperties": {"JDBC_CONNECTION_URL": "jdbc:mysql://h"}}, "InvalidInputException", "USERNAME"),
        (jdbc("jdbc:"), "InvalidInputException", "cannot be read"),
        (jdbc("jdbc:postgresql://h:99999/d"), "InvalidInputException", "99999"),
        (jdbc("jdbc:postgresql://h/d?password=x"), "InvalidInputException", "credentials"),
        (jdbc("jdbc:postgresql://me:secret@h/d"), "InvalidInputException", "cannot be read"),
        (jdbc(JDBC_ENFORCE_SSL="maybe"), "InvalidInputException", "JDBC_ENFORCE_SSL"),
        (jdbc(SECRET_ID="s"), "NotImplementedException", "SECRET_ID"),
        (jdbc(JDBC_DRIVER_JAR_URI="s3://b/d.jar"), "NotImplementedException", "JDBC_DRIVER_JAR_URI"),
        ({"ConnectionType": "KAFKA", "ConnectionProperties": {}}, "InvalidInputException", "KAFKA_BOOTSTRAP_SERVERS"),
        (mongo("mongodb://me:secret@h/d"), "InvalidInputException", "credentials"),
        (mongo("jdbc:mongodb://h/d"), "InvalidInputException", "cannot be read"),
        (mongo("mongodb://h/?tlsCAFile=/x"), "InvalidInputException", "tlsCAFile"),
        ({"ConnectionType": "SALESFORCE"}, "NotImplementedException", "SALESFORCE"),
        ({"SparkProperties": {"INVENTED": "b"}}, "NotImplementedException", "INVENTED"),
        ({"SparkProperties": {"JDBC_CONNECTION_URL": "jdbc:"}}, "InvalidInputException", "cannot be read"),
        ({"ValidateForComputeEnvironments": ["SPARK"]}, "NotImplementedException", "ValidateForComputeEnvironments"),
        ({"Name": " "}, "InvalidInputException", "Name"),
    ],
)
def test_what_is_no_connection_is_refused(glue: Any, name: str, changes: Any, code: str, said: str) -> None:
    got, message = refusal(glue.create_connection, ConnectionInput=jdbc() | {"Name": name} | changes)
    assert got == code and said in message and "secret" not in message
    assert refusal(glue.get_connection, Name=name)[0] == "EntityNotFoundException"


def test_what_a_type_says_of_itself_is_what_a_connection_needs(glue: Any, name: str) -> None:
    first = glue.list_connection_types(MaxResults=3)
    rest = glue.list_connection_types(MaxResults=3, NextToken=first["NextToken"])
    types = {one["ConnectionType"]: one for one in (*first["ConnectionTypes"], *rest["ConnectionTypes"])}
    assert list(types) == ["JDBC", "KAFKA", "MONGODB", "NETWORK"] and "NextToken" not in rest
    assert types["JDBC"]["Capabilities"]["SupportedDataOperations"] == ["READ", "WRITE"]
    for kind, brief in types.items():
        told = glue.describe_connection_type(ConnectionType=kind)
        assert told["Capabilities"] == brief["Capabilities"]
        properties = told["ConnectionProperties"]
        needed = {one: "h:1" for one, said in properties.items() if said["Required"]}
        addresses = {"JDBC": ("JDBC_CONNECTION_URL", "jdbc:mysql://h/d"), "MONGODB": ("CONNECTION_URL", "mongodb://h")}
        needed |= dict([addresses[kind]]) if kind in addresses else {}
        for missing in needed:
            given = {one: value for one, value in needed.items() if one != missing}
            lacking = {"Name": name, "ConnectionType": kind, "ConnectionProperties": given}
            assert refusal(glue.create_connection, ConnectionInput=lacking)[0] == "InvalidInputException"
        glue.create_connection(ConnectionInput={"Name": name, "ConnectionType": kind, "ConnectionProperties": needed})
        shown = glue.get_connection(Name=name, HidePassword=True)["Connection"].get("ConnectionProperties", {})
        secrets = {one for one, said in properties.items() if said["PropertyTypes"] == ["SECRET_OR_USER_INPUT"]}
        assert shown.keys() == needed.keys() - secrets
        glue.delete_connection(ConnectionName=name)
    assert refusal(glue.describe_connection_type, ConnectionType="SALESFORCE")[0] == "EntityNotFoundException"


def test_other_kinds_are_kept_and_not_tried(glue: Any, name: str) -> None:
    kafka = {"ConnectionType": "KAFKA", "ConnectionProperties": {"KAFKA_BOOTSTRAP_SERVERS": "h:9092"}}
    glue.create_connection(ConnectionInput=kafka | {"Name": name})
    assert refusal(glue.test_connection, ConnectionName=name)[0] == "NotImplementedException"
    oracle = jdbc("jdbc:oracle:thin://@h:1521/x") | {"Name": name}
    assert refusal(glue.update_connection, Name=name, ConnectionInput=oracle)[0] == "InvalidInputException"
    redshift = jdbc("jdbc:redshift://h:5439/x")
    assert refusal(glue.test_connection, TestConnectionInput=redshift)[0] == "NotImplementedException"


def tried(glue: Any, url: str, **properties: str) -> str:
    """What TestConnection says against a connection; nothing when it works."""
    try:
        glue.test_connection(TestConnectionInput=jdbc(url, **properties))
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidInputException"
        message = str(error.response["Error"]["Message"])
        assert PASSWORD not in message and "wrong" not in message
        return message
    return ""


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_postgresql_is_really_reached(glue: Any, name: str, postgresql: PostgreSQL) -> None:
    password = PASSWORD.replace("'", "''")
    postgresql.execute("DROP ROLE IF EXISTS reader")
    postgresql.execute(f"CREATE ROLE reader LOGIN PASSWORD '{password}'")
    server = f"jdbc:postgresql://127.0.0.1:{postgresql.port}"
    glue.create_connection(ConnectionInput=jdbc(f"{server}/postgres") | {"Name": name, "ValidateCredentials": True})
    glue.test_connection(ConnectionName=name)
    found = glue.get_connection(Name=name)["Connection"]
    assert found["LastConnectionValidationTime"] >= found["CreationTime"]
    parts = {"HOST": "127.0.0.1", "PORT": str(postgresql.port), "JDBC_ENGINE": "postgresql", "DATABASE": "postgres"}
    properties = {"USERNAME": "reader", "PASSWORD": PASSWORD} | parts
    glue.test_connection(TestConnectionInput={"ConnectionType": "JDBC", "ConnectionProperties": properties})

    assert "password authentication failed for user" in tried(glue, f"{server}/postgres", PASSWORD="wrong")
    assert 'database "nowhere" does not exist' in tried(glue, f"{server}/nowhere")
    assert "refused" in tried(glue, f"jdbc:postgresql://127.0.0.1:{closed_port()}/postgres")
    assert "SSL" in tried(glue, f"{server}/postgres?sslmode=require")
    assert "no-such-host.invalid" in tried(glue, "jdbc:postgresql://no-such-host.invalid/d")
    wrong = jdbc(f"{server}/postgres", PASSWORD="wrong") | {"Name": f"{name}-wrong", "ValidateCredentials": True}
    assert refusal(glue.create_connection, ConnectionInput=wrong)[0] == "InvalidInputException"
    assert refusal(glue.get_connection, Name=f"{name}-wrong")[0] == "EntityNotFoundException"
    glue.update_connection(Name=name, ConnectionInput=jdbc(f"{server}/postgres", PASSWORD="wrong") | {"Name": name})
    assert "LastConnectionValidationTime" not in glue.get_connection(Name=name)["Connection"]


def test_mariadb_is_really_reached(glue: Any, mariadb: MariaDB) -> None:
    mariadb.execute("CREATE DATABASE IF NOT EXISTS shop")
    admin = {"USERNAME": "admin", "PASSWORD": mariadb.password}
    for engine in ("mysql", "mariadb"):
        server = f"jdbc:{engine}://127.0.0.1:{mariadb.port}"
        assert tried(glue, f"{server}/shop?useSSL=false", **admin) == "" == tried(glue, server, **admin)
        assert "Access denied for user 'admin'" in tried(glue, f"{server}/shop", **admin | {"PASSWORD": "wrong"})
        assert "Unknown database 'nowhere'" in tried(glue, f"{server}/nowhere", **admin)
        assert "refused" in tried(glue, f"jdbc:{engine}://127.0.0.1:{closed_port()}/shop", **admin)


def test_a_test_names_one_connection(glue: Any) -> None:
    assert refusal(glue.test_connection)[0] == "InvalidInputException"
    both = refusal(glue.test_connection, ConnectionName="x", TestConnectionInput=jdbc())
    assert both[0] == "InvalidInputException"


REST = {
    "IntegrationType": "REST",
    "Description": "Parcels",
    "ConnectionProperties": {
        "Url": {"Name": "URL", "Required": True, "PropertyType": "USER_INPUT"},
        "AdditionalRequestParameters": [
            {"Name": "REGION", "Required": False, "PropertyType": "USER_INPUT", "AllowedValues": ["eu", "us"],
             "PropertyLocation": "HEADER"}],
    },
    "ConnectorAuthenticationConfiguration": {"AuthenticationTypes": ["CUSTOM"], "CustomAuthenticationProperties": {
        "AuthenticationParameters": [{"Name": "KEY", "Required": True, "PropertyType": "SECRET"}]}},
    "RestConfiguration": {"GlobalSourceConfiguration": {"RequestMethod": "GET", "RequestPath": "/parcels"}},
}  # fmt: skip


def test_a_registered_type(glue: Any, name: str) -> None:
    kind = f"REST-{name}"
    arn = glue.register_connection_type(ConnectionType=kind, Tags={"team": "post"}, **REST)["ConnectionTypeArn"]
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "post"}
    with pytest.raises(glue.exceptions.InvalidInputException, match="already"):
        glue.register_connection_type(ConnectionType=kind, **REST)
    found = glue.describe_connection_type(ConnectionType=kind)
    assert (found["Description"], found["RestConfiguration"]) == ("Parcels", REST["RestConfiguration"])
    assert found["Capabilities"]["SupportedAuthenticationTypes"] == ["CUSTOM"]
    assert found["ConnectionProperties"].keys() == {"URL", "REGION"}
    assert found["ConnectionProperties"]["REGION"]["AllowedValues"] == [{"Value": "eu"}, {"Value": "us"}]
    names, token = [], {}
    while True:
        page = glue.list_connection_types(MaxResults=1, **token)
        names += [one["ConnectionType"] for one in page["ConnectionTypes"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert names == sorted(names) and {"JDBC", kind} <= set(names)
    glue.delete_connection_type(ConnectionType=kind)
    for call in (glue.delete_connection_type, glue.describe_connection_type):
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            call(ConnectionType=kind)
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_tags(ResourceArn=arn)


def test_what_is_no_type(glue: Any) -> None:
    for kind in ("Parcels", "REST-", "JDBC"):
        with pytest.raises(glue.exceptions.InvalidInputException, match="REST-"):
            glue.register_connection_type(ConnectionType=kind, **REST)
    with pytest.raises(glue.exceptions.InvalidInputException, match="was not registered"):
        glue.delete_connection_type(ConnectionType="JDBC")


def test_mongodb_is_really_reached(glue: Any, name: str, mongodb: MongoDB, monkeypatch: pytest.MonkeyPatch) -> None:
    good = mongo(mongodb.address, password=mongodb.password)
    glue.create_connection(ConnectionInput=good | {"Name": name, "ValidateCredentials": True})
    glue.test_connection(ConnectionName=name)
    assert "LastConnectionValidationTime" in glue.get_connection(Name=name)["Connection"]
    code, message = refusal(glue.test_connection, TestConnectionInput=mongo(mongodb.address, password="wrong"))
    assert code == "InvalidInputException" and message == (
        f"The connection cannot be used: MongoDB at 127.0.0.1:{mongodb.port} says: Authentication failed."
    )
    monkeypatch.setattr("lakelet.catalog.connections.mongodb.CONNECT_SECONDS", 1)  # it is tried again so long
    code, message = refusal(glue.test_connection, TestConnectionInput=mongo(f"mongodb://127.0.0.1:{closed_port()}"))
    assert code == "InvalidInputException" and "refused" in message and PASSWORD not in message
    code, message = refusal(glue.test_connection, TestConnectionInput=mongo("mongodb://127.0.0.1:99999"))
    assert code == "InvalidInputException" and "between 0 and 65535" in message
