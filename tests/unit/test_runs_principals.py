"""Who a process is, told by its connection: the role of the run that it belongs to, however it calls itself."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from lakelet.jobs.principals import RunPrincipals
from lakelet.jobs.store import JobStore
from lakelet.workspace import shim
from lakelet.workspace.paths import Workspace
from lakelet.workspace.process import Identity, end_session
from lakelet.workspace.runs import Run, RunState
from lakelet.workspace.state import open_state

ROLE = "arn:aws:iam::123456789012:role/analyst"
# A run's driver whose child, in a session of its own and with another's run id, is the one that connects.
DRIVER = """
import os, subprocess, sys
child = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.recv(1)"
env = {**os.environ, "LAKELET_RUN_ID": "jr_other"}
subprocess.run([sys.executable, "-c", child, sys.argv[1]], env=env, start_new_session=True)
"""


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("analyst", {ROLE}),
        (ROLE.replace("role/", "role/path/"), {ROLE.replace("role/", "role/path/")}),
        ("known", {ROLE.replace("analyst", "of/iam/known")}),
        ("lakelet", None),
    ],
)
def test_a_run_is_its_role(tmp_path: Path, role: str, expected: set[str] | None) -> None:
    workspace = Workspace(tmp_path, tmp_path / ".lakelet").prepare()
    jobs = JobStore(open_state(workspace.database))
    roles = {"known": ROLE.replace("analyst", "of/iam/known")}
    find = RunPrincipals(workspace, jobs, roles.get)
    run = jobs.add_run(Run(id="jr_1", kind="job", name="j", spec={"role": role}))
    starting = jobs.move(run, RunState.STARTING)
    assert starting is not None
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = server.getsockname()
        argv = [sys.executable, "-c", DRIVER, str(here[1])]
        leader = shim.launch(workspace.runs / run.id, argv, env=dict(os.environ), cwd=tmp_path, timeout_seconds=60)
        try:
            connection, peer = server.accept()
            with connection:
                found = find(peer, here)
                assert (None if found is None else set(found)) == expected
            with socket.create_connection(here) as own, server.accept()[0]:
                assert find(own.getsockname(), here) is None  # this process is no run
        finally:
            end_session(leader)
    assert leader != Identity.mine()
