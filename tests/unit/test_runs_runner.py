"""The runner without a stack: what one run leaves lying about, or a full disk, is no matter of the others."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from lakelet.catalog.publishes import Publishes
from lakelet.catalog.store import CatalogStore
from lakelet.jobs import engines, launchers, runner
from lakelet.jobs.runner import Runner
from lakelet.jobs.store import JobStore
from lakelet.search.shipper import LogShipper, _Batch
from lakelet.workspace import shim
from lakelet.workspace.paths import EPHEMERAL, REPOSITORY, Workspace
from lakelet.workspace.process import Identity
from lakelet.workspace.runs import Run, RunState, new_run_id
from lakelet.workspace.standby import Standby
from lakelet.workspace.state import open_state
from tests.conftest import eventually

ENDPOINTS = ("control", "s3", "opensearch", "dashboards")


CATCHING = """
from lakelet.etl.errors import UnsupportedError
try:
    raise UnsupportedError("There is no such thing.")
except Exception:
    print("skipped")
"""


class Room:
    """A runner with a state database of its own; nothing answers at the object store's address."""

    def __init__(self, state: Path) -> None:
        self.workspace = Workspace(REPOSITORY, state).prepare()
        self.workspace.write_endpoints(dict.fromkeys(ENDPOINTS, "http://127.0.0.1:9"))
        engine = open_state(self.workspace.database)
        self.store = JobStore(engine)
        self.publishes = Publishes(engine, CatalogStore(engine), self.workspace)
        self.components: Collection[str] | None = None
        self.runner = Runner(self.workspace, self.store, self.publishes, components=lambda: self.components)

    def ended(self, run: Run) -> Run:
        return eventually(lambda: (now := self.store.run(run.id)).ended and now)


def a_run(code: str = "pass") -> Run:
    return Run(id=new_run_id(), kind="test", name="test", spec={"argv": ["{python}", "-c", code]})


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path / ".lakelet")
    yield room
    room.runner.close()


def test_one_run_s_odd_file_does_not_stop_the_others(room: Room) -> None:
    odd = room.store.add_run(a_run())
    room.store.move(odd, RunState.STARTING, started_at=time.time())
    folder = launchers.folder_of(room.workspace, odd.id)
    folder.mkdir(parents=True)
    (folder / "process.json").write_text("no JSON")
    room.runner.start()
    assert room.ended(room.runner.submit(a_run())).state is RunState.SUCCEEDED
    assert room.ended(odd).state is RunState.FAILED  # nobody can say who runs it: it is not said to run


def test_a_driver_works_in_a_folder_without_our_files(room: Room) -> None:
    code = "import os; print(os.listdir()); [open(name, 'w') for name in ('process.json', 'exit.json')]"
    room.runner.start()
    run = room.ended(room.runner.submit(a_run(code)))
    assert (run.state, run.exit_code) == (RunState.SUCCEEDED, 0)
    folder = launchers.folder_of(room.workspace, run.id)
    assert (folder / "stdout.log").read_text() == "[]\n"
    assert (folder / "work" / "exit.json").read_text() == ""


def test_a_run_that_caught_a_refusal_has_not_succeeded(room: Room) -> None:
    room.runner.start()
    run = room.ended(room.runner.submit(a_run(CATCHING)))
    assert (run.state, run.exit_code) == (RunState.FAILED, 0)
    assert run.reason == (
        "The script went on after an error that it caught, and has not done all: There is no such thing."
    )


def test_a_run_that_is_over_before_anybody_looked_has_been_running(room: Room) -> None:
    run = room.store.move(room.store.add_run(a_run()), RunState.STARTING, started_at=time.time())
    assert run is not None
    launchers.start(room.workspace, run)
    folder = launchers.folder_of(room.workspace, run.id)
    eventually(lambda: shim.read_exit(folder))
    room.runner.start()
    assert room.ended(run).state is RunState.SUCCEEDED
    states = [json.loads(line)["state"] for line in (folder / "events.jsonl").read_text().splitlines()]
    assert states == ["STARTING", "RUNNING", "SUCCEEDED"]


def test_a_run_is_submitted_though_its_events_cannot_be_written(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    run = a_run()
    folder = launchers.folder_of(room.workspace, run.id)
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way")
    room.runner.submit(run)
    assert room.store.waiting() == [run]
    assert "events.jsonl cannot be written" in caplog.text
    room.runner.start()
    assert "could not be launched" in room.ended(run).reason


def test_a_collection_that_fails_is_logged(
    room: Room, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def collect(*arguments: Any) -> int:
        raise OSError("the disk is full")

    monkeypatch.setattr(room.publishes, "collect", collect)
    room.runner.start()
    eventually(lambda: "Old staging could not be collected" in caplog.text and "the disk is full" in caplog.text)


def test_a_stranger_s_session_with_the_id_of_a_dead_shim_survives(room: Room) -> None:
    odd = room.store.add_run(a_run())
    room.store.move(odd, RunState.STARTING, started_at=time.time())
    folder = launchers.folder_of(room.workspace, odd.id)
    folder.mkdir(parents=True)
    script = "sleep 1000 > /dev/null & echo $!"
    leader = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    stranger = psutil.Process(int(leader.communicate()[0]))
    try:
        (folder / "process.json").write_text(json.dumps(Identity(leader.pid, 1.0).to_json()))
        room.runner.start()
        assert room.ended(odd).state is RunState.FAILED
        assert stranger.status() == psutil.STATUS_SLEEPING
    finally:
        stranger.kill()


@pytest.mark.parametrize("away", [False, True])
def test_what_a_killed_shim_leaves_is_ended(room: Room, away: bool) -> None:
    code = f"import subprocess; print(subprocess.Popen(['sleep', '1000'], start_new_session={away}).pid, flush=True)"
    run = room.runner.submit(a_run(code + "; import time; time.sleep(1000)"))
    room.runner.start()
    folder = launchers.folder_of(room.workspace, run.id)
    child = psutil.Process(eventually(lambda: int((folder / "stdout.log").read_text())))
    running = shim.read_running(folder)
    assert running is not None and running.driver is not None
    driver = psutil.Process(running.driver)
    os.kill(running.shim.pid, signal.SIGKILL)
    run = room.ended(run)
    assert (run.state, run.reason) == (
        RunState.FAILED, "The process that watches over the driver was killed; the driver was ended with it.",
    )  # fmt: skip
    for process in (driver, child):
        assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_what_a_killed_shim_of_a_warm_driver_leaves_is_ended(room: Room) -> None:
    run = room.store.move(room.store.add_run(a_run()), RunState.STARTING, started_at=time.time())
    assert run is not None
    folder, home = launchers.folder_of(room.workspace, run.id), room.workspace.state / "home"
    folder.mkdir(parents=True)
    env = {**os.environ, **room.workspace.environment, "LAKELET_COMPONENT": "warm-driver"}
    standby = Standby(home, [sys.executable, "-c", "import time; time.sleep(1000)"], env=env)
    assert standby.order(folder, 600)
    eventually(lambda: (now := shim.read_running(folder)) and now.driver)
    running = shim.read_running(folder)
    assert running is not None and running.driver is not None
    driver = psutil.Process(running.driver)
    os.kill(running.shim.pid, signal.SIGKILL)
    standby.wait(60)
    standby.end()
    room.runner.start()
    assert room.ended(run).state is RunState.FAILED
    assert not driver.is_running() or driver.status() == psutil.STATUS_ZOMBIE


STOPS_ITS_SHIM = "import os, signal, time\nos.kill(os.getppid(), signal.SIGSTOP)\nprint('stopped', flush=True)\n"
# It outlives the shim's SIGTERM, so that it stops the shim again however late it is scheduled.
AGAIN = f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: {STOPS_ITS_SHIM.splitlines()[1]}"


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_script_that_stops_its_shim_has_its_timeout_still(
    room: Room, monkeypatch: pytest.MonkeyPatch, stubborn: bool
) -> None:
    monkeypatch.setattr(runner, "OVERDUE_SECONDS", 0.2)
    monkeypatch.setattr(runner, "GRACE_SECONDS", 0.3)
    room.runner.start()
    code = STOPS_ITS_SHIM + (AGAIN if stubborn else "time.sleep(1000)")
    run = room.ended(room.runner.submit(replace(a_run(code), timeout_seconds=3)))
    assert run.state is RunState.TIMEOUT
    reason = "The run took longer than its timeout of 0.05 minutes."
    assert run.reason == (f"{reason} {runner.UNWATCHED}" if stubborn else reason)
    assert (launchers.folder_of(room.workspace, run.id) / "stdout.log").read_text() == "stopped\n"


def test_a_run_whose_shim_was_stopped_can_be_stopped(room: Room) -> None:
    room.runner.start()
    run = room.runner.submit(a_run(STOPS_ITS_SHIM + "time.sleep(1000)"))
    eventually((launchers.folder_of(room.workspace, run.id) / "stdout.log").read_text)
    eventually(lambda: room.store.run(run.id).state is RunState.RUNNING)
    room.runner.stop(run.id)
    assert room.ended(run).state is RunState.STOPPED


def a_spark_job(tmp_path: Path, code: str, engine: str = "spark", **arguments: str) -> Run:
    script = tmp_path / "script.py"
    script.write_text(code)
    choice = asdict(engines.Choice(engine, "asked for by --engine", may_change=engine == "sail"))
    spec = {"command": "glueetl", "script": str(script), "engine": choice}
    return replace(a_run(), spec=spec, arguments={f"--{name}": value for name, value in arguments.items()})


def test_a_spark_run_fails_at_once_on_a_stack_without_spark(room: Room, tmp_path: Path) -> None:
    room.components = {"minio", "control", "spark-master"}
    room.runner.start()
    run = room.ended(room.runner.submit(a_spark_job(tmp_path, "pass")))
    assert (run.state, run.reason) == (
        RunState.FAILED,
        "The run needs Spark (asked for by --engine), but the stack was started without spark-worker-1: start one that "
        "has them (`lakelet down`, then `lakelet up`; in pytest, name them in lakelet_components).",
    )
    (room.workspace.state / EPHEMERAL).touch()
    room.components = {"minio", "control"}
    reason = room.ended(room.runner.submit(a_spark_job(tmp_path, "pass"))).reason
    assert "without spark-master and spark-worker-1" in reason and "--ephemeral --only minio" in reason


def test_a_master_elsewhere_counts_as_there(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room.runner.start()
    assert launchers.without_spark(room.workspace, {"minio", "control"}) == ["spark-master", "spark-worker-1"]
    assert launchers.without_spark(room.workspace, {"spark-master", "spark-worker-1"}) == []
    assert launchers.without_spark(room.workspace, None) == [], "nobody knows"
    monkeypatch.setenv("LAKELET_SPARK_MASTER", "spark://elsewhere:7077")
    assert launchers.without_spark(Workspace(REPOSITORY, room.workspace.state), {"minio", "control"}) == []


def test_a_run_on_sail_is_not_offered_a_spark_that_is_not_there(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.runner.start()
    monkeypatch.setattr(shim, "launch", lambda folder, *words, **more: Identity.mine())
    monkeypatch.setattr(launchers, "_on_spark", lambda *words: (["spark-submit"], {}))
    for components, offered in (({"minio", "control"}, False), (None, True)):
        run = a_spark_job(tmp_path, "pass", "sail")
        launchers.start(room.workspace, run, components=components)
        assert (launchers.folder_of(room.workspace, run.id) / "on-spark.json").exists() is offered
    for code, more in (("SparkConf().setMaster('local[1]')", {}), ("pass", {"conf": "spark.master=local[1]"})):
        assert launchers.start(room.workspace, a_spark_job(tmp_path, code, **more), components={"control"})


CHATTY = """
import sys, time
for number in range(400_000):
    print(f"line {number:08d}")
sys.stdout.flush()
time.sleep(2.5)
for number in range(400_000, 500_000):
    print(f"line {number:08d}")
print("last words", file=sys.stderr)
sys.exit(3)
"""


def test_a_run_s_output_is_capped_and_shipped_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELET_RUN_OUTPUT_MB", "1")
    room = Room(tmp_path / ".lakelet")
    room.runner.start()
    run = room.runner.submit(a_run(CHATTY))
    log = launchers.folder_of(room.workspace, run.id) / "stdout.log"
    shipper = LogShipper(room.workspace)
    shipped: dict[str, str] = {}

    def ship() -> bool:
        more = True
        while more:
            more, batch = False, _Batch()
            for file in (one for one in shipper._sources.files() if one.path == log):
                more = shipper._collect(file, batch)
            keys = [json.loads(line)["index"]["_id"] for line in batch.lines[::2]]
            assert not shipped.keys() & set(keys)
            shipped.update(zip(keys, [json.loads(line)["message"] for line in batch.lines[1::2]], strict=True))
            shipper._cursors |= batch.cursors
        return room.store.run(run.id).ended

    eventually(ship)
    ended = room.store.run(run.id)
    os.utime(log, (time.time() - 60,) * 2)  # nobody writes it any more
    ship()
    room.runner.close()
    assert (ended.state, ended.exit_code) == (RunState.FAILED, 3) and "last words" in ended.reason
    text = log.read_text()
    lines = text.splitlines()
    assert (1 << 20) < len(text) < (1 << 20) + (1 << 17)
    note = next(index for index, line in enumerate(lines) if line.startswith("[Lakelet dropped "))
    dropped = int(re.sub(r"\D", "", lines[note].partition(" bytes")[0]))
    written, told = 500_000 * len("line 00000000\n"), len(text) + dropped - len(lines[note]) - 2
    assert 0.99 * written < told <= written, "what was written while the file was cut is not counted"
    assert lines[-1] == "line 00499999"
    words = re.findall(r"line \d{8}", "\n".join(shipped.values()))
    assert len(words) == len(set(words)), "none is doubled"
    kept = re.findall(r"(?m)^line \d{8}$", text)
    assert set(kept) <= set(words) and any("Lakelet dropped" in message for message in shipped.values())
