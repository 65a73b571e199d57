"""gold → OpenSearch: all flights and the five aggregates, each table one index, counted on both sides.

Ids come from the rows, so a rerun gives the same documents; each index is built beside the old one and takes its
place when it is whole, so a rerun leaves nothing stale either.
"""

import sys
import time

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import S3FileSystem

from lakelet.catalog.client import get_partitions, get_table
from lakelet.data.objects import list_objects, s3_client
from lakelet.data.zones import split_uri
from lakelet.search.client import open_client
from lakelet.search.ingest import patiently, replace_index
from lakelet.search.templates import INDEXES, install_templates
from lakelet.workspace.errors import IndexingError, LakeletError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret

DATABASE = "gold"
KEY_TYPES = {"int": pa.int32(), "bigint": pa.int64(), "string": pa.string(), "date": pa.date32()}


def main() -> None:
    workspace = Workspace.find()
    client = open_client(workspace, timeout=60)
    patiently(lambda: install_templates(client))
    for index in INDEXES:
        started = time.monotonic()
        count = publish(workspace, client, index)
        print(f"{index}: {count:,} documents in {time.monotonic() - started:.1f} s", flush=True)


def publish(workspace, client, index):
    """Index one table; a publish that replaces its files meanwhile starts it over, once."""
    table = index.replace("-", "_")
    for last_try in (False, True):
        files = table_files(workspace, table)
        try:
            source = open_table(workspace, table, files)
            rows = source.count_rows()
            count = replace_index(client, index, source.scanner(batch_size=32_768).to_reader(), INDEXES[index][1])
            break
        except (OSError, pa.ArrowException, LakeletError) as error:
            if last_try or table_files(workspace, table) == files:
                raise
            print(f"{index}: the table changed while it was read ({error}); reading it anew", flush=True)
    if count != rows:
        raise IndexingError(f"{DATABASE}.{table} has {rows:,} rows but {index} {count:,} documents.")
    return count


def table_files(workspace, table):
    """The objects that the catalog says are the table, as bucket/key."""
    definition = get_table(workspace, DATABASE, table)
    if definition.get("PartitionKeys"):
        locations = [p["StorageDescriptor"]["Location"] for p in get_partitions(workspace, DATABASE, table)]
    else:
        locations = [definition["StorageDescriptor"]["Location"]]
    s3 = s3_client(workspace)
    found = []
    for location in locations:
        bucket, prefix = split_uri(location)
        found += [f"{bucket}/{one.key}" for one in list_objects(s3, bucket, prefix.rstrip("/") + "/")]
    return sorted(found)


def open_table(workspace, table, files):
    """The table as an Arrow dataset, its partition keys typed as the catalog types them."""
    keys = get_table(workspace, DATABASE, table).get("PartitionKeys", [])
    schema = pa.schema([(key["Name"], KEY_TYPES[key["Type"]]) for key in keys])
    lake = S3FileSystem(
        endpoint_override=workspace.endpoint("s3"),
        region=workspace.settings.text("region"),
        access_key=secret(workspace, "access_key"),
        secret_key=secret(workspace, "secret_key"),
        connect_timeout=5,
        request_timeout=60,
    )
    return ds.dataset(files, filesystem=lake, format="parquet", partitioning=ds.partitioning(schema, flavor="hive"))


if __name__ == "__main__":
    try:
        main()
    except LakeletError as error:
        sys.exit(f"flights_index: {error}")
