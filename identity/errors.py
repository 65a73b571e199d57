"""The errors of IAM and STS, under the names and statuses of their service models."""

from __future__ import annotations

from workspace.errors import ServiceError


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


class AccessDeniedException(ServiceError):
    """The caller may not do this."""

    status = 403


class InvalidAuthorizationMessageException(ServiceError):
    """The encoded message is not one that was handed out."""
