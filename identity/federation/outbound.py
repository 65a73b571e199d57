"""The account as an identity provider: JWTs that say who a principal is, for services outside of AWS.

Source: AWS STS API Reference, GetWebIdentityToken; IAM User Guide, "Understanding token claims" of outbound identity
federation. The issuer is the endpoint itself, which publishes the keys under ``/.well-known/``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

import jwt
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lakelet.identity.errors import FeatureDisabled, FeatureEnabled, JWTPayloadSizeExceededException
from lakelet.identity.federation import store
from lakelet.identity.principals import Principal

NAMESPACE = "https://sts.amazonaws.com/"
ALGORITHMS = ("RS256", "ES384")
MAX_PAYLOAD = 16_384  # bytes
_NAME = "account"


def enable(connection: sa.Connection) -> None:
    """Let the account give tokens, with keys that are made the first time; FeatureEnabled."""
    found = store.find(connection, "outbound", _NAME)
    if found is None:
        store.create(connection, "outbound", _NAME, {"enabled": True, "keys": _new_keys()})
    elif found.body["enabled"]:
        raise FeatureEnabled("Outbound web identity federation is already enabled for this account.")
    else:
        store.change(connection, found, enabled=True)


def disable(connection: sa.Connection) -> None:
    """Give no more tokens; those that there are can be verified no more. FeatureDisabled."""
    store.change(connection, _enabled(connection), enabled=False)


def is_enabled(connection: sa.Connection) -> bool:
    """Whether the account gives tokens."""
    found = store.find(connection, "outbound", _NAME)
    return found is not None and bool(found.body["enabled"])


def published_keys(connection: sa.Connection) -> dict[str, Any]:
    """The public keys, as a JWK set; FeatureDisabled."""
    found = []
    for algorithm, key in _enabled(connection).body["keys"].items():
        public = load_pem_private_key(key["pem"].encode(), None).public_key()
        made = jwt.get_algorithm_by_name(algorithm).to_jwk(public)
        found.append({**json.loads(made), "kid": key["id"], "alg": algorithm, "use": "sig"})
    return {"keys": found}


def sign(connection: sa.Connection, claims: Mapping[str, Any], algorithm: str) -> str:
    """A JWT with those claims; FeatureDisabled, JWTPayloadSizeExceededException."""
    key = _enabled(connection).body["keys"][algorithm]
    size = len(json.dumps(claims).encode())
    if size > MAX_PAYLOAD:
        raise JWTPayloadSizeExceededException(f"The token's payload of {size} bytes is longer than {MAX_PAYLOAD}.")
    return jwt.encode(dict(claims), key["pem"], algorithm=algorithm, headers={"kid": key["id"]})


def claims_of(
    principal: Principal,
    region: str,
    principal_tags: Mapping[str, str],
    request_tags: Mapping[str, str],
) -> dict[str, Any]:
    """What a token says of a principal besides issuer, audience and times. Of a role's session, the role is meant."""
    told: dict[str, Any] = {
        "aws_account": principal.account,
        "source_region": region,
        "principal_id": principal.entity_arn,
    }
    if principal_tags:
        told["principal_tags"] = dict(principal_tags)
    if request_tags:
        told["request_tags"] = dict(request_tags)
    if principal.source_identity is not None:
        told["source_identity"] = principal.source_identity
    if principal.provider is not None:
        told["federated_provider"] = principal.provider
    return {"sub": principal.entity_arn, "jti": secrets.token_urlsafe(24), NAMESPACE: told}


def _enabled(connection: sa.Connection) -> store.Provider:
    found = store.find(connection, "outbound", _NAME)
    if found is None or not found.body["enabled"]:
        raise FeatureDisabled("Outbound web identity federation is not enabled for this account.")
    return found


def _new_keys() -> dict[str, dict[str, str]]:
    made: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {
        "RS256": rsa.generate_private_key(public_exponent=65_537, key_size=2048),
        "ES384": ec.generate_private_key(ec.SECP384R1()),
    }
    return {
        algorithm: {
            "id": secrets.token_hex(8),
            "pem": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        }
        for algorithm, key in made.items()
    }
