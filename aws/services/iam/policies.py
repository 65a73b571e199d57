"""Managed policies: customers' own, with their versions, and AWS's, which are read-only (IAM API Reference)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import Context, current
from lakelet.aws.services.iam._answers import MANAGED_SIZE, PAGE, check_document, encoded, paged, read_tags, tags_answer
from lakelet.identity import managed, store
from lakelet.identity.errors import DeleteConflict, InvalidInput, LimitExceeded, NoSuchEntity
from lakelet.identity.store import Entity
from lakelet.workspace.state import reading, writing

MAX_VERSIONS = 5


def create_policy(
    policy_name: str,
    policy_document: str,
    path: str = "/",
    description: str | None = None,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Add a policy with version v1; EntityAlreadyExists, MalformedPolicyDocument, LimitExceeded."""
    context = current()
    check_document(policy_document, MANAGED_SIZE)
    with writing(context.engine) as connection:
        body = {"default": 1, "latest": 1, "description": description, "tags": read_tags(tags or [])}
        policy = store.create(connection, "policy", policy_name, path, body)
        store.add_version(connection, policy.id, 1, policy_document)
        return {"Policy": _answer(context, _usage(connection), policy)}


def get_policy(policy_arn: str) -> dict[str, Any]:
    """A managed policy without its document; NoSuchEntity."""
    context = current()
    with reading(context.engine) as connection:
        if policy_arn in managed.MANAGED:
            return {"Policy": _aws_answer(_usage(connection), policy_arn)}
        try:
            policy = context.identity.policy(connection, policy_arn)
        except NoSuchEntity:
            raise NoSuchEntity(f"Policy {policy_arn} was not found.") from None
        return {"Policy": _answer(context, _usage(connection), policy)}


def list_policies(
    scope: str = "All",
    only_attached: bool = False,
    path_prefix: str = "/",
    policy_usage_filter: str | None = None,
    marker: str | None = None,
    max_items: int = PAGE,
) -> dict[str, Any]:
    """The managed policies: the account's own (Local), AWS's, or All."""
    context = current()
    found = []
    with reading(context.engine) as connection:
        usage = _usage(connection)
        if scope != "AWS":
            found += [_answer(context, usage, one) for one in store.listed(connection, "policy", path_prefix)]
        if scope != "Local":
            theirs = [_aws_answer(usage, arn) for arn in sorted(managed.MANAGED)]
            found += [one for one in theirs if one["Path"].startswith(path_prefix)]
    if only_attached:
        found = [one for one in found if one["AttachmentCount"]]
    if policy_usage_filter is not None:
        count = "AttachmentCount" if policy_usage_filter == "PermissionsPolicy" else "PermissionsBoundaryUsageCount"
        found = [one for one in found if one[count]]
    for one in found:
        one.pop("Tags", None)
        one.pop("Description", None)
    return paged("Policies", found, marker, max_items, scope, only_attached, path_prefix, policy_usage_filter)


def delete_policy(policy_arn: str) -> None:
    """Delete a policy that nothing uses and that has one version; NoSuchEntity, DeleteConflict."""
    context = current()
    with writing(context.engine) as connection:
        policy = _own(context, connection, policy_arn)
        if store.attachments(connection, policy_arn) or _bounded(connection, policy_arn):
            raise DeleteConflict("Cannot delete a policy attached to entities.")
        if len(store.versions(connection, policy.id)) > 1:
            raise DeleteConflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                "versions. The default version is deleted with the policy."
            )
        store.delete(connection, policy)


def create_policy_version(policy_arn: str, policy_document: str, set_as_default: bool = False) -> dict[str, Any]:
    """Add a version; NoSuchEntity, MalformedPolicyDocument, LimitExceeded (five versions)."""
    context = current()
    check_document(policy_document, MANAGED_SIZE)
    with writing(context.engine) as connection:
        policy = _own(context, connection, policy_arn)
        if len(store.versions(connection, policy.id)) >= MAX_VERSIONS:
            raise LimitExceeded(
                f"A managed policy can have up to {MAX_VERSIONS} versions. Before you create a new version, you must "
                "delete an existing version."
            )
        number = policy.body["latest"] + 1
        made = store.add_version(connection, policy.id, number, policy_document)
        default = number if set_as_default else policy.body["default"]
        store.change(connection, policy, latest=number, default=default, updated_at=made)
    return {"PolicyVersion": _version(number, made, default)}


def get_policy_version(policy_arn: str, version_id: str) -> dict[str, Any]:
    """A version with its document; NoSuchEntity."""
    context = current()
    with reading(context.engine) as connection:
        if policy_arn in managed.MANAGED:
            number, document, made, default = _number(version_id), managed.MANAGED[policy_arn], 0.0, 1
            if number != 1:
                raise _no_version(policy_arn, version_id)
        else:
            policy = context.identity.policy(connection, policy_arn)
            default = policy.body["default"]
            number, document, made = _find(connection, policy, policy_arn, version_id)
    return {"PolicyVersion": {**_version(number, made, default), "Document": encoded(document)}}


def list_policy_versions(policy_arn: str, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """A policy's versions, the newest first; NoSuchEntity."""
    context = current()
    with reading(context.engine) as connection:
        if policy_arn in managed.MANAGED:
            found = [_version(1, 0.0, 1)]
        else:
            policy = context.identity.policy(connection, policy_arn)
            every = store.versions(connection, policy.id)
            found = [_version(number, made, policy.body["default"]) for number, _, made in every]
    return paged("Versions", found, marker, max_items, policy_arn)


def set_default_policy_version(policy_arn: str, version_id: str) -> None:
    """Put a version in force; NoSuchEntity."""
    context = current()
    with writing(context.engine) as connection:
        policy = _own(context, connection, policy_arn)
        number, _, _ = _find(connection, policy, policy_arn, version_id)
        store.change(connection, policy, default=number)


def delete_policy_version(policy_arn: str, version_id: str) -> None:
    """Delete a version other than the default; NoSuchEntity, DeleteConflict."""
    context = current()
    with writing(context.engine) as connection:
        policy = _own(context, connection, policy_arn)
        number, _, _ = _find(connection, policy, policy_arn, version_id)
        if number == policy.body["default"]:
            raise DeleteConflict("Cannot delete the default version of a policy.")
        store.delete_version(connection, policy.id, number)


def list_entities_for_policy(
    policy_arn: str,
    entity_filter: str | None = None,
    path_prefix: str = "/",
    policy_usage_filter: str | None = None,
    marker: str | None = None,
    max_items: int = PAGE,
) -> dict[str, Any]:
    """The users, groups and roles that a policy is attached to or bounds; NoSuchEntity."""
    context = current()
    with reading(context.engine) as connection:
        context.identity.document(connection, policy_arn)
        bounds, attached = _bounded(connection, policy_arn), store.attachments(connection, policy_arn)
    if policy_usage_filter == "PermissionsPolicy":
        bounds = []
    if policy_usage_filter == "PermissionsBoundary":
        attached = []
    every = {entity.id: entity for entity in [*attached, *bounds] if entity.path.startswith(path_prefix)}
    wanted = {None: None, "User": "user", "Group": "group", "Role": "role"}.get(entity_filter, "policy")
    found = [entity for entity in every.values() if wanted in (None, entity.kind)]
    request = (policy_arn, entity_filter, path_prefix, policy_usage_filter)
    answer = paged("PolicyUsers", found, marker, max_items, *request)
    page = answer.pop("PolicyUsers")
    for kind in ("group", "user", "role"):
        noun = kind.capitalize()
        members = [{f"{noun}Name": one.name, f"{noun}Id": one.id} for one in page if one.kind == kind]
        answer[f"Policy{noun}s"] = members
    return answer


def _bounded(connection: sa.Connection, policy_arn: str) -> list[Entity]:
    """The users and roles that a policy bounds."""
    entities = [*store.listed(connection, "user"), *store.listed(connection, "role")]
    return [entity for entity in entities if entity.body.get("boundary") == policy_arn]


_Usage = tuple[dict[str, int], dict[str, int]]


def _usage(connection: sa.Connection) -> _Usage:
    return store.attachment_counts(connection), store.boundary_counts(connection)


def _counts(usage: _Usage, arn: str) -> dict[str, int]:
    attached, bounds = usage
    return {"AttachmentCount": attached.get(arn, 0), "PermissionsBoundaryUsageCount": bounds.get(arn, 0)}


def _own(context: Context, connection: sa.Connection, policy_arn: str) -> Entity:
    if policy_arn in managed.MANAGED:
        raise InvalidInput(f"Policy {policy_arn} belongs to AWS and cannot be changed.")
    return context.identity.policy(connection, policy_arn)


def _find(connection: sa.Connection, policy: Entity, policy_arn: str, version_id: str) -> tuple[int, str, float]:
    wanted = _number(version_id)
    for found in store.versions(connection, policy.id):
        if found[0] == wanted:
            return found
    raise _no_version(policy_arn, version_id)


def _no_version(policy_arn: str, version_id: str) -> NoSuchEntity:
    return NoSuchEntity(f"Policy {policy_arn} version {version_id} does not exist or is not attachable.")


def _number(version_id: str) -> int:
    digits = version_id[1:].partition(".")[0]
    return int(digits[:9]) if digits.isascii() and digits.isdigit() else 0


def _version(number: int, made: float, default: int) -> dict[str, Any]:
    return {"VersionId": f"v{number}", "IsDefaultVersion": number == default, "CreateDate": made}


def _answer(context: Context, usage: _Usage, policy: Entity) -> dict[str, Any]:
    arn = policy.arn(context.account_id)
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{policy.body['default']}",
        **_counts(usage, arn),
        "IsAttachable": True,
        "Description": policy.body.get("description"),
        "CreateDate": policy.created_at,
        "UpdateDate": policy.body.get("updated_at", policy.created_at),
        "Tags": tags_answer(policy) or None,
    }


def _aws_answer(usage: _Usage, arn: str) -> dict[str, Any]:
    path, _, name = arn.removeprefix(managed.PREFIX.rstrip("/")).rpartition("/")
    return {
        "PolicyName": name,
        "PolicyId": f"ANPA{name.upper()[:17]:A<17}",
        "Arn": arn,
        "Path": f"{path}/",
        "DefaultVersionId": "v1",
        **_counts(usage, arn),
        "IsAttachable": True,
        "CreateDate": 0.0,
        "UpdateDate": 0.0,
    }
