"""A role's session on the real stack: one endpoint, one set of credentials, Glue and S3."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import boto3
import httpx
import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from lakelet.stack.record import read_record
from tests.conftest import Stack, eventually
from tests.issuer import issuing

pytestmark = pytest.mark.stack
TRUST = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
STATEMENTS = [
    {"Effect": "Allow", "Action": "glue:GetDatabases", "Resource": "*"},
    {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::bronze/identity/*"]},
    {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
]


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def code(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def pid_of(stack: Stack, name: str) -> int:
    record = read_record(stack.workspace)
    assert record is not None
    (pid,) = (component.pid for component in record.components if component.name == name)
    assert pid is not None
    return pid


def test_a_session_reads_the_catalog_and_writes_its_objects(stack: Stack) -> None:
    iam = boto3.client("iam")
    role = iam.create_role(RoleName="identity-test", AssumeRolePolicyDocument=document(TRUST))["Role"]
    try:
        iam.put_role_policy(RoleName="identity-test", PolicyName="p", PolicyDocument=document(*STATEMENTS))
        keys = boto3.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="run")["Credentials"]
        session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        assert session.client("glue").get_databases()
        assert code(session.client("glue").get_jobs) == "AccessDeniedException"
        path = Config(s3={"addressing_style": "path"})
        for name in ("s3", "control"):  # MinIO itself, and S3 through the endpoint
            objects = session.client("s3", endpoint_url=stack.workspace.endpoint(name), config=path)
            objects.put_object(Bucket="bronze", Key=f"identity/{name}", Body=b"x")
            assert objects.get_object(Bucket="bronze", Key=f"identity/{name}")["Body"].read() == b"x"
            assert code(objects.delete_object, Bucket="bronze", Key=f"identity/{name}") == "AccessDenied"
            assert code(objects.put_object, Bucket="bronze", Key="elsewhere", Body=b"") == "AccessDenied"
            assert code(objects.list_objects_v2, Bucket="bronze") == "AccessDenied"
    finally:
        iam.delete_role_policy(RoleName="identity-test", PolicyName="p")
        iam.delete_role(RoleName="identity-test")
        for name in ("s3", "control"):
            boto3.client("s3").delete_object(Bucket="bronze", Key=f"identity/{name}")


def test_a_users_key_signs_s3_over_restarts_until_it_is_deleted(stack: Stack) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="identity-key")
    path = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    try:
        iam.put_user_policy(UserName="identity-key", PolicyName="p", PolicyDocument=document(*STATEMENTS))
        key = iam.create_access_key(UserName="identity-key")["AccessKey"]
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
        both = [
            session.client("s3", endpoint_url=stack.workspace.endpoint(name), config=path) for name in ("s3", "control")
        ]

        def works() -> bool:
            for objects in both:
                objects.put_object(Bucket="bronze", Key="identity/key", Body=b"x")
                assert code(objects.delete_object, Bucket="bronze", Key="identity/key") == "AccessDenied"
                assert code(objects.list_objects_v2, Bucket="bronze") == "AccessDenied"
            return True

        assert works()
        for component in ("minio", "control"):
            os.kill(pid_of(stack, component), signal.SIGKILL)
            eventually(works)
        iam = boto3.client("iam")
        iam.put_user_policy(UserName="identity-key", PolicyName="p", PolicyDocument=document(STATEMENTS[0]))
        for objects in both:
            assert code(objects.put_object, Bucket="bronze", Key="identity/key", Body=b"") == "AccessDenied"
        iam.delete_access_key(UserName="identity-key", AccessKeyId=key["AccessKeyId"])
        for objects in both:
            assert code(objects.put_object, Bucket="bronze", Key="identity/key", Body=b"") == "InvalidAccessKeyId"
    finally:
        for one in iam.list_access_keys(UserName="identity-key")["AccessKeyMetadata"]:
            iam.delete_access_key(UserName="identity-key", AccessKeyId=one["AccessKeyId"])
        iam.delete_user_policy(UserName="identity-key", PolicyName="p")
        iam.delete_user(UserName="identity-key")
        boto3.client("s3").delete_object(Bucket="bronze", Key="identity/key")


def test_a_token_of_a_provider_signs_glue_and_s3(stack: Stack) -> None:
    iam = boto3.client("iam")
    with issuing() as issuer:
        made = iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["app"])["OpenIDConnectProviderArn"]
        trust = {
            "Effect": "Allow",
            "Principal": {"Federated": made},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{issuer.url.removeprefix('http://')}:sub": "mia"}},
        }
        role = iam.create_role(RoleName="identity-web", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        try:
            iam.put_role_policy(RoleName="identity-web", PolicyName="p", PolicyDocument=document(*STATEMENTS))
            nobody = boto3.client("sts", config=Config(signature_version=UNSIGNED))
            call = {"RoleArn": role, "RoleSessionName": "mia"}
            keys = nobody.assume_role_with_web_identity(**call, WebIdentityToken=issuer.token())["Credentials"]
            session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
            assert session.client("glue").get_databases()
            objects = session.client("s3", config=Config(s3={"addressing_style": "path"}))
            objects.put_object(Bucket="bronze", Key="identity/web", Body=b"x")
            assert code(objects.list_objects_v2, Bucket="bronze") == "AccessDenied"
            eve = issuer.token(sub="eve")
            assert code(nobody.assume_role_with_web_identity, **call, WebIdentityToken=eve) == "AccessDenied"
        finally:
            iam.delete_role_policy(RoleName="identity-web", PolicyName="p")
            iam.delete_role(RoleName="identity-web")
            iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=made)
            boto3.client("s3").delete_object(Bucket="bronze", Key="identity/web")


def test_tokens_of_the_account_are_verified_by_the_endpoint(stack: Stack) -> None:
    iam = boto3.client("iam")
    issuer = iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    try:
        asked = {"Audience": ["app"], "SigningAlgorithm": "ES384"}
        token = boto3.client("sts").get_web_identity_token(**asked)["WebIdentityToken"]
        configuration = httpx.get(f"{issuer}/.well-known/openid-configuration").json()
        key = jwt.PyJWKClient(configuration["jwks_uri"]).get_signing_key_from_jwt(token)
        claims = jwt.decode(token, key.key, algorithms=["ES384"], audience="app", issuer=configuration["issuer"])
        assert claims["sub"] == "arn:aws:iam::123456789012:root"
    finally:
        iam.disable_outbound_web_identity_federation()
    assert httpx.get(f"{issuer}/.well-known/jwks.json").status_code == 404
