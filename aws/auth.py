"""Signature Version 4: every request proves that its sender holds a secret key of this workspace.

Source: AWS IAM User Guide, "AWS Signature Version 4 for API requests". The canonical request is computed again from
what arrived, so that a change of any signed header, of the query or of the body is noticed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from posixpath import normpath
from urllib.parse import quote, unquote

from aws.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from aws.protocol.http import Request
from identity.keys import AccessKey, find_key
from workspace.paths import Workspace

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=15)
_PART = re.compile(r"\s*([A-Za-z]+)=([^,\s]+)\s*")
_STAMP = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True)
class Signature:
    """What the Authorization header says."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


class Verifier:
    """Checks the signatures of requests to one workspace. ``clock`` gives the time in UTC."""

    def __init__(self, workspace: Workspace, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._workspace = workspace
        self._region = workspace.settings.text("region")
        self._clock = clock

    def verify(self, request: Request, service: str | None) -> AccessKey:
        """The key that signed the request.

        ``service`` is the signing name of the service that was called; None when there is no such service, so that
        any will do. Raises the subclass of :class:`~aws.errors.AuthenticationError` that says what does not hold.
        """
        claim = parse_authorization(request.headers.get("authorization", ""))
        key = find_key(self._workspace, claim.access_key_id)
        # A session token belongs to temporary credentials, of which there are none yet.
        if key is None or "x-amz-security-token" in request.headers:
            raise UnrecognizedClientException("The security token included in the request is invalid.")
        stamp = self._stamp(request, claim)
        if claim.region != self._region:
            raise InvalidSignatureException(f"Credential should be scoped to a valid region: '{self._region}'.")
        if service is not None and claim.service != service:
            raise InvalidSignatureException(f"Credential should be scoped to correct service: '{service}'.")
        _check_signed_headers(request, claim)
        scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
        digest = hashlib.sha256(canonical_request(request, claim.signed_headers)).hexdigest()
        to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode()
        signing_key = _signing_key(key.secret, claim.date, claim.region, claim.service)
        expected = hmac.new(signing_key, to_sign, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
            raise InvalidSignatureException(
                "The request signature we calculated does not match the signature you provided. "
                'Check your AWS Secret Access Key (`eval "$(lakelet env)"` sets it) and signing method.'
            )
        return key

    def _stamp(self, request: Request, claim: Signature) -> str:
        stamp = request.headers.get("x-amz-date", "")
        try:
            if not _STAMP.fullmatch(stamp):
                raise ValueError
            signed_at = datetime.fromisoformat(stamp)
        except ValueError:
            raise IncompleteSignatureException("The request needs a valid 'X-Amz-Date' header.") from None
        if not stamp.startswith(claim.date):
            raise InvalidSignatureException(f"Date in Credential scope does not match YYYYMMDD of {stamp}.")
        now = self._clock()
        if abs(now - signed_at) > SKEW:
            relation = "expired: it is earlier" if signed_at < now else "not yet current: it is later"
            raise InvalidSignatureException(
                f"Signature {relation} than the server's time {now:%Y%m%dT%H%M%SZ} by more than 15 minutes: {stamp}."
            )
        return stamp


def parse_authorization(header: str) -> Signature:
    """Read an Authorization header; raises MissingAuthenticationTokenException, IncompleteSignatureException."""
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
    scope = parts["Credential"].rsplit("/", 4)
    if len(scope) != 5 or scope[4] != "aws4_request" or not re.fullmatch(r"\d{8}", scope[1]):
        raise IncompleteSignatureException("Credential must be KEY/YYYYMMDD/REGION/SERVICE/aws4_request.")
    headers = tuple(parts["SignedHeaders"].lower().split(";"))
    return Signature(scope[0], scope[1], scope[2], scope[3], headers, parts["Signature"])


def canonical_request(request: Request, signed_headers: tuple[str, ...]) -> bytes:
    """The text that is hashed and signed: method, path, query, signed headers and the body's hash, in one form.

    Raises InvalidSignatureException when the body is not the one whose hash was sent.
    """
    digest = hashlib.sha256(request.body).hexdigest()
    if request.headers.get("x-amz-content-sha256", digest) != digest:
        raise InvalidSignatureException("The body's SHA-256 is not the one in 'X-Amz-Content-SHA256'.")
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in signed_headers)
    return "\n".join(
        (
            request.method,
            _canonical_path(request.path),
            _canonical_query(request.query),
            headers,
            ";".join(signed_headers),
            digest,
        )
    ).encode("utf-8", "surrogateescape")


def _check_signed_headers(request: Request, claim: Signature) -> None:
    signed = set(claim.signed_headers)
    needed = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    if unsigned := sorted(needed - signed):
        raise InvalidSignatureException(f"'{unsigned[0]}' must be a 'SignedHeader' in the AWS Authorization.")
    if absent := sorted(signed - request.headers.keys()):
        raise InvalidSignatureException(f"'{absent[0]}' is signed but was not sent.")


def _canonical_path(path: str) -> str:
    clean = "/" + normpath(path).lstrip("/") if path.strip("/") else "/"
    return quote(clean + ("/" if path.endswith("/") and clean != "/" else ""), safe="/~")


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = (pair.partition("=")[::2] for pair in query.split("&") if pair)
    encoded = sorted((quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


@lru_cache(maxsize=64)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
