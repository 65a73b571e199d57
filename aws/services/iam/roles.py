"""IAM roles: whom they trust, and for how long (IAM API Reference)."""

from __future__ import annotations

from typing import Any

from lakelet.aws.context import current
from lakelet.aws.services.iam._answers import (
    PAGE,
    check_boundary,
    check_trust,
    delete_empty,
    entity_answer,
    paged,
    read_tags,
)
from lakelet.identity import store
from lakelet.workspace.state import reading, writing

DEFAULT_SESSION = 3600  # seconds


def create_role(
    role_name: str,
    assume_role_policy_document: str,
    path: str = "/",
    description: str | None = None,
    max_session_duration: int = DEFAULT_SESSION,
    permissions_boundary: str | None = None,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Add a role; EntityAlreadyExists, MalformedPolicyDocument, LimitExceeded, NoSuchEntity (boundary)."""
    context = current()
    with writing(context.engine) as connection:
        check_trust(context, connection, assume_role_policy_document)
        body = {
            "trust": assume_role_policy_document,
            "max_session": max_session_duration,
            "tags": read_tags(tags or []),
        }
        if description is not None:
            body["description"] = description
        if permissions_boundary is not None:
            body["boundary"] = check_boundary(context, connection, permissions_boundary)
        return {"Role": entity_answer(store.create(connection, "role", role_name, path, body))}


def get_role(role_name: str) -> dict[str, Any]:
    """A role; NoSuchEntity."""
    with reading(current().engine) as connection:
        return {"Role": entity_answer(store.get(connection, "role", role_name))}


def list_roles(path_prefix: str = "/", marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The roles under a path, in order of name."""
    with reading(current().engine) as connection:
        roles = [entity_answer(role, whole=False) for role in store.listed(connection, "role", path_prefix)]
    return paged("Roles", roles, marker, max_items, path_prefix)


def update_role(role_name: str, description: str | None = None, max_session_duration: int | None = None) -> None:
    """Change a role's description or longest session (seconds); NoSuchEntity."""
    sent = {"description": description, "max_session": max_session_duration}
    with writing(current().engine) as connection:
        role = store.get(connection, "role", role_name)
        store.change(connection, role, **{name: value for name, value in sent.items() if value is not None})


def update_role_description(role_name: str, description: str) -> dict[str, Any]:
    """Change a role's description; NoSuchEntity."""
    with writing(current().engine) as connection:
        role = store.change(connection, store.get(connection, "role", role_name), description=description)
    return {"Role": entity_answer(role)}


def update_assume_role_policy(role_name: str, policy_document: str) -> None:
    """Change whom a role trusts; NoSuchEntity, MalformedPolicyDocument, LimitExceeded."""
    context = current()
    with writing(context.engine) as connection:
        role = store.get(connection, "role", role_name)
        check_trust(context, connection, policy_document)
        store.change(connection, role, trust=policy_document)


def delete_role(role_name: str) -> None:
    """Delete a role that has no policies left; its sessions end with it. NoSuchEntity, DeleteConflict."""
    with writing(current().engine) as connection:
        role = store.get(connection, "role", role_name)
        leftovers = {
            "detach all policies": store.attached(connection, role.id),
            "delete policies": store.inline_policies(connection, role.id),
        }
        delete_empty(connection, role, leftovers)


def put_role_permissions_boundary(role_name: str, permissions_boundary: str) -> None:
    """Bound what a role's policies can allow; NoSuchEntity."""
    context = current()
    with writing(context.engine) as connection:
        role = store.get(connection, "role", role_name)
        store.change(connection, role, boundary=check_boundary(context, connection, permissions_boundary))


def delete_role_permissions_boundary(role_name: str) -> None:
    """Take a role's boundary away; NoSuchEntity."""
    with writing(current().engine) as connection:
        store.change(connection, store.get(connection, "role", role_name), boundary=None)
