"""One connection to the object store: a request's bytes out, the answer's head and body in, neither side overrun."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import cast

import httptools

HIGH_WATER = 1024 * 1024  # bytes of an answer that wait for a slow client before the store is told to wait
LOW_WATER = 256 * 1024
WRITE_HIGH_WATER = 1024 * 1024


@dataclass(frozen=True)
class Head:
    """Status and headers of an answer, names as they came."""

    status: int
    headers: list[tuple[bytes, bytes]]


class Connection(asyncio.Protocol):
    """A connection for one request at a time; :meth:`begin` makes it ready for the next."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None
        self._write_paused = False
        self._read_paused = False
        self._idle = True
        self._reset("")

    def _reset(self, method: str) -> None:
        self._method = method
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._head: asyncio.Future[Head] = self._loop.create_future()
        self._go_ahead = False
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self.complete = False
        self._keep_alive = False

    # -- what the proxy calls ---------------------------------------------------------------------------------

    @property
    def reusable(self) -> bool:
        """Whether another request may go over this connection."""
        open_ = self._transport is not None and not self._transport.is_closing() and not self._closed
        return open_ and (self._idle or (self.complete and self._keep_alive))

    @property
    def answered(self) -> bool:
        """Whether the head of the answer is there, or never will be."""
        return self._head.done()

    def begin(self, method: str) -> None:
        """Be ready for the answer to a request."""
        self._idle = False
        self._reset(method)
        if self._closed:
            self._fail()

    def write(self, data: bytes) -> None:
        """Send a part of the request."""
        if self._transport is not None and not self._closed:
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until more can be written, or the answer is there."""
        while self._write_paused and not self.answered:
            await self._change()

    async def go_ahead(self) -> None:
        """Wait until the store wants the body (100 Continue), or has answered without."""
        while not self._go_ahead and not self.answered:
            await self._change()

    def head(self) -> asyncio.Future[Head]:
        """The head of the answer; ConnectionError when the store closes the connection before."""
        return self._head

    async def body(self) -> bytes:
        """The next part of the answer's body, empty at its end; raises ConnectionError when it is cut short."""
        while not self._chunks:
            if self.complete:
                return b""
            if self._closed:
                raise ConnectionError("The object store cut its answer short.")
            await self._change()
        chunk = self._chunks.popleft()
        self._waiting -= len(chunk)
        if self._read_paused and self._waiting < LOW_WATER and self._transport is not None:
            self._read_paused = False
            self._transport.resume_reading()
        return chunk

    def abort(self) -> None:
        """Close at once: the store then drops what it has of an upload."""
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods alone
        self._transport.set_write_buffer_limits(WRITE_HIGH_WATER)

    def data_received(self, data: bytes) -> None:
        if self._idle or self.complete:
            self.abort()  # nobody asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort()

    def eof_received(self) -> None:
        return None

    def connection_lost(self, error: Exception | None) -> None:
        self._closed = True
        self._fail()
        self._changed()

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self._changed()

    # -- httptools' callbacks ---------------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self._go_ahead = True
            self._headers = []
            self._changed()
            return
        self._keep_alive = self._parser.should_keep_alive()
        if not self._head.done():
            self._head.set_result(Head(status, self._headers))
        if self._method == "HEAD":  # it has the length of a body that does not follow
            self.complete = True
        self._changed()

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._waiting += len(body)
        if self._waiting > HIGH_WATER and not self._read_paused and self._transport is not None:
            self._read_paused = True
            self._transport.pause_reading()
        self._changed()

    def on_message_complete(self) -> None:
        if self._head.done():
            self.complete = True
            self._changed()

    # -- waiting ----------------------------------------------------------------------------------------------

    async def _change(self) -> None:
        self._waiter = self._loop.create_future()
        await self._waiter

    def _changed(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self) -> None:
        if not self._head.done():
            self._head.set_exception(ConnectionError("The object store closed the connection."))
            self._head.exception()  # it may be that nobody asks
