"""Files that are whole or not there: atomic writes, and private files and folders."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from lakelet.workspace.errors import UsageError


def write_atomic(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file so that a reader, or a crash at any point, sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def make_private(folder: Path, marks: tuple[str, ...] = ()) -> bool:
    """Give a folder of ours the mode 0700; returns whether others had access to it.

    Raises :class:`~lakelet.workspace.errors.UsageError` when it belongs to another user, and when others have access to
    it and it holds files but none named in ``marks``: then it was made for something else (``/tmp``, a home folder).
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        facts = os.fstat(descriptor)
        if facts.st_uid != os.geteuid():
            raise UsageError(
                f"The state folder {folder} belongs to another user (uid {facts.st_uid}): "
                "set LAKELET_STATE to a folder of your own, or, if it is yours, "
                f"run `sudo chown -R {os.geteuid()} {folder}`."
            )
        if stat.S_IMODE(facts.st_mode) & 0o077 == 0:
            return False
        names = set(os.listdir(descriptor))
        if names and marks and not names & set(marks):
            raise UsageError(
                f"The state folder {folder} holds other files and is open to other users: "
                f"set LAKELET_STATE to a folder of its own, or run `chmod 700 {folder}` if this is the right one."
            )
        os.fchmod(descriptor, 0o700)
        return True
    finally:
        os.close(descriptor)
