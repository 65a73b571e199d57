"""Reading the bodies of requests to the wire, which all together take a bounded part of the memory."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from lakelet.aws.errors import RequestEntityTooLargeException, SlowDown
from lakelet.aws.protocol.http import Request

MAX_BODY = 16 * 1024 * 1024  # bytes; a BatchCreatePartition of 100 wide partitions takes well under one MiB
SMALL_BODY = 64 * 1024  # bytes that are read before anything is known of their sender
UNSIGNED_BODY = 512 * 1024  # bytes of a request that needs no signature; a SAML response has 100,000 characters at most
MAX_BUFFERED = 128 * 1024 * 1024  # bytes of all bodies at once


@dataclass
class Buffers:
    """How many bytes of bodies are held; they are given back when their requests are answered."""

    used: int = 0

    def take(self, size: int) -> None:
        """Hold so many more; raises SlowDown."""
        if self.used + size > MAX_BUFFERED:
            raise SlowDown("Reduce your request rate: too many large requests are being read. Retry.")
        self.used += size

    def give_back(self, size: int) -> None:
        """Hold so many less."""
        self.used -= size


def declared_size(head: Request) -> int | None:
    """The Content-Length; None when the body comes in chunks, or has a length that is none."""
    if "transfer-encoding" in head.headers:
        return None
    length = head.headers.get("content-length", "0")
    return int(length) if length.isdecimal() and length.isascii() else None


class Body:
    """A body that is being read; :meth:`release` it when its request was answered."""

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self._held = 0

    async def read(self, head: Request, receive: Receive, most: int = MAX_BODY) -> Request:
        """The request with its body.

        Raises ClientDisconnect, RequestEntityTooLargeException, SlowDown.
        """
        if (declared_size(head) or 0) > most:
            raise too_large(most)
        message = await receive()
        body: bytes | bytearray = message.get("body", b"")
        while message["type"] == "http.request" and message.get("more_body"):
            self._take(len(body) - self._held)
            message = await receive()
            body = bytearray(body) if isinstance(body, bytes) else body
            body += message.get("body", b"")
            if len(body) > most:
                raise too_large(most)
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._take(len(body) - self._held)
        return Request(head.method, head.path, head.query, head.headers, bytes(body))

    def release(self) -> None:
        """Give back what was held."""
        self._buffers.give_back(self._held)
        self._held = 0

    def _take(self, size: int) -> None:
        self._buffers.take(size)
        self._held += size


def too_large(most: int) -> RequestEntityTooLargeException:
    """The error for a body of more than ``most`` bytes."""
    size = f"{most // 2**20} MiB" if most >= 2**20 else f"{most // 1024} KiB"
    return RequestEntityTooLargeException(f"The body is larger than {size}.")
