"""Errors that only the wire raises: requests that cannot be read, routed or believed.

Names and statuses are AWS's common errors (AWS Glue Web API, Common Errors); the Query protocol has its own names
for some of them (``lakelet.aws.protocol.query``).
"""

from __future__ import annotations

from lakelet.workspace.errors import ServiceError


class SerializationException(ServiceError):
    """The body is not what the protocol prescribes: no JSON, or a value of another type than the model's."""


class UnknownOperationException(ServiceError):
    """No AWS service of ours has an operation of that name."""

    status = 404


class RequestEntityTooLargeException(ServiceError):
    """The body is larger than the wire takes."""

    status = 413


class SlowDown(ServiceError):
    """More is being read than the memory is meant for; retry."""

    status = 503


class AuthenticationError(ServiceError):
    """The root of the errors for requests whose signature does not hold."""


class MissingAuthenticationTokenException(AuthenticationError):
    """The request is not signed."""

    status = 403


class IncompleteSignatureException(AuthenticationError):
    """The signature lacks a part, or a part cannot be read."""


class UnrecognizedClientException(AuthenticationError):
    """The access key is not one of this workspace."""

    status = 403


class ExpiredTokenException(AuthenticationError):
    """The temporary credentials have ended."""

    status = 403


class InvalidSignatureException(AuthenticationError):
    """The signature is not the one that the key makes for this request, here and now."""

    status = 403
