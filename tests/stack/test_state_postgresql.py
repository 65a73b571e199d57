"""A stack whose state lives in PostgreSQL: what was acknowledged survives a kill, and a second owner is refused."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from lakelet.stack import operate
from lakelet.stack.states import State
from lakelet.workspace.errors import StackError
from lakelet.workspace.paths import Workspace
from tests.clients import glue_client
from tests.conftest import eventually, start
from tests.databases import PostgreSQL

pytestmark = pytest.mark.stack


def test_the_state_outlives_its_control_process_and_has_one_owner(
    own_workspace: Workspace, postgresql: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKELET_DATABASE_URL", postgresql.url("state_0"))
    start(own_workspace, "minio", "control")
    glue = glue_client(own_workspace)
    glue.create_database(DatabaseInput={"Name": "kept"})
    assert not own_workspace.database.exists()

    (control,) = (row for row in operate.status(own_workspace) if row["name"] == "control")
    assert isinstance(control["pid"], int)
    os.kill(control["pid"], signal.SIGKILL)
    assert eventually(lambda: glue.get_database(Name="kept"))

    monkeypatch.setenv("LAKELET_STATE", str(tmp_path / "other"))
    other = Workspace.find()
    try:
        with pytest.raises(StackError, match="Another control process owns the database"):
            operate.start(other, ["minio", "control"])
        assert {row["state"] for row in operate.status(other) if row["name"] == "control"} == {State.FATAL}
    finally:
        operate.stop(other)
    assert glue.get_database(Name="kept")
