"""Signature Version 4: every request proves that its sender holds a secret key of this workspace.

Source: AWS IAM User Guide, "AWS Signature Version 4 for API requests". The canonical request is computed again from
what arrived, so that a change of any signed header, of the query or of the body is noticed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from lakelet.aws.errors import (
    ExpiredTokenException,
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from lakelet.aws.protocol.http import Request
from lakelet.aws.regions import known_regions
from lakelet.identity.principals import Credential
from lakelet.identity.signing import ALGORITHM, canonical_request, signature

SKEW = timedelta(minutes=15)
_PART = re.compile(r"\s*([A-Za-z]+)=([^,\s]+)\s*")
_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
MAX_EXPIRES = 7 * 24 * 3600  # seconds; SigV4's own limit of a presigned request
_QUERY_FIELDS = frozenset(
    f"X-Amz-{name}"
    for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token")
)


@dataclass(frozen=True)
class Signature:
    """What the Authorization header, or the query of a presigned request, says. ``expires`` is in seconds."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    stamp: str
    token: str | None = None
    expires: int | None = None

    @property
    def presigned(self) -> bool:
        """Whether it travelled in the query."""
        return self.expires is not None


class Verifier:
    """Checks the signatures of requests to one workspace, whose own ``region`` is one more than botocore knows.

    ``find`` gives the credential of an access key id, or None; ``clock`` the time in UTC.
    """

    def __init__(
        self,
        region: str,
        find: Callable[[str], Credential | None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._region = region
        self._find = find
        self._clock = clock

    def verify(self, request: Request, claim: Signature, service: str | None) -> Credential:
        """The credential that signed the request.

        ``service`` is the signing name of the service that was called; None when there is no such service, so that any
        will do. Raises the subclass of :class:`~lakelet.aws.errors.AuthenticationError` that says what does not hold.
        """
        credential = self.check_head(claim)
        if service is not None and claim.service != service:
            raise InvalidSignatureException(f"Credential should be scoped to correct service: '{service}'.")
        _check_signed_headers(request, claim)
        query = _unsigned_query(request.query) if claim.presigned else request.query
        canonical = canonical_request(
            request.method, request.path, query, request.headers, claim.signed_headers, _body_digest(request)
        )
        expected = signature(credential.secret, claim.stamp, claim.region, claim.service, canonical)
        if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
            raise InvalidSignatureException(
                "The request signature we calculated does not match the signature you provided. "
                'Check your AWS Secret Access Key (`eval "$(lakelet env)"` sets it) and signing method.'
            )
        return credential

    def check_head(self, claim: Signature) -> Credential:
        """The credential that a signature names, if it is known and the signature is of now and of a region.

        Whether it holds is not known yet, for that takes the body. Raises a subclass of AuthenticationError.
        """
        credential = self._find(claim.access_key_id)
        if credential is None or not credential.accepts(claim.token):
            raise UnrecognizedClientException("The security token included in the request is invalid.")
        now = self._clock()
        if credential.expires_at is not None and credential.expires_at <= now.timestamp():
            raise ExpiredTokenException("The security token included in the request is expired.")
        _check_time(claim, now)
        if claim.region != self._region and claim.region not in known_regions():
            raise InvalidSignatureException(f"Credential should be scoped to a valid region, such as '{self._region}'.")
        return credential


def read_signature(request: Request) -> Signature:
    """The signature that a request carries, in its header or in its query.

    Raises MissingAuthenticationTokenException, IncompleteSignatureException.
    """
    if "authorization" not in request.headers and "X-Amz-Signature=" in request.query:
        return _from_query(request.query)
    return _from_header(request.headers)


def is_signed(request: Request) -> bool:
    """Whether a request carries a signature at all."""
    return "authorization" in request.headers or "X-Amz-Signature=" in request.query


def without_signature(request: Request) -> Request:
    """A presigned request without the query fields that sign it, which are no parameters of the operation."""
    kept = [pair for pair in request.query.split("&") if unquote(pair.partition("=")[0]) not in _QUERY_FIELDS]
    return replace(request, query="&".join(kept))


def _unsigned_query(query: str) -> str:
    """A presigned query as it was signed: the signature itself cannot be part of it."""
    return "&".join(pair for pair in query.split("&") if not pair.startswith("X-Amz-Signature="))


def _from_header(headers: Mapping[str, str]) -> Signature:
    header = headers.get("authorization", "")
    if not header:
        raise MissingAuthenticationTokenException(
            'Missing Authentication Token: sign the request; `eval "$(lakelet env)"` gives SDKs the keys.'
        )
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        raise IncompleteSignatureException(f"The signing algorithm must be {ALGORITHM}.")
    parts = {match[1]: match[2] for match in map(_PART.fullmatch, rest.split(",")) if match}
    for name in ("Credential", "SignedHeaders", "Signature"):
        if name not in parts:
            raise IncompleteSignatureException(f"Authorization header requires '{name}' parameter.")
    return Signature(
        *_scope(parts["Credential"]),
        tuple(parts["SignedHeaders"].lower().split(";")),
        parts["Signature"],
        _stamp(headers.get("x-amz-date", ""), "header"),
        headers.get("x-amz-security-token"),
    )


def _from_query(query: str) -> Signature:
    fields = {unquote(name): unquote(value) for name, _, value in (pair.partition("=") for pair in query.split("&"))}
    if fields.get("X-Amz-Algorithm") != ALGORITHM:
        raise IncompleteSignatureException(f"The signing algorithm must be {ALGORITHM}.")
    for name in ("Credential", "SignedHeaders", "Expires"):
        if not fields.get(f"X-Amz-{name}"):
            raise IncompleteSignatureException(f"AWS query-string parameters must include 'X-Amz-{name}'.")
    expires = fields["X-Amz-Expires"]
    if not re.fullmatch(r"[0-9]{1,6}", expires) or not 1 <= int(expires) <= MAX_EXPIRES:
        raise IncompleteSignatureException(f"X-Amz-Expires must be between 1 and {MAX_EXPIRES} seconds.")
    return Signature(
        *_scope(fields["X-Amz-Credential"]),
        tuple(fields["X-Amz-SignedHeaders"].lower().split(";")),
        fields.get("X-Amz-Signature", ""),
        _stamp(fields.get("X-Amz-Date", ""), "query parameter"),
        fields.get("X-Amz-Security-Token"),
        int(expires),
    )


def _scope(credential: str) -> tuple[str, str, str, str]:
    scope = credential.rsplit("/", 4)
    if len(scope) != 5 or scope[4] != "aws4_request" or not re.fullmatch(r"[0-9]{8}", scope[1]):
        raise IncompleteSignatureException("Credential must be KEY/YYYYMMDD/REGION/SERVICE/aws4_request.")
    return scope[0], scope[1], scope[2], scope[3]


def _stamp(stamp: str, where: str) -> str:
    try:
        if not _STAMP.fullmatch(stamp):
            raise ValueError
        datetime.fromisoformat(stamp)
    except ValueError:
        raise IncompleteSignatureException(f"The request needs a valid 'X-Amz-Date' {where}.") from None
    return stamp


def _check_time(claim: Signature, now: datetime) -> None:
    """Hold that it is neither too early nor too late for a signature."""
    if not claim.stamp.startswith(claim.date):
        raise InvalidSignatureException(f"Date in Credential scope does not match YYYYMMDD of {claim.stamp}.")
    signed_at = datetime.fromisoformat(claim.stamp)
    lifetime = timedelta(seconds=claim.expires) if claim.expires is not None else SKEW
    words = f"{claim.expires} sec" if claim.expires is not None else "15 min"
    if signed_at > now + SKEW:
        raise InvalidSignatureException(
            f"Signature not yet current: {claim.stamp} is still later than {_text(now + SKEW)} ({_text(now)} + 15 min.)"
        )
    if signed_at < now - lifetime:
        raise InvalidSignatureException(
            f"Signature expired: {claim.stamp} is now earlier than {_text(now - lifetime)} ({_text(now)} - {words}.)"
        )


def _text(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


def _body_digest(request: Request) -> str:
    digest = hashlib.sha256(request.body).hexdigest()
    if request.headers.get("x-amz-content-sha256", digest) != digest:
        raise InvalidSignatureException("The body's SHA-256 is not the one in 'X-Amz-Content-SHA256'.")
    return digest


def _check_signed_headers(request: Request, claim: Signature) -> None:
    signed = set(claim.signed_headers)
    needed = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    if unsigned := sorted(needed - signed):
        raise InvalidSignatureException(f"'{unsigned[0]}' must be a 'SignedHeader' in the AWS Authorization.")
    if absent := sorted(signed - request.headers.keys()):
        raise InvalidSignatureException(f"'{absent[0]}' is signed but was not sent.")
