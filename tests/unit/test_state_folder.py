"""The state folder: nobody else reads it, whoever made it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import open_state

STRANGER = 12345  # a uid that is not ours


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_of_ours_that_was_open_is_closed(tmp_path: Path) -> None:
    state = tmp_path / ".lakelet"
    (state / "secrets").mkdir(parents=True)
    names = ("state.db", "state.db-wal", "state.db-shm", "secrets/control_token", "stack.json")
    for name in names:
        (state / name).touch()
        (state / name).chmod(0o644)
    state.chmod(0o1777)
    Workspace(tmp_path, state).prepare()
    assert mode(state) == 0o700
    assert {mode(state / name) for name in names} == {0o600}


def test_an_empty_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    Workspace(tmp_path, state).prepare()
    assert mode(state) == 0o700


def test_a_folder_of_something_else_keeps_its_mode(tmp_path: Path) -> None:
    state = tmp_path / "home"
    state.mkdir()
    (state / "letter.txt").touch()
    state.chmod(0o755)
    with pytest.raises(UsageError, match=rf"{state} holds other files .* `chmod 700 {state}`"):
        Workspace(tmp_path, state).prepare()
    assert mode(state) == 0o755


@pytest.mark.parametrize("linked", [False, True])
def test_a_folder_of_another_user_is_refused(tmp_path: Path, linked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "theirs"
    state.mkdir()
    named = tmp_path / "link" if linked else state
    if linked:
        named.symlink_to(state)
    ours = os.geteuid()
    monkeypatch.setattr("lakelet.workspace.files.os.geteuid", lambda: STRANGER)
    message = rf"{named} belongs to another user \(uid {ours}\).*`sudo chown -R {STRANGER} {named}`"
    with pytest.raises(UsageError, match=message):
        Workspace(tmp_path, named).prepare()


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file", "file/state"):
        with pytest.raises(UsageError, match="cannot be used"):
            Workspace(tmp_path, tmp_path / name).prepare()


def test_a_new_database_is_private_by_itself(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        engine = open_state(tmp_path / "state.db")
        with engine.connect():
            assert {mode(path) for path in tmp_path.glob("state.db*")} == {0o600}
        engine.dispose()
    finally:
        os.umask(before)
