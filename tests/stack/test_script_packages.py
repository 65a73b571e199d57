"""Scripts whose own packages are called as ours are: on both engines, by drivers that waited, in a Python shell."""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakelet.data.objects import s3_client
from lakelet.jobs.client import JobClient
from lakelet.jobs.launchers import folder_of
from lakelet.jobs.logs import Stream, read
from lakelet.jobs.warm_driver import START
from lakelet.workspace.control import call
from tests.clients import glue_client
from tests.conftest import eventually

pytestmark = pytest.mark.stack
FOLDER = "test_script_packages"
NAMES = ("data", "jobs", "search", "catalog", "query", "etl", "workspace", "identity")

SPARK = """
import sys
import data, jobs.rules, search, catalog, query, etl, workspace, identity
from helper import shout
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.transforms import Filter, Map
from awsglue.utils import getResolvedOptions
from pyspark.sql import functions as F

for name in ("data", "jobs", "search", "catalog", "query", "etl", "workspace", "identity"):
    assert sys.modules[name].NAME == name, sys.modules[name]
location = getResolvedOptions(sys.argv, ["location"])["location"]
glue = GlueContext(SparkContext.getOrCreate())
spark = glue.spark_session
frame = DynamicFrame.fromDF(spark.range(10).select(F.col("id").cast("int")), glue, "numbers")

# Both kinds meet on the executors: our functions call the user's, and each finds its own modules.
even = Filter.apply(frame, f=jobs.rules.even)
named = Map.apply(even, f=lambda row: {**row, "name": shout(data.NAME)})
glue.write_dynamic_frame.from_options(named, "s3", {"path": location}, "json")
read = glue.create_dynamic_frame.from_options("s3", {"paths": [location]}, "json").toDF()
found = sorted((row["id"], row["name"]) for row in read.collect())
assert found == [(n, "DATA") for n in range(0, 10, 2)], found
RDD
import lakelet.data.zones
print(lakelet.data.zones.GOLD, data.__file__)
"""

# On Spark alone: what pickles a function by its module.
RDD = "assert spark.sparkContext.parallelize(range(3)).map(jobs.rules.even).collect() == [True, False, True]"

OWN = """
import sys
sys.path.insert(0, "FOLDER")
from awsglue.context import GlueContext
from pyspark.context import SparkContext
import jobs.rules, data
from search import NAME
rows = GlueContext(SparkContext.getOrCreate()).spark_session.range(2)
print(jobs.rules.NAME, data.NAME, NAME, rows.count(), sep=", ")
"""

SHELL = """
import data, jobs.rules, wheeled, awsglue.utils
from helper import shout
print(shout(data.NAME), wheeled.NAME, jobs.rules.even({"id": 3}))
"""


@pytest.fixture(scope="module")
def archive(stack: Any) -> Iterator[dict[str, str]]:
    """What a user uploads, by kind: packages, a module, a wheel."""
    client = s3_client(stack.workspace)
    packages = {f"{name}/__init__.py": f"NAME = {name!r}" for name in NAMES}
    packages["jobs/rules.py"] = "def even(row):\n    return (row['id'] if isinstance(row, dict) else row) % 2 == 0\n"
    files = {
        "mine.zip": _zip(packages),
        "helper.py": b"import search\ndef shout(text):\n    assert search.NAME == 'search'\n    return text.upper()\n",
        "wheeled-1-py3-none-any.whl": _zip({"wheeled/__init__.py": "NAME = 'wheel'"}),
    }
    for name, content in files.items():
        client.put_object(Bucket="bronze", Key=f"{FOLDER}/{name}", Body=content)
    yield {name.rpartition(".")[2]: f"s3://bronze/{FOLDER}/{name}" for name in files}
    for name in files:
        client.delete_object(Bucket="bronze", Key=f"{FOLDER}/{name}")


def _zip(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return content.getvalue()


def run(stack: Any, code: str, command: str, extra: list[str], **arguments: str) -> tuple[dict[str, Any], str]:
    client, name = JobClient(stack.workspace), f"test-{uuid.uuid4().hex[:12]}"
    key = f"test_scripts/{name}.py"
    s3_client(stack.workspace).put_object(Bucket="bronze", Key=key, Body=code.encode())
    glue_client(stack.workspace).create_job(
        Name=name,
        Role="role",
        Command={"Name": command, "ScriptLocation": f"s3://bronze/{key}"},
        DefaultArguments=({"--extra-py-files": ", ".join(extra)} if extra else {})
        | {f"--{k}": v for k, v in arguments.items()},
    )
    done = client.wait(client.start(name))
    return done, "\n".join(line.text for line in read(stack.workspace, done["Id"], Stream.driver))


@pytest.mark.parametrize("engine", ["spark", "sail"])
def test_a_glue_script_has_packages_named_as_ours(stack: Any, archive: dict[str, str], engine: str) -> None:
    location = f"s3://gold/{FOLDER}/{uuid.uuid4().hex}/"
    code = SPARK.replace("RDD", RDD if engine == "spark" else "")
    done, said = run(stack, code, "glueetl", [archive["zip"], archive["py"]], location=location, engine=engine)
    assert done["JobRunState"] == "SUCCEEDED", done.get("ErrorMessage", "") + said
    assert said.startswith("gold ") and "mine.zip/data" in said


@pytest.mark.parametrize("engine", ["spark", "sail"])
def test_a_driver_that_waited_gives_the_names_to_its_script(stack: Any, tmp_path: Path, engine: str) -> None:
    """It has imported awsglue, and so our packages, before it knows the script, which finds its own by ``sys.path``."""
    for name in ("data", "jobs", "search"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"NAME = 'my {name}'")
        (tmp_path / name / "rules.py").write_text(f"NAME = 'rules of my {name}'")
    if engine == "sail":
        assert call(stack.workspace, "POST", "warm-sail", {}) == {"ready": True}
    else:
        eventually(lambda: list((stack.workspace.state / "warm").glob("*/stdout.log")))
    done, said = run(stack, OWN.replace("FOLDER", str(tmp_path)), "glueetl", [], engine=engine)
    assert done["JobRunState"] == "SUCCEEDED", done.get("ErrorMessage", "") + said
    assert (folder_of(stack.workspace, done["Id"]) / START).exists(), "no driver that waited took it"
    assert said.splitlines()[-1] == "rules of my jobs, my data, my search, 2"


def test_a_python_shell_has_packages_named_as_ours(stack: Any, archive: dict[str, str]) -> None:
    done, said = run(stack, SHELL, "pythonshell", list(archive.values()))
    assert done["JobRunState"] == "SUCCEEDED", done
    assert said.strip() == "DATA wheel False"


def test_an_extra_file_that_cannot_be_had_or_imported_is_named(stack: Any, archive: dict[str, str]) -> None:
    done, _ = run(stack, "", "pythonshell", ["s3://bronze/none.zip"])
    assert "s3://bronze/none.zip cannot be read" in done["ErrorMessage"] and "--extra-py-files" in done["ErrorMessage"]
    done, _ = run(stack, "", "glueetl", [archive["whl"]])
    assert archive["whl"] in done["ErrorMessage"] and ".zip" in done["ErrorMessage"]
