"""Warm drivers on the real stack: a run by one is as any other run, and knows nothing of those before it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from lakelet.jobs.launchers import folder_of
from lakelet.jobs.warm_driver import START
from lakelet.workspace import shim
from lakelet.workspace.secrets import secret
from tests.conftest import eventually
from tests.stack.test_faults_jobs import back, driver_of, kill
from tests.stack.test_jobs import Jobs

pytestmark = pytest.mark.stack

# What a script can see of where it runs, and everything that it could leave behind for another.
LOOK = """
import json, os, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
system = spark.sparkContext._jvm.java.lang.System
names = ("LAKELET_RUN_ID", "LAKELET_JOB_NAME", "LAKELET_COMPONENT", "LAKELET_WARM_FOLDER", "PYTHONSAFEPATH", "LEAK",
         "AWS_SESSION_TOKEN")
hadoop = spark.sparkContext._jsc.hadoopConfiguration()
print("seen", json.dumps({
    "argv": sys.argv[1:], "folder": os.getcwd(), "files": os.listdir(), "path": sys.path[0], "name": __name__,
    "main": sys.modules["__main__"].__file__, "env": {name: os.environ.get(name) for name in names},
    "views": [table.name for table in spark.catalog.listTables() if table.isTemporary],
    "conf": {key: spark.conf.get(key, None) for key in ("spark.app.name", "spark.master", "spark.leak", "spark.test")},
    "authenticates": spark.sparkContext.getConf().get("spark.authenticate"), "leaked": system.getProperty("leak"),
    "key": hadoop.get("fs.s3a.access.key"),
    "partitions": spark.range(4).repartition(2).rdd.getNumPartitions(),
}), flush=True)
spark.range(1).createOrReplaceTempView("leak")
spark.conf.set("spark.leak", "yes")
system.setProperty("leak", "yes")
os.environ["LEAK"] = os.environ["AWS_SESSION_TOKEN"] = "yes"
hadoop.set("fs.s3a.access.key", "yes")
open("leak", "w").close()
"""
WAIT = """
import os, sys, time
from pyspark.sql import SparkSession
SparkSession.builder.getOrCreate()
print("up", flush=True)
while not os.path.exists(sys.argv[sys.argv.index("--flag") + 1]):
    time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def jobs(stack: Any) -> Jobs:
    return Jobs(stack.workspace)


def start(jobs: Jobs, code: str, arguments: dict[str, str] | None = None) -> tuple[Any, Path]:
    """Start a run once a driver waits for it."""
    name = jobs.create(code, "glueetl")
    eventually(lambda: list((jobs.workspace.state / "warm").glob("*/stdout.log")))
    submitted = jobs.client.start(name, arguments or {})
    folder = folder_of(jobs.workspace, submitted.run_id)
    eventually((folder / "stdout.log").exists)
    assert (folder / START).exists(), "no warm driver took it"
    return submitted, folder


def test_a_run_sees_what_a_cold_one_sees_and_nothing_of_another_run(jobs: Jobs) -> None:
    for _ in range(2):
        submitted, folder = start(jobs, LOOK, {"--word": "two words", "--conf": "spark.test=given"})
        run = jobs.client.wait(submitted)
        assert run["JobRunState"] == "SUCCEEDED", run
        seen = next(json.loads(line[5:]) for line in jobs.text(run).splitlines() if line.startswith("seen "))
        script = str(folder / "script" / f"{submitted.job}.py")
        name = ["--JOB_NAME", submitted.job, "--JOB_ID", f"j_{submitted.job}", "--JOB_RUN_ID", submitted.run_id]
        assert seen == {
            "argv": [*name, "--word", "two words"], "folder": str(folder / "work"), "files": [],
            "path": str(folder / "script"), "name": "__main__", "main": script,
            "env": dict.fromkeys(
                ("LAKELET_COMPONENT", "LAKELET_WARM_FOLDER", "PYTHONSAFEPATH", "LEAK", "AWS_SESSION_TOKEN")
            ) | {"LAKELET_RUN_ID": submitted.run_id, "LAKELET_JOB_NAME": submitted.job},
            "views": [], "authenticates": "true", "leaked": None, "partitions": 2,
            "key": secret(jobs.workspace, "access_key"),
            "conf": {
                "spark.app.name": submitted.job, "spark.master": jobs.workspace.endpoint("spark_master"),
                "spark.leak": None, "spark.test": "given",
            },
        }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "state", "said"),
    [
        ("def f():\n    raise ValueError('no')\nf()", "FAILED", "ValueError: no"),
        ("import sys\nsys.exit(3)", "FAILED", "exit code 3"),
        ("import os\nos._exit(0)", "SUCCEEDED", ""),
        ("this is no Python", "FAILED", "SyntaxError: invalid syntax"),
    ],
)
def test_a_script_s_end_is_the_run_s(jobs: Jobs, code: str, state: str, said: str) -> None:
    submitted, folder = start(jobs, code)
    run = jobs.client.wait(submitted)
    assert run["JobRunState"] == state, run
    assert said in run.get("ErrorMessage", "")
    output = (folder / "stdout.log").read_text() + (folder / "stderr.log").read_text()
    assert "warm_driver" not in output, "the script's frames are its own"
    assert ("Traceback" in output) == ("ValueError" in said)


@pytest.mark.parametrize("victim", ["driver", "shim"])
def test_what_is_killed_in_a_warm_run_ends_it(jobs: Jobs, tmp_path: Path, victim: str) -> None:
    submitted, folder = start(jobs, WAIT, {"--flag": str(tmp_path / "flag")})
    eventually(lambda: "up" in (folder / "stdout.log").read_text())
    running = shim.read_running(folder)
    assert running is not None
    os.kill(driver_of(folder) if victim == "driver" else running.shim.pid, signal.SIGKILL)
    run = jobs.client.wait(submitted)
    assert run["JobRunState"] == "FAILED"
    assert "was killed" in run["ErrorMessage"] or "killed by SIGKILL" in run["ErrorMessage"]


def test_a_killed_control_process_finds_a_warm_run_again(jobs: Jobs, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    submitted, folder = start(jobs, WAIT, {"--flag": str(flag)})
    eventually(lambda: "up" in (folder / "stdout.log").read_text())
    dead = kill(jobs.workspace, "control")
    eventually(lambda: back(jobs.workspace, "control", dead))
    flag.touch()
    assert jobs.client.wait(submitted)["JobRunState"] == "SUCCEEDED"
