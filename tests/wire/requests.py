"""Requests made by hand, signed by botocore, for what boto3 itself would refuse to send."""

from __future__ import annotations

import json
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lakelet.workspace.secrets import secret
from tests.wire.conftest import Wire

JSON = "application/x-amz-json-1.1"


def signed(
    wire: Wire,
    target: str = "AWSGlue.GetDatabases",
    body: Any = b"{}",
    *,
    region: str = "us-east-1",
    service: str = "glue",
    key: str | None = None,
    secret_key: str | None = None,
    headers: dict[str, str] | None = None,
    path: str = "/",
) -> AWSRequest:
    """A signed request; ``body`` is bytes, or a value for JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": JSON} | ({"X-Amz-Target": target} if target else {}) | (headers or {})
    request = AWSRequest("POST", wire.url + path, headers=sent, data=data)
    pair = Credentials(key or secret(wire.workspace, "access_key"), secret_key or secret(wire.workspace, "secret_key"))
    SigV4Auth(pair, service, region).add_auth(request)
    return request


def send(wire: Wire, request: AWSRequest, **changes: Any) -> httpx.Response:
    """Send a request; ``changes`` replace parts of it after it was signed."""
    headers = dict(request.headers) | changes.get("headers", {})
    headers = {name: value for name, value in headers.items() if value is not None}
    return httpx.post(request.url, headers=headers, content=changes.get("body", request.body), timeout=60)


def code(response: httpx.Response) -> str:
    """The error code of a JSON answer."""
    return str(response.json()["__type"])
