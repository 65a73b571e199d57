"""HTTP connections of the control port, with limits on what a client may hold without having asked anything.

uvicorn's own protocol has a limit on requests and none on time, on the size of a head, or on half-open connections.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

MAX_CONNECTIONS = 400  # a request that goes on to the object store takes two of the process's 1,024 descriptors
MAX_HEAD = 64 * 1024  # bytes of request line and headers; S3 takes 8 KiB, and a web identity token 20 KB
HEAD_SECONDS = 20.0  # from the first byte, or the connection, to the last of the head
BODY_SECONDS = 30.0  # between two parts of a body
MAX_DISCARDED = 64 * 1024 * 1024  # bytes of a body that are read after its request was answered, so that the answer is
WATCH_SECONDS = 5.0

_TOO_LARGE = b"431 Request Header Fields Too Large"
_TIMEOUT = b"408 Request Timeout"
_BUSY = b"503 Slow Down"


class LimitedProtocol(HttpToolsProtocol):
    """A connection that has to send its request in time. When there are too many, the one that has waited longest for
    a request makes room; when none waits, the new one is told to slow down."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._reading: Literal["", "head", "body"] = ""  # empty between requests
        self._head_bytes = 0
        self._discarded = 0
        self._since = 0.0  # since when a head, or more of a body, is waited for
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            waiting = self._longest_waiting()
            if waiting is None:
                self._refuse(_BUSY)
                return
            waiting.transport.abort()
            self.connections.discard(waiting)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def data_received(self, data: bytes) -> None:
        continues = self._reading == "head"
        super().data_received(data)
        if self._reading == "head" and continues:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD:
                self._refuse(_TOO_LARGE)
        elif self._reading or (self._waits and self._watch is None):
            self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading, self._head_bytes, self._discarded = "head", 0, 0

    def on_headers_complete(self) -> None:
        self._reading = "body"
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD:
            self._refuse(_TOO_LARGE)
            raise ValueError("The head of the request is too large.")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self.cycle.response_complete:
            self._discarded += len(body)
            if self._discarded > MAX_DISCARDED:
                self.transport.abort()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._reading = ""

    # -- time -----------------------------------------------------------------------------------------------------

    @property
    def _waits(self) -> bool:
        """Whether none of the client's requests is being served."""
        return self.cycle is None or self.cycle.response_complete

    def _longest_waiting(self) -> LimitedProtocol | None:
        connections = [cast("LimitedProtocol", one) for one in self.connections if one is not self]
        return min((one for one in connections if one._waits), key=lambda one: one._since, default=None)

    def _wait(self) -> None:
        self._since = self.loop.time()
        if self._watch is None:
            self._watch = self.loop.call_later(WATCH_SECONDS, self._look)

    def _look(self) -> None:
        self._watch = None
        if self.transport.is_closing():
            return
        waited = self.loop.time() - self._since
        if self._reading == "body":
            # Neither a client that was asked to wait, nor one that we have not asked to go on, is late.
            if waited > BODY_SECONDS and not self.flow.read_paused and not self.cycle.waiting_for_100_continue:
                self.transport.abort()
                return
        elif not self._waits or self.timeout_keep_alive_task is not None:
            return  # served, or between two requests
        elif waited > HEAD_SECONDS:
            self._refuse(_TIMEOUT)
            return
        self._watch = self.loop.call_later(WATCH_SECONDS, self._look)

    def _refuse(self, status: bytes) -> None:
        """Answer what is no request yet, which no protocol of AWS's has an error for."""
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
            self.transport.close()
