"""Scripts own the names of our packages: workspace/startup/sitecustomize.py, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from jobs.spark import python_path, spark_home
from tests.test_layout import ORDER


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
    theirs = [room for room in ORDER if room != "lakelet"]
    for room in theirs:
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
    assert run(tmp_path, code % theirs, tmp_path / "mine").strip() == "No module named 'data.objects'"


def test_a_package_that_a_script_adds_while_it_runs_is_its_own(tmp_path: Path) -> None:
    package(tmp_path / "late" / "catalog", own="NAME = 1")
    code = f"""
import sys, awsglue.context
sys.path.append({str(tmp_path / "late")!r})
from catalog.own import NAME
print(NAME)
"""
    assert run(tmp_path, code).strip() == "1"


def test_without_a_package_of_its_own_a_script_has_ours_under_the_plain_name(tmp_path: Path) -> None:
    code = """
import pickle, sys
from workspace.errors import QualityError
import data.zones
import lakelet.workspace.errors, lakelet.data.zones
assert QualityError is lakelet.workspace.errors.QualityError and data.zones is lakelet.data.zones
assert data is lakelet.data and data.__name__ == "lakelet.data"
assert pickle.loads(pickle.dumps(QualityError("gone"))).args == ("gone",)
"""
    run(tmp_path, code)


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
    code = "import sys, data.zones; print(sys.of_the_machine, data.__name__)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([python_path(), str(tmp_path / "site")])}
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, cwd=tmp_path / "first", env=environment, capture_output=True, check=False)
    assert done.stdout.split() == [b"True", b"lakelet.data"], done.stderr


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
