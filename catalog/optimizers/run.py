"""The program of an optimizer's run:

    python -m lakelet.catalog.optimizers.run TASK

TASK is JSON: database, table, kind and options. It reads and commits by PyIceberg's Glue catalog, as anybody would, and
leaves ``optimizer.json`` in its run's folder. Exit 0, or 1 with one sentence on stderr.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from lakelet.catalog.glue import Glue
from lakelet.catalog.iceberg.metadata import METADATA_LOCATION
from lakelet.catalog.optimizers import RESULT_FILE
from lakelet.catalog.optimizers.compaction import compact
from lakelet.catalog.optimizers.model import COMPACTION, DAY_MS, RETENTION
from lakelet.catalog.optimizers.orphans import DAYS, Listed, check_alone, orphans
from lakelet.catalog.optimizers.retention import expire
from lakelet.data.objects import s3_client
from lakelet.data.zones import split_uri, uri
from lakelet.workspace.errors import LakeletError
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

_BATCH = 1000  # objects that one request deletes


def optimize(workspace: Workspace, task: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a task says; returns Glue's metrics of that kind, and the metadata file that the table has then.

    Raises LakeletError.
    """
    from pyiceberg.exceptions import NoSuchTableError

    name, options, now_ms = (task["database"], task["table"]), task["options"], int(time.time() * 1000)
    catalog = _catalog(workspace)
    try:
        table = catalog.load_table(name)
        match task["kind"]:
            case kind if kind == COMPACTION:
                metrics = compact(table, options)
            case kind if kind == RETENTION:
                metrics = expire(table, options, now_ms)
            case _:
                metrics = _delete_orphans(workspace, catalog, table, options, now_ms)
        after = catalog.load_table(name).metadata_location
    except NoSuchTableError as error:
        raise LakeletError(f"Table {'.'.join(name)} is no Iceberg table any more, or gone.") from error
    except (OSError, BotoCoreError, ClientError) as error:
        raise LakeletError(f"The files of table {'.'.join(name)} cannot be read or written: {error}.") from error
    return {"metrics": metrics, "metadata": after}


def _catalog(workspace: Workspace) -> Catalog:
    from pyiceberg.catalog import load_catalog

    region = workspace.settings.text("region")
    keys = {"access-key-id": secret(workspace, "access_key"), "secret-access-key": secret(workspace, "secret_key")}
    places = {"glue": workspace.endpoint("control"), "s3": workspace.endpoint("s3")}
    properties = {f"{service}.endpoint": place for service, place in places.items()}
    properties |= {f"{service}.region": region for service in places}
    properties |= {f"{service}.{name}": key for service in places for name, key in keys.items()}
    return load_catalog("lakelet", type="glue", **properties, **{"glue.skip-archive": "false"})


def _delete_orphans(
    workspace: Workspace, catalog: Catalog, table: Table, options: Mapping[str, Any], now_ms: int
) -> dict[str, int]:
    location = options.get("location") or table.location()
    mine = f"{table.name()[-2]}.{table.name()[-1]}"
    check_alone(table.location(), ((name, place) for name, place in _places(workspace) if name != mine))
    listed = list(_listed(workspace, location))
    table = catalog.load_table(table.name())  # after the listing
    before = now_ms - int(options.get("orphanFileRetentionPeriodInDays", DAYS)) * DAY_MS
    gone = list(orphans(table, listed, before))
    client, bucket = s3_client(workspace), split_uri(location)[0]
    for start in range(0, len(gone), _BATCH):
        keys = [{"Key": split_uri(one)[1]} for one in gone[start : start + _BATCH]]
        if errors := client.delete_objects(Bucket=bucket, Delete={"Objects": keys}).get("Errors"):
            raise LakeletError(f"{errors[0]['Key']} could not be deleted: {errors[0].get('Message')}.")
    return {"NumberOfOrphanFilesDeleted": len(gone)}


def _places(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """The tables of the catalog, each with its location."""
    glue = Glue(workspace)
    for database in glue.pages("GetDatabases", "DatabaseList"):
        if "TargetDatabase" in database:
            continue
        for table in glue.pages("GetTables", "TableList", DatabaseName=database["Name"]):
            if "TargetTable" not in table:
                yield f"{database['Name']}.{table['Name']}", (table.get("StorageDescriptor") or {}).get("Location", "")


def _listed(workspace: Workspace, location: str) -> Iterator[Listed]:
    bucket, key = split_uri(location.rstrip("/") + "/")
    pages = s3_client(workspace).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    for item in (item for page in pages for item in page.get("Contents", ())):
        yield Listed(uri(bucket, item["Key"]), int(item["LastModified"].timestamp() * 1000))


def main(arguments: Sequence[str]) -> int:
    """Run one task; returns the exit code."""
    if len(arguments) != 1:
        print("usage: python -m lakelet.catalog.optimizers.run TASK", file=sys.stderr)
        return 2
    # What is written and not committed is an orphan, and what is half deleted is deleted by the next run.
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(128 + number))
    workspace = Workspace.find()
    try:
        done = optimize(workspace, json.loads(arguments[0]))
    except LakeletError as error:
        print(error, file=sys.stderr)
        return 1
    if run_id := os.environ.get("LAKELET_RUN_ID"):
        write_atomic(workspace.runs / run_id / RESULT_FILE, json.dumps(done).encode())
    print(", ".join(f"{name} {count}" for name, count in done["metrics"].items()), METADATA_LOCATION, done["metadata"])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
