"""An object store in memory, for the class-data archive: Spark's way to S3 is learnt before there is a MinIO.

It answers what S3A asks while a small job reads and writes, whoever asks, and ends with its context.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_MODIFIED = ("2013-01-01T00:00:00.000Z", "Tue, 01 Jan 2013 00:00:00 GMT")


@contextmanager
def store() -> Iterator[str]:
    """The address of a store of one bucket's objects, for as long as the context lasts."""
    objects: dict[str, bytes] = {}

    class Handler(_Handler):
        kept = objects

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kept: dict[str, bytes]

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    def do_PUT(self) -> None:
        source = unquote(self.headers.get("x-amz-copy-source", "")).lstrip("/").partition("/")[2]
        self.kept[self._key] = self.kept.get(source, b"") if source else self._body()
        copied = f"<ETag>&quot;x&quot;</ETag><LastModified>{_MODIFIED[0]}</LastModified>"
        self._answer(200, _document("CopyObjectResult", copied) if source else b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        asked = {
            name: values[0] for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()
        }
        if "list-type" in asked:
            self._answer(200, self._listed(asked))
        elif (body := self.kept.get(self._key)) is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif found := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", "")):
            first, last = int(found[1]), min(int(found[2]), len(body) - 1)
            self._answer(206, body[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(body)}"})
        else:
            self._answer(200, body)

    def do_DELETE(self) -> None:
        self.kept.pop(self._key, None)
        self._answer(204, b"")

    def do_POST(self) -> None:
        for key in re.findall(r"<Key>(.*?)</Key>", self._body().decode()):
            self.kept.pop(key, None)
        self._answer(200, _document("DeleteResult", ""))

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def _listed(self, asked: dict[str, str]) -> bytes:
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter")
        keys, folders = [], set()
        for key in sorted(one for one in self.kept if one.startswith(prefix)):
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            if found:
                folders.add(f"{prefix}{head}{found}")
            else:
                keys.append(key)
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{_MODIFIED[0]}</LastModified><ETag>&quot;x&quot;</ETag>"
            f"<Size>{len(self.kept[key])}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for key in keys
        )
        common = "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in sorted(folders))
        counted = f"<KeyCount>{len(keys) + len(folders)}</KeyCount><IsTruncated>false</IsTruncated>"
        return _document("ListBucketResult", f"<Prefix>{escape(prefix)}</Prefix>{counted}{contents}{common}")

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if "aws-chunked" not in self.headers.get("content-encoding", ""):
            return body
        plain, rest = b"", body
        while rest:
            line, _, rest = rest.partition(b"\r\n")
            size = int(line.partition(b";")[0] or b"0", 16)
            if not size:
                break
            plain, rest = plain + rest[:size], rest[size + 2 :]
        return plain

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        told = {"Content-Length": str(len(body)), "ETag": '"x"', "Last-Modified": _MODIFIED[1], **(headers or {})}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _document(name: str, content: str) -> bytes:
    return f'<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{content}</{name}>'.encode()
