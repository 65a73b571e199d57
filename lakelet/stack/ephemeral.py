"""A stack to throw away: a state folder in the system's temporary folder, empty at first and deleted with the stack."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import EPHEMERAL, Workspace, find_project

COMPONENTS = ("minio", "control")  # what the AWS endpoint needs; others are named by --only


def new_workspace() -> Workspace:
    """A workspace that :func:`lakelet.stack.operate.stop` deletes, and that may be reset before.

    Raises :class:`~lakelet.workspace.errors.UsageError` when the object store is not ours, to empty at will.
    """
    workspace = Workspace(find_project(), Path(tempfile.mkdtemp(prefix="lakelet-")))
    if workspace.settings.text("s3_endpoint"):
        workspace.state.rmdir()
        raise UsageError("An ephemeral stack empties its object store: unset s3_endpoint, to give it one of its own.")
    (workspace.state / EPHEMERAL).touch()
    return workspace
