"""Web identity tokens: JWTs of OpenID Connect providers, believed when a key that the provider publishes signed them.

Source: AWS IAM User Guide, "OIDC federation" and "IAM and AWS STS condition context keys"; OpenID Connect Discovery
1.0. Where AWS wants https, ``http`` is taken too on the loopback address, for providers of one's own machine.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import jwt

from lakelet.identity.errors import ExpiredIdentityToken, IDPCommunicationError, InvalidIdentityToken

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FETCH_SECONDS = 5
MAX_DOCUMENT = 256 * 1024  # bytes
KEYS_SECONDS = 300  # how long keys are kept; a token with a key that is not among them has them fetched again
REFETCH_SECONDS = 10
SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"
TAGS = "https://aws.amazon.com/tags"


@dataclass(frozen=True)
class WebIdentity:
    """What a token says, once it is believed. ``tags`` are session tags, ``keys`` condition keys in lower case."""

    issuer: str
    subject: str
    audience: str
    source_identity: str | None
    tags: tuple[tuple[str, str], ...]
    transitive: tuple[str, ...]
    keys: dict[str, tuple[str, ...]]


def may_issue(url: str) -> bool:
    """Whether a URL can be a provider's: https, or http on the loopback address, without query or fragment."""
    try:
        address = urlsplit(url)
        local = address.hostname in LOOPBACK
        address.port  # noqa: B018  # a port that is no number
    except ValueError:
        return False
    plain = not (address.query or address.fragment or address.username)
    return bool(address.hostname) and plain and (address.scheme == "https" or (address.scheme == "http" and local))


def name_of(url: str) -> str:
    """A provider's URL without its scheme, as ARNs and condition keys have it."""
    return url.partition("://")[2].rstrip("/")


def issuer_of(token: str) -> str:
    """Who a token says that it is from, not yet believed; InvalidIdentityToken."""
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise InvalidIdentityToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an "
                                   "Access Token)") from None  # fmt: skip
    if not isinstance(issuer, str) or not may_issue(issuer):
        raise InvalidIdentityToken("Couldn't retrieve verification key from your identity provider, please reference "
                                   "AssumeRoleWithWebIdentity documentation for requirements")  # fmt: skip
    return issuer


def verify(token: str, client_ids: list[str], keys: Keys) -> WebIdentity:
    """What a token says, when its issuer signed it, for one of the ``client_ids``, and it is not over.

    Raises InvalidIdentityToken, ExpiredIdentityToken, IDPCommunicationError.
    """
    issuer = issuer_of(token)
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise InvalidIdentityToken(f"The token's alg is {header.get('alg')!r}, none of {', '.join(ALGORITHMS)}.")
        key = keys.find(issuer, header.get("kid"), str(header["alg"]))
        claims = jwt.decode(
            token,
            key.key,
            algorithms=[str(header["alg"])],
            issuer=issuer,
            options={"require": ["exp", "iat", "iss", "aud", "sub"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError:
        raise ExpiredIdentityToken("Token expired: get a new one from the identity provider.") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise InvalidIdentityToken(f"The token cannot be believed: {str(error)[:200]}.") from None
    return _identity(issuer, claims, client_ids)


def _identity(issuer: str, claims: Mapping[str, Any], client_ids: list[str]) -> WebIdentity:
    listed = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    party = claims.get("azp")
    audiences = [party] if isinstance(party, str) else [one for one in listed if isinstance(one, str)]
    audience = next((one for one in audiences if one in client_ids), None)
    if audience is None:
        raise InvalidIdentityToken("Incorrect token audience")
    name = name_of(issuer).lower()
    keys: dict[str, tuple[str, ...]] = {f"{name}:aud": (audience,), f"{name}:sub": (str(claims["sub"]),)}
    if isinstance(party, str):
        keys[f"{name}:oaud"] = tuple(str(one) for one in listed)
    if isinstance(claims.get("amr"), list):
        keys[f"{name}:amr"] = tuple(str(one) for one in claims["amr"])
    source = claims.get(SOURCE_IDENTITY)
    tags, transitive = _tags(claims.get(TAGS))
    return WebIdentity(
        issuer, str(claims["sub"]), audience, str(source) if source is not None else None, tags, transitive, keys
    )


def _tags(claim: Any) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Session tags, and the keys of the transitive ones, as a token's claim has them."""
    if claim is None:
        return (), ()
    try:
        tags = tuple((str(key), str(value)) for key, (value,) in claim.get("principal_tags", {}).items())
        return tags, tuple(str(key) for key in claim.get("transitive_tag_keys", ()))
    except (AttributeError, TypeError, ValueError):
        raise InvalidIdentityToken(f"The token's claim {TAGS} is not of the form that AWS documents.") from None


class Keys:
    """The keys that providers publish, kept for a while."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[str, tuple[float, jwt.PyJWKSet]] = {}

    def find(self, issuer: str, key_id: Any, algorithm: str) -> jwt.PyJWK:
        """A provider's key by id, or its only one; InvalidIdentityToken, IDPCommunicationError."""
        for again in (False, True):
            for key in self._published(issuer, again):
                if (key_id is None or key.key_id == key_id) and key.algorithm_name[:2] == algorithm[:2]:
                    return key
        raise InvalidIdentityToken("Couldn't retrieve verification key from your identity provider, please reference "
                                   "AssumeRoleWithWebIdentity documentation for requirements")  # fmt: skip

    def _published(self, issuer: str, again: bool) -> list[jwt.PyJWK]:
        with self._lock:
            kept = self._found.get(issuer)
        if kept is None or monotonic() - kept[0] > (REFETCH_SECONDS if again else KEYS_SECONDS):
            kept = (monotonic(), _fetch_keys(issuer))
            with self._lock:
                self._found[issuer] = kept
        return list(kept[1].keys)


def _fetch_keys(issuer: str) -> jwt.PyJWKSet:
    found = _fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    address = found.get("jwks_uri")
    if found.get("issuer") != issuer or not isinstance(address, str) or not may_issue(address):
        raise InvalidIdentityToken(f"The discovery document of {issuer} is not its own, or has no jwks_uri.")
    try:
        return jwt.PyJWKSet.from_dict(_fetch(address))
    except jwt.PyJWTError as error:
        raise InvalidIdentityToken(f"The keys at {address} cannot be read: {str(error)[:200]}.") from None


def _fetch(url: str) -> dict[str, Any]:
    """A JSON object; IDPCommunicationError when it cannot be had."""
    local = urlsplit(url).hostname in LOOPBACK
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if local else []), _NoRedirects())
    try:
        with opener.open(url, timeout=FETCH_SECONDS) as answer:
            found = json.loads(answer.read(MAX_DOCUMENT))
    except (OSError, ValueError, RecursionError) as error:
        raise IDPCommunicationError(f"The identity provider does not answer with JSON at {url}: {error}.") from None
    if not isinstance(found, dict):
        raise IDPCommunicationError(f"The identity provider's answer at {url} is no JSON object.")
    return found


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A provider is asked where it said, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None
