"""A stack with a lease is gone when the process that started it was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakelet.stack.leftovers import component_processes
from lakelet.workspace.paths import REPOSITORY, STATE_VARIABLE, Workspace
from tests.conftest import eventually

STARTER = """
import os, subprocess, sys
argv = [sys.executable, "-m", "lakelet", "up", "--ephemeral", "--only", "minio", "--lease", str(os.getpid())]
print(" ".join(subprocess.check_output([*argv, "--output", "json"], text=True).split()), flush=True)
sys.stdin.read()
"""


def test_a_killed_starter_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    argv = [sys.executable, "-c", STARTER]
    with subprocess.Popen(argv, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        state = Path(json.loads(starter.stdout.readline())[STATE_VARIABLE])
        workspace = Workspace(REPOSITORY, state)
        assert set(component_processes(workspace).values()) == {"minio", "supervisor"}
        starter.kill()
    eventually(lambda: not component_processes(workspace))
    assert not state.exists()


def test_a_lease_of_no_process_is_refused(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "lakelet", "up", "--ephemeral", "--lease", "999999999"]
    done = subprocess.run(
        argv, cwd=REPOSITORY, env=os.environ | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "No process has the pid 999999999" in done.stderr
    assert list(tmp_path.iterdir()) == []
