"""Deletion of orphan files: what lies at an Iceberg table's location, is old, and is no part of the table.

AWS Glue Developer Guide, "Orphan file deletion optimizer"; Apache Iceberg, "Maintenance" (delete orphan files).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakelet.catalog.optimizers.files import files_of
from lakelet.workspace.errors import LakeletError

if TYPE_CHECKING:
    from pyiceberg.table import Table

DAYS = 3  # that a file is kept unless another number is given


@dataclass(frozen=True)
class Listed:
    """One object: ``s3://…``, and when it was written (milliseconds since 1970)."""

    location: str
    modified_ms: int


def orphans(table: Table, listed: Iterable[Listed], before_ms: int) -> Iterator[str]:
    """The locations of what was written before ``before_ms`` and belongs to no snapshot, metadata file or statistics.

    ``listed`` has to be listed before ``table`` is read: what is written in between is then too young, or the table's.
    """
    metadata = table.metadata
    files = files_of(metadata.snapshots, table.io)
    known = {*files.lists, *files.manifests, *files.data, table.metadata_location}
    known.update(one.metadata_file for one in metadata.metadata_log)
    known.update(one.statistics_path for one in metadata.statistics)
    known.update(one.statistics_path for one in metadata.partition_statistics)
    bare = {_bare(one) for one in known}
    for one in listed:
        if one.modified_ms < before_ms and _bare(one.location) not in bare:
            yield one.location


def check_alone(location: str, others: Iterable[tuple[str, str]]) -> None:
    """Raises LakeletError when another table (its name and location) lies in the table's location, or around it."""
    mine = _bare(location).rstrip("/") + "/"
    for name, place in others:
        other = _bare(place).rstrip("/") + "/"
        if place and (other.startswith(mine) or mine.startswith(other)):
            raise LakeletError(
                f"Table {name} at {place} shares {location}: its files cannot be told from orphans. Move one of them."
            )


def _bare(location: str) -> str:
    """A location without its scheme: s3, s3a and s3n are the same place."""
    return location.partition("://")[2] or location
