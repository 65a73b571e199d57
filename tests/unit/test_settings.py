"""Settings: environment over file over default, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.workspace.environment import client_environment
from lakelet.workspace.errors import SettingError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.settings import SETTINGS, Settings


def test_environment_wins_over_file_over_default(tmp_path: Path) -> None:
    (tmp_path / "lakelet.toml").write_text('minio_port = 9100\nregion = "eu-west-1"\n')
    settings = Settings(tmp_path, {"LAKELET_REGION": "eu-north-1"})
    assert settings.text("region") == "eu-north-1"
    assert settings.number("minio_port") == 9100
    assert settings.number("opensearch_port") == 9200
    assert settings.is_set("minio_port") and not settings.is_set("opensearch_port")


@pytest.mark.parametrize(
    ("file", "environ", "name", "message"),
    [
        ("minio_prot = 1", {}, "", "minio_prot"),
        ("minio_port = [", {}, "", "not valid TOML"),
        ("minio_port = 0", {}, "minio_port", "out of range"),
        ("", {"LAKELET_MINIO_PORT": "66000"}, "minio_port", "out of range"),
        ("", {"LAKELET_WORKERS": "-1"}, "workers", "out of range"),
        ("", {"LAKELET_WORKERS": "two"}, "workers", "LAKELET_WORKERS"),
    ],
)
def test_bad_values_are_named(tmp_path: Path, file: str, environ: dict[str, str], name: str, message: str) -> None:
    (tmp_path / "lakelet.toml").write_text(file)
    with pytest.raises(SettingError, match=message):
        Settings(tmp_path, environ)[name]


def test_what_lakelet_env_exports_sets_no_setting(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, tmp_path / ".lakelet").prepare()
    names = ("control", "s3", "opensearch", "dashboards")
    workspace.write_endpoints(dict.fromkeys(names, "http://127.0.0.1:1"))
    exported = client_environment(workspace)
    assert "LAKELET_OPENSEARCH_URL" in exported
    assert exported.keys().isdisjoint(setting.variable for setting in SETTINGS)
