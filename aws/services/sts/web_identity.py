"""Roles for those whom an OpenID Connect provider knows, and tokens that say to others who signs here.

Source: AWS STS API Reference. Anybody may call AssumeRoleWithWebIdentity: the token is the proof.
"""

from __future__ import annotations

import time
from typing import Any

from lakelet.aws.context import caller, current, request_keys, request_region, session_end
from lakelet.aws.services.sts._answers import session_tags
from lakelet.aws.services.sts._roles import ROLE_SECONDS, Wanted, answer, begin, provided
from lakelet.identity.errors import (
    ExpiredTradeInTokenException,
    FeatureDisabled,
    InvalidIdentityToken,
    OutboundWebIdentityFederationDisabledException,
    SessionDurationEscalationException,
)
from lakelet.identity.federation import oidc, outbound, store
from lakelet.workspace.errors import ValidationException
from lakelet.workspace.state import reading

TOKEN_SECONDS = 300
_ACTION = "sts:AssumeRoleWithWebIdentity"


def assume_role_with_web_identity(
    role_arn: str,
    role_session_name: str,
    web_identity_token: str,
    provider_id: str | None = None,
    policy_arns: list[dict[str, str]] | None = None,
    policy: str | None = None,
    duration_seconds: int = ROLE_SECONDS,
    minimum_session_token_size: int = 0,
) -> dict[str, Any]:
    """A session of a role that trusts the provider of the token, as its conditions say whom.

    Raises InvalidIdentityToken (no provider of this account's, bad signature or audience), ExpiredIdentityToken,
    IDPCommunicationError, and what AssumeRole raises. ProviderId is for the OAuth 2.0 access tokens of Amazon and
    Facebook, which only those can verify: InvalidIdentityToken.
    """
    context = current()
    if provider_id is not None:
        raise InvalidIdentityToken(f"Access tokens of {provider_id} cannot be verified here: send an OpenID Connect "
                                   "ID token, and no ProviderId.")  # fmt: skip
    issuer = oidc.issuer_of(web_identity_token)
    with reading(context.engine) as connection:
        provider = store.find(connection, "oidc-provider", oidc.name_of(issuer))
    if provider is None or provider.body["url"].rstrip("/") != issuer.rstrip("/"):
        raise InvalidIdentityToken(f"No OpenIDConnect provider found in your account for {issuer}")
    if issuer.rstrip("/") == context.issuer:
        raise InvalidIdentityToken("Tokens of GetWebIdentityToken are for services outside of AWS.")
    said = oidc.verify(web_identity_token, provider.body["client_ids"], context.identity.provider_keys)
    wanted = Wanted(
        role_arn,
        role_session_name,
        duration_seconds,
        minimum_session_token_size,
        policy,
        policy_arns,
        said.tags,
        said.transitive,
        said.source_identity,
    )
    arn = provider.arn(context.account_id)
    with reading(context.engine) as connection:
        role = provided(context, connection, wanted, _ACTION, arn, {**request_keys(), **said.keys})
        principal = begin(context, connection, role, wanted, provider=arn, claims=tuple(said.keys.items()))
    return {
        **answer(context, role, principal, wanted),
        "SubjectFromWebIdentityToken": said.subject,
        "Provider": arn,
        "Audience": said.audience,
    }


def get_web_identity_token(
    audience: list[str],
    signing_algorithm: str,
    duration_seconds: int = TOKEN_SECONDS,
    tags: list[dict[str, str]] | None = None,
    scope: str | None = None,
    subject_mode: str = "AWSIdentity",
) -> dict[str, Any]:
    """A JWT that says who signs, for services outside of AWS; its keys are at the endpoint's ``/.well-known/``.

    Raises OutboundWebIdentityFederationDisabledException until IAM enables it, SessionDurationEscalationException,
    JWTPayloadSizeExceededException, ValidationException. No session here has an origin identity, so that a subject of
    that mode, and a Scope, which goes with it alone, are refused as AWS refuses them for such sessions.
    """
    context, signer = current(), caller()
    if subject_mode == "OriginIdentity":
        raise ValidationException("The calling session has no aws:OriginIdentity/Subject in its context.")
    if scope is not None:
        raise ValidationException("Scope can be specified only when SubjectMode is OriginIdentity.")
    if signing_algorithm not in outbound.ALGORITHMS:
        raise ValidationException(f"SigningAlgorithm must be one of {', '.join(outbound.ALGORITHMS)}.")
    request_tags = dict(session_tags([(tag["Key"], tag["Value"]) for tag in tags or ()]))
    now = int(time.time())
    if (end := session_end()) is not None and now + duration_seconds > end:
        raise SessionDurationEscalationException("The token would outlive the session that asks for it.")
    claims = {
        "iss": context.issuer,
        "aud": audience[0] if len(audience) == 1 else audience,
        "iat": now,
        "exp": now + duration_seconds,
        **outbound.claims_of(signer, request_region(), context.identity.tags_of(signer), request_tags),
    }
    try:
        with reading(context.engine) as connection:
            token = outbound.sign(connection, claims, signing_algorithm)
    except FeatureDisabled as error:
        raise OutboundWebIdentityFederationDisabledException(
            "Outbound web identity federation is not enabled: `aws iam enable-outbound-web-identity-federation`."
        ) from error
    return {"WebIdentityToken": token, "Expiration": float(now + duration_seconds)}


def get_delegated_access_token(trade_in_token: str) -> dict[str, Any]:  # none is good
    """Refused: trade-in tokens come of IAM's delegation requests, of which this account has none.

    Raises ExpiredTradeInTokenException.
    """
    raise ExpiredTradeInTokenException(
        "The trade-in token can be exchanged no more: no delegation request of this account has made one."
    )
