"""What Spark's Python workers print is in the executor's log as soon as it is printed."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from lakelet.jobs.python_daemon import EXECUTOR_VARIABLE
from lakelet.jobs.spark import python_path


@pytest.mark.parametrize("of_executor", [True, False])
def test_the_daemon_of_an_executor_writes_to_its_log(tmp_path: Path, of_executor: bool) -> None:
    (tmp_path / "stderr").write_text("the JVM's\n")
    env = {**os.environ, "PYTHONPATH": python_path(), **({EXECUTOR_VARIABLE: "http://x"} if of_executor else {})}
    daemon = subprocess.Popen(
        [sys.executable, "-m", "lakelet.jobs.python_daemon"],
        cwd=tmp_path, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert daemon.stdin and daemon.stdout and daemon.stderr
    try:
        (port,) = struct.unpack("!i", daemon.stdout.read(4))
        with socket.create_connection(("127.0.0.1", port)) as connection:
            (pid,) = struct.unpack("!i", connection.recv(4))
            stderr = os.readlink(f"/proc/{pid}/fd/2")  # of a worker, which prints there
            if of_executor:
                assert stderr == str(tmp_path / "stderr")
                with open(f"/proc/{pid}/fd/2", "ab", buffering=0) as file:
                    file.write(b"a task's\n")
                assert (tmp_path / "stderr").read_text() == "the JVM's\na task's\n"
                assert "a task's" not in os.read(daemon.stderr.fileno(), 1000).decode()  # at its end already
            else:
                assert stderr.startswith("pipe:")
    finally:
        daemon.stdin.close()  # as an executor that ends does
        daemon.wait(60)
        daemon.stdout.close()
        daemon.stderr.close()
