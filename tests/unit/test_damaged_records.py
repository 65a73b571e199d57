"""Records that are empty or of another shape: nothing stops at them."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from lakelet.stack.leftovers import end_runs
from lakelet.workspace import shim
from lakelet.workspace.paths import Workspace
from lakelet.workspace.process import Identity

DAMAGED = ["", "[]", "[1]", "null", "5", '"x"', "{", '{"pid": null}', '{"pid": [], "started": {}}', "[" * 100_000]


@pytest.mark.parametrize("content", [*(text.encode() for text in DAMAGED), b"\xff\xfe\x00"])
@pytest.mark.parametrize("name", ["process.json", "exit.json"])
def test_a_damaged_record_counts_as_absent_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    read = shim.read_running if name == "process.json" else shim.read_exit
    with caplog.at_level(logging.WARNING):
        assert read(tmp_path) is None
        assert read(tmp_path) is None
    (record,) = caplog.records
    assert f"{name} is damaged" in record.getMessage()


@pytest.mark.parametrize(
    "exit", [{"exit_code": "x", "ended_at": 1}, {"exit_code": 0}, {"exit_code": 0, "ended_at": []}]
)
def test_an_exit_of_another_shape_counts_as_absent(tmp_path: Path, exit: object) -> None:
    (tmp_path / "exit.json").write_text(json.dumps(exit))
    assert shim.read_exit(tmp_path) is None


@pytest.mark.parametrize("content", DAMAGED)
def test_down_passes_over_a_damaged_record(tmp_path: Path, content: str) -> None:
    workspace = Workspace(tmp_path, tmp_path / ".lakelet").prepare()
    for run, text in (("jr_1", content), ("jr_2", json.dumps(Identity(2**22 + 1, 1.0).to_json()))):
        (workspace.runs / run).mkdir(parents=True)
        (workspace.runs / run / "process.json").write_text(text)
    assert end_runs(workspace) == []
