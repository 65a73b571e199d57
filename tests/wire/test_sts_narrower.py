"""STS through boto3: sessions that are narrowed further, root's tasks, and refusals that can be decoded."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lakelet.aws import context
from tests.wire.conftest import Wire
from tests.wire.test_iam import ACCOUNT, allow, ana, client, deny, document, iam, refused  # noqa: F401
from tests.wire.test_sts import assume, lake, may, s3, store  # noqa: F401

pytestmark = pytest.mark.usefixtures("store")
TASK = "arn:aws:iam::aws:policy/root-task/"
HEADER = "x-amzn-encoded-authorization-message"


def test_scoped_credentials_may_less_each_time(wire: Wire, store: str, lake: Any) -> None:  # noqa: F811
    lake(allow(["glue:*", "sts:*"]), allow("s3:GetObject", "arn:aws:s3:::lake/*"))
    keys = assume(wire.client("sts"))
    sts = client(wire, "sts", keys)
    first = document(allow(["glue:GetDatabases", "glue:GetJobs", "sts:*"]), allow("s3:*", "arn:aws:s3:::lake/o*"))
    made = sts.get_scoped_credentials(Policy=first, ScopedSessionDescription="an agent")
    assert made["SessionInfo"]["Arn"] == sts.get_caller_identity()["Arn"] and made["ScopedPoliciesCount"] == 1
    assert abs((made["Credentials"]["Expiration"] - keys["Expiration"]).total_seconds()) <= 2
    one = made["Credentials"]
    assert client(wire, "glue", one).get_databases()
    said = refused(client(wire, "glue", one).get_crawlers)[1]
    assert said.endswith("because no scope down policy allows the glue:GetCrawlers action")
    assert may(s3(store, one).get_object, Bucket="lake", Key="open/a")
    assert not may(s3(store, one).get_object, Bucket="lake", Key="shut/a")
    again = client(wire, "sts", one)
    two = again.get_scoped_credentials(Policy=document(allow(["glue:GetJobs", "glue:GetCrawlers", "sts:*"])))
    assert two["ScopedPoliciesCount"] == 2
    glue = client(wire, "glue", two["Credentials"])
    assert glue.get_jobs()
    assert refused(glue.get_databases)[0] == refused(glue.get_crawlers)[0] == "AccessDeniedException"
    assert not may(s3(store, two["Credentials"]).get_object, Bucket="lake", Key="open/a")
    three = client(wire, "sts", two["Credentials"]).get_scoped_credentials(Policy=document(allow("*")))["Credentials"]
    last = client(wire, "sts", three)
    assert refused(last.get_scoped_credentials, Policy=document(allow("*")))[0] == "AccessDenied"
    assert last.get_scoped_credentials(DurationSeconds=60)["ScopedPoliciesCount"] == 3


def test_scoped_credentials_end_with_their_session_at_the_latest(
    wire: Wire,
    store: str,  # noqa: F811
    ana: Any,  # noqa: F811
    iam: Any,  # noqa: F811
) -> None:
    rights = document(allow("s3:GetObject", "arn:aws:s3:::lake/*"), allow(["glue:*", "sts:*"]))
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=rights)
    assert refused(client(wire, "sts", ana).get_scoped_credentials, DurationSeconds=60)[0] == "AccessDenied"
    assert refused(wire.client("sts").get_scoped_credentials, DurationSeconds=60)[0] == "AccessDenied"
    session = client(wire, "sts", client(wire, "sts", ana).get_session_token(DurationSeconds=900)["Credentials"])
    assert refused(session.get_scoped_credentials)[0] == "ValidationError"
    assert refused(session.get_scoped_credentials, DurationSeconds=1000)[0::2] == ("InsufficientSessionLifetime", 400)
    assert refused(session.get_scoped_credentials, Policy="[]")[0] == "MalformedPolicyDocument"
    brief = session.get_scoped_credentials(DurationSeconds=3)["Credentials"]
    objects = s3(store, brief)
    assert may(objects.get_object, Bucket="lake", Key="open/a") and client(wire, "glue", brief).get_databases()
    deadline = time.monotonic() + 30
    while may(objects.get_object, Bucket="lake", Key="open/a"):  # MinIO itself would believe it for 15 minutes
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert refused(client(wire, "glue", brief).get_databases)[0] == "ExpiredTokenException"


def test_the_tasks_of_root(wire: Wire, store: str, iam: Any, ana: Any) -> None:  # noqa: F811
    task = {"TargetPrincipal": ACCOUNT, "TaskPolicyArn": {"arn": f"{TASK}S3UnlockBucketPolicy"}}
    sts = client(wire, "sts", ana)
    assert refused(sts.assume_root, **task)[0] == "AccessDenied"
    only = allow("sts:AssumeRoot", f"arn:aws:iam::{ACCOUNT}:root",
                 Condition={"StringLike": {"sts:TaskPolicyArn": f"{TASK}S3*"}})  # fmt: skip
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document(only))
    root = s3(store, _root(wire))
    shut = {
        "Effect": "Deny",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": ["arn:aws:s3:::lake/*"],
    }
    root.put_bucket_policy(Bucket="lake", Policy=document(shut))
    made = sts.assume_root(**task)
    keys = made["Credentials"]
    assert client(wire, "sts", keys).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    s3(store, keys).delete_bucket_policy(Bucket="lake")
    assert not may(s3(store, keys).get_object, Bucket="lake", Key="open/a")
    assert refused(client(wire, "glue", keys).get_databases)[0] == "AccessDeniedException"
    assert refused(client(wire, "iam", keys).list_users)[0] == "AccessDenied"
    audit = {**task, "TaskPolicyArn": {"arn": f"{TASK}IAMAuditRootUserCredentials"}}
    assert refused(sts.assume_root, **audit)[0] == "AccessDenied"
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document(allow("sts:AssumeRoot")))
    auditor = client(wire, "iam", sts.assume_root(**audit, DurationSeconds=0)["Credentials"])
    assert refused(auditor.list_users)[0] in ("AccessDenied", "ExpiredToken")
    auditor = client(wire, "iam", sts.assume_root(**audit)["Credentials"])
    assert auditor.get_account_summary()["SummaryMap"]["Users"] == 1
    assert refused(auditor.create_user, UserName="x")[0] == "AccessDenied"


def test_whose_root_cannot_be_assumed(wire: Wire, iam: Any, ana: Any) -> None:  # noqa: F811
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document(allow("sts:*")))
    sts = client(wire, "sts", ana)
    task = {"arn": f"{TASK}S3UnlockBucketPolicy"}
    code, said, _ = refused(sts.assume_root, TargetPrincipal="210987654321", TaskPolicyArn=task)
    assert code == "AccessDenied" and "210987654321" in said
    assert refused(wire.client("sts").assume_root, TargetPrincipal=ACCOUNT, TaskPolicyArn=task)[0] == "AccessDenied"
    other = {"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert refused(sts.assume_root, TargetPrincipal=ACCOUNT, TaskPolicyArn=other)[0] == "ValidationError"
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.attach_user_policy(UserName="ana", PolicyArn=task["arn"])


def test_a_refusal_can_be_decoded(wire: Wire, iam: Any, ana: Any) -> None:  # noqa: F811
    rights = document(allow("glue:Get*"), deny("glue:GetJobs", Sid="no"))
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=rights)
    glue, sts = client(wire, "glue", ana), wire.client("sts")
    told = decoded(sts, glue.get_jobs)
    assert told["explicitDeny"] is True and told["context"]["action"] == "glue:GetJobs"
    assert told["matchedStatements"]["items"][0]["statementId"] == "no"
    assert told["context"]["principal"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/ana"
    keys = {one["key"]: one["values"]["items"][0]["value"] for one in told["context"]["conditions"]["items"]}
    assert keys["aws:principaltag/team"] == "lake"
    told = decoded(sts, lambda: glue.delete_table(DatabaseName="d", Name="t"))
    assert told["explicitDeny"] is False and told["failures"]["items"] == [{"layer": "identity-based policy"}]
    assert told["context"]["resource"].endswith(":catalog")
    with pytest.raises(ClientError) as caught:
        client(wire, "iam", ana).list_users()
    message = caught.value.response["ResponseMetadata"]["HTTPHeaders"][HEADER]
    assert refused(client(wire, "sts", ana).decode_authorization_message, EncodedMessage=message)[0] == "AccessDenied"
    for odd in ("x", message[:-2], message.swapcase(), "é"):
        code, _, status = refused(sts.decode_authorization_message, EncodedMessage=odd)
        assert (code, status) == ("InvalidAuthorizationMessageException", 400)


def decoded(sts: Any, call: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call()
    message = caught.value.response["ResponseMetadata"]["HTTPHeaders"][HEADER]
    assert "glue" not in message
    return dict(json.loads(sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"]))


def test_tokens_are_as_long_as_they_are_wanted(wire: Wire, store: str, lake: Any) -> None:  # noqa: F811
    lake(allow("s3:GetObject", "arn:aws:s3:::lake/open/*"))
    sts = wire.client("sts")
    call = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/lake", "RoleSessionName": "run"}
    made = sts.assume_role(**call, MinimumSessionTokenSize=3000)
    assert made["SessionTokenSize"] == len(made["Credentials"]["SessionToken"]) >= 3000
    assert made["SessionTokenUtilization"] == -(-made["SessionTokenSize"] * 100 // 4096)
    assert may(s3(store, made["Credentials"]).get_object, Bucket="lake", Key="open/a")
    assert not may(s3(store, made["Credentials"]).get_object, Bucket="lake", Key="shut/a")
    code, said, _ = refused(sts.assume_role, **call, MinimumSessionTokenSize=4096)
    assert code == "ValidationError" and "MinimumSessionTokenSize" in said


def test_no_trade_in_token_is_good(wire: Wire) -> None:
    code, _, status = refused(wire.client("sts").get_delegated_access_token, TradeInToken="t")
    assert (code, status) == ("ExpiredTradeInTokenException", 400)


def _root(wire: Wire) -> dict[str, str]:
    own = context.current().identity.credential
    from lakelet.workspace.secrets import secret

    key = own(secret(wire.workspace, "access_key"))
    assert key is not None
    return {"AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret}
