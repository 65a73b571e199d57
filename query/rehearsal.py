"""What a worker does before its statement comes: a whole statement, on a lake that it serves itself.

The first statement in a process pays for what the next ones find ready: pages of the libraries, the client of the
object store, the parsers, memory. A rehearsal pays it while nobody waits: a made-up table, read through the same
functions from an object store on the loopback address that is a thread of the worker and ends with the rehearsal.
"""

from __future__ import annotations

import io
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from lakelet.query.dialect import parse
from lakelet.query.results import Form, write_answer
from lakelet.query.sandbox import execute, lock, open_database
from lakelet.query.scans import Part, Plan, Scan

ROWS = 12_000
FILES = 2
_COLUMNS = [("kind", "string"), ("note", "string"), ("at", "timestamp"), ("number", "bigint"), ("amount", "double")]
_STATEMENT = """
SELECT kind, part, count(*) AS rows, avg(amount) AS mean, sum(number) AS total, max(at) AS latest,
       quantile_cont(amount, 0.95) AS high, count(DISTINCT note) AS notes
FROM rehearsal.rows WHERE number >= 0 GROUP BY kind, part ORDER BY kind, part LIMIT 100
"""


def rehearse(memory_mb: int, temporary: Path, *, verify: bool) -> None:
    """Run one statement of a kind that people ask, from its parse to its answer in both forms, and forget it all."""
    with _store(content()) as address:
        size = len(content())
        files = [Part([f"s3://rehearsal/rows/part={part}/0.parquet"], [str(part)], size) for part in range(FILES)]
        scan = Scan("rehearsal", "rows", "parquet", _COLUMNS, [("part", "int")], files, hive=True)
        storage = {
            "ENDPOINT": address, "USE_SSL": False, "URL_STYLE": "path", "REGION": "us-east-1",
            "KEY_ID": "nobody", "SECRET": "nothing",
        }  # fmt: skip
        plan = Plan.from_json(Plan([scan], storage=storage).to_json())
        with open_database(memory_mb, temporary, verify=verify) as database:
            lock(database, plan, temporary)
            write_answer(execute(database, parse(_STATEMENT), plan), Form.arrow, lambda data: None)
            shown = Plan(names=["kind", "notes"], rows=[["kind 1", "many"]])
            write_answer(execute(database, parse("SHOW DATABASES"), shown), Form.json, lambda data: None)


@cache
def content() -> bytes:
    """The one Parquet file of the rehearsal; the template makes it once for all its workers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = range(ROWS)
    table = pa.table(
        {
            "kind": [f"kind {number % 16}" for number in numbers],
            "note": [f"note {number % 4001}" for number in numbers],
            "at": pa.array([number * 1_000_000 for number in numbers], pa.timestamp("us")),
            "number": pa.array(numbers, pa.int64()),
            "amount": [number * 0.25 if number % 40 else None for number in numbers],
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file, compression="snappy")
    return file.getvalue()


@contextmanager
def _store(body: bytes) -> Iterator[str]:
    """An object store whose every object is ``body``: its address, for as long as the context lasts."""

    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            while line := self.rfile.readline():
                headers = {}
                while (header := self.rfile.readline().strip()) != b"":
                    name, _, value = header.partition(b":")
                    headers[name.lower()] = value.strip()
                self.wfile.write(_response(line.startswith(b"HEAD"), headers.get(b"range", b""), body))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Who leaves in the middle of a request is none of the rehearsal's business."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield "{}:{}".format(*server.server_address)
        finally:
            server.shutdown()


def _response(head: bool, wanted: bytes, body: bytes) -> bytes:
    status, part = "200 OK", body
    extra = ""
    if found := re.fullmatch(rb"bytes=(\d+)-(\d+)", wanted):
        first, last = int(found[1]), min(int(found[2]), len(body) - 1)
        status, part = "206 Partial Content", body[first : last + 1]
        extra = f"Content-Range: bytes {first}-{last}/{len(body)}\r\n"
    return (
        f'HTTP/1.1 {status}\r\nContent-Length: {len(part)}\r\nAccept-Ranges: bytes\r\nETag: "rehearsal"\r\n{extra}'
        "Last-Modified: Tue, 01 Jan 2013 00:00:00 GMT\r\nContent-Type: application/octet-stream\r\n\r\n"
    ).encode() + (b"" if head else part)
