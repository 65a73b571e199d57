"""A full disk, a real one: a small file system in memory; skipped where nothing can be mounted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from lakelet.jobs import launchers
from lakelet.workspace import disk
from lakelet.workspace.runs import RunState
from lakelet.workspace.state import open_state, writing
from tests.conftest import eventually
from tests.unit.test_runs_runner import Room, a_run


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder of 8 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    with pytest.raises(OSError) as caught, open(folder / "filler", "ab", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    assert disk.is_full(caught.value, folder) and disk.is_low(folder)


def test_sqlite_on_a_full_disk_is_recognised(small: Path) -> None:
    engine = open_state(small / "state.db")
    assert not disk.is_full(ValueError("other"), small)
    fill(small)
    with pytest.raises(sa.exc.DBAPIError) as caught, writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE filled (a TEXT)")
        for _ in range(1000):
            connection.exec_driver_sql("INSERT INTO filled VALUES (hex(randomblob(4096)))")
    engine.dispose()
    assert disk.is_full(caught.value, small)


def test_a_run_whose_end_cannot_be_written_says_that_the_disk_is_full(tmp_path: Path, small: Path) -> None:
    room = Room(tmp_path / ".lakelet")
    folder = room.workspace.runs
    (small / "runs").mkdir()
    folder.symlink_to(small / "runs")
    flag = tmp_path / "flag"
    code = f"import os, time\nprint('up', flush=True)\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.02)"
    room.runner.start()
    run = room.runner.submit(a_run(code))
    eventually((launchers.folder_of(room.workspace, run.id) / "stdout.log").read_text)
    eventually(lambda: room.store.run(run.id).state is RunState.RUNNING)
    fill(small)
    flag.touch()
    run = room.ended(run)
    room.runner.close()
    assert run.state is RunState.FAILED
    assert run.reason.startswith("How the driver ended could not be written. The disk is full") and "gc" in run.reason
