"""AssumeRole: a session of a role for a principal of this account (AWS STS API Reference)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import Context, caller, current, request_keys
from lakelet.aws.services.sts._answers import proven
from lakelet.aws.services.sts._roles import ROLE_SECONDS, Wanted, answer, begin, find_role, inherited, trust_of
from lakelet.identity import store
from lakelet.identity.errors import InvalidContextAssertion
from lakelet.identity.evaluator import Decision, trusts
from lakelet.identity.principals import Principal
from lakelet.identity.service import denied
from lakelet.workspace.errors import AccessDeniedException, ValidationException
from lakelet.workspace.state import reading

CHAINED_SECONDS = 3600  # the longest session of a role that another role's session assumes


def assume_role(
    role_arn: str,
    role_session_name: str,
    policy: str | None = None,
    policy_arns: list[dict[str, str]] | None = None,
    duration_seconds: int = ROLE_SECONDS,
    external_id: str | None = None,
    tags: list[dict[str, str]] | None = None,
    transitive_tag_keys: list[str] | None = None,
    serial_number: str | None = None,
    token_code: str | None = None,
    source_identity: str | None = None,
    provided_contexts: list[dict[str, str]] | None = None,
    minimum_session_token_size: int = 0,
) -> dict[str, Any]:
    """A session of a role that trusts the principal that signs; what it may do can be narrowed by session policies.

    Raises AccessDeniedException, ValidationException (duration), MalformedPolicyDocument, PackedPolicyTooLarge,
    InvalidContextAssertion for any context, for no provider of such is trusted here, NotImplementedException for what
    the object store cannot enforce, ServiceUnavailableException while it is down.
    """
    context, signer = current(), caller()
    if provided_contexts:
        raise InvalidContextAssertion("The context assertion is of no provider that this account trusts.")
    sent = tuple((tag["Key"], tag["Value"]) for tag in tags or ())
    passed = inherited(signer, sent)
    wanted = Wanted(
        role_arn,
        role_session_name,
        duration_seconds,
        minimum_session_token_size,
        policy,
        policy_arns,
        (*passed, *sent),
        (*signer.transitive, *(transitive_tag_keys or ())),
        source_identity or signer.source_identity,
    )
    if source_identity is not None and signer.source_identity not in (None, source_identity):
        raise AccessDeniedException("The source identity of a role chain cannot be changed.")
    asked = wanted.keys()
    if external_id is not None:
        asked["sts:externalid"] = (external_id,)
    if proven(context, signer, serial_number, token_code):
        asked |= {"aws:multifactorauthpresent": ("true",), "aws:multifactorauthage": ("0",)}
    with reading(context.engine) as connection:
        for action in wanted.actions("sts:AssumeRole"):
            role = _trusting(context, connection, signer, role_arn, asked, action)
        principal = begin(context, connection, role, wanted)
    if signer.kind == "role" and duration_seconds > CHAINED_SECONDS:
        raise ValidationException(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        )
    return answer(context, role, principal, wanted)


def _trusting(
    context: Context,
    connection: sa.Connection,
    signer: Principal,
    role_arn: str,
    asked: dict[str, tuple[str, ...]],
    action: str,
) -> store.Entity:
    """The role, when its trust policy and the signer's own policies both let it; AccessDeniedException else."""
    role = find_role(context, connection, role_arn)
    keys = context.identity.keys(signer, {**request_keys(), **asked})
    own = context.identity.decide(signer, action, role_arn, keys)
    # As on AWS: who may not enter does not learn what is there.
    no_entry = AccessDeniedException(
        f"User: {signer.arn} is not authorized to perform: {action} on resource: {role_arn}"
    )
    if role is None:
        raise no_entry
    verdict, itself = trusts(trust_of(role), action, signer, keys)
    if own.verdict == "explicitDeny":
        raise denied(signer, action, role_arn, own, keys)
    if verdict == "explicitDeny":
        raise denied(signer, action, role_arn, Decision(verdict, "resource-based policy"), keys)
    if verdict != "allowed":
        raise no_entry
    # A role that names the principal itself needs no policy of the principal's; a session's policies still bind it.
    if not own.allowed and not (itself and own.layer == "identity-based policy"):
        raise denied(signer, action, role_arn, own, keys)
    return role
