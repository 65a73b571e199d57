"""Whether the principal that signed a request may have it: asked between reading the request and serving it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from aws.context import current, request_keys
from aws.errors import UnrecognizedClientException
from aws.links import with_targets
from aws.protocol.http import Request
from aws.resources import resources
from identity.errors import AccessDeniedException
from identity.principals import Principal
from identity.service import stamp

# Anybody who signs may ask who signs, and for a session of its own; AssumeRole asks the role too (aws.services.sts).
_FREE = {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken"), ("sts", "AssumeRole")}
# Glue's operations that IAM knows by another's name (AWS Glue Web API, GetUnfilteredTableMetadata and its like).
_ACTIONS = {
    "GetUnfilteredTableMetadata": "GetTable",
    "GetUnfilteredPartitionMetadata": "GetPartition",
    "GetUnfilteredPartitionsMetadata": "GetPartitions",
}
_OF_SESSION_TOKENS = {"GetCallerIdentity", "AssumeRole", "GetSessionToken"}
_OF_FEDERATED_USERS = {"GetCallerIdentity"}


def authorise(principal: Principal, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """Let an operation be served, or raise AccessDeniedException with AWS's sentence.

    ``service`` is the signing name, which is what actions are prefixed with (``glue:GetTable``); ``parameters`` are
    the request's members. The workspace's own key, the account's root, may do everything.
    """
    if principal.session and principal.kind != "role" and service in ("iam", "sts"):
        # Without MFA (STS API Reference, GetSessionToken and GetFederationToken, "Permissions").
        if service == "iam":
            raise UnrecognizedClientException("The security token included in the request is invalid.")
        if operation not in (_OF_FEDERATED_USERS if principal.kind == "federated" else _OF_SESSION_TOKENS):
            raise AccessDeniedException(f"Cannot call {operation} with session credentials")
    if principal.kind == "root" or (service, operation) in _FREE:
        return
    context = current()
    region = context.workspace.settings.text("region")
    wanted = resources(service, operation, parameters, principal, region)
    if service == "glue":
        operation = _ACTIONS.get(operation, operation)
        wanted = with_targets(context, operation, wanted)
    extra = {**request_keys(), **_tag_keys(parameters)}
    context.identity.authorise(principal, f"{service}:{operation}", wanted, extra)


def keys_of(request: Request) -> dict[str, tuple[str, ...]]:
    """The condition keys that a request brings by itself, in lower case. Everybody is on the loopback address."""
    now = time.time()
    found: dict[str, tuple[str, ...]] = {
        "aws:currenttime": (stamp(now),),
        "aws:epochtime": (str(int(now)),),
        "aws:sourceip": ("127.0.0.1",),
        "aws:securetransport": ("false",),
    }
    for header, key in (("user-agent", "aws:useragent"), ("referer", "aws:referer")):
        if header in request.headers:
            found[key] = (request.headers[header],)
    return found


def _tag_keys(parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """``aws:RequestTag/…`` and ``aws:TagKeys`` of the tags that a request sets."""
    tags = parameters.get("Tags", parameters.get("TagsToAdd"))
    if isinstance(tags, list):
        tags = {tag["Key"]: tag.get("Value", "") for tag in tags if isinstance(tag, dict) and "Key" in tag}
    if not isinstance(tags, dict) or not tags:
        return {}
    found = {f"aws:requesttag/{str(key).lower()}": (str(value),) for key, value in tags.items()}
    return {**found, "aws:tagkeys": tuple(str(key) for key in tags)}
