"""Logs in the real OpenSearch: found within seconds, once each, without secrets, late but whole after an outage."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pyarrow as pa
import pytest
from opensearchpy import OpenSearch, TransportError

from lakelet.search.client import open_client
from lakelet.search.ingest import BATCH_ROWS, patiently, replace_index
from lakelet.search.queries import search_logs
from lakelet.search.rollover import drop_expired, prepare_logs, roll_over
from lakelet.search.shipper import LogShipper
from lakelet.search.templates import install_templates
from lakelet.stack import operate
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret
from tests.conftest import Stack, eventually

pytestmark = pytest.mark.stack


@pytest.fixture
def client(stack: Stack) -> OpenSearch:
    return open_client(stack.workspace)


@pytest.fixture
def workspace(stack: Stack, tmp_path: Path) -> Workspace:
    """A workspace with logs of the test's own making, which go to the shared OpenSearch."""
    workspace = Workspace(stack.workspace.root, tmp_path / "state").prepare()
    workspace.write_endpoints({"opensearch": stack.workspace.endpoint("opensearch")})
    workspace.logs.mkdir()
    (workspace.state / "secrets").mkdir(mode=0o700)
    shutil.copy(stack.workspace.state / "secrets" / "opensearch", workspace.state / "secrets")
    return workspace


@pytest.fixture
def run(workspace: Workspace) -> Iterator[Path]:
    folder = workspace.runs / f"jr_{secrets.token_hex(32)}"
    folder.mkdir(parents=True)
    event(folder, "WAITING")
    yield folder


def event(folder: Path, state: str, reason: str = "") -> None:
    said = {"time": time.time(), "run_id": folder.name, "kind": "job", "name": "nightly", "attempt": 1}
    append(folder / "events.jsonl", json.dumps(said | {"state": state, "reason": reason}) + "\n")


def append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)
    os.utime(path, (time.time() - 60,) * 2)  # nobody is in the middle of writing it


def ship(workspace: Workspace) -> int:
    return patiently(LogShipper(workspace).ship)


def test_lines_carry_whose_they_are_and_are_shipped_once(workspace: Workspace, run: Path, client: OpenSearch) -> None:
    append(
        run / "stderr.log",
        "26/11/24 13:33:53 ERROR Executor: lost\n\tat a.B.c(D.java:1)\n26/11/24 13:33:54 INFO X: y\n",
    )
    append(run / "application_id", "app-1-0001")
    append(workspace.spark / "work/worker-1/app-1-0001/7/stdout", "printed by an executor\n")
    assert ship(workspace) == 4
    assert ship(workspace) == 0  # another shipper, the same offsets
    (workspace.state / "shipper.json").unlink()
    assert ship(workspace) == 4  # … or none, but the same ids

    found = eventually(lambda: (page := search_logs(client, run_id=run.name)).total == 4 and page)
    assert found.facets["level"] == {"INFO": 2, "ERROR": 1}
    assert found.facets["source"] == {"driver": 2, "control": 1, "executor": 1}
    assert found.facets["job"] == {"nightly": 4}
    assert sum(bar.count for bar in found.histogram) == 4
    (line,) = search_logs(client, "printed executor", run_id=run.name).hits
    assert (line.source, line.executor_id, line.attempt, line.job) == ("executor", "7", 1, "nightly")
    (line,) = search_logs(client, "lost", run_id=run.name, level="error").hits
    assert line.logger == "Executor" and line.message.endswith("D.java:1)") and "[[lost]]" in line.highlight
    (line,) = search_logs(client, run_id=run.name, source="control").hits
    assert (line.state, line.stream) == ("WAITING", "event")

    first = search_logs(client, run_id=run.name, size=3)
    rest = search_logs(client, run_id=run.name, size=3, after=first.next)
    assert len({hit.id for hit in (*first.hits, *rest.hits)}) == 4 and rest.next is None
    early = datetime(2026, 11, 24, 13, 33, 54).astimezone()
    assert search_logs(client, run_id=run.name, until=early).total == 1
    assert search_logs(client, '(("~ *', since=early, run_id=run.name).total <= 3


def test_no_secret_reaches_the_index(workspace: Workspace, run: Path, client: OpenSearch) -> None:
    ours = secret(workspace, "secret_key")
    append(run / "stdout.log", f"the key is {ours} indeed\naws_secret_access_key=wJalrXUtnFEMIK7MDENG\n")
    event(run, "FAILED", f"exit code 1 with {ours}")
    ship(workspace)
    page = eventually(lambda: (page := search_logs(client, run_id=run.name)).total == 4 and page)
    assert sum("[redacted]" in hit.message for hit in page.hits) == 3
    assert not any(ours in hit.message or "wJalrXUtnFEMIK7MDENG" in hit.message for hit in page.hits)


def test_anything_in_a_log_is_shipped(workspace: Workspace, run: Path, client: OpenSearch) -> None:
    (run / "stdout.log").write_bytes(os.urandom(3000) + b"\nneedle \x00 here\n" + b"x" * (3 << 20) + b"\nlast one")
    append(run / "stdout.log", "")
    append(run / "events.jsonl", "not json\n{}\n[1]\n")
    ship(workspace)
    for text in ("needle here", "last one", "not json"):
        assert eventually(lambda text=text: search_logs(client, text, run_id=run.name).total == 1)


def test_an_outage_delays_logs_and_indexing_and_loses_nothing(
    stack: Stack, workspace: Workspace, run: Path, client: OpenSearch
) -> None:
    rows, alias = 12 * BATCH_ROWS, "flights-outage"
    table = pa.table({"flight_id": [f"F{n}" for n in range(rows)], "dep_delay": [float(n) for n in range(rows)]})

    def batches() -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(table.to_batches(max_chunksize=BATCH_ROWS)):
            if number == 6:  # OpenSearch has some of the rows, is given others now, and has yet to get the rest
                os.kill(opensearch_pid(stack.workspace), signal.SIGKILL)
                append(run / "stdout.log", "".join(f"during the outage {line}\n" for line in range(500)))
                event(run, "SUCCEEDED")
            yield batch

    before = opensearch_pid(stack.workspace)
    shipper = LogShipper(workspace)
    shipper.start()
    try:
        append(run / "stdout.log", "before the outage\n")
        eventually(lambda: search_logs(client, "before outage", run_id=run.name).total == 1)
        install_templates(client)
        reader = pa.RecordBatchReader.from_batches(table.schema, batches())
        assert replace_index(client, alias, reader, ["flight_id"]) == rows
        assert opensearch_pid(stack.workspace) != before
        found = client.search(index=alias, body={"size": 0, "aggs": {"sum": {"sum": {"field": "dep_delay"}}}})
        assert found["aggregations"]["sum"]["value"] == rows * (rows - 1) / 2
        eventually(lambda: search_logs(client, "during outage", run_id=run.name).total == 500)
        assert eventually(lambda: search_logs(client, run_id=run.name, source="control").total == 2)
    finally:
        shipper.stop()
        eventually(lambda: client.indices.delete(index=f"{alias}-*"))


def opensearch_pid(workspace: Workspace) -> int:
    return next(row["pid"] or 0 for row in operate.status(workspace) if row["name"] == "opensearch")


def test_an_emptied_opensearch_gets_the_logs_again(workspace: Workspace, run: Path, client: OpenSearch) -> None:
    alias = f"lakelet-logs-test{secrets.token_hex(4)}"
    shipper = LogShipper(workspace, alias)
    append(run / "stdout.log", "one\ntwo\n")
    assert patiently(shipper.ship) == 3
    client.indices.delete(index=f"{alias}-*")
    append(run / "stdout.log", "three\n")
    with pytest.raises(TransportError):  # no index of that name is made up, with mappings guessed
        shipper.ship()
    assert patiently(shipper.ship) == 4
    client.indices.delete(index=f"{alias}-*")


def test_full_indexes_are_followed_and_old_ones_dropped(client: OpenSearch) -> None:
    alias = f"lakelet-logs-test{secrets.token_hex(4)}"
    try:
        assert patiently(lambda: prepare_logs(client, alias)) and not prepare_logs(client, alias)
        assert not roll_over(client, alias)
        for number in range(2):
            client.index(
                index=alias, id=str(number), body={"message": f"line {number}", "level": "warning"}, refresh=True
            )
            assert roll_over(client, alias, {"max_docs": 1})
        assert client.count(index=alias)["count"] == 2  # searched as one
        found = client.search(index=alias, body={"query": {"term": {"level": "WARN"}}})["hits"]["hits"]
        assert len(found) == 2 and all("ingested_at" in hit["_source"] for hit in found)
        assert drop_expired(client, 7, alias) == []
        later = datetime.now(UTC) + timedelta(days=8)
        assert drop_expired(client, 7, alias, later) == [f"{alias}-000001", f"{alias}-000002"]
        assert client.count(index=alias)["count"] == 0
    finally:
        client.indices.delete(index=f"{alias}-*")


def test_a_real_run_is_found_by_what_it_printed(stack: Stack, client: OpenSearch, tmp_path: Path) -> None:
    marker = f"marker{secrets.token_hex(8)}"
    (tmp_path / "script.py").write_text(f"import sys\nprint('{marker} out')\nsys.exit('{marker} err')\n")
    glue = boto3.client("glue")
    command = {"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": f"file://{tmp_path}/script.py"}
    glue.create_job(Name=marker, Role="lakelet", Command=command)
    run_id = glue.start_job_run(JobName=marker)["JobRunId"]
    page = eventually(lambda: (page := search_logs(client, marker, run_id=run_id, source="driver")).total == 2 and page)
    assert {(hit.stream, hit.job, hit.attempt) for hit in page.hits} == {("stdout", marker, 0), ("stderr", marker, 0)}
    states = eventually(
        lambda: (page := search_logs(client, run_id=run_id, source="control", newest_first=False)).total >= 4 and page
    )
    assert [hit.state for hit in states.hits] == ["WAITING", "STARTING", "RUNNING", "FAILED"]
    glue.delete_job(JobName=marker)
