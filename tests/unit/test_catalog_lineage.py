"""Lineage: what was published and what was read, by table, and from table to table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from lakelet.catalog.lineage import Lineage
from lakelet.catalog.publish_records import ABORTED, APPLIED, COMMITTED, OPEN, PLACE, publishes
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException
from lakelet.workspace.state import open_state, writing


@pytest.fixture
def engine(database: Path | str) -> Iterator[sa.Engine]:
    engine = open_state(database)
    catalog = CatalogStore(engine)
    with writing(engine) as connection:
        catalog.create_database(connection, {"Name": "lake"})
        for name in ("raw", "clean", "total"):
            catalog.create_table(connection, "lake", {"Name": name})
    yield engine
    engine.dispose()


@pytest.fixture
def lineage(engine: sa.Engine) -> Lineage:
    return Lineage(engine, CatalogStore(engine))


def publish(
    engine: sa.Engine, run: str, table: str, state: str = APPLIED, at: float = 1, database: str = "lake"
) -> None:
    row = {
        "id": f"{run}-{database}.{table}-{state}-{at}", "run_id": run, "database_name": database, "table_name": table,
        "location": "", "bucket": "b", "staging": "", "state": state, "staged": False, "opened_at": at,
    }  # fmt: skip
    with writing(engine) as connection:
        connection.execute(publishes.insert().values(row))


def test_runs_lead_from_table_to_table(engine: sa.Engine, lineage: Lineage) -> None:
    lineage.read("r1", "lake", "RAW")
    lineage.read("r2", "lake", "clean")
    lineage.read("r3", "Lake", "clean")
    publish(engine, "r1", "clean", at=1)
    publish(engine, "r1", "clean", at=2)
    publish(engine, "r4", "clean", COMMITTED, at=3)
    publish(engine, "r2", "total")
    publish(engine, "r2", "s3://gold/x/", database=PLACE)
    found = lineage.of("LAKE", "Clean")
    assert found["writers"] == [{"run_id": "r4", "at": 3}, {"run_id": "r1", "at": 2}]
    assert [one["run_id"] for one in found["readers"]] == ["r3", "r2"]
    assert found["sources"] == [["lake", "raw"]]
    assert found["derived"] == [["lake", "total"]]


def test_what_was_not_published_was_not_written(engine: sa.Engine, lineage: Lineage) -> None:
    lineage.read("r1", "lake", "raw")
    publish(engine, "r1", "clean", OPEN)
    publish(engine, "r1", "clean", ABORTED)
    assert lineage.of("lake", "clean") == {"writers": [], "readers": [], "sources": [], "derived": []}
    assert lineage.of("lake", "raw")["derived"] == []


def test_a_run_that_reads_again_is_one_reader(lineage: Lineage) -> None:
    lineage.read("r1", "lake", "raw")
    lineage.read("r1", "lake", "raw")
    assert [one["run_id"] for one in lineage.of("lake", "raw")["readers"]] == ["r1"]


def test_a_table_that_is_gone_has_no_lineage(lineage: Lineage) -> None:
    lineage.read("r1", "lake", "gone")
    with pytest.raises(EntityNotFoundException):
        lineage.of("lake", "gone")


@pytest.mark.parametrize("run_id", ["", "a b", "x" * 300, "é\x00"])
def test_a_reader_is_a_run(lineage: Lineage, run_id: str) -> None:
    with pytest.raises(InvalidInputException, match="is no run id"):
        lineage.read(run_id, "lake", "raw")
