"""Errors begin with AWS's own sentence, which clients match on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import Wire

POLICY = "arn:aws:iam::123456789012:policy/none"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:*"}})
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


@pytest.mark.parametrize(
    ("service", "operation", "members", "said"),
    [
        ("glue", "get_database", {"Name": "none"}, "Database none not found."),
        ("glue", "get_table", {"DatabaseName": "{d}", "Name": "none"}, "Table none not found."),
        ("glue", "create_database", {"DatabaseInput": {"Name": "{d}"}}, "Database already exists."),
        ("glue", "create_table", {"DatabaseName": "{d}", "TableInput": {"Name": "t"}}, "Table already exists."),
        (
            "glue",
            "get_partition",
            {"DatabaseName": "{d}", "TableName": "t", "PartitionValues": ["2"]},
            "Cannot find partition.",
        ),
        (
            "glue",
            "create_partition",
            {"DatabaseName": "{d}", "TableName": "t", "PartitionInput": {"Values": ["1"]}},
            "Partition already exists.",
        ),
        (
            "glue",
            "get_table_version",
            {"DatabaseName": "{d}", "TableName": "t", "VersionId": "9"},
            "Version not found.",
        ),
        ("glue", "get_connection", {"Name": "none"}, "Connection none not found."),
        ("glue", "get_crawler", {"Name": "none"}, "Crawler none not found."),
        ("glue", "get_job", {"JobName": "none"}, "Job none not found."),
        ("glue", "stop_crawler", {"Name": "{d}"}, "Crawler with name {d} isn't running."),
        (
            "glue",
            "create_crawler",
            {"Name": "{d}", "Role": "r", "Targets": {"S3Targets": [{"Path": "s3://b/x"}]}},
            "Crawler already exists.",
        ),
        ("iam", "get_user", {"UserName": "none"}, "The user with name none cannot be found."),
        ("iam", "get_role", {"RoleName": "none"}, "The role with name none cannot be found."),
        ("iam", "get_group", {"GroupName": "none"}, "The group with name none cannot be found."),
        ("iam", "get_policy", {"PolicyArn": POLICY}, f"Policy {POLICY} was not found."),
        (
            "iam",
            "attach_user_policy",
            {"UserName": "{d}", "PolicyArn": POLICY},
            f"Policy {POLICY} does not exist or is not attachable.",
        ),
        ("iam", "create_user", {"UserName": "{d}"}, "User with name {d} already exists."),
        (
            "iam",
            "create_role",
            {"RoleName": "{d}", "AssumeRolePolicyDocument": TRUST},
            "Role with name {d} already exists.",
        ),
        (
            "iam",
            "create_policy",
            {"PolicyName": "{d}", "PolicyDocument": ALLOW},
            "A policy called {d} already exists. Duplicate names are not allowed.",
        ),
        ("lakeformation", "describe_resource", {"ResourceArn": "arn:aws:s3:::none"}, "Entity not found."),
    ],
)
def test_errors_begin_with_awss_sentence(
    wire: Wire, things: str, service: str, operation: str, members: Any, said: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(wire.client(service), operation)(**_named(members, things))
    assert caught.value.response["Error"]["Message"].startswith(said.replace("{d}", things))


def _named(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _named(item, name) for key, item in value.items()}
    return value.replace("{d}", name) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def things(wire: Wire) -> str:
    """One of each, of this name."""
    name, glue, iam = "sentences", wire.client(), wire.client("iam")
    glue.create_database(DatabaseInput={"Name": name})
    keys = [{"Name": "k", "Type": "int"}]
    glue.create_table(DatabaseName=name, TableInput={"Name": "t", "PartitionKeys": keys})
    glue.create_partition(DatabaseName=name, TableName="t", PartitionInput={"Values": ["1"]})
    glue.create_crawler(Name=name, Role="r", Targets={"S3Targets": [{"Path": "s3://b/x"}]})
    iam.create_user(UserName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    iam.create_policy(PolicyName=name, PolicyDocument=ALLOW)
    return name
