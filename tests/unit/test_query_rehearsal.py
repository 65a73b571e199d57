"""The rehearsal of a SQL worker: it reads its own lake through the real fences, and leaves nothing open."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from query import rehearsal


def test_a_rehearsal_reads_its_own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bool, bytes]] = []
    answer = rehearsal._response

    def remember(head: bool, wanted: bytes, body: bytes) -> bytes:
        asked.append((head, wanted))
        return answer(head, wanted, body)

    monkeypatch.setattr(rehearsal, "_response", remember)
    rehearsal.rehearse(256, tmp_path, verify=False)
    assert sum(head for head, _ in asked) == rehearsal.FILES  # each is opened once: the view's footers are kept
    assert all(wanted.startswith(b"bytes=") for head, wanted in asked if not head)


def test_its_object_store_ends_with_it() -> None:
    with rehearsal._store(b"0123456789") as address:
        host, port = address.split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(b"GET /x HTTP/1.1\r\nRange: bytes=2-4\r\n\r\n")
            received = b""
            while not received.endswith(b"\r\n\r\n234"):
                more = connection.recv(1000)
                assert more, received
                received += more
        assert b" 206 " in received and b"Content-Range: bytes 2-4/10" in received
    with pytest.raises(OSError):
        socket.create_connection((host, int(port)), timeout=30)
