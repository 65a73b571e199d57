"""AWS STS: who signs the requests, and credentials for a while (AWS STS API Reference)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from aws.context import Context, caller, current, request_keys
from identity import store
from identity.documents import parse
from identity.errors import (
    AccessDeniedException,
    InvalidInput,
    MalformedPolicyDocument,
    NoSuchEntity,
    PackedPolicyTooLarge,
)
from identity.evaluator import Decision, trusts
from identity.principals import Credential, Principal
from identity.service import denied
from workspace.errors import ValidationException
from workspace.state import reading, writing

MAX_POLICY = 2048  # characters of all session policies together
MAX_POLICY_ARNS = 10
CHAINED_SECONDS = 3600  # the longest session of a role that another role's session assumes
ROOT_SECONDS = 3600  # the longest session that root gets of GetSessionToken
SESSION_SECONDS = 43_200


def get_caller_identity() -> dict[str, Any]:
    """The account, and the ARN and id of the principal that signs. Nobody needs a permission for it."""
    signer = caller()
    return {"UserId": signer.user_id, "Account": signer.account, "Arn": signer.arn}


def get_access_key_info(access_key_id: str) -> dict[str, Any]:
    """The account that an access key belongs to; only this one's are known."""
    context = current()
    if context.credential(access_key_id) is None:
        raise ValidationException(f"{access_key_id} is no access key of this account.")
    return {"Account": context.account_id}


def get_session_token(duration_seconds: int | None = None) -> dict[str, Any]:
    """Credentials for the user that signs, good on S3 too; AccessDenied for a session. ServiceUnavailable."""
    context, signer = current(), caller()
    if signer.session:
        raise AccessDeniedException("Cannot call GetSessionToken with session credentials")
    wanted = duration_seconds or SESSION_SECONDS
    seconds = min(wanted, ROOT_SECONDS) if signer.kind == "root" else wanted
    return {"Credentials": _answer(*context.identity.open_session(signer, seconds))}


def get_federation_token(
    name: str,
    policy: str | None = None,
    policy_arns: list[dict[str, str]] | None = None,
    duration_seconds: int = SESSION_SECONDS,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Credentials for somebody else: what both the signer and the session policies allow, nothing without such.

    Raises AccessDenied for a session, and what AssumeRole raises for its policies.
    """
    context, signer = current(), caller()
    if signer.session:
        raise AccessDeniedException("Cannot call GetFederationToken with session credentials")
    with reading(context.engine) as connection:
        policies = _session_policies(context, connection, policy, policy_arns)
    principal = replace(
        context.identity.federated(signer, name), session_policies=policies or (), tags=_session_tags(tags)
    )
    seconds = min(duration_seconds, ROOT_SECONDS) if signer.kind == "root" else duration_seconds
    return {
        "Credentials": _answer(*context.identity.open_session(principal, seconds)),
        "FederatedUser": {"FederatedUserId": principal.user_id, "Arn": principal.arn},
        "PackedPolicySize": _packed(policies),
    }


def assume_role(
    role_arn: str,
    role_session_name: str,
    policy: str | None = None,
    policy_arns: list[dict[str, str]] | None = None,
    duration_seconds: int = 3600,
    external_id: str | None = None,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """A session of a role that trusts the principal that signs; what it may do can be narrowed by session policies.

    Raises AccessDeniedException, ValidationException (duration), MalformedPolicyDocument, PackedPolicyTooLarge,
    NotImplementedException for what the object store cannot enforce, ServiceUnavailableException while it is down.
    """
    context, signer = current(), caller()
    asked: dict[str, tuple[str, ...]] = {"sts:rolesessionname": (role_session_name,)}
    if external_id is not None:
        asked["sts:externalid"] = (external_id,)
    if tags:
        asked |= {f"aws:requesttag/{tag['Key'].lower()}": (tag["Value"],) for tag in tags}
        asked["aws:tagkeys"] = tuple(tag["Key"] for tag in tags)
    with reading(context.engine) as connection:
        role = _trusting(context, connection, signer, role_arn, asked)
        if tags:
            _trusting(context, connection, signer, role_arn, asked, "sts:TagSession")
        if duration_seconds > role.body["max_session"]:
            raise ValidationException("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        if signer.kind == "role" and duration_seconds > CHAINED_SECONDS:
            raise ValidationException(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
            )
        policies = _session_policies(context, connection, policy, policy_arns)
    principal = replace(
        context.identity.role_session(role, role_session_name), session_policies=policies, tags=_session_tags(tags)
    )
    credential, token = context.identity.open_session(principal, duration_seconds)
    with writing(context.engine) as connection:
        if (kept := store.by_id(connection, role.id)) is not None:
            store.change(connection, kept, last_used=credential.principal.issued_at)
    answer: dict[str, Any] = {
        "Credentials": _answer(credential, token),
        "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
    }
    answer["PackedPolicySize"] = _packed(policies)
    return answer


def _packed(policies: tuple[str, ...] | None) -> int | None:
    """How much of what session policies may take they take, in percent."""
    if policies is None:
        return None
    return max(1, min(100, round(100 * sum(len(one) for one in policies) / MAX_POLICY)))


def _trusting(
    context: Context,
    connection: sa.Connection,
    signer: Principal,
    role_arn: str,
    asked: dict[str, tuple[str, ...]],
    action: str = "sts:AssumeRole",
) -> store.Entity:
    """The role, when its trust policy and the signer's own policies both let it; AccessDeniedException else."""
    name = role_arn.rpartition("/")[2]
    role = store.find(connection, "role", name) if name else None
    keys = {**request_keys(), **asked}
    own = context.identity.decide(signer, action, role_arn, keys)
    if role is None or role.arn(context.account_id) != role_arn:
        raise _no_entry(signer, action, role_arn)  # as AWS: who may not enter does not learn what is there
    trust = parse(role.body["trust"], "trust")
    verdict, itself = trusts(trust, action, signer, {**keys, **context.identity.context(signer)})
    if own.verdict == "explicitDeny":
        raise denied(signer, action, role_arn, own)
    if verdict != "allowed":
        raise _no_entry(signer, action, role_arn, explicit=verdict == "explicitDeny")
    # A role that names the principal itself needs no policy of the principal's; a session's policies still bind it.
    if not own.allowed and not (itself and own.layer == "identity-based policy"):
        raise denied(signer, action, role_arn, own)
    return role


def _no_entry(signer: Principal, action: str, role_arn: str, explicit: bool = False) -> AccessDeniedException:
    if explicit:
        return denied(signer, action, role_arn, Decision("explicitDeny", "resource-based policy"))
    return AccessDeniedException(f"User: {signer.arn} is not authorized to perform: {action} on resource: {role_arn}")


def _session_policies(
    context: Context, connection: sa.Connection, policy: str | None, policy_arns: list[dict[str, str]] | None
) -> tuple[str, ...] | None:
    arns = [one["arn"] for one in policy_arns or () if "arn" in one]
    if len(arns) > MAX_POLICY_ARNS:
        raise PackedPolicyTooLarge(f"A session takes {MAX_POLICY_ARNS} managed policies at most.")
    if policy is not None and len(policy) > MAX_POLICY:
        raise PackedPolicyTooLarge(f"A session policy has {MAX_POLICY} characters at most.")
    try:
        context.identity.check_document(connection, policy, arns)
    except NoSuchEntity as error:
        raise MalformedPolicyDocument(f"A session policy cannot be found: {error}") from error
    if policy is None and not arns:
        return None
    return (*([policy] if policy is not None else []), *arns)


def _session_tags(tags: list[dict[str, str]] | None) -> tuple[tuple[str, str], ...]:
    keys = [tag["Key"].lower() for tag in tags or ()]
    if len(keys) != len(set(keys)):
        raise InvalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return tuple((tag["Key"], tag["Value"]) for tag in tags or ())


def _answer(credential: Credential, token: str) -> dict[str, Any]:
    return {
        "AccessKeyId": credential.access_key_id,
        "SecretAccessKey": credential.secret,
        "SessionToken": token,
        "Expiration": credential.expires_at,
    }
