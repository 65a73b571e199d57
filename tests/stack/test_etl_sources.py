"""GlueContext's sources and sinks on a real lake, in this process: every signature, every option."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakelet.data.objects import s3_client
from lakelet.etl.errors import UnsupportedError
from lakelet.workspace.errors import EntityNotFoundException, UsageError
from tests.spark import lake_on_spark, values

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = pytest.mark.stack

BUCKET = "test-sources"


@pytest.fixture(scope="module")
def s3(lake: GlueContext) -> Iterator[Any]:
    """Three CSV files of one number each, two of them in partition folders, and a table over them."""
    client = s3_client(lake.workspace)
    client.create_bucket(Bucket=BUCKET)
    for name in ("a.csv", "part=1/b.csv", "part=2/c.csv"):
        client.put_object(Bucket=BUCKET, Key=f"in/{name}", Body=b"n\n%d\n" % ord(name.rpartition("/")[2][0]))
    yield client
    for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        client.delete_object(Bucket=BUCKET, Key=one["Key"])
    client.delete_bucket(Bucket=BUCKET)


def numbers(lake: GlueContext, **options: Any) -> list[int]:
    given = {"paths": [f"s3://{BUCKET}/in/"], "recurse": True, **options}
    return sorted(
        map(int, values(lake.create_dynamic_frame.from_options("s3", given, "csv", {"withHeader": True}), "n"))
    )


def test_options_choose_objects(lake: GlueContext, s3: Any) -> None:
    assert numbers(lake) == [97, 98, 99]
    assert numbers(lake, recurse=False) == [97]
    assert numbers(lake, exclusions='["**/part=1/**"]') == [97, 99]
    assert numbers(lake, exclusions=["[ab].csv"]) == [99]
    assert numbers(lake, boundedFiles="2") == [97, 98]
    assert numbers(lake, boundedSize=10) == [97, 98]
    assert numbers(lake, excludeStorageClasses=["GLACIER"], groupFiles="inPartition", groupSize="1048576") == [
        97,
        98,
        99,
    ]
    with pytest.raises(UsageError, match="left out"):
        numbers(lake, excludeStorageClasses=["STANDARD"])
    with pytest.raises(UsageError, match="groupFiles"):
        numbers(lake, groupFiles="sometimes")
    with pytest.raises(UnsupportedError, match=r"does not end in \.gz"):
        numbers(lake, compressionType="gzip")
    with pytest.raises(UnsupportedError, match="encryption"):
        numbers(lake, encryption="SSE")


def test_a_source_and_a_sink_are_configured_step_by_step(lake: GlueContext, s3: Any) -> None:
    source = lake.getSource("s3", paths=[f"s3://{BUCKET}/in/"])
    source.setFormat("csv", withHeader=True)
    frame = source.getFrame()
    assert values(frame, "n") == ["97"]
    sink = lake.getSink("s3", path=f"s3://{BUCKET}/out/")
    sink.setFormat("json")
    sink.writeFrame(frame)
    assert lake.create_data_frame.from_options("s3", {"paths": [f"s3://{BUCKET}/out/"]}, "json").count() == 1


def test_samples(lake: GlueContext, s3: Any) -> None:
    given: Any = ("s3", {"paths": [f"s3://{BUCKET}/in/"], "recurse": True})
    read = lake.create_sample_dynamic_frame_from_options
    assert len(set(values(read(*given, 2, {}, "csv", {"withHeader": True}), "n"))) == 2  # any two
    assert values(read(*given, 9, {"maxSamplePartitions": 1}, "csv", {"withHeader": True}), "n") == ["97"]


def test_frames_and_collections_are_written(lake: GlueContext, s3: Any) -> None:
    from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection

    rows = lake.spark_session.range(2)
    frame = DynamicFrame.fromDF(rows, lake, "x")
    where = {"path": f"s3://{BUCKET}/twice/"}
    lake.write_from_options(DynamicFrameCollection({"a": frame, "b": frame}, lake), "s3", where, "parquet")
    lake.write_data_frame.from_options(rows, "s3", where, "parquet")
    lake.write_dynamic_frame_from_options(frame, "s3", where, "parquet", {"compression": "gzip"})
    assert lake.create_dynamic_frame_from_options("s3", {"paths": [where["path"]]}, "parquet").count() == 8


def test_purges_take_both_orders_of_their_parameters(lake: GlueContext) -> None:
    for given in (("nowhere", "nothing", {"retentionPeriod": 1}), (None, "nowhere", "nothing")):
        with pytest.raises(EntityNotFoundException, match="nowhere"):
            lake.purge_table(*given)


@lake_on_spark
def test_batches(lake: GlueContext, s3: Any, tmp_path: Path) -> None:
    session = lake.spark_session
    stream = session.readStream.schema("n string").option("recursiveFileLookup", True).text(f"s3a://{BUCKET}/in/")
    seen: list[tuple[int, int]] = []
    failures = ["once"]

    def batch(rows: Any, number: int) -> None:
        if failures:
            raise RuntimeError(failures.pop())
        seen.append((number, lake.add_ingestion_time_columns(rows, "hour").where("ingest_year > 2000").count()))

    options = {"windowSize": "1 seconds", "checkpointLocation": tmp_path.as_uri()}
    thread = threading.Thread(target=lake.forEachBatch, args=(stream, batch, options), daemon=True)
    thread.start()
    for _ in range(600):
        if seen:
            break
        thread.join(0.1)
    for query in session.streams.active:
        query.stop()
    thread.join(30)
    assert seen == [(0, 6)] and not thread.is_alive()
    with pytest.raises(UsageError, match="streaming"):
        lake.forEachBatch(session.range(1), batch, options)


def test_what_is_not_there_is_refused_by_name(lake: GlueContext) -> None:
    for name in ("transition_table", "transition_s3_path", "start_transaction", "commit_transaction"):
        with pytest.raises(UnsupportedError, match=name):
            getattr(lake, name)("x", "y")
    for kind in ("dynamodb", "kinesis", "kafka"):
        with pytest.raises(UnsupportedError, match=kind):
            lake.getSource(kind)
        with pytest.raises(UnsupportedError, match=kind):
            lake.create_data_frame_from_options(kind)
