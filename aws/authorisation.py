"""Whether the principal that signed a request may have it: asked between reading the request and serving it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from lakelet.aws.catalogs import other_catalog
from lakelet.aws.context import current, request_keys, request_region
from lakelet.aws.errors import UnrecognizedClientException
from lakelet.aws.links import with_targets
from lakelet.aws.protocol.http import Request
from lakelet.aws.resources import resources
from lakelet.identity.managed import is_root_task
from lakelet.identity.principals import Principal
from lakelet.identity.service import REQUESTED_REGION, stamp
from lakelet.workspace.errors import AccessDeniedException

# Anybody who signs may ask who signs, and for a session of its own; AssumeRole asks the role too (aws.services.sts).
UNSIGNED = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}
"""STS's operations that nobody needs a signature for, nor a permission: the role's trust policy decides."""
_FREE = {("sts", name) for name in (*UNSIGNED, "GetCallerIdentity", "GetSessionToken", "AssumeRole")}
_OF_FEDERATED_USERS = {"GetCallerIdentity", "GetScopedCredentials", *UNSIGNED}
_OF_SESSION_TOKENS = {*_OF_FEDERATED_USERS, "AssumeRole", "GetSessionToken"}
# What setting tags takes besides the operation itself; AssumeRole asks the role too.
_TAGGING = {"GetWebIdentityToken": "sts:TagGetWebIdentityToken", "GetFederationToken": "sts:TagSession"}
# Glue's operations that IAM knows by another's name (AWS Glue Web API, GetUnfilteredTableMetadata and its like).
_ACTIONS = {
    "GetUnfilteredTableMetadata": "GetTable",
    "GetUnfilteredPartitionMetadata": "GetPartition",
    "GetUnfilteredPartitionsMetadata": "GetPartitions",
}


def authorise(principal: Principal, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """Let an operation be served, or raise AccessDeniedException with AWS's sentence.

    ``service`` is the signing name, which is what actions are prefixed with (``glue:GetTable``); ``parameters`` are
    the request's members. The workspace's own key, the account's root, may do everything.
    """
    if principal.session and principal.kind != "role" and service in ("iam", "sts"):
        # STS API Reference, GetSessionToken and GetFederationToken, "Permissions".
        if service == "iam" and principal.mfa_at is None and not is_root_task(principal.session_policies):
            raise UnrecognizedClientException("The security token included in the request is invalid.")
        if service == "sts" and operation not in (
            _OF_FEDERATED_USERS if principal.kind == "federated" else _OF_SESSION_TOKENS
        ):
            raise AccessDeniedException(f"Cannot call {operation} with session credentials")
    if principal.unlimited or (service, operation) in _FREE:
        return
    context = current()
    wanted = resources(service, operation, parameters, principal, request_region())
    if service == "glue":
        operation = _ACTIONS.get(operation, operation)
        if other_catalog(parameters) is None:  # which has no links
            wanted = with_targets(context, operation, wanted)
    extra = {**request_keys(), **_tag_keys(parameters), **(_sts_keys(parameters) if service == "sts" else {})}
    context.identity.authorise(principal, f"{service}:{operation}", wanted, extra)
    if operation in _TAGGING and parameters.get("Tags"):
        context.identity.authorise(principal, _TAGGING[operation], wanted, extra)


def keys_of(request: Request, region: str) -> dict[str, tuple[str, ...]]:
    """The condition keys that a request to a region brings by itself, in lower case. Everybody is on loopback."""
    now = time.time()
    found: dict[str, tuple[str, ...]] = {
        "aws:currenttime": (stamp(now),),
        "aws:epochtime": (str(int(now)),),
        "aws:sourceip": ("127.0.0.1",),
        "aws:securetransport": ("false",),
        REQUESTED_REGION: (region,),
    }
    for header, key in (("user-agent", "aws:useragent"), ("referer", "aws:referer")):
        if header in request.headers:
            found[key] = (request.headers[header],)
    return found


def _sts_keys(parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """STS's own condition keys (AWS IAM User Guide, "IAM and AWS STS condition context keys")."""
    task = parameters.get("TaskPolicyArn")
    found = {
        "sts:taskpolicyarn": task.get("arn") if isinstance(task, Mapping) else None,
        "sts:signingalgorithm": parameters.get("SigningAlgorithm"),
        "sts:durationseconds": parameters.get("DurationSeconds"),
    }
    keys: dict[str, tuple[str, ...]] = {key: (str(value),) for key, value in found.items() if value is not None}
    if isinstance(audience := parameters.get("Audience"), list):
        keys["sts:identitytokenaudience"] = tuple(map(str, audience))
    return keys


def _tag_keys(parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """``aws:RequestTag/…`` and ``aws:TagKeys`` of the tags that a request sets."""
    tags = parameters.get("Tags", parameters.get("TagsToAdd"))
    if isinstance(tags, list):
        tags = {tag["Key"]: tag.get("Value", "") for tag in tags if isinstance(tag, dict) and "Key" in tag}
    if not isinstance(tags, dict) or not tags:
        return {}
    found = {f"aws:requesttag/{str(key).lower()}": (str(value),) for key, value in tags.items()}
    return {**found, "aws:tagkeys": tuple(str(key) for key in tags)}
