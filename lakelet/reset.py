"""``POST /_lakelet/reset``: everything gone, at once; only in a stack that was started with ``--ephemeral``.

The control process's state is wiped in one transaction, then the objects; the answer comes when both are gone.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import Any

import botocore.exceptions
import sqlalchemy as sa

from lakelet.data.objects import s3_client
from lakelet.data.zones import ZONES
from lakelet.etl.dqdl.history import FOLDER
from lakelet.stack.leftovers import end_runs
from lakelet.workspace.errors import ServiceUnavailableException, UsageError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import metadata, writing

BUCKETS_AT_ONCE = 8


class Reset:
    """Empties one workspace; ``iam_changed`` is called when no user has a key any more."""

    def __init__(self, workspace: Workspace, engine: sa.Engine, iam_changed: Callable[[], None] = lambda: None) -> None:
        self._workspace = workspace
        self._engine = engine
        self._iam_changed = iam_changed
        self._lock = threading.Lock()

    def __call__(self) -> dict[str, Any]:
        """Wipe it; returns how many ``objects`` went.

        Raises UsageError outside of an ephemeral stack, ServiceUnavailableException while the object store is down.
        """
        if not self._workspace.ephemeral:
            raise UsageError("Only a stack that was started with `lakelet up --ephemeral` can be reset.")
        with self._lock:
            end_runs(self._workspace)
            wipe_state(self._engine)
            self._iam_changed()
            shutil.rmtree(self._workspace.runs, ignore_errors=True)
            shutil.rmtree(self._workspace.state / FOLDER, ignore_errors=True)
            try:
                return {"objects": self._wipe_objects()}
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
                raise ServiceUnavailableException(f"The object store does not empty: {error}") from error

    def _wipe_objects(self) -> int:
        names = [bucket["Name"] for bucket in self._s3.list_buckets()["Buckets"]]
        with ThreadPoolExecutor(BUCKETS_AT_ONCE) as pool:
            return sum(pool.map(self._wipe_bucket, names))

    def _wipe_bucket(self, name: str) -> int:
        """Delete a bucket's objects in every version, and the bucket too unless it is one of the lake's zones."""
        gone = 0
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=name):
            found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
            if keys:
                self._s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
            gone += len(keys)
        with suppress(self._s3.exceptions.NoSuchBucket):
            if name not in ZONES:
                self._s3.delete_bucket(Bucket=name)
        return gone

    @cached_property
    def _s3(self) -> Any:
        return s3_client(self._workspace)


def wipe_state(engine: sa.Engine) -> None:
    """Delete every row of every room's tables, as one transaction."""
    with writing(engine) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
