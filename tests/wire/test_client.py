"""The catalog's own client, which the other rooms read and write tables with."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from lakelet.aws.operations import load_service
from lakelet.aws.services import glue as glue_operations
from lakelet.catalog import client
from lakelet.catalog.client import TableReference
from lakelet.catalog.glue import TIMESTAMPS, Glue
from lakelet.workspace.errors import (
    AlreadyExistsException,
    EntityNotFoundException,
    InvalidInputException,
    LakeletError,
    NotRunningError,
    UsageError,
    ValidationException,
)
from lakelet.workspace.paths import Workspace
from tests.wire.conftest import Wire

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
    glue = Glue(wire.workspace)
    with pytest.raises(EntityNotFoundException, match="Table none not found"):
        client.get_table(wire.workspace, database, "none")
    with pytest.raises(AlreadyExistsException):
        glue.call("CreateDatabase", DatabaseInput={"Name": database})
    with pytest.raises(ValidationException, match="name"):
        glue.call("GetTable", DatabaseName=database)
    with pytest.raises(LakeletError, match="Nonsense"):
        glue.call("Nonsense")
    wire.client().create_table(DatabaseName=database, TableInput={"Name": "t", "PartitionKeys": KEYS})
    with pytest.raises(InvalidInputException, match="partition keys are"):
        list(client.get_partitions(wire.workspace, database, "t", "m = 1"))


def test_the_answer_is_what_boto3_gives(wire: Wire, database: str) -> None:
    glue, boto = Glue(wire.workspace), wire.client()
    seen = datetime.now(UTC).replace(microsecond=0)
    parameters = {"CreateTime": "12", "naïve": "☃"}
    table = {"Name": "t", "PartitionKeys": KEYS, "Parameters": parameters, "LastAccessTime": seen}
    glue.call("CreateTable", DatabaseName=database, TableInput=table)
    ours, theirs = (
        answer["Table"]
        for answer in (
            glue.call("GetTable", DatabaseName=database, Name="t"),
            boto.get_table(DatabaseName=database, Name="t"),
        )
    )
    assert ours == theirs
    assert ours["Parameters"] == parameters and ours["LastAccessTime"] == seen
    assert ours["CreateTime"].utcoffset() == theirs["CreateTime"].utcoffset()


def test_every_timestamp_of_an_operation_that_is_served_is_known_by_its_name() -> None:
    times: dict[str, set[str]] = {}
    for operation in load_service("glue", glue_operations).operations.values():
        if operation.model.output_shape:
            walk(operation.model.output_shape, times, set())
    named = {name for name, kinds in times.items() if "timestamp" in kinds} - {"MinimumValue", "MaximumValue"}
    assert named <= TIMESTAMPS
    # As a number nothing else may have such a name.
    assert [name for name in TIMESTAMPS & times.keys() if times[name] & {"integer", "long", "float", "double"}] == []


def walk(shape: Shape, kinds: dict[str, set[str]], seen: set[str]) -> None:
    if shape.name in seen:
        return
    seen.add(shape.name)
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            kinds.setdefault(name, set()).add(member.type_name)
            walk(member, kinds, seen)
    elif isinstance(shape, ListShape):
        walk(shape.member, kinds, seen)
    elif isinstance(shape, MapShape):
        walk(shape.value, kinds, seen)


def test_a_request_is_repeated_unless_it_may_have_been_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a server that takes every request and answers the first two with nothing, or with a failure."""
    workspace = Workspace(tmp_path, tmp_path / ".lakelet").prepare()
    for answers in (b"", b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"):
        with answering([answers, answers, b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}']) as address:
            workspace.write_endpoints({"control": address})
            assert Glue(workspace).call("GetTables") == {"a": 1}
        with answering([answers, answers]) as address:
            workspace.write_endpoints({"control": address})
            with pytest.raises(LakeletError):
                Glue(workspace).call("StartJobRun")


@contextmanager
def answering(answers: list[bytes]) -> Iterator[str]:
    """A server that gives each connection the next of some answers; each must be asked for, but after a refusal."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for answer in answers:
                connection = server.accept()[0]
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_stack_that_is_down_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path, tmp_path / ".lakelet").prepare()
    with pytest.raises(NotRunningError, match="lakelet up"):
        client.get_table(workspace, "d", "t")
    workspace.write_endpoints({"control": "http://127.0.0.1:9"})
    with pytest.raises(NotRunningError, match="does not answer"):
        client.get_table(workspace, "d", "t")


def test_a_proxy_is_not_asked_for_what_is_here(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert list(client.get_databases(wire.workspace)) is not None


def test_tables_are_named_by_database_and_name() -> None:
    assert TableReference.parse("Silver.Flights") == TableReference("silver", "flights")
    assert str(TableReference("a", "b")) == "a.b"
    for wrong in ("", "a", "a.", ".b", "a.b.c"):
        with pytest.raises(UsageError, match=r"DATABASE\.TABLE"):
            TableReference.parse(wrong)
