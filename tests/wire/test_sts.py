"""STS through boto3, with a real MinIO beside the wire: one set of credentials signs Glue and S3."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lakelet.aws import context
from lakelet.workspace.secrets import secret
from tests.conftest import eventually
from tests.wire.conftest import Wire
from tests.wire.test_iam import ACCOUNT, TRUST, allow, ana, client, deny, document, iam, refused  # noqa: F401

ROLE = f"arn:aws:iam::{ACCOUNT}:role/lake"
READ = ["s3:GetObject", "s3:ListBucket"]
pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture(scope="module")
def store(wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MinIO of this module's own, with a few objects; its address."""
    if not wire.workspace.cache.minio.exists():
        pytest.skip("MinIO is not installed: run `lakelet install`")
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    keys = {name: secret(wire.workspace, name) for name in ("access_key", "secret_key")}
    root = {"MINIO_ROOT_USER": keys["access_key"], "MINIO_ROOT_PASSWORD": keys["secret_key"]}
    argv = [str(wire.workspace.cache.minio), "server", "--quiet", "--address", address]
    folder = str(tmp_path_factory.mktemp("minio"))
    process = subprocess.Popen([*argv, folder], env={**os.environ, **root, "MINIO_UPDATE": "off"})
    url = f"http://{address}"
    try:
        wire.workspace.write_endpoints({"control": wire.url, "s3": url})
        admin = s3(url, {"AccessKeyId": keys["access_key"], "SecretAccessKey": keys["secret_key"]})
        eventually(lambda: admin.create_bucket(Bucket="lake"))
        admin.create_bucket(Bucket="lake-private")
        for key in ("open/a", "open/b", "shut/a", "both/a"):
            admin.put_object(Bucket="lake", Key=key, Body=b"x")
        admin.put_object(Bucket="lake-private", Key="a", Body=b"x")
        yield url
    finally:
        wire.workspace.write_endpoints({"control": wire.url, "s3": "http://127.0.0.1:9"})
        process.terminate()
        process.wait(30)


def s3(url: str, key: dict[str, Any]) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
        config=Config(retries={"max_attempts": 1}, proxies={}, s3={"addressing_style": "path"}),
    )


@pytest.fixture
def lake(iam: Any) -> Any:  # noqa: F811
    """Makes the role, with these statements, and lets the account's principals assume it."""

    def make(*statements: dict[str, Any], trust: str = TRUST, **more: Any) -> None:
        iam.create_role(RoleName="lake", AssumeRolePolicyDocument=trust, **more)
        if statements:
            iam.put_role_policy(RoleName="lake", PolicyName="p", PolicyDocument=document(*statements))

    return make


def assume(sts: Any, **more: Any) -> dict[str, Any]:
    return dict(sts.assume_role(RoleArn=ROLE, RoleSessionName="run", **more)["Credentials"])


def may(call: Any, **arguments: Any) -> bool:
    """Whether the object store lets a call through."""
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("AccessDenied", "403"), error
        return False
    return True


def test_one_set_of_credentials_signs_glue_and_s3(wire: Wire, store: str, lake: Any, iam: Any) -> None:  # noqa: F811
    lake(
        allow("glue:GetDatabases"),
        allow(READ, ["arn:aws:s3:::lake", "arn:aws:s3:::lake/open/*", "arn:aws:s3:::lake/both/*"]),
        deny("s3:*", "arn:aws:s3:::lake/both/*"),
    )
    keys = assume(wire.client("sts"))
    who = client(wire, "sts", keys).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/lake/run"
    assert who["UserId"] == f"{iam.get_role(RoleName='lake')['Role']['RoleId']}:run"
    glue, objects = client(wire, "glue", keys), s3(store, keys)
    assert glue.get_databases()
    assert refused(glue.get_tables, DatabaseName="d")[0] == "AccessDeniedException"
    assert may(objects.get_object, Bucket="lake", Key="open/a") and may(objects.list_objects_v2, Bucket="lake")
    assert not may(objects.get_object, Bucket="lake", Key="shut/a")
    assert not may(objects.get_object, Bucket="lake", Key="both/a")
    assert not may(objects.put_object, Bucket="lake", Key="open/c", Body=b"")
    assert not may(objects.list_objects_v2, Bucket="lake-private")
    assert "RoleLastUsed" in iam.get_role(RoleName="lake")["Role"]
    iam.delete_role_policy(RoleName="lake", PolicyName="p")
    iam.delete_role(RoleName="lake")
    assert refused(glue.get_databases)[0] == "UnrecognizedClientException"


def test_session_policies_only_narrow(wire: Wire, store: str, lake: Any, iam: Any) -> None:  # noqa: F811
    lake(allow("*", "*"), deny("s3:*", "arn:aws:s3:::*-private*"))
    arn = iam.create_policy(PolicyName="tables", PolicyDocument=document(allow("glue:GetTables")))["Policy"]["Arn"]
    inline = document(allow(["s3:GetObject", "glue:GetDatabases"]), deny("s3:*", "arn:aws:s3:::lake/shut/*"))
    keys = assume(wire.client("sts"), Policy=inline, PolicyArns=[{"arn": arn}])
    glue, objects = client(wire, "glue", keys), s3(store, keys)
    assert glue.get_databases()
    assert refused(glue.get_tables, DatabaseName="none")[0] == "EntityNotFoundException"
    code, said, _ = refused(glue.get_jobs)
    assert code == "AccessDeniedException" and said.endswith("because no session policy allows the glue:GetJobs action")
    assert may(objects.get_object, Bucket="lake", Key="open/a")
    assert not may(objects.get_object, Bucket="lake", Key="shut/a")
    assert not may(objects.get_object, Bucket="lake-private", Key="a")
    assert not may(objects.list_objects_v2, Bucket="lake")
    assert refused(client(wire, "sts", keys).get_session_token)[0] == "AccessDenied"


def test_buckets_are_told_from_their_objects(wire: Wire, store: str, lake: Any) -> None:
    lake(
        allow("s3:*", ["arn:aws:s3:::lake/*", "arn:aws:s3:::lake-private*"]), deny("s3:ListBucket", "arn:aws:s3:::*te")
    )
    objects = s3(store, assume(wire.client("sts")))
    assert may(objects.get_object, Bucket="lake", Key="shut/a") and not may(objects.list_objects_v2, Bucket="lake")
    assert may(objects.get_object, Bucket="lake-private", Key="a")
    assert not may(objects.list_objects_v2, Bucket="lake-private")


def test_conditions_and_variables_hold_on_the_object_store(wire: Wire, store: str, lake: Any, ana: Any) -> None:  # noqa: F811
    tag = "${aws:PrincipalTag/place}"
    lake(
        allow("s3:ListBucket", "arn:aws:s3:::lake", Condition={"StringLike": {"s3:prefix": f"{tag}/*"}}),
        allow("s3:GetObject", f"arn:aws:s3:::lake/{tag}/*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        allow("s3:*", "*", Condition={"StringEquals": {"aws:username": "ana"}}),
        Tags=[{"Key": "place", "Value": "open"}],
    )
    objects = s3(store, assume(wire.client("sts")))
    assert may(objects.list_objects_v2, Bucket="lake", Prefix="open/") and may(
        objects.get_object, Bucket="lake", Key="open/a"
    )
    assert not may(objects.list_objects_v2, Bucket="lake") and not may(objects.get_object, Bucket="lake", Key="shut/a")


def test_nothing_on_s3_is_nothing(wire: Wire, store: str, lake: Any) -> None:
    lake(allow("glue:*"))
    objects = s3(store, assume(wire.client("sts")))
    assert not may(objects.get_object, Bucket="lake", Key="open/a") and not may(objects.list_objects_v2, Bucket="lake")
    listed = objects.list_buckets()["Buckets"] if may(objects.list_buckets) else []
    assert listed == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (allow("s3:*", Condition={"StringEquals": {"s3:TlsVersion": "1.2"}}), "s3:TlsVersion"),
        (deny("s3:*", Condition={"StringNotEqualsIfExists": {"s3:prefix": "a"}}), "StringNotEqualsIfExists"),
        (allow("s3:*", "arn:aws:s3:::lake/${s3:prefix}"), "a variable in the resource"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_minio_cannot_enforce_is_refused_by_name(
    wire: Wire, lake: Any, statement: dict[str, Any], said: str
) -> None:
    lake(statement)
    code, message, status = refused(wire.client("sts").assume_role, RoleArn=ROLE, RoleSessionName="run")
    assert (code, status) == ("NotImplemented", 501) and said in message and "MinIO" in message


def test_users_get_keys_for_s3_with_a_session_token(wire: Wire, store: str, iam: Any, ana: Any) -> None:  # noqa: F811
    policy = document(allow("s3:GetObject", "arn:aws:s3:::lake/open/*"), allow(["iam:*", "sts:*", "glue:*"]))
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=policy)
    keys = client(wire, "sts", ana).get_session_token(DurationSeconds=900)["Credentials"]
    assert may(s3(store, keys).get_object, Bucket="lake", Key="open/a")
    assert not may(s3(store, keys).get_object, Bucket="lake", Key="shut/a")
    assert client(wire, "sts", keys).get_caller_identity()["Arn"].endswith(":user/team/ana")
    assert client(wire, "glue", keys).get_databases()
    assert refused(client(wire, "iam", keys).list_users)[0] == "InvalidClientTokenId"
    root = wire.client("sts").get_session_token()["Credentials"]
    assert may(s3(store, root).get_object, Bucket="lake", Key="shut/a") and client(wire, "glue", root).get_databases()


def test_federated_users_get_what_both_sides_allow(wire: Wire, store: str, iam: Any, ana: Any) -> None:  # noqa: F811
    statements = (allow("s3:*"), allow(["sts:GetFederationToken", "glue:GetDatabases", "iam:*"]))
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document(*statements))
    session = document(allow("glue:*"), allow("s3:GetObject", "arn:aws:s3:::lake/open/*"))
    sts = client(wire, "sts", ana)
    made = sts.get_federation_token(Name="guest", Policy=session)
    keys = made["Credentials"]
    assert client(wire, "sts", keys).get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
    assert client(wire, "glue", keys).get_databases()
    assert refused(client(wire, "glue", keys).get_jobs)[0] == "AccessDeniedException"
    assert may(s3(store, keys).get_object, Bucket="lake", Key="open/a")
    assert not may(s3(store, keys).get_object, Bucket="lake", Key="shut/a")
    assert refused(client(wire, "iam", keys).list_users)[0] == "InvalidClientTokenId"
    assert refused(client(wire, "sts", keys).assume_role, RoleArn=ROLE, RoleSessionName="run")[0] == "AccessDenied"
    tags = [{"Key": "team", "Value": "lake"}]
    assert "sts:TagSession" in refused(sts.get_federation_token, Name="guest", Tags=tags)[1]
    nothing = sts.get_federation_token(Name="guest")["Credentials"]
    assert refused(client(wire, "glue", nothing).get_databases)[0] == "AccessDeniedException"
    root = wire.client("sts").get_federation_token(Name="guest", Policy=session)["Credentials"]
    assert client(wire, "glue", root).get_databases()
    assert not may(s3(store, root).get_object, Bucket="lake", Key="shut/a")


def test_whom_a_role_trusts(wire: Wire, iam: Any, lake: Any, ana: Any) -> None:  # noqa: F811
    user = f"arn:aws:iam::{ACCOUNT}:user/team/ana"
    sts = client(wire, "sts", ana)
    sentence = f"User: {user} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    call = {"RoleArn": ROLE, "RoleSessionName": "run"}
    assert refused(sts.assume_role, **call) == ("AccessDenied", sentence, 403)  # no such role
    lake(allow("glue:GetDatabases"))
    code, said, _ = refused(sts.assume_role, **call)  # it trusts the account, which gave ana no permission
    assert code == "AccessDenied" and said.endswith("because no identity-based policy allows the sts:AssumeRole action")
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document(allow("sts:AssumeRole", ROLE)))
    assert assume(sts)
    iam.delete_user_policy(UserName="ana", PolicyName="p")
    trust = {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(RoleName="lake", PolicyDocument=document(trust))
    assert assume(sts)  # it trusts ana by name
    secretly = trust | {"Condition": {"StringEquals": {"sts:ExternalId": "42"}}}
    iam.update_assume_role_policy(RoleName="lake", PolicyDocument=document(secretly))
    assert refused(sts.assume_role, **call) == ("AccessDenied", sentence, 403)
    assert assume(sts, ExternalId="42")
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document(deny("sts:*")))
    assert "explicit deny" in refused(sts.assume_role, **call, ExternalId="42")[1]


def test_how_long_a_session_may_be(wire: Wire, lake: Any) -> None:
    lake(allow("sts:AssumeRole"), MaxSessionDuration=7200)
    sts = wire.client("sts")
    call = {"RoleArn": ROLE, "RoleSessionName": "run"}
    code, said, _ = refused(sts.assume_role, **call, DurationSeconds=7201)
    assert code == "ValidationError" and "MaxSessionDuration" in said
    chained = client(wire, "sts", assume(sts, DurationSeconds=7200))
    assert "role chaining" in refused(chained.assume_role, **call, DurationSeconds=3601)[1]
    assert assume(chained)
    assert refused(sts.assume_role, RoleArn=ROLE, RoleSessionName="a b")[0] == "ValidationError"
    assert refused(sts.assume_role, **call, Policy="{")[0] == "MalformedPolicyDocument"
    assert refused(sts.assume_role, **call, Policy=document(allow("*", Sid="x" * 2048)))[0] == "PackedPolicyTooLarge"
    arn = [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/none"}]
    assert refused(sts.assume_role, **call, PolicyArns=arn)[0] == "MalformedPolicyDocument"


def test_sessions_end(wire: Wire, lake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lake(allow("glue:*"))
    keys = assume(wire.client("sts"), DurationSeconds=900)
    assert refused(client(wire, "sts", keys | {"SessionToken": "x"}).get_caller_identity)[0] == "InvalidClientTokenId"
    assert refused(client(wire, "sts", keys | {"SessionToken": None}).get_caller_identity)[0] == "InvalidClientTokenId"
    identity = context.current().identity
    found = identity.credential(keys["AccessKeyId"])
    assert found is not None and abs(found.expires_at - keys["Expiration"].timestamp()) < 1
    from dataclasses import replace

    real = identity.credential
    monkeypatch.setattr(identity, "credential", lambda key: (one := real(key)) and replace(one, expires_at=1.0))
    assert refused(client(wire, "sts", keys).get_caller_identity)[0::2] == ("ExpiredToken", 403)
    assert refused(client(wire, "glue", keys).get_databases)[0] == "ExpiredTokenException"


def test_an_object_store_that_is_down_is_said_to_be(wire: Wire, store: str, lake: Any) -> None:
    lake(allow("s3:*"))
    wire.workspace.write_endpoints({"control": wire.url, "s3": "http://127.0.0.1:9"})
    try:
        code, said, status = refused(client(wire, "sts", _root(wire)).assume_role, RoleArn=ROLE, RoleSessionName="run")
        assert status == 503 and "object store does not answer" in said, code
    finally:
        wire.workspace.write_endpoints({"control": wire.url, "s3": store})
    assert assume(wire.client("sts"))


def test_secrets_stay_out_of_answers_and_logs(wire: Wire, lake: Any, caplog: pytest.LogCaptureFixture) -> None:
    lake(allow("glue:*"))
    keys = assume(wire.client("sts"))
    assert keys["SecretAccessKey"] not in caplog.text and keys["SessionToken"] not in caplog.text
    credential = context.current().identity.credential(keys["AccessKeyId"])
    assert credential is not None and keys["SecretAccessKey"] not in repr(credential)
    assert keys["SessionToken"] not in json.dumps(repr(credential))


def test_whose_an_access_key_is(wire: Wire) -> None:
    key = secret(wire.workspace, "access_key")
    assert wire.client("sts").get_access_key_info(AccessKeyId=key)["Account"] == ACCOUNT
    assert refused(wire.client("sts").get_access_key_info, AccessKeyId="AKIAXXXXXXXXXXXXXXXX")[0] == "ValidationError"


def _root(wire: Wire) -> dict[str, Any]:
    return {
        "AccessKeyId": secret(wire.workspace, "access_key"),
        "SecretAccessKey": secret(wire.workspace, "secret_key"),
    }
