"""Signature Version 4: the arithmetic, which those who sign requests and the one who verifies them share.

Source: AWS IAM User Guide, "AWS Signature Version 4 for API requests".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from posixpath import normpath
from urllib.parse import quote, unquote

from lakelet.identity.keys import AccessKey

ALGORITHM = "AWS4-HMAC-SHA256"


def signed_headers(
    key: AccessKey, region: str, service: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> dict[str, str]:
    """The headers of a POST, with its date and its Authorization. ``headers`` are in lower case and hold ``host``;
    ``now`` is in UTC.
    """
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    signing = dict(sorted({**headers, "x-amz-date": stamp}.items()))
    canonical = canonical_request("POST", path, "", signing, tuple(signing), hashlib.sha256(body).hexdigest())
    proof = signature(key.secret, stamp, region, service, canonical)
    scope = f"{key.id}/{stamp[:8]}/{region}/{service}/aws4_request"
    value = f"{ALGORITHM} Credential={scope}, SignedHeaders={';'.join(signing)}, Signature={proof}"
    return {**signing, "authorization": value}


def canonical_request(
    method: str, path: str, query: str, headers: Mapping[str, str], signed: Sequence[str], body_digest: str
) -> bytes:
    """The text that is hashed and signed: method, path, query, signed headers and the body's SHA-256, in one form.

    ``path`` and ``query`` are percent-encoded; ``headers`` have their names in lower case.
    """
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in signed)
    parts = (method, _canonical_path(path), _canonical_query(query), lines, ";".join(signed), body_digest)
    return "\n".join(parts).encode("utf-8", "surrogateescape")


def signature(secret: str, stamp: str, region: str, service: str, canonical: bytes) -> str:
    """The signature of a canonical request, in hexadecimal; ``stamp`` is X-Amz-Date's value."""
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}".encode()
    return hmac.new(_signing_key(secret, stamp[:8], region, service), to_sign, hashlib.sha256).hexdigest()


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
