"""The state file kept whole and datable: its log goes into it at quiet moments, and the object store knows its age.

A *generation* is a number in the state file and in one small object, advanced together. An object store whose number is
higher than the state's has seen a later state: somebody put an old ``state.db`` back without the objects of its time.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import botocore.exceptions
from sqlalchemy import Engine

from lakelet.data.objects import s3_client
from lakelet.data.zones import PRIVATE_PREFIX, ZONES
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import POSTGRESQL, advance_generation, checkpoint, generation

log = logging.getLogger(__name__)

QUIET_SECONDS = 20.0
GENERATION_KEY = f"{PRIVATE_PREFIX}generation"


class Checkpoints:
    """Checkpoints an SQLite state when nothing was written for ``QUIET_SECONDS``; does nothing on PostgreSQL."""

    def __init__(self, workspace: Workspace, engine: Engine) -> None:
        self._workspace = workspace
        self._engine = engine
        self._log = Path(f"{workspace.database}-wal")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="checkpoints", daemon=True)

    def start(self) -> None:
        """Begin to watch the log."""
        if self._engine.dialect.name != POSTGRESQL:
            self._thread.start()

    def stop(self) -> None:
        """End the thread. The last checkpoint is made where the database is closed."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def ages(self) -> dict[str, int | None]:
        """``{"state": n, "objects": m}``: the generations of both; None where there is none."""
        if self._engine.dialect.name == POSTGRESQL:
            return {"state": None, "objects": None}
        return {"state": generation(self._engine), "objects": self._generation_of_objects()}

    def mark(self) -> None:
        """Advance both generations and checkpoint; an object store that is ahead, or away, is left as it is."""
        try:
            of_objects = self._generation_of_objects() or 0
            if of_objects > generation(self._engine):
                log.warning("The state database is older than the objects: `lakelet doctor` says what to do.")
            else:
                body = str(advance_generation(self._engine)).encode()
                self._s3.put_object(Bucket=ZONES[0], Key=GENERATION_KEY, Body=body)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            log.info("The object store could not be marked with the state's generation: %s", error)
        checkpoint(self._engine)

    def _loop(self) -> None:
        before = self._size()
        while not self._stopped.wait(QUIET_SECONDS):
            now = self._size()
            if now and now == before:
                try:
                    self.mark()
                except Exception:  # the thread must outlive a disk that was full for a while
                    log.exception("The state could not be checkpointed; trying again")
            before = self._size()

    def _size(self) -> int:
        with suppress(FileNotFoundError):
            return self._log.stat().st_size
        return 0

    def _generation_of_objects(self) -> int | None:
        try:
            answer = self._s3.get_object(Bucket=ZONES[0], Key=GENERATION_KEY)
            return int(answer["Body"].read(20))
        except (self._s3.exceptions.NoSuchKey, self._s3.exceptions.NoSuchBucket, ValueError):
            return None

    @property
    def _s3(self) -> Any:
        return s3_client(self._workspace)
