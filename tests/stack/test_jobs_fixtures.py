"""`lakelet jobs test`: a library's fixtures, in a stack of their own, and what is said of one that fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.stack
SCRIPT = """
from awsglue.context import GlueContext
from pyspark.context import SparkContext

glue = GlueContext(SparkContext.getOrCreate())
rows = glue.create_dynamic_frame.from_catalog(database="bronze", table_name="numbers")
glue.write_dynamic_frame.from_options(rows, "s3", {"path": "s3://silver/out/"}, "parquet")
sink = glue.getSink("s3", path="s3://silver/numbers/", enableUpdateCatalog=True)
sink.setCatalogInfo("silver", "numbers")
sink.writeFrame(rows)
"""
FIXTURE = '[tables."bronze.numbers"]\nformat = "json"\ncolumns = { n = "bigint", name = "string" }\n'


def lakelet(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LAKELET_", "AWS_"))}
    argv = [sys.executable, "-I", "-m", "lakelet", "--project", str(project), "jobs", "test", *words]
    return subprocess.run(argv, env=env, cwd=project, capture_output=True, text=True, timeout=300, check=False)


def test_fixtures_go_in_and_rows_come_out(tmp_path: Path) -> None:
    (tmp_path / "lakelet.toml").write_text("")
    job = tmp_path / "jobs" / "library" / "numbers"
    expected = {"none": "", "right": '{"n": 1}\n{"n": 2}\n', "wrong": '{"n": 1, "name": "a"}\n{"n": 3, "name": "c"}\n'}
    for case, rows in expected.items():
        folder = job / "fixtures" / case
        for path, text in {
            "fixture.toml": FIXTURE,
            "input/bronze.numbers/in.json": '{"n": 1, "name": "a"}\n{"n": 2, "name": "b"}\n',
            "expected/silver.numbers.jsonl": rows,
        }.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    (job / "job.toml").write_text("")
    (job / "script.py").write_text(SCRIPT)
    done = lakelet(tmp_path, "--output", "json")
    assert done.returncode == 4, done.stderr
    none, right, wrong = json.loads(done.stdout)
    assert none["problems"] == ["silver.numbers has beside the expected 2 rows of (any columns): []; []"]
    assert (right["case"], right["result"]) == ("numbers/right", "PASSED")
    assert wrong["problems"] == [
        'silver.numbers lacks 1 row of (n, name): [3, "c"]',
        'silver.numbers has beside the expected 1 row of (n, name): [2, "b"]',
    ]
    # What we ship is not the project's to test, unless it is asked for.
    ours = lakelet(tmp_path, "flights_silver", "--output", "json")
    assert [one["result"] for one in json.loads(ours.stdout)] == ["PASSED"], ours.stderr
