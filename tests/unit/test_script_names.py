"""Scripts own the names of our packages: workspace/startup/sitecustomize.py, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lakelet.jobs.spark import python_path, spark_home
from lakelet.workspace.paths import REPOSITORY
from tests.test_layout import ORDER, ROOMS


def run(folder: Path, code: str, *path: Path) -> str:
    script = folder / "script" / "script.py"
    script.parent.mkdir()
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, path), python_path()])}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def package(folder: Path, **modules: str) -> None:
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)


def test_the_users_packages_and_ours_are_loaded_at_once(tmp_path: Path) -> None:
    for room in ROOMS:
        package(tmp_path / "mine" / room, own=f"NAME = 'my {room}'")
    code = """
import importlib, sys
for room in %r:
    assert importlib.import_module(room + ".own").NAME == "my " + room
    assert importlib.import_module("lakelet." + room) is not sys.modules[room]
import data, data.own as own
from jobs.own import NAME
assert (data.own.NAME, own.NAME, NAME) == ("my data", "my data", "my jobs")
import awsglue.context, awsgluedq.transforms, lakelet.etl.quality, lakelet.search.ingest, lakelet.jobs.client
try:
    import data.objects
except ModuleNotFoundError as error:
    print(error)
"""
    assert run(tmp_path, code % (ROOMS,), tmp_path / "mine").strip() == "No module named 'data.objects'"


def test_a_package_that_a_script_adds_while_it_runs_is_its_own(tmp_path: Path) -> None:
    package(tmp_path / "late" / "catalog", own="NAME = 1")
    code = f"""
import sys, awsglue.context
sys.path.append({str(tmp_path / "late")!r})
from catalog.own import NAME
print(NAME)
"""
    assert run(tmp_path, code).strip() == "1"


def test_our_names_are_ours_beside_modules_of_that_name(tmp_path: Path) -> None:
    for name in ("lakelet", "awsglue"):
        package(tmp_path / "mine" / name)
    run(tmp_path, "import awsglue.context, lakelet.workspace.errors", tmp_path / "mine")


def test_without_a_package_of_its_own_a_script_has_none(tmp_path: Path) -> None:
    code = """
import awsglue.context
try:
    import data
except ModuleNotFoundError as error:
    print(error)
"""
    assert run(tmp_path, code).strip() == "No module named 'data'"


def test_no_module_is_loaded_under_two_names(tmp_path: Path) -> None:
    """In a script's process, with what it uses of ours, no file stands behind two modules."""
    code = """
import os, sys
import awsglue.context, awsgluedq.transforms, lakelet.control, lakelet.cli.main, lakelet.jobs.sail
files = [os.path.realpath(module.__file__) for module in [*sys.modules.values()] if getattr(module, "__file__", None)]
ours = [file for file in files if file.startswith(FOLDERS)]
print(len(ours) > 200, sorted({file for file in ours if ours.count(file) > 1}))
"""
    folders = tuple(f"{REPOSITORY / room}/" for room in ORDER)
    assert run(tmp_path, code.replace("FOLDERS", repr(folders))).strip() == "True []"


def test_a_star_brings_the_functions_that_it_did_in_spark_3(tmp_path: Path) -> None:
    code = """
from pyspark.sql.functions import *
print(countDistinct.__name__, shiftLeft.__name__, col.__name__)
"""
    assert run(tmp_path, code).split() == ["countDistinct", "shiftLeft", "col"]


def test_a_sitecustomize_of_the_machine_is_run_too(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("import sys; sys.of_the_machine = True")
    (tmp_path / "first").mkdir()
    code = "import sys, lakelet; print(sys.of_the_machine, lakelet.__name__)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([python_path(), str(tmp_path / "site")])}
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, cwd=tmp_path / "first", env=environment, capture_output=True, check=False)
    assert done.stdout.split() == [b"True", b"lakelet"], done.stderr


def test_spark_is_imported_unpacked_where_it_lies_beside_its_archives(tmp_path: Path) -> None:
    archives = [spark_home() / "python" / "lib" / "pyspark.zip", *(spark_home() / "jars").glob("spark-core_*.jar")]
    assert len(archives) == 2
    mine = tmp_path / "mine.zip"
    mine.touch()
    code = """
import sys, pyspark
print(pyspark.__file__)
print([name for name in ("pyspark.zip", "spark-core", "mine.zip") for one in {*sys.path, *sys.path_importer_cache}
       if name in one])
"""
    told = run(tmp_path, code, *archives, mine).splitlines()
    assert told == [str(spark_home() / "__init__.py"), "['mine.zip']"]
