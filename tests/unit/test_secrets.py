"""Secrets: random per workspace, private, the same for everyone who asks at once, and redacted from text."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lakelet.workspace.errors import SettingError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import NAMES, known_secrets, redact, secret


def make(tmp_path: Path, name: str = "one") -> Workspace:
    return Workspace(tmp_path, tmp_path / name).prepare()


def test_every_asker_gets_the_same_private_value(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    with ThreadPoolExecutor(16) as pool:
        values = set(pool.map(lambda _: secret(workspace, "secret_key"), range(64)))
    assert len(values) == 1
    files = list((workspace.state / "secrets").iterdir())
    assert [file.name for file in files] == ["secret_key"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(workspace.state.stat().st_mode) == 0o700


def test_two_workspaces_share_nothing(tmp_path: Path) -> None:
    one, two = make(tmp_path, "one"), make(tmp_path, "two")
    assert {secret(one, name) for name in NAMES}.isdisjoint({secret(two, name) for name in NAMES})


def test_redaction_leaves_the_rest_of_the_text(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    values = known_secrets(workspace)
    text = f"key={secret(workspace, 'access_key')} secret={secret(workspace, 'secret_key')}!"
    assert redact(text, values) == f"key={secret(workspace, 'access_key')} secret=[redacted]!"


def test_an_external_endpoint_brings_its_own_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELET_S3_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("LAKELET_S3_ACCESS_KEY", "theirs")
    monkeypatch.setenv("LAKELET_S3_SECRET_KEY", "their secret")
    workspace = make(tmp_path)
    assert (secret(workspace, "access_key"), secret(workspace, "secret_key")) == ("theirs", "their secret")


def test_the_secret_of_an_external_endpoint_may_lie_in_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAKELET_S3_SECRET_KEY", raising=False)
    (tmp_path / "lakelet.toml").write_text('s3_endpoint = "http://127.0.0.1:1"\n')
    workspace = make(tmp_path)
    with pytest.raises(SettingError, match="s3_access_key"):
        secret(workspace, "access_key")
    with pytest.raises(SettingError, match=r"s3_secret_key .*LAKELET_S3_SECRET_KEY"):
        secret(workspace, "secret_key")
    path = workspace.state / "secrets" / "s3_secret_key"
    path.parent.mkdir(exist_ok=True)
    path.write_text("from a file\n")
    path.chmod(0o644)
    with pytest.raises(SettingError, match="chmod 600"):
        secret(workspace, "secret_key")
    path.chmod(0o600)
    assert secret(workspace, "secret_key") == "from a file"
    assert "from a file" in known_secrets(workspace)
