"""Iceberg, Delta and Hudi tables of the catalog, in jobs that are refused: what is said, on both engines.

What works of them is in test_iceberg_jobs.py and test_delta_jobs.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lakelet.catalog.glue import Glue
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import engine
from lakelet.workspace.errors import InvalidInputException, LakeletError, UsageError
from tests.lake import Lake, own_lake
from tests.stack.test_awsglue_options import frame_of, keys

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = pytest.mark.stack

TITLES = {"iceberg": "an Iceberg table", "delta": "a Delta table", "hudi": "a Hudi table"}
Action = Callable[[Lake, str, dict[str, Any]], object]


@pytest.fixture(scope="module")
def place(lake: GlueContext) -> Iterator[Lake]:
    with own_lake(lake, "test-open-tables") as made:
        for name in TITLES:
            columns = [{"Name": "n", "Type": "int"}]
            table = {
                "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"table_type": name.upper()},
                "StorageDescriptor": {"Columns": columns, "Location": made.uri(name)},
            }  # fmt: skip
            Glue(lake.workspace).call("CreateTable", DatabaseName=made.name, TableInput=table)
        yield made


def read(place: Lake, table: str, options: dict[str, Any]) -> object:
    return place.glue.create_dynamic_frame.from_catalog(place.name, table, additional_options=options)


def read_rows(place: Lake, table: str, options: dict[str, Any]) -> object:
    return place.glue.create_data_frame.from_catalog(place.name, table, additional_options=options)


def append(place: Lake, table: str, options: dict[str, Any]) -> object:
    rows = frame_of(place, "select 1 n")
    return place.glue.write_dynamic_frame.from_catalog(rows, place.name, table, additional_options=options)


def append_rows(place: Lake, table: str, options: dict[str, Any]) -> object:
    rows = place.glue.spark_session.sql("select 1 n")
    return place.glue.write_data_frame.from_catalog(rows, place.name, table, additional_options=options)


@pytest.mark.parametrize("table", TITLES)
@pytest.mark.parametrize("action", [read, read_rows, append, append_rows])
def test_a_job_is_told_what_to_ask_for(place: Lake, table: str, action: Action) -> None:
    told = {"useSparkDataSource": True, "useCatalogSchema": "true"}
    with pytest.raises(LakeletError) as caught:
        action(place, table, told)
    said = str(caught.value)
    assert f"{table} is {TITLES[table]}" in said or f"{table}, {TITLES[table]}" in said
    if engine.active() and table != "hudi":
        assert isinstance(caught.value, UnsupportedError) and "--engine spark" in said
    elif table == "hudi":
        assert isinstance(caught.value, InvalidInputException) and "nothing here reads it" in said
    else:
        assert isinstance(caught.value, UsageError) and f"--datalake-formats {table}" in said
    with pytest.raises(UnsupportedError, match=rf"{TITLES[table]},.* does not support the option as-of-timestamp"):
        action(place, table, {**told, "as-of-timestamp": "1"})
    assert keys(place, table) == []


@pytest.mark.parametrize("table", TITLES)
def test_predicates_samples_and_sinks_of_files_are_refused(place: Lake, table: str) -> None:
    glue = place.glue
    for given in ({"push_down_predicate": "n = 1"}, {"additional_options": {"catalogPartitionPredicate": "n = 1"}}):
        with pytest.raises(LakeletError, match=r"take where\(\)|does not support the option catalogPartitionPredicate"):
            glue.create_dynamic_frame.from_catalog(place.name, table, **given)
    with pytest.raises(UsageError, match=rf"{TITLES[table]}: take where\(\) instead of predicates and samples"):
        glue.create_sample_dynamic_frame.from_catalog(place.name, table, num=5)
    sink = glue.getSink("s3", path=place.uri(table), enableUpdateCatalog=True)
    sink.setFormat("glueparquet")
    sink.setCatalogInfo(catalogDatabase=place.name, catalogTableName=table)
    with pytest.raises(LakeletError, match=TITLES[table]):
        sink.writeFrame(frame_of(place, "select 1 n"))
    with pytest.raises(LakeletError, match=TITLES[table]):
        glue.purge_table(None, place.name, table, {"retentionPeriod": 0})
    assert keys(place, table) == []


@pytest.mark.parametrize(
    ("folder", "object", "title"),
    [("ice/t", "metadata/00000-x.metadata.json", TITLES["iceberg"]), ("d/t", "_delta_log/0.json", TITLES["delta"])],
)
def test_a_purge_of_a_folder_breaks_no_table(place: Lake, folder: str, object: str, title: str) -> None:
    place.put(f"{folder}/{object}", "{}")
    for path in (place.uri(folder), place.uri(folder.partition("/")[0])):
        with pytest.raises(UsageError, match=rf"s3://{place.name}/{folder}/ is {title}, which a purge breaks"):
            place.glue.purge_s3_path(path, {"retentionPeriod": 0})
    place.glue.purges.commit()
    assert keys(place, folder) == [f"{folder}/{object}"]


@pytest.mark.parametrize("kind", ["iceberg", "delta", "hudi"])
def test_they_are_no_connection_types(place: Lake, kind: str) -> None:
    with pytest.raises(UnsupportedError, match=kind):
        place.glue.create_dynamic_frame.from_options(kind, {"path": place.uri(kind)})
    with pytest.raises(UnsupportedError, match=kind):
        place.glue.write_dynamic_frame.from_options(frame_of(place, "select 1 n"), kind, {"path": place.uri(kind)})
