"""A Python that is forked for its runs, without Sail: each run is one's own, and outlives the template."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lakelet.workspace import shim
from lakelet.workspace.paths import REPOSITORY
from lakelet.workspace.template import Template
from tests.conftest import eventually
from tests.unit.test_standby import SLEEP, a_run, gone

PROGRAM = """
import os, sys
from pathlib import Path
from lakelet.workspace.template import await_run
sys.path.pop(0)  # as -P has it
seen = []
def prepare():
    print("getting ready", flush=True)
folder = await_run(prepare)
print("runs", folder.name, "in", os.getcwd(), seen, flush=True)
seen.append(folder.name)
exec((folder / "script").read_text())
"""


@pytest.fixture
def template(tmp_path: Path) -> Iterator[Template]:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    one = Template(tmp_path / "home", [sys.executable, "-c", PROGRAM], env=env)
    yield one
    one.end()
    one.wait(60)


def script(tmp_path: Path, code: str, name: str = "run") -> Path:
    folder = a_run(tmp_path, name)
    (folder / "work").rmdir()
    (folder / "script").write_text(code)
    return folder


@pytest.mark.parametrize(
    ("code", "exit_code", "said"),
    [
        ("import atexit; atexit.register(print, 'good bye'); print(sys.stdin.read() or 'nothing to read')", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("raise ValueError('no')", 1, "ValueError: no"),
        ("os.kill(os.getpid(), 9)", -9, ""),
    ],
)
def test_a_fork_is_a_run_like_any_other(
    template: Template, tmp_path: Path, code: str, exit_code: int, said: str
) -> None:
    for name in ("first", "second"):
        folder = script(tmp_path, code, name)
        identity = template.order(folder, 60)
        exit = eventually(lambda folder=folder: shim.read_exit(folder))  # type: ignore[misc]
        assert (exit.exit_code, exit.timed_out, exit.stopped) == (exit_code, False, False)
        running = shim.read_running(folder)
        assert running is not None and running.shim == identity and running.driver not in (None, identity)
        first, *rest = (folder / "stdout.log").read_text().splitlines()
        assert first == f"runs {name} in {folder / 'work'} []", "another run's traces"
        assert rest == (["nothing to read", "good bye"] if "atexit" in code else [])
        assert said in (folder / "stderr.log").read_text()
        assert (folder / "shim.log").read_text() == ""
    assert "getting ready" in (tmp_path / "home" / "shim.log").read_text()


def test_a_run_times_out_and_is_stopped(template: Template, tmp_path: Path) -> None:
    assert template.order(script(tmp_path, SLEEP, "late"), 0.3)
    assert eventually(lambda: shim.read_exit(tmp_path / "late")).timed_out
    identity = template.order(script(tmp_path, SLEEP, "stopped"), 60)
    assert identity is not None and identity.alive()
    os.kill(identity.pid, signal.SIGTERM)
    assert eventually(lambda: shim.read_exit(tmp_path / "stopped")).stopped
    eventually(lambda: not psutil.pid_exists(identity.pid))


@pytest.mark.parametrize("how", ["end", "kill"])
def test_a_run_outlives_its_template(template: Template, tmp_path: Path, how: str) -> None:
    flag = tmp_path / "flag"
    code = f"import time\nprint('up', flush=True)\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.02)"
    folder = script(tmp_path, code)
    assert template.order(folder, 60)
    eventually(lambda: "up" in (folder / "stdout.log").read_text())
    if how == "end":
        template.end()
        template.wait(60)
        assert not (tmp_path / "home").exists()
    else:
        os.kill(template.identity.pid, signal.SIGKILL)
        eventually(lambda: not template.waits)
        template.wait(60)
        assert (tmp_path / "home" / "shim.log").exists(), "what it said stays"
    assert template.order(script(tmp_path, "pass", "later"), 60) is None
    flag.touch()
    assert eventually(lambda: shim.read_exit(folder)).exit_code == 0


def test_a_killed_shim_leaves_its_session_to_be_ended(template: Template, tmp_path: Path) -> None:
    folder = script(tmp_path, SLEEP)
    identity = template.order(folder, 60)
    running = eventually(lambda: (now := shim.read_running(folder)) and now.driver and now)
    assert identity is not None and os.getsid(running.driver) == identity.pid != os.getsid(template.identity.pid)
    os.kill(identity.pid, signal.SIGKILL)
    assert not gone(running.driver)
    os.killpg(identity.pid, signal.SIGKILL)
    eventually(lambda: gone(running.driver))


def test_a_run_that_somebody_has_is_not_taken(template: Template, tmp_path: Path) -> None:
    folder = script(tmp_path, "pass")
    assert shim.claim(folder)
    assert template.order(folder, 60) is None
    assert not (folder / "stdout.log").exists()
    assert template.order(script(tmp_path, "pass", "other"), 60) is not None


def test_a_fork_s_output_is_capped(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "LAKELET_RUN_OUTPUT_MB": "1"}
    one = Template(tmp_path / "home", [sys.executable, "-c", PROGRAM], env=env)
    folder = script(tmp_path, "for number in range(200_000): print('line', number)")
    assert one.order(folder, 60)
    assert eventually(lambda: shim.read_exit(folder)).exit_code == 0
    one.end()
    one.wait(60)
    text = (folder / "stdout.log").read_text()
    assert len(text) < (1 << 20) + (1 << 17) and "[Lakelet dropped" in text and text.endswith("line 199999\n")
