"""Back up a workspace: its state, its objects and its indexes, as of one moment.

    DIR/manifest.json     what there is, with counts and hashes; written last, so a folder without it is no backup
    DIR/state.db          the state database
    DIR/objects.jsonl     one line per object: where it lies, its metadata and the hash of its content
    DIR/objects/ab/ab12…  the contents, by their SHA-256
    DIR/search/           OpenSearch's snapshot
    DIR/secrets/          the workspace's keys: whoever can read the folder can sign as its owner
    DIR/runs/             the logs and records of the runs, without their working folders

The command copies objects while work goes on; the control process then makes the cut (:func:`cut`): with the state's
write lock held, so that nothing is committed meanwhile, it copies the objects that have changed, the state and the
indexes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine

from lakelet.catalog.publish_records import COMMITTED, publishes
from lakelet.data.objects import s3_client
from lakelet.search.client import open_client, translated
from lakelet.workspace.errors import ConflictException, LakeletError, UsageError
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import copy_state, generation, writing

FORMAT = 2
MANIFEST, OBJECTS, CONTENTS, STATE, SEARCH, SECRETS, RUNS = (
    "manifest.json", "objects.jsonl", "objects", "state.db", "search", "secrets", "runs",
)  # fmt: skip
REPOSITORY = "lakelet-backup"  # OpenSearch's name of the place that snapshots go to
SNAPSHOT = "backup"
THREADS = 8
PIECE = 1 << 20
FEW = 200  # objects that may be left to the cut
ROUNDS = 5
SETTLE_SECONDS = 120.0
WORKING_FOLDER = "work"  # of a run: what its script writes beside itself
# What a manifest has, for whoever reads it.
MEMBERS = {
    "objects": int, "objects_sha256": str, "state_sha256": str, "buckets": list, "indexes": dict, "files": dict,
}  # fmt: skip
HEADERS = ("ContentType", "ContentEncoding", "ContentDisposition", "ContentLanguage", "CacheControl")


class BackupError(LakeletError):
    """A backup could not be made, read or restored."""


@dataclass(frozen=True)
class ObjectRecord:
    """One object of a backup; ``sha256`` names its content, ``headers`` are boto3's arguments of PutObject."""

    bucket: str
    key: str
    size: int
    etag: str
    modified: float
    sha256: str
    headers: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)

    @property
    def place(self) -> tuple[str, str]:
        """Bucket and key."""
        return self.bucket, self.key


class ObjectCopy:
    """The copies of all current objects in a backup's folder; versions that are not current are not copied."""

    def __init__(self, s3: Any, folder: Path) -> None:
        self._s3 = s3
        self._folder = folder
        self.records: dict[tuple[str, str], ObjectRecord] = {one.place: one for one in read_records(folder)}

    def refresh(self, copied: Callable[[int], None] = lambda size: None) -> int:
        """Make the copies as the objects are now; returns how many were copied. ``copied`` gets the bytes of each."""
        there = {(bucket, one["Key"]): one for bucket in self._buckets() for one in self._objects(bucket)}
        for gone in self.records.keys() - there.keys():
            del self.records[gone]
        changed = [(place, one) for place, one in there.items() if not self._is_known(place, one)]
        with ThreadPoolExecutor(THREADS, "backup") as pool:
            for place, record in pool.map(lambda item: (item[0], self._copy(*item[0])), changed):
                if record is None:  # deleted meanwhile
                    self.records.pop(place, None)
                else:
                    self.records[place] = record
                    copied(record.size)
        lines = (json.dumps(asdict(one)) for _, one in sorted(self.records.items()))
        write_atomic(self._folder / OBJECTS, "".join(f"{line}\n" for line in lines).encode())
        return len(changed)

    def drop_unused(self) -> None:
        """Delete the contents that no object has any more."""
        used = {one.sha256 for one in self.records.values()}
        for path in (self._folder / CONTENTS).rglob("*"):
            if path.is_file() and path.name not in used:
                path.unlink()

    def buckets(self) -> list[dict[str, Any]]:
        """Every bucket with whether it keeps versions."""
        state = {name: self._s3.get_bucket_versioning(Bucket=name).get("Status") for name in self._buckets()}
        return [{"name": name, "versioned": status == "Enabled"} for name, status in state.items()]

    def _buckets(self) -> list[str]:
        return [bucket["Name"] for bucket in self._s3.list_buckets()["Buckets"]]

    def _objects(self, bucket: str) -> Iterator[dict[str, Any]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            yield from page.get("Contents", ())

    def _is_known(self, place: tuple[str, str], listed: dict[str, Any]) -> bool:
        known = self.records.get(place)
        return known is not None and (known.etag, known.modified) == (listed["ETag"], _seconds(listed["LastModified"]))

    def _copy(self, bucket: str, key: str) -> ObjectRecord | None:
        try:
            answer = self._s3.get_object(Bucket=bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        draft = self._folder / CONTENTS / f".{os.getpid()}.{threading.get_ident()}"
        draft.parent.mkdir(mode=0o700, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with open(draft, "wb") as file:
            for piece in answer["Body"].iter_chunks(PIECE):
                digest.update(piece)
                size += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        name = digest.hexdigest()
        target = content_path(self._folder, name)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        os.replace(draft, target)
        tags = self._s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"] if answer.get("TagCount") else []
        headers = {header: answer[header] for header in HEADERS if answer.get(header)}
        modified = _seconds(answer["LastModified"])
        return ObjectRecord(bucket, key, size, answer["ETag"], modified, name, headers, answer["Metadata"], tags)


def _seconds(moment: Any) -> float:
    return float(int(moment.timestamp()))  # GetObject says whole seconds, listings say more


def content_path(folder: Path, sha256: str) -> Path:
    """Where the content of that hash lies in a backup."""
    return folder / CONTENTS / sha256[:2] / sha256


def read_records(folder: Path) -> list[ObjectRecord]:
    """The objects of a backup, finished or not; none where there is no list yet."""
    try:
        lines = (folder / OBJECTS).read_text().splitlines()
    except FileNotFoundError:
        return []
    return [ObjectRecord(**json.loads(line)) for line in lines]


def prepare(workspace: Workspace, folder: Path) -> None:
    """Make the folder of a new backup, for its owner only. Raises UsageError where a backup cannot be made."""
    for setting, advice in (
        ("database_url", "back PostgreSQL up with pg_dump"),
        ("s3_endpoint", "back the external object store up with its own means"),
        ("opensearch_endpoint", "back the external OpenSearch up with a snapshot of its own"),
    ):
        if workspace.settings.text(setting):
            raise UsageError(f"`lakelet backup` copies this stack's own parts, and {setting} is set: {advice}.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty: name a new folder for the backup.")
        folder.chmod(0o700)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot hold a backup ({error.strerror}): name a new folder where you may write."
        ) from None


def copy_ahead(workspace: Workspace, folder: Path, copied: Callable[[int], None]) -> int:
    """Copy the objects until few change between two rounds; returns how many there are."""
    copy = ObjectCopy(s3_client(workspace), folder)
    for _ in range(ROUNDS):
        if copy.refresh(copied) <= FEW:
            break
    return len(copy.records)


def cut(workspace: Workspace, engine: Engine, folder: Path) -> dict[str, Any]:
    """In the control process: finish the backup in ``folder`` as of one moment; returns its manifest.

    Nothing is committed while this holds the state's write lock. What was committed before has been applied by then, or
    ConflictException is raised.
    """
    copy = ObjectCopy(s3_client(workspace), folder)
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        with writing(engine) as connection:
            pending = connection.execute(sa.select(publishes.c.id).where(publishes.c.state == COMMITTED)).all()
            if not pending:
                copy.refresh()
                copy_state(engine, folder / STATE)
                indexes = _snapshot(workspace, folder)
                break
        if time.monotonic() > deadline:
            raise ConflictException("A write is committed and not yet applied (`lakelet catalog publishes`): retry.")
        time.sleep(0.2)
    copy.drop_unused()
    shutil.copytree(workspace.state / SECRETS, folder / SECRETS, dirs_exist_ok=True)
    _copy_runs(workspace.runs, folder / RUNS)
    manifest = {
        "format": FORMAT,
        "made_at": time.time(),
        "objects": len(copy.records),
        "bytes": sum(one.size for one in copy.records.values()),
        "objects_sha256": _hash(folder / OBJECTS),
        "state_sha256": _hash(folder / STATE),
        "generation": generation(engine),
        "buckets": copy.buckets(),
        "indexes": indexes,
        "files": {str(path.relative_to(folder)): _hash(path) for path in _files(folder)},
    }
    write_atomic(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
    return manifest


def _copy_runs(runs: Path, target: Path) -> None:
    """Copy what runs have written of themselves; live ones go on writing, and old ones may be deleted meanwhile."""
    target.mkdir(mode=0o700, exist_ok=True)
    for folder, inside, names in os.walk(runs):
        place = target / Path(folder).relative_to(runs)
        place.mkdir(mode=0o700, exist_ok=True)
        if WORKING_FOLDER in inside and Path(folder).parent == runs:
            inside.remove(WORKING_FOLDER)
        for path in (Path(folder, name) for name in names):
            with suppress(FileNotFoundError):
                if stat.S_ISREG(path.lstat().st_mode):  # no socket of a driver that waits
                    shutil.copy2(path, place / path.name)


def _files(folder: Path) -> Iterator[Path]:
    """The files of a backup that no other list has."""
    for part in (SEARCH, SECRETS, RUNS):
        yield from sorted(path for path in (folder / part).rglob("*") if path.is_file())


def _snapshot(workspace: Workspace, folder: Path) -> dict[str, int]:
    """Snapshot every index into the backup; returns the number of documents of each."""
    place = snapshots(workspace)
    shutil.rmtree(place, ignore_errors=True)
    client = open_client(workspace, timeout=600)
    with translated():
        client.snapshot.create_repository(
            repository=REPOSITORY, body={"type": "fs", "settings": {"location": str(place)}}
        )
        try:
            answer = client.snapshot.create(
                repository=REPOSITORY,
                snapshot=SNAPSHOT,
                body={"indices": "*", "include_global_state": True},
                params={"wait_for_completion": "true"},
            )["snapshot"]
            if answer["state"] != "SUCCESS":
                raise BackupError(f"OpenSearch's snapshot ended as {answer['state']}: see `lakelet logs opensearch`.")
            shutil.copytree(place, folder / SEARCH)
            counts = {name: int(client.count(index=name)["count"]) for name in sorted(answer["indices"])}
        finally:
            client.snapshot.delete_repository(repository=REPOSITORY)
            shutil.rmtree(place, ignore_errors=True)
    return counts


def snapshots(workspace: Workspace) -> Path:
    """The folder that our OpenSearch may write snapshots to (its setting ``path.repo``)."""
    return workspace.state / "opensearch" / "snapshots"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished backup. Raises UsageError when there is none, or it is another version's."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        version = manifest["format"]
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{folder} holds no finished backup: it has no {MANIFEST}.") from None
    except (ValueError, KeyError, TypeError):
        raise BackupError(f"{folder / MANIFEST} is damaged: use another backup.") from None
    if version != FORMAT:
        raise UsageError(f"{folder} was made by another version of Lakelet (format {version}): use that version.")
    if missing := sorted(name for name, kind in MEMBERS.items() if not isinstance(manifest.get(name), kind)):
        raise BackupError(f"{folder / MANIFEST} is damaged (it has no {', '.join(missing)}): use another backup.")
    return dict(manifest)


def verify(folder: Path) -> dict[str, Any]:
    """Check every count and hash of a backup; returns its manifest. Raises BackupError for what is damaged."""
    manifest = read_manifest(folder)
    for name, digest in {STATE: manifest["state_sha256"], OBJECTS: manifest["objects_sha256"]}.items():
        _verify_file(folder / name, digest)
    for digest in {record.sha256 for record in read_records(folder)}:
        _verify_file(content_path(folder, digest), digest)
    for name, digest in manifest["files"].items():
        _verify_file(folder / name, digest)
    if added := sorted(str(path) for path in _files(folder) if str(path.relative_to(folder)) not in manifest["files"]):
        raise BackupError(f"{added[0]} is not of this backup: use another one.")
    return manifest


def _verify_file(path: Path, sha256: str) -> None:
    if not path.is_file() or _hash(path) != sha256:
        raise BackupError(f"{path} is missing or damaged: use another backup.")


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
