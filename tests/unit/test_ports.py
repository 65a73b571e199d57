"""Ports: two stacks that start at once choose different ones."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lakelet.stack.ports import choose
from workspace.errors import StackError
from workspace.paths import REPOSITORY, Workspace

CHOOSE = """
import sys
from pathlib import Path
from lakelet.stack.ports import choose
from workspace.paths import Workspace
print(choose(Workspace(Path(sys.argv[1]), Path(sys.argv[1])))[0]["minio_port"], flush=True)
sys.stdin.read()
"""


def test_a_port_that_a_starting_stack_has_chosen_is_left_to_it(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "lakelet.toml").write_text(f"minio_port = {port}")
    argv = [sys.executable, "-c", CHOOSE, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout and other.stdin
        assert int(other.stdout.readline()) == port
        with pytest.raises(StackError, match=rf"Port {port} \(minio_port\) is held by a stack that is starting"):
            choose(Workspace(tmp_path, tmp_path))
        other.stdin.close()
        other.wait()
    assert choose(Workspace(tmp_path, tmp_path))[0]["minio_port"] == port
