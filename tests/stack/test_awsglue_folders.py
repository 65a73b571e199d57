"""Folders and their names: subfolders, partitions of any value, names with percent signs; the same on both engines."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from lakelet.data.partitions import DEFAULT_PARTITION
from lakelet.workspace.errors import UsageError
from tests.lake import Lake, own_lake
from tests.spark import values
from tests.stack.test_awsglue_options import frame_of, keys, numbers, partitions, register, sink

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def place(lake: GlueContext) -> Iterator[Lake]:
    with own_lake(lake, "test-folders") as made:
        yield made


def put_nested(place: Lake, folder: str, format: str) -> None:
    """One row in the folder, ``n`` 1, and one in a subfolder, ``n`` 2."""
    for number, where in ((1, folder), (2, f"{folder}/sub")):
        if format == "parquet":
            rows = place.glue.spark_session.createDataFrame([(number,)], "n int").coalesce(1)
            place.glue.write_data_frame.from_options(rows, "s3", {"path": place.uri(where)}, format)
        else:
            place.put(f"{where}/{number}.{format}", f'{{"n": {number}}}\n' if format == "json" else f"{number}\n")


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
def test_a_table_is_all_that_is_below_its_folder(place: Lake, format: str) -> None:
    put_nested(place, f"deep-{format}", format)
    found = numbers(place.table(f"deep_{format}", f"deep-{format}", format, {"n": "int"}))
    assert found == [1, 2]
    read = place.glue.create_dynamic_frame.from_catalog
    for recurse, expected in ((True, [1, 2]), ("true", [1, 2]), (False, [1]), ("false", [1])):
        frame = read(place.name, f"deep_{format}", additional_options={"recurse": recurse})
        assert numbers(frame) == expected
        assert frame.count() == len(expected)


def test_so_is_a_partition(place: Lake) -> None:
    put_nested(place, "parted/p=1", "json")
    put_nested(place, "parted/p=2", "json")
    register(place, "parted", "json", [("n", "int")], [("p", "int")], ["1", "2"])
    read = place.glue.create_dynamic_frame.from_catalog
    assert sorted(values(read(place.name, "parted"), "n", "p")) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    few = read(place.name, "parted", "", "", "p = 2", {"recurse": False})
    assert values(few, "n", "p") == [(1, 2)]


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_of_a_folder_subfolders_are_read_only_when_asked_for(place: Lake, format: str) -> None:
    put_nested(place, f"folder-{format}", format)
    assert numbers(place.read(f"folder-{format}", format)) == [1]
    assert numbers(place.read(f"folder-{format}", format, recurse=True)) == [1, 2]
    read = place.glue.spark_session.read.format(format)
    assert [row.n for row in read.load(f"s3a://{place.name}/folder-{format}/").collect()] == [1]
    assert [row.n for row in read.load(f"s3a://{place.name}/folder-{format}").collect()] == [1]
    deep = read.option("recursiveFileLookup", "true").load(f"s3a://{place.name}/folder-{format}/")
    assert sorted(row.n for row in deep.collect()) == [1, 2]


def test_folders_of_folders_alone(place: Lake) -> None:
    place.put("alone/sub/b.json", '{"n": 2}\n')
    with pytest.raises(UsageError, match="lie in subfolders: give 'recurse'"):
        place.read("alone", "json")
    place.put("keyed/p=5/b.json", '{"n": 2}\n')
    assert values(place.read("keyed", "json"), "n", "p") == [(2, 5)]
    assert place.read("keyed", "json", recurse=True).toDF().columns == ["n"]
    session, where = place.glue.spark_session, f"s3a://{place.name}/keyed/"
    assert session.read.json(where).columns == ["n", "p"]
    assert session.read.option("recursiveFileLookup", "true").json(where).columns == ["n"]


@pytest.mark.parametrize(
    ("kind", "value", "folder"),
    [
        ("int", 7, "7"),
        ("boolean", False, "false"),
        ("date", datetime.date(2024, 1, 2), "2024-01-02"),
        ("double", 1.5, "1.5"),
        ("decimal(5,2)", Decimal("1.50"), "1.50"),
        ("string", "a/b:c d%é", "a%2Fb%3Ac d%25é"),
        ("string", "50%25", "50%2525"),
    ],
)
def test_partitions_of_any_value_and_of_none_come_back(place: Lake, kind: str, value: Any, folder: str) -> None:
    table = f"any_{abs(hash((kind, folder)))}"
    session = place.glue.spark_session
    rows = session.createDataFrame([(1, value), (2, None)], f"n int, p {kind}")
    made = sink(place, table, "json", enableUpdateCatalog=True, partitionKeys=["p"])
    made.write_rows(rows)
    assert {key.split("/")[1] for key in keys(place, table)} == {f"p={folder}", f"p={DEFAULT_PARTITION}"}
    assert len(partitions(place, table)) == 2
    read = place.glue.create_dynamic_frame.from_catalog(place.name, table)
    assert sorted(values(read, "n", "p")) == [(1, value), (2, None)]
    nulls = place.glue.create_dynamic_frame.from_catalog(place.name, table, push_down_predicate="p is null")
    assert values(nulls, "n", "p") == [(2, None)]


def test_a_null_partition_of_csv_is_null(place: Lake) -> None:
    rows = place.glue.spark_session.createDataFrame([(1, "x"), (2, None)], "n int, p string")
    sink(place, "csv_nulls", "csv", enableUpdateCatalog=True, partitionKeys=["p"]).write_rows(rows)
    assert sorted(values(place.glue.create_dynamic_frame.from_catalog(place.name, "csv_nulls"), "n", "p")) == [
        (1, "x"), (2, None),
    ]  # fmt: skip


def test_null_partitions_of_a_plain_write_are_null(place: Lake) -> None:
    session, where = place.glue.spark_session, f"s3a://{place.name}/plain-nulls/"
    session.createDataFrame([(1, 7), (2, None)], "n int, p int").write.partitionBy("p").json(where)
    found = session.read.json(where)
    assert sorted(tuple(row) for row in found.collect()) == [(1, 7), (2, None)]


def test_keys_may_be_spelled_in_another_case_than_their_columns(place: Lake) -> None:
    session, where = place.glue.spark_session, f"s3a://{place.name}/spelled/"
    rows = session.createDataFrame([(1, "x", 7), (2, "y", None)], "n int, Part string, num int")
    rows.write.partitionBy("PART", "Num").parquet(where)
    assert {key.rpartition("/")[0] for key in keys(place, "spelled")} == {
        "spelled/PART=x/Num=7", f"spelled/PART=y/Num={DEFAULT_PARTITION}",
    }  # fmt: skip
    assert sorted(map(tuple, session.read.parquet(where).select("n", "PART", "Num").collect())) == [
        (1, "x", 7), (2, "y", None),
    ]  # fmt: skip
    sink(place, "spelled_table", "json", enableUpdateCatalog=True, partitionKeys=["PART"]).write_rows(rows)
    assert {key.split("/")[1] for key in keys(place, "spelled_table")} == {"PART=x", "PART=y"}
    found = place.glue.create_dynamic_frame.from_catalog(place.name, "spelled_table")
    assert sorted(values(found, "n", "part", "num")) == [(1, "x", 7), (2, "y", None)]


def test_names_with_percent_signs_are_those_names(place: Lake) -> None:
    for number, name in enumerate(("a%2Fb", "a%20b", "a b", "a+b", "100%")):
        place.put(f"signs/x {name}/{name}.json", f'{{"n": {number}}}\n')
        place.put(f"signs-csv/{name}.csv", f"{number}\n")
    place.table("signs", "signs", "json", {"n": "int"})
    assert numbers(place.glue.create_dynamic_frame.from_catalog(place.name, "signs")) == [0, 1, 2, 3, 4]
    assert numbers(place.read("signs", "json", recurse=True)) == [0, 1, 2, 3, 4]
    assert sorted(values(place.read("signs-csv", "csv"), "col0")) == ["0", "1", "2", "3", "4"]
    session = place.glue.spark_session
    assert session.read.json(f"s3a://{place.name}/signs/x a%2Fb/").count() == 1


def test_binary_values_in_json(place: Lake) -> None:
    rows = frame_of(place, "select X'00ff' as b, named_struct('c', X'01') as s")
    made = sink(place, "bytes", "json", enableUpdateCatalog=True)
    made.writeFrame(rows)
    assert values(place.glue.create_dynamic_frame.from_catalog(place.name, "bytes"), "b", "s.c") == [
        (b"\x00\xff", b"\x01")
    ]
