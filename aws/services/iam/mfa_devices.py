"""Virtual MFA devices of users, which prove GetSessionToken and AssumeRole (IAM API Reference)."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from lakelet.aws.context import caller, current
from lakelet.aws.services.iam._answers import PAGE, entity_answer, own_name, paged, read_tags
from lakelet.identity import store
from lakelet.identity.errors import DeleteConflict, EntityAlreadyExists, LimitExceeded, NoSuchEntity
from lakelet.identity.mfa import store as mfa
from lakelet.identity.mfa.store import Device
from lakelet.workspace.state import reading, writing

MAX_DEVICES = 8  # of a user


def create_virtual_mfa_device(
    virtual_mfa_device_name: str, path: str = "/", tags: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Add a device of nobody's; its seed, and a QR code of it, are shown once. EntityAlreadyExists."""
    context = current()
    serial = f"arn:aws:iam::{context.account_id}:mfa{path}{virtual_mfa_device_name}"
    if len(serial) > 256:
        raise LimitExceeded("A device's serial number, with path and name, has 256 characters at most.")
    found = read_tags(tags or [])
    with writing(context.engine) as connection:
        device = mfa.create(connection, serial, found)
    label = quote(f"Lakelet:{virtual_mfa_device_name}@{context.account_id}")
    address = f"otpauth://totp/{label}?secret={device.seed}&issuer=Lakelet"
    return {
        "VirtualMFADevice": {
            "SerialNumber": serial,
            "Base32StringSeed": device.seed.encode(),
            "QRCodePNG": _qr_code(address),
            "Tags": _tags(device),
        }
    }


def delete_virtual_mfa_device(serial_number: str) -> None:
    """Delete a device that is no user's; NoSuchEntity, DeleteConflict."""
    with writing(current().engine) as connection:
        if mfa.get(connection, serial_number).user_id is not None:
            raise DeleteConflict("MFA VirtualDevice is in use and cannot be deleted: deactivate it first.")
        mfa.delete(connection, serial_number)


def enable_mfa_device(user_name: str, serial_number: str, authentication_code1: str, authentication_code2: str) -> None:
    """Give a user a device, proven by two codes that it showed one after the other.

    Raises NoSuchEntity, EntityAlreadyExists, InvalidAuthenticationCode, LimitExceeded.
    """
    context = current()
    now = context.identity.clock()
    with writing(context.engine) as connection:
        user = store.get(connection, "user", user_name)
        device = mfa.get(connection, serial_number)
        if device.user_id is not None:
            raise EntityAlreadyExists("MFA Device is already in use.")
        if len(_of_user(connection, user.id)) >= MAX_DEVICES:
            raise LimitExceeded(f"Cannot exceed quota for MFADevicesPerUser: {MAX_DEVICES}.")
        known = mfa.synchronise(connection, device, (authentication_code1, authentication_code2), now)
        mfa.save(connection, replace(known, user_id=user.id, enabled_at=now))


def deactivate_mfa_device(serial_number: str, user_name: str | None = None) -> None:
    """Take a device from its user; NoSuchEntity."""
    with writing(current().engine) as connection:
        device = _own(connection, user_name, serial_number)
        mfa.save(connection, replace(device, user_id=None, enabled_at=None))


def resync_mfa_device(user_name: str, serial_number: str, authentication_code1: str, authentication_code2: str) -> None:
    """Learn again how wrong a device's clock is; NoSuchEntity, InvalidAuthenticationCode."""
    context = current()
    with writing(context.engine) as connection:
        device = _own(connection, user_name, serial_number)
        mfa.synchronise(connection, device, (authentication_code1, authentication_code2), context.identity.clock())


def get_mfa_device(serial_number: str, user_name: str | None = None) -> dict[str, Any]:
    """A device of a user; NoSuchEntity."""
    with reading(current().engine) as connection:
        device = mfa.get(connection, serial_number) if user_name is None else _own(connection, user_name, serial_number)
        user = store.by_id(connection, device.user_id) if device.user_id else None
    return {
        "UserName": user.name if user else None,
        "SerialNumber": device.serial,
        "EnableDate": device.enabled_at,
    }


def list_mfa_devices(user_name: str | None = None, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The devices of a user, or of the one that signs; root has none. NoSuchEntity."""
    if user_name is None and caller().kind == "root":
        return paged("MFADevices", [], marker, max_items)
    with reading(current().engine) as connection:
        user = store.get(connection, "user", user_name or own_name())
        found = [
            {"UserName": user.name, "SerialNumber": one.serial, "EnableDate": one.enabled_at}
            for one in _of_user(connection, user.id)
        ]
    return paged("MFADevices", found, marker, max_items, user.id)


def list_virtual_mfa_devices(
    assignment_status: str = "Any", marker: str | None = None, max_items: int = PAGE
) -> dict[str, Any]:
    """The devices of the account: all, those that are some user's (Assigned), or those that are not."""
    found = []
    with reading(current().engine) as connection:
        for device in mfa.listed(connection):
            user = store.by_id(connection, device.user_id) if device.user_id else None
            if assignment_status == "Any" or (user is not None) == (assignment_status == "Assigned"):
                shown = entity_answer(user, whole=False) if user else None
                one = {"SerialNumber": device.serial, "User": shown, "EnableDate": device.enabled_at}
                found.append({name: value for name, value in one.items() if value is not None})
    return paged("VirtualMFADevices", found, marker, max_items, assignment_status)


def tag_mfa_device(serial_number: str, tags: list[dict[str, str]]) -> None:
    """Set tags of a device; NoSuchEntity, InvalidInput, LimitExceeded."""
    _retagged(serial_number, lambda before: read_tags(tags, before))


def untag_mfa_device(serial_number: str, tag_keys: list[str]) -> None:
    """Take tags of a device away; NoSuchEntity."""
    gone = {key.lower() for key in tag_keys}
    _retagged(serial_number, lambda before: {k: value for k, value in before.items() if k.lower() not in gone})


def list_mfa_device_tags(serial_number: str, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The tags of a device; NoSuchEntity."""
    with reading(current().engine) as connection:
        device = mfa.get(connection, serial_number)
    return paged("Tags", _tags(device), marker, max_items, serial_number)


def _own(connection: sa.Connection, user_name: str | None, serial: str) -> Device:
    """A device of a user's; NoSuchEntity when it is another's, or nobody's."""
    user = store.get(connection, "user", user_name or own_name())
    device = mfa.get(connection, serial)
    if device.user_id != user.id:
        raise NoSuchEntity(f"MFA Device {serial} is not one of user {user.name}.")
    return device


def _of_user(connection: sa.Connection, user_id: str) -> list[Device]:
    return [device for device in mfa.listed(connection) if device.user_id == user_id]


def _retagged(serial: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    with writing(current().engine) as connection:
        device = mfa.get(connection, serial)
        mfa.save(connection, replace(device, tags=change(device.tags)))


def _tags(device: Device) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in device.tags.items()]


def _qr_code(text: str) -> bytes:
    import segno

    picture = io.BytesIO()
    segno.make(text).save(picture, kind="png", scale=4)
    return picture.getvalue()
