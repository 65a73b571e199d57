"""A full disk: how it is recognised, and what is said of it."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

LOW_BYTES = 1 << 20  # with less free space than this, what should have been written probably could not be
_SQLITE_IO = 10  # SQLITE_IOERR: what SQLite says when it cannot grow a file that it has mapped
_POSTGRESQL_FULL = "53100"  # SQLSTATE disk_full


def is_full(error: BaseException, folder: Path) -> bool:
    """Whether an error, or one that caused it, is a full disk's; ``folder`` is looked at where it does not tell."""
    seen: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or current in seen:
            continue
        seen.append(current)
        if isinstance(current, OSError) and current.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(current, sqlite3.Error):
            code = getattr(current, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_FULL or (code == _SQLITE_IO and is_low(folder)):
                return True
        if getattr(current, "sqlstate", None) == _POSTGRESQL_FULL:
            return True
        pending += [current.__cause__, current.__context__, getattr(current, "orig", None)]
    return False


def is_low(folder: Path) -> bool:
    """Whether the disk of a folder has (nearly) no free space."""
    return shutil.disk_usage(folder).free < LOW_BYTES


def message(folder: Path) -> str:
    """What is said of it, with what helps."""
    free = shutil.disk_usage(folder).free >> 20
    return (
        f"The disk is full: {folder} has {free:,} MiB left. Free some space (`lakelet gc` removes old logs and the "
        "folders of ended runs), then try again."
    )


def message_of(error: BaseException, folder: Path) -> str | None:
    """What is said of an error that is a full disk's; None for another."""
    return message(folder) if is_full(error, folder) else None
