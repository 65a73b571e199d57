"""Signatures: what is not signed by this workspace's key, for this request, here and now, is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from lakelet.aws.auth import Verifier, read_signature
from lakelet.aws.errors import (
    AuthenticationError,
    ExpiredTokenException,
    InvalidSignatureException,
    UnrecognizedClientException,
)
from lakelet.aws.protocol.http import Request
from lakelet.identity.principals import Credential, digest, root
from lakelet.workspace.secrets import secret
from tests.wire.conftest import Wire
from tests.wire.requests import code, send, signed


def received(wire: Wire, made: AWSRequest) -> Request:
    """A request that was made by hand, as the wire gets it."""
    headers = {name.lower(): value for name, value in made.headers.items()} | {"host": wire.url.removeprefix("http://")}
    return Request("POST", "/", "", headers, made.body)


def root_credential(wire: Wire) -> Callable[[str], Credential | None]:
    """The lookup of a workspace that has no key but its own."""
    key = secret(wire.workspace, "access_key")
    held = Credential(key, secret(wire.workspace, "secret_key"), root("123456789012"))
    return lambda name: held if name == key else None


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
        ({"region": "eu-nowhere-1"}, "InvalidSignatureException"),
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


@pytest.mark.parametrize(("minutes", "said"), [(-16, "not yet current"), (16, "expired")])
def test_a_signature_is_good_for_a_quarter_of_an_hour(wire: Wire, minutes: int, said: str) -> None:
    request = received(wire, signed(wire))
    claim = read_signature(request)
    assert Verifier("us-east-1", root_credential(wire)).verify(request, claim, "glue").principal.kind == "root"
    late = Verifier("us-east-1", root_credential(wire), lambda: datetime.now(UTC) + timedelta(minutes=minutes))
    with pytest.raises(InvalidSignatureException, match=rf"{said}.*15 min|Date in Credential scope"):
        late.verify(request, claim, "glue")


def test_temporary_credentials_need_their_token_and_end(wire: Wire) -> None:
    key, secret_key, now = "ASIATEMPORARY", "s", datetime.now(UTC).timestamp()

    def verify(token: str | None, expires_at: float) -> str:
        held = Credential(key, secret_key, root("123456789012"), digest("the token"), expires_at)
        headers = {"X-Amz-Security-Token": token} if token else {}
        request = received(wire, signed(wire, key=key, secret_key=secret_key, headers=headers))
        verifier = Verifier("us-east-1", lambda name: held if name == key else None)
        return verifier.verify(request, read_signature(request), "glue").access_key_id

    assert verify("the token", now + 60) == key
    for token in (None, "another"):
        with pytest.raises(UnrecognizedClientException):
            verify(token, now + 60)
    with pytest.raises(ExpiredTokenException):
        verify("the token", now - 1)


def presigned(wire: Wire, expires: int = 60, at: timedelta = timedelta()) -> str:
    """A presigned GetCallerIdentity, as tools hand them on to prove who they are; signed ``at`` from now."""
    keys = Credentials(secret(wire.workspace, "access_key"), secret(wire.workspace, "secret_key"))
    request = AWSRequest("GET", f"{wire.url}/?Action=GetCallerIdentity&Version=2011-06-15")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: datetime.now(UTC).replace(tzinfo=None) + at)
        SigV4QueryAuth(keys, "sts", "us-east-1", expires).add_auth(request)
    return str(request.url)


def test_a_presigned_request_is_served(wire: Wire) -> None:
    answer = httpx.get(presigned(wire))
    assert answer.status_code == 200 and "<Account>123456789012</Account>" in answer.text
    url = wire.client("sts").generate_presigned_url("get_caller_identity")
    answer = httpx.post(url)
    assert answer.status_code == 200 and "<Account>123456789012</Account>" in answer.text


def test_a_presigned_request_ends(wire: Wire) -> None:
    assert httpx.get(presigned(wire, 3600, -timedelta(minutes=50))).status_code == 200
    answer = httpx.get(presigned(wire, 60, -timedelta(seconds=90)))
    assert answer.status_code == 403 and "Signature expired" in answer.text and "SignatureDoesNotMatch" in answer.text
    answer = httpx.get(presigned(wire, 60, timedelta(minutes=16)))
    assert answer.status_code == 403 and "not yet current" in answer.text


@pytest.mark.parametrize(
    ("old", "new", "status", "expected"),
    [
        ("Action=GetCallerIdentity", "Action=GetSessionToken", 403, "SignatureDoesNotMatch"),
        ("X-Amz-Expires=60", "X-Amz-Expires=600", 403, "SignatureDoesNotMatch"),
        ("X-Amz-Expires=60", "X-Amz-Expires=604801", 400, "IncompleteSignature"),
        ("X-Amz-Expires=60", "X-Amz-Expires=-1", 400, "IncompleteSignature"),
        ("X-Amz-Expires=60&", "", 400, "IncompleteSignature"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=", 400, "IncompleteSignature"),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=none", 400, "IncompleteSignature"),
        ("us-east-1", "eu-west-1", 403, "SignatureDoesNotMatch"),
        ("%2Fsts%2F", "%2Fglue%2F", 403, "SignatureDoesNotMatch"),
        ("X-Amz-Signature=", "X-Amz-Security-Token=t&X-Amz-Signature=", 403, "InvalidClientTokenId"),
    ],
)
def test_a_presigned_request_that_was_changed_is_refused(
    wire: Wire, old: str, new: str, status: int, expected: str
) -> None:
    answer = httpx.get(presigned(wire).replace(old, new))
    assert answer.status_code == status and f"<Code>{expected}</Code>" in answer.text


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
