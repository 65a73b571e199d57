"""Signatures: what is not signed by this workspace's key, for this request, here and now, is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from aws.auth import Verifier
from aws.errors import AuthenticationError, InvalidSignatureException
from aws.protocol.http import Request
from tests.wire.conftest import Wire
from tests.wire.requests import code, send, signed


def test_a_signed_request_is_served(wire: Wire) -> None:
    answer = send(wire, signed(wire))
    assert answer.status_code == 200 and "DatabaseList" in answer.json() and answer.headers["x-amzn-requestid"]


def test_an_unsigned_request_is_refused(wire: Wire) -> None:
    answer = httpx.post(wire.url, headers={"X-Amz-Target": "AWSGlue.GetDatabases"}, content=b"{}")
    assert (answer.status_code, code(answer)) == (403, "MissingAuthenticationTokenException")


@pytest.mark.parametrize(
    ("signing", "expected"),
    [
        ({"key": "AKIAUNKNOWN"}, "UnrecognizedClientException"),
        ({"secret_key": "wrong"}, "InvalidSignatureException"),
        ({"region": "eu-west-1"}, "InvalidSignatureException"),
        ({"service": "s3"}, "InvalidSignatureException"),
        ({"headers": {"X-Amz-Security-Token": "t"}}, "UnrecognizedClientException"),
    ],
)
def test_a_foreign_key_region_or_service_is_refused(wire: Wire, signing: dict[str, str], expected: str) -> None:
    answer = send(wire, signed(wire, **signing))
    assert (answer.status_code, code(answer)) == (403, expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"body": b'{"MaxResults": 1}'},
        {"headers": {"X-Amz-Target": "AWSGlue.GetDatabase"}},
        {"headers": {"X-Amz-Date": datetime.now(UTC).strftime("%Y%m%dT000000Z")}},
        {"headers": {"X-Amz-Extra": "not signed"}},
        {"headers": {"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}},
    ],
)
def test_what_was_changed_after_signing_is_refused(wire: Wire, changes: dict[str, object]) -> None:
    answer = send(wire, signed(wire), **changes)
    assert (answer.status_code, code(answer)) == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    "header",
    [
        "nonsense", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=k/20240101/r/s/aws4_request, Signature=0",
        "Bearer x", "AWS4-HMAC-SHA256 " + "=," * 99,
    ],
)  # fmt: skip
def test_an_unreadable_signature_is_refused(wire: Wire, header: str) -> None:
    answer = send(wire, signed(wire), headers={"Authorization": header})
    assert (answer.status_code, code(answer)) == (400, "IncompleteSignatureException")


def test_a_signature_without_a_date_is_refused(wire: Wire) -> None:
    assert code(send(wire, signed(wire), headers={"X-Amz-Date": None})) == "IncompleteSignatureException"


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_signature_is_good_for_a_quarter_of_an_hour(wire: Wire, minutes: int) -> None:
    made = signed(wire)
    headers = {name.lower(): value for name, value in made.headers.items()} | {"host": wire.url.removeprefix("http://")}
    request = Request("POST", "/", "", headers, made.body)
    assert Verifier(wire.workspace).verify(request, "glue")
    late = Verifier(wire.workspace, lambda: datetime.now(UTC) + timedelta(minutes=minutes))
    with pytest.raises(InvalidSignatureException, match=r"15 minutes|Date in Credential scope"):
        late.verify(request, "glue")


def test_query_strings_are_part_of_the_signature(wire: Wire) -> None:
    sts = {"target": "", "service": "sts", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    stranger = send(wire, signed(wire, body=body, path="/?b=2&a=%C3%A9%20x", **sts))
    assert stranger.status_code == 501 and "does not take a, b" in stranger.text  # believed, then refused by name
    answer = send(wire, signed(wire, body=body, **sts))
    assert answer.status_code == 200 and "<Account>123456789012</Account>" in answer.text
    tampered = send(wire, signed(wire, body=body, **sts), body=body + b"&x=1")
    assert tampered.status_code == 403 and "<Code>SignatureDoesNotMatch</Code>" in tampered.text


def test_sdks_see_typed_errors(wire: Wire) -> None:
    keys = {"aws_access_key_id": "AKIAX", "aws_secret_access_key": "x"}
    for service, call, expected in (
        ("glue", "get_databases", "UnrecognizedClientException"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
    ):
        client = boto3.client(service, endpoint_url=wire.url, region_name="us-east-1", **keys)
        with pytest.raises(ClientError) as caught:
            getattr(client, call)()
        assert caught.value.response["Error"]["Code"] == expected


def test_every_authentication_error_has_its_test() -> None:
    """Each refusal above is one that exists, and each that exists is refused above."""
    text = Path(__file__).read_text()
    assert {kind.__name__ for kind in AuthenticationError.__subclasses__()} <= set(re.findall(r"\w+Exception", text))
