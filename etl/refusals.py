"""What was refused in a run, recorded in its folder: a script that catches the error goes on, and has not done all.

On AWS the same script would have come to something else, so such a run is not SUCCEEDED (:mod:`lakelet.jobs.runner`).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import RUN_VARIABLE

_FILE = "refused.txt"


def note(sentence: str) -> None:
    """Record what was refused, if it is the first; nothing outside a run. Raises OSError where it cannot be kept: a run
    must not succeed for that."""
    if run := os.environ.get(RUN_VARIABLE):
        place = Workspace.find().runs / run / _FILE
        with suppress(FileExistsError, FileNotFoundError), open(place, "x", encoding="utf-8", errors="replace") as file:
            file.write(sentence)


def forget(folder: Path) -> None:
    """Begin anew, in a run that goes from Sail to Spark."""
    (folder / _FILE).unlink(missing_ok=True)


def first(folder: Path) -> str:
    """The first refusal of a run, by its folder; empty for none."""
    try:
        return (folder / _FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def went_on(refusal: str) -> str:
    """What to say of a script that came to its end in spite of it."""
    return f"The script went on after an error that it caught, and has not done all: {refusal}"
