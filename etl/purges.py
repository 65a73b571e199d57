"""Purges: deletions that a run has asked for and that nobody sees before the run's next write to the same place.

On AWS, ``purge_table`` followed by a write leaves readers without the table for a while, and for good if the write
fails. Here the deletion is part of the publish of that write, or of ``Job.commit`` (docs/adr/0004). When the write
fails, the deletion waits for the script to try again: forgetting it would leave the table with old and new rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from lakelet.data.objects import list_objects, s3_client
from lakelet.data.table_formats import delta_tables, iceberg_tables
from lakelet.data.zones import split_uri, uri
from lakelet.etl.publishing import Publication
from lakelet.workspace.errors import LakeletError, PublishError, UsageError
from lakelet.workspace.paths import Workspace

DEFAULT_RETENTION_HOURS = 168.0  # AWS: "the default is 168 hours, 7 days"


class Purges:
    """The open publishes of one run that so far only remove things, by location."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._open: dict[str, Publication] = {}
        self._failed: dict[str, Publication] = {}  # ended without effect; what they were to remove is still to go

    def purge(
        self,
        location: str,
        folders: Iterable[str],
        table: tuple[str, str] | None,
        retention_hours: float,
        kept_classes: Collection[str] = (),
    ) -> None:
        """Ask for what lies in ``folders`` (``s3://…``, below ``location``) to go, but for objects younger than the
        retention period, or of a storage class that is kept. Raises UsageError for a folder with Delta or Iceberg
        tables."""
        publication = self._open.get(location)
        if publication is None:
            publication = Publication.begin(self._workspace, location, table)
            if failed := self._failed.pop(location, None):
                publication.removed = set(failed.removed)
            self._open[location] = publication
        try:
            publication.removed |= set(_older_than(self._workspace, folders, retention_hours, kept_classes))
        except UsageError:
            self.give_up(self._open.pop(location))
            raise

    def take(self, location: str, table: tuple[str, str] | None) -> Publication:
        """The publish that a write to ``location`` belongs to: the one of an earlier purge, or a new one.

        A write that failed hands its purge on to the next. That one is refused with ConcurrentModificationException
        if anybody has changed the table since the purge, whose list of objects is then out of date: purge again.
        """
        publication = self._open.get(location)
        if publication is None:
            fresh = Publication.begin(self._workspace, location, table)
            if failed := self._failed.pop(location, None):
                fresh.removed = set(failed.removed)
                if fresh.table == failed.table:
                    fresh.sequence = failed.sequence
            return fresh
        if table is None or publication.table == table:
            return self._open.pop(location)
        # The purge was of the bare path, the write is to a table: the removals move to the table's own publish.
        named = Publication.begin(self._workspace, location, table)
        named.removed = publication.removed
        del self._open[location]
        publication.abort()
        return named

    def give_up(self, publication: Publication) -> None:
        """End the publish of a write that failed; what it was to remove is remembered for the next one."""
        with contextlib.suppress(LakeletError):  # the run's end drops it too
            publication.abort()
        if publication.removed:
            self._failed[publication.location] = publication

    def commit(self) -> None:
        """Carry out the purges that no write has followed.

        Raises PublishError, and purges nothing, when one was for a write that failed and was not tried again.
        """
        if self._failed:
            raise PublishError(
                f"The write to {', '.join(sorted(self._failed))} failed, so its purge was not carried out either: "
                "write again, or purge again to remove without writing."
            )
        while self._open:
            _, publication = self._open.popitem()
            try:
                publication.commit()
            except BaseException:
                self.give_up(publication)
                raise


def _older_than(
    workspace: Workspace, folders: Iterable[str], hours: float, kept_classes: Collection[str]
) -> Iterable[str]:
    client: Any = s3_client(workspace)
    limit = datetime.now(UTC) - timedelta(hours=hours)
    for folder in folders:
        bucket, prefix = split_uri(folder)
        skipped: set[str] = set()
        objects = list(list_objects(client, bucket, prefix, skipped))
        if tables := sorted(delta_tables(skipped)):
            raise UsageError(
                f"{uri(bucket, prefix + tables[0])} is a Delta table, which a purge breaks: empty it by spark.sql."
            )
        if tables := sorted(iceberg_tables(stored.key for stored in objects)):
            raise UsageError(
                f"{uri(bucket, tables[0])}/ is an Iceberg table, which a purge breaks: empty it by spark.sql."
            )
        for stored in objects:
            if stored.storage_class in kept_classes:
                continue
            # A whole second of grace: S3 rounds the time of the last change up to it.
            if not hours or client.head_object(Bucket=bucket, Key=stored.key)["LastModified"] <= limit:
                yield stored.key
