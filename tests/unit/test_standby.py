"""Drivers that start before there is a run for them, without Spark: the standby, and what keeps some ready."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lakelet.jobs import warm
from lakelet.jobs.warm import Start, WarmDrivers
from lakelet.workspace import shim
from lakelet.workspace.paths import REPOSITORY, Workspace
from lakelet.workspace.standby import Standby
from tests.conftest import eventually

DRIVER = """
import os, sys
line = open(os.path.join(sys.argv[1], "line"))
print("getting ready", os.getpid(), flush=True)
folder = line.readline().strip()
print("runs", folder, flush=True)
print("in", os.getcwd(), flush=True)
exec(sys.argv[2])
"""
SLEEP = "import time; time.sleep(1000)"


def standby(tmp_path: Path, code: str = "pass") -> Standby:
    home = tmp_path / "home"
    argv = [sys.executable, "-c", DRIVER, str(home), code]
    return Standby(home, argv, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)})


def ready(tmp_path: Path) -> int:
    """Wait until the driver waits; returns its pid."""
    return int(eventually((tmp_path / "home" / "stdout.log").read_text).split()[-1])


def a_run(tmp_path: Path, name: str = "run") -> Path:
    folder = tmp_path / name
    (folder / "work").mkdir(parents=True)
    return folder


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("early", [False, True])
def test_a_driver_becomes_its_run_ready_or_not(tmp_path: Path, early: bool) -> None:
    one = standby(tmp_path, "sys.exit(3)")
    if not early:
        ready(tmp_path)
    folder = a_run(tmp_path)
    assert one.order(folder, 60)
    one.end()
    exit = eventually(lambda: shim.read_exit(folder))
    assert (exit.exit_code, exit.timed_out, exit.stopped) == (3, False, False)
    said = (folder / "stdout.log").read_text().splitlines()
    assert said[-2:] == [f"runs {folder}", f"in {folder / 'work'}"]
    assert early or len(said) == 2, "what getting ready said is not the run's"
    running = shim.read_running(folder)
    assert running is not None and running.shim == one.identity
    eventually(lambda: not (tmp_path / "home").exists())


def test_the_timeout_counts_from_the_order(tmp_path: Path) -> None:
    one = standby(tmp_path, SLEEP)
    ready(tmp_path)
    assert one.order(a_run(tmp_path), 0.3)
    assert eventually(lambda: shim.read_exit(tmp_path / "run")).timed_out


def test_sigterm_stops_the_run(tmp_path: Path) -> None:
    one = standby(tmp_path, SLEEP)
    pid = ready(tmp_path)
    assert one.order(a_run(tmp_path), 60)
    os.kill(one.identity.pid, signal.SIGTERM)
    assert eventually(lambda: shim.read_exit(tmp_path / "run")).stopped
    assert gone(pid)


@pytest.mark.parametrize("how", ["end", "sigterm"])
def test_a_driver_that_waits_ends_with_its_standby(tmp_path: Path, how: str) -> None:
    one = standby(tmp_path)
    pid = ready(tmp_path)
    if how == "end":
        one.end()
    else:
        os.kill(one.identity.pid, signal.SIGTERM)
    one.wait(60)
    assert gone(pid)
    assert not (tmp_path / "home").exists()


def test_a_killed_owner_takes_what_waits_along_and_leaves_what_runs(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\nfrom pathlib import Path\n"
        "from tests.unit.test_standby import SLEEP, a_run, ready, standby\n"
        "for name in ('waits', 'runs'):\n"
        "    one = standby(Path(sys.argv[1]) / name, SLEEP)\n"
        "    pid = ready(Path(sys.argv[1]) / name)\n"
        "    print(pid, flush=True)\n"
        "assert one.order(a_run(Path(sys.argv[1])), 60)\n"
        "print('ordered', flush=True)\n"
        "time.sleep(1000)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True, env=env) as owner:
        assert owner.stdout is not None
        waits, runs = int(owner.stdout.readline()), int(owner.stdout.readline())
        assert owner.stdout.readline() == "ordered\n"
        owner.kill()
    eventually(lambda: gone(waits))
    assert not gone(runs)
    running = shim.read_running(tmp_path / "run")
    assert running is not None and running.driver == runs
    os.kill(running.shim.pid, signal.SIGTERM)
    assert eventually(lambda: shim.read_exit(tmp_path / "run")).stopped


def test_a_dead_driver_takes_no_run_and_its_logs_stay(tmp_path: Path) -> None:
    one = standby(tmp_path)
    os.kill(ready(tmp_path), signal.SIGKILL)
    eventually(lambda: not one.waits)
    assert not one.order(a_run(tmp_path), 60)
    assert shim.read_running(tmp_path / "run") is None
    assert "getting ready" in (tmp_path / "home" / "stdout.log").read_text()


def test_a_run_that_somebody_has_is_not_taken(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    assert shim.claim(folder)
    one = standby(tmp_path)
    pid = ready(tmp_path)
    assert not one.order(folder, 60)
    one.wait(60)
    assert gone(pid)
    assert not (folder / "stdout.log").exists()


# -- the ones that are kept ready ----------------------------------------------------------------------------------


class Room:
    """Warm drivers that are plain Python."""

    def __init__(self, state: Path, patch: pytest.MonkeyPatch) -> None:
        self.workspace = Workspace(REPOSITORY, state).prepare()
        program = [
            sys.executable,
            "-c",
            "import os, sys\n" + DRIVER.replace("sys.argv[1]", "os.environ['LAKELET_WARM_FOLDER']"),
        ]
        patch.setattr(warm, "submit_argv", lambda workspace, script: [*program, "x", "pass"])
        patch.setattr(warm, "LOOK_SECONDS", 0.02)
        self.up = True
        self.drivers = WarmDrivers(self.workspace, {"PATH": os.environ["PATH"]}, lambda: self.up)

    def waiting(self) -> list[Path]:
        return list((self.workspace.state / "warm").glob("*/stdout.log"))

    def take(self, name: str = "run", **properties: str) -> Path | None:
        folder = a_run(self.workspace.state, name)
        start = Start("script.py", ["--a", "b"], {"NAME": "value"}, properties)
        return folder if self.drivers.take(folder, start, 60) else None


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    room = Room(tmp_path / ".lakelet", monkeypatch)
    yield room
    room.drivers.close()
    assert not room.waiting()


def test_a_driver_waits_and_the_next_one_comes_when_the_run_has_ended(room: Room) -> None:
    room.drivers.start()
    first = eventually(room.waiting)
    folder = room.take()
    assert folder is not None
    assert json.loads((folder / "start.json").read_text()) == {
        "script": "script.py", "arguments": ["--a", "b"], "env": {"NAME": "value"}, "properties": {}, "modules": [],
    }  # fmt: skip
    assert eventually(lambda: shim.read_exit(folder)).exit_code == 0
    assert room.take("early") is None, "the machine is the run's"
    room.drivers.ended()
    assert eventually(room.waiting) != first


def test_what_only_a_starting_jvm_can_be_told_is_no_run_for_a_warm_driver(room: Room) -> None:
    room.drivers.start()
    eventually(room.waiting)
    assert room.take(**{"spark.driver.memory": "2g"}) is None
    assert room.take("away", **{"spark.jars": "/here/a.jar,s3://b/c.jar"}) is None
    assert room.take("packages", **{"spark.jars.packages": "a:b:1"}) is None
    assert room.take("other", **{"spark.sql.shuffle.partitions": "3", "spark.jars": "/here/a.jar"}) is not None


def test_drivers_are_ended_when_no_run_comes_and_start_again_when_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "LULL_SECONDS", 0.0)
    room = Room(tmp_path / ".lakelet", monkeypatch)
    monkeypatch.setattr(room.drivers, "_idle_seconds", 3.0)
    room.drivers.start()
    eventually(room.waiting)
    eventually(lambda: not room.waiting())
    assert room.take() is None
    assert eventually(room.waiting)
    room.drivers.close()


def test_none_starts_before_the_stack_is_up_and_none_if_none_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    room = Room(tmp_path / "down", monkeypatch)
    room.drivers = WarmDrivers(room.workspace, {}, lambda: bool(asked.append(1)))
    room.drivers.start()
    eventually(lambda: len(asked) > 2)
    assert not room.waiting()
    room.drivers.close()
    monkeypatch.setenv("LAKELET_WARM_DRIVERS", "0")
    assert Workspace(REPOSITORY, tmp_path / "none").settings.number("warm_drivers") == 0
    none = Room(tmp_path / "none", monkeypatch)
    none.drivers.start()
    assert none.take() is None
    none.drivers.close()


def test_a_new_control_process_leaves_its_folder_to_a_run_that_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver may be given a run before it has opened its line; the control process may die then."""
    room, flag = Room(tmp_path / ".lakelet", monkeypatch), tmp_path / "flag"
    homes = room.workspace.state / "warm"
    (homes / "dead").mkdir(parents=True)
    (homes / "dead" / "shim.log").touch()
    slow = f"import os, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.02)\n{DRIVER}"
    argv = [sys.executable, "-c", slow, str(homes / "early"), "pass"]
    one = Standby(homes / "early", argv, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)})
    folder = a_run(tmp_path)
    assert one.order(folder, 60)
    monkeypatch.setattr(room.drivers, "_wanted", 0)
    room.drivers.start()
    assert not (homes / "dead").exists()
    flag.touch()
    assert eventually(lambda: shim.read_exit(folder)).exit_code == 0, (folder / "stderr.log").read_text()
    eventually(lambda: not (homes / "early").exists())
    room.drivers.close()


def test_a_driver_that_dies_is_named_and_not_replaced_at_once(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    room.drivers.start()
    log = eventually(room.waiting)[0]
    os.kill(int(eventually(log.read_text).split()[-1]), signal.SIGKILL)
    eventually(lambda: "A waiting driver died" in caplog.text)
    assert room.waiting() == [log], "its logs stay, and no other is started for now"
    log.unlink()
