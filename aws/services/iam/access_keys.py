"""Users' access keys (IAM API Reference). A secret is shown once, by CreateAccessKey."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import current
from lakelet.aws.services.iam._answers import PAGE, own_name, paged
from lakelet.identity import store
from lakelet.identity.errors import NoSuchEntity
from lakelet.workspace.errors import ValidationException
from lakelet.workspace.state import reading, writing


def create_access_key(user_name: str | None = None) -> dict[str, Any]:
    """A new key of a user, or of the one that signs; NoSuchEntity, LimitExceeded (two keys)."""
    with writing(current().engine) as connection:
        user = store.get(connection, "user", user_name or own_name())
        key, secret = store.create_key(connection, user.id)
    return {
        "AccessKey": {
            "UserName": user.name,
            "AccessKeyId": key.id,
            "Status": key.status,
            "SecretAccessKey": secret,
            "CreateDate": key.created_at,
        }
    }


def list_access_keys(user_name: str | None = None, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """A user's keys, without secrets; NoSuchEntity."""
    with reading(current().engine) as connection:
        user = store.get(connection, "user", user_name or own_name())
        keys = [
            {"UserName": user.name, "AccessKeyId": key.id, "Status": key.status, "CreateDate": key.created_at}
            for key in store.keys_of(connection, user.id)
        ]
    return paged("AccessKeyMetadata", keys, marker, max_items, user.name)


def update_access_key(access_key_id: str, status: str, user_name: str | None = None) -> None:
    """Make a key Active or Inactive; an inactive one signs nothing. NoSuchEntity."""
    with writing(current().engine) as connection:
        store.set_key_status(connection, _own_key(connection, access_key_id, user_name), _status(status))


def delete_access_key(access_key_id: str, user_name: str | None = None) -> None:
    """Delete a key; NoSuchEntity."""
    with writing(current().engine) as connection:
        store.delete_key(connection, _own_key(connection, access_key_id, user_name))


def get_access_key_last_used(access_key_id: str) -> dict[str, Any]:
    """When, for which service and where a key signed last; NoSuchEntity."""
    with reading(current().engine) as connection:
        found = store.find_key(connection, access_key_id)
        user = store.by_id(connection, found[0].user_id) if found else None
    if found is None or user is None:
        raise NoSuchEntity(f"The Access Key with id {access_key_id} cannot be found.")
    key = found[0]
    used = {"LastUsedDate": key.last_used_at, "ServiceName": key.last_service, "Region": key.last_region}
    never = {"ServiceName": "N/A", "Region": "N/A"}
    return {"UserName": user.name, "AccessKeyLastUsed": used if key.last_used_at is not None else never}


def _own_key(connection: sa.Connection, access_key_id: str, user_name: str | None) -> str:
    user = store.get(connection, "user", user_name or own_name())
    if access_key_id not in [key.id for key in store.keys_of(connection, user.id)]:
        raise NoSuchEntity(f"The Access Key with id {access_key_id} cannot be found.")
    return access_key_id


def _status(status: str) -> str:
    if status == "Expired":
        raise ValidationException("A key cannot be made Expired: only Active or Inactive.")
    return status
