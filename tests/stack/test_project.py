"""A project as `lakelet init` makes it: its own test runs its jobs, and a stack serves what is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lakelet.project import create
from lakelet.workspace.paths import PROJECT_VARIABLE, STATE_VARIABLE
from tests.stack.test_ephemeral import CACHE

PYTHON = Path(sys.executable)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create(tmp_path / "shop")
    return tmp_path / "shop"


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_"))}
    for name in (STATE_VARIABLE, PROJECT_VARIABLE):
        kept.pop(name, None)
    return {**kept, "LAKELET_CACHE": str(CACHE), "PATH": f"{PYTHON.parent}:{os.environ['PATH']}"}


def test_what_its_workflow_runs_passes(project: Path) -> None:
    steps = yaml.safe_load((project / ".github" / "workflows" / "test.yml").read_text())["jobs"]["test"]["steps"]
    always = [step for step in steps if "if" not in step]  # what has a condition says what is not set up
    commands = [step["run"] for step in always if "run" in step and "install" not in step["run"]]
    assert commands == ["python -m pytest"]
    argv = ["sh", "-c", f"{commands[0]} -q -p no:cacheprovider"]
    done = subprocess.run(argv, cwd=project, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert not (project / ".lakelet").exists()  # the stack of the tests was another, and is gone


def test_commands_in_its_folder_see_what_is_in_it(project: Path) -> None:
    argv = ["lakelet", "up", "--only", "minio", "--only", "control", "--only", "dashboards", "--output", "json"]
    try:
        subprocess.run(argv, cwd=project, env=environment(), check=True, stdout=subprocess.DEVNULL)
        answer = subprocess.run(
            ["lakelet", "jobs", "list", "--output", "json"],
            cwd=project / "data", env=environment(), check=True, capture_output=True,
        )  # fmt: skip
        scripts = {row["name"]: row["script"] for row in json.loads(answer.stdout)}
        assert scripts["orders_silver"] == (project / "jobs/library/orders_silver/script.py").as_uri()
        assert "flights_silver" in scripts
    finally:
        subprocess.run(["lakelet", "--project", project, "down"], env=environment(), check=True)
    assert (project / ".lakelet" / "state.db").exists()
