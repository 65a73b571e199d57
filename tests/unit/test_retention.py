"""What a sweep removes, and what it never touches."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from lakelet.stack.retention import LOG_KEEP, LOG_LIMIT, sweep
from workspace.paths import Workspace
from workspace.process import Identity

OLD = time.time() - 30 * 24 * 3600


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, tmp_path / ".lakelet").prepare()


def made(path: Path, text: str = "text", *, old: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if old:
        os.utime(path, (OLD, OLD))
        os.utime(path.parent, (OLD, OLD))
    return path


def test_what_is_old_goes_and_what_is_young_stays(workspace: Workspace) -> None:
    gone = [
        made(workspace.runs / "jr_old" / "exit.json", old=True),
        made(workspace.spark / "events" / "eventlog_v2_app-1" / "events_1", old=True),
        made(workspace.spark / "work" / "spark-worker-1" / "app-1" / "stderr", old=True),
    ]
    kept = [
        made(workspace.runs / "jr_new" / "exit.json"),
        made(workspace.spark / "events" / "eventlog_v2_app-2" / "events_1"),
        made(workspace.spark / "work" / "spark-worker-1" / "app-2" / "stderr"),
        made(workspace.spark / "conf" / "spark-defaults.conf", old=True),
        made(workspace.state / "secrets" / "spark", old=True),
    ]
    freed = sweep(workspace)
    assert (freed.items, freed.bytes) == (3, 12)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)


def test_everything_spares_the_live_run_and_its_applications(workspace: Workspace) -> None:
    live = made(workspace.runs / "jr_live" / "process.json", json.dumps(Identity.mine().to_json()), old=True)
    dead = made(workspace.runs / "jr_dead" / "process.json", json.dumps({"pid": os.getpid(), "started": 1.0}))
    executor = made(workspace.spark / "work" / "spark-worker-1" / "app-1" / "stderr")
    sweep(workspace, everything=True)
    assert live.exists()
    assert executor.exists()
    assert dead.exists()  # the control process may not have read yet how it ended
    os.utime(dead, (OLD, OLD))
    os.utime(dead.parent, (OLD, OLD))
    sweep(workspace, everything=True)
    assert not dead.exists()


def test_a_long_log_keeps_its_end_while_it_is_written(workspace: Workspace) -> None:
    log = workspace.logs / "minio.log"
    log.parent.mkdir()
    with open(log, "ab") as writer:
        writer.write(b"x" * LOG_LIMIT + b"before\n")
        writer.flush()
        sweep(workspace)
        assert log.stat().st_size == LOG_KEEP
        writer.write(b"after\n")
        writer.flush()
    assert log.read_bytes().endswith(b"before\nafter\n")
