"""The bytes of a compressed object: all that can be decompressed, and what is wrong with the rest.

An object is compressed if it begins as gzip (RFC 1952) or bzip2 streams do, whatever its name. Several streams may
follow each other, and zeros after the last are padding, as gzip(1) has it.
"""

from __future__ import annotations

import bz2
import re
import struct
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

TRUNCATED_GZIP = "truncated gzip"

_GZIP, _BZIP2 = b"\x1f\x8b", re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
_DEFLATE = 8
_HEADER_CHECKSUM, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16  # bits of a gzip header's flags
_TRAILER = struct.Struct("<II")  # the checksum and the size of what was compressed
_PIECE = 65_536


@dataclass(frozen=True)
class Decompressed:
    """The bytes of an object. ``faults`` are the reasons why there could be more of them, or why they may be wrong;
    ``is_cut`` says that the last line may be incomplete."""

    data: bytes
    faults: tuple[str, ...] = ()
    is_cut: bool = False

    def lines(self) -> tuple[bytes, bytes]:
        """The complete lines, and what there is of the line that was cut."""
        end = self.data.rfind(b"\n") + 1 if self.is_cut else len(self.data)
        return self.data[:end], self.data[end:]


@dataclass(frozen=True)
class _Stream:
    """One stream: its bytes, those after it (None: its end is unknown), and what is wrong with it."""

    data: bytes
    rest: bytes | None
    fault: str = ""


def decompress(content: bytes) -> Decompressed:
    """The bytes of an object, compressed or not. Never raises."""
    if _BZIP2.match(content):
        kind, is_stream, stream = "bzip2", _BZIP2.match, _bzip2
    elif content.startswith(_GZIP):
        kind, is_stream, stream = "gzip", re.compile(re.escape(_GZIP)).match, _gzip
    else:
        return Decompressed(content)
    parts, faults = [], []
    rest: bytes | None = content
    while rest and is_stream(rest):
        done = stream(rest)
        parts.append(done.data)
        faults += [done.fault] if done.fault else []
        rest = done.rest
        if rest and not is_stream(rest):
            rest = rest.lstrip(b"\0")
    if rest:
        faults.append(f"trailing bytes: {len(rest)} after the end of the {kind} stream are not {kind}")
    return Decompressed(b"".join(parts), tuple(faults), is_cut=rest is None)


def _gzip(content: bytes) -> _Stream:
    """The first member of gzip, taken apart here: zlib's own reading of it ends at a wrong checksum."""
    try:
        start = _end_of_header(content)
    except ValueError as error:
        return _Stream(b"", None, str(error))
    data, rest, fault = _decoded(_Inflate, content[start:])
    if fault:
        return _Stream(data, None, f"damaged gzip: {fault}")
    if rest is None or len(rest) < _TRAILER.size:
        return _Stream(data, None, TRUNCATED_GZIP)
    checksum, size = _TRAILER.unpack_from(rest)
    wrong = "checksum (CRC)" if checksum != zlib.crc32(data) else "size" if size != len(data) & 0xFFFFFFFF else ""
    fault = f"damaged gzip: wrong {wrong}, values may be wrong" if wrong else ""
    return _Stream(data, rest[_TRAILER.size :], fault)


def _end_of_header(content: bytes) -> int:
    """Where a member's header ends. Raises ValueError with the fault."""
    if len(content) < 10:
        raise ValueError(TRUNCATED_GZIP)
    method, flags, at = content[2], content[3], 10
    if method != _DEFLATE or flags >> 5:
        raise ValueError("not gzip: it begins as gzip does, but its header is none of gzip's")
    if flags & _EXTRA:
        at += 2 + int.from_bytes(content[at : at + 2], "little")
    for text in (_NAME, _COMMENT):
        if flags & text:
            end = content.find(b"\0", at)
            at = end + 1 if end >= 0 else len(content)
    return at + (2 if flags & _HEADER_CHECKSUM else 0)


def _bzip2(content: bytes) -> _Stream:
    data, rest, fault = _decoded(bz2.BZ2Decompressor, content)
    if fault:
        return _Stream(data, None, f"damaged bzip2: {fault}")
    return _Stream(data, rest, "truncated bzip2" if rest is None else "")


class _Inflate:
    """zlib's decompressor of a bare deflate stream with the methods of bz2's, which keeps what it has not read yet."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data


def _decoded(new_decoder: Callable[[], Any], content: bytes) -> tuple[bytes, bytes | None, str]:
    """What comes of one stream, the bytes after it (None: it does not end), and the decoder's complaint.

    A decoder that complains gives nothing of the step in which it does: the steps are done again, byte by byte at last.
    """
    first = _Decoding(new_decoder(), content)
    try:
        rest = first.run(sys.maxsize, sys.maxsize)
        return bytes(first.data), rest, ""
    except (zlib.error, OSError) as error:
        fault = str(error).rpartition(": ")[2]
    second = _Decoding(new_decoder(), content)
    with suppress(zlib.error, OSError):
        second.run(first.at, len(first.data))
    return bytes(second.data), None, fault


@dataclass
class _Decoding:
    """A stream on its way through a decoder: ``data`` is what came of the bytes before ``at``, and of some after it."""

    decoder: Any
    content: bytes
    at: int = 0
    data: bytearray = field(default_factory=bytearray)

    def run(self, careful_at: int, careful_size: int) -> bytes | None:
        """Decode; returns what follows the stream, if it ends. The decoder takes single bytes from ``careful_at`` on,
        and gives single bytes once there are ``careful_size`` of them. Raises the decoder's error."""
        while self.at < len(self.content):
            end = self.at + (_PIECE if self.at < careful_at else 1)
            packed, most, piece = self.content[self.at : end], 0, b""
            while len(piece) == most:
                most = _PIECE if len(self.data) < careful_size else 1
                piece, packed = self.decoder.decompress(packed, most), b""
                self.data += piece
                if self.decoder.eof:
                    return bytes(self.decoder.unused_data) + self.content[end:]
            self.at = end
        return None
