"""The state file is whole on its own: checkpoints, copies, generations, and an interrupted restore."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from lakelet import backup
from lakelet import restore as restores
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
    (folder / backup.SECRETS).mkdir()
    (folder / backup.SECRETS / "key").write_text("k")
    files = {"secrets/key": backup._hash(folder / "secrets" / "key")}
    manifest = {"format": backup.FORMAT, "objects": 1, "indexes": {}, "buckets": [], "files": files, **hashes}
    (folder / backup.MANIFEST).write_text(json.dumps(manifest))


def test_a_backup_is_checked_by_its_hashes(tmp_path: Path) -> None:
    finished(tmp_path / "b", b"content")
    assert backup.verify(tmp_path / "b")["objects"] == 1
    (record,) = backup.read_records(tmp_path / "b")
    content = backup.content_path(tmp_path / "b", record.sha256)
    for path in (content, tmp_path / "b" / "secrets" / "key", tmp_path / "b" / backup.STATE):
        before = path.read_bytes()
        path.write_bytes(b"d" + before[1:])
        with pytest.raises(BackupError, match=f"{path.name} is missing or damaged"):
            backup.verify(tmp_path / "b")
        path.unlink()
        with pytest.raises(BackupError, match=f"{path.name} is missing or damaged"):
            backup.verify(tmp_path / "b")
        path.write_bytes(before)
    (tmp_path / "b" / "secrets" / "other").touch()
    with pytest.raises(BackupError, match="other is not of this backup"):
        backup.verify(tmp_path / "b")


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        (None, "no finished backup"),
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 99}', "another version"),
        (json.dumps({"format": backup.FORMAT}), "is damaged .it has no buckets, files"),
    ],
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


def old_parts(workspace: Workspace) -> dict[str, str]:
    """A state with some of its parts, by their content."""
    texts = {
        "state.db": "old state",
        "minio/xl/a": "old object",
        "secrets/key": "old key",
        "spark/events/e": "old event",
    }
    for name, text in texts.items():
        (workspace.state / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace.state / name).write_text(text)
    return texts


def texts_of(workspace: Workspace, names: Iterable[str]) -> dict[str, str]:
    return {name: (workspace.state / name).read_text() for name in names}


def test_a_damaged_backup_replaces_nothing(own_workspace: Workspace, tmp_path: Path) -> None:
    texts = old_parts(own_workspace)
    finished(tmp_path / "b", b"content")
    (tmp_path / "b" / "secrets" / "key").unlink()
    with pytest.raises(BackupError, match="missing or damaged"):
        restore(own_workspace, tmp_path / "b", replace=True)
    assert texts_of(own_workspace, texts) == texts
    refuse_interrupted(own_workspace)


def test_a_restore_that_fails_puts_the_former_state_back(own_workspace: Workspace, tmp_path: Path) -> None:
    """A backup that says of itself that it is sound and cannot be brought: it has no folder of a snapshot."""
    texts = old_parts(own_workspace)
    finished(tmp_path / "b", b"content")
    with pytest.raises(FileNotFoundError):
        restore(own_workspace, tmp_path / "b", replace=True)
    assert texts_of(own_workspace, texts) == texts
    refuse_interrupted(own_workspace)
    assert restores.replaced(own_workspace) == []


def test_ctrl_c_while_the_former_state_is_moved_puts_it_back(
    own_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, rename, moves = old_parts(own_workspace), Path.rename, iter((False, True))
    finished(tmp_path / "b", b"content")

    def interrupted(path: Path, target: Path) -> Path:
        if next(moves, False):  # the second
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        restore(own_workspace, tmp_path / "b", replace=True)
    assert texts_of(own_workspace, texts) == texts
    refuse_interrupted(own_workspace)
    assert restores.replaced(own_workspace) == []


STEPS = 14  # more than there are, so the last one is a restore that ends


class Killed(BaseException):
    """A process that ends here: nothing of it runs any more."""


@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("again", ["finish", "undo"])
def test_a_restore_killed_at_any_step_is_finished_or_undone(
    own_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, again: str
) -> None:
    """Ended at each change of the file system in turn: the state is the old one or the new one, never a mixture."""
    texts = old_parts(own_workspace)
    finished(tmp_path / "b", b"content")

    def bring(workspace: Workspace, folder: Path, *_: object) -> None:
        for name in ("state.db", "secrets/key"):
            (workspace.state / name).parent.mkdir(exist_ok=True)
            (workspace.state / name).write_text("new")

    monkeypatch.setattr(restores, "_bring", bring)
    left = step

    def step_or_end(call: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: Any, **named: Any) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return call(*arguments, **named)

        return counted

    with monkeypatch.context() as patch:
        for name in ("_mark", "_delete", "_bring", "forget_replaced", "undo"):  # a killed process undoes nothing either
            patch.setattr(restores, name, step_or_end(getattr(restores, name)))
        patch.setattr(Path, "rename", step_or_end(Path.rename))
        patch.setattr(Path, "unlink", step_or_end(Path.unlink))
        with suppress(Killed):
            restores.restore(own_workspace, tmp_path / "b", replace=True)
    assert left >= 0 or step < STEPS - 1
    if again == "finish":
        restore(own_workspace, tmp_path / "b", replace=True)
        assert texts_of(own_workspace, ("state.db", "secrets/key")) == {"state.db": "new", "secrets/key": "new"}
        assert not (own_workspace.state / "minio").exists()
        assert {row["part"] for row in restores.replaced(own_workspace)} >= {"state.db", "secrets"}
    elif (own_workspace.state / restores.REPLACED).exists() or (own_workspace.state / MARKER).exists():
        restores.undo(own_workspace)
        assert texts_of(own_workspace, texts) == texts
        assert not (own_workspace.state / restores.REPLACED).exists()
    refuse_interrupted(own_workspace)
    if again == "undo":
        assert texts_of(own_workspace, texts) == texts


def test_a_backup_needs_a_folder_of_its_own(own_workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(UsageError, match="is not empty"):
        backup.prepare(own_workspace, tmp_path / "full")
    with pytest.raises(UsageError, match=r"cannot hold a backup \(File exists\)"):
        backup.prepare(own_workspace, tmp_path / "full" / "x")
    with pytest.raises(UsageError, match=r"cannot hold a backup \(Not a directory\)"):
        backup.prepare(own_workspace, tmp_path / "full" / "x" / "y")
    backup.prepare(own_workspace, tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
