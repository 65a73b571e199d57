"""The catalog's own client, which the other rooms read and write tables with."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog import client
from catalog.client import TableReference
from tests.wire.conftest import Wire
from workspace.errors import (
    AlreadyExistsException,
    EntityNotFoundException,
    InvalidInputException,
    NotRunningError,
    UsageError,
    ValidationException,
)
from workspace.paths import Workspace

KEYS = [{"Name": "n", "Type": "int"}]


def test_tables_come_and_go(wire: Wire, database: str) -> None:
    client.ensure_database(wire.workspace, database)  # it is there already
    glue, table = wire.client(), {"Name": "t", "PartitionKeys": KEYS}
    glue.create_table(DatabaseName=database, TableInput=table)
    glue.update_table(DatabaseName=database, TableInput={**table, "Description": "again"})
    found = client.get_table(wire.workspace, database, "t")
    assert (found["Description"], found["VersionId"]) == ("again", "1")
    assert [table["Name"] for table in client.get_tables(wire.workspace, database)] == ["t"]
    assert database in [one["Name"] for one in client.get_databases(wire.workspace)]


def test_every_page_of_partitions_is_read(wire: Wire, database: str) -> None:
    glue = wire.client()
    glue.create_table(DatabaseName=database, TableInput={"Name": "t", "PartitionKeys": KEYS})
    for start in range(0, 1100, 100):
        inputs = [{"Values": [str(number)]} for number in range(start, start + 100)]
        glue.batch_create_partition(DatabaseName=database, TableName="t", PartitionInputList=inputs)
    assert len(list(client.get_partitions(wire.workspace, database, "t"))) == 1100
    assert len(list(client.get_partitions(wire.workspace, database, "t", "n < 5 OR n = 1099"))) == 6


def test_errors_are_ours(wire: Wire, database: str) -> None:
    with pytest.raises(EntityNotFoundException, match="Table none not found") as caught:
        client.get_table(wire.workspace, database, "none")
    assert caught.value.__cause__ is not None
    with pytest.raises(AlreadyExistsException):
        client.translated(lambda: wire.client().create_database(DatabaseInput={"Name": database}))
    with pytest.raises(ValidationException, match="Name"):
        client.translated(lambda: wire.client().get_table(DatabaseName=database))
    wire.client().create_table(DatabaseName=database, TableInput={"Name": "t", "PartitionKeys": KEYS})
    with pytest.raises(InvalidInputException, match="partition keys are"):
        list(client.get_partitions(wire.workspace, database, "t", "m = 1"))


def test_a_stack_that_is_down_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path, tmp_path / ".lakelet").prepare()
    with pytest.raises(NotRunningError, match="lakelet up"):
        client.get_table(workspace, "d", "t")
    workspace.write_endpoints({"control": "http://127.0.0.1:9"})
    with pytest.raises(NotRunningError, match="does not answer"):
        client.get_table(workspace, "d", "t")


def test_a_proxy_is_not_asked_for_what_is_here(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    client._client.cache_clear()
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert list(client.get_databases(wire.workspace)) is not None


def test_tables_are_named_by_database_and_name() -> None:
    assert TableReference.parse("Silver.Flights") == TableReference("silver", "flights")
    assert str(TableReference("a", "b")) == "a.b"
    for wrong in ("", "a", "a.", ".b", "a.b.c"):
        with pytest.raises(UsageError, match=r"DATABASE\.TABLE"):
            TableReference.parse(wrong)
