"""``/_lakelet`` takes what it documents and refuses the rest by name: no member is ignored, no wrong type a 500."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette

from lakelet.api import api_routes
from lakelet.aws.lookup import CatalogLookup
from lakelet.catalog.grants.guard import Guard
from lakelet.catalog.grants.lake import Lake
from lakelet.catalog.lineage import Lineage
from lakelet.catalog.publish_records import OPEN
from lakelet.catalog.publishes import Publishes
from lakelet.catalog.store import CatalogStore
from lakelet.cli import publishes as commands
from lakelet.cli.output import Format
from lakelet.jobs.store import JobStore
from lakelet.query.service import SqlService
from lakelet.workspace.control import call
from lakelet.workspace.errors import (
    EntityNotFoundException,
    InvalidInputException,
    LakeletError,
    UsageError,
    ValidationException,
)
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret
from lakelet.workspace.state import open_state
from tests.conftest import eventually


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose control process serves ``/_lakelet`` and nothing else; it has no object store."""
    root: Path = tmp_path_factory.mktemp("api")
    workspace = Workspace(root, root / ".lakelet").prepare()
    workspace.write_endpoints({"s3": "http://127.0.0.1:9"})
    engine = open_state(workspace.database)
    catalog = CatalogStore(engine)
    publishes = Publishes(engine, catalog, workspace)
    sql = SqlService(workspace, CatalogLookup(engine, catalog, publishes))
    token = secret(workspace, "control_token")
    guard = Guard(Lake(catalog, "123456789012"), lambda peer, here: None)
    find_runs = JobStore(engine).runs_by_id
    app = Starlette(
        routes=api_routes(publishes, Lineage(engine, catalog), find_runs, sql, token, guard, workspace.state)
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    workspace.write_endpoints({"s3": "http://127.0.0.1:9", "control": f"http://127.0.0.1:{port}"})
    yield workspace
    server.should_exit = True
    thread.join(timeout=60)


BEGIN = {"run_id": "jr_1", "database": None, "table": None, "location": "s3://silver/x/"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"tabel": "t"}, "tabel"),
        ({"database": 5, "table": "t"}, "database"),
        ({"database": "silver", "table": ["t"]}, "table"),
        ({"run_id": None}, "run_id"),
        ({"location": {}}, "location"),
    ],
)
def test_a_publish_is_begun_with_its_members_only(workspace: Workspace, change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationException, match=named):
        call(workspace, "POST", "publishes", {**BEGIN, **change})


def test_a_full_disk_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Publishes, "begin", full)
    with pytest.raises(LakeletError, match=r"The disk is full: .*lakelet gc"):
        call(workspace, "POST", "publishes", BEGIN)


def test_every_publish_has_a_time_of_its_own(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakelet.catalog.publishes.time.time", lambda: 1_000_000_000.0)  # one millisecond, long ago
    opened = [call(workspace, "POST", "publishes", {**BEGIN, "token": f"t{n}"})["opened"] for n in range(3)]
    assert len(set(opened)) == 3
    assert call(workspace, "POST", "publishes", {**BEGIN, "token": "t1"})["opened"] == opened[1]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"wait_seconds": 0}, "wait_seconds"),
        ({"sequence": True}, "sequence"),
        ({"sequence": "0"}, "sequence"),
        ({"add": {}}, "add"),
        ({"remove": [5]}, "remove"),
        ({"partitions": 0}, "partitions"),
        ({"remove_partitions": {}}, "remove_partitions"),
        ({"remove_partitions": ["2013"]}, "remove_partitions"),
        ({"remove_partitions": [[2013]]}, "remove_partitions"),
    ],
)
def test_a_commit_has_its_members_only(workspace: Workspace, change: dict[str, Any], named: str) -> None:
    begun = call(workspace, "POST", "publishes", BEGIN)
    path = f"publishes/{begun['publish_id']}"
    with pytest.raises(ValidationException, match=named):
        call(workspace, "POST", f"{path}/commit", {"sequence": begun["sequence"], **change})
    assert call(workspace, "GET", path) == {"state": OPEN}


def test_a_commit_may_leave_out_what_it_does_not_change(workspace: Workspace) -> None:
    begun = call(workspace, "POST", "publishes", {"run_id": "jr_1", "location": "s3://silver/y/"})
    path = f"publishes/{begun['publish_id']}"
    request = {"sequence": begun["sequence"], "add": None, "table_input": None}
    assert call(workspace, "POST", f"{path}/commit", request) == {"state": "APPLIED"}
    for method in ("GET", "DELETE"):
        with pytest.raises(ValidationException, match="force"):
            call(workspace, method, path, {"force": True})
    with pytest.raises(InvalidInputException, match="it stays"):
        call(workspace, "DELETE", path)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "sql"),
        ({"sql": 1}, "sql"),
        ({"sql": "SELECT 1", "database": 1}, "database"),
        ({"sql": "SELECT 1", "limit": 5}, "limit"),
    ],
)
def test_a_statement_has_its_members_only(workspace: Workspace, body: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationException, match=named):
        call(workspace, "POST", "sql", body)


def test_publishes_are_listed_and_only_what_is_refused_is_given_up(workspace: Workspace) -> None:
    begun = call(workspace, "POST", "publishes", {"run_id": "jr_9", "location": "s3://silver/z/"})
    listed = {one["id"]: one for one in call(workspace, "GET", "publishes")["publishes"]}
    one = listed[begun["publish_id"]]
    assert (one["state"], one["target"], one["run_id"], one["reason"]) == (OPEN, "s3://silver/z/", "jr_9", "")
    path = f"publishes/{begun['publish_id']}/give-up"
    with pytest.raises(ValidationException, match="force"):
        call(workspace, "POST", path, {"force": True})
    with pytest.raises(InvalidInputException, match="is OPEN: only one that is COMMITTED"):
        call(workspace, "POST", path)
    with pytest.raises(EntityNotFoundException):
        call(workspace, "POST", "publishes/pub_none/give-up")


def test_giving_up_asks_first(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = call(workspace, "POST", "publishes", {"run_id": "jr_9", "location": "s3://silver/asked/"})
    monkeypatch.setattr(Workspace, "find", classmethod(lambda cls: workspace))
    commands.publishes(Format.text)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if begun["publish_id"] in line]
    assert line.split()[1:3] == [OPEN, "s3://silver/asked/"]
    with pytest.raises(UsageError, match="--yes"):
        commands.give_up(begun["publish_id"], output=Format.json)
    monkeypatch.setattr("typer.confirm", lambda question: "s3://silver/asked/" not in question)
    with pytest.raises(LakeletError, match="Nothing was given up"):
        commands.give_up(begun["publish_id"])
    with pytest.raises(InvalidInputException, match="is OPEN"):
        commands.give_up(begun["publish_id"], yes=True)


@pytest.mark.parametrize(("body", "named"), [({"database": "d"}, "table"), ({"database": "d", "table": 1}, "table")])
def test_a_sequence_is_asked_of_a_table(workspace: Workspace, body: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationException, match=named):
        call(workspace, "POST", "sequence", body)
    assert call(workspace, "POST", "sequence", {"database": "d", "table": "t"}) == {"sequence": 0}


def test_the_lineage_of_a_table_is_asked_for(workspace: Workspace) -> None:
    for path, body, named in (
        ("lineage", {"database": "d"}, "table"),
        ("lineage", {"database": "d", "table": "t", "run": "r"}, "run"),
        ("sequence", {"database": "d", "table": "t", "run_id": 5}, "run_id"),
    ):
        with pytest.raises(ValidationException, match=named):
            call(workspace, "POST", path, body)
    with pytest.raises(EntityNotFoundException):
        call(workspace, "POST", "lineage", {"database": "d", "table": "t"})
    read = {"database": "d", "table": "t", "run_id": "jr_1"}
    assert call(workspace, "POST", "sequence", read) == {"sequence": 0}
