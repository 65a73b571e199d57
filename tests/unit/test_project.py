"""Which project a command means, and how one is made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakelet.jobs.scripts import copy_extra_files, copy_script, on_path
from lakelet.project import create
from lakelet.workspace.errors import RunError, UsageError
from lakelet.workspace.paths import PROJECT_VARIABLE, REPOSITORY, STATE_VARIABLE, Workspace
from lakelet.workspace.runs import Run


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (PROJECT_VARIABLE, STATE_VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create(tmp_path / "shop")
    return tmp_path / "shop"


def test_a_folder_with_anything_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        create(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["notes.txt"]
    for folder in (tmp_path / "notes.txt", tmp_path / "notes.txt" / "below", tmp_path / ("x" * 300)):
        with pytest.raises(UsageError, match="cannot be made a project"):
            create(folder)


def test_a_new_repository_may_become_a_project(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    files = create(tmp_path)
    for pattern in (
        "lakelet.toml", ".gitignore", "README.md", "jobs/library/*/job.toml", "jobs/library/*/script.py",
        "jobs/library/*/fixtures/*/fixture.toml", "catalog/definitions/*/*.py", "dashboards/boards/*.toml",
        "data/samples/*/*.csv", "tests/test_*.py", ".github/workflows/*.yml",
    ):  # fmt: skip
        assert [name for name in files if Path(name).match(pattern)], pattern
    assert all((tmp_path / name).stat().st_size for name in files)
    assert ".lakelet/" in (tmp_path / ".gitignore").read_text()


def test_the_project_is_the_one_around_the_working_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "jobs" / "library")
    found = Workspace.find()
    assert (found.root, found.state) == (project, project / ".lakelet")
    monkeypatch.chdir(project.parent)
    assert Workspace.find().root == REPOSITORY
    (gone := project.parent / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert Workspace.find().root == REPOSITORY


def test_variables_name_project_and_state(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROJECT_VARIABLE, str(project))
    assert Workspace.find().state == project / ".lakelet"
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    found = Workspace.find()
    assert (found.root, found.state) == (project, tmp_path / "state")
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    assert Workspace.find() == found
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    with pytest.raises(UsageError, match="lakelet init"):
        Workspace.find()


def test_the_settings_and_the_content_are_the_projects(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "lakelet.toml").write_text("workers = 7")
    monkeypatch.setenv(PROJECT_VARIABLE, str(project))
    found = Workspace.find()
    assert found.settings.number("workers") == 7
    assert found.content("jobs/library") == (project / "jobs/library", REPOSITORY / "jobs/library")
    assert Workspace(REPOSITORY, project).content("jobs/library") == (REPOSITORY / "jobs/library",)


def test_what_a_job_names_by_a_relative_path_lies_in_the_project(project: Path, tmp_path: Path) -> None:
    (project / "lib").mkdir()
    (project / "lib" / "shared.py").write_text("mine = 1")
    workspace = Workspace(project, tmp_path / "state")
    spec = {"command": "glueetl", "script": "jobs/library/orders_silver/script.py"}
    run = Run(id="jr_1", kind="job", name="j", arguments={"--extra-py-files": "lib/shared.py,"}, spec=spec)
    (copy,) = copy_extra_files(workspace, run, tmp_path / "run")
    assert copy.read_text() == "mine = 1" and on_path(copy) == str(copy.parent)
    ours = "jobs/library/flights_silver/script.py"
    for location, root in ((spec["script"], project), (ours, REPOSITORY)):
        assert copy_script(workspace, location, tmp_path / "run").read_text() == (root / location).read_text()
    with pytest.raises(RunError, match=r"none\.py cannot be read"):
        copy_script(workspace, "jobs/library/none.py", tmp_path / "run")


def test_the_command_line_takes_the_project_and_its_own_state(project: Path, tmp_path: Path) -> None:
    environment = {**os.environ, STATE_VARIABLE: str(tmp_path / "other")}

    def lakelet(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "lakelet", *words]
        return subprocess.run(argv, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)

    assert lakelet("--project", str(project), "status").returncode == 3  # it is not running
    assert (project / ".lakelet").is_dir() and not (tmp_path / "other").exists()
    refused = lakelet("--project", str(tmp_path), "status")
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and "lakelet init" in refused.stderr
