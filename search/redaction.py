"""Secrets out of log text, before it leaves the machine's private folder for an index that anyone may search."""

from __future__ import annotations

import re

from lakelet.workspace.secrets import redact

REDACTED = "[redacted]"

# Every repetition is bounded: a log line may be 32 KB of anything, and must not make a pattern backtrack for minutes.
# A name that promises a secret, then "=" or ":" (JSON's quotes allowed), then the value.
_NAMED = re.compile(
    r"""(?ix) (?P<name> (?: secret | passw(?:or)?d | token | api[_-]?key | private[_-]?key ) [\w.-]{0,40} ["']?
        \s{0,3} [=:] \s{0,3} (?: (?:bearer|basic) \s{1,3} )? ["']? )
        (?! \[redacted\] ) [^\s"',;&)}\]]{4,512}"""
)
_KEY = re.compile(
    r"(?s)(?P<name>-----BEGIN [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----)"
    r".*?(?:-----END [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----|\Z)"
)
_SHAPED = (
    re.compile(r"(?i)(?P<name>\b(?:bearer|basic)\s{1,3})[A-Za-z0-9._~+/=-]{8,2048}"),
    re.compile(r"(?i)(?P<name>\b(?:X-Amz-)?Signature=)[0-9a-f]{16,128}"),
    re.compile(r"(?P<name>\b[a-z][a-z0-9+.-]{0,20}://[^\s:/@]{0,64}:)[^\s@/]{1,256}(?=@)"),
)


def clean(text: str, secrets: list[str]) -> str:
    """``text`` without the workspace's own ``secrets``, and without what looks like anyone else's.

    Recognised are ``name=value`` pairs whose name speaks of a secret, bearer and basic credentials, request
    signatures, passwords in URLs, and private keys.
    """
    text = redact(text, secrets)
    for pattern in (_KEY, _NAMED, *_SHAPED):  # keys first: "private_key: -----BEGIN" is also a name and its value
        text = pattern.sub(rf"\g<name>{REDACTED}", text)
    return text
