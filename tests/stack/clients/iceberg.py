"""What people do with PyIceberg's GlueCatalog; run by ../test_clients_datasets.py.

Nothing is set but the variables of ``lakelet env``, and PyIceberg's own for the object store's address and region,
which Arrow's S3 client does not take from AWS's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import boto3
import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import EqualTo
from pyiceberg.table import Table
from pyiceberg.types import LongType, StringType

NAMESPACE = f"iceberg_{uuid4().hex}"
ROOT = f"s3://silver/{NAMESPACE}"
WRITERS, APPENDS = 3, 2
glue, s3 = boto3.client("glue"), boto3.client("s3")


def raises(kind: type[Exception], call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    try:
        call(*arguments, **named)
    except kind as error:
        return str(error)
    raise AssertionError(f"{call} did not raise {kind}")


def connect(**properties: str) -> Catalog:
    """PyIceberg itself skips the archive unless it is told not to."""
    return load_catalog("lakelet", type="glue", **({"glue.skip-archive": "false"} | properties))


def rows(*numbers: int) -> pa.Table:
    return pa.table({"id": pa.array(numbers, pa.int64()), "name": pa.array([f"n{n}" for n in numbers])})


def objects(prefix: str) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket="silver", Prefix=prefix).get("Contents", [])]


def versions(table: str) -> list[dict[str, Any]]:
    return list(glue.get_table_versions(DatabaseName=NAMESPACE, TableName=table)["TableVersions"])


catalog = connect()


def namespaces() -> None:
    catalog.create_namespace(NAMESPACE, {"location": ROOT, "Description": "Tables", "owner": "me"})
    raises(NamespaceAlreadyExistsError, catalog.create_namespace, NAMESPACE)
    assert (NAMESPACE,) in catalog.list_namespaces()
    summary = catalog.update_namespace_properties(NAMESPACE, {"owner"}, {"team": "flights"})
    assert (summary.removed, summary.updated) == (["owner"], ["team"])
    assert catalog.load_namespace_properties(NAMESPACE) == {
        "location": ROOT, "Description": "Tables", "team": "flights",
    }  # fmt: skip
    raises(NoSuchNamespaceError, catalog.load_namespace_properties, "no_such")
    raises(NoSuchNamespaceError, catalog.create_table, ("no_such", "t"), rows(1).schema, location=ROOT + "/none")


def tables() -> None:
    table = catalog.create_table((NAMESPACE, "events"), rows(1).schema, properties={"owner": "me"})
    raises(TableAlreadyExistsError, catalog.create_table, (NAMESPACE, "events"), rows(1).schema)
    raises(NoSuchTableError, catalog.load_table, (NAMESPACE, "none"))
    assert catalog.table_exists((NAMESPACE, "events")) and not catalog.table_exists((NAMESPACE, "none"))
    table.append(rows(1, 2))
    first = table.current_snapshot().snapshot_id
    table.append(rows(3))
    again = catalog.load_table((NAMESPACE, "events"))
    assert sorted(again.scan().to_arrow()["id"].to_pylist()) == [1, 2, 3]
    assert sorted(again.scan(snapshot_id=first).to_arrow()["id"].to_pylist()) == [1, 2]
    again.delete(EqualTo("id", 2))
    again.overwrite(rows(9), overwrite_filter=EqualTo("id", 3))
    assert sorted(again.scan().to_arrow()["id"].to_pylist()) == [1, 9]
    assert again.history()[0].snapshot_id == first


def what_glue_shows() -> None:
    """A commit is a new table version, whose parameters point to the metadata of the commit and of the one before."""
    table = catalog.load_table((NAMESPACE, "events"))
    shown = glue.get_table(DatabaseName=NAMESPACE, Name="events")["Table"]
    assert shown["Parameters"]["table_type"].upper() == "ICEBERG"
    assert shown["Parameters"]["metadata_location"] == table.metadata_location
    assert shown["StorageDescriptor"]["Location"] == table.location()
    archived = versions("events")
    assert [one["VersionId"] for one in archived] == [str(n) for n in range(len(archived) - 1, -1, -1)]
    later, earlier = (one["Table"]["Parameters"] for one in archived[:2])
    assert later["previous_metadata_location"] == earlier["metadata_location"]
    old = catalog.register_table((NAMESPACE, "as_it_was"), archived[-2]["Table"]["Parameters"]["metadata_location"])
    assert sorted(old.scan().to_arrow()["id"].to_pylist()) == [1, 2]


def without_archive() -> None:
    count = len(versions("events"))
    connect(**{"glue.skip-archive": "true"}).load_table((NAMESPACE, "events")).append(rows(4))
    kept = [int(one["VersionId"]) for one in versions("events")]
    assert kept == [count, *range(count - 2, -1, -1)]  # what it replaced was not archived
    catalog.load_table((NAMESPACE, "events")).append(rows(5))
    assert [int(one["VersionId"]) for one in versions("events")] == [count + 1, *kept]


def evolution() -> None:
    table = catalog.load_table((NAMESPACE, "events"))
    with table.update_schema() as update:
        update.add_column("size", LongType(), doc="in bytes")
        update.rename_column("name", "title")
    with table.update_spec() as spec:
        spec.add_identity("title")
    columns = glue.get_table(DatabaseName=NAMESPACE, Name="events")["Table"]["StorageDescriptor"]["Columns"]
    current = {one["Name"]: one for one in columns if one["Parameters"]["iceberg.field.current"] == "true"}
    assert {name: one["Type"] for name, one in current.items()} == {"id": "bigint", "title": "string", "size": "bigint"}
    assert current["size"]["Comment"] == "in bytes"
    table.append(pa.table({"id": [7], "title": ["seven"], "size": [70]}))
    found = {row["id"]: row for row in table.scan(row_filter="id in (1, 7)").to_arrow().to_pylist()}
    assert found == {1: {"id": 1, "title": "n1", "size": None}, 7: {"id": 7, "title": "seven", "size": 70}}
    with table.transaction() as transaction:
        transaction.set_properties(reviewed="yes")
        transaction.append(pa.table({"id": [8], "title": ["eight"], "size": [80]}))
    assert catalog.load_table((NAMESPACE, "events")).properties["reviewed"] == "yes"


def partitioned() -> None:
    schema = pa.schema([("day", pa.date32()), ("n", pa.int64())])
    through = connect(**{"s3.endpoint": os.environ["AWS_ENDPOINT_URL"]})  # objects through the one endpoint, too
    table = through.create_table((NAMESPACE, "days"), schema, location=f"{ROOT}/elsewhere/days")
    with table.update_spec() as spec:
        spec.add_identity("day")
    table.append(pa.table({"day": pa.array([0, 1, 2], pa.date32()), "n": [0, 1, 2]}))
    assert len(list(table.scan(row_filter="day >= '1970-01-02'").plan_files())) == 2
    assert table.location() == f"{ROOT}/elsewhere/days"


def writers() -> None:
    """Everybody appends at once to what each read on its own: whoever is too late tries again, and no row is lost."""
    catalog.create_table((NAMESPACE, "counter"), rows(1).schema, properties={
        "commit.retry.num-retries": "50", "commit.retry.min-wait-ms": "5", "commit.retry.max-wait-ms": "100",
    })  # fmt: skip
    tables = [connect().load_table((NAMESPACE, "counter")) for _ in range(WRITERS)]
    numbers = iter(range(1, WRITERS * APPENDS + 1))
    wanted = {number: [next(numbers) for _ in range(APPENDS)] for number in range(WRITERS)}

    def write(number: int) -> None:
        for value in wanted[number]:
            tables[number].append(rows(value))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, wanted))
    table = catalog.load_table((NAMESPACE, "counter"))
    assert sorted(table.scan().to_arrow()["id"].to_pylist()) == list(range(1, WRITERS * APPENDS + 1))
    assert len(table.history()) == WRITERS * APPENDS
    stale, fresh = (connect().load_table((NAMESPACE, "counter")) for _ in range(2))
    fresh.append(rows(100))
    before = glue.get_table(DatabaseName=NAMESPACE, Name="counter")["Table"]
    with_schema(fresh)
    raises(CommitFailedException, with_schema, stale)  # a change of the schema is not one to try again
    after = glue.get_table(DatabaseName=NAMESPACE, Name="counter")["Table"]
    assert int(after["VersionId"]) == int(before["VersionId"]) + 1


def with_schema(table: Table) -> None:
    with table.update_schema() as update:
        update.add_column("more", StringType())


def swapped() -> None:
    """The compare-and-swap itself: a commit whose table was changed between its GetTable and its UpdateTable fails."""
    mine = connect()
    table = mine.load_table((NAMESPACE, "counter"))
    update = mine.glue.update_table

    def late(**request: Any) -> Any:
        mine.glue.update_table = update
        catalog.load_table((NAMESPACE, "counter")).append(pa.table({"id": [200], "name": ["first"], "more": [None]},
                                                                   pa.schema([("id", pa.int64()), ("name", pa.string()),
                                                                              ("more", pa.string())])))  # fmt: skip
        return update(**request)

    mine.glue.update_table = late
    table.append(rows(201))
    found = catalog.load_table((NAMESPACE, "counter")).scan(row_filter="id >= 200").to_arrow()["id"].to_pylist()
    assert sorted(found) == [200, 201]


def names() -> None:
    catalog.rename_table((NAMESPACE, "days"), (NAMESPACE, "renamed"))
    assert len(catalog.load_table((NAMESPACE, "renamed")).scan().to_arrow()) == 3
    raises(NoSuchTableError, catalog.load_table, (NAMESPACE, "days"))
    raises(TableAlreadyExistsError, catalog.rename_table, (NAMESPACE, "renamed"), (NAMESPACE, "events"))
    glue.create_table(DatabaseName=NAMESPACE, TableInput={"Name": "plain", "Parameters": {"classification": "csv"}})
    listed = sorted(name for _, name in catalog.list_tables(NAMESPACE))
    assert listed == ["as_it_was", "counter", "events", "renamed"]
    glue.delete_table(DatabaseName=NAMESPACE, Name="plain")


def goodbye() -> None:
    assert "still contains Iceberg tables" in raises(NamespaceNotEmptyError, catalog.drop_namespace, NAMESPACE)
    catalog.drop_table((NAMESPACE, "as_it_was"))
    raises(NoSuchTableError, catalog.drop_table, (NAMESPACE, "as_it_was"))
    assert objects(f"{NAMESPACE}/events/data/")  # a drop leaves what the table was made of
    for name in ("counter", "events", "renamed"):
        catalog.purge_table((NAMESPACE, name))
    assert not [key for key in objects(f"{NAMESPACE}/") if key.endswith(".parquet")]  # Arrow leaves the folders
    catalog.drop_namespace(NAMESPACE)
    assert (NAMESPACE,) not in catalog.list_namespaces()


for part in (
    namespaces, tables, what_glue_shows, without_archive, evolution, partitioned, writers, swapped, names, goodbye,
):  # fmt: skip
    part()
    print(part.__name__, "works")
