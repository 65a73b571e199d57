"""`lakelet up` while MinIO is built: the supervisor is the real one, in its own process, with small components."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lakelet.cli.up import bring_up
from lakelet.stack import install, operate, parts, platforms
from lakelet.stack.download import Cancelled
from lakelet.stack.leftovers import component_processes
from lakelet.stack.record import record_path
from lakelet.workspace.errors import InstallError
from lakelet.workspace.paths import REPOSITORY, Workspace
from lakelet.workspace.process import spawn
from tests.conftest import eventually

SUPERVISOR = """
import sys
from functools import partial
from lakelet.stack import minio, supervisor
from lakelet.stack.component import Component, base_environment

def components(plan, only):
    def made(name, **options):
        environment = base_environment(plan.workspace, name)
        return Component(name, "", ("sleep", "1000"), lambda: None, environment, cwd=plan.workspace.state, **options)
    waits = partial(minio.obstacle, plan.workspace)
    return [made("opensearch"), made("minio", obstacle=waits), made("control", after=("minio",))]

supervisor.components = components
sys.exit(supervisor.main(sys.argv[1:]))
"""

Build = Callable[[Path, threading.Event], None]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace whose cache lacks MinIO alone; nothing of its stack is left after the test."""
    monkeypatch.setenv("LAKELET_CACHE", str(tmp_path / "cache"))
    made = Workspace(REPOSITORY, tmp_path / "state").prepare()
    minio = tuple(part for part in parts.parts(made) if part.name == "minio")
    monkeypatch.setattr(install, "parts", lambda workspace: minio)
    monkeypatch.setattr(platforms, "check_platform", lambda workspace: None)

    def spawn_small(argv: list[str], **options: Any) -> object:
        return spawn([sys.executable, "-c", SUPERVISOR, *argv[3:]], **options)

    monkeypatch.setattr(operate, "spawn", spawn_small)
    yield made
    operate.stop(made)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Callable[[Build], None]:
    """Have MinIO built by a function of the target and of whether the installation is cancelled."""

    def build_by(build: Build) -> None:
        monkeypatch.setattr(install, "build_minio", lambda work, draft, advance, phase, stop: build(draft, stop))

    return build_by


def states(workspace: Workspace) -> dict[str, str]:
    return {row["name"]: row["state"] for row in operate.status(workspace)}


def await_others(workspace: Workspace) -> None:
    waiting = {"opensearch": "RUNNING", "minio": "STOPPED", "control": "STOPPED"}
    eventually(lambda: states(workspace) == waiting)


def test_the_others_run_while_minio_is_built_and_up_waits_for_all(
    workspace: Workspace, built: Callable[[Build], None]
) -> None:
    gate = threading.Event()

    def build(draft: Path, cancelled: threading.Event) -> None:
        assert gate.wait(120)
        draft.write_text("a binary")

    built(build)
    with ThreadPoolExecutor(2) as pool:
        ups = [pool.submit(bring_up, workspace) for _ in range(2)]
        try:
            await_others(workspace)
            (minio,) = (row for row in operate.status(workspace) if row["name"] == "minio")
            assert "minio is not installed yet" in minio["message"]
            assert not any(up.done() for up in ups)
        finally:
            gate.set()
        assert sorted(up.result(120) for up in ups) == [False, True]  # one started it, the other joined in
    assert set(states(workspace).values()) == {"RUNNING"}
    assert not any(row["message"] for row in operate.status(workspace))


def test_a_build_that_fails_ends_what_was_started(workspace: Workspace, built: Callable[[Build], None]) -> None:
    def build(draft: Path, cancelled: threading.Event) -> None:
        await_others(workspace)
        raise InstallError("MinIO could not be built")

    built(build)
    with pytest.raises(InstallError, match="MinIO could not be built"):
        bring_up(workspace)
    assert not component_processes(workspace)
    assert not record_path(workspace).exists()


@pytest.fixture
def plain_interrupts() -> Iterator[None]:
    """Ctrl-C as in a command: a SparkContext that a test before made in this process has a handler of its own."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("plain_interrupts")
def test_an_interrupted_build_leaves_nothing_behind(workspace: Workspace, built: Callable[[Build], None]) -> None:
    def build(draft: Path, cancelled: threading.Event) -> None:
        await_others(workspace)
        os.kill(os.getpid(), signal.SIGINT)
        assert cancelled.wait(120)
        raise Cancelled

    built(build)
    with pytest.raises(SystemExit) as exit_code:
        bring_up(workspace)
    assert exit_code.value.code == 130
    assert not component_processes(workspace)
    assert not record_path(workspace).exists()


def test_a_stack_whose_up_was_killed_waits_for_the_next_one(
    workspace: Workspace, built: Callable[[Build], None]
) -> None:
    operate._launch(workspace, (), None)
    await_others(workspace)
    built(lambda draft, cancelled: draft.write_text("a binary") and None)
    assert bring_up(workspace) is False
    assert set(states(workspace).values()) == {"RUNNING"}
