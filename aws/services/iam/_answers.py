"""What IAM's operations share: entities as answers, pages, the limits of documents and tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa

from lakelet.aws import paging
from lakelet.aws.context import Context, caller, current
from lakelet.identity import store
from lakelet.identity.documents import Kind, parse
from lakelet.identity.errors import DeleteConflict, InvalidInput, LimitExceeded, MalformedPolicyDocument, NoSuchEntity
from lakelet.identity.store import Entity
from lakelet.workspace.errors import InvalidInputException, ValidationException

Item = TypeVar("Item")

PAGE = 100
MAX_TAGS = 50
MANAGED_SIZE, TRUST_SIZE = 6144, 2048
INLINE_SIZES = {"user": 2048, "group": 5120, "role": 10_240}


def paged(name: str, items: Sequence[Item], marker: str | None, max_items: int, *request: Any) -> dict[str, Any]:
    """One page of items under ``name``, with IsTruncated and Marker; ``request`` is what the marker is good for.

    Raises ValidationException for a marker that this request was not given.
    """
    try:
        start = int(paging.position(marker, name, *request) or 0)
    except InvalidInputException:
        raise ValidationException("Invalid Marker.") from None
    end = start + max_items
    answer: dict[str, Any] = {name: list(items[start:end]), "IsTruncated": end < len(items)}
    if end < len(items):
        answer["Marker"] = paging.next_token(str(end), name, *request)
    return answer


def entity_answer(entity: Entity, *, whole: bool = True) -> dict[str, Any]:
    """A user, group or role as IAM shows it; lists leave out tags and boundary."""
    noun = entity.kind.capitalize()
    answer: dict[str, Any] = {
        "Path": entity.path,
        f"{noun}Name": entity.name,
        f"{noun}Id": entity.id,
        "Arn": entity.arn(current().account_id),
        "CreateDate": entity.created_at,
    }
    if entity.kind == "role":
        answer |= {
            "AssumeRolePolicyDocument": encoded(entity.body["trust"]),
            "Description": entity.body.get("description"),
            "MaxSessionDuration": entity.body["max_session"],
        }
    if whole:
        if boundary := entity.body.get("boundary"):
            kind = "PermissionsBoundaryPolicy"
            answer["PermissionsBoundary"] = {"PermissionsBoundaryType": kind, "PermissionsBoundaryArn": boundary}
        answer["Tags"] = tags_answer(entity) or None
        if used := entity.body.get("last_used"):
            answer["RoleLastUsed"] = {"LastUsedDate": used, "Region": current().region}
    return answer


def tags_answer(entity: Entity) -> list[dict[str, str]]:
    """An entity's tags as IAM shows them."""
    return [{"Key": key, "Value": value} for key, value in entity.body.get("tags", {}).items()]


def encoded(document: str) -> str:
    """A document as IAM answers it: URL-encoded (RFC 3986)."""
    return quote(document, safe="")


def read_tags(tags: Sequence[Mapping[str, str]], before: Mapping[str, str] | None = None) -> dict[str, str]:
    """Tags over those that are there already; InvalidInput for a key twice, LimitExceeded for too many."""
    found = dict(before or {})
    keys = [tag["Key"].lower() for tag in tags]
    if len(keys) != len(set(keys)):
        raise InvalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    for tag in tags:
        same = next((key for key in found if key.lower() == tag["Key"].lower()), tag["Key"])
        found.pop(same, None)
        found[tag["Key"]] = tag["Value"]
    if len(found) > MAX_TAGS:
        raise LimitExceeded(f"Cannot exceed quota for TagsPerResource: {MAX_TAGS}.")
    return found


def check_document(document: str, size: int, kind: Kind = "identity") -> None:
    """Hold that a document is in the policy language and within its size, white space aside."""
    parse(document, kind)
    if len("".join(document.split())) > size:
        raise LimitExceeded(f"Cannot exceed quota for PolicySize: {size}")


def check_trust(context: Context, connection: sa.Connection, document: str) -> None:
    """Hold that a trust policy can be read, and that the users and roles of this account that it names are there."""
    check_document(document, TRUST_SIZE, "trust")
    for statement in parse(document, "trust").statements:
        for form, value in statement.principals or ():
            parts = value.split(":", 5)
            if form != "AWS" or len(parts) < 6 or parts[4] != context.account_id or parts[5] == "root":
                continue
            noun, _, rest = parts[5].partition("/")
            name = rest.split("/")[0] if noun == "assumed-role" else rest.rpartition("/")[2]
            kinds: dict[str, store.Kind] = {"user": "user", "role": "role", "assumed-role": "role"}
            found = store.find(connection, kinds[noun], name) if noun in kinds else None
            if found is None or (noun != "assumed-role" and found.arn(context.account_id) != value):
                raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{value[:200]}"')


def check_boundary(context: Context, connection: sa.Connection, policy_arn: str) -> str:
    """The ARN of a managed policy that is to bound an entity; NoSuchEntity."""
    try:
        context.identity.document(connection, policy_arn)
    except NoSuchEntity:
        raise NoSuchEntity(f"Scope ARN: {policy_arn} does not exist or is not attachable.") from None
    return policy_arn


def own_name() -> str:
    """The name of the user that signs; ValidationException when it is none."""
    signer = caller()
    if signer.kind != "user":
        raise ValidationException("Must specify userName when calling with non-User credentials")
    return signer.name


def delete_empty(connection: sa.Connection, entity: Entity, leftovers: Mapping[str, object]) -> None:
    """Delete a user, group or role; DeleteConflict that says what to do first when anything is left of it."""
    for what, left in leftovers.items():
        if left:
            raise DeleteConflict(f"Cannot delete entity, must {what} first.")
    store.delete(connection, entity)
