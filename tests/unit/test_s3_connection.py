"""The connection to the object store, whatever event loop it lives on."""

from __future__ import annotations

import asyncio
from typing import Any

from lakelet.aws.s3_connection import Connection


class Transport:
    """A transport by its methods alone, as uvloop's is."""

    def __init__(self) -> None:
        self.written = b""

    def set_write_buffer_limits(self, high: int) -> None:
        assert high > 0

    def write(self, data: bytes) -> None:
        self.written += data


def test_a_transport_is_what_can_be_written_to() -> None:
    async def exchange() -> Any:
        connection, transport = Connection(), Transport()
        connection.connection_made(transport)  # type: ignore[arg-type]
        connection.begin("PUT")
        connection.write(b"body")
        connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return transport.written, (await connection.head()).status

    assert asyncio.run(exchange()) == (b"body", 200)
