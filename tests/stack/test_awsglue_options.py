"""Options that AWS documents, each with a test that fails without it: what is chosen, sampled, registered, purged."""

from __future__ import annotations

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lakelet.catalog.glue import Glue
from lakelet.data.formats import BY_NAME, storage_descriptor
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import engine
from lakelet.workspace.errors import EntityNotFoundException, UsageError
from tests.lake import Lake, own_lake
from tests.spark import kinds, lake_on_spark, values

if TYPE_CHECKING:
    from awsglue.context import GlueContext
    from awsglue.dynamicframe import DynamicFrame

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def place(lake: GlueContext) -> Iterator[Lake]:
    with own_lake(lake, "test-options") as made:
        yield made


@pytest.fixture(scope="module")
def parts(place: Lake) -> str:
    """A CSV table of two files in each of three partitions, ``n`` being a number of its own in every one."""
    return _six_files(place, "parts", "csv", "{},x\n")


@pytest.fixture(scope="module")
def lines(place: Lake) -> str:
    """The same as JSON in lines."""
    return _six_files(place, "lines", "json", '{{"n": {}, "t": "x"}}\n')


def _six_files(place: Lake, table: str, form: str, row: str) -> str:
    for number in range(6):
        place.put(f"{table}/p={number // 2}/{number}.{form}", row.format(number))
    register(place, table, form, [("n", "int"), ("t", "string")], [("p", "int")], ["0", "1", "2"])
    return table


def register(place: Lake, name: str, format: str, columns: Any, keys: Any, found: list[str]) -> None:
    """A table by partitions, over objects that are there."""
    catalog = Glue(place.glue.workspace)
    listed = [{"Name": column, "Type": kind} for column, kind in columns]
    descriptor = storage_descriptor(BY_NAME[format], listed, place.uri(name), serde_parameters={"field.delim": ","})
    definition = {
        "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": format},
        "PartitionKeys": [{"Name": key, "Type": kind} for key, kind in keys], "StorageDescriptor": descriptor,
    }  # fmt: skip
    catalog.call("CreateTable", DatabaseName=place.name, TableInput=definition)
    for value in found:
        one = {"Values": [value], "StorageDescriptor": {**descriptor, "Location": f"{place.uri(name)}p={value}/"}}
        catalog.call("CreatePartition", DatabaseName=place.name, TableName=name, PartitionInput=one)


def definition(place: Lake, name: str) -> dict[str, Any]:
    found: dict[str, Any] = Glue(place.glue.workspace).call("GetTable", DatabaseName=place.name, Name=name)["Table"]
    return found


def partitions(place: Lake, name: str) -> list[list[str]]:
    found = Glue(place.glue.workspace).call("GetPartitions", DatabaseName=place.name, TableName=name)["Partitions"]
    return sorted(one["Values"] for one in found)


def keys(place: Lake, folder: str) -> list[str]:
    listed = place.client.list_objects_v2(Bucket=place.name, Prefix=f"{folder}/").get("Contents", ())
    return sorted(one["Key"] for one in listed)


def numbers(frame: DynamicFrame) -> list[int]:
    return sorted(values(frame, "n"))


# -- reading tables -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["parts", "lines"])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"exclusions": '["**/p=1/**"]'}, [0, 1, 4, 5]),
        ({"boundedFiles": 3}, [0, 1, 2]),
        ({"boundedFiles": "3", "exclusions": ["**/0.*"]}, [1, 2, 3]),
        ({"excludeStorageClasses": ["STANDARD"]}, []),
        ({"groupFiles": "none", "useS3ListImplementation": True, "groupSize": "1"}, [0, 1, 2, 3, 4, 5]),
        ({"catalogPartitionPredicate": "p = 1"}, [2, 3]),
        ({"catalogPartitionPredicate": "p > 0", "boundedFiles": 1}, [2]),
    ],
)
def test_additional_options_choose_the_objects_of_a_table(
    place: Lake, parts: str, lines: str, table: str, options: dict[str, Any], expected: list[int]
) -> None:
    read = place.glue.create_dynamic_frame.from_catalog
    assert numbers(read(database=place.name, table_name=table, additional_options=options)) == expected


@pytest.mark.parametrize("table", ["parts", "lines"])
def test_predicates_leave_partitions_out(place: Lake, parts: str, lines: str, table: str) -> None:
    glue = place.glue
    assert numbers(glue.create_dynamic_frame_from_catalog(place.name, table, push_down_predicate="p >= 1")) == [
        2, 3, 4, 5,
    ]  # fmt: skip
    both = {"catalogPartitionPredicate": "p < 2"}
    read = glue.create_dynamic_frame.from_catalog
    assert numbers(read(place.name, table, push_down_predicate="p > 0", additional_options=both)) == [2, 3]
    rows = glue.create_data_frame.from_catalog(place.name, table, "ctx", {"catalogPartitionPredicate": "p = 2"})
    assert sorted(row.n for row in rows.collect()) == [4, 5]


def test_a_predicate_over_a_table_without_partitions_is_refused(place: Lake) -> None:
    place.put("whole/a.json", '{"n": 1}\n')
    place.table("whole", "whole", "json", {"n": "int"})
    for given in ({"push_down_predicate": "n = 1"}, {"additional_options": {"catalogPartitionPredicate": "n = 1"}}):
        with pytest.raises(UsageError, match="no partition keys"):
            place.glue.create_dynamic_frame.from_catalog(place.name, "whole", **given)


def test_samples_of_tables_and_of_folders(place: Lake, parts: str, lines: str) -> None:
    glue = place.glue
    sample = glue.create_sample_dynamic_frame.from_catalog
    for table in (parts, lines):
        of_one = {"maxSamplePartitions": 1}
        assert numbers(sample(place.name, table, 9, sample_options=of_one)) == [0, 1]
        assert numbers(sample(place.name, table, 9, sample_options={"maxSampleFilesPerPartition": 1})) == [0, 2, 4]
        later = sample(place.name, table, 9, push_down_predicate="p = 2", sample_options=of_one)
        assert numbers(later) == [4, 5]
        assert len(set(numbers(sample(place.name, table, num=4)))) == 4
    given = {"paths": [place.uri("lines")], "recurse": True}
    few = glue.create_sample_dynamic_frame_from_options("s3", given, 9, {"maxSampleFilesPerPartition": "1"}, "json")
    assert numbers(few) == [0, 2, 4]
    assert len(numbers(glue.create_sample_dynamic_frame.from_options("s3", given, 2, format="json"))) == 2
    with pytest.raises(UnsupportedError, match="maxSampleRows"):
        sample(place.name, parts, 9, sample_options={"maxSampleRows": 1})


# -- reading folders ----------------------------------------------------------------------------------------------


def test_options_that_are_true_or_false_may_be_text(place: Lake) -> None:
    place.put("flags/a.csv", "n,t\n1,x\n")
    place.put("flags/deep/b.csv", "n,t\n2,y\nbroken\n")
    heading = place.read("flags", "csv", {"withHeader": "true"}, recurse="false")
    assert values(heading, "n") == ["1"]
    assert values(place.read("flags", "csv", {"withHeader": "false"}), "col0") == ["n", "1"]
    assert values(place.read("flags", "csv", {"skipFirst": "true", "withHeader": "False"}), "col0") == ["1"]
    assert values(place.read("flags", "csv", {"skipFirst": True}), "col0") == ["1"]
    deep = place.read("flags", "csv", {"withHeader": True}, recurse="True", isFailFast="false")
    assert (sorted(values(deep, "n")), deep.errorsCount()) == (["1", "2"], 1)
    with pytest.raises(Exception, match="error records"):
        place.read("flags", "csv", {"withHeader": True}, recurse=True, isFailFast="true")
    with pytest.raises(UsageError, match="recurse is 'yes', and takes true or false"):
        place.read("flags", "csv", recurse="yes")


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_recurse_of_folders_that_are_no_partitions(place: Lake, format: str) -> None:
    session = place.glue.spark_session
    for number, folder in enumerate((f"nested-{format}", f"nested-{format}/x", f"nested-{format}/x/y")):
        rows = session.createDataFrame([(number,)], "n int").coalesce(1)
        place.glue.write_data_frame.from_options(rows, "s3", {"path": place.uri(folder)}, format)
    assert numbers(place.read(f"nested-{format}", format, recurse=True)) == [0, 1, 2]
    assert numbers(place.read(f"nested-{format}", format, recurse=True, exclusions=["**/y/**"])) == [0, 1]
    assert numbers(place.read(f"nested-{format}", format, recurse=True, boundedFiles=1)) == [0]


@pytest.mark.parametrize(("suffix", "kind"), [("gz", "gzip"), ("bz2", "bzip2")])
def test_compression_is_by_name_and_may_be_said(place: Lake, suffix: str, kind: str) -> None:
    import bz2
    import gzip

    squeeze = gzip.compress if kind == "gzip" else bz2.compress
    place.put(f"squeezed-{kind}/a.csv.{suffix}", squeeze(b"7,x\n"))
    place.put(f"squeezed-{kind}-json/a.json.{suffix}", squeeze(b'{"n": 7}\n'))
    assert values(place.read(f"squeezed-{kind}", "csv", compressionType=kind), "col0") == ["7"]
    assert values(place.read(f"squeezed-{kind}-json", "json", compressionType=kind), "n") == [7]


def test_rows_of_csv_over_several_lines(place: Lake) -> None:
    place.put("multi/a.csv", '1,"two\nlines"\n2,plain\n')
    for options in ({}, {"multiLine": "true"}, {"multiline": True, "optimizePerformance": False}):
        assert values(place.read("multi", "csv", options), "col1") == ["two\nlines", "plain"]


@lake_on_spark
def test_options_of_xml(place: Lake) -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><all><row id="1" x="q"><n> 5 </n><m></m>\xe9</row></all>'
    place.put("xml/a.xml", text.encode("latin-1"))

    def read(**options: Any) -> dict[str, Any]:
        (row,) = place.read("xml", "xml", {"rowTag": "row", "encoding": "ISO-8859-1", **options}).toDF().collect()
        return {name: value for name, value in row.asDict().items() if value is not None}

    assert read() == {"_VALUE": "é", "_id": 1, "_x": "q", "m": "", "n": 5}
    assert read(valueTag="own")["own"] == "é"
    assert not any(name.startswith("_i") for name in read(excludeAttribute=True))
    assert "m" not in read(treatEmptyValuesAsNulls="true")
    schema = '{"type":"struct","fields":[{"name":"n","type":"string","nullable":true,"metadata":{}}]}'
    assert read(withSchema=schema, ignoreSurroundingSpaces=False) == {"n": " 5 "}
    assert read(withSchema=schema, ignoreSurroundingSpaces=True) == {"n": "5"}


# -- sinks --------------------------------------------------------------------------------------------------------


def sink(place: Lake, table: str, format: str = "glueparquet", **options: Any) -> Any:
    made = place.glue.getSink("s3", path=place.uri(table), **options)
    made.setFormat(format)
    made.setCatalogInfo(place.name, table)
    return made


def frame_of(place: Lake, sql: str) -> DynamicFrame:
    from awsglue.dynamicframe import DynamicFrame

    return DynamicFrame.fromDF(place.glue.spark_session.sql(sql).coalesce(1), place.glue, "rows")


def columns(place: Lake, table: str) -> list[tuple[str, str]]:
    return [(one["Name"], one["Type"]) for one in definition(place, table)["StorageDescriptor"]["Columns"]]


@pytest.mark.parametrize("behavior", ["LOG", "UPDATE_IN_DATABASE", None])
def test_update_behavior_decides_about_columns_and_not_about_partitions(place: Lake, behavior: str | None) -> None:
    table, update = f"update_{behavior}".lower(), {"updateBehavior": behavior} if behavior else {}
    given = {"enableUpdateCatalog": True, "partitionKeys": ["p"], **update}
    sink(place, table, **given).writeFrame(frame_of(place, "select 1 as id, 'x' as name, 1 as p"))
    assert columns(place, table) == [("id", "int"), ("name", "string")]
    sink(place, table, **given).writeFrame(frame_of(place, "select 2 as id, 2 as p"))
    assert partitions(place, table) == [["1"], ["2"]]
    logged = behavior == "LOG"
    assert columns(place, table) == [("id", "int"), ("name", "string")][: 2 if logged else 1]
    wider = frame_of(place, "select 3 as id, 'y' as name, true as more, 3 as p")
    if logged:
        with pytest.raises(UsageError, match="no column more and updateBehavior LOG adds none"):
            sink(place, table, **given).writeFrame(wider)
        return
    sink(place, table, **given).writeFrame(wider)
    assert columns(place, table) == [("id", "int"), ("name", "string"), ("more", "boolean")]
    assert partitions(place, table) == [["1"], ["2"], ["3"]]
    read = place.glue.create_dynamic_frame.from_catalog(place.name, table)
    assert sorted(values(read, "id", "more", "p"), key=str) == [(1, None, 1), (2, None, 2), (3, True, 3)]


def test_the_catalog_is_left_alone_unless_it_is_to_be_updated(place: Lake) -> None:
    rows = frame_of(place, "select 1 as id")
    for number, given in enumerate(({}, {"enableUpdateCatalog": False}, {"enableUpdateCatalog": "false"})):
        sink(place, f"silent_{number}", **given).writeFrame(rows)
        assert len(keys(place, f"silent_{number}")) == 1
        with pytest.raises(EntityNotFoundException):
            definition(place, f"silent_{number}")
    sink(place, "said", enableUpdateCatalog="true").writeFrame(rows)
    assert columns(place, "said") == [("id", "int")]
    with pytest.raises(UsageError, match="updateBehavior is 'MERGE'"):
        sink(place, "never", updateBehavior="MERGE")
    with pytest.raises(UsageError, match="needs setCatalogInfo"):
        place.glue.getSink("s3", path=place.uri("never"), enableUpdateCatalog=True).writeFrame(rows)


@pytest.mark.parametrize("face", ["dynamic", "data"])
def test_a_table_of_the_catalog_is_written_with_its_partitions(place: Lake, face: str) -> None:
    table, glue = f"table_{face}", place.glue
    given = {"enableUpdateCatalog": True, "partitionKeys": ["p"]}
    sink(place, table, "csv", **given).writeFrame(frame_of(place, "select 1 as n, 'a,b' as t, 1 as p"))
    more = frame_of(place, "select 2 as n, 'c' as t, 2 as p")
    if face == "dynamic":
        write, rows = glue.write_dynamic_frame.from_catalog, more
    else:
        write, rows = glue.write_data_frame.from_catalog, more.toDF()
    with pytest.raises(UsageError, match="partitioned by"):
        write(rows, place.name, table)
    assert write(rows, place.name, table, "", "ctx", given) is rows
    read = glue.create_dynamic_frame.from_catalog(place.name, table)
    assert sorted(values(read, "n", "t", "p")) == [(1, "a,b", 1), (2, "c", 2)]


def test_what_a_run_writes_boto3_sees_at_once_and_the_reverse(place: Lake) -> None:
    sink(place, "seen", "json", enableUpdateCatalog=True).writeFrame(frame_of(place, "select 1L as n, 'x' as t"))
    assert definition(place, "seen")["Parameters"]["classification"] == "json"
    descriptor = definition(place, "seen")["StorageDescriptor"]
    other = {"Name": "renamed", "StorageDescriptor": descriptor, "Parameters": {"classification": "json"}}
    Glue(place.glue.workspace).call("CreateTable", DatabaseName=place.name, TableInput=other)
    assert values(place.glue.create_dynamic_frame.from_catalog(place.name, "renamed"), "n", "t") == [(1, "x")]


# -- choices by the catalog ---------------------------------------------------------------------------------------


def test_match_catalog_casts_to_the_types_of_a_table(place: Lake) -> None:
    place.put("messy/a.json", '{"n": 1, "s": {"a": 1, "b": "x"}, "free": 1}\n{"n": "7", "s": {"b": 2}}\n{"n": "no"}\n')
    place.table("typed", "typed", "json", {"N": "int", "s": "struct<b:string,a:int>", "gone": "string"})
    messy = place.read("messy", "json")
    assert kinds(messy)["n"] == "struct<long:bigint,string:string>"
    for matched in (
        messy.resolveChoice(choice="match_catalog", database=place.name, table_name="typed"),
        messy.resolveChoice(None, "match_catalog", place.name, "typed", "ctx"),
    ):
        assert kinds(matched) == {"free": "bigint", "n": "int", "s": "struct<b:string,a:int>"}
        found = values(matched, "n", "s.a", "s.b", "free")
        assert sorted(found, key=str) == [(1, 1, "x", 1), (7, None, "2", None), (None, None, None, None)]
    with pytest.raises(UsageError, match="needs database and table_name"):
        messy.resolveChoice(choice="match_catalog")
    with pytest.raises(EntityNotFoundException):
        messy.resolveChoice(choice="match_catalog", database=place.name, table_name="nowhere")


# -- spigot, purges, and the rest of the context ------------------------------------------------------------------


def test_spigot_writes_a_sample_and_goes_on_with_all(place: Lake) -> None:
    from awsglue.transforms import Spigot

    frame = frame_of(place, "select id as n from range(400)")

    def written(folder: str, options: Any) -> int:
        assert Spigot.apply(frame, place.uri(folder), options, "ctx").count() == 400
        return place.read(folder, "json").count()

    assert written("spigot-top", {"topk": 7}) == 7
    assert written("spigot-none", {}) == 100
    assert written("spigot-all", {"topk": "400"}) == 400
    assert 20 < written("spigot-prob", {"topk": 400, "prob": 0.2}) < 200
    for options, said in (({"topk": 0}, "topk is 0"), ({"prob": "2"}, r"spigot takes .* not 2\.0")):
        with pytest.raises(UsageError, match=said):
            frame.spigot(place.uri("spigot-never"), options)
    with pytest.raises(UnsupportedError, match="seed"):
        frame.spigot(place.uri("spigot-never"), {"seed": 1})
    assert keys(place, "spigot-never") == []


@pytest.mark.parametrize(
    ("options", "stays"),
    [
        ({}, True),  # 168 hours
        ({"retentionPeriod": 1}, True),
        ({"retentionPeriod": "0"}, False),
        ({"retentionPeriod": 0, "excludeStorageClasses": ["STANDARD"]}, True),
        ({"retentionPeriod": 0, "excludeStorageClasses": '["STANDARD"]'}, True),
        ({"retentionPeriod": 0, "excludeStorageClasses": ["GLACIER"]}, False),
    ],
)
@pytest.mark.parametrize("what", ["table", "path"])
def test_purges_keep_what_they_are_told_to(place: Lake, what: str, options: dict[str, Any], stays: bool) -> None:
    from awsglue.job import Job

    place.put("purged/a.json", '{"n": 1}\n')
    if what == "table" and "purged" not in [
        one["Name"] for one in Glue(place.glue.workspace).call("GetTables", DatabaseName=place.name)["TableList"]
    ]:
        place.table("purged", "purged", "json", {"n": "int"})
    if what == "table":
        place.glue.purge_table(database=place.name, table_name="purged", options=options)
    else:
        place.glue.purge_s3_path(place.uri("purged"), options)
    assert keys(place, "purged") == ["purged/a.json"], "nobody sees it before the commit"
    job = Job(place.glue)
    job.init("purges", {})
    job.commit()
    assert (keys(place, "purged") == ["purged/a.json"]) is stays


@lake_on_spark
def test_records_of_an_rdd(place: Lake) -> None:
    session = place.glue.spark_session
    rdd = session.sparkContext.parallelize([(1, "a"), (2, "b")])
    frame = place.glue.create_dynamic_frame.from_rdd(rdd, "named", ["n", "t"])
    assert (frame.name, sorted(values(frame, "n", "t"))) == ("named", [(1, "a"), (2, "b")])
    again = place.glue.create_dynamic_frame_from_rdd(rdd, "named", "n int, t string", None, "ctx")
    assert (again.name, kinds(again)) == ("ctx", {"n": "int", "t": "string"})


def test_a_reader_that_is_not_there_is_named(lake: GlueContext) -> None:
    with pytest.raises(AttributeError, match=r"no from_dataframe, on AWS neither: .* DynamicFrame\.fromDF"):
        lake.create_dynamic_frame.from_dataframe(None, lake, "name")
    from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection

    frame = DynamicFrame.fromDF(lake.spark_session.range(2), lake, "rows")
    several = DynamicFrameCollection({"good": frame, "bad": frame}, lake)
    with pytest.raises(AttributeError, match=r"no toDF: take one of its frames \(good, bad\) by SelectFromCollection"):
        lake.write_dynamic_frame.from_options(several, "s3", {"path": "s3://nowhere/"}, "json")


def test_the_logger_says_its_levels_where_the_run_is_read(lake: GlueContext, capsys: Any) -> None:
    logger = lake.get_logger()
    assert logger is lake.get_logger()
    handler = logging.StreamHandler()
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Python's of warn, which is Glue's own name
            for level in ("info", "warn", "error"):
                getattr(logger, level)(f"said {level}")
        logger.debug("not said")
    finally:
        logger.removeHandler(handler)
    said = capsys.readouterr().err
    assert [word for word in ("info", "warn", "error", "not") if f"said {word}" in said or word == "not" in said] == [
        "info", "warn", "error",
    ]  # fmt: skip


# -- error records ------------------------------------------------------------------------------------------------


def test_error_records_of_all_steps_are_counted_together(place: Lake) -> None:
    texts = ['{"a": 1}', "oops", '{"a": 2}']
    place.put("errors-csv/a.csv", "id|j\n" + "".join(f"{n}|{text}\n" for n, text in enumerate(texts)) + "broken\n")
    records = (json.dumps({"id": str(n), "j": text}) for n, text in enumerate(texts))
    place.put("errors-json/a.json", "\n".join([*records, "no json"]))

    def odd(record: dict[str, Any]) -> dict[str, Any]:
        if record["id"] == "2":
            raise ValueError("two")
        return {"id": record["id"]}

    for format, options in (("csv", {"withHeader": True, "separator": "|", "quoteChar": -1}), ("json", {})):
        frame = place.read(f"errors-{format}", format, options)
        unboxed = frame.unbox("j", "json")
        mapped = unboxed.map(odd)
        both = mapped.union(frame)
        assert [one.errorsCount() for one in (frame, unboxed, mapped, both)] == [1, 2, 3, 4]
        assert [one.stageErrorsCount() for one in (frame, unboxed, mapped)] == [1, 1, 1]
        told = mapped.errorsAsDynamicFrame().toDF().select("error.msg", "error.input").collect()
        assert sorted(row["msg"].partition(":")[0] for row in told)[0] == "ValueError"
        assert {"oops"} < {row["input"] for row in told}
        assert values(mapped, "id") == ["0"]


# -- what written files are like ----------------------------------------------------------------------------------


def written(place: Lake, folder: str, format: str, options: dict[str, Any], sql: str) -> tuple[str, bytes]:
    """The name and the bytes of the one object that a sink writes."""
    rows = frame_of(place, sql)
    place.glue.write_dynamic_frame.from_options(rows, "s3", {"path": place.uri(folder)}, format, options)
    (key,) = keys(place, folder)
    return key, place.client.get_object(Bucket=place.name, Key=key)["Body"].read()


@pytest.mark.parametrize("codec", ["snappy", "gzip", "none", "zstd"])
def test_parquet_is_compressed_as_it_is_said(place: Lake, codec: str) -> None:
    import pyarrow.parquet as pq

    key, content = written(place, f"codec-{codec}", "glueparquet", {"compression": codec}, "select 'x' as t")
    assert re.search(r"/run-\d{13}-part-block-0-r-00000(-\w+)?\.parquet$", key)
    column = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0).column(0)
    assert column.compression == {"none": "UNCOMPRESSED"}.get(codec, codec.upper())


def test_text_is_compressed_as_it_is_said(place: Lake) -> None:
    import bz2
    import gzip

    key, content = written(place, "text-gzip", "json", {"compression": "gzip"}, "select 'x' as t")
    assert re.search(r"/run-\d{13}-part-r-00000\.(json\.)?gz$", key)
    assert gzip.decompress(content) == b'{"t":"x"}\n'
    key, content = written(place, "text-bzip2", "csv", {"compression": "bzip2"}, "select 'x' as t")
    assert (key.endswith(".bz2"), bz2.decompress(content)) == (True, b"t\nx\n")
    sink = place.glue.getSink("s3", path=place.uri("text-sink"), compression="gzip")
    sink.setFormat("json")
    sink.writeFrame(frame_of(place, "select 1 as n"))
    (key,) = keys(place, "text-sink")
    assert gzip.decompress(place.client.get_object(Bucket=place.name, Key=key)["Body"].read()) == b'{"n":1}\n'


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, b'n,t\n1,"a,""b"\n'),
        ({"writeHeader": False}, b'1,"a,""b"\n'),
        ({"writeHeader": "false", "separator": "|"}, b'1|"a,""b"\n'),
        ({"separator": ";", "quoteChar": "'"}, b'n;t\n1;a,"b\n'),
    ],
)
def test_csv_is_written_as_it_is_said(place: Lake, options: dict[str, Any], expected: bytes) -> None:
    folder = f"csv-{abs(hash(str(options)))}"
    assert written(place, folder, "csv", options, "select 1 as n, 'a,\"b' as t")[1] == expected


def test_the_sizes_of_parquet_are_those_that_are_said(place: Lake) -> None:
    import pyarrow.parquet as pq

    sql = "select sha2(cast(id as string), 256) as t from range(60000)"

    def metadata(folder: str, **options: Any) -> Any:
        options = {"compression": "none", **options}
        rows = frame_of(place, sql)
        place.glue.write_dynamic_frame.from_options(rows, "s3", {"path": place.uri(folder)}, "parquet", options)
        found = (place.client.get_object(Bucket=place.name, Key=key)["Body"].read() for key in keys(place, folder))
        return max((pq.ParquetFile(io.BytesIO(one)).metadata for one in found), key=lambda told: told.num_rows)

    whole = metadata("whole-group")
    assert whole.num_row_groups == 1
    small = metadata("small-groups", blockSize=1 << 19, pageSize=1 << 16).num_row_groups
    assert small == 1 if engine.active() else small > 3  # on Sail without effect, as docs/awsglue.md says
    # Each page has a header, of some 20 bytes and more: nobody tells how many pages there are.
    pages = metadata("small-pages", pageSize="4096")
    more = pages.row_group(0).column(0).total_compressed_size - whole.row_group(0).column(0).total_compressed_size
    assert pages.num_row_groups == 1 and (more == 0 if engine.active() else 5_000 < more < 100_000)
    with pytest.raises(UsageError, match="blockSize is 'big', and takes a whole number from 1"):
        metadata("no-group", blockSize="big")


def test_nulls_are_left_out_of_json_and_nested_values_stay(place: Lake) -> None:
    sql = "select 1 as n, cast(null as string) as gone, named_struct('a', array(1, 2), 'b', cast(null as int)) as s"
    assert json.loads(written(place, "json-nulls", "json", {}, sql)[1]) == {"n": 1, "s": {"a": [1, 2]}}
