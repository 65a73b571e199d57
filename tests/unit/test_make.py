"""The two commands' first step: what a machine lacks is said in one sentence, before anything is installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lakelet.workspace.paths import REPOSITORY


def fake(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def refused(command: str, *words: str, **environment: str) -> str:
    done = subprocess.run(
        [REPOSITORY / "requirements" / command, *words],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and not done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_no_such_python() -> None:
    assert "'python9' is not to be found" in refused("venv", "run", PYTHON="python9")


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ('case "$*" in *version_info*) exit 1;; -V) echo Python 3.9.1;; esac', "is Python 3.9.1"),
        ('case "$*" in *ensurepip*) exit 1;; esac', "apt-get install python3-venv"),
    ],
)
def test_a_python_that_will_not_do(tmp_path: Path, script: str, sentence: str) -> None:
    assert sentence in refused("venv", "run", PYTHON=str(fake(tmp_path / "python", script)))


def test_another_platform(tmp_path: Path) -> None:
    fake(tmp_path / "uname", 'case "$1" in -s) echo Darwin;; *) echo arm64;; esac')
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert "Linux x86-64 only; this is Darwin arm64" in refused("venv", "run", PYTHON="python3", PATH=path)


def test_no_browser_and_no_right_to_install_it(tmp_path: Path) -> None:
    for name in ("dirname", "sh"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    fake(tmp_path / "id", "echo 1000")
    assert "the tests need chromium" in refused("servers", PATH=str(tmp_path))
