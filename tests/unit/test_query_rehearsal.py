"""The rehearsal of a SQL worker: it reads its own lake through the real fences, and leaves nothing open."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lakelet.query import rehearsal
from lakelet.query.dialect import parse
from lakelet.query.sandbox import ALL_WHOLE_BYTES, WHOLE_BYTES, execute, lock, open_database
from lakelet.query.scans import Part, Plan, Scan

Asked = list[tuple[bool, bytes]]  # of each request: whether it was a HEAD, and its range


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the rehearsal's object store is asked."""
    asked: Asked = []
    answer = rehearsal._response

    def remember(head: bool, wanted: bytes, body: bytes) -> bytes:
        asked.append((head, wanted))
        return answer(head, wanted, body)

    monkeypatch.setattr(rehearsal, "_response", remember)
    return asked


def test_a_rehearsal_reads_its_own_lake(tmp_path: Path, asked: Asked) -> None:
    rehearsal.rehearse(256, tmp_path, verify=False)
    assert len(asked) >= rehearsal.FILES


@pytest.mark.parametrize(
    ("files", "size", "whole"),
    [
        (2, 2 * WHOLE_BYTES, True),
        (2, 2 * WHOLE_BYTES + 1, False),
        (20, ALL_WHOLE_BYTES, True),
        (20, ALL_WHOLE_BYTES + 1, False),
    ],
)
def test_small_files_are_read_whole_and_large_ones_in_parts(
    tmp_path: Path, asked: Asked, files: int, size: int, whole: bool
) -> None:
    with rehearsal._store(rehearsal.content()) as address, open_database(256, tmp_path) as database:
        storage = {
            "ENDPOINT": address,
            "USE_SSL": False,
            "URL_STYLE": "path",
            "REGION": "r",
            "KEY_ID": "k",
            "SECRET": "s",
        }
        part = Part([f"s3://lake/{number}.parquet" for number in range(files)], [], size)
        scan = Scan("d", "t", "parquet", [("number", "bigint")], [], [part])
        plan = Plan([scan], storage=storage | {"KEY_ID": "nobody", "SECRET": "nothing"})
        lock(database, plan, tmp_path)
        rows = execute(database, parse("SELECT count(number) FROM d.t"), plan).read_all().to_pylist()
        assert [list(row.values()) for row in rows] == [[files * rehearsal.ROWS]]
    assert {wanted.startswith(b"bytes=") for head, wanted in asked if not head} == {not whole}
    # Each file's size is asked for once, if at all: the view's footers are kept.
    assert sum(head for head, _ in asked) == (0 if whole else files)


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
