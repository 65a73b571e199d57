"""AssumeRoleWithSAML: a role for those whom a SAML provider knows, by its signed response (AWS STS API Reference)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lakelet.aws.context import current, request_keys
from lakelet.aws.services.sts._roles import ROLE_SECONDS, Wanted, answer, begin, provided
from lakelet.identity.errors import InvalidIdentityToken, NoSuchEntity
from lakelet.identity.federation import saml, store
from lakelet.workspace.errors import AccessDeniedException, ValidationException
from lakelet.workspace.state import reading

_ACTION = "sts:AssumeRoleWithSAML"


def assume_role_with_saml(
    role_arn: str,
    principal_arn: str,
    saml_assertion: str,
    policy_arns: list[dict[str, str]] | None = None,
    policy: str | None = None,
    duration_seconds: int | None = None,
    minimum_session_token_size: int = 0,
) -> dict[str, Any]:
    """A session of a role that trusts the provider and that the response's Role attribute names with it.

    It lasts DurationSeconds, else the response's SessionDuration, else an hour, and not past its SessionNotOnOrAfter.
    Raises InvalidIdentityToken, ExpiredIdentityToken, IDPRejectedClaim, and what AssumeRole raises.
    """
    context = current()
    try:
        with reading(context.engine) as connection:
            provider = store.get(connection, "saml-provider", principal_arn, context.account_id)
    except NoSuchEntity:
        raise InvalidIdentityToken(f"Specified provider doesn't exist: {principal_arn}") from None
    metadata = saml.read_metadata(provider.body["metadata"])
    own = f"{context.issuer}/saml"
    said = saml.verify(saml_assertion, metadata, context.account_id, provider.name, own)
    if frozenset((role_arn, principal_arn)) not in said.roles:
        raise AccessDeniedException(f"Not authorized to perform {_ACTION}")
    wanted = Wanted(
        role_arn,
        said.session_name,
        duration_seconds or said.duration or ROLE_SECONDS,
        minimum_session_token_size,
        policy,
        policy_arns,
        said.tags,
        said.transitive,
        said.source_identity,
    )
    with reading(context.engine) as connection:
        role = provided(context, connection, wanted, _ACTION, principal_arn, {**request_keys(), **said.keys})
        principal = begin(context, connection, role, wanted, provider=principal_arn, claims=tuple(said.keys.items()))
    if said.ends_at is not None:
        left = int(said.ends_at - context.identity.clock())
        if left < 1:
            raise ValidationException("The response's SessionNotOnOrAfter leaves the session no time.")
        wanted = replace(wanted, seconds=min(wanted.seconds, left))
    return {
        **answer(context, role, principal, wanted),
        "Subject": said.subject,
        "SubjectType": said.subject_type,
        "Issuer": said.issuer,
        "Audience": said.recipient,
        "NameQualifier": said.name_qualifier,
    }
