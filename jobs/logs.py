"""What a run wrote: its driver's output, its errors, and the output of its executors, read where they lie."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lakelet.jobs.failures import has_traceback
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import claim_application, read_application

POLL_SECONDS = 0.2
LAST_LINES = 20


class Stream(StrEnum):
    """The streams of a run: the driver's stdout, its stderr (where Spark logs too), both of every executor."""

    driver = "driver"
    error = "error"
    executors = "executors"


@dataclass(frozen=True)
class Line:
    """One line and where it comes from: ``stdout``, ``stderr``, or ``executor 0 stderr``."""

    source: str
    text: str


def files(workspace: Workspace, run_id: str, stream: Stream) -> dict[str, Path]:
    """The log files of a stream, by source, as far as they exist now.

    A run's executors are those of its Spark application.
    """
    folder = workspace.runs / run_id
    if stream is Stream.driver:
        return {"stdout": folder / "stdout.log"}
    if stream is Stream.error:
        return {"stderr": folder / "stderr.log"}
    application = application_id(folder)
    if application is None:
        return {}
    found = {}
    for path in sorted((workspace.spark / "work").glob(f"*/{application}/*/std*")):
        found[f"executor {path.parent.name} {path.name}"] = path
    return found


def application_id(folder: Path) -> str | None:
    """The id of a run's Spark application; of a script that makes its own session it is looked for in Spark's log."""
    if noted := read_application(folder):
        return noted
    try:
        with open(folder / "stderr.log", encoding="utf-8", errors="replace") as file:
            return next((found for line in file if (found := claim_application(folder, line))), None)
    except FileNotFoundError:
        return None


def read(workspace: Workspace, run_id: str, stream: Stream) -> Iterator[Line]:
    """Every line there is now."""
    for source, path in files(workspace, run_id, stream).items():
        if path.exists():
            with open(path, encoding="utf-8", errors="replace") as file:
                yield from (Line(source, line.rstrip("\n")) for line in file)


def failure_stream(workspace: Workspace, run_id: str) -> Stream:
    """The stream that shows why a run failed. Spark's launcher writes the stderr of Python, tracebacks included, to the
    driver's stdout."""
    stdout = files(workspace, run_id, Stream.driver).values()
    return Stream.driver if any(has_traceback(path) for path in stdout) else Stream.error


def last_lines(workspace: Workspace, run_id: str, stream: Stream, most: int = LAST_LINES) -> list[Line]:
    """The last lines that a run wrote to a stream."""
    return list(deque(read(workspace, run_id, stream), maxlen=most))


def follow(workspace: Workspace, run_id: str, stream: Stream, ended: Callable[[], bool]) -> Iterator[Line]:
    """Every line there is, and those that come, until ``ended()`` says that none will."""
    positions: dict[str, int] = {}
    while True:
        last = ended()
        for source, path in files(workspace, run_id, stream).items():
            if not path.exists():
                continue
            with open(path, "rb") as file:
                position = file.seek(min(positions.get(source, 0), file.seek(0, 2)))  # it may have been cut to its cap
                content = file.read()
            whole = content if last else content[: content.rfind(b"\n") + 1]
            positions[source] = position + len(whole)
            yield from (Line(source, text) for text in whole.decode(errors="replace").splitlines())
        if last:
            return
        time.sleep(POLL_SECONDS)
