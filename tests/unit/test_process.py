"""Processes: identity by pid and start time, and sessions ended whole."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lakelet.workspace.process import Identity, Watch, boot_id, end_session, session_members, spawn
from tests.conftest import eventually

STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print('up', flush=True); time.sleep(600)"
)


def test_identity_tells_a_reused_pid_apart() -> None:
    me = Identity.mine()
    assert me.alive() and Identity.from_json(me.to_json()) == me
    assert not Identity(me.pid, me.started - 60).alive()


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    identity = Identity.of(child.pid)
    deadline = time.monotonic() + 60
    while identity.alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not identity.alive()
    child.wait()


def test_end_session_ends_children_and_those_who_ignore_sigterm(tmp_path: Path) -> None:
    process = spawn([sys.executable, "-c", STUBBORN], env=os.environ, cwd=tmp_path, stdout=tmp_path / "out")
    deadline = time.monotonic() + 60
    while "up" not in (tmp_path / "out").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(list(session_members(process.pid))) == 2
    end_session(Identity.of(process.pid), grace_seconds=0.5)
    assert list(session_members(process.pid)) == []
    assert process.wait() != 0


def test_end_session_spares_a_stranger_with_the_same_pid() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    end_session(Identity(child.pid, 1.0), grace_seconds=0)
    assert child.poll() is None
    child.kill()
    child.wait()


def test_a_watch_ends_with_a_process_and_by_waking_from_any_thread() -> None:
    watch = Watch()
    child = subprocess.Popen(["sleep", "600"])
    began = time.monotonic()
    threading.Timer(0.05, child.kill).start()
    watch.sleep(600, [os.getpid(), child.pid])
    child.wait()
    watch.sleep(600, [child.pid])  # which is gone already
    threading.Timer(0.05, watch.wake).start()
    watch.sleep(600)
    watch.wake()
    watch.sleep(600, [os.getpid()])  # woken before it slept
    assert time.monotonic() - began < 300
    watch.sleep(0)


def test_a_process_of_another_or_an_unknown_boot_is_dead() -> None:
    me = Identity.mine()
    assert not replace(me, boot="00000000-0000-0000-0000-000000000000").alive()
    assert not Identity.from_json({"pid": me.pid, "started": me.started}).alive(), "a record of an older Lakelet"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Callable[..., psutil.Process]]:
    """Starts a process whose session's leader is dead and reaped: what is left of a service that forked twice."""
    started: list[psutil.Process] = []

    def start(**environment: str) -> psutil.Process:
        script = "sleep 1000 > /dev/null & echo $!"
        env = os.environ | environment
        leader = subprocess.Popen(["sh", "-c", script], env=env, stdout=subprocess.PIPE, start_new_session=True)
        started.append(psutil.Process(int(leader.communicate()[0])))
        assert os.getsid(started[-1].pid) == leader.pid and not psutil.pid_exists(leader.pid)
        return started[-1]

    yield start
    for process in started:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def test_a_session_without_its_leader_is_ended_only_by_its_marks(daemon: Callable[..., psutil.Process]) -> None:
    """The pid of a dead leader may be the id of a stranger's session by now, after a reboot or when pids come again."""
    marks = {"LAKELET_STATE": "/here", "LAKELET_RUN_ID": "jr_1"}
    foreign, other, own = daemon(), daemon(LAKELET_STATE="/here", LAKELET_RUN_ID="jr_2"), daemon(**marks)
    for boot in (boot_id(), "another"):
        for process in (foreign, other):
            end_session(Identity(os.getsid(process.pid), 1.0, boot), 0.0, marks)
            end_session(Identity(os.getsid(process.pid), 1.0, boot), 0.0)
            assert process.status() == psutil.STATUS_SLEEPING
    end_session(Identity(os.getsid(own.pid), 1.0), 0.0, {"LAKELET_COMPONENT": "x"}, marks)
    eventually(lambda: not own.is_running() or own.status() == psutil.STATUS_ZOMBIE)
