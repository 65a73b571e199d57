"""What the catalog's store does when two write at once, when a writer is killed, and when the disk is full."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from lakelet.catalog.partitions import indexes
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.errors import AlreadyExistsException, ConcurrentModificationException
from lakelet.workspace.paths import REPOSITORY
from lakelet.workspace.state import open_state, reading, writing

KEYS = [{"Name": "s", "Type": "string"}, {"Name": "n", "Type": "int"}]
TABLE = {"Name": "t", "PartitionKeys": KEYS}
WRITERS, ROUNDS = 4, 25


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CatalogStore]:
    engine = open_state(tmp_path / "state.db")
    catalog = CatalogStore(engine)
    with writing(engine) as connection:
        catalog.create_database(connection, {"Name": "d"})
        catalog.create_table(connection, "d", TABLE | {"Parameters": {"count": "0"}})
    yield catalog
    engine.dispose()


def consistent(store: CatalogStore) -> int:
    """The number of partitions, after every index was found to hold each of them exactly once."""
    with reading(store.engine) as connection:
        table = store.table(connection, "d", "t")
        there = {partition.values for partition in store.partitions(connection, table)}
        for index in indexes.indexes_of(connection, table):
            query = sa.select(indexes.entries).where(indexes.entries.c.index_id == index.id)
            rows = connection.execute(query).all()
            assert sorted(row.entry for row in rows) == sorted(index.entry(values) for values in there)
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert not connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return len(there)


def test_no_update_is_lost(store: CatalogStore, tmp_path: Path) -> None:
    """Two engines on one file, as two processes have: each counts a table's parameter up by compare-and-swap."""
    engines = [store.engine, open_state(tmp_path / "state.db")]
    refused = [0] * WRITERS

    def count(number: int) -> None:
        catalog = CatalogStore(engines[number % 2])
        done = 0
        while done < ROUNDS:
            table = catalog.get_table("d", "t")
            counted = {"Parameters": {"count": str(int(table.definition["Parameters"]["count"]) + 1)}}
            try:
                with writing(catalog.engine) as connection:
                    catalog.update_table(connection, "d", {**table.definition, **counted}, table.version)
                done += 1
            except ConcurrentModificationException:
                refused[number] += 1

    threads = [threading.Thread(target=count, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    table = store.get_table("d", "t")
    assert table.definition["Parameters"]["count"] == str(WRITERS * ROUNDS) and table.version == WRITERS * ROUNDS
    with reading(store.engine) as connection:
        found = store.versions.history(connection, table, None, 1_000)
    assert [one.definition["Parameters"]["count"] for one in found] == [str(one.version) for one in found]
    assert len(found) == WRITERS * ROUNDS + 1 and sum(refused) > 0
    engines[1].dispose()


def test_of_two_who_create_the_same_one_is_told(store: CatalogStore, tmp_path: Path) -> None:
    engines = [store.engine, open_state(tmp_path / "state.db")]
    won: list[int] = []

    def create(number: int) -> None:
        catalog = CatalogStore(engines[number % 2])
        for value in range(ROUNDS):
            with writing(catalog.engine) as connection:
                table = catalog.table(connection, "d", "t")
                failures = catalog.create_partitions(connection, table, [{"Values": ["x", str(value)]}])
            assert all(isinstance(error, AlreadyExistsException) for error in failures.values())
            if not failures:
                won.append(value)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(won) == list(range(ROUNDS)) and consistent(store) == ROUNDS
    engines[1].dispose()


WRITER = """
import sys
from pathlib import Path
from lakelet.catalog.partitions import indexes
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.state import open_state, writing
indexes.STEP = 7
store = CatalogStore(open_state(Path(sys.argv[1])))
number = int(sys.argv[2])
while True:
    with writing(store.engine) as connection:
        table = store.table(connection, "d", "t")
        store.create_partitions(connection, table, [{"Values": [f"s{i}", str(number)]} for i in range(20)])
        if number % 2:
            store.delete_partitions(connection, table, [["s3", str(number)], ["s4", str(number - 1)]])
        if number % 4 == 0 and not store.indexes(connection, table):
            store.create_index(connection, table, "i", ["n", "s"])
        store.update_table(connection, "d", {**table.definition, "Description": str(number)})
    with writing(store.engine) as connection:
        indexes.work(connection)
    if number % 8 == 7:
        with writing(store.engine) as connection:
            table = store.table(connection, "d", "t")
            if [index.status for index in store.indexes(connection, table)] == ["ACTIVE"]:
                store.delete_index(connection, table, "i")
    print(number, flush=True)
    number += 1
"""


def test_a_kill_leaves_indexes_and_partitions_of_one_mind(store: CatalogStore, tmp_path: Path) -> None:
    number = 0
    for kill in range(4):
        command = [sys.executable, "-c", WRITER, str(tmp_path / "state.db"), str(number)]
        with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for _ in range(4 + 3 * kill):
                assert writer.stdout.readline(), "the writer ended by itself"
            writer.kill()
        reached = int(store.get_table("d", "t").definition["Description"])
        while True:  # what a killed backfill left is finished, as the next control process would
            with writing(store.engine) as connection:
                if not indexes.work(connection):
                    break
        expected = sum(20 - (2 if done % 2 else 0) for done in range(reached + 1))
        assert consistent(store) == expected
        number = reached + 1


def test_a_full_disk_is_an_error_and_no_more(store: CatalogStore) -> None:
    """SQLite is given no more pages, which it reports as a disk that is full."""
    written, limit = 0, 1_000_000

    @sa.event.listens_for(store.engine, "begin")
    def _limit(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {limit}")

    with reading(store.engine) as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar() or 0)
    limit = pages + 40

    def write() -> None:
        nonlocal written
        batch = [{"Values": [f"{written}-{n}", str(n)], "Parameters": {"x": "y" * 500}} for n in range(50)]
        with writing(store.engine) as connection:
            store.create_partitions(connection, store.table(connection, "d", "t"), batch)
        written += 50

    with pytest.raises(sa.exc.OperationalError, match="full"):
        for _ in range(1_000):
            write()
    assert written > 0 and consistent(store) == written
    limit = 1_000_000
    write()
    assert consistent(store) == written
