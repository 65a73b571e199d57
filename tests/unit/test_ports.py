"""Ports: two stacks that start at once choose different ones."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lakelet.stack.components import unused_ports
from lakelet.stack.ports import NOWHERE, choose, default_ports
from lakelet.workspace.errors import StackError
from lakelet.workspace.paths import REPOSITORY, Workspace

CHOOSE = """
import sys
from pathlib import Path
from lakelet.stack.ports import choose
from lakelet.workspace.paths import Workspace
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


LISTEN = """
import socket, sys
listening = [socket.create_server(("127.0.0.1", int(port))) for port in sys.argv[1:]]
print("listening", flush=True)
sys.stdin.read()
"""


@contextmanager
def listener(ports: list[int], **environment: str) -> Iterator[int]:
    argv = [sys.executable, "-c", LISTEN, *map(str, ports)]
    env = os.environ | environment
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout and process.stdin
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def test_one_sentence_names_every_port_that_others_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = sorted(free_ports(3))
    defaults = {"minio_port": first, "minio_console_port": second, "control_port": third}
    monkeypatch.setattr("lakelet.stack.ports.default_ports", lambda workspace: defaults)
    marks = {"LAKELET_COMPONENT": "minio", "LAKELET_STATE": "/home/me/flights/.lakelet"}
    with listener([first, second], **marks), listener([third]) as pid:
        ports, notes = choose(Workspace(tmp_path, tmp_path))
    (note,) = notes
    assert f"{first}, {second} by another Lakelet project (/home/me/flights); {third} by pid {pid} (" in note
    assert note.endswith(f"Using {', '.join(str(ports[key]) for key in defaults)}.")


def test_a_port_that_nothing_listens_on_is_not_needed(tmp_path: Path) -> None:
    (held,) = free_ports(1)
    (tmp_path / "lakelet.toml").write_text(f"opensearch_port = {held}")
    workspace = Workspace(tmp_path, tmp_path)
    with listener([held]):
        ports, notes = choose(workspace, unused_ports(workspace, ["minio"]))
    used = {"minio_port", "minio_console_port"}
    assert {name for name, port in ports.items() if port != NOWHERE} == used
    assert set(ports) == set(default_ports(workspace))
    assert not any(str(held) in note for note in notes)
    assert unused_ports(workspace) == set()


def test_an_unknown_component_is_named_before_anything_is_done(tmp_path: Path) -> None:
    environment = os.environ | {"LAKELET_STATE": str(tmp_path / "s"), "LAKELET_CACHE": str(tmp_path / "cache")}
    environment |= {"TMPDIR": str(tmp_path)}
    for options in ([], ["--ephemeral"]):
        argv = [sys.executable, "-m", "lakelet", "up", "--only", "nope", *options]
        done = subprocess.run(argv, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "nope is no component of the stack: there are opensearch, minio," in done.stderr
        assert not (tmp_path / "cache").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
