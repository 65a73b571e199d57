"""Databases as sources and sinks of jobs: a real PostgreSQL and a real MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lakelet.catalog.glue import Glue
from lakelet.etl.errors import UnsupportedError
from lakelet.workspace.errors import EntityNotFoundException, UsageError
from tests.databases import MariaDB, PostgreSQL
from tests.spark import lake_on_spark, values

if TYPE_CHECKING:
    from awsglue.context import GlueContext

pytestmark = [pytest.mark.stack, lake_on_spark]

NAME = "test_etl_jdbc"
ORDERS = "CREATE TABLE {}orders (id int, price numeric(10,2), note varchar(20))"
ROWS = "INSERT INTO {}orders VALUES " + ", ".join(f"({n}, {n}.50, 'n{n}')" for n in range(10)) + ", (NULL, NULL, NULL)"


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def options(request: pytest.FixtureRequest, lake: GlueContext) -> Iterator[dict[str, Any]]:
    """How one database is reached; the catalog has a connection to it, and its table ``orders``."""
    if request.param == "postgresql":
        running: PostgreSQL = request.getfixturevalue("postgresql")
        running.execute(f"CREATE DATABASE {NAME}")
        import psycopg

        with psycopg.connect(running.address(NAME), autocommit=True) as connection:
            connection.execute(ORDERS.format(""))
            connection.execute(ROWS.format(""))
        user, password, place = "postgres", "any", f"{NAME}.public.orders"
    else:
        served: MariaDB = request.getfixturevalue("mariadb")
        served.execute(f"CREATE DATABASE {NAME}", ORDERS.format(f"{NAME}."), ROWS.format(f"{NAME}."))
        user, password, place = "admin", served.password, f"{NAME}.orders"
    port = request.getfixturevalue("postgresql" if request.param == "postgresql" else "mariadb").port
    url = f"jdbc:{request.param}://127.0.0.1:{port}/{NAME}"
    glue = Glue(lake.workspace)
    properties = {"JDBC_CONNECTION_URL": url, "USERNAME": user, "PASSWORD": "of others than Spark"}
    connection = {"Name": NAME, "ConnectionType": "JDBC", "ConnectionProperties": properties}
    connection["SparkProperties"] = {"PASSWORD": password}
    glue.call("CreateConnection", ConnectionInput=connection)
    glue.call("CreateDatabase", DatabaseInput={"Name": NAME})
    columns = [{"Name": "id", "Type": "int"}, {"Name": "note", "Type": "string"}]
    parameters = {"classification": request.param, "connectionName": NAME}
    table = {
        "Name": "orders", "Parameters": parameters, "StorageDescriptor": {"Columns": columns, "Location": place},
    }  # fmt: skip
    glue.call("CreateTable", DatabaseName=NAME, TableInput=table)
    yield {"url": url, "user": user, "password": password, "dbtable": "orders"}
    glue.call("DeleteDatabase", Name=NAME)
    glue.call("DeleteConnection", ConnectionName=NAME)


def kind(options: dict[str, Any]) -> str:
    return str(options["url"].split(":")[1])


def test_a_table_is_read_and_written(lake: GlueContext, options: dict[str, Any]) -> None:
    frame = lake.create_dynamic_frame.from_options(kind(options), options)
    assert str(frame.toDF().selectExpr("sum(price)").first()) == "Row(sum(price)=Decimal('50.00'))"
    target = {**options, "dbtable": "copy", "bulkSize": 2}
    lake.write_dynamic_frame.from_options(frame, kind(options), target)
    lake.write_dynamic_frame.from_options(frame, kind(options), target)
    assert lake.create_dynamic_frame.from_options(kind(options), {**options, "dbtable": "copy"}).count() == 22


@pytest.mark.parametrize("how", [{"hashfield": "note"}, {"hashexpression": "id - 5"}])
def test_a_parallel_read_has_every_row_once(lake: GlueContext, options: dict[str, Any], how: dict[str, str]) -> None:
    frame = lake.create_dynamic_frame.from_options(kind(options), {**options, **how, "hashpartitions": "3"})
    assert frame.getNumPartitions() == 3
    assert sorted(values(frame, "id"), key=str) == [*range(10), None]
    parts = frame.toDF().selectExpr("spark_partition_id() part").distinct().count()
    assert parts > 1


def test_queries(lake: GlueContext, options: dict[str, Any]) -> None:
    given = {**options, "sampleQuery": "select id from orders where id > 3 and", "hashexpression": "id"}
    given |= {"enablePartitioningForSampleQuery": True, "sampleSize": 4}
    assert lake.create_dynamic_frame.from_options(kind(options), given).count() == 4


def test_a_connection_and_a_table_of_the_catalog(lake: GlueContext, options: dict[str, Any]) -> None:
    frame = lake.create_dynamic_frame.from_catalog(
        database=NAME, table_name="orders", additional_options={"hashfield": "note", "hashpartitions": 2}
    )
    assert frame.toDF().columns == ["id", "note"] and frame.count() == 11
    one = frame.filter(lambda record: record["id"] == 3)
    lake.write_dynamic_frame.from_jdbc_conf(one, NAME, {"dbtable": "three", "database": NAME})
    read = lake.getSource(kind(options), connectionName=NAME, useConnectionProperties="true", dbtable="three")
    assert values(read.getFrame(), "id", "note") == [(3, "n3")]
    lake.write_dynamic_frame.from_catalog(one, database=NAME, table_name="orders")
    assert values(lake.create_dynamic_frame.from_catalog(NAME, "orders"), "id").count(3) == 2


def test_a_connection_is_told_key_by_key(lake: GlueContext, options: dict[str, Any]) -> None:
    assert lake.extract_jdbc_conf(connection_name=NAME) == {
        "user": options["user"],
        "password": options["password"],
        "vendor": kind(options),
        "url": options["url"].removesuffix(f"/{NAME}"),
        "fullUrl": options["url"],
        "enforceSSL": "false",
        "customJDBCCert": "",
        "skipCustomJDBCCertValidation": "false",
        "customJDBCCertString": "",
    }
    glue = Glue(lake.workspace)
    found = glue.call("GetConnection", Name=NAME)["Connection"]["ConnectionProperties"]
    enforced = {"Name": f"{NAME}_tls", "ConnectionType": "JDBC"}
    enforced["ConnectionProperties"] = found | {"JDBC_ENFORCE_SSL": "TRUE"}
    glue.call("CreateConnection", ConnectionInput=enforced)
    assert lake.extract_jdbc_conf(f"{NAME}_tls")["enforceSSL"] == "true"
    with pytest.raises(Exception, match="SSL"):  # it is enforced: these servers have none
        lake.create_dynamic_frame.from_options(kind(options), {"connectionName": f"{NAME}_tls", "dbtable": "orders"})
    glue.call("DeleteConnection", ConnectionName=f"{NAME}_tls")
    with pytest.raises(EntityNotFoundException, match="nowhere"):
        lake.extract_jdbc_conf("nowhere")
    with pytest.raises(EntityNotFoundException, match="999999999999"):
        lake.extract_jdbc_conf(NAME, "999999999999")


def test_a_table_says_how_it_is_read_in_parallel(lake: GlueContext, options: dict[str, Any]) -> None:
    glue = Glue(lake.workspace)
    table = glue.call("GetTable", DatabaseName=NAME, Name="orders")["Table"]
    given = {"Name": "spread", "StorageDescriptor": table["StorageDescriptor"]}
    for told, parts in (({"hashfield": "note"}, 7), ({"hashexpression": "id", "hashpartitions": "4"}, 4)):
        parameters = {**table["Parameters"], **told}
        glue.call("CreateTable", DatabaseName=NAME, TableInput={**given, "Parameters": parameters})
        frame = lake.create_dynamic_frame.from_catalog(NAME, "spread")
        assert frame.getNumPartitions() == parts
        expected = values(lake.create_dynamic_frame.from_catalog(NAME, "orders"), "id")
        assert sorted(values(frame, "id"), key=str) == sorted(expected, key=str)
        assert frame.toDF().selectExpr("spark_partition_id() part").distinct().count() > 1
        glue.call("DeleteTable", DatabaseName=NAME, Name="spread")


def test_queries_are_read_at_once_unless_they_are_to_be_taken_apart(lake: GlueContext, options: dict[str, Any]) -> None:
    given = {**options, "sampleQuery": "select id from orders where id > 3 and id < 9", "hashexpression": "id"}
    for flag, parts in ((None, 1), ("false", 1), ("true", 7), (True, 7)):
        more = {} if flag is None else {"enablePartitioningForSampleQuery": flag}
        frame = lake.create_dynamic_frame.from_options(kind(options), {**given, **more})
        assert (frame.getNumPartitions(), sorted(values(frame, "id"))) == (parts, [4, 5, 6, 7, 8])


def test_collections_are_written_to_a_connection(lake: GlueContext, options: dict[str, Any]) -> None:
    from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection

    frame = DynamicFrame.fromDF(lake.spark_session.range(2), lake, "rows")
    both = DynamicFrameCollection({"a": frame, "b": frame}, lake)
    assert lake.write_from_jdbc_conf(both, NAME, {"dbtable": "twice", "database": NAME}) is both
    assert lake.write_dynamic_frame_from_jdbc_conf(frame, NAME, {"dbtable": "twice"}, "", "ctx") is frame
    again = lake.create_dynamic_frame.from_options(kind(options), {**options, "dbtable": "twice"})
    assert sorted(values(again, "id")) == [0, 0, 0, 1, 1, 1]


def test_what_cannot_be_is_refused_by_name(lake: GlueContext, options: dict[str, Any]) -> None:
    read = lake.create_dynamic_frame.from_options
    with pytest.raises(UsageError, match="dbtable"):
        read(kind(options), {"connectionName": NAME})
    with pytest.raises(UnsupportedError, match="customJdbcDriverS3Path"):
        read(kind(options), {**options, "customJdbcDriverS3Path": "s3://x/y.jar"})
    with pytest.raises(UsageError, match="hashfield or hashexpression"):
        read(kind(options), {**options, "hashfield": "id", "hashexpression": "id"})
    with pytest.raises(UnsupportedError, match="oracle"):
        read("oracle", options)
