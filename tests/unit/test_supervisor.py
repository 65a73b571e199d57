"""The states of a supervised component, with real processes and a clock of our own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from lakelet.stack import operate
from lakelet.stack.checks import _stack
from lakelet.stack.child import BACKOFF_SECONDS, ELSEWHERE_INTERVAL, HEALTHY_SECONDS, START_SECONDS, Child, tail
from lakelet.stack.component import Component, NotReadyError
from lakelet.stack.leftovers import RUN, component_processes, end_leftovers
from lakelet.stack.record import read_record, record_path
from lakelet.stack.states import NEXT, State
from lakelet.stack.supervisor import Supervisor
from lakelet.workspace.errors import NotRunningError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.process import Identity
from tests.conftest import eventually

FOREVER = ("sleep", "1000")


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A child to be supervised, whose probe answers what the test wants."""

    def __init__(self, folder: Path, executor: ThreadPoolExecutor) -> None:
        self.folder, self.executor, self.clock = folder, executor, Clock()
        self.ready, self.said = True, list[str]()
        self.surprise: Exception | None = None
        self.child: Child | None = None

    def start(self, *argv: str) -> Child:
        component = Component("it", "http://127.0.0.1:1", argv, self._probe, dict(os.environ), cwd=self.folder)
        self.child = Child(component, self.folder / "it.log", self.executor, self.said.append, self.clock)
        self.child.start()
        return self.child

    def until(self, state: State) -> None:
        """Tick, with the clock going on by a little, until the child is in that state."""
        assert self.child
        deadline = time.monotonic() + 120
        while self.child.state is not state:
            assert time.monotonic() < deadline, f"{self.child.state}, not {state}: {self.said}"
            self.child.tick()
            self.clock.now += 0.01
            time.sleep(0.001)

    def _probe(self) -> None:
        if self.surprise:
            raise self.surprise
        if not self.ready:
            raise NotReadyError("not yet")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ThreadPoolExecutor(2) as executor:
        made = Bench(tmp_path, executor)
        yield made
        if made.child:
            made.child.stop(0)


def test_running_means_that_the_probe_succeeded(bench: Bench) -> None:
    bench.ready = False
    child = bench.start(*FOREVER)
    for _ in range(20):
        child.tick()
        bench.clock.now += 0.1
    assert child.state is State.STARTING
    bench.ready = True
    bench.until(State.RUNNING)
    record = child.record()
    assert record.identity and record.identity.alive()
    child.stop(0)
    assert child.record().identity is None
    assert not record.identity.alive()


def test_it_comes_back_after_longer_and_longer_pauses_and_then_no_more(bench: Bench) -> None:
    child = bench.start("sh", "-c", "echo last words; exit 3")
    for pause in BACKOFF_SECONDS:
        bench.until(State.BACKOFF)
        died = bench.clock.now
        bench.until(State.STARTING)
        assert bench.clock.now - died >= pause
    bench.until(State.FATAL)
    assert child.restarts == len(BACKOFF_SECONDS)
    assert child.message == "it exited with code 3\n" + "\n".join(["last words"] * 5)
    child.retry()
    assert child.state is State.STARTING


def test_long_health_forgives_earlier_deaths(bench: Bench) -> None:
    child = bench.start(*FOREVER)
    for _ in range(2 * len(BACKOFF_SECONDS)):
        bench.until(State.RUNNING)
        bench.clock.now += HEALTHY_SECONDS
        identity = child.identity
        assert identity
        os.kill(identity.pid, signal.SIGKILL)
        bench.until(State.BACKOFF)
        assert child.message.startswith("it exited with signal SIGKILL")
        bench.until(State.STARTING)


def test_what_never_becomes_ready_is_given_up_and_says_why(bench: Bench) -> None:
    bench.ready = False
    child = bench.start(*FOREVER)
    for _ in range(4):
        for _ in range(5):
            child.tick()
            bench.clock.now += START_SECONDS / 4
            eventually(lambda: child._probe is None or child._probe.done())
        if child.state is State.FATAL:
            break
    bench.until(State.FATAL)
    assert "did not become ready in 240 s (not yet)" in child.message
    assert child.identity is None


def test_a_program_that_is_not_there_is_a_death_like_any_other(bench: Bench) -> None:
    child = bench.start("/nowhere/program")
    assert child.state is State.BACKOFF
    assert "could not be started" in child.message


def test_a_service_elsewhere_is_only_probed(bench: Bench) -> None:
    child = bench.start()
    bench.until(State.RUNNING)
    assert child.record().pid is None


def test_a_service_elsewhere_that_stops_answering_is_seen(bench: Bench) -> None:
    child = bench.start()
    bench.until(State.RUNNING)
    bench.ready = False
    seen = bench.clock.now
    bench.until(State.BACKOFF)
    assert ELSEWHERE_INTERVAL / 2 < bench.clock.now - seen < 3 * ELSEWHERE_INTERVAL
    assert child.message == "it does not answer: not yet"
    bench.ready = True
    bench.until(State.RUNNING)
    assert child.message == ""


@pytest.mark.parametrize("argv", [(), FOREVER])
def test_a_probe_that_is_wrong_is_a_complaint(bench: Bench, argv: tuple[str, ...]) -> None:
    bench.surprise = KeyError("status")
    child = bench.start(*argv)
    for _ in range(30):
        child.tick()
        bench.clock.now += 1
        eventually(lambda: child._probe is None or child._probe.done())
    assert child.state is State.STARTING
    assert child.message == "it is not ready: KeyError('status')"
    bench.surprise = None
    bench.until(State.RUNNING)


def test_a_signal_without_a_name_is_a_death_like_any_other(bench: Bench) -> None:
    child = bench.start(*FOREVER)
    bench.until(State.RUNNING)
    assert child.identity
    os.kill(child.identity.pid, signal.SIGRTMIN + 5)
    bench.until(State.BACKOFF)
    assert child.message.startswith(f"it exited with signal {signal.SIGRTMIN + 5}")


def test_what_a_dead_component_had_started_is_ended(bench: Bench) -> None:
    child = bench.start("sh", "-c", "sleep 1000 & echo $! > child; wait")
    pid = int(eventually((bench.folder / "child").read_text))
    bench.until(State.RUNNING)
    assert child.identity
    os.kill(child.identity.pid, signal.SIGKILL)
    bench.until(State.BACKOFF)
    stat = Path(f"/proc/{pid}/stat")
    eventually(lambda: not stat.exists() or stat.read_text().split()[2] == "Z")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, tmp_path / ".lakelet").prepare()


@pytest.fixture
def started() -> Iterator[Callable[..., int]]:
    """Starts the leader of a session, with an environment, which prints its child's pid; whatever is left is ended."""
    processes: list[subprocess.Popen[str]] = []

    def start(*argv: str, **environment: str) -> int:
        env = os.environ | environment
        process = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True)
        processes.append(process)
        assert process.stdout
        pid = int(process.stdout.readline())
        if pid != process.pid:
            process.wait(60)
        return pid

    yield start
    for process in processes:
        with process, suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the session's only group, whether or not its leader lives


def test_a_leftover_whose_session_leader_is_dead_is_ended(workspace: Workspace, started: Callable[..., int]) -> None:
    for name, variables in (("minio", {"LAKELET_COMPONENT": "minio"}), (RUN, {"LAKELET_RUN_ID": "jr_1"})):
        script = "sleep 1000 >/dev/null & echo $!"
        pid = started("sh", "-c", script, **workspace.environment, **variables)
        identity = Identity.of(pid)
        eventually(lambda pid=pid: not psutil.pid_exists(os.getsid(pid)))
        assert end_leftovers(workspace) == [name]
        assert not identity.alive()


def test_what_only_looks_into_the_workspace_is_no_leftover(workspace: Workspace, started: Callable[..., int]) -> None:
    pid = started("sh", "-c", "echo $$; exec sleep 1000 >/dev/null", **workspace.environment)
    other = started(
        "sh", "-c", "echo $$; exec sleep 1000 >/dev/null", LAKELET_STATE="/elsewhere", LAKELET_RUN_ID="jr_1"
    )
    assert component_processes(workspace) == {}
    assert end_leftovers(workspace) == []
    assert Identity.of(pid).alive()
    assert Identity.of(other).alive()


def test_a_surprise_leaves_the_stack_running_and_supervised(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The record cannot be written for a while, a start raises what nobody thought of, and so does a stop."""
    monkeypatch.setattr("lakelet.stack.supervisor.SURPRISE_SECONDS", 0.01)
    made = [Component(name, "", FOREVER, lambda: None, dict(os.environ), cwd=workspace.state) for name in "ab"]
    monkeypatch.setattr("lakelet.stack.supervisor.components", lambda plan, only: made)
    start, stop = Child.start, Child.stop
    surprises = {"a"}

    def surprising(child: Child) -> None:
        if child.component.name in surprises:
            surprises.clear()
            raise KeyError("a start")
        start(child)

    def stopping(child: Child, grace_seconds: float) -> None:
        stop(child, grace_seconds)
        raise KeyError("a stop")

    monkeypatch.setattr(Child, "start", surprising)
    monkeypatch.setattr(Child, "stop", stopping)
    supervisor = Supervisor(workspace)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(supervisor.run)
        try:
            record = eventually(lambda: (found := read_record(workspace)) and found.ready_seconds and found)
            assert record.settled
            record_path(workspace).unlink()
            record_path(workspace).mkdir()  # an OSError for every writing
            pids = [component.pid for component in record.components]
            os.kill(pids[0], signal.SIGKILL)
            eventually(lambda: "Is a directory" in "".join(capfd.readouterr().out))
            record_path(workspace).rmdir()
            again = eventually(
                lambda: (found := read_record(workspace)) and found.settled and found.components[0].restarts and found
            )
            assert again.components[1].pid == pids[1]
        finally:
            supervisor.stopping = True
        running.result(60)
    assert not any(component.identity and component.identity.alive() for component in again.components)


RECORD = {
    "supervisor": {"pid": 1, "started": 1.0},
    "components": [],
    "notes": [],
    "error": "",
    "started_at": 0.0,
    "ready_seconds": None,
}
ROW = {"name": "minio", "state": "RUNNING", "url": "", "pid": 1, "started": 1.0, "since": 0.0}
HOSTILE = [
    "",
    "[]",
    "{}",
    "null",
    "7",
    '{"a',
    "[" * 100_000,
    "\udcff",
    json.dumps({"control": 7, "s3": None}),
    json.dumps({"supervisor": 7, "components": {}, "notes": []}),
    json.dumps(RECORD | {"supervisor": {"pid": "x", "started": 1.0}}),
    json.dumps(RECORD | {"supervisor": {"pid": 1e999, "started": 1.0}}),
    json.dumps(RECORD | {"components": [7]}),
    json.dumps(RECORD | {"components": [{"name": "minio"}]}),
    json.dumps(RECORD | {"components": [ROW | {"state": "GONE"}]}),
    json.dumps(RECORD | {"components": [ROW | {"since": "x"}]}),
    json.dumps(RECORD | {"components": [ROW | {"pid": "x"}]}),
    json.dumps(RECORD | {"components": [ROW | {"more": 1}]}),
    json.dumps(RECORD | {"notes": [7]}),
    json.dumps(RECORD | {"error": 7}),
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_a_damaged_file_of_the_stack_is_no_stack(
    workspace: Workspace, content: str, started: Callable[..., int]
) -> None:
    for path in (record_path(workspace), workspace.endpoints):
        path.write_text(content, errors="surrogateescape")
    assert read_record(workspace) is None
    assert operate.status(workspace) == []
    assert operate.running(workspace) is None
    with pytest.raises(NotRunningError, match="`lakelet up`"):
        workspace.endpoint("control")
    assert _stack(workspace)  # a check of `lakelet doctor`
    mark = {"LAKELET_COMPONENT": "minio"}
    pid = started("sh", "-c", "echo $$; exec sleep 1000 >/dev/null", **workspace.environment, **mark)
    identity = Identity.of(pid)
    assert operate.stop(workspace) == ["minio"]
    assert not identity.alive()


def test_a_record_with_the_right_types_is_read(workspace: Workspace) -> None:
    record_path(workspace).write_text(json.dumps(RECORD | {"components": [ROW]}))
    record = read_record(workspace)
    assert record and record.components[0].state is State.RUNNING


def test_the_supervisor_writes_damaged_files_anew(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [Component("a", "", FOREVER, lambda: None, dict(os.environ), cwd=workspace.state)]
    monkeypatch.setattr("lakelet.stack.supervisor.components", lambda plan, only: made)
    supervisor = Supervisor(workspace)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(supervisor.run)
        try:
            eventually(lambda: (found := read_record(workspace)) and found.ready_seconds)
            control = workspace.endpoint("control")
            for content in ("", "[]"):
                record_path(workspace).write_text(content)
                workspace.endpoints.write_text(content)
                eventually(lambda: read_record(workspace))
                assert eventually(lambda: workspace.endpoint("control")) == control
        finally:
            supervisor.stopping = True
        running.result(60)


def test_the_stack_ends_with_the_process_that_has_the_lease(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, started: Callable[..., int]
) -> None:
    made = [Component("a", "", FOREVER, lambda: None, dict(os.environ), cwd=workspace.state)]
    monkeypatch.setattr("lakelet.stack.supervisor.components", lambda plan, only: made)
    pid = started("sh", "-c", "echo $$; exec sleep 1000 >/dev/null")
    supervisor = Supervisor(workspace, lease=Identity.of(pid))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(supervisor.run)
        record = eventually(lambda: (found := read_record(workspace)) and found.ready_seconds and found)
        os.kill(pid, signal.SIGKILL)
        running.result(60)
    identity = record.components[0].identity
    assert identity and not identity.alive()


def test_every_state_can_be_stopped_and_left() -> None:
    assert set(NEXT) == set(State)
    for state in set(State) - {State.STOPPED}:
        assert State.STOPPED in NEXT[state]


def test_tail(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert tail(log, 3) == []
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    assert tail(log, 2) == ["line 998", "line 999"]
    assert tail(log, 0) == []
