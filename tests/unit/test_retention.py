"""What a sweep removes, and what it never touches."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from lakelet.stack import retention
from lakelet.stack.retention import LOG_KEEP, LOG_LIMIT, sweep
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import ENDED

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


def event(state: str) -> str:
    return json.dumps({"time": 1.0, "run_id": "jr_1", "state": state}) + "\n"


def test_everything_spares_the_run_that_has_not_ended_and_its_applications(workspace: Workspace) -> None:
    """Whatever its process does: that is dead while what the run wrote waits for the store, and not there before."""
    kept = []
    for state in ("WAITING", "RUNNING", "STOPPING"):
        kept += [made(workspace.runs / state / "events.jsonl", event("WAITING") + event(state), old=True)]
        kept += [made(workspace.runs / state / "exit.json", "{}", old=True)]
    dead = json.dumps({"pid": os.getpid(), "started": 1.0})
    kept += [made(workspace.runs / "RUNNING" / "process.json", dead, old=True)]
    kept += [made(workspace.runs / "TORN" / "events.jsonl", event("RUNNING") + '{"time": 2.0, "sta', old=True)]
    kept += [made(workspace.spark / "work" / "spark-worker-1" / "app-1" / "stderr")]
    sweep(workspace, everything=True)
    assert all(path.exists() for path in kept)


def test_everything_takes_the_run_that_has_ended(workspace: Workspace) -> None:
    runs = workspace.runs
    gone = [made(runs / state / "events.jsonl", event("RUNNING") + event(state), old=True) for state in ENDED]
    gone += [made(runs / "UNKNOWN" / "stdout.log", old=True)]
    launching = made(runs / "launching" / "shim.log")
    ended = made(runs / "just_ended" / "events.jsonl", event("SUCCEEDED"))
    sweep(workspace, everything=True)
    assert not any(path.parent.exists() for path in gone)
    assert launching.exists()
    assert ended.exists()  # the history server may not have read its events yet


def test_what_vanishes_meanwhile_is_left_out(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark removes its folders when it likes: here just after they were listed."""
    first = made(workspace.spark / "work" / "spark-worker-1" / "app-1" / "stderr", old=True)
    made(workspace.spark / "work" / "spark-worker-1" / "app-1" / "stdout", old=True)
    lstat = os.lstat

    def vanishing(path: Any, **options: Any) -> os.stat_result:
        if str(path).startswith(str(first.parent) + os.sep):
            Path(path).unlink(missing_ok=True)
        return lstat(path, **options)

    monkeypatch.setattr(os, "lstat", vanishing)
    monkeypatch.setattr(Path, "lstat", vanishing)
    sweep(workspace, everything=True)
    assert retention._latest(workspace.spark / "nowhere") > time.time()
    assert retention._size(workspace.spark / "nowhere") == 0


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
