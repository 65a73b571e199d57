"""What a driver on Sail finds in its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.sail import sail_environment
from workspace.paths import Workspace


def test_what_is_written_is_hashed_for_a_store_of_others_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path, tmp_path / "state").prepare()
    workspace.write_endpoints({"s3": "http://127.0.0.1:9000"})
    assert sail_environment(workspace)["AWS_UNSIGNED_PAYLOAD"] == "true"
    monkeypatch.setenv("LAKELET_S3_ENDPOINT", "https://store.example")
    assert sail_environment(workspace)["AWS_UNSIGNED_PAYLOAD"] == "false"
