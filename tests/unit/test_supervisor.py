"""The states of a supervised component, with real processes and a clock of our own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lakelet.stack.child import BACKOFF_SECONDS, HEALTHY_SECONDS, START_SECONDS, Child, tail
from lakelet.stack.component import Component, NotReadyError
from lakelet.stack.states import NEXT, State
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


def test_what_a_dead_component_had_started_is_ended(bench: Bench) -> None:
    child = bench.start("sh", "-c", "sleep 1000 & echo $! > child; wait")
    pid = int(eventually((bench.folder / "child").read_text))
    bench.until(State.RUNNING)
    assert child.identity
    os.kill(child.identity.pid, signal.SIGKILL)
    bench.until(State.BACKOFF)
    stat = Path(f"/proc/{pid}/stat")
    eventually(lambda: not stat.exists() or stat.read_text().split()[2] == "Z")


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
