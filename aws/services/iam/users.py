"""IAM users (IAM API Reference)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lakelet.aws.context import Context, caller, current
from lakelet.aws.services.iam._answers import (
    PAGE,
    check_boundary,
    delete_empty,
    entity_answer,
    own_name,
    paged,
    read_tags,
)
from lakelet.identity import store
from lakelet.identity.mfa import store as mfa
from lakelet.workspace.state import reading, writing


def create_user(
    user_name: str,
    path: str = "/",
    permissions_boundary: str | None = None,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Add a user; EntityAlreadyExists, LimitExceeded, NoSuchEntity (boundary)."""
    context = current()
    with writing(context.engine) as connection:
        body: dict[str, Any] = {"tags": read_tags(tags or [])}
        if permissions_boundary is not None:
            body["boundary"] = check_boundary(context, connection, permissions_boundary)
        return {"User": entity_answer(store.create(connection, "user", user_name, path, body))}


def get_user(user_name: str | None = None) -> dict[str, Any]:
    """A user, or the one that signs; the root user when it signs. NoSuchEntity."""
    context = current()
    signer = caller()
    if user_name is None and signer.kind == "root":
        return {"User": _root(context)}
    with reading(context.engine) as connection:
        return {"User": entity_answer(store.get(connection, "user", user_name or own_name()))}


def list_users(path_prefix: str = "/", marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The users under a path, in order of name."""
    with reading(current().engine) as connection:
        users = [entity_answer(user, whole=False) for user in store.listed(connection, "user", path_prefix)]
    return paged("Users", users, marker, max_items, path_prefix)


def update_user(user_name: str, new_path: str | None = None, new_user_name: str | None = None) -> None:
    """Rename or move a user; its keys and policies stay. NoSuchEntity, EntityAlreadyExists."""
    with writing(current().engine) as connection:
        user = store.get(connection, "user", user_name)
        store.save(connection, replace(user, name=new_user_name or user.name, path=new_path or user.path))


def delete_user(user_name: str) -> None:
    """Delete a user that has nothing left; NoSuchEntity, DeleteConflict."""
    with writing(current().engine) as connection:
        user = store.get(connection, "user", user_name)
        leftovers = {
            "delete access keys": store.keys_of(connection, user.id),
            "detach all policies": store.attached(connection, user.id),
            "delete policies": store.inline_policies(connection, user.id),
            "deactivate MFA devices": [one for one in mfa.listed(connection) if one.user_id == user.id],
            "remove user from all groups": store.groups_of(connection, user.id),
        }
        delete_empty(connection, user, leftovers)


def put_user_permissions_boundary(user_name: str, permissions_boundary: str) -> None:
    """Bound what a user's policies can allow; NoSuchEntity."""
    context = current()
    with writing(context.engine) as connection:
        user = store.get(connection, "user", user_name)
        store.change(connection, user, boundary=check_boundary(context, connection, permissions_boundary))


def delete_user_permissions_boundary(user_name: str) -> None:
    """Take a user's boundary away; NoSuchEntity."""
    with writing(current().engine) as connection:
        store.change(connection, store.get(connection, "user", user_name), boundary=None)


def _root(context: Context) -> dict[str, Any]:
    signer = caller()
    made = context.workspace.state.stat().st_ctime
    return {"Path": "/", "UserName": "root", "UserId": signer.user_id, "Arn": signer.arn, "CreateDate": made}
