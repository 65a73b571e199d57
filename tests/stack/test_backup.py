"""`lakelet backup` and `lakelet restore` over the real stack: what was there is there again, to the byte."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lakelet import backup
from lakelet.catalog.glue import Glue
from lakelet.data.objects import s3_client
from lakelet.search.client import open_client
from lakelet.stack import operate
from lakelet.stack.record import read_record
from lakelet.workspace.control import call
from lakelet.workspace.paths import Workspace
from tests.conftest import eventually, start

pytestmark = pytest.mark.stack
COMPONENTS = ("minio", "opensearch", "control")


def lakelet(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "lakelet", *words], capture_output=True, text=True, check=False)


def databases_of(file: Path) -> set[str]:
    """The catalog's databases for someone who has the state file alone, without its log."""
    with sqlite3.connect(f"file:{file}?immutable=1", uri=True) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM catalog_databases")}


def test_the_state_file_is_whole_once_the_control_process_has_ended(own_workspace: Workspace) -> None:
    """After ``down`` right behind the last write, and after SIGTERM of the control process alone."""
    workspace = own_workspace
    start(workspace, "minio", "control")
    Glue(workspace).call("CreateDatabase", DatabaseInput={"Name": "last_before_down"})
    operate.stop(workspace)
    assert "last_before_down" in databases_of(workspace.database)

    start(workspace, "minio", "control")
    record = read_record(workspace)
    assert record
    (control,) = (component.identity for component in record.components if component.name == "control")
    assert control
    os.kill(record.supervisor.pid, signal.SIGSTOP)  # so that nothing takes its place at once
    try:
        Glue(workspace).call("CreateDatabase", DatabaseInput={"Name": "last_before_sigterm"})
        os.kill(control.pid, signal.SIGTERM)
        eventually(lambda: "last_before_sigterm" in databases_of(workspace.database))
    finally:
        os.kill(record.supervisor.pid, signal.SIGCONT)
    eventually(lambda: Glue(workspace).call("GetDatabase", Name="last_before_sigterm"))


def test_there_and_back(own_workspace: Workspace, tmp_path: Path) -> None:
    workspace = own_workspace
    start(workspace, *COMPONENTS)
    s3, folder = s3_client(workspace), tmp_path / "backup"
    Glue(workspace).call("CreateDatabase", DatabaseInput={"Name": "kept"})
    body = os.urandom(3_000_000)
    s3.put_object(Bucket="gold", Key="a/b=1/é x", Body=body, ContentType="text/x", Metadata={"m": "1"}, Tagging="t=2")
    s3.create_bucket(Bucket="own-bucket")
    open_client(workspace).index(index="things", id="1", body={"n": 1}, params={"refresh": "true"})
    log = workspace.runs / "jr_kept" / "stdout.log"
    log.parent.mkdir(parents=True)
    log.write_text("printed before the backup\n")
    (log.parent / "work").mkdir()
    (log.parent / "work" / "scratch").touch()

    made = lakelet("backup", str(folder), "-o", "json")
    assert made.returncode == 0, made.stderr
    manifest = json.loads(made.stdout)
    assert manifest["objects"] >= 1 and manifest["indexes"]["things"] == 1
    assert not any(path.stat().st_mode & 0o077 for path in (folder / "secrets").iterdir())

    # After the backup: all of this is to be gone again.
    Glue(workspace).call("CreateDatabase", DatabaseInput={"Name": "late"})
    s3.delete_object(Bucket="gold", Key="a/b=1/é x")
    s3.put_object(Bucket="gold", Key="late", Body=b"")
    open_client(workspace).delete(index="things", id="1", params={"refresh": "true"})
    assert lakelet("restore", str(folder), "--replace").returncode == 2  # the stack runs
    operate.stop(workspace)
    assert lakelet("restore", str(folder)).returncode == 2  # something is there

    # Killed in the middle: the workspace does not start as a mixture, and the restore is finished by another.
    killed = subprocess.Popen([sys.executable, "-m", "lakelet", "restore", str(folder), "--replace"])
    eventually((workspace.state / "replaced" / "state.db").exists)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    record = read_record(workspace)
    eventually(lambda: record is None or not record.supervisor.alive())  # what the restore had started ends with it
    up = lakelet("up")
    assert up.returncode == 1 and "A restore into this workspace was interrupted" in up.stderr
    assert str(folder) in up.stderr and "--undo" in up.stderr

    done = lakelet("restore", str(folder), "--replace")
    assert done.returncode == 0, done.stderr
    rows = json.loads(lakelet("restore", "--replaced", "-o", "json").stdout)
    assert {row["part"] for row in rows} >= {"state.db", "minio", "opensearch", "secrets", "runs"}
    assert log.read_text() == "printed before the backup\n" and not (log.parent / "work").exists()
    start(workspace, *COMPONENTS)
    s3 = s3_client(workspace)
    answer = s3.get_object(Bucket="gold", Key="a/b=1/é x")
    assert (answer["Body"].read(), answer["ContentType"], answer["Metadata"]) == (body, "text/x", {"m": "1"})
    assert s3.get_object_tagging(Bucket="gold", Key="a/b=1/é x")["TagSet"] == [{"Key": "t", "Value": "2"}]
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="gold").get("Contents", ())] == ["a/b=1/é x"]
    assert "own-bucket" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert [one["Name"] for one in Glue(workspace).call("GetDatabases")["DatabaseList"]] == ["kept"]
    assert open_client(workspace).count(index="things")["count"] == 1

    # An older state.db beside newer objects is told.
    s3.put_object(Bucket="bronze", Key=".lakelet/generation", Body=b"9999999")
    ages = call(workspace, "GET", "state")
    assert ages["objects"] > ages["state"]
    assert "is older than the objects" in lakelet("doctor").stdout
    backup.verify(folder)

    # What the restore replaced comes back: the state of after the backup.
    operate.stop(workspace)
    undone = lakelet("restore", "--undo")
    assert undone.returncode == 0, undone.stderr
    start(workspace, "minio", "control")
    assert sorted(row["Name"] for row in Glue(workspace).call("GetDatabases")["DatabaseList"]) == ["kept", "late"]
    assert lakelet("restore", "--undo").returncode == 2  # the stack runs
