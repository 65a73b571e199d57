"""A wire in a process of its own, for tests that measure what it takes: ``python -m tests.wire.serve FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from lakelet.aws.connections import LimitedProtocol
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import open_state
from tests.wire.conftest import compose


def main(folder: Path) -> None:
    workspace = Workspace(folder, folder / ".lakelet").prepare()
    listener, app = compose(workspace, open_state(workspace.database))
    config = uvicorn.Config(app, http=LimitedProtocol, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
