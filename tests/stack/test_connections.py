"""Crawls of real databases, through connections: what they find, find again, and no longer find."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.clients import glue_client
from tests.conftest import Stack, eventually
from tests.databases import MariaDB, PostgreSQL

pytestmark = pytest.mark.stack


class Crawls:
    """A connection, a crawler and a database of the catalog, all of one name."""

    def __init__(self, stack: Stack) -> None:
        self.glue: Any = glue_client(stack.workspace)
        self.workspace = stack.workspace
        self.name = f"c_{uuid.uuid4().hex[:8]}"

    def define(self, url: str, path: str, user: str, password: str, **more: Any) -> None:
        properties = {"JDBC_CONNECTION_URL": url, "USERNAME": user, "PASSWORD": password}
        connection = {"Name": self.name, "ConnectionType": "JDBC", "ConnectionProperties": properties}
        self.glue.create_connection(ConnectionInput=connection)
        targets = {"JdbcTargets": [{"ConnectionName": self.name, "Path": path}]}
        self.glue.create_crawler(Name=self.name, Role="r", DatabaseName=self.name, Targets=targets, **more)

    def crawl(self) -> dict[str, Any]:
        self.glue.start_crawler(Name=self.name)

        def ended() -> Any:
            crawler = self.glue.get_crawler(Name=self.name)["Crawler"]
            return crawler["State"] == "READY" and crawler["LastCrawl"]

        return dict(eventually(ended))

    def tables(self) -> dict[str, dict[str, Any]]:
        return {one["Name"]: one for one in self.glue.get_tables(DatabaseName=self.name)["TableList"]}


@pytest.fixture
def crawls(stack: Stack) -> Iterator[Crawls]:
    crawls = Crawls(stack)
    yield crawls
    crawls.glue.batch_delete_connection(ConnectionNameList=[crawls.name])
    for drop in (crawls.glue.delete_crawler, crawls.glue.delete_database):
        try:
            drop(Name=crawls.name)
        except crawls.glue.exceptions.EntityNotFoundException:
            continue


def test_a_crawl_of_postgresql_follows_its_tables(crawls: Crawls, postgresql: PostgreSQL) -> None:
    name = crawls.name
    postgresql.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(postgresql.address(name), autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id bigint, price numeric(10,2)); CREATE TABLE gone (id int)")
        url = f"jdbc:postgresql://127.0.0.1:{postgresql.port}/{name}"
        policy = {"DeleteBehavior": "DELETE_FROM_DATABASE"}
        crawls.define(url, f"{name}/%", "postgres", "open sesame", TablePrefix="pg_", SchemaChangePolicy=policy)
        assert crawls.crawl()["Status"] == "SUCCEEDED"
        tables = crawls.tables()
        assert sorted(tables) == [f"pg_{name}_public_gone", f"pg_{name}_public_orders"]
        orders = tables[f"pg_{name}_public_orders"]
        assert orders["StorageDescriptor"]["Location"] == f"{name}.public.orders"
        assert orders["StorageDescriptor"]["Columns"] == [
            {"Name": "id", "Type": "bigint"}, {"Name": "price", "Type": "decimal(10,2)"},
        ]  # fmt: skip
        assert orders["Parameters"].items() >= {"classification": "postgresql", "connectionName": name}.items()
        assert crawls.crawl()["Status"] == "SUCCEEDED" and crawls.tables() == tables
        connection.execute("ALTER TABLE orders ADD paid boolean; DROP TABLE gone")
    assert crawls.crawl()["Status"] == "SUCCEEDED"
    [orders] = crawls.tables().values()
    assert orders["StorageDescriptor"]["Columns"][2:] == [{"Name": "paid", "Type": "boolean"}]
    said = [path.read_text() for path in crawls.workspace.runs.glob("*/*.log")]
    assert said and not [text for text in said if "open sesame" in text]

    postgresql.execute(f"DROP DATABASE {name} WITH (FORCE)")
    last = crawls.crawl()
    assert last["Status"] == "FAILED" and f'database "{name}" does not exist' in last["ErrorMessage"]
    assert len(crawls.tables()) == 1  # what cannot be read leaves the catalog as it was


def test_a_crawl_of_mariadb_names_its_tables(crawls: Crawls, mariadb: MariaDB) -> None:
    name = crawls.name
    mariadb.execute(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.sales (id int unsigned, note text)")
    url = f"jdbc:mysql://127.0.0.1:{mariadb.port}/{name}"
    crawls.define(url, f"{name}/%", "admin", mariadb.password)
    assert crawls.crawl()["Status"] == "SUCCEEDED"
    sales = crawls.tables()[f"{name}_sales"]
    assert sales["Parameters"]["classification"] == "mysql"
    assert sales["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": "bigint"}, {"Name": "note", "Type": "string"},
    ]  # fmt: skip
    mariadb.execute(f"DROP TABLE {name}.sales")
    assert crawls.crawl()["Status"] == "SUCCEEDED"
    assert "DEPRECATED_BY_CRAWLER" in crawls.tables()[f"{name}_sales"]["Parameters"]
