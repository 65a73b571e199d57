"""Clients of any region: one account's things, with ARNs of the region that is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from lakelet.workspace.secrets import secret
from tests.wire.conftest import Wire

ACCOUNT = "123456789012"
ABROAD = "eu-central-1"


def client(wire: Wire, service: str, region: str = ABROAD, keys: dict[str, str] | None = None) -> Any:
    own = {"AccessKeyId": secret(wire.workspace, "access_key"), "SecretAccessKey": secret(wire.workspace, "secret_key")}
    keys = keys or own
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys.get("SessionToken"), region)
    return session.client(service, endpoint_url=wire.url)


@pytest.mark.parametrize("region", ["us-west-2", "ap-southeast-5", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
def test_every_region_sees_the_same_account(wire: Wire, database: str, region: str) -> None:
    glue = client(wire, "glue", region)
    assert database in [found["Name"] for found in glue.get_databases()["DatabaseList"]]
    assert client(wire, "sts", region).get_caller_identity()["Account"] == ACCOUNT
    assert client(wire, "iam", region).list_users()["Users"] is not None


def test_a_presigned_request_may_be_of_any_region(wire: Wire) -> None:
    url = client(wire, "sts").generate_presigned_url("get_caller_identity")
    assert ABROAD in url and f"<Account>{ACCOUNT}</Account>" in httpx.post(url).text


def test_arns_are_of_the_region_that_is_asked_and_taken_of_any(wire: Wire, database: str) -> None:
    home, abroad = client(wire, "glue", "us-east-1"), client(wire, "glue")
    made = abroad.create_registry(RegistryName="regions", Tags={"a": "1"})
    assert made["RegistryArn"] == f"arn:aws:glue:{ABROAD}:{ACCOUNT}:registry/regions"
    own = home.get_registry(RegistryId={"RegistryArn": made["RegistryArn"]})["RegistryArn"]
    assert own == f"arn:aws:glue:us-east-1:{ACCOUNT}:registry/regions"
    home.tag_resource(ResourceArn=own, TagsToAdd={"b": "2"})
    for arn in (own, made["RegistryArn"]):
        assert abroad.get_tags(ResourceArn=arn)["Tags"] == {"a": "1", "b": "2"}
    home.delete_registry(RegistryId={"RegistryName": "regions"})
    with pytest.raises(home.exceptions.EntityNotFoundException):
        home.get_tags(ResourceArn=own.replace("us-east-1", "eu-nowhere-1"))


def test_links_may_name_any_region(wire: Wire, database: str) -> None:
    glue = client(wire, "glue")
    target = {"CatalogId": ACCOUNT, "DatabaseName": database, "Region": "us-west-2"}
    glue.create_database(DatabaseInput={"Name": f"{database}_link", "TargetDatabase": target})
    glue.delete_database(Name=f"{database}_link")
    with pytest.raises(glue.exceptions.InvalidInputException, match="eu-nowhere-1"):
        glue.create_database(DatabaseInput={"Name": "x", "TargetDatabase": target | {"Region": "eu-nowhere-1"}})


@pytest.fixture
def allowed(wire: Wire) -> Iterator[Callable[..., bool]]:
    """Whether a user with a policy may list the databases of a region."""
    iam = client(wire, "iam")
    iam.create_user(UserName="traveller")
    keys = iam.create_access_key(UserName="traveller")["AccessKey"]

    def ask(region: str, *statements: dict[str, Any]) -> bool:
        document = {"Version": "2012-10-17", "Statement": statements}
        iam.put_user_policy(UserName="traveller", PolicyName="p", PolicyDocument=json.dumps(document))
        try:
            client(wire, "glue", region, keys).get_databases()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDeniedException"
            return False
        return True

    yield ask
    iam.delete_user_policy(UserName="traveller", PolicyName="p")
    iam.delete_access_key(UserName="traveller", AccessKeyId=keys["AccessKeyId"])
    iam.delete_user(UserName="traveller")


def test_policies_know_the_region_that_is_asked(allowed: Callable[..., bool]) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    there = {"StringEquals": {"aws:RequestedRegion": ABROAD}}
    assert allowed(ABROAD, everything | {"Condition": there})
    assert not allowed("us-east-1", everything | {"Condition": there})
    local = {"Effect": "Allow", "Action": "glue:*", "Resource": f"arn:aws:glue:{ABROAD}:{ACCOUNT}:*"}
    assert allowed(ABROAD, local) and not allowed("us-west-2", local)


def test_what_is_denied_in_one_region_is_denied_in_all(allowed: Callable[..., bool]) -> None:
    """It is the same thing by another ARN."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    secret_ = {"Effect": "Deny", "Action": "glue:*", "Resource": f"arn:aws:glue:us-east-1:{ACCOUNT}:database/*"}
    assert not any(allowed(region, everything, secret_) for region in ("us-east-1", ABROAD))
    pattern = secret_ | {"Resource": f"arn:aws:glue:us-*:{ACCOUNT}:database/*"}
    assert not any(allowed(region, everything, pattern) for region in ("us-east-1", ABROAD))
