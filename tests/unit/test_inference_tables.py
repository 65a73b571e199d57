"""From objects to tables: folders, partitions, majorities, Parquet footers, exclusions."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakelet.catalog.crawlers.definitions import table_input, table_name
from lakelet.catalog.crawlers.grouping import FoundTable, find_tables
from lakelet.catalog.crawlers.listing import Target, glob_pattern, to_read
from lakelet.catalog.crawlers.sampling import read_samples
from lakelet.catalog.crawlers.schema import glue_type
from lakelet.data.flights import bronze_objects
from lakelet.data.objects import StoredObject
from lakelet.workspace.errors import InvalidInputException


class Bucket:
    """The bytes of a bucket, served as boto3's ``get_object`` serves ranges; the stack tests read a real one."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.content = objects
        self.objects = [StoredObject("lake", key, len(value), "etag") for key, value in sorted(objects.items())]

    def get_object(self, *, Bucket: str, Key: str, Range: str) -> dict[str, Any]:
        first, last = Range.removeprefix("bytes=").split("-")
        return {"Body": io.BytesIO(self.content[Key][int(first) : int(last) + 1])}


def found(objects: dict[str, bytes], prefix: str = "") -> tuple[dict[str, FoundTable], list[str]]:
    bucket = Bucket(objects)
    tables, notes = find_tables(Target("lake", prefix), bucket.objects, read_samples(bucket, bucket.objects))
    return {table.name: table for table in tables}, notes


def schema(table: FoundTable) -> dict[str, str]:
    return {column.glue_name: glue_type(column.type) for column in table.columns}


A = b"id,name\n1,ann\n2,bob\n"
B = b'{"city":"rome","zip":1}\n{"city":"oslo","zip":2}\n'


def test_the_bronze_layer_becomes_its_five_tables() -> None:
    objects, counts = bronze_objects([1])
    tables, notes = found(objects)
    assert {name: table.format.name for name, table in tables.items()} == {
        "flights": "csv", "planes": "json", "airports": "json", "airlines": "json", "weather": "parquet",
    }  # fmt: skip
    flights = schema(tables["flights"])
    text = {name for name, kind in flights.items() if kind == "string"}
    # The broken delivery says otherwise about numbers, and is outvoted.
    assert text == {"carrier", "tailnum", "origin", "dest", "time_hour"} and len(flights) == 19
    assert {kind for name, kind in flights.items() if name not in text} == {"bigint"}
    assert tables["flights"].partition_keys == ("period",) and tables["flights"].header_lines == 1
    assert [(one.values, one.objects) for one in tables["flights"].partitions] == [(("2013-01",), 3)]
    assert tables["weather"].records == counts["weather"]
    assert schema(tables["weather"])["time_hour"] == "timestamp"
    assert schema(tables["airports"]) == {
        "faa": "string", "name": "string", "lat": "double", "lon": "double", "alt": "int", "tz": "int",
        "dst": "string", "tzone": "string",
    }  # fmt: skip
    assert sum("broken.csv.gz" in note for note in notes) == len(notes) == 3


def test_hive_folders_are_partitions_with_unescaped_values() -> None:
    tables, _ = found({"t/Year=2013/day=a%3Ab/x.csv": A, "t/Year=2014/day=1/y.csv": A, "t/Year=2014/day=1/z.csv": A})
    table = tables["t"]
    assert table.partition_keys == ("year", "day") and table.location == "s3://lake/t/"
    assert [(one.values, one.objects, one.location) for one in table.partitions] == [
        (("2013", "a:b"), 1, "s3://lake/t/Year=2013/day=a%3Ab/"),
        (("2014", "1"), 2, "s3://lake/t/Year=2014/day=1/"),
    ]


def test_plain_folders_that_are_alike_become_partitions_of_the_folder_above() -> None:
    tables, _ = found({f"lake/sales/{year}/{month}/f.csv": A for year in (2013, 2014) for month in ("01", "02")})
    table = tables["sales"]
    assert table.partition_keys == ("partition_0", "partition_1")
    assert [one.values for one in table.partitions] == [("2013", "01"), ("2013", "02"), ("2014", "01"), ("2014", "02")]
    assert table.partitions[0].location == "s3://lake/lake/sales/2013/01/"


def test_folders_that_differ_are_tables_of_their_own() -> None:
    tables, _ = found({"a/f.csv": A, "b/f.json": B, "c/f.csv": b"x,y,z\n1,2,3\n4,5,6\n"})
    assert sorted(tables) == ["a", "b", "c"]


def test_a_target_that_is_the_table_takes_its_name_from_the_folder() -> None:
    assert found({"x/flights/f.csv": A}, "x/flights/")[0]["flights"].location == "s3://lake/x/flights/"
    assert found({"f.csv": A})[0]["lake"].location == "s3://lake/"


def test_files_with_little_in_common_are_tables_each() -> None:
    tables, _ = found({"mix/a.csv": A, "mix/b.json": B})
    assert {name: table.location for name, table in tables.items()} == {
        "a.csv": "s3://lake/mix/a.csv", "b.json": "s3://lake/mix/b.json",
    }  # fmt: skip
    assert table_name("raw_", tables["a.csv"].name) == "raw_a_csv"


def test_empty_and_foreign_objects_do_not_spoil_a_table() -> None:
    tables, notes = found(
        {"t/d=1/a.csv": A * 1, "t/d=1/empty.csv": b"", "t/d=2/b.csv": A, "t/d=2/image.bin": bytes(99)}
    )
    assert schema(tables["t"]) == {"id": "bigint", "name": "string"} and tables["t"].objects == 4
    assert len(notes) == 2 and "is empty" in notes[0] and tables["t"].records is None


def test_a_partition_with_other_columns_is_set_aside_with_a_note() -> None:
    tables, notes = found({"t/d=1/a.csv": A, "t/d=2/b.csv": A, "t/d=3/c.json": B})
    assert tables["t"].format.name == "csv" and len(tables["t"].partitions) == 3
    assert len(notes) == 1 and "other columns" in notes[0]


def test_a_later_file_may_add_csv_columns_behind_and_json_columns_anywhere() -> None:
    wide = b"id,name,age\n3,eve,30\n4,dan,40\n"
    assert schema(found({"t/d=1/a.csv": A * 1, "t/d=2/b.csv": wide, "t/d=3/c.csv": wide})[0]["t"]) == {
        "id": "bigint", "name": "string", "age": "bigint",
    }  # fmt: skip
    one, two = b'{"a":1,"b":2,"c":3}\n' * 2, b'{"a":1.5,"b":2,"c":3,"d":"x"}\n' * 2
    assert schema(found({"t/1.json": one, "t/2.json": two})[0]["t"]) == {
        "a": "double", "b": "int", "c": "int", "d": "string",
    }  # fmt: skip


def test_a_column_that_is_also_a_key_is_a_key() -> None:
    tables, _ = found({"t/id=1/a.csv": b"id,x,y\n1,2,3\n1,4,5\n"})
    # CSV is read by position: its column stays, under another name. Columns of JSON are found by name.
    assert list(schema(tables["t"])) == ["id_1", "x", "y"] and tables["t"].partition_keys == ("id",)
    tables, _ = found({"t/id=1/a.json": b'{"id": 1, "x": 2}\n{"id": 1, "x": 3}\n'})
    assert list(schema(tables["t"])) == ["x"]


def test_a_file_with_another_delimiter_is_set_aside() -> None:
    tables, notes = found({"t/d=1/a.csv": A * 1, "t/d=2/b.csv": A, "t/d=3/c.csv": A.replace(b",", b";")})
    assert tables["t"].delimiter == "," and len(notes) == 1 and "c.csv" in notes[0]


def test_parquet_is_read_from_its_footer() -> None:
    table = pa.table(
        {
            "b": pa.array([1, 2], pa.int8()), "i": pa.array([1, 2], pa.int32()), "u": pa.array([1, 2], pa.uint32()),
            "f": pa.array([1, 2], pa.float32()), "when": pa.array([1, 2], pa.timestamp("us")),
            "day": pa.array([1, 2], pa.date32()), "price": pa.array([1, 2], pa.decimal128(10, 2)),
            "tags": [["x"], []], "at": [{"Lat": 1.5}, None], "raw": [b"x", b"y"],
            "m": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int32())),
            "word": pa.array(["x", "y"]).dictionary_encode(),
        }
    )  # fmt: skip
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    good = buffer.getvalue()
    tables, notes = found({"t/good": good, "t/named.parquet": good, "t/cut.parquet": good[:-20]})
    assert schema(tables["t"]) == {
        "b": "tinyint", "i": "int", "u": "bigint", "f": "float", "when": "timestamp", "day": "date",
        "price": "decimal(10,2)", "tags": "array<string>", "at": "struct<lat:double>", "raw": "binary",
        "m": "map<string,int>", "word": "string",
    }  # fmt: skip
    assert len(notes) == 1 and "cut.parquet is Parquet without a readable footer" in notes[0]


def test_a_wide_parquet_footer_is_fetched_whole() -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({f"column_{i}": [i] for i in range(2000)}), buffer)
    assert len(schema(found({"t/w.parquet": buffer.getvalue()})[0]["t"])) == 2000


def test_a_sample_size_reads_the_largest_of_each_folder() -> None:
    objects = [StoredObject("lake", key, size, "e") for key, size in [("a/1", 5), ("a/2", 9), ("b/1", 1)]]
    assert [item.key for item in to_read(Target("lake", "", (), 1), objects)] == ["a/2", "b/1"]


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("*.csv", ["a.csv"], ["d/a.csv", "a.csv.gz"]),
        ("**.csv", ["a.csv", "d/e/a.csv"], ["a.json"]),
        ("d/**", ["d/a", "d/e/a"], ["a", "x/d/a"]),
        ("file?.{csv,json}", ["file1.csv", "file2.json"], ["file.csv", "file12.csv"]),
        ("[a-c]*", ["apple"], ["dog", "/x"]),
        ("[!a-c]*", ["dog"], ["apple"]),
        (r"a\*b", ["a*b"], ["axb"]),
    ],
)
def test_exclusions_follow_glues_patterns(glob: str, yes: list[str], no: list[str]) -> None:
    pattern = glob_pattern(glob)
    assert [name for name in yes if not pattern.fullmatch(name)] == []
    assert [name for name in no if pattern.fullmatch(name)] == []


@pytest.mark.parametrize("glob", ["a[b", "{a,b", "[z-a]"])
def test_an_exclusion_that_is_no_pattern_is_refused(glob: str) -> None:
    with pytest.raises(InvalidInputException, match="exclusion"):
        glob_pattern(glob)


def test_the_table_is_written_as_glues_crawlers_write_it() -> None:
    table = table_input("t", found({"t/d=1/a.csv": A})[0]["t"], "my-crawler")
    assert table["PartitionKeys"] == [{"Name": "d", "Type": "string"}]
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"field.delim": ","}
    assert table["Parameters"] == {
        "classification": "csv", "compressionType": "none", "typeOfData": "file", "objectCount": "1",
        "sizeKey": str(len(A)), "averageRecordSize": str(round(len(A) / 2)), "recordCount": "2",
        "CrawlerSchemaSerializerVersion": "1.0", "CrawlerSchemaDeserializerVersion": "1.0",
        "UPDATED_BY_CRAWLER": "my-crawler", "delimiter": ",", "columnsOrdered": "true", "areColumnsQuoted": "false",
        "skip.header.line.count": "1",
    }  # fmt: skip
