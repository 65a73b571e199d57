"""Why a driver failed: the reason in one sentence, and the line of the script, from its exit code and its logs."""

from __future__ import annotations

import builtins
import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from lakelet.workspace.secrets import redact
from lakelet.workspace.shim import Exit

TAIL_BYTES = 262_144  # a Spark exception with its Java stacks comes to some 30 KB, and Spark logs after it
MAX_MESSAGE = 2_000
MOST_LINES = 5  # of a message that are taken to be its first sentence

_LOG_LINE = re.compile(
    r'^(\d{2,4}[-/]\d{2}[-/]\d{2}[ T]\d{2}:\d{2}:\d{2}\S*\s+)?(TRACE|DEBUG|INFO|WARN|WARNING|ERROR)\b|^\{"ts": '
)
# What --datalake-formats would have brought.
_FORMAT = re.compile(r"Failed to find the data source: (delta|iceberg)\b|No module named '(delta)\b")
# A Python worker's traceback begins in the middle of a line of Java's. A script that does not compile has none: only
# where, and the exception.
_TRACEBACK = re.compile(r'.*\bTraceback \(most recent call last\):$|  File ".+", line \d+$')
_EXCEPTION = re.compile(r"([A-Za-z_][\w.]*)(?::\s*(.*)|)$")
_JAVA_CAUSE = re.compile(r"(?:Caused by)?: ([a-z][\w.$]*[A-Z]\w*)(?:: (.*)|)$")
_STACK = ("\tat ", "    at ", "\t... ")
_NO_SENTENCE = (*_STACK, "== ", "+- ", "'", ":- ", "JVM stacktrace", "Driver stacktrace", "Caused by:", "The above ")
_END = (".", "?", "!", ";")
_SCRIPT_FRAME = re.compile(r'\s+File ".*/runs/jr_[^/]+/script/([^/"]+\.py)", line (\d+)')


def ended_badly(exit: Exit) -> str:
    """What an exit code means: a signal by its name, or a number. Shells and the JVM report a signal as 128 + n."""
    number = -exit.exit_code if exit.exit_code < 0 else exit.exit_code - 128
    if exit.exit_code < 0 or exit.exit_code > 128:
        try:
            name = signal.Signals(number).name
        except ValueError:
            return f"The driver ended with exit code {exit.exit_code}"
        hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
        return f"The driver was killed by {name}{hint}"
    return f"The driver ended with exit code {exit.exit_code}"


def last_words(stderr: Path, secrets: list[str], stdout: Path | None = None, exit_code: int = 1) -> str:
    """Why a driver failed: the root exception in one sentence with the line of the script, or what it wrote last.

    Spark's launcher passes on what Python writes to stderr as ``stdout``, so for a Spark job an exception there counts
    first. A script that ends itself with a code other than 1 did not end by an exception: one that it printed was
    caught. Secrets are replaced. Empty when the driver wrote nothing. A table format that is missing is named.
    """
    logs = [_lines(path) for path in (stdout, stderr) if path is not None]
    reason = ""
    if exit_code == 1:
        reason = next((found for lines in logs if (found := _failure(lines))), "")
    if not reason:
        reason = next((found for lines in reversed(logs) if (found := _last_text(lines))), "")
    return redact(reason, secrets)[:MAX_MESSAGE]


def has_traceback(log: Path) -> bool:
    """Whether a log ends in a Python traceback."""
    return any(_TRACEBACK.match(line) for line in _lines(log))


def script_line(lines: Sequence[str]) -> str:
    """The innermost line of the script in a traceback, as ``orders.py:12: the line's text``; empty when none is there.

    A run's script is a copy in the run's folder: it is named as the user's file.
    """
    for index in range(len(lines) - 1, -1, -1):
        if frame := _SCRIPT_FRAME.match(lines[index]):
            text = lines[index + 1].strip() if index + 1 < len(lines) else ""
            return f"{frame[1]}:{frame[2]}" + (f": {text}" if text and not text.startswith("File ") else "")
    return ""


def _failure(lines: Sequence[str]) -> str:
    """The last exception of a log: its sentence, and the line of the script."""
    starts = [index for index, line in enumerate(lines) if _TRACEBACK.match(line)]
    if not starts:
        return ""
    below = lines[starts[-1] + 1 :]
    at = next((index for index, line in enumerate(below) if line and not line[0].isspace()), None)
    if at is None:
        return ""
    kind, text, after = _exception(below[at:])
    if kind == "Py4JJavaError":
        kind, text = _java_cause(below[at:]) or (kind, text)
    if after and hasattr(
        builtins, kind
    ):  # whose messages have one line: the exception was printed, and this came later
        return " ".join(after)
    if missing := _FORMAT.search("\n".join(below)):
        text = f"{text.rstrip('. ')}. Give the job the argument --datalake-formats {missing[1] or missing[2]}."
    reason = f"{kind}: {text}" if text else kind
    place = script_line(lines)
    if not place:
        return reason
    reason = reason[: MAX_MESSAGE - len(place) - 5]
    return f"{reason}{'' if reason.endswith(_END) else '.'} At {place}"


def _exception(lines: Sequence[str]) -> tuple[str, str, list[str]]:
    """The class of an exception by its last name, its first sentence, and the lines that a message of one line would
    not have."""
    matched = _EXCEPTION.match(lines[0])
    if matched is None:
        return "", lines[0].strip(), []
    text, own = _sentence([matched[2] or "", *lines[1:]])
    dotted = "." in matched[1]
    after = [] if dotted or own or not matched[2] else list(_spoken(lines[1:]))[-MOST_LINES:]
    if dotted or own or not after:
        return matched[1].rpartition(".")[2], text, []
    return matched[1], matched[2].strip(), after


def _sentence(lines: Sequence[str]) -> tuple[str, bool]:
    """The first sentence of a message, and whether it needed more than a line because the first was not finished."""
    first = lines[0].strip()
    unfinished = not first or first.endswith((":", ","))
    text = first
    for line in lines[1 : 1 + MOST_LINES]:
        if text.endswith(_END) or line.startswith(_NO_SENTENCE) or _LOG_LINE.match(line) or _TRACEBACK.match(line):
            break
        if not line.strip():
            if text:
                break
            continue
        text = f"{text} {line.strip()}".strip()
    return text.removesuffix(";"), unfinished and text != first


def _java_cause(lines: Sequence[str]) -> tuple[str, str] | None:
    """The last cause of a Java exception: its class and its first sentence."""
    for index in range(len(lines) - 1, -1, -1):
        if cause := _JAVA_CAUSE.match(lines[index]):
            text, _ = _sentence([cause[2] or "", *lines[index + 1 :]])
            return re.split(r"[.$]", cause[1])[-1], text
    return None


def _last_text(lines: Sequence[str]) -> str:
    """The last line that is no log line, no stack and no exception that was printed; of ``sys.exit(text)`` the text."""
    starts = [index for index, line in enumerate(lines) if _TRACEBACK.match(line)]
    rest = list(lines)
    if starts:
        below = lines[starts[-1] + 1 :]
        at = next((index for index, line in enumerate(below) if line and not line[0].isspace()), len(below))
        rest = list(below[at + 1 :])
    last = list(_spoken(rest, gaps=True))
    while last and not last[-1]:
        last.pop()
    block: list[str] = []
    while last and last[-1] and len(block) < 3:
        block.insert(0, last.pop())
    return " ".join(block)


def _spoken(lines: Sequence[str], gaps: bool = False) -> Iterator[str]:
    for line in lines:
        if _LOG_LINE.match(line) or line.startswith(_STACK):
            if gaps:
                yield ""
        elif line.strip() or gaps:
            yield line.strip()


def _lines(path: Path) -> list[str]:
    """The lines at the end of a log."""
    try:
        with open(path, "rb") as file:
            file.seek(max(path.stat().st_size - TAIL_BYTES, 0))
            return [line.rstrip() for line in file.read().decode(errors="replace").splitlines()]
    except FileNotFoundError:
        return []
