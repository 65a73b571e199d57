"""Runs: their states, the queue that admits them, and the shim that watches over a driver."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lakelet.jobs.failures import ended_badly, last_words
from lakelet.jobs.logs import application_id
from lakelet.jobs.queue import Capacity, admit
from lakelet.jobs.store import JobStore
from lakelet.workspace import shim
from lakelet.workspace.errors import AlreadyExistsException, ConcurrentRunsExceededException, EntityNotFoundException
from lakelet.workspace.process import Identity, end_session, session_members
from lakelet.workspace.runs import (
    ENDED,
    NEXT,
    Run,
    RunState,
    claim_application,
    may_follow,
    new_run_id,
    read_application,
    retry_id,
)
from lakelet.workspace.state import open_state

LIMIT_SECONDS = 120


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@pytest.fixture
def store(database: Path | str) -> Iterator[JobStore]:
    engine = open_state(database)
    yield JobStore(engine)
    engine.dispose()


def a_run(name: str = "job", cores: int = 0, memory_mb: int = 512) -> Run:
    return Run(id=new_run_id(), kind="job", name=name, cores=cores, memory_mb=memory_mb)


# -- states --------------------------------------------------------------------------------------------------------


def test_nothing_follows_an_end() -> None:
    assert all(not may_follow(state, following) for state in ENDED for following in RunState)
    assert set(NEXT) | ENDED == set(RunState)


def test_a_run_moves_only_along_the_state_machine(store: JobStore) -> None:
    run = store.add_run(a_run())
    with pytest.raises(ValueError, match="WAITING to SUCCEEDED"):
        store.move(run, RunState.SUCCEEDED)
    assert store.run(run.id).state is RunState.WAITING


def test_of_two_who_move_a_run_one_wins(store: JobStore) -> None:
    run = store.add_run(a_run())
    first = store.move(run, RunState.STARTING, started_at=1.0)
    assert first is not None
    assert store.move(run, RunState.STOPPED) is None
    assert store.run(run.id) == first


def test_a_retry_enters_the_queue_with_the_failure(store: JobStore) -> None:
    run = store.move(store.add_run(a_run()), RunState.STARTING)
    assert run is not None
    retry = replace(run, id=retry_id(run.id, 1), attempt=1, previous_id=run.id, state=RunState.WAITING)
    assert store.move(run, RunState.FAILED, successor=retry, reason="broke") is not None
    assert [one.id for one in store.waiting()] == [f"{run.id}_attempt_1"]
    assert retry_id(retry.id, 2) == f"{run.id}_attempt_2"
    # The loser of a race must not leave a successor behind.
    assert store.move(run, RunState.FAILED, successor=replace(retry, id="other")) is None
    with pytest.raises(EntityNotFoundException):
        store.run("other")


def test_concurrent_runs_are_limited_in_the_transaction_that_adds_one(store: JobStore) -> None:
    first = store.add_run(a_run(), max_concurrent=1)
    with pytest.raises(ConcurrentRunsExceededException):
        store.add_run(a_run(), max_concurrent=1)
    store.add_run(a_run("another"), max_concurrent=1)
    store.move(first, RunState.STOPPED)
    store.add_run(a_run(), max_concurrent=1)


def test_job_definitions(store: JobStore) -> None:
    store.create_job("b", {"Role": "r"})
    store.create_job("a", {"Role": "r"})
    with pytest.raises(AlreadyExistsException):
        store.create_job("a", {})
    store.replace_job("a", {"Role": "s"})
    assert store.job("a")["Role"] == "s"
    assert [job["Name"] for job in store.jobs()] == ["a", "b"]
    assert [job["Name"] for job in store.jobs(after="a")] == ["b"]
    assert store.delete_job("a")
    assert not store.delete_job("a")
    with pytest.raises(EntityNotFoundException):
        store.replace_job("a", {})


# -- the queue -----------------------------------------------------------------------------------------------------

TWO_CORES = Capacity(cores=2, memory_mb=4096)


def test_two_spark_jobs_never_share_a_cluster_that_fits_one() -> None:
    first, second = a_run(cores=2, memory_mb=1024), a_run(cores=2, memory_mb=1024)
    admitted, delayed = admit([first, second], [], TWO_CORES)
    assert admitted == [first]
    assert delayed == [(second, "waiting for 2 cores and 1024 MB: 1st in the queue")]
    assert admit([second], [first], TWO_CORES)[0] == []
    assert admit([second], [], TWO_CORES)[0] == [second]


def test_a_run_without_spark_passes_those_that_wait_for_cores() -> None:
    running, waiting, small = a_run(cores=2, memory_mb=2048), a_run(cores=2, memory_mb=2048), a_run()
    admitted, delayed = admit([waiting, small], [running], TWO_CORES)
    assert admitted == [small]
    assert [run for run, _ in delayed] == [waiting]


def test_a_later_run_does_not_take_what_the_first_in_line_waits_for() -> None:
    running, big, small = a_run(cores=1), a_run(cores=2), a_run(cores=1)
    admitted, delayed = admit([big, small], [running], TWO_CORES)
    assert admitted == []
    assert [reason.rpartition(": ")[2] for _, reason in delayed] == ["1st in the queue", "2nd in the queue"]


def test_a_run_that_waits_for_memory_is_not_overtaken_by_smaller_ones() -> None:
    running, large, small = a_run(memory_mb=3000), a_run(memory_mb=2000), a_run(memory_mb=500)
    assert admit([large, small], [running], TWO_CORES)[0] == []
    assert admit([large, small], [], TWO_CORES)[0] == [large, small]


def test_memory_is_admitted_too_and_a_run_larger_than_everything_runs_alone() -> None:
    huge = a_run(cores=64, memory_mb=10**6)
    assert admit([huge, a_run()], [], TWO_CORES)[0] == [huge]
    assert admit([huge], [a_run()], TWO_CORES)[0] == []


# -- the shim ------------------------------------------------------------------------------------------------------


def launch(folder: Path, code: str, timeout: float = LIMIT_SECONDS) -> Identity:
    env = {"PATH": os.environ["PATH"]}
    return shim.launch(folder, [sys.executable, "-c", code], env=env, cwd=folder.parent, timeout_seconds=timeout)


def ended(folder: Path) -> shim.Exit:
    wait_for(lambda: shim.read_exit(folder))
    outcome = shim.read_exit(folder)
    assert outcome is not None
    return outcome


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("print('hello')", 0),
        ("import sys; sys.exit(3)", 3),
        ("import os; os._exit(0)", 0),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
def test_the_shim_writes_how_its_driver_ended(tmp_path: Path, code: str, expected: int) -> None:
    launch(tmp_path / "run", code)
    outcome = ended(tmp_path / "run")
    assert (outcome.exit_code, outcome.timed_out, outcome.stopped) == (expected, False, False)


def test_the_shim_ends_a_driver_that_takes_too_long(tmp_path: Path) -> None:
    launch(tmp_path / "run", "import time; time.sleep(1000)", timeout=0.5)
    assert ended(tmp_path / "run").timed_out


def test_sigterm_stops_the_driver(tmp_path: Path) -> None:
    leader = launch(tmp_path / "run", "print('up', flush=True); import time; time.sleep(1000)")
    wait_for(lambda: (tmp_path / "run" / "stdout.log").exists() and (tmp_path / "run" / "stdout.log").read_text())
    os.kill(leader.pid, signal.SIGTERM)
    assert ended(tmp_path / "run").stopped


def test_what_a_driver_leaves_behind_is_killed_even_in_another_session(tmp_path: Path) -> None:
    code = (
        "import subprocess\n"
        "for away in (False, True):\n"
        "    child = subprocess.Popen(['sleep', '1000'], start_new_session=away)\n"
        "    print(child.pid, flush=True)\n"
    )
    launch(tmp_path / "run", code)
    ended(tmp_path / "run")
    for pid in (tmp_path / "run" / "stdout.log").read_text().split():
        assert not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE


def test_of_two_shims_for_one_folder_one_runs(tmp_path: Path) -> None:
    code = "print('ran', flush=True)"
    first, second = launch(tmp_path / "run", code), launch(tmp_path / "run", code)
    ended(tmp_path / "run")
    wait_for(lambda: not first.alive() and not second.alive())
    assert (tmp_path / "run" / "stdout.log").read_text() == "ran\n"


def test_a_session_is_ended_though_its_leader_is_dead(tmp_path: Path) -> None:
    leader = launch(tmp_path / "run", "import time; time.sleep(1000)")
    wait_for(lambda: (running := shim.read_running(tmp_path / "run")) and running.driver)
    os.kill(leader.pid, signal.SIGKILL)
    wait_for(lambda: not leader.alive())
    end_session(leader, grace_seconds=5)
    assert list(session_members(leader.pid)) == []
    assert shim.read_exit(tmp_path / "run") is None


def test_an_identity_is_not_fooled_by_a_reused_pid() -> None:
    me = Identity.mine()
    assert me.alive()
    assert not replace(me, started=me.started - 100).alive()
    end_session(replace(me, started=me.started - 100))  # must not end this very process
    assert Identity.from_json(json.loads(json.dumps(me.to_json()))) == me


# -- why it failed -------------------------------------------------------------------------------------------------


def test_a_signal_is_named_however_it_is_reported() -> None:
    for code in (-9, 137):
        assert "killed by SIGKILL" in ended_badly(shim.Exit(code, 0))
    assert ended_badly(shim.Exit(3, 0)) == "The driver ended with exit code 3"


def test_the_last_words_are_the_exception_without_secrets(tmp_path: Path) -> None:
    log = tmp_path / "stderr.log"
    log.write_text(
        "Traceback (most recent call last):\n  File 'x', line 1, in <module>\nValueError: no hunter2 here\n"
        "2026-11-24T13:00:00.000Z INFO ShutdownHookManager: Shutdown hook called\n"
    )
    assert last_words(log, ["hunter2"]) == "ValueError: no [redacted] here"
    log.write_text("2026-11-24T13:00:00.000Z INFO A: b\nsomething is wrong\n\tat java.lang.Thread\n")
    assert last_words(log, []) == "something is wrong"
    stdout = tmp_path / "stdout.log"
    stdout.write_text("Traceback (most recent call last):\n  File x\nValueError: on Spark's stdout\n")
    assert last_words(log, [], stdout) == "ValueError: on Spark's stdout"
    stdout.write_text('  File "x.py", line 1\n    this is no Python\n         ^^\nSyntaxError: invalid syntax\n')
    assert last_words(log, [], stdout) == "SyntaxError: invalid syntax"
    stdout.write_text(
        "Traceback (most recent call last):\n  File x\nPy4JJavaError: An error occurred.\n"
        ": org.apache.spark.SparkClassNotFoundException: [DATA_SOURCE_NOT_FOUND] "
        "Failed to find the data source: delta. Make sure …\n"
    )
    hint = (
        "SparkClassNotFoundException: [DATA_SOURCE_NOT_FOUND] Failed to find the data source: delta. Make sure …. "
        "Give the job the argument --datalake-formats delta."
    )
    assert last_words(log, [], stdout) == hint
    assert last_words(tmp_path / "absent", []) == ""


def test_a_run_s_application_is_claimed_once(tmp_path: Path) -> None:
    said = "StandaloneSchedulerBackend: Connected to Spark cluster with app ID app-20261124-0001"
    assert read_application(tmp_path) is None and claim_application(tmp_path, "something else") is None
    (tmp_path / "stderr.log").write_text(f"first\n{said}\n")
    assert application_id(tmp_path) == "app-20261124-0001" == read_application(tmp_path)
    assert claim_application(tmp_path, said.replace("0001", "0002")) == "app-20261124-0001"
