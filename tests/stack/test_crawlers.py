"""Crawlers over the wire, on objects in the real store: what they find, find again, and no longer find."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lakelet.data.objects import s3_client
from lakelet.stack import operate
from lakelet.stack.record import read_record
from lakelet.workspace.paths import Workspace
from tests.clients import glue_client
from tests.conftest import eventually, start

pytestmark = pytest.mark.stack

WAIT_SECONDS = 120
HEADING = b"flight_id,dep_delay,tailnum\n"
ROWS = b"1,2.5,N10\n2,,N11\n3,-4,\n"
PLANES = b'{"tailnum": "N10", "seats": 55}\n{"tailnum": "N11", "seats": 182}\n'


class Lake:
    """A bucket, a database and a crawler of one test's own."""

    def __init__(self, workspace: Any) -> None:
        self.workspace = workspace
        self.name = f"crawl-{uuid.uuid4().hex[:12]}"
        self.database = self.name.replace("-", "_")
        self.s3, self.glue = s3_client(workspace), glue_client(workspace)
        self.s3.create_bucket(Bucket=self.name)

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=content)

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.s3.delete_object(Bucket=self.name, Key=key)

    def fill(self) -> None:
        for month in ("01", "02"):
            packed = gzip.compress(HEADING + ROWS * 100)
            self.put(f"flights/period=2013-{month}/flights.csv.gz", packed)
        self.put("flights/period=2013-01/broken.csv.gz", gzip.compress(HEADING + b"x,y\nN\xe9,\xff,z\n")[:-9])
        self.put("planes/planes.json", PLANES)
        self.put("planes/_SUCCESS", b"")

    def create(self, path: str = "", **more: Any) -> None:
        target = {"Path": f"s3://{self.name}/{path}"} | more.pop("target", {})
        self.glue.create_crawler(
            Name=self.name, Role="r", DatabaseName=self.database, Targets={"S3Targets": [target]}, **more
        )

    def crawl(self) -> dict[str, Any]:
        self.glue.start_crawler(Name=self.name)
        return self.ended()

    def ended(self) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_SECONDS
        while (crawler := self.glue.get_crawler(Name=self.name)["Crawler"])["State"] != "READY":
            assert time.monotonic() < deadline, crawler
            time.sleep(0.1)
        return dict(crawler["LastCrawl"])

    def tables(self) -> dict[str, dict[str, Any]]:
        return {one["Name"]: one for one in self.glue.get_tables(DatabaseName=self.database)["TableList"]}

    def partitions(self, table: str = "flights") -> dict[str, dict[str, Any]]:
        found = self.glue.get_partitions(DatabaseName=self.database, TableName=table)["Partitions"]
        return {"/".join(one["Values"]): one for one in found}


@pytest.fixture
def lake(stack: Any) -> Iterator[Lake]:
    lake = Lake(stack.workspace)
    yield lake
    for item in lake.s3.list_objects_v2(Bucket=lake.name).get("Contents", ()):
        lake.delete(item["Key"])
    lake.s3.delete_bucket(Bucket=lake.name)
    for drop in (
        lambda: lake.glue.delete_crawler(Name=lake.name),
        lambda: lake.glue.delete_database(Name=lake.database),
    ):
        try:
            drop()
        except lake.glue.exceptions.EntityNotFoundException:
            continue


def test_a_crawl_finds_tables_partitions_and_what_is_new(lake: Lake) -> None:
    lake.fill()
    lake.create()
    assert lake.crawl()["Status"] == "SUCCEEDED"

    tables = lake.tables()
    assert sorted(tables) == ["flights", "planes"]
    flights = tables["flights"]
    assert flights["TableType"] == "EXTERNAL_TABLE"
    assert flights["StorageDescriptor"]["Location"] == f"s3://{lake.name}/flights/"
    assert [(column["Name"], column["Type"]) for column in flights["StorageDescriptor"]["Columns"]] == [
        ("flight_id", "bigint"), ("dep_delay", "double"), ("tailnum", "string"),
    ]  # fmt: skip
    assert flights["PartitionKeys"] == [{"Name": "period", "Type": "string"}]
    assert flights["Parameters"].items() >= {"classification": "csv", "skip.header.line.count": "1"}.items()
    assert tables["planes"]["Parameters"].items() >= {"classification": "json", "recordCount": "2"}.items()
    partitions = lake.partitions()
    assert list(partitions) == ["2013-01", "2013-02"]
    location = partitions["2013-01"]["StorageDescriptor"]["Location"]
    assert location == f"s3://{lake.name}/flights/period=2013-01/"

    # Crawling again changes nothing, not even a version.
    assert lake.crawl()["Status"] == "SUCCEEDED"
    assert lake.tables() == tables and lake.partitions() == partitions

    # A new folder is a new partition, and a new column behind the others reaches the partitions there were.
    wider = b"flight_id,dep_delay,tailnum,gate\n" + b"4,1,N12,7\n" * 300
    lake.put("flights/period=2013-03/flights.csv", wider)
    assert lake.crawl()["Status"] == "SUCCEEDED"
    partitions = lake.partitions()
    assert list(partitions) == ["2013-01", "2013-02", "2013-03"]
    for one in (lake.tables()["flights"], *partitions.values()):
        assert one["StorageDescriptor"]["Columns"][3:] == [{"Name": "gate", "Type": "bigint"}]

    crawls = lake.glue.list_crawls(CrawlerName=lake.name)["Crawls"]
    assert [crawl["State"] for crawl in crawls] == ["COMPLETED"] * 3
    changes = [json.loads(crawl["Summary"]) for crawl in reversed(crawls)]
    assert [change["TABLE"]["ADD"] for change in changes] == [2, 0, 0]
    assert [change["PARTITION"]["ADD"] for change in changes] == [2, 0, 1]


@pytest.mark.parametrize("behavior", ["DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE", "LOG"])
def test_what_is_gone_is_dealt_with_as_the_policy_says(lake: Lake, behavior: str) -> None:
    lake.fill()
    lake.create(SchemaChangePolicy={"DeleteBehavior": behavior})
    lake.crawl()
    lake.delete("flights/period=2013-02/flights.csv.gz", "planes/planes.json", "planes/_SUCCESS")
    assert lake.crawl()["Status"] == "SUCCEEDED"
    tables, partitions = lake.tables(), lake.partitions()
    if behavior == "DELETE_FROM_DATABASE":
        assert sorted(tables) == ["flights"] and list(partitions) == ["2013-01"]
        return
    marked = behavior == "DEPRECATE_IN_DATABASE"
    assert ("DEPRECATED_BY_CRAWLER" in tables["planes"]["Parameters"]) is marked
    assert ("DEPRECATED_BY_CRAWLER" in partitions["2013-02"].get("Parameters", {})) is marked
    assert "DEPRECATED_BY_CRAWLER" not in partitions["2013-01"].get("Parameters", {})
    if not marked:
        return
    # What comes back is no longer deprecated.
    lake.fill()
    lake.crawl()
    assert "DEPRECATED_BY_CRAWLER" not in lake.tables()["planes"]["Parameters"]
    assert "DEPRECATED_BY_CRAWLER" not in lake.partitions()["2013-02"].get("Parameters", {})


def test_a_missing_bucket_fails_the_crawl_in_one_sentence_and_changes_nothing(lake: Lake) -> None:
    bucket = f"{lake.name}-gone"
    lake.glue.create_crawler(
        Name=lake.name, Role="r", DatabaseName=lake.database, Targets={"S3Targets": [{"Path": f"s3://{bucket}/x"}]}
    )
    last = lake.crawl()
    assert last["Status"] == "FAILED"
    assert last["ErrorMessage"] == (
        f"The bucket {bucket} does not exist: create it, or correct the crawler's target s3://{bucket}/x/."
    )
    with pytest.raises(lake.glue.exceptions.EntityNotFoundException):
        lake.glue.get_database(Name=lake.database)


def test_prefix_exclusions_and_log_policy(lake: Lake) -> None:
    lake.fill()
    lake.create(
        TablePrefix="raw_",
        target={"Exclusions": ["planes/**", "**/broken*"]},
        SchemaChangePolicy={"UpdateBehavior": "LOG"},
    )
    lake.crawl()
    tables = lake.tables()
    assert sorted(tables) == ["raw_flights"] and tables["raw_flights"]["Parameters"]["objectCount"] == "2"
    lake.put(
        "flights/period=2013-03/flights.csv.gz", gzip.compress(b"flight_id,dep_delay,tailnum,gate\n" + b"4,1,N,7\n")
    )
    lake.put(
        "flights/period=2013-03/more.csv.gz", gzip.compress(b"flight_id,dep_delay,tailnum,gate\n" + b"4,1,N,7\n" * 9)
    )
    assert lake.crawl()["Status"] == "SUCCEEDED"
    assert len(lake.tables()["raw_flights"]["StorageDescriptor"]["Columns"]) == 3
    assert "2013-03" in lake.partitions("raw_flights")


def test_custom_classifiers_are_asked_first_and_grouping_is_configured(lake: Lake) -> None:
    lake.put("app/2013/a.log", b"2013-01-01T10:00:00Z HIGH disk full\n" * 5)
    lake.put("app/2014/a.log", b"2014-01-01T10:00:00Z LOW all well\n" * 5)
    lake.put("mixed/k=1/a.json", b'{"a": 1}\n')
    lake.put("mixed/k=2/b.json", b'{"b": 2.5, "c": "x"}\n')
    pattern = "%{TIMESTAMP_ISO8601:at} %{SEVERITY:level} %{GREEDYDATA:text}"
    grok = {"Name": lake.name, "Classification": "app", "GrokPattern": pattern, "CustomPatterns": "SEVERITY LOW|HIGH"}
    lake.glue.create_classifier(GrokClassifier=grok)
    lake.create(
        Classifiers=[lake.name],
        Configuration=json.dumps({"Version": 1.0, "Grouping": {"TableLevelConfiguration": 2}}),
    )
    assert lake.crawl()["Status"] == "SUCCEEDED"
    app = lake.tables()["app"]
    assert [column["Name"] for column in app["StorageDescriptor"]["Columns"]] == ["at", "level", "text"]
    assert app["Parameters"]["classification"] == "app" and [key["Name"] for key in app["PartitionKeys"]] == [
        "partition_0"
    ]
    assert list(lake.partitions("app")) == ["2013", "2014"]
    lake.glue.delete_table(DatabaseName=lake.database, Name="mixed")
    target = {"S3Targets": [{"Path": f"s3://{lake.name}/mixed/"}]}
    configuration = json.dumps({"Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}})
    lake.glue.update_crawler(Name=lake.name, Targets=target, Configuration=configuration)
    assert lake.crawl()["Status"] == "SUCCEEDED"
    columns = lake.tables()["mixed"]["StorageDescriptor"]["Columns"]
    assert {column["Name"]: column["Type"] for column in columns} == {"a": "int", "b": "double", "c": "string"}
    assert len(lake.partitions("mixed")) == 2
    threshold = json.dumps({"Version": 1.0, "CrawlerOutput": {"Tables": {"TableThreshold": 1}}})
    lake.put("other/x.json", PLANES)
    whole = {"S3Targets": [{"Path": f"s3://{lake.name}/"}]}
    lake.glue.update_crawler(Name=lake.name, Targets=whole, Configuration=threshold)
    last = lake.crawl()
    assert last["Status"] == "FAILED" and "TableThreshold" in last["ErrorMessage"] and "other" not in lake.tables()
    lake.glue.delete_classifier(Name=lake.name)


def test_an_incremental_crawl_reads_new_folders_only(lake: Lake) -> None:
    lake.fill()
    lake.put("plain/a/x.json", PLANES)
    lake.put("plain/b/x.json", PLANES)
    policy = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    lake.create(SchemaChangePolicy=policy, RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"})
    assert lake.crawl()["Status"] == "SUCCEEDED"
    before = lake.tables()
    wider = b"flight_id,dep_delay,tailnum,gate\n" + b"4,1,N12,7\n" * 300
    lake.put("flights/period=2013-01/more.csv", wider)  # a folder that was seen
    lake.put("flights/period=2013-03/flights.csv", HEADING + ROWS)
    lake.put("plain/c/x.json", PLANES)
    lake.put("fresh/x.json", PLANES)
    assert lake.crawl()["Status"] == "SUCCEEDED"
    after = lake.tables()
    assert {name: after[name] for name in before} == before and sorted(after) == sorted([*before, "fresh"])
    assert list(lake.partitions()) == ["2013-01", "2013-02", "2013-03"] and len(lake.partitions("plain")) == 3


def test_a_catalog_target_brings_its_table_up_to_date_and_makes_none(lake: Lake) -> None:
    lake.put("sales/day=1/a.json", b'{"id": 1}\n')
    lake.put("sales/day=2/b.json", b'{"id": 2, "shop": "x"}\n')
    lake.glue.create_database(DatabaseInput={"Name": lake.database})
    descriptor = {"Location": f"s3://{lake.name}/sales/", "Columns": [{"Name": "id", "Type": "int", "Comment": "mine"}]}
    keys = [{"Name": "day", "Type": "int"}]
    made = {"Name": "by_hand", "StorageDescriptor": descriptor, "PartitionKeys": keys}
    lake.glue.create_table(DatabaseName=lake.database, TableInput=made)
    lake.glue.create_crawler(
        Name=lake.name,
        Role="r",
        Targets={"CatalogTargets": [{"DatabaseName": lake.database, "Tables": ["by_hand"]}]},
        SchemaChangePolicy={"DeleteBehavior": "LOG"},
    )
    assert lake.crawl()["Status"] == "SUCCEEDED"
    [table] = lake.tables().values()
    assert table["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": "int", "Comment": "mine"}, {"Name": "shop", "Type": "string"},
    ]  # fmt: skip
    assert table["PartitionKeys"] == keys and list(lake.partitions("by_hand")) == ["1", "2"]
    lake.delete("sales/day=1/a.json", "sales/day=2/b.json")
    assert lake.crawl()["Status"] == "SUCCEEDED" and lake.tables() == {"by_hand": table}
    lake.glue.delete_table(DatabaseName=lake.database, Name="by_hand")
    last = lake.crawl()
    assert last["Status"] == "FAILED" and "by_hand" in last["ErrorMessage"]


def test_a_store_that_dies_in_the_middle_fails_the_crawl_and_the_next_one_works(own_workspace: Workspace) -> None:
    start(own_workspace, "minio", "control")
    lake = Lake(own_workspace)
    lake.fill()
    lake.create()
    record = read_record(own_workspace)
    pid = next(row["pid"] for row in operate.status(own_workspace) if row["name"] == "minio")
    assert record and isinstance(pid, int)
    os.kill(record.supervisor.pid, signal.SIGSTOP)  # nobody brings the store back yet
    try:
        os.kill(pid, signal.SIGSTOP)  # the crawl waits for an answer that does not come
        lake.glue.start_crawler(Name=lake.name)
        eventually(lambda: list(own_workspace.runs.glob("*/stdout.log")))
        os.kill(pid, signal.SIGKILL)
        last = lake.ended()
    finally:
        os.kill(record.supervisor.pid, signal.SIGCONT)
    assert last["Status"] == "FAILED"
    assert last["ErrorMessage"].startswith("The object store does not answer")
    with pytest.raises(lake.glue.exceptions.EntityNotFoundException):
        lake.glue.get_database(Name=lake.database)
    eventually(lambda: lake.s3.list_buckets()["Buckets"])
    assert lake.crawl()["Status"] == "SUCCEEDED" and sorted(lake.tables()) == ["flights", "planes"]


def test_one_crawl_at_a_time_and_a_stopped_one_is_cancelled(lake: Lake) -> None:
    lake.fill()
    lake.create()
    glue = lake.glue
    with pytest.raises(glue.exceptions.CrawlerNotRunningException):
        glue.stop_crawler(Name=lake.name)
    glue.start_crawler(Name=lake.name)
    with pytest.raises(glue.exceptions.CrawlerRunningException):
        glue.start_crawler(Name=lake.name)
    with pytest.raises(glue.exceptions.CrawlerRunningException):
        glue.delete_crawler(Name=lake.name)
    glue.stop_crawler(Name=lake.name)
    assert lake.ended()["Status"] == "CANCELLED"
    assert lake.crawl()["Status"] == "SUCCEEDED"
    metrics = glue.get_crawler_metrics(CrawlerNameList=[lake.name])["CrawlerMetricsList"][0]
    assert metrics["TablesCreated"] == 2 and metrics["LastRuntimeSeconds"] > 0


def test_a_definition_that_cannot_be_crawled_is_refused(lake: Lake) -> None:
    def refused(**changes: Any) -> str:
        wanted: dict[str, Any] = {
            "Name": lake.name, "Role": "r", "DatabaseName": "d", "Targets": {"S3Targets": [{"Path": "s3://b/x"}]},
        } | changes  # fmt: skip
        with pytest.raises(ClientError) as error:
            lake.glue.create_crawler(**{key: value for key, value in wanted.items() if value is not None})
        return str(error.value)

    assert "DynamoDBTargets" in refused(Targets={"DynamoDBTargets": [{"Path": "p"}]})
    assert "EventQueueArn" in refused(Targets={"S3Targets": [{"Path": "s3://b/x", "EventQueueArn": "arn:q"}]})
    assert "not an S3 location" in refused(Targets={"S3Targets": [{"Path": "/etc/passwd"}]})
    assert "mine" in refused(Classifiers=["mine"])
    assert "Configuration" in refused(Configuration="{not json")
    assert "MergeNewColumns" in refused(Configuration='{"Version":1.0,"Grouping":{"Unheard":2}}')
    with pytest.raises(lake.glue.exceptions.EntityNotFoundException):
        lake.glue.get_crawler(Name=lake.name)


def test_crawlers_are_listed_updated_and_deleted(lake: Lake) -> None:
    lake.create(Description="one")
    glue = lake.glue
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        lake.create()
    glue.update_crawler(Name=lake.name, Description="two")
    crawler = glue.get_crawler(Name=lake.name)["Crawler"]
    assert (crawler["Description"], crawler["Version"], crawler["State"]) == ("two", 2, "READY")
    names: list[str] = []
    page = glue.list_crawlers(MaxResults=1)
    names += page["CrawlerNames"]
    while token := page.get("NextToken"):
        page = glue.list_crawlers(MaxResults=1, NextToken=token)
        names += page["CrawlerNames"]
    assert lake.name in names and len(names) == len(set(names))
    assert lake.name in [one["Name"] for one in glue.get_crawlers()["Crawlers"]]
    answer = glue.batch_get_crawlers(CrawlerNames=[lake.name, "nobody"])
    assert [one["Name"] for one in answer["Crawlers"]] == [lake.name] and answer["CrawlersNotFound"] == ["nobody"]
    glue.delete_crawler(Name=lake.name)
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.start_crawler(Name=lake.name)


def test_the_command_line_crawls_and_shows(lake: Lake) -> None:
    def lakelet(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", "from lakelet.cli.main import main; main()", "catalog", *words]
        env = os.environ | lake.workspace.environment
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)

    lake.fill()
    done = lakelet("crawl", f"s3://{lake.name}/", "--database", lake.database, "--wait")
    assert done.returncode == 0, done.stderr
    assert "Listed 4 objects" in done.stdout and f"Created the table {lake.database}.flights" in done.stdout
    shown = json.loads(lakelet("show", f"{lake.database}.flights", "--output", "json").stdout)
    assert shown["PartitionKeys"] == [{"Name": "period", "Type": "string"}]
    rows = json.loads(
        lakelet("partitions", f"{lake.database}.flights", "-e", "period > '2013-01'", "-o", "json").stdout
    )
    assert rows == [{"period": "2013-02", "location": f"s3://{lake.name}/flights/period=2013-02/"}]
    lake.delete("planes/planes.json", "planes/_SUCCESS")
    again = lakelet("crawl", f"{lake.name}-{lake.database}", "--wait", "--output", "json")
    assert json.loads(again.stdout)["state"] == "COMPLETED" and "Deprecated the table" in again.stderr
    missing = lakelet("show", f"{lake.database}.fligths")
    assert missing.returncode == 1
    assert missing.stderr == f"lakelet: There is no table fligths in {lake.database}; there is flights.\n"
    failed = lakelet("crawl", f"s3://{lake.name}-gone/", "--wait")
    lake.glue.delete_crawler(Name=f"{lake.name}-{lake.database}")
    assert failed.returncode == 1 and "There is no bucket" in failed.stderr and "Traceback" not in failed.stderr
