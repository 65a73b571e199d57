"""MFA through boto3: virtual devices, and what they prove."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pyotp
import pytest

from tests.wire.conftest import Wire
from tests.wire.test_iam import ACCOUNT, allow, ana, client, deny, document, iam, refused  # noqa: F401
from tests.wire.test_sts import lake, may, s3, store  # noqa: F401

pytestmark = pytest.mark.usefixtures("store")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lake"
WITH_MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}


class Phone:
    """A device as its user has it: it shows codes, by a clock that may be wrong."""

    def __init__(self, made: dict[str, Any], wrong: int = 0) -> None:
        self.serial = made["SerialNumber"]
        self._totp = pyotp.TOTP(made["Base32StringSeed"].decode())
        self._wrong = wrong

    def code(self, later: int = 0, now: float | None = None) -> str:
        """What it shows now, or so many codes later."""
        return self._totp.at(int(now or time.time()) + self._wrong + 30 * later)

    def codes(self) -> dict[str, str]:
        now = time.time()
        return {"AuthenticationCode1": self.code(-1, now), "AuthenticationCode2": self.code(0, now)}


@pytest.fixture
def phone(iam: Any, ana: Any) -> Iterator[Phone]:  # noqa: F811
    """A device that is enabled for ana; afterwards there are none."""
    made = Phone(iam.create_virtual_mfa_device(VirtualMFADeviceName="phone", Path="/a/")["VirtualMFADevice"])
    iam.enable_mfa_device(UserName="ana", SerialNumber=made.serial, **made.codes())
    yield made
    for one in iam.list_virtual_mfa_devices()["VirtualMFADevices"]:
        if "User" in one:
            iam.deactivate_mfa_device(UserName=one["User"]["UserName"], SerialNumber=one["SerialNumber"])
        iam.delete_virtual_mfa_device(SerialNumber=one["SerialNumber"])


def test_a_session_that_a_device_proves(wire: Wire, store: str, iam: Any, ana: Any, phone: Phone) -> None:  # noqa: F811
    once = {"Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "60"}}}
    rights = (
        allow("glue:GetDatabases", **WITH_MFA),
        allow("iam:ListUsers", **once),
        allow("s3:GetObject", "arn:aws:s3:::lake/open/*", **WITH_MFA),
    )
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document(*rights))
    sts = client(wire, "sts", ana)
    assert refused(client(wire, "glue", ana).get_databases)[0] == "AccessDeniedException"
    plain = sts.get_session_token()["Credentials"]
    assert refused(client(wire, "glue", plain).get_databases)[0] == "AccessDeniedException"
    proof = {"SerialNumber": phone.serial, "TokenCode": phone.code(1)}
    keys = sts.get_session_token(**proof)["Credentials"]
    assert client(wire, "glue", keys).get_databases() and client(wire, "iam", keys).list_users()
    assert may(s3(store, keys).get_object, Bucket="lake", Key="open/a")
    assert not may(s3(store, plain).get_object, Bucket="lake", Key="open/a")
    assert refused(sts.get_session_token, **proof)[0:2] == (
        "AccessDenied",
        "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
    )  # a code is good once


def test_a_role_that_wants_a_device(wire: Wire, iam: Any, ana: Any, phone: Phone, lake: Any) -> None:  # noqa: F811
    user = f"arn:aws:iam::{ACCOUNT}:user/team/ana"
    trust = {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole", **WITH_MFA}
    lake(allow("glue:GetDatabases"), allow("glue:GetJobs", **WITH_MFA), trust=document(trust))
    sts = client(wire, "sts", ana)
    call = {"RoleArn": ROLE, "RoleSessionName": "run"}
    assert refused(sts.assume_role, **call)[0] == "AccessDenied"
    assert refused(sts.assume_role, **call, SerialNumber=phone.serial)[0] == "ValidationError"
    for odd in ("000000", phone.code(-3)):
        assert refused(sts.assume_role, **call, SerialNumber=phone.serial, TokenCode=odd)[0] == "AccessDenied"
    other = {"SerialNumber": phone.serial + "x", "TokenCode": phone.code(1)}
    assert refused(sts.assume_role, **call, **other)[0] == "AccessDenied"
    proof = {"SerialNumber": phone.serial, "TokenCode": phone.code(1)}
    assert refused(wire.client("sts").assume_role, **call, **proof)[0] == "AccessDenied"  # the device is not root's
    keys = sts.assume_role(**call, **proof)["Credentials"]
    glue = client(wire, "glue", keys)
    assert glue.get_databases()
    assert refused(glue.get_jobs)[0] == "AccessDeniedException"  # as on AWS, the role's session knows no device


def test_devices(iam: Any, ana: Any) -> None:  # noqa: F811
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="d", Tags=[{"Key": "a", "Value": "1"}])[
        "VirtualMFADevice"
    ]
    serial = {"SerialNumber": made["SerialNumber"]}
    assert made["SerialNumber"] == f"arn:aws:iam::{ACCOUNT}:mfa/d" and made["QRCodePNG"].startswith(b"\x89PNG")
    assert len(made["Base32StringSeed"]) == 64
    assert refused(iam.create_virtual_mfa_device, VirtualMFADeviceName="d")[0::2] == ("EntityAlreadyExists", 409)
    try:
        phone = Phone(made, wrong=-900)
        own = {"UserName": "ana", **serial}
        odd = {"AuthenticationCode1": "123456", "AuthenticationCode2": "123456"}
        assert refused(iam.enable_mfa_device, **own, **odd)[0::2] == ("InvalidAuthenticationCode", 403)
        assert iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"] == []
        iam.enable_mfa_device(**own, **phone.codes())  # its clock is a quarter of an hour slow
        assert refused(iam.enable_mfa_device, **own, **phone.codes())[0] == "EntityAlreadyExists"
        assert refused(iam.delete_virtual_mfa_device, **serial)[0::2] == ("DeleteConflict", 409)
        assert refused(iam.delete_user, UserName="ana")[0] == "DeleteConflict"
        found = iam.list_mfa_devices(UserName="ana")["MFADevices"]
        assert [(one["UserName"], one["SerialNumber"]) for one in found] == [("ana", made["SerialNumber"])]
        assert iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"] == []
        [one] = iam.list_virtual_mfa_devices()["VirtualMFADevices"]
        assert one["User"]["UserName"] == iam.get_mfa_device(**serial)["UserName"] == "ana"
        assert "Base32StringSeed" not in one
        phone = Phone(made, wrong=1500)
        assert refused(iam.resync_mfa_device, **own, **odd)[0] == "InvalidAuthenticationCode"
        iam.resync_mfa_device(**own, **phone.codes())
        iam.tag_mfa_device(**serial, Tags=[{"Key": "b", "Value": "2"}])
        iam.untag_mfa_device(**serial, TagKeys=["A"])
        assert iam.list_mfa_device_tags(**serial)["Tags"] == [{"Key": "b", "Value": "2"}]
        assert iam.get_account_summary()["SummaryMap"]["MFADevicesInUse"] == 1
        assert iam.list_mfa_devices()["MFADevices"] == []  # root's
        iam.create_user(UserName="ben")
        for call in (iam.get_mfa_device, iam.deactivate_mfa_device):
            assert refused(call, UserName="ben", **serial)[0::2] == ("NoSuchEntity", 404)
        iam.deactivate_mfa_device(**own)
    finally:
        iam.delete_virtual_mfa_device(**serial)
    assert refused(iam.get_mfa_device, **serial)[0] == "NoSuchEntity"


def test_a_user_looks_after_its_own_device(wire: Wire, iam: Any, ana: Any, phone: Phone) -> None:  # noqa: F811
    own = allow(["iam:ListMFADevices", "iam:DeactivateMFADevice"], f"arn:aws:iam::{ACCOUNT}:user/team/ana")
    made = allow("iam:CreateVirtualMFADevice", f"arn:aws:iam::{ACCOUNT}:mfa/${{aws:username}}")
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document(own, made))
    by_ana = client(wire, "iam", ana)
    assert [one["SerialNumber"] for one in by_ana.list_mfa_devices()["MFADevices"]] == [phone.serial]
    assert by_ana.create_virtual_mfa_device(VirtualMFADeviceName="ana")
    assert refused(by_ana.create_virtual_mfa_device, VirtualMFADeviceName="ben")[0] == "AccessDenied"
    by_ana.deactivate_mfa_device(SerialNumber=phone.serial)
    assert by_ana.list_mfa_devices()["MFADevices"] == []
