"""The messages between the control process and a SQL worker: one kind byte, four bytes of length, a payload."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

WARM = b"w"  # control → template, with a socket: a worker for later, rehearsed
HURRY = b"h"  # control → template, with a socket: a worker that a statement waits for
READY = b"R"  # worker → control: {"pid": …}, warmed up
STATEMENT = b"S"  # control → worker: {"sql": …, "form": …}
ANALYSIS = b"T"  # worker → control: what the statement reads
PLAN = b"P"  # control → worker: where that lies, and the keys to it
DATA = b"D"  # worker → control: the next bytes of the answer
END = b"Z"  # worker → control: {"rows": …}, the answer is whole
ERROR = b"E"  # worker → control: {"error": class name, "message": …, "restart": "" | "files" | "schema"}

_HEADER = struct.Struct("!cI")
MAX_BYTES = 64 << 20


class Closed(Exception):
    """The other side closed the connection or died."""


def send(connection: socket.socket, kind: bytes, payload: bytes | dict[str, Any] = b"") -> None:
    """Send one message; a dict travels as JSON. Raises :class:`Closed` when nobody is there to take it."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    try:
        connection.sendall(_HEADER.pack(kind, len(body)) + body)
    except (BrokenPipeError, ConnectionResetError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise Closed from error


def receive(connection: socket.socket) -> tuple[bytes, bytes]:
    """The next message: its kind and payload. Raises :class:`Closed` at the end, ``TimeoutError`` when time is up."""
    kind, length = _HEADER.unpack(_exactly(connection, _HEADER.size))
    if length > MAX_BYTES:
        raise Closed
    return kind, _exactly(connection, length)


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = connection.recv(min(size - len(parts), 1 << 20))
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed from error
        if not part:
            raise Closed
        parts += part
    return bytes(parts)
