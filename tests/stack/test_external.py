"""A workspace that has no S3, no OpenSearch and no Spark of its own, but uses those that run elsewhere: the shared
stack's, here. On them it runs what docs/awsglue.md begins with."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakelet.catalog.client import ensure_database
from lakelet.data.objects import s3_client
from lakelet.query.client import query_rows
from lakelet.stack import operate
from lakelet.stack.parts import parts
from lakelet.workspace.addresses import opensearch_address
from lakelet.workspace.errors import StackError
from lakelet.workspace.paths import REPOSITORY, Workspace
from lakelet.workspace.secrets import secret
from tests.conftest import Stack, eventually, start

pytestmark = pytest.mark.stack
BUCKET = "samples"
ELSEWHERE = {"s3_endpoint": "s3", "opensearch_endpoint": "opensearch", "spark_master": "spark_master"}


@pytest.fixture
def external(stack: Stack, own_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace with those settings and secrets, and the samples in a bucket of that S3."""
    there = {setting: stack.workspace.endpoint(endpoint) for setting, endpoint in ELSEWHERE.items()}
    there["opensearch_endpoint"] = opensearch_address(stack.workspace)
    s3 = s3_client(stack.workspace)
    monkeypatch.setenv("LAKELET_S3_ACCESS_KEY", secret(stack.workspace, "access_key"))
    for setting, address in there.items():
        monkeypatch.setenv(f"LAKELET_{setting.upper()}", address)
    # An existing JDK, too. It is ours, but nothing here knows.
    monkeypatch.setenv("LAKELET_JAVA_HOME", str(stack.workspace.cache.java_home))
    folder = own_workspace.state / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy(stack.workspace.state / "secrets" / "spark", folder / "spark")
    shutil.copy(stack.workspace.state / "secrets" / "secret_key", folder / "s3_secret_key")
    yield Workspace.find()
    for bucket, prefix in ((BUCKET, ""), ("silver", "airports/")):
        for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ()):
            s3.delete_object(Bucket=bucket, Key=item["Key"])
    s3.delete_bucket(Bucket=BUCKET)


def lakelet(*words: str) -> Any:
    argv = [sys.executable, "-c", "from lakelet.cli.main import main; main()", *words, "--output", "json"]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_the_guide_begins_with_runs_on_parts_that_run_elsewhere(external: Workspace, tmp_path: Path) -> None:
    key = external.state / "secrets" / "s3_secret_key"
    hidden = key.rename(key.with_name("hidden"))
    with pytest.raises(StackError, match="The secret key of the external S3 is missing"):
        operate.start(external)
    hidden.rename(key)
    assert not {part.name for part in parts(external)} & {"java", "minio", "opensearch"}
    start(external)
    found = {row["name"]: row for row in operate.status(external)}
    assert set(found) == {"minio", "opensearch", "control", "dashboards", "spark-history"}
    for name in ("minio", "opensearch"):
        assert (found[name]["pid"], found[name]["state"]) == (None, "RUNNING")
    assert secret(external, "secret_key") not in (external.state / "stack.json").read_text()

    s3 = s3_client(external)
    s3.create_bucket(Bucket=BUCKET)
    samples = REPOSITORY / "data" / "samples"
    for path in samples.glob("*/*"):
        s3.upload_file(str(path), BUCKET, str(path.relative_to(samples)))
    lakelet("catalog", "crawl", f"s3://{BUCKET}/", "--wait")
    assert {row["name"] for row in lakelet("catalog", "tables", BUCKET)} == {
        "airlines", "airports", "flights", "planes", "weather",
    }  # fmt: skip

    guide = (REPOSITORY / "docs" / "awsglue.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    script = tmp_path / "script.py"
    script.write_text(code + "print('a word that only this run says')\n")
    ensure_database(external, "silver")
    run = lakelet("jobs", "submit", str(script), "--engine", "spark", "--wait")
    assert run["state"] == "SUCCEEDED", run
    sql = "SELECT count(*), count(feet), max(feet) FROM silver.airports"
    airports = [json.loads(line) for line in (samples / "airports" / "airports.json").read_text().splitlines()]
    assert query_rows(external, sql).rows == [[61, 61, max(float(one["alt"]) for one in airports)]]
    sql = "SELECT count(*), count(DISTINCT p.tailnum) FROM samples.flights LEFT JOIN samples.planes p USING (tailnum)"
    assert query_rows(external, sql).rows == [[300, 240]]
    hits = eventually(lambda: lakelet("search", '"a word that only this run says"'))
    assert run["run"] in json.dumps(hits)
    assert not list((external.state / "minio").glob("*")) and not list((external.spark / "work").glob("*"))
