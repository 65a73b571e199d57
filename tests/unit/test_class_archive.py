"""Class archives of installations that are gone are collected, and no others."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from lakelet.cli import gc as command
from lakelet.cli.output import Format
from lakelet.jobs.spark import class_archive
from lakelet.stack import class_archive as archives
from lakelet.stack.retention import Freed
from lakelet.workspace.paths import STATE_VARIABLE, Workspace


class Cache:
    """A cache with archives of installations, each 1,000 bytes."""

    def __init__(self, root: Path, venvs: Path) -> None:
        self.root, self.venvs = root, venvs

    def install(self, name: str) -> Path:
        """An archive as `lakelet install` leaves it; returns the jars that it is for."""
        jars = self.venvs / name / "jars"
        jars.mkdir(parents=True)
        for folder in ("classes", "markers", "locks"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "classes" / f"{name}.jsa").write_bytes(b"x" * 1000)
        (self.root / "markers" / f"classes-{name}.json").write_text("{}")
        facts = {"jars": str(jars), "modified_ns": jars.stat().st_mtime_ns}
        (self.root / "classes" / f"{name}{archives.RECORD}").write_text(json.dumps(facts))
        return jars

    def left(self) -> set[str]:
        return {path.name.split(".")[0].removeprefix("classes-") for path in self.root.glob("*/*") if path.is_file()
                and path.parent.name != "locks"}  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("LAKELET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / ".lakelet"))
    return Workspace.find()


@pytest.fixture
def cache(workspace: Workspace, tmp_path: Path) -> Cache:
    return Cache(workspace.cache.root, tmp_path / "venvs")


def test_only_archives_whose_installation_is_gone_are_removed(
    workspace: Workspace, cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.install("kept")
    cache.install("deleted").rmdir()
    (cache.install("reinstalled") / "new.jar").write_bytes(b"")
    (cache.root / "classes" / "unknown.jsa").write_bytes(b"x")
    cache.install("unreadable")
    (cache.root / "classes" / f"unreadable{archives.RECORD}").write_text("torn {")
    command.gc(output=Format.json)
    said = json.loads(capsys.readouterr().out)
    assert (said["class_archives"], said["bytes"]) == (2, 2000)
    assert cache.left() == {"kept", "unknown", "unreadable"}
    command.gc(output=Format.text)
    assert capsys.readouterr().out == "Freed 0.0 MB in 0 files and folders.\n"


def test_an_archive_that_is_being_made_is_left_alone(workspace: Workspace, cache: Cache) -> None:
    cache.install("made").rmdir()
    with open(cache.root / "locks" / "classes-made", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert archives.collect(workspace) == Freed()
    assert archives.collect(workspace) == Freed(1, 1000)
    assert cache.left() == set()


def test_a_new_archive_says_which_jars_it_is_for(workspace: Workspace) -> None:
    archives._record(workspace)
    archive = class_archive(workspace)
    archive.write_bytes(b"x" * 1000)
    assert archives.collect(workspace) == Freed()
    facts = json.loads(archive.with_suffix(archives.RECORD).read_text())
    assert Path(facts["jars"]).is_dir()
