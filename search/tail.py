"""Where in a growing file we are, and the whole lines after that; files may be cut short or begun anew meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lakelet.search.records import Line, printable

READ_BYTES = 1 << 20
QUIET_SECONDS = 1.0  # a file not written for so long has said what it had to say, for now
ABANDONED_SECONDS = 5.0  # … and so long: a line without an end will not get one
_MARK_BYTES = 128


@dataclass(frozen=True)
class Cursor:
    """How much of a file was read: ``offset`` bytes of its ``generation``-th content.

    ``mark`` is the text just before ``offset``: when it is no longer there, the file's content was replaced
    (``lakelet gc`` keeps the end of a long log, say) and ``generation`` goes up. ``cutting`` says that a line longer
    than one read is being skipped, ``keyed`` that the rest of a private key is.
    """

    generation: int = 0
    offset: int = 0
    mark: bytes = b""
    cutting: bool = False
    keyed: bool = False

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Cursor:
        return cls(value["generation"], value["offset"], bytes.fromhex(value["mark"]), value["cutting"], value["keyed"])

    def to_json(self) -> dict[str, Any]:
        return {
            "generation": self.generation,
            "offset": self.offset,
            "mark": self.mark.hex(),
            "cutting": self.cutting,
            "keyed": self.keyed,
        }

    def after(self, content: bytes, cutting: bool) -> Cursor:
        """The cursor behind ``content``, which lies at this one."""
        mark = (self.mark + content[-_MARK_BYTES:])[-_MARK_BYTES:]
        return Cursor(self.generation, self.offset + len(content), mark, cutting)


@dataclass(frozen=True)
class Reading:
    """The lines found after ``start``, and the cursor ``end`` at which the next reading begins.

    ``more`` says that the file goes on; ``quiet`` that nothing has been written to it lately, so that the last
    lines are not the beginning of something; ``written`` when it was last written (Unix seconds).
    """

    lines: list[Line]
    start: Cursor
    end: Cursor
    more: bool
    quiet: bool
    written: float
    _content: bytes

    def before(self, offset: int) -> Cursor:
        """The cursor at one of the lines, which leaves that line and what follows for the next reading."""
        return self.start.after(self._content[: offset - self.start.offset], cutting=False)


def read_lines(path: Path, cursor: Cursor, limit: int = READ_BYTES) -> Reading:
    """Read at most ``limit`` bytes of whole lines; memory stays bounded whatever the file holds.

    Raises ``OSError`` when the file cannot be read (it may be gone).
    """
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        start = _placed(file.fileno(), cursor)
        content = os.pread(file.fileno(), limit, start.offset)
    age = time.time() - status.st_mtime
    full = len(content) == limit
    begin, cutting = 0, start.cutting
    if cutting and b"\n" in content:
        begin, cutting = content.index(b"\n") + 1, False
    elif cutting:
        begin = len(content)
    end = max(content.rfind(b"\n") + 1, begin)
    if age > ABANDONED_SECONDS and not full:
        end = len(content)
    elif full and end == 0:  # no end of line in all of it: its beginning must do
        end, cutting = len(content), True
    lines, offset = [], start.offset + begin
    for piece in content[begin:end].splitlines(keepends=True) if begin < end else ():
        lines.append(Line(offset, printable(piece)))
        offset += len(piece)
    return Reading(
        lines, start, start.after(content[:end], cutting), full, age > QUIET_SECONDS, status.st_mtime, content[:end]
    )


def _placed(descriptor: int, cursor: Cursor) -> Cursor:
    """The cursor, unless the file's content was replaced: then after its mark in the new content, or at the start."""
    size = len(cursor.mark)
    if os.pread(descriptor, size, cursor.offset - size) == cursor.mark:
        return cursor
    new = Cursor(cursor.generation + 1)
    position = 0
    while content := os.pread(descriptor, READ_BYTES, position):
        found = content.find(cursor.mark)
        if found >= 0:
            return replace(new, offset=position + found + size, mark=cursor.mark, keyed=cursor.keyed)
        if len(content) < READ_BYTES:
            break
        position += READ_BYTES - size  # a mark may lie across the border of two reads
    return new
