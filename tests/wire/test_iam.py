"""IAM through boto3: its entities, and the policies that its principals are held to on every service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lakelet.workspace.secrets import secret
from tests.wire.conftest import Wire

ACCOUNT = "123456789012"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    return allow(actions, resources, **more) | {"Effect": "Deny"}


TRUST = document({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})


def client(wire: Wire, service: str, key: dict[str, Any]) -> Any:
    """A client that signs with an access key, as CreateAccessKey or STS gave it."""
    return boto3.client(
        service,
        endpoint_url=wire.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
        config=Config(retries={"max_attempts": 1}, proxies={}),
    )


def refused(call: Any, **arguments: Any) -> tuple[str, str, int]:
    """The code, sentence and status with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error, meta = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    return error["Code"], error["Message"], meta["HTTPStatusCode"]


@pytest.fixture
def iam(wire: Wire) -> Iterator[Any]:
    """An IAM client of root's; afterwards nothing is left of what the test made."""
    keys = {name: secret(wire.workspace, name) for name in ("access_key", "secret_key")}
    made = client(wire, "iam", {"AccessKeyId": keys["access_key"], "SecretAccessKey": keys["secret_key"]})
    yield made
    for group in made.list_groups()["Groups"]:
        for user in made.get_group(GroupName=group["GroupName"])["Users"]:
            made.remove_user_from_group(GroupName=group["GroupName"], UserName=user["UserName"])
    for noun in ("user", "role", "group"):
        for one in getattr(made, f"list_{noun}s")()[f"{noun.capitalize()}s"]:
            _empty(made, noun, one[f"{noun.capitalize()}Name"])
    for policy in made.list_policies(Scope="Local")["Policies"]:
        for version in made.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]:
            if not version["IsDefaultVersion"]:
                made.delete_policy_version(PolicyArn=policy["Arn"], VersionId=version["VersionId"])
        made.delete_policy(PolicyArn=policy["Arn"])


def _empty(iam: Any, noun: str, name: str) -> None:
    named = {f"{noun.capitalize()}Name": name}
    for attached in getattr(iam, f"list_attached_{noun}_policies")(**named)["AttachedPolicies"]:
        getattr(iam, f"detach_{noun}_policy")(**named, PolicyArn=attached["PolicyArn"])
    for policy in getattr(iam, f"list_{noun}_policies")(**named)["PolicyNames"]:
        getattr(iam, f"delete_{noun}_policy")(**named, PolicyName=policy)
    for key in iam.list_access_keys(**named)["AccessKeyMetadata"] if noun == "user" else ():
        iam.delete_access_key(**named, AccessKeyId=key["AccessKeyId"])
    getattr(iam, f"delete_{noun}")(**named)


@pytest.fixture
def ana(iam: Any) -> dict[str, Any]:
    """A user's access key."""
    iam.create_user(UserName="ana", Path="/team/", Tags=[{"Key": "Team", "Value": "lake"}])
    return dict(iam.create_access_key(UserName="ana")["AccessKey"])


def test_users(iam: Any) -> None:
    made = iam.create_user(UserName="Ana", Path="/team/", Tags=[{"Key": "a", "Value": "1"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/Ana" and made["UserId"].startswith("AIDA")
    assert refused(iam.create_user, UserName="aNA")[0::2] == ("EntityAlreadyExists", 409)
    assert refused(iam.get_user, UserName="bob")[0::2] == ("NoSuchEntity", 404)
    iam.update_user(UserName="Ana", NewUserName="anna", NewPath="/")
    found = iam.get_user(UserName="anna")["User"]
    assert (found["UserId"], found["Path"], found["Tags"]) == (made["UserId"], "/", [{"Key": "a", "Value": "1"}])
    iam.tag_user(UserName="anna", Tags=[{"Key": "A", "Value": "2"}, {"Key": "b", "Value": "3"}])
    iam.untag_user(UserName="anna", TagKeys=["B"])
    assert iam.list_user_tags(UserName="anna")["Tags"] == [{"Key": "A", "Value": "2"}]
    assert iam.get_user()["User"]["Arn"].endswith(":root")


def test_pages(iam: Any) -> None:
    for number in range(5):
        iam.create_user(UserName=f"u{number}", Path="/p/" if number % 2 else "/")
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2}))
    assert [user["UserName"] for page in pages for user in page["Users"]] == [f"u{number}" for number in range(5)]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]
    assert len(iam.list_users(PathPrefix="/p/")["Users"]) == 2
    assert refused(iam.list_users, PathPrefix="/p/", Marker=pages[0]["Marker"])[0] == "ValidationError"


def test_access_keys(wire: Wire, iam: Any, ana: dict[str, Any]) -> None:
    sts = client(wire, "sts", ana)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/ana"
    used = iam.get_access_key_last_used(AccessKeyId=ana["AccessKeyId"])
    assert (used["UserName"], used["AccessKeyLastUsed"]["ServiceName"]) == ("ana", "sts")
    listed = iam.list_access_keys(UserName="ana")["AccessKeyMetadata"]
    assert [(key["AccessKeyId"], key["Status"]) for key in listed] == [(ana["AccessKeyId"], "Active")]
    assert (
        "SecretAccessKey" not in listed[0] and ana["AccessKeyId"].startswith("AKIA") and len(ana["AccessKeyId"]) == 20
    )
    iam.update_access_key(UserName="ana", AccessKeyId=ana["AccessKeyId"], Status="Inactive")
    assert refused(sts.get_caller_identity)[0] == "InvalidClientTokenId"
    iam.update_access_key(UserName="ana", AccessKeyId=ana["AccessKeyId"], Status="Active")
    assert sts.get_caller_identity()
    iam.create_access_key(UserName="ana")
    assert refused(iam.create_access_key, UserName="ana")[0::2] == ("LimitExceeded", 409)
    assert refused(iam.delete_user, UserName="ana")[0::2] == ("DeleteConflict", 409)
    iam.delete_access_key(UserName="ana", AccessKeyId=ana["AccessKeyId"])
    assert refused(sts.get_caller_identity)[0] == "InvalidClientTokenId"


def test_a_key_with_a_wrong_secret_or_a_token_is_no_key(wire: Wire, ana: dict[str, Any]) -> None:
    wrong = client(wire, "sts", ana | {"SecretAccessKey": "x" * 40})
    assert refused(wrong.get_caller_identity)[0] == "SignatureDoesNotMatch"
    token = client(wire, "sts", ana | {"SessionToken": "t"})
    assert refused(token.get_caller_identity)[0] == "InvalidClientTokenId"


def test_roles(iam: Any) -> None:
    made = iam.create_role(RoleName="etl", Path="/jobs/", AssumeRolePolicyDocument=TRUST, Description="d")["Role"]
    assert made["RoleId"].startswith("AROA") and made["AssumeRolePolicyDocument"] == json.loads(TRUST)
    service = document({"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"})
    iam.update_assume_role_policy(RoleName="etl", PolicyDocument=service)
    iam.update_role(RoleName="etl", MaxSessionDuration=7200)
    found = iam.get_role(RoleName="etl")["Role"]
    assert found["AssumeRolePolicyDocument"] == json.loads(service)
    assert (found["MaxSessionDuration"], found["Description"]) == (7200, "d")
    iam.put_role_policy(RoleName="etl", PolicyName="p", PolicyDocument=document(allow("glue:*")))
    assert refused(iam.delete_role, RoleName="etl")[0] == "DeleteConflict"
    nobody = document(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/x"}, "Action": "sts:AssumeRole"}
    )
    code, said, _ = refused(iam.create_role, RoleName="r", AssumeRolePolicyDocument=nobody)
    assert code == "MalformedPolicyDocument" and "Invalid principal" in said


def test_managed_policies_and_their_versions(iam: Any) -> None:
    policy = iam.create_policy(PolicyName="read", Path="/a/", PolicyDocument=document(allow("glue:Get*")))["Policy"]
    arn = policy["Arn"]
    assert (arn, policy["DefaultVersionId"]) == (f"arn:aws:iam::{ACCOUNT}:policy/a/read", "v1")
    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*")), SetAsDefault=True)
    assert second["PolicyVersion"]["VersionId"] == "v2"
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]["Statement"]
    for _ in range(3):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*")))
    assert refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=TRUST)[0] == "MalformedPolicyDocument"
    sixth = {"PolicyArn": arn, "PolicyDocument": document(allow("*"))}
    assert refused(iam.create_policy_version, **sixth)[0] == "LimitExceeded"
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v2")[0] == "DeleteConflict"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    listed = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [one["VersionId"] for one in listed if one["IsDefaultVersion"]] == ["v1"] and len(listed) == 4
    iam.create_user(UserName="u")
    iam.attach_user_policy(UserName="u", PolicyArn=arn)
    assert [one["UserName"] for one in iam.list_entities_for_policy(PolicyArn=arn)["PolicyUsers"]] == ["u"]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert refused(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    assert [one["PolicyName"] for one in iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"]] == ["read"]
    assert iam.list_attached_user_policies(UserName="u")["AttachedPolicies"] == [
        {"PolicyName": "read", "PolicyArn": arn}
    ]


def test_policies_of_awss_own_are_read_only(iam: Any) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Path"] == "/service-role/"
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]["Statement"]
    assert refused(iam.delete_policy, PolicyArn=arn)[0] == "InvalidInput"
    assert refused(iam.get_policy, PolicyArn="arn:aws:iam::aws:policy/Unknown")[0] == "NoSuchEntity"


def test_documents_that_are_no_policy_are_refused(iam: Any) -> None:
    deep = '{"Statement":' + "[" * 20_000 + "]" * 20_000 + "}"
    principal = document(allow("*", Principal="*"))
    for text in ("{", "[]", deep, principal, TRUST):
        assert refused(iam.create_policy, PolicyName="p", PolicyDocument=text)[0::2] == ("MalformedPolicyDocument", 400)


def test_a_policy_may_only_be_so_large(iam: Any) -> None:
    wide = document(allow([f"glue:Get{number:06}" for number in range(600)]))
    assert refused(iam.create_policy, PolicyName="p", PolicyDocument=wide)[0::2] == ("LimitExceeded", 409)
    mib = document(allow("*", Sid="a" * 2**20))
    assert refused(iam.create_policy, PolicyName="p", PolicyDocument=mib)[0] == "ValidationError"
    iam.create_user(UserName="u")
    half = {"UserName": "u", "PolicyDocument": document(allow("glue:*", Sid="x" * 1500))}
    iam.put_user_policy(PolicyName="a", **half)
    iam.put_user_policy(PolicyName="a", **half)  # the same again is no second one
    assert refused(iam.put_user_policy, PolicyName="b", **half)[0] == "LimitExceeded"


def test_a_user_may_do_what_its_policies_allow(wire: Wire, iam: Any, ana: dict[str, Any], database: str) -> None:
    glue = client(wire, "glue", ana)
    code, said, status = refused(glue.get_database, Name=database)
    who, catalog = f"arn:aws:iam::{ACCOUNT}:user/team/ana", f"arn:aws:glue:us-east-1:{ACCOUNT}:catalog"
    assert (code, status // 100) == ("AccessDeniedException", 4)
    assert said == (
        f"User: {who} is not authorized to perform: glue:GetDatabase on resource: {catalog} because no "
        "identity-based policy allows the glue:GetDatabase action"
    )
    prefix = f"arn:aws:glue:*:{ACCOUNT}:"
    own = [f"{prefix}catalog", f"{prefix}database/{database}", f"{prefix}table/{database}/*"]
    hidden = f"{prefix}table/{database}/hidden"
    policy = document(allow(["glue:Get*", "glue:CreateTable"], own), deny("glue:*", hidden))
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=policy)
    assert glue.get_database(Name=database)
    glue.create_table(DatabaseName=database, TableInput={"Name": "t"})
    assert glue.get_table(DatabaseName=database, Name="t")
    assert refused(glue.delete_table, DatabaseName=database, Name="t")[0] == "AccessDeniedException"
    assert refused(glue.get_databases)[1].count("database/*") == 1
    for name in ("hidden", "HIDDEN"):
        code, said, _ = refused(glue.create_table, DatabaseName=database, TableInput={"Name": name})
        assert code == "AccessDeniedException" and said.endswith("with an explicit deny in an identity-based policy")
    iam.delete_user_policy(UserName="ana", PolicyName="p")
    assert refused(glue.get_database, Name=database)[0] == "AccessDeniedException"


def test_groups_give_their_policies_to_their_users(wire: Wire, iam: Any, ana: dict[str, Any]) -> None:
    iam.create_group(GroupName="readers")
    policy = iam.create_policy(PolicyName="p", PolicyDocument=document(allow("glue:GetDatabases")))["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="readers", PolicyArn=policy)
    glue = client(wire, "glue", ana)
    assert refused(glue.get_databases)[0] == "AccessDeniedException"
    iam.add_user_to_group(GroupName="readers", UserName="ana")
    assert [group["GroupName"] for group in iam.list_groups_for_user(UserName="ana")["Groups"]] == ["readers"]
    assert glue.get_databases()
    assert refused(iam.delete_group, GroupName="readers")[0] == "DeleteConflict"
    iam.remove_user_from_group(GroupName="readers", UserName="ana")
    assert refused(glue.get_databases)[0] == "AccessDeniedException"


def test_a_boundary_bounds_what_policies_allow(wire: Wire, iam: Any, ana: dict[str, Any]) -> None:
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=document(allow("glue:GetTables")))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ana", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    glue = client(wire, "glue", ana)
    assert glue.get_databases()
    iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=bound)
    code, said, _ = refused(glue.get_databases)
    assert code == "AccessDeniedException"
    assert said.endswith("because no permissions boundary allows the glue:GetDatabases action")
    assert refused(iam.delete_policy, PolicyArn=bound)[0] == "DeleteConflict"
    iam.delete_user_permissions_boundary(UserName="ana")
    assert glue.get_databases()


def test_users_manage_themselves_by_a_variable(wire: Wire, iam: Any, ana: dict[str, Any]) -> None:
    iam.create_user(UserName="bob", Path="/team/")
    own = f"arn:aws:iam::{ACCOUNT}:user/team/${{aws:username}}"
    policy = document(allow(["iam:GetUser", "iam:ListAccessKeys"], own))
    iam.put_user_policy(UserName="ana", PolicyName="self", PolicyDocument=policy)
    mine = client(wire, "iam", ana)
    assert mine.get_user()["User"]["UserName"] == mine.get_user(UserName="ana")["User"]["UserName"] == "ana"
    assert len(mine.list_access_keys()["AccessKeyMetadata"]) == 1
    assert mine.get_user(UserName="ANA")["User"]["UserName"] == "ana"
    code, said, status = refused(mine.get_user, UserName="bob")
    assert (code, status) == ("AccessDenied", 403) and "iam:GetUser on resource: " in said
    assert refused(mine.create_user, UserName="eve")[0] == "AccessDenied"


def test_tags_and_conditions(wire: Wire, iam: Any, ana: dict[str, Any]) -> None:
    glue = client(wire, "glue", ana)
    for team, allowed in (("lake", True), ("sea", False)):
        condition = {"StringEquals": {"aws:PrincipalTag/team": team}, "IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
        policy = document(allow("glue:GetDatabases", Condition=condition))
        iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=policy)
        if allowed:
            assert glue.get_databases()
        else:
            assert refused(glue.get_databases)[0] == "AccessDeniedException"


def test_simulation(iam: Any, ana: dict[str, Any]) -> None:
    policy = document(allow("glue:*"), deny("glue:Delete*"))
    found = iam.simulate_custom_policy(
        PolicyInputList=[policy], ActionNames=["glue:GetTable", "glue:DeleteTable", "s3:GetObject"]
    )["EvaluationResults"]
    assert [one["EvalDecision"] for one in found] == ["allowed", "explicitDeny", "implicitDeny"]
    assert found[0]["MatchedStatements"][0]["SourcePolicyId"] == "PolicyInputList.1"
    condition = {"StringEquals": {"aws:username": "ana", "aws:RequestTag/x": "y"}}
    iam.put_user_policy(
        UserName="ana", PolicyName="p", PolicyDocument=document(allow("glue:GetTable", Condition=condition))
    )
    source = {"PolicySourceArn": f"arn:aws:iam::{ACCOUNT}:user/team/ana", "ActionNames": ["glue:GetTable"]}
    (denied,) = iam.simulate_principal_policy(**source)["EvaluationResults"]
    assert (denied["EvalDecision"], denied["MissingContextValues"]) == ("implicitDeny", ["aws:RequestTag/x"])
    entries = [{"ContextKeyName": "aws:RequestTag/x", "ContextKeyValues": ["y"], "ContextKeyType": "string"}]
    (allowed,) = iam.simulate_principal_policy(**source, ContextEntries=entries)["EvaluationResults"]
    assert allowed["EvalDecision"] == "allowed"
    assert refused(iam.simulate_custom_policy, PolicyInputList=["{"], ActionNames=["a:b"])[0] == "InvalidInput"


def test_the_account(iam: Any, ana: dict[str, Any]) -> None:
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["AccessKeysPerUserQuota"]) == (1, 2)
