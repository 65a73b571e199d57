"""What an installation adds: the wheel, built and installed into an environment of its own, without the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from lakelet.workspace.paths import REPOSITORY
from tests.test_layout import MODULES, USER_CONTENT, name_of

OWN = """
import sys, data, jobs.rules, search
import awsglue.context, awsgluedq.transforms, lakelet.data.objects
from pyspark.sql.functions import *
assert (data.NAME, jobs.rules.NAME, search.NAME) == ("data", "rules", "search")
print(lakelet.data.objects.__file__, countDistinct.__name__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what is in the checkout."""
    copy, built = tmp_path_factory.mktemp("source") / "lakelet", tmp_path_factory.mktemp("wheel")
    copy.mkdir()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, copy / name, follow_symlinks=False)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(built))
    argv = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", *options, str(copy)]
    subprocess.run(argv, check=True, cwd=built)
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; the packages that it needs are those of this one."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index")
    subprocess.run([*pip, "install", *options, str(wheel)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    # Read after the packages of the environment itself, and without the .pth files there: no editable installation.
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib"))
    return folder


def run(environment: Path, folder: Path, *argv: str, **variables: str) -> str:
    path = os.environ["PATH"]
    done = subprocess.run(
        [environment / "bin" / argv[0], *argv[1:]],
        cwd=folder, env={"PATH": path, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installation_adds_three_names(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"lakelet", "awsglue", "awsgluedq"}


def test_it_has_every_module_and_what_we_ship(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        installed = set(archive.namelist())
    modules = {name_of(path).replace(".", "/") for path in MODULES}
    assert {name for name in modules if not installed & {f"{name}.py", f"{name}/__init__.py"}} == set()
    for folder in USER_CONTENT:
        inside = folder if folder.startswith("lakelet/") else f"lakelet/{folder}"
        assert any(name.startswith(f"{inside}/") for name in installed), folder


def test_the_command_runs(environment: Path, tmp_path: Path) -> None:
    assert "lakelet" in run(environment, tmp_path, "lakelet", "--help")


def test_a_script_with_packages_named_like_our_rooms_runs(environment: Path, tmp_path: Path) -> None:
    for name in ("data", "jobs", "search"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"NAME = {name!r}")
    (tmp_path / "jobs" / "rules.py").write_text("NAME = 'rules'")
    (tmp_path / "script.py").write_text(OWN)
    code = "from lakelet.jobs.spark import python_path; print(python_path())"
    path = run(environment, tmp_path, "python", "-c", code).strip()
    where, function = run(environment, tmp_path, "python", "script.py", PYTHONPATH=path).split()
    assert Path(where).is_relative_to(environment) and function == "countDistinct"
