"""What an earlier Lakelet wrote is there after the migrations that change how it is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from catalog.partitions.builder import IndexBuilder
from catalog.statistics.store import StatisticsStore
from catalog.store import CatalogStore
from tests.conftest import eventually
from workspace import state
from workspace.state import open_state, reading, writing

NULL = "__HIVE_DEFAULT_PARTITION__"
VALUES = [("a", "1"), ("a b", "10"), ('a"\\', "2"), ("é\x01", NULL), (NULL, "3"), ("", "x")]
KEYS = [{"Name": "name", "Type": "string"}, {"Name": "n", "Type": "int"}]
STATISTICS = {"Type": "LONG", "LongColumnStatisticsData": {"NumberOfNulls": 1}}


@pytest.fixture(params=["sqlite", "postgresql"])
def at_0010(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path | str:
    """A database as the version before partition keys were encoded left it: a table with partitions, statistics,
    indexes."""

    def upgrade(engine: sa.Engine) -> None:
        config = Config()
        config.set_main_option("script_location", str(state.MIGRATIONS))
        with writing(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0010")
            if engine.dialect.name == state.POSTGRESQL:
                state._compare_by_bytes(connection)

    database: Path | str = tmp_path / "state.db"
    if request.param == "postgresql":
        database = request.getfixturevalue("postgresql").url("template0")  # an empty one
    with monkeypatch.context() as patch:
        patch.setattr(state, "_upgrade", upgrade)
        engine = open_state(database)
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
    builder = IndexBuilder(engine, store)
    builder.start()

    def active() -> bool:
        with reading(engine) as connection:
            return store.indexes(connection, store.get_table("d", "t"))[0].status == "ACTIVE"

    try:
        assert eventually(active)
    finally:
        builder.stop()
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
