"""The errors of IAM and STS, under the names and statuses of their service models."""

from __future__ import annotations

from lakelet.workspace.errors import ServiceError


class NoSuchEntity(ServiceError):
    """The user, role, group, policy, version or key does not exist."""

    status = 404


class EntityAlreadyExists(ServiceError):
    """There is one of that name."""

    status = 409


class DeleteConflict(ServiceError):
    """It has parts or attachments that must go first."""

    status = 409


class LimitExceeded(ServiceError):
    """One more than the account may have."""

    status = 409


class InvalidInput(ServiceError):
    """A value that the operation cannot take."""


class UnmodifiableEntity(ServiceError):
    """It belongs to AWS and cannot be changed."""


class MalformedPolicyDocument(ServiceError):
    """The document is not in the policy language; the sentence says where."""


class PackedPolicyTooLarge(ServiceError):
    """What a session would be allowed is longer than a session policy may be."""


class InvalidAuthorizationMessageException(ServiceError):
    """The encoded message is not one that was handed out, or it is too old."""


class InvalidIdentityToken(ServiceError):
    """What an identity provider is said to have written cannot be believed."""


class ExpiredIdentityToken(ServiceError):
    """What an identity provider wrote is too old."""

    @property
    def code(self) -> str:
        """The code of STS's model, which is that of expired credentials too, by another name there."""
        return "ExpiredTokenException"


class IDPCommunicationError(ServiceError):
    """The identity provider whose keys are needed does not answer."""


class IDPRejectedClaim(ServiceError):
    """The identity provider says that it did not let the user in."""

    status = 403


class InvalidContextAssertion(ServiceError):
    """A context assertion of a provider that is not trusted here."""


class ExpiredTradeInTokenException(ServiceError):
    """The trade-in token cannot be exchanged any more."""


class OutboundWebIdentityFederationDisabledException(ServiceError):
    """The account gives no web identity tokens until that is enabled."""

    status = 403


class SessionDurationEscalationException(ServiceError):
    """A token that would outlive the session that asks for it."""

    status = 403


class JWTPayloadSizeExceededException(ServiceError):
    """The tags make the token too long."""


class InsufficientSessionLifetime(ServiceError):
    """Credentials that would outlive the session that asks for them."""


class FeatureEnabled(ServiceError):
    """It is enabled already."""

    status = 409


class FeatureDisabled(ServiceError):
    """It is not enabled."""

    status = 404


class InvalidAuthenticationCode(ServiceError):
    """The codes are not those that the MFA device shows."""

    status = 403
