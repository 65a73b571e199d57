"""Inline policies: documents that belong to one user, group or role (IAM API Reference)."""

from __future__ import annotations

from typing import Any

from lakelet.aws.context import current
from lakelet.aws.services.iam._answers import INLINE_SIZES, PAGE, check_document, encoded, paged
from lakelet.identity import store
from lakelet.identity.errors import LimitExceeded, NoSuchEntity
from lakelet.identity.store import Kind
from lakelet.workspace.state import reading, writing


def put_user_policy(user_name: str, policy_name: str, policy_document: str) -> None:
    """Set a user's inline policy; NoSuchEntity, MalformedPolicyDocument, LimitExceeded."""
    _put("user", user_name, policy_name, policy_document)


def get_user_policy(user_name: str, policy_name: str) -> dict[str, Any]:
    """A user's inline policy; NoSuchEntity."""
    return _get("user", user_name, policy_name)


def list_user_policies(user_name: str, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The names of a user's inline policies; NoSuchEntity."""
    return _list("user", user_name, marker, max_items)


def delete_user_policy(user_name: str, policy_name: str) -> None:
    """Delete a user's inline policy; NoSuchEntity."""
    _delete("user", user_name, policy_name)


def put_group_policy(group_name: str, policy_name: str, policy_document: str) -> None:
    """Set a group's inline policy; NoSuchEntity, MalformedPolicyDocument, LimitExceeded."""
    _put("group", group_name, policy_name, policy_document)


def get_group_policy(group_name: str, policy_name: str) -> dict[str, Any]:
    """A group's inline policy; NoSuchEntity."""
    return _get("group", group_name, policy_name)


def list_group_policies(group_name: str, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The names of a group's inline policies; NoSuchEntity."""
    return _list("group", group_name, marker, max_items)


def delete_group_policy(group_name: str, policy_name: str) -> None:
    """Delete a group's inline policy; NoSuchEntity."""
    _delete("group", group_name, policy_name)


def put_role_policy(role_name: str, policy_name: str, policy_document: str) -> None:
    """Set a role's inline policy; NoSuchEntity, MalformedPolicyDocument, LimitExceeded."""
    _put("role", role_name, policy_name, policy_document)


def get_role_policy(role_name: str, policy_name: str) -> dict[str, Any]:
    """A role's inline policy; NoSuchEntity."""
    return _get("role", role_name, policy_name)


def list_role_policies(role_name: str, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The names of a role's inline policies; NoSuchEntity."""
    return _list("role", role_name, marker, max_items)


def delete_role_policy(role_name: str, policy_name: str) -> None:
    """Delete a role's inline policy; NoSuchEntity."""
    _delete("role", role_name, policy_name)


def _put(kind: Kind, name: str, policy_name: str, document: str) -> None:
    size = INLINE_SIZES[kind]
    check_document(document, size)
    with writing(current().engine) as connection:
        entity = store.get(connection, kind, name)
        others = {**store.inline_policies(connection, entity.id), policy_name: document}
        if sum(len("".join(text.split())) for text in others.values()) > size:
            raise LimitExceeded(f"Maximum policy size of {size} bytes exceeded for {kind} {entity.name}")
        store.put_inline(connection, entity.id, policy_name, document)


def _get(kind: Kind, name: str, policy_name: str) -> dict[str, Any]:
    with reading(current().engine) as connection:
        entity = store.get(connection, kind, name)
        document = store.inline_policies(connection, entity.id).get(policy_name)
    if document is None:
        raise NoSuchEntity(f"The {kind} policy with name {policy_name} cannot be found.")
    noun = f"{kind.capitalize()}Name"
    return {noun: entity.name, "PolicyName": policy_name, "PolicyDocument": encoded(document)}


def _list(kind: Kind, name: str, marker: str | None, max_items: int) -> dict[str, Any]:
    with reading(current().engine) as connection:
        entity = store.get(connection, kind, name)
        names = list(store.inline_policies(connection, entity.id))
    return paged("PolicyNames", names, marker, max_items, kind, entity.name)


def _delete(kind: Kind, name: str, policy_name: str) -> None:
    with writing(current().engine) as connection:
        entity = store.get(connection, kind, name)
        if not store.delete_inline(connection, entity.id, policy_name):
            raise NoSuchEntity(f"The {kind} policy with name {policy_name} cannot be found.")
