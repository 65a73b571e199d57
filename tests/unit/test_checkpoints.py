"""The state file is whole on its own: checkpoints, copies, generations, and an interrupted restore."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from lakelet import backup
from lakelet.backup import BackupError, ObjectRecord
from lakelet.restore import MARKER, refuse_interrupted, restore
from lakelet.workspace.errors import StackError, UsageError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import (
    advance_generation,
    checkpoint,
    copy_state,
    generation,
    metadata,
    open_state,
    writing,
)


def tables(path: Path) -> int:
    """How many tables a file has for someone who copies it without its log."""
    with sqlite3.connect(f"file:{path}?immutable=1", uri=True) as connection:
        return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def test_a_checkpoint_empties_the_log_into_the_file(tmp_path: Path) -> None:
    database = tmp_path / "state.db"
    engine = open_state(database)
    assert tables(database) == 0
    assert checkpoint(engine)
    assert tables(database) > 10
    assert Path(f"{database}-wal").stat().st_size == 0
    engine.dispose()


def test_a_copy_is_the_committed_state(tmp_path: Path) -> None:
    engine = open_state(tmp_path / "state.db")
    assert (generation(engine), advance_generation(engine)) == (0, 1)
    with writing(engine) as connection:  # a transaction that has not been committed is not in the copy
        connection.execute(sa.text("CREATE TABLE later (x INT)"))
        copy_state(engine, tmp_path / "copy.db")
    copy = open_state(tmp_path / "copy.db")
    assert generation(copy) == 1
    names = set(sa.inspect(copy).get_table_names())
    assert set(metadata.tables) <= names and "later" not in names


def finished(folder: Path, content: bytes) -> None:
    """A backup of one object, as the command leaves it."""
    (folder / "objects").mkdir(parents=True)
    draft = folder / "draft"
    draft.write_bytes(content)
    digest = backup._hash(draft)
    target = backup.content_path(folder, digest)
    target.parent.mkdir()
    draft.rename(target)
    record = ObjectRecord("bronze", "a", len(content), "e", 1.0, digest)
    (folder / backup.OBJECTS).write_text(json.dumps(record.__dict__) + "\n")
    open_state(folder / backup.STATE).dispose()
    hashes = {
        f"{name}_sha256": backup._hash(folder / f) for name, f in (("state", "state.db"), ("objects", "objects.jsonl"))
    }
    manifest = {"format": backup.FORMAT, "objects": 1, "indexes": {}, "buckets": [], **hashes}
    (folder / backup.MANIFEST).write_text(json.dumps(manifest))


def test_a_backup_is_checked_by_its_hashes(tmp_path: Path) -> None:
    finished(tmp_path / "b", b"content")
    assert backup.verify(tmp_path / "b")["objects"] == 1
    (record,) = backup.read_records(tmp_path / "b")
    backup.content_path(tmp_path / "b", record.sha256).write_bytes(b"c0ntent")
    with pytest.raises(BackupError, match="missing or damaged"):
        backup.verify(tmp_path / "b")


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [(None, "no finished backup"), ("{", "is damaged"), ("[]", "is damaged"), ('{"format": 99}', "another version")],
)
def test_what_is_no_backup(tmp_path: Path, manifest: str | None, sentence: str) -> None:
    if manifest is not None:
        (tmp_path / backup.MANIFEST).write_text(manifest)
    with pytest.raises((UsageError, BackupError), match=sentence):
        backup.verify(tmp_path)


def test_a_state_is_not_replaced_unasked(own_workspace: Workspace, tmp_path: Path) -> None:
    own_workspace.database.write_bytes(b"mine")
    with pytest.raises(UsageError, match="--replace"):
        restore(own_workspace, tmp_path, replace=False)
    assert own_workspace.database.read_bytes() == b"mine"


@pytest.mark.parametrize("content", ['{"backup": "/b"}', "", "[1]"])
def test_the_control_process_waits_for_an_interrupted_restore(own_workspace: Workspace, content: str) -> None:
    refuse_interrupted(own_workspace)
    (own_workspace.state / MARKER).write_text(content)
    with pytest.raises(StackError, match="was interrupted: run `lakelet restore"):
        refuse_interrupted(own_workspace)


def test_a_backup_needs_a_folder_of_its_own(own_workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(UsageError, match="is not empty"):
        backup.prepare(own_workspace, tmp_path / "full")
    backup.prepare(own_workspace, tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
