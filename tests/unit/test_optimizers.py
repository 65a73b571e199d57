"""Table optimizers on real Iceberg tables in files: what is rewritten, what expires, and what is nobody's."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.memory import InMemoryCatalog
from pyiceberg.expressions import EqualTo
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType

from lakelet.catalog.optimizers.compaction import compact
from lakelet.catalog.optimizers.model import COMPACTION, DAY_MS, ORPHANS, RETENTION, check
from lakelet.catalog.optimizers.orphans import Listed, check_alone, orphans
from lakelet.catalog.optimizers.retention import expire
from lakelet.workspace.errors import InvalidInputException, LakeletError, NotImplementedException

SCHEMA = Schema(NestedField(1, "n", LongType(), required=False), NestedField(2, "p", StringType(), required=False))
SPEC = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "p"))


@pytest.fixture
def catalog(tmp_path: Path) -> InMemoryCatalog:
    catalog = InMemoryCatalog("test", warehouse=f"file://{tmp_path}")
    catalog.create_namespace("d")
    return catalog


@pytest.fixture
def table(catalog: InMemoryCatalog) -> Table:
    table = catalog.create_table("d.t", SCHEMA, partition_spec=SPEC)
    for number in range(4):
        table.append(rows([number], "a"))
    table.append(rows([100], "b"))
    return table


def rows(numbers: list[int], part: str) -> pa.Table:
    return pa.table({"n": pa.array(numbers, pa.int64()), "p": [part] * len(numbers)})


def numbers(table: Table, **scan: Any) -> list[int]:
    return sorted(table.scan(**scan).to_arrow()["n"].to_pylist())


def files(table: Table) -> dict[str, int]:
    found: dict[str, int] = {}
    for task in table.scan().plan_files():
        found[task.file.partition[0]] = found.get(task.file.partition[0], 0) + 1
    return found


def on_disk(table: Table) -> set[str]:
    root = Path(table.location().removeprefix("file://"))
    return {f"file://{path}" for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")}


def test_small_files_of_a_partition_become_one(table: Table) -> None:
    assert files(table) == {"a": 4, "b": 1}
    assert compact(table, {"minInputFiles": 5}) == {"NumberOfFilesCompacted": 0, "NumberOfBytesCompacted": 0}
    before = table.current_snapshot()
    done = compact(table, {"minInputFiles": 4})
    assert done["NumberOfFilesCompacted"] == 4 and done["NumberOfBytesCompacted"] > 1000
    assert files(table) == {"a": 1, "b": 1} and numbers(table) == [0, 1, 2, 3, 100]
    assert before is not None and numbers(table, snapshot_id=before.snapshot_id) == [0, 1, 2, 3, 100]
    assert compact(table, {"minInputFiles": 2})["NumberOfFilesCompacted"] == 0  # nothing is left to do


def test_files_are_packed_up_to_the_target_size(table: Table) -> None:
    size = max(task.file.file_size_in_bytes for task in table.scan().plan_files())
    with table.transaction() as transaction:
        transaction.set_properties({"write.target-file-size-bytes": str(2 * size)})
    assert compact(table, {"minInputFiles": 1})["NumberOfFilesCompacted"] == 4
    assert files(table) == {"a": 2, "b": 1} and numbers(table) == [0, 1, 2, 3, 100]


def test_who_writes_meanwhile_loses_nothing(catalog: InMemoryCatalog, table: Table) -> None:
    other = catalog.load_table("d.t")
    other.delete(EqualTo("n", 2))
    other.append(rows([7], "a"))
    assert compact(table, {"minInputFiles": 2})["NumberOfFilesCompacted"] == 4
    assert numbers(catalog.load_table("d.t")) == [0, 1, 3, 7, 100]


def test_a_table_that_is_always_written_to(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(table), "refresh", lambda self: self)  # as if somebody committed after each look
    table.catalog.load_table("d.t").append(rows([7], "a"))
    with pytest.raises(LakeletError, match="whenever"):
        compact(table, {"minInputFiles": 2})


def test_snapshots_expire_with_the_files_that_only_they_had(catalog: InMemoryCatalog, table: Table) -> None:
    compact(table, {"minInputFiles": 2})
    now = int(time.time() * 1000) + DAY_MS
    old = {"snapshotRetentionPeriodInDays": 5}
    before = on_disk(table)
    assert set(expire(table, old, now).values()) == {0} and len(table.metadata.snapshots) == 6
    done = expire(table, old | {"snapshotRetentionPeriodInDays": 1, "numberOfSnapshotsToRetain": 2}, now)
    assert len(table.metadata.snapshots) == 2 and set(done.values()) == {0} and before <= on_disk(table)
    compact(table, {"minInputFiles": 2})
    done = expire(table, {"snapshotRetentionPeriodInDays": 0, "cleanExpiredFiles": True}, now)
    assert done["NumberOfDataFilesDeleted"] == 4 and done["NumberOfManifestListsDeleted"] == 1
    again = catalog.load_table("d.t")
    assert len(again.metadata.snapshots) == 1 and numbers(again) == [0, 1, 2, 3, 100]


def test_tags_and_the_tables_own_limits_are_kept(table: Table) -> None:
    first = table.metadata.snapshots[0].snapshot_id
    table.manage_snapshots().create_tag(first, "begin").commit()
    with table.transaction() as transaction:
        transaction.set_properties({"history.expire.min-snapshots-to-keep": "2"})
    expire(table, {"snapshotRetentionPeriodInDays": 0}, int(time.time() * 1000) + DAY_MS)
    kept = {one.snapshot_id for one in table.metadata.snapshots}
    assert len(kept) == 3 and first in kept and numbers(table, snapshot_id=first) == [0]


def test_orphans_are_what_is_old_and_nobodys(table: Table) -> None:
    now = int(time.time() * 1000)
    listed = [Listed(location, now - 10 * DAY_MS) for location in on_disk(table)]
    assert list(orphans(table, listed, now)) == []
    strange = f"{table.location()}/data/strange.parquet"
    listed += [Listed(strange, now - 4 * DAY_MS), Listed(f"{table.location()}/data/new.parquet", now)]
    assert list(orphans(table, listed, now - 3 * DAY_MS)) == [strange]
    expire(table, {"snapshotRetentionPeriodInDays": 0}, now + DAY_MS)  # leaves its files to the orphans
    found = list(orphans(table, listed, now - DAY_MS))
    assert strange in found and len(found) > 4
    for location in set(found) - {strange}:
        Path(location.removeprefix("file://")).unlink()
    assert numbers(table) == [0, 1, 2, 3, 100]


def test_a_table_in_anothers_place_has_no_orphans() -> None:
    check_alone("s3://b/t", [("d.u", "s3://b/t2"), ("d.v", "s3://b/u/"), ("d.w", "")])
    for place in ("s3://b/t", "s3a://b/t/deep", "s3://b/"):
        with pytest.raises(LakeletError, match=r"d\.u"):
            check_alone("s3://b/t/", [("d.u", place)])


@pytest.mark.parametrize(
    ("kind", "configuration", "error", "said"),
    [
        (COMPACTION, {"retentionConfiguration": {"icebergConfiguration": {}}}, InvalidInputException, "retention"),
        (COMPACTION, {"compactionConfiguration": {"icebergConfiguration": {"strategy": "z-order"}}},
         NotImplementedException, "z-order"),
        (COMPACTION, {"compactionConfiguration": {"icebergConfiguration": {"minInputFiles": 0}}},
         InvalidInputException, "minInputFiles"),
        (RETENTION, {"retentionConfiguration": {"icebergConfiguration": {"runRateInHours": 2}}},
         InvalidInputException, "3 to 168"),
        (RETENTION, {"retentionConfiguration": {"icebergConfiguration": {"snapshotRetentionPeriodInDays": -1}}},
         InvalidInputException, "snapshotRetentionPeriodInDays"),
        (ORPHANS, {"orphanFileDeletionConfiguration": {"icebergConfiguration": {"location": "s3://b/tt"}}},
         InvalidInputException, "s3://b/tt"),
        (ORPHANS, {"orphanFileDeletionConfiguration": {"icebergConfiguration": {"orphanFileRetentionPeriodInDays": 0}}},
         InvalidInputException, "orphanFileRetentionPeriodInDays"),
    ],
)  # fmt: skip
def test_what_is_no_configuration(kind: str, configuration: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        check(kind, configuration, "s3://b/t")
