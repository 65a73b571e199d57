"""S3 on the endpoint's own port: requests stream through to the object store, which checks their signature itself.

Nothing is read ahead and nothing is changed: the signature covers Host, so the client's own Host goes along. A slow
side slows the other down. What is S3 is told by the signature alone, never by the path.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from starlette.types import Receive, Scope, Send

from lakelet.aws.s3_connection import Connection, Head
from lakelet.workspace.errors import StackError

log = logging.getLogger("lakelet.aws")

_HEADER = re.compile(rb"AWS4-HMAC-SHA256.*/s3/aws4_request|AWS [^:]+:")
_QUERY = re.compile(rb"X-Amz-Credential=[^&]*(?:/|%2[Ff])s3(?:/|%2[Ff])aws4_request|(?:^|&)AWSAccessKeyId=")
_KEY = re.compile(rb"(?:Credential=|^AWS )([^/:,\s]+)")
# In us-east-1 to create a bucket of one's own again succeeds (S3 API Reference, CreateBucket).
_US_EAST_1 = re.compile(rb"/us-east-1/s3/aws4_request|%2[Ff]us-east-1%2[Ff]s3%2[Ff]aws4_request")
_OWN_BUCKET = b"<Code>BucketAlreadyOwnedByYou</Code>"
_MAX_ERROR = 64 * 1024  # bytes; MinIO's errors have less than one KiB
_QUERY_KEY = re.compile(rb"(?:X-Amz-Credential|AWSAccessKeyId)=([A-Za-z0-9]+)")
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
_OURS = frozenset((b"date", b"server"))  # which the web server writes itself
IDLE_SECONDS = 10.0  # shorter than MinIO keeps an idle connection
CONNECT_SECONDS = 5.0


def is_s3(scope: Scope) -> bool:
    """Whether a request is signed for S3: by header, by query (Signature Version 4, or 2, which only S3 has), or in
    the fields of a browser's form."""
    form = False
    for name, value in scope["headers"]:
        if name == b"authorization":
            return _HEADER.match(value) is not None and not _is_json(scope)
        form = form or (name == b"content-type" and value.startswith(b"multipart/form-data"))
    return _QUERY.search(scope["query_string"]) is not None or (form and scope["method"] == "POST")


def _is_json(scope: Scope) -> bool:
    return any(name in (b"x-amz-target", b"smithy-protocol") for name, _ in scope["headers"])


def _access_key(scope: Scope) -> str:
    """The access key id that a request names, empty when it cannot be told."""
    header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    found = _KEY.search(header) or _QUERY_KEY.search(scope["query_string"])
    return found[1].decode("latin-1") if found else ""


class S3Proxy:
    """Passes requests on to the object store at ``endpoint()``; an ASGI application.

    ``refusal`` gives the sentence for an access key that the store cannot be given, which is answered at once.
    """

    def __init__(self, endpoint: Callable[[], str], refusal: Callable[[str], str | None] = lambda _: None) -> None:
        self._endpoint = endpoint
        self._refusal = refusal
        self._idle: list[tuple[float, str, Connection]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (reason := self._refusal(_access_key(scope))) is not None:
            await _refuse(scope, send, 501, "NotImplemented", reason)
            return
        try:
            endpoint = self._endpoint()
            connection = await self._connect(endpoint)
        except (OSError, StackError, TimeoutError):
            await _unavailable(scope, send)
            return
        done = False
        try:
            done = await _Exchange(connection, scope, receive, send).run()
        finally:
            if done and connection.reusable:
                self._idle.append((asyncio.get_running_loop().time(), endpoint, connection))
            else:
                connection.abort()

    async def _connect(self, endpoint: str) -> Connection:
        now = asyncio.get_running_loop().time()
        while self._idle:
            since, where, connection = self._idle.pop()
            if connection.reusable and where == endpoint and now - since < IDLE_SECONDS:
                return connection
            connection.abort()
        address = urlsplit(endpoint)
        secure = address.scheme == "https"
        port = address.port or (443 if secure else 80)
        opening = asyncio.get_running_loop().create_connection(
            Connection,
            address.hostname or "127.0.0.1",
            port,
            ssl=ssl.create_default_context() if secure else None,
        )
        _, connection = await asyncio.wait_for(opening, CONNECT_SECONDS)
        return connection


class _Exchange:
    """One request and its answer on a connection that is ours alone for so long."""

    def __init__(self, connection: Connection, scope: Scope, receive: Receive, send: Send) -> None:
        self._connection = connection
        self._scope = scope
        self._receive = receive
        self._send = send
        self._started = False

    async def run(self) -> bool:
        """Returns whether request and answer were passed on whole, so that the connection can serve another."""
        try:
            head, chunked, waits = _request_head(self._scope)
            self._connection.begin(self._scope["method"])
            self._connection.write(head)
            if waits:
                await self._connection.go_ahead()
            whole = await self._upload(chunked)
            if whole is None:
                return False
            return await self._download(whole, waits) and whole
        except ConnectionError as error:
            if self._started:  # the web server closes the client's connection: it must see the answer cut short
                log.warning("an answer of the object store was cut short: %s", error)
                return False
            await _unavailable(self._scope, self._send)
            return False

    async def _upload(self, chunked: bool) -> bool | None:
        """Pass the body on, unless the answer comes first. Returns whether all of it was, None when the client left."""
        connection = self._connection
        while not connection.answered:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return None
            if body := message.get("body", b""):
                connection.write(b"%x\r\n%b\r\n" % (len(body), body) if chunked else body)
                await connection.drain()
            if not message.get("more_body"):
                if chunked:
                    connection.write(b"0\r\n\r\n")
                return True
        return False

    async def _download(self, whole: bool, waits: bool) -> bool:
        """Pass the answer on; returns whether all of it was.

        It may have come before the ``whole`` request, to a client that still ``waits`` to send it.
        """
        # To ask for more of the body would have the web server tell such a client to send it.
        leaving = self._until_client_leaves() if whole else asyncio.Event().wait()
        gone = asyncio.ensure_future(leaving)
        try:
            head = await _first(self._connection.head(), gone)
            if head is None:
                return False
            if head.status == 409 and _creates_bucket_again(self._scope):
                return await self._answer_created(head)
            self._started = True
            headers = _response_headers(head)
            if waits and not whole:
                headers.append((b"connection", b"close"))  # what comes next on it may be the body, or not
            await self._send({"type": "http.response.start", "status": head.status, "headers": headers})
            while not gone.done():
                body = await self._connection.body()
                await self._send({"type": "http.response.body", "body": body, "more_body": bool(body)})
                if not body:
                    return True
            return False
        finally:
            gone.cancel()

    async def _answer_created(self, head: Head) -> bool:
        """Answer a CreateBucket that was refused: as done, if the bucket is the caller's own."""
        body = b""
        while (part := await self._connection.body()) and len(body) < _MAX_ERROR:
            body += part
        status, headers = 409, _response_headers(head)
        if _OWN_BUCKET in body:
            status, body = 200, b""
            kept = [(name, value) for name, value in headers if name.lower().startswith(b"x-amz-")]
            headers = [*kept, (b"location", self._scope["raw_path"].rstrip(b"/")), (b"content-length", b"0")]
        self._started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
        return True

    async def _until_client_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._connection.complete:
            self._connection.abort()


async def _first(head: asyncio.Future[Head], gone: asyncio.Future[Any]) -> Head | None:
    """The head of the answer, or None when the client left first."""
    await asyncio.wait((head, gone), return_when=asyncio.FIRST_COMPLETED)
    return head.result() if head.done() and not gone.done() else None


def _request_head(scope: Scope) -> tuple[bytes, bool, bool]:
    """The head as the object store gets it, whether the body is chunked, and whether the client waits to send it."""
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    lines = [b"%b %b HTTP/1.1" % (scope["method"].encode(), target)]
    chunked = waits = False
    for name, value in scope["headers"]:
        chunked = chunked or (name == b"transfer-encoding" and value.lower() != b"identity")
        waits = waits or name == b"expect"
        if name not in _HOP_BY_HOP:
            lines.append(b"%b: %b" % (name, value))
    if chunked:
        lines.append(b"transfer-encoding: chunked")
    return b"\r\n".join([*lines, b"", b""]), chunked, waits


def _creates_bucket_again(scope: Scope) -> bool:
    """Whether a request that met a conflict is a CreateBucket in us-east-1."""
    path: bytes = scope["raw_path"].strip(b"/")
    if scope["method"] != "PUT" or not path or b"/" in path:
        return False
    header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return _US_EAST_1.search(header or scope["query_string"]) is not None


def _response_headers(head: Head) -> list[tuple[bytes, bytes]]:
    skipped = _HOP_BY_HOP | _OURS
    return [(name, value) for name, value in head.headers if name.lower() not in skipped]


async def _unavailable(scope: Scope, send: Send) -> None:
    """S3's own answer for a store that is down, which SDKs retry."""
    sentence = "The object store does not answer: `lakelet status` tells its state."
    await _refuse(scope, send, 503, "ServiceUnavailable", sentence, (b"retry-after", b"1"))


async def _refuse(scope: Scope, send: Send, status: int, code: str, sentence: str, *more: tuple[bytes, bytes]) -> None:
    request_id = uuid.uuid4().hex[:16].upper()
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
        f"<Message>{escape(sentence)}</Message><RequestId>{request_id}</RequestId></Error>"
    ).encode()
    headers = [
        (b"content-type", b"application/xml"),
        (b"content-length", str(len(text)).encode()),
        (b"x-amz-request-id", request_id.encode()),
        *more,
        (b"connection", b"close"),  # what is left of the body is not worth reading
    ]
    with suppress(OSError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else text})
