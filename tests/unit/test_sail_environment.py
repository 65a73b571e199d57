"""What a driver on Sail finds in its environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakelet.jobs.sail import sail_environment
from lakelet.workspace.paths import Workspace


def test_what_is_written_is_hashed_for_a_store_of_others_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path, tmp_path / "state").prepare()
    workspace.write_endpoints({"s3": "http://127.0.0.1:9000"})
    assert sail_environment(workspace)["AWS_UNSIGNED_PAYLOAD"] == "true"
    monkeypatch.setenv("LAKELET_S3_ENDPOINT", "https://store.example")
    assert sail_environment(workspace)["AWS_UNSIGNED_PAYLOAD"] == "false"


_TWO_SESSIONS = """
import os, time
from pysail.spark import SparkConnectServer
from pyspark.sql.connect.session import SparkSession
from lakelet.etl.sail import engine

stock = SparkConnectServer("127.0.0.1", 0)
stock.start(background=True)
theirs = SparkSession.builder.remote("sc://%s:%d" % stock.listening_address).create()
theirs.range(1).count()
engine.start()
ours = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).create()
ours.range(3).createOrReplaceTempView("kept")
for pause in (2, 4, 8, 16, 32):
    time.sleep(pause)
    try:
        theirs.range(1).count()
    except Exception as error:
        print(error)
        break
print(ours.sql("SELECT count(*) FROM kept").collect()[0][0], "kept")
"""


def test_a_session_outlives_the_time_after_which_sail_ends_one() -> None:
    """A notebook left alone, a script's own work between two actions, an action itself: each may take a while."""
    environment = os.environ | {"SAIL_SPARK__SESSION_TIMEOUT_SECS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", _TWO_SESSIONS], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "is not running" in ended.stdout
    assert ended.stdout.endswith("3 kept\n")
