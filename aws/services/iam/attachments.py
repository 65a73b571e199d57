"""Managed policies attached to users, groups and roles (IAM API Reference)."""

from __future__ import annotations

from typing import Any

from lakelet.aws.context import current
from lakelet.aws.services.iam._answers import PAGE, paged
from lakelet.identity import store
from lakelet.identity.errors import NoSuchEntity
from lakelet.identity.store import Kind
from lakelet.workspace.state import reading, writing


def attach_user_policy(user_name: str, policy_arn: str) -> None:
    """Attach a managed policy to a user; NoSuchEntity, LimitExceeded."""
    _attach("user", user_name, policy_arn)


def detach_user_policy(user_name: str, policy_arn: str) -> None:
    """Detach a managed policy from a user; NoSuchEntity."""
    _detach("user", user_name, policy_arn)


def list_attached_user_policies(
    user_name: str, path_prefix: str = "/", marker: str | None = None, max_items: int = PAGE
) -> dict[str, Any]:
    """The managed policies attached to a user; NoSuchEntity."""
    return _list("user", user_name, path_prefix, marker, max_items)


def attach_group_policy(group_name: str, policy_arn: str) -> None:
    """Attach a managed policy to a group; NoSuchEntity, LimitExceeded."""
    _attach("group", group_name, policy_arn)


def detach_group_policy(group_name: str, policy_arn: str) -> None:
    """Detach a managed policy from a group; NoSuchEntity."""
    _detach("group", group_name, policy_arn)


def list_attached_group_policies(
    group_name: str, path_prefix: str = "/", marker: str | None = None, max_items: int = PAGE
) -> dict[str, Any]:
    """The managed policies attached to a group; NoSuchEntity."""
    return _list("group", group_name, path_prefix, marker, max_items)


def attach_role_policy(role_name: str, policy_arn: str) -> None:
    """Attach a managed policy to a role; NoSuchEntity, LimitExceeded."""
    _attach("role", role_name, policy_arn)


def detach_role_policy(role_name: str, policy_arn: str) -> None:
    """Detach a managed policy from a role; NoSuchEntity."""
    _detach("role", role_name, policy_arn)


def list_attached_role_policies(
    role_name: str, path_prefix: str = "/", marker: str | None = None, max_items: int = PAGE
) -> dict[str, Any]:
    """The managed policies attached to a role; NoSuchEntity."""
    return _list("role", role_name, path_prefix, marker, max_items)


def _attach(kind: Kind, name: str, policy_arn: str) -> None:
    context = current()
    with writing(context.engine) as connection:
        entity = store.get(connection, kind, name)
        context.identity.document(connection, policy_arn)
        store.attach(connection, entity, policy_arn)


def _detach(kind: Kind, name: str, policy_arn: str) -> None:
    with writing(current().engine) as connection:
        entity = store.get(connection, kind, name)
        if not store.detach(connection, entity.id, policy_arn):
            raise NoSuchEntity(f"Policy {policy_arn} was not found.")


def _list(kind: Kind, name: str, path_prefix: str, marker: str | None, max_items: int) -> dict[str, Any]:
    with reading(current().engine) as connection:
        entity = store.get(connection, kind, name)
        arns = store.attached(connection, entity.id)
    found = [
        {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn}
        for arn in arns
        if f"{arn.partition(':policy')[2].rpartition('/')[0]}/".startswith(path_prefix)
    ]
    return paged("AttachedPolicies", found, marker, max_items, kind, entity.name, path_prefix)
