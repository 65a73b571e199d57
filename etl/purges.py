"""Purges: deletions that a run has asked for and that nobody sees before the run's next write to the same place.

On AWS, ``purge_table`` followed by a write leaves readers without the table for a while, and for good if the write
fails. Here the deletion is part of the publish of that write, or of ``Job.commit`` (docs/adr/0004).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from data.objects import list_objects, s3_client
from data.zones import split_uri
from etl.publishing import Publication
from workspace.paths import Workspace

DEFAULT_RETENTION_HOURS = 168.0  # AWS: "the default is 168 hours, 7 days"


class Purges:
    """The open publishes of one run that so far only remove things, by location."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._open: dict[str, Publication] = {}

    def purge(
        self, location: str, folders: Iterable[str], table: tuple[str, str] | None, retention_hours: float
    ) -> None:
        """Ask for what lies in ``folders`` (``s3://…``, below ``location``) to go, but for objects younger than the
        retention period."""
        publication = self._open.get(location)
        if publication is None:
            publication = Publication.begin(self._workspace, location, table)
            self._open[location] = publication
        publication.removed |= set(_older_than(self._workspace, folders, retention_hours))

    def take(self, location: str, table: tuple[str, str] | None) -> Publication:
        """The publish that a write to ``location`` belongs to: the one of an earlier purge, or a new one."""
        publication = self._open.pop(location, None)
        if publication is None:
            return Publication.begin(self._workspace, location, table)
        if table is None or publication.table == table:
            return publication
        # The purge was of the bare path, the write is to a table: the removals move to the table's own publish.
        named = Publication.begin(self._workspace, location, table)
        named.removed = publication.removed
        publication.abort()
        return named

    def commit(self) -> None:
        """Carry out the purges that no write has followed."""
        while self._open:
            self._open.popitem()[1].commit()


def _older_than(workspace: Workspace, folders: Iterable[str], hours: float) -> Iterable[str]:
    client: Any = s3_client(workspace)
    limit = datetime.now(UTC) - timedelta(hours=hours)
    for folder in folders:
        bucket, prefix = split_uri(folder)
        for stored in list_objects(client, bucket, prefix):
            # A whole second of grace: S3 rounds the time of the last change up to it.
            if not hours or client.head_object(Bucket=bucket, Key=stored.key)["LastModified"] <= limit:
                yield stored.key
