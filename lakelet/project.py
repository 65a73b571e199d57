"""A new project: the files of ``lakelet/template``, in a folder of the user's."""

from __future__ import annotations

import shutil
from pathlib import Path

from lakelet.workspace.errors import UsageError

TEMPLATE = Path(__file__).resolve().parent / "template"
KEPT = {".git"}  # of a repository that was just made
LEFT = {"__pycache__", ".pytest_cache", ".lakelet"}  # by who tries the template out where it lies


def create(folder: Path) -> list[str]:
    """Fill a new or empty folder; returns the names of the files. Raises UsageError, and then nothing is changed."""
    try:
        found = {path.name for path in folder.iterdir()} if folder.exists() else set()
        if others := found - KEPT:
            raise UsageError(f"{folder} is not empty (it has {min(others)}): name a new folder; nothing was written.")
        for name in (names := _files()):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(TEMPLATE / name, target)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made a project ({error.strerror}): name another folder.") from error
    return names


def _files() -> list[str]:
    found = (path.relative_to(TEMPLATE) for path in TEMPLATE.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if not LEFT.intersection(path.parts))
