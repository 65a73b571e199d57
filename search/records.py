"""Log text to records: what starts a record, what belongs to the one before, and its time, level and logger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_RECORD_BYTES = 32_768
MAX_RECORD_LINES = 500

_LEVEL = r"(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL)"
# How the parts of the stack begin a record; the first that fits decides.
_HEADERS = tuple(
    re.compile(pattern)
    for pattern in (
        # Spark's log4j2 default: 26/11/24 13:33:52 INFO SparkContext: message
        rf"(?P<time>\d\d/\d\d/\d\d \d\d:\d\d:\d\d) {_LEVEL} (?P<logger>[\w.$-]+): ?",
        # OpenSearch: [2026-11-24T13:33:52,123][INFO ][o.o.n.Node               ] [node] message
        rf"\[(?P<time>\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{{3}})\]\[{_LEVEL} *\]\[(?P<logger>[^\]]*)\] ?",
        # OpenSearch as the stack sets its log up: 2026-11-24T13:33:52.123Z INFO o.o.n.Node: message
        rf"(?P<time>\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z) {_LEVEL} +(?P<logger>[\w.$-]+): ?",
        # Python's logging, as basicConfig and Lakelet write it: 2026-11-24 13:33:52,123 INFO logger: message
        rf"(?P<time>\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d{{3}})(?: - | )?(?:\[?{_LEVEL}\]?(?: - | )?)?"
        r"(?:(?P<logger>[\w.]+): )?",
        rf"{_LEVEL}:(?P<logger>[\w.]+):",
        rf"{_LEVEL}: +",  # uvicorn
    )
)
_TIMES = ("%y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S,%f", "%Y-%m-%d %H:%M:%S,%f")
# Lines that never stand alone: an indented line, and what Java and Python put between the parts of a trace.
_CONTINUED = re.compile(
    r"\s|Caused by: |Suppressed: |: [\w.$]+(?:Exception|Error)\b|\.\.\. \d+ more"
    r"|During handling of the above exception|The above exception was the direct cause"
)
# A private key is one thing, whatever a line of it looks like: only whole can it be told from text, and redacted.
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=]*|(?:Proc-Type|DEK-Info|Version|Comment): .*")
_TRACE = "Traceback (most recent call last):"
_THROWN = re.compile(r"(?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable)\b")
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]")
_CONTROLS = {code: " " for code in (*range(32), 127, *range(128, 160)) if chr(code) not in "\t\n"}


@dataclass(frozen=True)
class Line:
    """One line of a file, without its end, and the byte at which it begins."""

    offset: int
    text: str


@dataclass(frozen=True)
class Record:
    """What one log document says: ``time`` is None when the text names none, ``level`` and ``logger`` likewise."""

    offset: int
    message: str
    time: datetime | None = None
    level: str | None = None
    logger: str | None = None


def records(lines: Iterable[Line]) -> Iterator[Record]:
    """Group lines into records: a stack trace stays with the line that announced it, a private key with its first.

    Nothing is dropped but blank lines between records: a group that grows beyond :data:`MAX_RECORD_LINES` or
    :data:`MAX_RECORD_BYTES` goes on as the next record, unless that would part a key.
    """
    group: list[Line] = []
    size = 0
    tracing = False  # between "Traceback" and the line that names the exception
    keyed = False  # between the first line of a private key and its last
    for line in lines:
        text = line.text
        full = size > MAX_RECORD_BYTES or len(group) >= MAX_RECORD_LINES
        within = keyed and goes_on(text)
        if group and not within and (full or not _belongs(text, group, tracing)):
            yield from _record(group)
            group, size = [], 0
        keyed = opens_key(text) or (within and not _KEY_ENDS.search(text))
        tracing = text.startswith(_TRACE) or (tracing and (text[:1].isspace() or not text))
        group.append(line)
        size += len(text)
    if group:
        yield from _record(group)


def opens_key(text: str) -> bool:
    """Whether a text ends within a private key that it begins."""
    *_, begun = [None, *_KEY_BEGINS.finditer(text)]
    return begun is not None and all(map(_is_body, text[begun.end() :].split("\n")))


def goes_on(text: str) -> bool:
    """Whether a line may be a further line of a private key, or its last."""
    return _is_body(text) or _KEY_ENDS.search(text) is not None


def after_key(lines: list[Line]) -> tuple[list[Line], bool]:
    """The lines behind the rest of a private key, whose beginning was read before; and whether that key still goes on.

    What is left out belongs to the record with the key's first line, in which it would be redacted.
    """
    for number, line in enumerate(lines):
        if not goes_on(line.text):
            return lines[number:], False
        if _KEY_ENDS.search(line.text):
            return lines[number + 1 :], False
    return [], True


def _is_body(text: str) -> bool:
    return _KEY_BODY.fullmatch(text.strip()) is not None


def printable(content: bytes) -> str:
    """The text of a line that may hold anything: bytes that are no UTF-8 and control characters are replaced."""
    return _COLOURS.sub("", content.decode("utf-8", "replace").rstrip()).translate(_CONTROLS)


def _belongs(text: str, group: list[Line], tracing: bool) -> bool:
    if not group:
        return False
    if tracing or not text or _CONTINUED.match(text):
        return True
    # A trace under the line that logged it, or under the trace that it is the consequence of.
    traced = text.startswith(_TRACE) or _THROWN.match(text)
    return bool(traced) and (_header(group[0].text) is not None or group[0].text.startswith(_TRACE))


def _record(group: list[Line]) -> Iterator[Record]:
    message = "\n".join(line.text for line in group).strip("\n")
    if not message.strip():
        return
    header = _header(message)
    if header is None:
        failed = _TRACE in message or message.startswith("Exception in thread")
        yield Record(group[0].offset, message, level="ERROR" if failed else None)
        return
    found = header.groupdict()
    yield Record(
        group[0].offset,
        message[header.end() :].strip("\n") or message,
        _parse_time(found.get("time")),
        found.get("level"),
        (found.get("logger") or "").strip() or None,
    )


def _header(text: str) -> re.Match[str] | None:
    if text[:1].isspace():
        return None
    return next((match for pattern in _HEADERS if (match := pattern.match(text))), None)


def _parse_time(text: str | None) -> datetime | None:
    """Components write local time without a zone, or UTC with a Z."""
    if text is None:
        return None
    if text.endswith("Z"):
        return datetime.fromisoformat(text)
    for layout in _TIMES:
        try:
            return datetime.strptime(text.replace(".", ","), layout).astimezone(UTC)
        except ValueError:
            continue
    return None
