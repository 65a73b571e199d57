"""Credentials for the one that signs, or for less than it may do (AWS STS API Reference)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lakelet.aws.context import caller, current, session_end
from lakelet.aws.services.sts._answers import opened, packed, proven, session_policies, session_tags
from lakelet.identity import managed
from lakelet.identity.documents import parse
from lakelet.identity.errors import InsufficientSessionLifetime
from lakelet.identity.principals import root
from lakelet.workspace.errors import AccessDeniedException, ValidationException
from lakelet.workspace.state import reading

ROOT_SECONDS = 3600  # the longest session that root gets of GetSessionToken
SESSION_SECONDS = 43_200
TASK_SECONDS = 900
MAX_SCOPES = 3


def get_session_token(
    duration_seconds: int | None = None,
    serial_number: str | None = None,
    token_code: str | None = None,
    minimum_session_token_size: int = 0,
) -> dict[str, Any]:
    """Credentials for the user that signs, good on S3 too; AccessDenied for a session. ServiceUnavailable."""
    context, signer = current(), caller()
    if signer.session:
        raise AccessDeniedException("Cannot call GetSessionToken with session credentials")
    if proven(context, signer, serial_number, token_code):
        signer = replace(signer, mfa_at=context.identity.clock())
    wanted = duration_seconds or SESSION_SECONDS
    seconds = min(wanted, ROOT_SECONDS) if signer.kind == "root" else wanted
    return opened(context, signer, seconds, minimum_session_token_size)[1]


def get_federation_token(
    name: str,
    policy: str | None = None,
    policy_arns: list[dict[str, str]] | None = None,
    duration_seconds: int = SESSION_SECONDS,
    tags: list[dict[str, str]] | None = None,
    minimum_session_token_size: int = 0,
) -> dict[str, Any]:
    """Credentials for somebody else: what both the signer and the session policies allow, nothing without such.

    Raises AccessDenied for a session, and what AssumeRole raises for its policies.
    """
    context, signer = current(), caller()
    if signer.session:
        raise AccessDeniedException("Cannot call GetFederationToken with session credentials")
    with reading(context.engine) as connection:
        policies = session_policies(context, connection, policy, policy_arns)
    principal = replace(
        context.identity.federated(signer, name),
        session_policies=policies or (),
        tags=session_tags([(tag["Key"], tag["Value"]) for tag in tags or ()]),
    )
    seconds = min(duration_seconds, ROOT_SECONDS) if signer.kind == "root" else duration_seconds
    return {
        **opened(context, principal, seconds, minimum_session_token_size)[1],
        "FederatedUser": {"FederatedUserId": principal.user_id, "Arn": principal.arn},
        "PackedPolicySize": packed(policies),
    }


def get_scoped_credentials(
    policy: str | None = None,
    duration_seconds: int | None = None,
    minimum_session_token_size: int = 0,
    scoped_session_description: str | None = None,  # for CloudTrail, which is not here
) -> dict[str, Any]:
    """Credentials for the session that signs that may do less, or for less long.

    Raises AccessDenied for a long-term key and for a fourth policy, InsufficientSessionLifetime,
    ValidationException when neither is asked, and what AssumeRole raises for its policy.
    """
    context, signer = current(), caller()
    if (end := session_end()) is None:
        raise AccessDeniedException("Cannot call GetScopedCredentials with long-term credentials")
    if policy is None and duration_seconds is None:
        raise ValidationException("GetScopedCredentials needs a Policy, a DurationSeconds, or both.")
    left = int(end - context.identity.clock())
    if duration_seconds is not None and duration_seconds > left:
        raise InsufficientSessionLifetime(
            f"The requested DurationSeconds exceeds the {left} seconds that the calling session has left."
        )
    if policy is not None:
        if len(signer.scopes) >= MAX_SCOPES:
            raise AccessDeniedException(f"A session has {MAX_SCOPES} scope down policies at most.")
        parse(policy)
        signer = replace(signer, scopes=(*signer.scopes, policy))
    seconds = duration_seconds if duration_seconds is not None else left
    return {
        **opened(context, signer, max(1, seconds), minimum_session_token_size)[1],
        "SessionInfo": {"ScopedSessionId": signer.user_id, "Arn": signer.arn},
        "ScopedPoliciesCount": len(signer.scopes),
        "SourceIdentity": signer.source_identity,
    }


def assume_root(
    target_principal: str,
    task_policy_arn: dict[str, str],
    duration_seconds: int = TASK_SECONDS,
    minimum_session_token_size: int = 0,
) -> dict[str, Any]:
    """A session of the account's root user that one of AWS's task policies limits.

    This account is an organization of its own: of no other member can the root be assumed. Raises AccessDenied for
    root itself and for other accounts, ValidationException for another policy.
    """
    context, signer = current(), caller()
    if signer.kind == "root":
        raise AccessDeniedException("Roots may not assume root: sign as a user or role that may sts:AssumeRoot.")
    arn = task_policy_arn.get("arn", "")
    if arn not in managed.ROOT_TASKS:
        raise ValidationException(f"TaskPolicyArn must be one of {', '.join(sorted(managed.ROOT_TASKS))}.")
    target = root(context.account_id)
    if target_principal not in (context.account_id, target.arn):
        raise AccessDeniedException(
            f"User: {signer.arn} is not authorized to perform: sts:AssumeRoot on resource: {target_principal}"
        )
    principal = replace(target, session_policies=(arn,), source_identity=signer.source_identity)
    answer = opened(context, principal, max(1, duration_seconds), minimum_session_token_size)[1]
    return {**answer, "SourceIdentity": signer.source_identity}
