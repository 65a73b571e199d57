"""What an earlier Lakelet wrote is there after the migrations that change how it is kept."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from lakelet.catalog.partitions.builder import IndexBuilder
from lakelet.catalog.partitions.values import encoder
from lakelet.catalog.statistics.store import StatisticsStore
from lakelet.catalog.store import CatalogStore
from lakelet.workspace import state
from lakelet.workspace.state import open_state, reading, writing
from tests.conftest import eventually

NULL = "__HIVE_DEFAULT_PARTITION__"
VALUES = [("a", "1"), ("a b", "10"), ('a"\\', "2"), ("é\x01", NULL), (NULL, "3"), ("", "x")]
KEYS = [{"Name": "name", "Type": "string"}, {"Name": "n", "Type": "int"}]
STATISTICS = {"Type": "LONG", "LongColumnStatisticsData": {"NumberOfNulls": 1}}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """An empty database."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql").url("template0"))
    return tmp_path / "state.db"


def open_at(revision: str, database: Path | str, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    """A database as the version of Lakelet with this migration as its last made it."""

    def upgrade(engine: sa.Engine) -> None:
        config = Config()
        config.set_main_option("script_location", str(state.MIGRATIONS))
        with writing(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            if engine.dialect.name == state.POSTGRESQL:
                state._compare_by_bytes(connection)

    with monkeypatch.context() as patch:
        patch.setattr(state, "_upgrade", upgrade)
        return open_state(database)


@pytest.fixture
def at_0010(database: Path | str, monkeypatch: pytest.MonkeyPatch) -> Path | str:
    """A database as the version before partition keys were encoded left it: a table with partitions, statistics,
    indexes."""
    engine = open_at("0010", database, monkeypatch)
    with writing(engine) as connection:
        run = lambda text, **values: connection.execute(sa.text(text), values)  # noqa: E731
        given = "CAST(:d AS JSON)" if engine.dialect.name == state.POSTGRESQL else ":d"
        run("INSERT INTO catalog_databases VALUES ('d', '{}', 0)")
        definition = json.dumps({"Name": "t", "PartitionKeys": KEYS})
        run(f"INSERT INTO catalog_tables VALUES (7, 'd', 't', {given}, 0, 0, 0)", d=definition)
        for number, values in enumerate(VALUES):
            key = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
            body = json.dumps({"Parameters": {"number": str(number)}})
            run(f"INSERT INTO catalog_partitions VALUES (7, :k, :n, {given}, 1.5)", k=key, n=number, d=body)
            run(f"INSERT INTO catalog_partition_statistics VALUES (7, :k, 'c', 'int', 2.5, {given})",
                k=key, d=json.dumps(STATISTICS))  # fmt: skip
        index = f"INSERT INTO catalog_partition_indexes VALUES (:i, 7, :n, {given}, 'ACTIVE', '', '[]', 0)"
        for number, name, positions in ((1, None, "[0]"), (2, None, "[1]"), (3, "by_n", "[1]")):
            run(index, i=number, n=name, d=positions)
        run("INSERT INTO catalog_partition_entries VALUES (3, '+old', '[\"old\"]')")
    engine.dispose()
    return database


def build(engine: sa.Engine, store: CatalogStore) -> None:
    """Let the control process's thread fill the only index of table t that was asked for."""

    def active() -> bool:
        with reading(engine) as connection:
            return store.indexes(connection, store.get_table("d", "t"))[0].status == "ACTIVE"

    builder = IndexBuilder(engine, store)
    builder.start()
    try:
        assert eventually(active)
    finally:
        builder.stop()


def test_partitions_keep_their_values_statistics_and_indexes(at_0010: Path | str) -> None:
    engine = open_state(at_0010)
    store = CatalogStore(engine)
    found = {one.values: one for one in store.get_partitions("d", "t")}
    assert found.keys() == set(VALUES)
    for number, values in enumerate(VALUES):
        assert found[values].definition == {"Parameters": {"number": str(number)}}
        assert found[values].created_at == 1.5
    with reading(engine) as connection:
        table = store.table(connection, "d", "t")
        for values in VALUES:
            (statistics,) = StatisticsStore().get(connection, table, values, ["c"]).values()
            assert statistics.data == STATISTICS
        (index,) = store.indexes(connection, table)
        assert index.status == "CREATING"
    build(engine, store)
    assert {one.values for one in store.get_partitions("d", "t", "n >= 2")} == {
        ('a"\\', "2"),
        ("a b", "10"),
        (NULL, "3"),
    }
    assert {one.values for one in store.get_partitions("d", "t", "name > 'a'")} == {
        ("a b", "10"), ('a"\\', "2"), ("é\x01", NULL),
    }  # fmt: skip
    with writing(engine) as connection:
        assert store.delete_partitions(connection, store.get_table("d", "t"), VALUES[:2]) == []
        left = sa.text("SELECT count(*) FROM catalog_partition_statistics")
        assert connection.execute(left).scalar() == len(VALUES) - 2


def test_indexes_hold_times_finer_than_a_microsecond(database: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [{"Name": "name", "Type": "string"}, {"Name": "at", "Type": "timestamp"}]
    moment = "2024-01-01 00:00:00.123456"
    engine = open_at("0013", database, monkeypatch)
    store = CatalogStore(engine)
    with monkeypatch.context() as patch, writing(engine) as connection:
        patch.setattr(
            "lakelet.catalog.partitions.values._FINER", re.compile("(?!)")
        )  # an index of that version is cut to microseconds
        encoder.cache_clear()
        store.create_database(connection, {"Name": "d"})
        table = store.create_table(connection, "d", {"Name": "t", "PartitionKeys": keys})
        store.create_index(connection, table, "by_at", ["at"])
        store.create_index(connection, table, "by_name", ["name"])
        store.create_partitions(connection, table, [{"Values": [name, f"{moment}{name}"]} for name in ("", "7", "789")])
    encoder.cache_clear()
    engine.dispose()
    engine = open_state(database)
    store = CatalogStore(engine)
    with reading(engine) as connection:
        statuses = {index.name: index.status for index in store.indexes(connection, store.get_table("d", "t"))}
        assert statuses == {"by_at": "CREATING", "by_name": "ACTIVE"}
    build(engine, store)
    for expression, names in (
        (f"at = '{moment}789'", {"789"}),
        (f"at < '{moment}71'", {"", "7"}),
        ("name = '7'", {"7"}),
    ):
        assert {one.values[0] for one in store.get_partitions("d", "t", expression)} == names
    with writing(engine) as connection:
        store.delete_partitions(connection, store.get_table("d", "t"), [("789", f"{moment}789")])
    assert store.get_partitions("d", "t", f"at > '{moment}7'") == []
