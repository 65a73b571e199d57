"""Restore a backup into a stopped workspace: everything of it, or nothing.

The workspace's own parts are moved into ``replaced/`` first, and stay there until the next restore or
``lakelet gc --all``: :func:`undo` puts them back. A restore that fails is undone at once. One that was killed leaves
``restore.json``, which says how far it came: the stack does not start until it has been run again, or undone.
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
from lakelet.workspace.process import Identity

MARKER = "restore.json"
REPLACED = "replaced"
# What belongs to one moment. Logs, settings and installed parts stay.
PARTS = (
    "state.db", "state.db-wal", "state.db-shm", "minio", "opensearch", "secrets", "runs", "shipper.json",
    "spark/events",
)  # fmt: skip
COMPONENTS = ("minio", "opensearch")
# How far an interrupted restore came: parts that lie in their places are the old ones while these are MOVING, those of
# the backup once it is BRINGING them.
MOVING, BRINGING = "moving", "bringing"


def interrupted(workspace: Workspace) -> str | None:
    """The folder of the backup whose restore was interrupted, or None."""
    marker = _marker(workspace)
    return None if marker is None else marker["backup"]


def refuse_interrupted(workspace: Workspace) -> None:
    """Raise StackError in a workspace whose restore has not finished."""
    if (folder := interrupted(workspace)) is not None:
        raise StackError(
            f"A restore into this workspace was interrupted: run `lakelet restore {folder} --replace` to finish it, or "
            "`lakelet restore --undo` to have the former state back."
        )


def replaced(workspace: Workspace) -> list[dict[str, Any]]:
    """What the last restore replaced: ``[{"part", "bytes"}…]``; empty when there is nothing to bring back."""
    aside = workspace.state / REPLACED
    parts = [(part, aside / part) for part in PARTS if (aside / part).exists()]
    return [{"part": part, "bytes": sum(f.stat().st_size for f in _files(path))} for part, path in parts]


def _files(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


def restore(
    workspace: Workspace, folder: Path, *, replace: bool, progress: Callable[[str], None] = lambda step: None
) -> dict[str, Any]:
    """Make the workspace what it was when the backup in ``folder`` was made; returns the backup's manifest.

    Everything is checked before anything is moved; if a later step fails, the former state is put back. Raises
    UsageError while the stack runs, or where something is there and ``replace`` is not asked for; BackupError for a
    damaged backup, or when what was restored is not what the backup lists.
    """
    _refuse_running(workspace, "restore")
    if workspace.database.exists() and not replace:
        raise UsageError(f"{workspace.state} holds a state already: add --replace to give it up for the backup's.")
    progress("checking the backup")
    manifest = backup.verify(folder)
    forget_replaced(workspace)
    try:
        _set_aside(workspace, folder)
        _bring(workspace, folder, manifest, progress)
    except BaseException:
        if interrupted(workspace) is not None:
            progress("putting the former state back")
            operate.stop(workspace)
            undo(workspace)
        raise
    (workspace.state / MARKER).unlink()
    return manifest


def undo(workspace: Workspace) -> None:
    """Put back what a restore replaced, whether it was interrupted or has finished; what it brought is deleted.

    Raises UsageError while the stack runs, and when nothing was replaced.
    """
    _refuse_running(workspace, "undo the restore")
    aside, phase = workspace.state / REPLACED, _phase(workspace)
    if phase is None and not aside.exists():
        raise UsageError("Nothing to undo: no restore has replaced anything in this workspace.")
    folder = interrupted(workspace) or "DIR"
    if phase != MOVING and aside.exists():
        _mark(workspace, folder, BRINGING)
        for part in PARTS:
            _delete(workspace.state / part)
        _mark(workspace, folder, MOVING)
    for part in PARTS:
        if (aside / part).exists():
            (workspace.state / part).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            (aside / part).rename(workspace.state / part)
    shutil.rmtree(aside, ignore_errors=True)
    (workspace.state / MARKER).unlink()


def forget_replaced(workspace: Workspace) -> int:
    """Delete what the last finished restore replaced; returns the bytes freed."""
    aside = workspace.state / REPLACED
    if _phase(workspace) is not None or not aside.exists():
        return 0
    freed = sum(int(part["bytes"]) for part in replaced(workspace))
    condemned = aside.with_name(".replaced-deleted")  # by one rename: half of a former state is never brought back
    shutil.rmtree(condemned, ignore_errors=True)
    aside.rename(condemned)
    shutil.rmtree(condemned)
    return freed


def _refuse_running(workspace: Workspace, action: str) -> None:
    if operate.running(workspace):
        raise UsageError(f"The stack is running: stop it with `lakelet down`, then {action}.")
    operate.stop(workspace)  # what an interrupted restore may have left


def _mark(workspace: Workspace, folder: Path | str, phase: str) -> None:
    write_atomic(workspace.state / MARKER, json.dumps({"backup": str(folder), "phase": phase}).encode())


def _marker(workspace: Workspace) -> dict[str, str] | None:
    """What an interrupted restore left: its ``backup`` and its ``phase``; None without one.

    What a damaged record does not say is the unknown folder ``DIR`` and the later phase.
    """
    unknown = {"backup": "DIR", "phase": BRINGING}
    try:
        return unknown | {
            name: str(value) for name, value in json.loads((workspace.state / MARKER).read_text()).items()
        }
    except FileNotFoundError:
        return None
    except (ValueError, AttributeError):
        return unknown


def _phase(workspace: Workspace) -> str | None:
    """How far an interrupted restore came; None without one."""
    marker = _marker(workspace)
    return None if marker is None else marker["phase"]


def _set_aside(workspace: Workspace, folder: Path) -> None:
    """Move what the restore replaces away; what an interrupted one had brought is deleted."""
    aside, phase = workspace.state / REPLACED, _phase(workspace)
    _mark(workspace, folder, phase or MOVING)
    aside.mkdir(exist_ok=True, mode=0o700)
    for part in PARTS:
        path = workspace.state / part
        if phase == BRINGING:
            _delete(path)
        elif path.exists():
            (aside / part).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.rename(aside / part)
    _mark(workspace, folder, BRINGING)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _bring(workspace: Workspace, folder: Path, manifest: dict[str, Any], progress: Callable[[str], None]) -> None:
    """Bring every part of the backup into its place."""
    for part in (backup.SECRETS, backup.RUNS):
        shutil.copytree(folder / part, workspace.state / part)
    place = backup.snapshots(workspace)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copytree(folder / backup.SEARCH, place)
    progress("starting the object store and OpenSearch")
    operate.start(workspace, COMPONENTS, lease=Identity.mine())
    progress(f"restoring {manifest['objects']} objects")
    _put_objects(workspace, folder, manifest)
    progress(f"restoring {len(manifest['indexes'])} indexes")
    _restore_indexes(workspace, manifest["indexes"])
    operate.stop(workspace)
    shutil.rmtree(place, ignore_errors=True)
    draft = workspace.state / ".state.db.restored"
    shutil.copyfile(folder / backup.STATE, draft)
    draft.chmod(0o600)
    draft.rename(workspace.database)


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
