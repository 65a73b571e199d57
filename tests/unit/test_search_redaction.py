"""What leaves for the log index: no secret of ours, nothing that looks like anyone else's, and all the rest."""

from __future__ import annotations

import time

import pytest

from lakelet.search.redaction import clean

HIDDEN = "s3cr3tValue+/1234"


@pytest.mark.parametrize(
    "text",
    [
        f"export AWS_SECRET_ACCESS_KEY={HIDDEN}",
        f"fs.s3a.secret.key = {HIDDEN}",
        f'{{"SecretAccessKey": "{HIDDEN}", "Expiration": 1}}',
        f"spark.authenticate.secret={HIDDEN}",
        f"password: {HIDDEN}",
        f"Authorization: Bearer {HIDDEN}abc",
        f"X-Amz-Security-Token={HIDDEN}",
        f"opening postgresql://lake:{HIDDEN[:12]}@db/lake",
        f"api_key='{HIDDEN}'",
        f"-----BEGIN RSA PRIVATE KEY-----\n{HIDDEN}\n-----END RSA PRIVATE KEY-----",
        "Authorization=AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=" + "ab12" * 16,
    ],
)
def test_what_looks_like_a_secret_does_not_leave(text: str) -> None:
    cleaned = clean(text, [])
    assert "[redacted]" in cleaned
    assert HIDDEN[:12] not in cleaned and "ab12ab12" not in cleaned


def test_our_own_secrets_do_not_leave_wherever_they_stand() -> None:
    assert clean("a url http://x/?k=deadbeef01&y", ["deadbeef01"]) == "a url http://x/?k=[redacted]&y"


@pytest.mark.parametrize(
    "text",
    [
        "26/11/24 INFO SecurityManager: authentication enabled; ui acls disabled",
        "336776 rows in s3://gold/flights/month=1/part-0.parquet",
        "Access key AKIAIOSFODNN7EXAMPLE is unknown",
        "http://127.0.0.1:4040/jobs and user@host",
    ],
)
def test_ordinary_lines_stay_as_they_are(text: str) -> None:
    assert clean(text, []) == text


def test_hostile_text_is_quick() -> None:
    began = time.monotonic()
    for piece in ("token", "a", "a.", "secret=", "bearer ", "a://", "://:", "-----BEGIN PRIVATE KEY-----", " = "):
        clean(piece * (65_536 // len(piece)), [])
    assert time.monotonic() - began < 20  # a pattern that backtracks takes hours
