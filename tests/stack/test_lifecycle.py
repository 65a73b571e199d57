"""Up, down, and everything that may go wrong between: on small stacks of their own, mostly of MinIO alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest

from lakelet.data.objects import s3_client
from lakelet.data.zones import ZONES
from lakelet.stack import operate
from lakelet.stack.leftovers import component_processes
from lakelet.stack.record import read_record
from lakelet.stack.states import State
from lakelet.workspace import shim
from lakelet.workspace.errors import NotRunningError, StackError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.process import Identity
from tests.conftest import eventually, start

LAKELET = str(Path(sys.executable).with_name("lakelet"))


def row(workspace: Workspace, name: str = "minio") -> dict[str, object]:
    return next(row for row in operate.status(workspace) if row["name"] == name)


def kill_supervisor(workspace: Workspace) -> None:
    record = read_record(workspace)
    assert record
    os.kill(record.supervisor.pid, signal.SIGKILL)
    eventually(lambda: not record.supervisor.alive())


def test_up_makes_the_buckets_and_a_second_up_changes_nothing(own_workspace: Workspace) -> None:
    assert operate.start(own_workspace, ["minio"])
    buckets = s3_client(own_workspace).list_buckets()["Buckets"]
    assert {bucket["Name"] for bucket in buckets} >= set(ZONES)
    pid = row(own_workspace)["pid"]
    assert not operate.start(own_workspace, ["minio"])
    assert row(own_workspace)["pid"] == pid

    assert operate.stop(own_workspace) == ["minio"]
    assert component_processes(own_workspace) == {}
    assert operate.stop(own_workspace) == []
    with pytest.raises(NotRunningError):
        own_workspace.endpoint("s3")


def test_two_ups_at_once_share_one_supervisor(own_workspace: Workspace) -> None:
    argv = [LAKELET, "up", "--only", "minio", "--output", "json"]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert answers[0][0]["pid"] == answers[1][0]["pid"]
    assert [process.returncode for process in both] == [0, 0]


def test_ctrl_c_during_up_leaves_nothing(own_workspace: Workspace) -> None:
    process = subprocess.Popen([LAKELET, "up", "--only", "opensearch"], stderr=subprocess.DEVNULL)
    eventually(lambda: component_processes(own_workspace))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=120) == 130
    assert component_processes(own_workspace) == {}


def test_a_default_port_in_use_is_left_to_its_holder(own_workspace: Workspace) -> None:
    with socket.socket() as holder:
        try:
            holder.bind(("127.0.0.1", 9000))
            holder.listen()
        except OSError:
            pass  # held by somebody else: as good
        start(own_workspace, "minio")
    assert not own_workspace.endpoint("s3").endswith(":9000")
    record = read_record(own_workspace)
    assert record and any(note.startswith("Ports in use: 9000") for note in record.notes)


def test_a_chosen_port_in_use_is_refused_and_its_holder_named(
    own_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        monkeypatch.setenv("LAKELET_MINIO_PORT", str(port))
        with pytest.raises(StackError, match=rf"Port {port} \(minio_port\) is held by pid {os.getpid()} "):
            operate.start(own_workspace, ["minio"])
    assert component_processes(own_workspace) == {}
    start(own_workspace, "minio")  # the port is free now: nothing of the failure is left in the way
    assert own_workspace.endpoint("s3") == f"http://127.0.0.1:{port}"


def test_an_unknown_component_is_refused(own_workspace: Workspace) -> None:
    with pytest.raises(StackError, match="postgres is no component"):
        operate.start(own_workspace, ["postgres"])


def test_a_killed_component_is_restarted_at_the_same_address(own_workspace: Workspace) -> None:
    start(own_workspace, "minio")
    endpoint, pid = own_workspace.endpoint("s3"), row(own_workspace)["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: row(own_workspace)["restarts"] == 1 and row(own_workspace)["state"] == State.RUNNING)
    assert row(own_workspace)["pid"] != pid
    assert own_workspace.endpoint("s3") == endpoint
    assert s3_client(own_workspace).list_buckets()["Buckets"]
    assert "signal SIGKILL" in (own_workspace.logs / "supervisor.log").read_text()


def test_up_after_the_supervisor_was_killed_starts_clean(own_workspace: Workspace) -> None:
    start(own_workspace, "minio")
    pid = row(own_workspace)["pid"]
    kill_supervisor(own_workspace)
    assert row(own_workspace) | {"state": State.STOPPED, "pid": pid} == row(own_workspace)
    assert operate.leftovers(own_workspace) == ["minio"]
    assert operate.start(own_workspace, ["minio"])
    assert pid not in {identity.pid for identity in component_processes(own_workspace)}
    record = read_record(own_workspace)
    assert record and "Ended what an earlier stack had left running: minio." in record.notes


def test_down_after_the_supervisor_was_killed_leaves_nothing(own_workspace: Workspace) -> None:
    start(own_workspace, "minio")
    kill_supervisor(own_workspace)
    done = subprocess.run([LAKELET, "status", "--output", "json"], capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)[0]["state"]) == (3, State.STOPPED)
    assert "minio still run" in done.stderr
    assert operate.stop(own_workspace) == ["minio"]
    assert component_processes(own_workspace) == {}


def test_up_after_the_machine_died(own_workspace: Workspace) -> None:
    """The files of a stack whose pids belong to other processes now, or to none."""
    start(own_workspace, "minio")
    left = (own_workspace.state / "stack.json").read_text()
    operate.stop(own_workspace)
    value = json.loads(left)
    value["supervisor"] = Identity.mine().to_json() | {"started": 1.0}
    value["components"][0] |= {"pid": os.getpid(), "started": 1.0}
    (own_workspace.state / "stack.json").write_text(json.dumps(value))
    assert operate.running(own_workspace) is None
    assert operate.start(own_workspace, ["minio"])


def test_down_ends_a_supervisor_whose_record_was_lost(own_workspace: Workspace) -> None:
    start(own_workspace, "minio")
    record = read_record(own_workspace)
    assert record
    os.kill(record.supervisor.pid, signal.SIGSTOP)  # else it writes the record anew
    (own_workspace.state / "stack.json").write_text("[]")
    (own_workspace.state / "endpoints.json").write_text("")
    with pytest.raises(StackError, match=r"another supervisor is at work.*`lakelet down`"):
        operate.start(own_workspace, ["minio"])
    assert operate.stop(own_workspace) == ["minio"]
    assert component_processes(own_workspace) == {}


def test_down_ends_runs_and_they_say_so(own_workspace: Workspace) -> None:
    start(own_workspace, "minio")
    folder = own_workspace.runs / "jr_test"
    argv = [sys.executable, "-c", "import time; time.sleep(1000)"]
    env = os.environ | own_workspace.environment | {"LAKELET_RUN_ID": "jr_test"}
    run = shim.launch(folder, argv, env=env, cwd=own_workspace.state, timeout_seconds=1000)
    eventually((folder / "process.json").exists)
    operate.stop(own_workspace)
    assert not run.alive()
    ended = shim.read_exit(folder)
    assert ended and ended.stopped


def test_down_leaves_a_process_that_only_a_record_names(own_workspace: Workspace) -> None:
    """Its pid and start time stand in a run's folder, and it carries none of our marks: a stranger's."""
    start(own_workspace, "minio")
    folder = own_workspace.runs / "jr_test"
    folder.mkdir(parents=True)
    stranger = subprocess.Popen(["sleep", "1000"], env={"PATH": os.environ["PATH"]}, start_new_session=True)
    try:
        (folder / "process.json").write_text(json.dumps(Identity.of(stranger.pid).to_json() | {"driver": stranger.pid}))
        running = shim.read_running(folder)
        assert running and running.shim.alive()
        operate.stop(own_workspace)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_down_ends_the_driver_whose_shim_was_killed(own_workspace: Workspace) -> None:
    folder = own_workspace.runs / "jr_test"
    argv = [sys.executable, "-c", "import time; time.sleep(1000)"]
    env = os.environ | own_workspace.environment | {"LAKELET_RUN_ID": "jr_test"}
    run = shim.launch(folder, argv, env=env, cwd=own_workspace.state, timeout_seconds=1000)
    driver = eventually(lambda: (running := shim.read_running(folder)) and running.driver)
    os.kill(run.pid, signal.SIGKILL)
    eventually(lambda: not run.alive())
    assert operate.leftovers(own_workspace) == ["run"]
    identity = Identity.of(driver)
    assert operate.stop(own_workspace) == ["run"]
    assert not identity.alive()


def test_a_component_that_cannot_start_is_named_with_its_last_words(
    own_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = own_workspace.cache.minio
    broken = tmp_path / "minio"
    broken.write_text("#!/bin/sh\necho 'the disk is on fire'\nexit 7\n")
    broken.chmod(0o755)
    monkeypatch.setenv("LAKELET_MINIO_BINARY", str(broken))
    with pytest.raises(StackError, match=r"(?s)minio died too often.*exited with code 7.*the disk is on fire"):
        operate.start(own_workspace, ["minio", "control"])  # control waits for minio: that must not hang
    assert row(own_workspace)["state"] == State.FATAL

    # Put right, and tried again: a supervisor that is slow to do so must not have the old death reported.
    broken.write_text(f'#!/bin/sh\nexec {whole} "$@"\n')
    record = read_record(own_workspace)
    assert record
    os.kill(record.supervisor.pid, signal.SIGSTOP)
    Timer(2, os.kill, (record.supervisor.pid, signal.SIGCONT)).start()
    assert not operate.start(own_workspace, ["minio", "control"])
    assert row(own_workspace)["state"] == State.RUNNING


def test_a_component_runs_in_the_foreground_as_in_a_container(
    own_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LAKELET_MINIO_PORT", "LAKELET_MINIO_CONSOLE_PORT"):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            monkeypatch.setenv(name, str(free.getsockname()[1]))
    run = [sys.executable, "-m", "lakelet.stack.run"]
    probe = [*run, "--probe", "minio"]
    assert subprocess.run(probe, capture_output=True, check=False).returncode == 1
    with subprocess.Popen([*run, "minio"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        eventually(lambda: subprocess.run(probe, capture_output=True, check=False).returncode == 0)
        process.terminate()
        assert process.wait(60) is not None
