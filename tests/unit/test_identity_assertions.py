"""What strangers write, bent in every way: tokens and assertions say what was signed, or a refusal by name."""

from __future__ import annotations

import base64
import contextlib
import json
import random
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from lakelet.identity.errors import ExpiredIdentityToken, IDPRejectedClaim, InvalidIdentityToken, InvalidInput
from lakelet.identity.federation import oidc, saml
from lakelet.workspace.errors import ServiceError
from tests.wire.test_saml import AWS, Provider

REFUSALS = (InvalidIdentityToken, ExpiredIdentityToken, IDPRejectedClaim)
PIECES = (b"<", b">", b"</", b'"', b"&amp;", b"&x;", b"<!-- -->", b"<![CDATA[", b"\x00", b"\xff", b" ", b"saml:", b"ID")
ISSUER = "http://127.0.0.1:1"


def bent(dice: random.Random, whole: bytes) -> bytes:
    """The bytes with a piece cut out, doubled, swapped with another, or replaced by an odd one."""
    start = dice.randrange(len(whole))
    end = min(len(whole), start + dice.choice((1, 2, 10, 200)))
    match dice.randrange(4):
        case 0:
            return whole[:start] + whole[end:]
        case 1:
            return whole[:end] + whole[start:end] + whole[end:]
        case 2:
            there = dice.randrange(len(whole))
            return whole[:start] + whole[there : there + end - start] + whole[end:]
        case _:
            return whole[:start] + dice.choice(PIECES) + whole[end:]


@pytest.mark.parametrize("sign", ["assertion", "response"])
def test_no_bent_response_says_anything_else(sign: str) -> None:
    provider = Provider()
    metadata = saml.read_metadata(provider.metadata())
    whole = base64.b64decode(provider.response(sign, SourceIdentity="mia", **{"PrincipalTag:team": "lake"}))
    right = saml.verify(base64.b64encode(whole).decode(), metadata, "123456789012", "idp", f"{AWS}x")
    dice, passed = random.Random(sign), 0
    for _ in range(600):
        text = base64.b64encode(bent(dice, whole)).decode()
        try:
            assert saml.verify(text, metadata, "123456789012", "idp", f"{AWS}x") == right
            passed += 1
        except REFUSALS:
            pass
    assert passed < 300  # what is not signed (the response around an assertion) may be bent


def test_metadata_that_is_bent_is_read_or_refused() -> None:
    whole, dice = Provider().metadata().encode(), random.Random("metadata")
    for _ in range(400):
        try:
            saml.read_metadata(bent(dice, whole).decode("utf-8", "replace"))
        except InvalidInput as error:
            assert "Could not parse metadata" in str(error)


class _Published(oidc.Keys):
    """Keys that need no fetching."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        super().__init__()
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
        self._set = jwt.PyJWKSet.from_dict({"keys": [{**public, "kid": "one"}]})

    def _published(self, issuer: str, again: bool) -> list[jwt.PyJWK]:
        return list(self._set.keys)


def test_no_bent_token_says_anything_else() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = int(time.time())
    claims: dict[str, Any] = {"iss": ISSUER, "aud": ["app"], "sub": "mia", "iat": now, "exp": now + 600}
    whole = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "one"})
    keys = _Published(key)
    right = oidc.verify(whole, ["app"], keys)
    assert right.keys == {"127.0.0.1:1:aud": ("app",), "127.0.0.1:1:sub": ("mia",)}
    dice = random.Random("token")
    for _ in range(1000):
        text = bent(dice, whole.encode()).decode("latin-1")
        with contextlib.suppress(REFUSALS):
            assert oidc.verify(text, ["app"], keys) == right


@pytest.mark.parametrize(
    "claim",
    [
        {"aud": 1}, {"aud": [1]}, {"aud": {}}, {"sub": 1}, {"sub": ["mia"]}, {"exp": "soon"}, {"exp": 1e400},
        {"azp": 1, "aud": "no"}, {oidc.TAGS: []}, {oidc.TAGS: {"principal_tags": 1}}, {"iat": None}, {"nbf": 10**12},
        {oidc.TAGS: {"principal_tags": {"a": ["1", "2"]}}},
    ],
    ids=str,
)  # fmt: skip
def test_odd_claims(claim: dict[str, Any]) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "app", "sub": "mia", "iat": now, "exp": now + 600, **claim}
    token = jwt.api_jws.encode(json.dumps(claims).encode(), key, algorithm="RS256", headers={"kid": "one"})
    with pytest.raises(ServiceError) as caught:
        oidc.verify(token, ["app"], _Published(key))
    assert isinstance(caught.value, REFUSALS)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://idp.example.org", True), ("https://idp.example.org:8443/realm", True),
        ("http://127.0.0.1:8080", True), ("http://localhost/x", True),
        ("http://[::1]:1", True), ("http://idp.example.org", False), ("https://", False),
        ("https://a?b=1", False), ("https://a#b", False), ("https://u@a", False), ("file:///etc/passwd", False),
        ("http://127.0.0.1.example.org", False), ("http://[", False), ("", False), ("https://a:x", False),
    ],
)  # fmt: skip
def test_who_may_issue_tokens(url: str, good: bool) -> None:
    assert oidc.may_issue(url) is good
