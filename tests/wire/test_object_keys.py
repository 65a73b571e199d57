"""IAM users' access keys on S3, with a real MinIO: what their policies say, from the moment that they say it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from minio import MinioAdmin
from minio.credentials import StaticProvider
from minio.error import MinioAdminException

from lakelet.aws import context
from lakelet.identity.minio_users import MinioUsers
from lakelet.identity.object_keys import ObjectKeys
from lakelet.identity.service import Identity
from tests.conftest import eventually
from tests.wire.conftest import Wire
from tests.wire.test_iam import allow, ana, deny, document, iam, refused  # noqa: F401
from tests.wire.test_sts import may, s3, store  # noqa: F401

OPEN, SHUT = {"Bucket": "lake", "Key": "open/a"}, {"Bucket": "lake", "Key": "shut/a"}
READ_OPEN = document(allow("s3:GetObject", "arn:aws:s3:::lake/open/*"))
READ_ALL = document(allow("s3:GetObject", "arn:aws:s3:::lake/*"))


@pytest.fixture(scope="module")
def keys(wire: Wire, store: str) -> Iterator[ObjectKeys]:  # noqa: F811
    """The control process's own keeper of MinIO's users."""
    before = context.current()
    made = ObjectKeys(wire.workspace, before.engine, Identity(wire.workspace, before.engine))
    made.start()
    context.use(replace(before, object_keys=made))
    yield made
    made.stop()
    context.use(before)


def code(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def policy(iam: Any, text: str) -> None:  # noqa: F811
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=text)


@pytest.mark.parametrize("through", ["minio", "endpoint"])
def test_a_key_signs_s3_as_its_users_policies_say(
    wire: Wire,
    store: str,  # noqa: F811
    keys: ObjectKeys,
    iam: Any,  # noqa: F811
    ana: Any,  # noqa: F811
    through: str,
) -> None:
    objects = s3(store if through == "minio" else wire.url, ana)
    assert code(objects.get_object, **OPEN) == "AccessDenied"  # no policy, but a key
    policy(iam, READ_OPEN)
    assert may(objects.get_object, **OPEN) and not may(objects.get_object, **SHUT)
    assert not may(objects.list_objects_v2, Bucket="lake")
    policy(iam, READ_ALL)
    assert may(objects.get_object, **SHUT)
    policy(iam, document(allow("s3:*"), deny("s3:GetObject", "arn:aws:s3:::lake/shut/*")))
    assert may(objects.list_objects_v2, Bucket="lake") and not may(objects.get_object, **SHUT)
    iam.delete_user_policy(UserName="ana", PolicyName="p")
    assert not may(objects.get_object, **OPEN)


def test_groups_managed_policies_and_boundaries_count(
    store: str,  # noqa: F811
    keys: ObjectKeys,
    iam: Any,  # noqa: F811
    ana: Any,  # noqa: F811
) -> None:
    objects = s3(store, ana)
    made = iam.create_policy(PolicyName="read", PolicyDocument=READ_OPEN)["Policy"]["Arn"]
    iam.create_group(GroupName="team")
    iam.attach_group_policy(GroupName="team", PolicyArn=made)
    iam.add_user_to_group(GroupName="team", UserName="ana")
    assert may(objects.get_object, **OPEN) and not may(objects.get_object, **SHUT)
    iam.create_policy_version(PolicyArn=made, PolicyDocument=READ_ALL, SetAsDefault=True)
    assert may(objects.get_object, **SHUT)
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=document(allow("s3:*", "arn:aws:s3:::lake/shut/*")))
    iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=bound["Policy"]["Arn"])
    assert may(objects.get_object, **SHUT) and not may(objects.get_object, **OPEN)
    iam.delete_user_permissions_boundary(UserName="ana")
    iam.remove_user_from_group(GroupName="team", UserName="ana")
    assert not may(objects.get_object, **SHUT)


def test_conditions_on_the_user(store: str, keys: ObjectKeys, iam: Any, ana: Any) -> None:  # noqa: F811
    objects = s3(store, ana)
    policy(iam, document(allow("s3:GetObject", "arn:aws:s3:::lake/${aws:PrincipalTag/place}/*"),
                         allow("s3:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})))  # fmt: skip
    assert not may(objects.get_object, **OPEN)
    iam.tag_user(UserName="ana", Tags=[{"Key": "place", "Value": "open"}])
    assert may(objects.get_object, **OPEN) and not may(objects.get_object, **SHUT)


def test_a_key_that_is_inactive_or_gone_stops_at_once(
    store: str,  # noqa: F811
    keys: ObjectKeys,
    iam: Any,  # noqa: F811
    ana: Any,  # noqa: F811
) -> None:
    policy(iam, READ_OPEN)
    second = iam.create_access_key(UserName="ana")["AccessKey"]
    objects, others = s3(store, ana), s3(store, second)
    key = {"UserName": "ana", "AccessKeyId": ana["AccessKeyId"]}
    iam.update_access_key(**key, Status="Inactive")
    assert code(objects.get_object, **OPEN) == "InvalidAccessKeyId" and may(others.get_object, **OPEN)
    iam.update_access_key(**key, Status="Active")
    assert may(objects.get_object, **OPEN)
    iam.delete_access_key(**key)
    assert code(objects.get_object, **OPEN) == "InvalidAccessKeyId" and may(others.get_object, **OPEN)


def test_what_minio_cannot_enforce_is_refused_by_name(
    wire: Wire,
    store: str,  # noqa: F811
    keys: ObjectKeys,
    iam: Any,  # noqa: F811
    ana: Any,  # noqa: F811
) -> None:
    policy(iam, READ_OPEN)
    objects = s3(wire.url, ana)
    assert may(objects.get_object, **OPEN)
    policy(iam, document(allow("s3:*"), deny("s3:*", Condition={"StringNotEquals": {"s3:TlsVersion": "1.2"}})))
    said, sentence, status = refused(objects.get_object, **OPEN)
    assert (said, status) == ("NotImplemented", 501) and "s3:TlsVersion" in sentence
    url = objects.generate_presigned_url("get_object", Params=OPEN)
    import httpx

    assert httpx.get(url).status_code == 501
    assert refused(objects.head_object, **OPEN)[2] == 501
    assert code(s3(store, ana).get_object, **OPEN) == "InvalidAccessKeyId"  # MinIO itself does not know why
    policy(iam, READ_OPEN)
    assert may(objects.get_object, **OPEN)


def test_a_policy_longer_than_a_sessions(store: str, keys: ObjectKeys, iam: Any, ana: Any) -> None:  # noqa: F811
    for name in range(3):
        statements = [allow("s3:GetObject", f"arn:aws:s3:::lake/{'x' * 60}{name}{n}/*") for n in range(12)]
        body = document(*statements, allow("s3:GetObject", "arn:aws:s3:::lake/open/*"))
        arn = iam.create_policy(PolicyName=f"long{name}", PolicyDocument=body)["Policy"]["Arn"]
        iam.attach_user_policy(UserName="ana", PolicyArn=arn)
    assert may(s3(store, ana).get_object, **OPEN) and not may(s3(store, ana).get_object, **SHUT)


def test_a_key_makes_no_keys_at_minio(store: str, keys: ObjectKeys, iam: Any, ana: Any) -> None:  # noqa: F811
    policy(iam, document(allow("*")))
    own = MinioAdmin(
        endpoint=store.removeprefix("http://"),
        credentials=StaticProvider(ana["AccessKeyId"], ana["SecretAccessKey"]),
        secure=False,
    )
    assert may(s3(store, ana).get_object, **SHUT)
    for call in (own.user_list, own.add_service_account, lambda: own.user_add("eve", "eve-eve-eve")):
        with pytest.raises(MinioAdminException):
            call()


def test_what_changed_while_minio_was_down_holds_when_it_is_back(
    wire: Wire,
    store: str,  # noqa: F811
    keys: ObjectKeys,
    iam: Any,  # noqa: F811
    ana: Any,  # noqa: F811
) -> None:
    policy(iam, READ_OPEN)
    objects = s3(store, ana)
    assert may(objects.get_object, **OPEN)
    wire.workspace.write_endpoints({"control": wire.url, "s3": "http://127.0.0.1:9"})
    try:
        policy(iam, READ_ALL)
        iam.create_user(UserName="ben")
        ben = iam.create_access_key(UserName="ben")["AccessKey"]
    finally:
        wire.workspace.write_endpoints({"control": wire.url, "s3": store})
    eventually(lambda: objects.get_object(**SHUT))
    eventually(lambda: code(s3(store, ben).get_object, **OPEN) == "AccessDenied")


def test_a_new_control_process_finds_what_is_there(
    wire: Wire,
    store: str,  # noqa: F811
    keys: ObjectKeys,
    iam: Any,  # noqa: F811
    ana: Any,  # noqa: F811
) -> None:
    policy(iam, READ_OPEN)
    admin = MinioUsers(wire.workspace)._admin
    admin.user_add("AKIAAAAAAAAAAAAAAAAA", "left-behind")
    admin.user_add("somebody", "made-by-hand")
    engine = context.current().engine
    ObjectKeys(wire.workspace, engine, Identity(wire.workspace, engine)).changed()
    assert may(s3(store, ana).get_object, **OPEN)
    gone = s3(store, {"AccessKeyId": "AKIAAAAAAAAAAAAAAAAA", "SecretAccessKey": "left-behind"})
    assert code(gone.get_object, **OPEN) == "InvalidAccessKeyId"
    kept = s3(store, {"AccessKeyId": "somebody", "SecretAccessKey": "made-by-hand"})
    assert code(kept.get_object, **OPEN) == "AccessDenied"
    admin.user_remove("somebody")


def test_renaming_a_user(store: str, keys: ObjectKeys, iam: Any, ana: Any) -> None:  # noqa: F811
    policy(iam, document(allow("s3:GetObject", "arn:aws:s3:::lake/${aws:username}/*")))
    objects = s3(store, ana)
    assert not may(objects.get_object, **OPEN)
    iam.update_user(UserName="ana", NewUserName="open")
    assert may(objects.get_object, **OPEN)
    iam.update_user(UserName="open", NewUserName="ana")
    assert not may(objects.get_object, **OPEN)


def test_secrets_stay_out_of_what_is_printed(keys: ObjectKeys, ana: Any) -> None:  # noqa: F811
    assert ana["AccessKeyId"] in repr(vars(keys)) and ana["SecretAccessKey"] not in repr(vars(keys))
