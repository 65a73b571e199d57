"""Retention: old snapshots of an Iceberg table expire, and with them, when it is wanted, the files that only they had.

AWS Glue Developer Guide, "Snapshot retention optimizer"; Apache Iceberg, "Maintenance" (expire snapshots).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lakelet.catalog.optimizers.files import Files, files_of
from lakelet.catalog.optimizers.model import DAY_MS

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadata

_AGE, _AGE_DAYS = "history.expire.max-snapshot-age-ms", 5
_KEEP, _KEEP_DEFAULT = "history.expire.min-snapshots-to-keep", 1


def expire(table: Table, options: Mapping[str, Any], now_ms: int) -> dict[str, int]:
    """Expire what the options (IcebergRetentionConfiguration) do not keep; ``now_ms`` is in milliseconds since 1970.

    Returns how many files of each kind were deleted: none unless ``cleanExpiredFiles`` says so.
    """
    gone = expired(table.metadata, options, now_ms)
    old = [one for one in table.metadata.snapshots if one.snapshot_id in gone]
    files = files_of(old, table.io, live=False) if options.get("cleanExpiredFiles") else Files()
    if gone:
        table.maintenance.expire_snapshots().by_ids(sorted(gone)).commit()
        table.refresh()
    if old and options.get("cleanExpiredFiles"):
        files = files.without(files_of(table.metadata.snapshots, table.io))
        for location in files:
            with suppress(FileNotFoundError):
                table.io.delete(location)
    return {
        "NumberOfDataFilesDeleted": len(files.data),
        "NumberOfManifestFilesDeleted": len(files.manifests),
        "NumberOfManifestListsDeleted": len(files.lists),
    }


def expired(metadata: TableMetadata, options: Mapping[str, Any], now_ms: int) -> set[int]:
    """The ids of the snapshots that are not kept.

    Kept are the heads of branches and tags, of every branch the newest ones and those that are young enough, and
    whatever else is young enough. A branch's own limits come before the options, these before properties.
    """
    properties = metadata.properties
    days = options.get("snapshotRetentionPeriodInDays")
    age = days * DAY_MS if days is not None else int(properties.get(_AGE) or _AGE_DAYS * DAY_MS)
    keep = int(options.get("numberOfSnapshotsToRetain") or properties.get(_KEEP) or _KEEP_DEFAULT)
    by_id = {one.snapshot_id: one for one in metadata.snapshots}
    kept = {ref.snapshot_id for ref in metadata.refs.values()}
    on_branches: set[int] = set()
    for ref in metadata.refs.values():
        if ref.snapshot_ref_type != "branch":
            continue
        fewest, oldest = ref.min_snapshots_to_keep or keep, now_ms - (ref.max_snapshot_age_ms or age)
        for number, snapshot_id in enumerate(_ancestry(metadata, ref.snapshot_id)):
            on_branches.add(snapshot_id)
            if number < fewest or by_id[snapshot_id].timestamp_ms >= oldest:
                kept.add(snapshot_id)
    young = {one for one, it in by_id.items() if one not in on_branches and it.timestamp_ms >= now_ms - age}
    return by_id.keys() - kept - young


def _ancestry(metadata: TableMetadata, snapshot_id: int | None) -> Iterator[int]:
    """The snapshots from that one back, the newest first, as far as they are there."""
    by_id = {one.snapshot_id: one for one in metadata.snapshots}
    while snapshot_id is not None and snapshot_id in by_id:
        yield snapshot_id
        snapshot_id = by_id[snapshot_id].parent_snapshot_id
