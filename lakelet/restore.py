"""Restore a backup into a stopped workspace: everything of it, or nothing.

The workspace's own parts are moved into ``replaced/`` first and deleted at the end. A restore that is interrupted
leaves ``restore.json``: the control process does not start until the restore has been run again and finished.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lakelet import backup
from lakelet.backup import BackupError, ObjectRecord
from lakelet.data.objects import s3_client
from lakelet.search.client import open_client, translated
from lakelet.stack import operate
from lakelet.workspace.errors import StackError, UsageError
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace

MARKER = "restore.json"
REPLACED = "replaced"
# What belongs to one moment. Logs, settings and installed parts stay.
PARTS = (
    "state.db", "state.db-wal", "state.db-shm", "minio", "opensearch", "secrets", "runs", "shipper.json",
    "spark/events",
)  # fmt: skip
COMPONENTS = ("minio", "opensearch")


def interrupted(workspace: Workspace) -> str | None:
    """The folder of the backup whose restore was interrupted, or None."""
    try:
        return str(json.loads((workspace.state / MARKER).read_text())["backup"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return "DIR"


def refuse_interrupted(workspace: Workspace) -> None:
    """Raise StackError in a workspace whose restore has not finished."""
    if (folder := interrupted(workspace)) is not None:
        raise StackError(f"A restore into this workspace was interrupted: run `lakelet restore {folder} --replace`.")


def restore(
    workspace: Workspace, folder: Path, *, replace: bool, progress: Callable[[str], None] = lambda step: None
) -> dict[str, Any]:
    """Make the workspace what it was when the backup in ``folder`` was made; returns the backup's manifest.

    Raises UsageError while the stack runs, or where something is there and ``replace`` is not asked for; BackupError
    for a damaged backup, or when what was restored is not what the backup lists.
    """
    if operate.running(workspace):
        raise UsageError("The stack is running: stop it with `lakelet down`, then restore.")
    if workspace.database.exists() and not replace:
        raise UsageError(f"{workspace.state} holds a state already: add --replace to give it up for the backup's.")
    progress("checking the backup")
    manifest = backup.verify(folder)
    write_atomic(workspace.state / MARKER, json.dumps({"backup": str(folder)}).encode())
    _set_aside(workspace)
    shutil.copytree(folder / backup.SECRETS, workspace.state / backup.SECRETS)
    place = backup.snapshots(workspace)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copytree(folder / backup.SEARCH, place)
    progress("starting the object store and OpenSearch")
    operate.start(workspace, COMPONENTS)
    try:
        progress(f"restoring {manifest['objects']} objects")
        _put_objects(workspace, folder, manifest)
        progress(f"restoring {len(manifest['indexes'])} indexes")
        _restore_indexes(workspace, manifest["indexes"])
    finally:
        operate.stop(workspace)
    shutil.rmtree(place, ignore_errors=True)
    shutil.copyfile(folder / backup.STATE, workspace.state / ".state.db.restored")
    (workspace.state / ".state.db.restored").chmod(0o600)
    (workspace.state / ".state.db.restored").rename(workspace.database)
    (workspace.state / MARKER).unlink()
    shutil.rmtree(workspace.state / REPLACED, ignore_errors=True)
    return manifest


def _set_aside(workspace: Workspace) -> None:
    """Move what the restore replaces away; after an interrupted restore, what that one had brought is deleted."""
    aside = workspace.state / REPLACED
    again = aside.exists()
    for part in PARTS:
        path = workspace.state / part
        if not path.exists():
            continue
        if again:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        else:
            (aside / part).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.rename(aside / part)
    aside.mkdir(exist_ok=True, mode=0o700)


def _put_objects(workspace: Workspace, folder: Path, manifest: dict[str, Any]) -> None:
    s3 = s3_client(workspace)
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in manifest["buckets"]:
        if bucket["name"] not in there:
            s3.create_bucket(Bucket=bucket["name"])
        if bucket["versioned"]:
            s3.put_bucket_versioning(Bucket=bucket["name"], VersioningConfiguration={"Status": "Enabled"})

    def put(record: ObjectRecord) -> None:
        arguments: dict[str, Any] = {"Metadata": record.metadata, **record.headers}
        s3.upload_file(str(backup.content_path(folder, record.sha256)), record.bucket, record.key, ExtraArgs=arguments)
        if record.tags:
            s3.put_object_tagging(Bucket=record.bucket, Key=record.key, Tagging={"TagSet": record.tags})

    records = backup.read_records(folder)
    with ThreadPoolExecutor(backup.THREADS, "restore") as pool:
        list(pool.map(put, records))
    expected = {(one.bucket, one.key): one.size for one in records}
    listed = {
        (bucket["name"], one["Key"]): one["Size"]
        for bucket in manifest["buckets"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["name"])
        for one in page.get("Contents", ())
    }
    if different := sorted(place for place in expected if listed.get(place) != expected[place]):
        raise BackupError(f"{len(different)} objects were not restored, s3://{'/'.join(different[0])} among them.")


def _restore_indexes(workspace: Workspace, expected: dict[str, int]) -> None:
    client = open_client(workspace, timeout=600)
    with translated():
        settings = {"location": str(backup.snapshots(workspace)), "readonly": True}
        client.snapshot.create_repository(repository=backup.REPOSITORY, body={"type": "fs", "settings": settings})
        client.snapshot.restore(
            repository=backup.REPOSITORY,
            snapshot=backup.SNAPSHOT,
            body={"indices": ",".join(expected), "include_global_state": True},
            params={"wait_for_completion": "true"},
        )
        client.snapshot.delete_repository(repository=backup.REPOSITORY)
        restored = {name: int(client.count(index=name)["count"]) for name in expected}
    if different := sorted(name for name in expected if restored[name] != expected[name]):
        name = different[0]
        raise BackupError(f"Index {name} has {restored[name]} documents, where the backup has {expected[name]}.")
