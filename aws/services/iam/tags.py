"""Tags of users, roles and policies (IAM API Reference)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import Context, current
from lakelet.aws.services.iam._answers import PAGE, paged, read_tags, tags_answer
from lakelet.identity import managed, store
from lakelet.identity.errors import InvalidInput
from lakelet.identity.store import Entity
from lakelet.workspace.state import reading, writing


def tag_user(user_name: str, tags: list[dict[str, str]]) -> None:
    """Set tags of a user; NoSuchEntity, InvalidInput, LimitExceeded."""
    with writing(current().engine) as connection:
        _tag(connection, store.get(connection, "user", user_name), tags)


def untag_user(user_name: str, tag_keys: list[str]) -> None:
    """Take tags of a user away; NoSuchEntity."""
    with writing(current().engine) as connection:
        _untag(connection, store.get(connection, "user", user_name), tag_keys)


def list_user_tags(user_name: str, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The tags of a user; NoSuchEntity."""
    with reading(current().engine) as connection:
        found = store.get(connection, "user", user_name)
    return paged("Tags", tags_answer(found), marker, max_items, found.id)


def tag_role(role_name: str, tags: list[dict[str, str]]) -> None:
    """Set tags of a role; NoSuchEntity, InvalidInput, LimitExceeded."""
    with writing(current().engine) as connection:
        _tag(connection, store.get(connection, "role", role_name), tags)


def untag_role(role_name: str, tag_keys: list[str]) -> None:
    """Take tags of a role away; NoSuchEntity."""
    with writing(current().engine) as connection:
        _untag(connection, store.get(connection, "role", role_name), tag_keys)


def list_role_tags(role_name: str, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The tags of a role; NoSuchEntity."""
    with reading(current().engine) as connection:
        found = store.get(connection, "role", role_name)
    return paged("Tags", tags_answer(found), marker, max_items, found.id)


def tag_policy(policy_arn: str, tags: list[dict[str, str]]) -> None:
    """Set tags of a policy; NoSuchEntity, InvalidInput, LimitExceeded."""
    context = current()
    with writing(context.engine) as connection:
        _tag(connection, _policy(context, connection, policy_arn), tags)


def untag_policy(policy_arn: str, tag_keys: list[str]) -> None:
    """Take tags of a policy away; NoSuchEntity."""
    context = current()
    with writing(context.engine) as connection:
        _untag(connection, _policy(context, connection, policy_arn), tag_keys)


def list_policy_tags(policy_arn: str, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The tags of a policy; NoSuchEntity."""
    context = current()
    with reading(context.engine) as connection:
        found = _policy(context, connection, policy_arn)
    return paged("Tags", tags_answer(found), marker, max_items, found.id)


def _policy(context: Context, connection: sa.Connection, policy_arn: str) -> Entity:
    if policy_arn in managed.MANAGED:
        raise InvalidInput(f"Policy {policy_arn} belongs to AWS and has no tags.")
    return context.identity.policy(connection, policy_arn)


def _tag(connection: sa.Connection, entity: Entity, tags: list[dict[str, str]]) -> None:
    store.change(connection, entity, tags=read_tags(tags, entity.body.get("tags")))


def _untag(connection: sa.Connection, entity: Entity, keys: list[str]) -> None:
    gone = {key.lower() for key in keys}
    kept = {key: value for key, value in entity.body.get("tags", {}).items() if key.lower() not in gone}
    store.change(connection, entity, tags=kept)
