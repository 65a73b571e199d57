"""Table optimizers on the real stack: created, they run by themselves, on a table that PyIceberg writes to."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.table import Table

from lakelet.data.objects import s3_client
from lakelet.workspace.secrets import secret
from tests.clients import glue_client
from tests.conftest import Stack, eventually

pytestmark = pytest.mark.stack
ACCOUNT = "123456789012"


@pytest.fixture
def table(stack: Stack) -> Iterator[Table]:
    """An Iceberg table of four files, one row each, in a bucket of its own."""
    s3, glue, name = s3_client(stack.workspace), glue_client(stack.workspace), f"optimizers-{uuid.uuid4().hex[:8]}"
    database = name.replace("-", "_")
    s3.create_bucket(Bucket=name)
    keys = {"access-key-id": secret(stack.workspace, "access_key"),
            "secret-access-key": secret(stack.workspace, "secret_key"), "region": "us-east-1"}  # fmt: skip
    options = {f"{service}.{member}": value for service in ("glue", "s3") for member, value in keys.items()}
    places = {"glue.endpoint": stack.workspace.endpoint("control"), "s3.endpoint": stack.workspace.endpoint("s3")}
    catalog = load_catalog("ours", type="glue", **options, **places)
    catalog.create_namespace(database, {"location": f"s3://{name}"})
    table = catalog.create_table((database, "t"), rows(0).schema)
    for number in range(4):
        table.append(rows(number))
    yield table
    glue.delete_database(Name=database)
    for item in s3.list_objects_v2(Bucket=name).get("Contents", ()):
        s3.delete_object(Bucket=name, Key=item["Key"])
    s3.delete_bucket(Bucket=name)


def rows(*numbers: int) -> pa.Table:
    return pa.table({"n": pa.array(numbers, pa.int64())})


def metrics(stack: Stack, table: Table, kind: str, member: str, options: dict[str, Any]) -> dict[str, Any]:
    """Create an optimizer, wait for its run, and answer what it says that it did."""
    glue = glue_client(stack.workspace)
    one = {"CatalogId": ACCOUNT, "DatabaseName": table.name()[0], "TableName": "t", "Type": kind}
    configuration = {"enabled": True, f"{member}Configuration": {"icebergConfiguration": options}}
    glue.create_table_optimizer(**one, TableOptimizerConfiguration=configuration)

    def ended() -> Any:
        runs = glue.list_table_optimizer_runs(**one)["TableOptimizerRuns"]
        return runs and runs[0]["eventType"] in ("completed", "failed") and runs

    (run,) = eventually(ended)
    assert run["eventType"] == "completed", run
    assert glue.get_table_optimizer(**one)["TableOptimizer"]["lastRun"] == run
    found: dict[str, Any] = run[f"{member}Metrics"]["IcebergMetrics"]
    return found


def test_optimizers_run_by_themselves(stack: Stack, table: Table) -> None:
    assert len(list(table.scan().plan_files())) == 4
    done = metrics(stack, table, "compaction", "compaction", {"minInputFiles": 3})
    assert done["NumberOfFilesCompacted"] == 4
    table.refresh()
    assert len(list(table.scan().plan_files())) == 1
    assert sorted(table.scan().to_arrow()["n"].to_pylist()) == [0, 1, 2, 3]

    options = {"snapshotRetentionPeriodInDays": 0, "numberOfSnapshotsToRetain": 1, "cleanExpiredFiles": True}
    done = metrics(stack, table, "retention", "retention", options)
    assert done["NumberOfDataFilesDeleted"] == 4 and done["NumberOfManifestListsDeleted"] == 4
    table.refresh()
    assert len(table.metadata.snapshots) == 1
    assert sorted(table.scan().to_arrow()["n"].to_pylist()) == [0, 1, 2, 3]

    done = metrics(stack, table, "orphan_file_deletion", "orphanFileDeletion", {})
    assert done["NumberOfOrphanFilesDeleted"] == 0  # all of them are young
    table.refresh()
    assert sorted(table.scan().to_arrow()["n"].to_pylist()) == [0, 1, 2, 3]
