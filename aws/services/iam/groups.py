"""IAM groups: users who share policies (IAM API Reference)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lakelet.aws.context import current
from lakelet.aws.services.iam._answers import PAGE, delete_empty, entity_answer, paged
from lakelet.identity import store
from lakelet.identity.errors import LimitExceeded, NoSuchEntity
from lakelet.workspace.state import reading, writing

MAX_GROUPS = 10


def create_group(group_name: str, path: str = "/") -> dict[str, Any]:
    """Add a group; EntityAlreadyExists, LimitExceeded."""
    with writing(current().engine) as connection:
        return {"Group": entity_answer(store.create(connection, "group", group_name, path, {}))}


def get_group(group_name: str, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """A group and its users; NoSuchEntity."""
    with reading(current().engine) as connection:
        group = store.get(connection, "group", group_name)
        users = [entity_answer(user, whole=False) for user in store.members_of(connection, group.id)]
    return {"Group": entity_answer(group), **paged("Users", users, marker, max_items, group.name)}


def list_groups(path_prefix: str = "/", marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The groups under a path, in order of name."""
    with reading(current().engine) as connection:
        groups = [entity_answer(group) for group in store.listed(connection, "group", path_prefix)]
    return paged("Groups", groups, marker, max_items, path_prefix)


def list_groups_for_user(user_name: str, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The groups that a user is in; NoSuchEntity."""
    with reading(current().engine) as connection:
        user = store.get(connection, "user", user_name)
        groups = [entity_answer(group) for group in store.groups_of(connection, user.id)]
    return paged("Groups", groups, marker, max_items, user.name)


def update_group(group_name: str, new_path: str | None = None, new_group_name: str | None = None) -> None:
    """Rename or move a group; NoSuchEntity, EntityAlreadyExists."""
    with writing(current().engine) as connection:
        group = store.get(connection, "group", group_name)
        store.save(connection, replace(group, name=new_group_name or group.name, path=new_path or group.path))


def delete_group(group_name: str) -> None:
    """Delete a group that is empty and has no policies; NoSuchEntity, DeleteConflict."""
    with writing(current().engine) as connection:
        group = store.get(connection, "group", group_name)
        leftovers = {
            "remove users from group": store.members_of(connection, group.id),
            "detach all policies": store.attached(connection, group.id),
            "delete policies": store.inline_policies(connection, group.id),
        }
        delete_empty(connection, group, leftovers)


def add_user_to_group(group_name: str, user_name: str) -> None:
    """Add a user to a group; NoSuchEntity, LimitExceeded."""
    with writing(current().engine) as connection:
        group = store.get(connection, "group", group_name)
        user = store.get(connection, "user", user_name)
        others = [other for other in store.groups_of(connection, user.id) if other.id != group.id]
        if len(others) >= MAX_GROUPS:
            raise LimitExceeded(f"Cannot exceed quota for GroupsPerUser: {MAX_GROUPS}.")
        store.join(connection, user.id, group.id)


def remove_user_from_group(group_name: str, user_name: str) -> None:
    """Remove a user from a group; NoSuchEntity."""
    with writing(current().engine) as connection:
        group = store.get(connection, "group", group_name)
        user = store.get(connection, "user", user_name)
        if not store.leave(connection, user.id, group.id):
            raise NoSuchEntity(f"User {user.name} is not in group {group.name}.")
