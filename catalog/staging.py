"""Staging: what a publish put aside in the store, and its end.

It is needed until the publish is applied, and dropped then, or when the publish is aborted or given up. What cannot be
dropped at once (the store is down, a writer is not dead yet) is remembered in the publish's record and dropped later.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.publish_records import ABORTED, APPLIED, GIVEN_UP, Publish, publishes, recorded
from lakelet.data.publish import drop_staging
from lakelet.workspace.errors import LakeletError, ServiceUnavailableException
from lakelet.workspace.state import writing

log = logging.getLogger(__name__)

LATE_SECONDS = 60.0  # how long after an abort something may still be written to its staging


class Staging:
    """What the publishes of one state database have staged; safe to call from many threads."""

    def __init__(self, engine: sa.Engine, s3: Any) -> None:
        self._engine = engine
        self._s3 = s3

    def drop(self, publish: Publish) -> bool:
        """Drop what an ended publish staged; returns whether the store could be asked to."""
        try:
            drop_staging(self._s3, publish.bucket, publish.staging)
        except ServiceUnavailableException as error:
            log.warning("The staging of %s is dropped later: %s", publish.id, error)
            return False
        except LakeletError as error:  # the bucket is gone, say: nothing is left to drop
            log.warning("The staging of %s cannot be dropped: %s", publish.id, error)
        # The executors of a driver that was killed may outlive it, and an upload ends after the first look.
        nobody_writes = sa.or_(publishes.c.state != ABORTED, publishes.c.ended_at < time.time() - LATE_SECONDS)
        with writing(self._engine) as connection:
            dropped = publishes.update().where(publishes.c.id == publish.id, nobody_writes).values(staged=False)
            connection.execute(dropped)
        return True

    def drop_leftovers(self) -> bool:
        """Drop what is left of every ended publish; returns whether the store could be asked for all of it."""
        left = recorded(self._engine, publishes.c.state.in_([APPLIED, ABORTED, GIVEN_UP]), publishes.c.staged)
        dropped = [self.drop(publish) for publish in left]
        return all(dropped)
