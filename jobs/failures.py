"""Why a driver failed, in one sentence, from its exit code and the last that it said."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from workspace.secrets import redact
from workspace.shim import Exit

TAIL_BYTES = 65_536
MAX_MESSAGE = 2_000

_LOG_LINE = re.compile(
    r"^(\d{2,4}[-/]\d{2}[-/]\d{2}[ T]\d{2}:\d{2}:\d{2}\S*\s+)?(TRACE|DEBUG|INFO|WARN|WARNING|ERROR)\b"
)
# A script that does not compile has no traceback: only where, and the exception.
# What --datalake-formats would have brought.
_FORMAT = re.compile(r"Failed to find the data source: (delta|iceberg)\b|No module named '(delta)\b")
_TRACEBACK = re.compile(r'\s*Traceback \(most recent call last\):|  File ".+", line \d+$')


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


def last_words(stderr: Path, secrets: list[str], stdout: Path | None = None) -> str:
    """The end of what a driver wrote to stderr: its last Python exception, else its last line that is no log line.

    Spark's launcher passes on what Python writes to stderr as ``stdout``, so for a Spark job an exception there counts
    first. Secrets are replaced. Empty when it said nothing. A table format that is missing is named.
    """
    lines = [line.rstrip() for line in _tail(stderr).splitlines() if line.strip()]
    found = _exception([line.rstrip() for line in _tail(stdout).splitlines() if line.strip()]) if stdout else ""
    found = found or _exception(lines)
    if not found:
        spoken = [line for line in lines if not _LOG_LINE.match(line) and not line.startswith(("\tat ", "    at "))]
        found = spoken[-1].strip() if spoken else ""
    return redact(found, secrets)[:MAX_MESSAGE]


def _exception(lines: list[str]) -> str:
    """The lines of the last exception below the last traceback, without the stack."""
    starts = [index for index, line in enumerate(lines) if _TRACEBACK.match(line)]
    if not starts:
        return ""
    below = lines[starts[-1] + 1 :]
    found = next((line for line in below if not line.startswith((" ", "\t"))), "")
    if missing := _FORMAT.search("\n".join(below)):
        found += f" Give the job the argument --datalake-formats {missing[1] or missing[2]}."
    return found


def _tail(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(max(path.stat().st_size - TAIL_BYTES, 0))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
