"""What a JDBC target finds in real databases: which tables, and their columns in Glue's types."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from lakelet.catalog.crawlers.jdbc import JdbcTable, JdbcTarget, find_jdbc_tables
from lakelet.workspace.errors import InvalidInputException, NotImplementedException
from tests.databases import MariaDB, PostgreSQL

TYPES = """
    CREATE SCHEMA "Sales";
    CREATE TABLE "Sales".orders (
        id bigint PRIMARY KEY, "Shop" smallint, number integer, price numeric(10, 2), any_number numeric,
        rate real, share double precision, paid boolean, day date, at timestamptz, clock time, note text,
        code varchar(3), fixed char(3), raw bytea, body jsonb, tags text[], sizes integer[], key uuid
    );
    COMMENT ON COLUMN "Sales".orders.note IS 'said at the counter';
    CREATE VIEW "Sales".paid_orders AS SELECT id FROM "Sales".orders WHERE paid;
    CREATE TABLE public."orders_x" (id integer);
    CREATE TABLE public."ordersyx" (id integer);
"""


@pytest.fixture(scope="module")
def shop(postgresql: PostgreSQL) -> Iterator[dict[str, str]]:
    """The properties of a connection to a database with tables in it."""
    postgresql.execute("CREATE DATABASE shop")
    with psycopg.connect(postgresql.address("shop"), autocommit=True) as connection:
        connection.execute(TYPES)
    url = f"jdbc:postgresql://127.0.0.1:{postgresql.port}/postgres"
    yield {"JDBC_CONNECTION_URL": url, "USERNAME": "postgres", "PASSWORD": "x"}
    postgresql.execute("DROP DATABASE shop WITH (FORCE)")


def found(properties: dict[str, str], path: str, *exclusions: str, **more: object) -> dict[str, JdbcTable]:
    target = JdbcTarget.of({"ConnectionName": "c", "Path": path, "Exclusions": list(exclusions), **more})
    return {table.location: table for table in find_jdbc_tables(properties, target)}


def test_postgresql_columns_get_glue_types(shop: dict[str, str]) -> None:
    tables = found(shop, "shop/Sales/%", EnableAdditionalMetadata=["COMMENTS"])
    assert list(tables) == ["shop.Sales.orders", "shop.Sales.paid_orders"]
    assert [table.view for table in tables.values()] == [False, True]
    columns = tables["shop.Sales.orders"].columns
    assert {column["Name"]: column["Type"] for column in columns} == {
        "id": "bigint", "shop": "smallint", "number": "int", "price": "decimal(10,2)", "any_number": "decimal(38,18)",
        "rate": "float", "share": "double", "paid": "boolean", "day": "date", "at": "timestamp", "clock": "string",
        "note": "string", "code": "string", "fixed": "string", "raw": "binary", "body": "string",
        "tags": "array<string>", "sizes": "array<int>", "key": "string",
    }  # fmt: skip
    assert [column["Comment"] for column in columns if "Comment" in column] == ["said at the counter"]
    made = tables["shop.Sales.paid_orders"].to_input("c", {})
    assert made["Parameters"] == {
        "classification": "postgresql", "compressionType": "none", "typeOfData": "view", "connectionName": "c",
    }  # fmt: skip
    assert made["StorageDescriptor"]["Location"] == "shop.Sales.paid_orders"


def test_paths_and_exclusions_choose_tables(shop: dict[str, str]) -> None:
    everything = ["shop.Sales.orders", "shop.Sales.paid_orders", "shop.public.orders_x", "shop.public.ordersyx"]
    assert list(found(shop, "shop")) == everything == list(found(shop, "shop/%/%"))
    assert list(found(shop, "shop/pub%/orders_x")) == ["shop.public.orders_x"]  # _ is no wildcard
    assert list(found(shop, "shop/%/%", "Sales/**")) == everything[2:]
    assert list(found(shop, "shop/%/%", "orders*")) == ["shop.Sales.paid_orders"]
    assert found(shop, "shop/nothing/%") == {}


def test_a_database_that_is_not_there_is_said_in_a_sentence(shop: dict[str, str]) -> None:
    with pytest.raises(InvalidInputException, match='database "nowhere" does not exist'):
        found(shop, "nowhere/%/%")
    with pytest.raises(InvalidInputException, match="has to begin with the name of a database"):
        found(shop, "%/%/%")


def test_mariadb_columns_get_glue_types(mariadb: MariaDB) -> None:
    mariadb.execute(
        "CREATE OR REPLACE DATABASE till",
        """CREATE TABLE till.sales (
            id bigint unsigned, a tinyint, b tinyint unsigned, c smallint unsigned, d mediumint, e int unsigned,
            yes tinyint(1), flag bit(1), bits bit(9), price decimal(12, 3), rate float, share double, day date,
            at datetime, stamp timestamp, clock time, y year, name varchar(10) COMMENT 'of the buyer', note longtext,
            kind enum('a', 'b'), body json, raw blob
        )""",
        "CREATE VIEW till.big AS SELECT id FROM till.sales",
        "CREATE OR REPLACE DATABASE other",
        "CREATE TABLE other.t (id int)",
    )
    properties = {
        "HOST": "127.0.0.1", "PORT": str(mariadb.port), "JDBC_ENGINE": "mysql", "USERNAME": "admin",
        "PASSWORD": mariadb.password,
    }  # fmt: skip
    tables = found(properties, "till/%")
    assert list(tables) == ["till.big", "till.sales"] and tables["till.big"].view
    assert {column["Name"]: column["Type"] for column in tables["till.sales"].columns} == {
        "id": "decimal(20,0)", "a": "tinyint", "b": "smallint", "c": "int", "d": "int", "e": "bigint",
        "yes": "boolean", "flag": "boolean", "bits": "binary", "price": "decimal(12,3)", "rate": "float",
        "share": "double", "day": "date", "at": "timestamp", "stamp": "timestamp", "clock": "string", "y": "int",
        "name": "string", "note": "string", "kind": "string", "body": "string", "raw": "binary",
    }  # fmt: skip
    assert list(found(properties, "%/t")) == ["other.t"] and list(found(properties, "o%")) == ["other.t"]


def test_what_is_no_target_is_refused() -> None:
    for target in ({"Path": "a/b"}, {"ConnectionName": "c", "Path": "/"}, {"ConnectionName": "c", "Path": "a/b/c/d"}):
        with pytest.raises(InvalidInputException):
            JdbcTarget.of(target)
    with pytest.raises(NotImplementedException):
        JdbcTarget.of({"ConnectionName": "c", "Path": "a/%", "EnableAdditionalMetadata": ["RAWTYPES"]})
