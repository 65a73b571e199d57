"""The catalog's store: transactions, sequences, partitions, and what a SIGKILL leaves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakelet.catalog.partitions.keys import key_of, values_of
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.errors import (
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
)
from lakelet.workspace.paths import REPOSITORY
from lakelet.workspace.state import open_state, reading, writing

TABLE = {"Name": "t", "PartitionKeys": [{"Name": "Day", "Type": "int"}]}
KILLS = 5


@pytest.fixture
def store(database: Path | str) -> Iterator[CatalogStore]:
    engine = open_state(database)
    catalog = CatalogStore(engine)
    with writing(engine) as connection:
        catalog.create_database(connection, {"Name": "d"})
        catalog.create_table(connection, "d", TABLE)
    yield catalog
    engine.dispose()


def test_a_publish_is_one_transaction(store: CatalogStore) -> None:
    with pytest.raises(ConcurrentModificationException), writing(store.engine) as connection:
        table = store.put_table(connection, "d", TABLE | {"Description": "new"})
        store.put_partitions(connection, table, [{"Values": ["1"]}])
        store.advance(connection, "d", "t", expected=7)
    assert "Description" not in store.get_table("d", "t").definition and not store.get_partitions("d", "t")
    with writing(store.engine) as connection:
        table = store.put_table(connection, "d", TABLE | {"Description": "new"})
        store.put_partitions(connection, table, [{"Values": ["1"]}, {"Values": ["2"]}])
        assert store.delete_partitions(connection, table, [["1"], ["9"]]) == [["9"]]
        assert store.advance(connection, "d", "t", expected=0) == 1
    assert store.get_table("d", "t").sequence == 1
    assert [partition.values for partition in store.get_partitions("d", "t")] == [("2",)]


def test_a_publisher_to_a_dropped_table_loses(store: CatalogStore) -> None:
    """Dropping counts as a change, and recreating does not turn the number back."""
    for drop in (lambda c: store.delete_table(c, "d", "t"), lambda c: store.delete_database(c, "d")):
        with reading(store.engine) as connection:
            before = store.sequence(connection, "d", "t")
        with writing(store.engine) as connection:
            drop(connection)
        with writing(store.engine) as connection:
            if not store.databases(connection):
                store.create_database(connection, {"Name": "d"})
            store.create_table(connection, "d", TABLE)
        with (
            pytest.raises(ConcurrentModificationException, match="changed by another"),
            writing(store.engine) as connection,
        ):
            store.advance(connection, "d", "t", expected=before)


def test_a_table_may_be_published_to_before_it_exists(store: CatalogStore) -> None:
    with writing(store.engine) as connection:
        assert store.sequence(connection, "d", "fresh") == 0
        store.put_table(connection, "d", {"Name": "Fresh"})
        store.advance(connection, "d", "fresh", expected=0)
    assert store.get_table("d", "fresh").sequence == 1


def test_values_cannot_imitate_other_partitions(store: CatalogStore) -> None:
    keys = [{"Name": "a"}, {"Name": "b"}]
    odd = ['x","y', 'x"', "é\U0010ffff", "", "__HIVE_DEFAULT_PARTITION__", "a/b=c", "\x00"]
    with writing(store.engine) as connection:
        table = store.create_table(connection, "d", {"Name": "odd", "PartitionKeys": keys})
        assert not store.create_partitions(connection, table, [{"Values": [v, w]} for v in odd for w in odd])
        for value in odd:
            assert store.partition(connection, table, [value, value]).values == (value, value)
        quoted = store.partitions(connection, table, "a = 'x\",\"y'")
        assert {partition.values[0] for partition in quoted} == {'x","y'} and len(quoted) == len(odd)
        nulls = store.partitions(connection, table, "b IS NULL")
        assert {partition.values[1] for partition in nulls} == {"__HIVE_DEFAULT_PARTITION__"}
        assert len(store.partitions(connection, table, "b = 'é\U0010ffff'")) == len(odd)


def test_pages_and_segments_cover_everything_once(store: CatalogStore) -> None:
    with writing(store.engine) as connection:
        table = store.table(connection, "d", "t")
        store.create_partitions(connection, table, [{"Values": [str(day)]} for day in range(100)])
        for expression, expected in (("day < 50", 50), ("NOT day >= 50", 50), ("day LIKE '%'", 100), (None, 100)):
            found, position = [], None
            while True:
                page = store.partition_page(connection, table, expression, position=position, limit=7)
                found += [int(partition.values[0]) for partition in page.partitions]
                position = page.following
                if position is None:
                    break
                assert len(page.partitions) == 7
            assert sorted(found) == list(range(expected)), expression
            parts = [store.partition_page(connection, table, expression, segment=(n, 4)).partitions for n in range(4)]
            assert min(map(len, parts)) > 0 and sum(map(len, parts)) == expected


def test_names_fold_and_missing_ones_are_named(store: CatalogStore) -> None:
    assert store.get_table("D", "T").partition_keys == [("day", "int")]
    for database, name in (("d", "none"), ("none", "t")):
        with pytest.raises(EntityNotFoundException, match="none not found"):
            store.get_table(database, name)


def test_what_json_cannot_hold_is_refused(store: CatalogStore) -> None:
    with pytest.raises(InvalidInputException, match="cannot be stored"), writing(store.engine) as connection:
        store.create_table(connection, "d", {"Name": "x", "Parameters": {"k": object()}})


WRITER = """
import sys
from pathlib import Path
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.state import open_state, writing
database = sys.argv[1]
store = CatalogStore(open_state(database if "://" in database else Path(database)))
while True:
    with writing(store.engine) as connection:
        table = store.table(connection, "d", "t")
        n = store.sequence(connection, "d", "t") + 1
        table = store.put_table(connection, "d", {**table.definition, "Parameters": {"n": str(n)}})
        store.put_partitions(connection, table, [{"Values": [str(10 * n + i)]} for i in range(10)])
        store.advance(connection, "d", "t", n - 1)
    print(n, flush=True)
"""


def test_a_kill_leaves_the_old_state_or_the_new(store: CatalogStore, database: Path | str) -> None:
    acknowledged = 0
    for kill in range(KILLS):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(database)], cwd=REPOSITORY, stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(3 + kill):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        left = writer.stdout.read().split()  # what it acknowledged before the signal came
        writer.wait()
        acknowledged = int(left[-1]) if left else acknowledged
        table = store.get_table("d", "t")
        assert table.sequence in (acknowledged, acknowledged + 1)
        assert table.definition["Parameters"]["n"] == str(table.sequence) and table.version == table.sequence
        written = sorted(int(partition.values[0]) for partition in store.get_partitions("d", "t"))
        assert written == list(range(10, 10 * table.sequence + 10))
    if isinstance(database, Path):
        with reading(store.engine) as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_keys_come_back() -> None:
    null = "__HIVE_DEFAULT_PARTITION__"
    for texts in ((), ("",), ("a", "é"), (null,), (null, null, "-a"), ("+", null), ("\x00", "\x01\x01", null, "-")):
        assert values_of(key_of(texts)) == texts
