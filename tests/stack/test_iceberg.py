"""Iceberg tables: what PyIceberg wrote is crawled, and what CreateTable made, PyIceberg reads and writes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from pyiceberg.catalog import load_catalog
from pyiceberg.catalog.memory import InMemoryCatalog

from lakelet.data.objects import s3_client
from lakelet.workspace.secrets import secret
from tests.clients import glue_client
from tests.conftest import Stack, eventually

pytestmark = pytest.mark.stack
ROWS = pa.table({"id": pa.array([1, 2], pa.int64()), "Name": ["a", "b"]})
MORE = pa.table({"id": pa.array([3], pa.int64()), "Name": ["c"], "price": [0.5]})


@dataclass
class Lake:
    """A bucket and a database of one test's own, and how PyIceberg reaches them."""

    name: str
    s3: Any
    glue: Any
    options: dict[str, str]

    @property
    def database(self) -> str:
        return self.name.replace("-", "_")

    def keys(self, prefix: str) -> list[str]:
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", ())]

    def foreign(self) -> Any:
        """A catalog that is not ours, whose tables lie in the bucket all the same."""
        return InMemoryCatalog("foreign", warehouse=f"s3://{self.name}/", **self.options)

    def crawl(self, **target: Any) -> dict[str, dict[str, Any]]:
        targets = {"IcebergTargets": [{"Paths": [f"s3://{self.name}/"]} | target]}
        self.glue.create_crawler(Name=self.name, Role="r", DatabaseName=self.database, Targets=targets)
        return self.again()

    def again(self) -> dict[str, dict[str, Any]]:
        self.glue.start_crawler(Name=self.name)

        def ended() -> Any:
            crawler = self.glue.get_crawler(Name=self.name)["Crawler"]
            return crawler if crawler["State"] == "READY" else None

        last = eventually(ended)["LastCrawl"]
        assert last["Status"] == "SUCCEEDED", last
        return {one["Name"]: one for one in self.glue.get_tables(DatabaseName=self.database)["TableList"]}


@pytest.fixture
def lake(stack: Stack) -> Iterator[Lake]:
    workspace = stack.workspace
    options = {
        "s3.endpoint": workspace.endpoint("s3"), "s3.region": "us-east-1",
        "s3.access-key-id": secret(workspace, "access_key"), "s3.secret-access-key": secret(workspace, "secret_key"),
    }  # fmt: skip
    lake = Lake(f"iceberg-{uuid.uuid4().hex[:8]}", s3_client(workspace), glue_client(workspace), options)
    lake.s3.create_bucket(Bucket=lake.name)
    lake.glue.create_database(DatabaseInput={"Name": lake.database})
    yield lake
    for key in lake.keys(""):
        lake.s3.delete_object(Bucket=lake.name, Key=key)
    lake.s3.delete_bucket(Bucket=lake.name)
    lake.glue.delete_database(Name=lake.database)
    for name in lake.glue.list_crawlers()["CrawlerNames"]:
        if name == lake.name:
            lake.glue.delete_crawler(Name=name)


def test_a_crawl_registers_iceberg_tables_and_follows_their_commits(lake: Lake) -> None:
    foreign = lake.foreign()
    foreign.create_namespace("n")
    orders = foreign.create_table("n.orders", ROWS.schema, location=f"s3://{lake.name}/lake/orders")
    orders.append(ROWS)
    foreign.create_table("n.deep", ROWS.schema, location=f"s3://{lake.name}/a/b/c/deep")
    lake.s3.put_object(Bucket=lake.name, Key="lake/broken/metadata/00000-x.metadata.json", Body=b"{}")
    lake.s3.put_object(Bucket=lake.name, Key="lake/plain/rows.csv", Body=b"a,b\n1,2\n")
    found = lake.crawl(MaximumTraversalDepth=3)
    assert list(found) == ["orders"]  # the other one is deeper, what is broken is none
    table = found["orders"]
    assert table["Parameters"]["table_type"] == "ICEBERG" and table["Parameters"]["UPDATED_BY_CRAWLER"] == lake.name
    assert table["Parameters"]["metadata_location"] == orders.metadata_location
    columns = table["StorageDescriptor"]["Columns"]
    assert [(one["Name"], one["Type"]) for one in columns] == [("id", "bigint"), ("name", "string")]
    assert columns[0]["Parameters"]["iceberg.field.current"] == "true"

    before = orders.metadata_location
    with orders.update_schema() as update:
        update.union_by_name(MORE.schema)
    orders.append(MORE)
    table = lake.again()["orders"]
    assert table["Parameters"]["metadata_location"] == orders.metadata_location != before
    assert table["Parameters"]["previous_metadata_location"] == before
    assert [one["Name"] for one in table["StorageDescriptor"]["Columns"]] == ["id", "name", "price"]
    version = table["VersionId"]
    assert lake.again()["orders"]["VersionId"] == version  # nothing to change

    ours = load_catalog("ours", type="glue", **lake.options | glue_options(lake))
    assert ours.load_table(f"{lake.database}.orders").scan().to_arrow().num_rows == 3
    for key in lake.keys("lake/orders/"):
        lake.s3.delete_object(Bucket=lake.name, Key=key)
    assert "DEPRECATED_BY_CRAWLER" in lake.again()["orders"]["Parameters"]


def glue_options(lake: Lake) -> dict[str, str]:
    return {
        "glue.endpoint": lake.glue.meta.endpoint_url, "glue.region": "us-east-1",
        "glue.access-key-id": lake.options["s3.access-key-id"],
        "glue.secret-access-key": lake.options["s3.secret-access-key"],
    }  # fmt: skip


FIELDS = [
    {"Id": 1, "Name": "id", "Type": "long", "Required": True},
    {"Id": 2, "Name": "day", "Type": "date", "Required": False, "Doc": "when"},
    {
        "Id": 3, "Name": "tags", "Required": False,
        "Type": {"type": "list", "element-id": 4, "element": "string", "element-required": False},
    },
]  # fmt: skip


def test_a_table_made_by_glue_is_pyicebergs_to_write(lake: Lake) -> None:
    location = f"s3://{lake.name}/made/"
    columns = [
        {"Name": "id", "Type": "bigint"}, {"Name": "name", "Type": "varchar(10)", "Comment": "who"},
        {"Name": "inner", "Type": "struct<a:int,b:array<decimal(8,2)>>"},
    ]  # fmt: skip
    table = {"Name": "t", "Parameters": {"x": "y"}, "StorageDescriptor": {"Location": location, "Columns": columns}}
    wanted = {"IcebergInput": {"MetadataOperation": "CREATE", "Version": "2"}}
    made = {"DatabaseName": lake.database, "TableInput": table, "OpenTableFormatInput": wanted}
    lake.glue.create_table(**made)
    row = lake.glue.get_table(DatabaseName=lake.database, Name="t")["Table"]
    assert row["Parameters"]["table_type"] == "ICEBERG" and row["Parameters"]["x"] == "y"
    assert [one["Type"] for one in row["StorageDescriptor"]["Columns"]] == [
        "bigint", "string", "struct<a:int,b:array<decimal(8,2)>>",
    ]  # fmt: skip
    ours = load_catalog("ours", type="glue", **lake.options | glue_options(lake))
    opened = ours.load_table(f"{lake.database}.t")
    opened.append(pa.table({"id": pa.array([7], pa.int64()), "name": ["n"]}))
    assert ours.load_table(f"{lake.database}.t").scan().to_arrow().to_pylist() == [
        {"id": 7, "name": "n", "inner": None}
    ]  # fmt: skip
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        lake.glue.create_table(**made)
    assert len([key for key in lake.keys("made/metadata/") if key.endswith("metadata.json")]) == 2


def test_schema_partitions_and_order_are_given_and_updated(lake: Lake) -> None:
    given = {
        "Location": f"s3://{lake.name}/own", "Schema": {"Fields": FIELDS, "Type": "struct"},
        "PartitionSpec": {"Fields": [{"SourceId": 2, "FieldId": 1000, "Name": "day_month", "Transform": "month"}]},
        "WriteOrder": {
            "OrderId": 1,
            "Fields": [{"SourceId": 1, "Transform": "identity", "Direction": "asc", "NullOrder": "nulls-first"}],
        },
        "Properties": {"write.format.default": "parquet"},
    }  # fmt: skip
    wanted = {"IcebergInput": {"MetadataOperation": "CREATE", "CreateIcebergTableInput": given}}
    where: dict[str, Any] = {"DatabaseName": lake.database, "TableInput": {"Name": "own"}}
    lake.glue.create_table(**where, OpenTableFormatInput=wanted)
    ours = load_catalog("ours", type="glue", **lake.options | glue_options(lake))
    table = ours.load_table(f"{lake.database}.own")
    assert str(table.spec().fields[0].transform) == "month" and table.sort_order().fields[0].source_id == 1
    assert table.properties["write.format.default"] == "parquet"
    price = {"Id": 5, "Name": "price", "Type": "double", "Required": False}
    schema, place = {"Fields": [*FIELDS, price], "Type": "struct"}, given["Location"]
    spec = {"Fields": [{"SourceId": 1, "Name": "id_bucket", "Transform": "bucket[4]"}]}
    update = {"Schema": schema, "PartitionSpec": spec, "Location": place, "Properties": {"a": "b"}}
    lake.glue.update_table(
        **where,
        UpdateOpenTableFormatInput={"UpdateIcebergInput": {"UpdateIcebergTableInput": {"Updates": [update]}}},
    )
    table = ours.load_table(f"{lake.database}.own")
    assert [one.name for one in table.schema().fields] == ["id", "day", "tags", "price"]
    assert [one.name for one in table.spec().fields] == ["id_bucket"] and len(table.specs()) == 2
    assert table.properties["a"] == "b" and table.metadata_location.rpartition("/")[2].startswith("00001-")
    wrong = update | {"PartitionSpec": {"Fields": [{"SourceId": 99, "Name": "x", "Transform": "identity"}]}}
    with pytest.raises(ClientError, match="InvalidInputException"):
        lake.glue.update_table(
            **where,
            UpdateOpenTableFormatInput={"UpdateIcebergInput": {"UpdateIcebergTableInput": {"Updates": [wrong]}}},
        )
    assert len(lake.keys("own/metadata/")) == 2


@pytest.mark.parametrize(
    ("table", "wanted", "code"),
    [
        ({"PartitionKeys": [{"Name": "d"}]}, {}, "InvalidInputException"),
        ({"StorageDescriptor": {"Location": "s3://none-there-is/x", "Columns": [{"Name": "a"}]}}, {}, "InvalidInput"),
        ({"StorageDescriptor": {"Columns": [{"Name": "a", "Type": "interval"}]}}, {}, "InvalidInputException"),
        ({"StorageDescriptor": {"Columns": []}}, {}, "InvalidInputException"),
        ({"StorageDescriptor": {"Location": "file:///t"}}, {}, "InvalidInputException"),
        ({}, {"Version": "3"}, "NotImplementedException"),
    ],
)
def test_what_makes_no_iceberg_table_is_refused(lake: Lake, table: Any, wanted: Any, code: str) -> None:
    descriptor = {"Location": f"s3://{lake.name}/t", "Columns": [{"Name": "a", "Type": "int"}]}
    given = {"Name": "t", **table, "StorageDescriptor": descriptor | table.get("StorageDescriptor", {})}
    with pytest.raises(ClientError, match=code):
        lake.glue.create_table(
            DatabaseName=lake.database,
            TableInput=given,
            OpenTableFormatInput={"IcebergInput": {"MetadataOperation": "CREATE"} | wanted},
        )
    assert not lake.keys("") and not lake.glue.get_tables(DatabaseName=lake.database)["TableList"]
