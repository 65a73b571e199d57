"""``lakelet catalog schemas``, ``grants``, ``connections`` and ``crawlers`` against the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lakelet.cli.catalog import app
from lakelet.workspace.errors import InvalidInputException, LakeletError, UsageError
from tests.wire.conftest import Wire

USER = "arn:aws:iam::123456789012:user/ana"


@pytest.fixture
def run(wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LAKELET_STATE", str(wire.workspace.state))
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> str:
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return command


def test_schemas(run: Any, tmp_path: Path) -> None:
    first = {"type": "record", "name": "Flight", "fields": [{"name": "id", "type": "string"}]}
    (tmp_path / "a.avsc").write_text(json.dumps(first))
    more = {**first, "fields": [*first["fields"], {"name": "late", "type": ["null", "int"], "default": None}]}
    (tmp_path / "b.avsc").write_text(json.dumps(more))
    assert "version 1" in run("schemas", "register", "flight", "a.avsc", "-c", "backward")
    assert "version 2" in run("schemas", "register", "flight", "b.avsc")
    assert json.loads(run("schemas", "register", "default-registry/flight", "b.avsc", "-o", "json"))["version"] == 2
    (tmp_path / "c.avsc").write_text(json.dumps({**first, "name": "Plane"}))
    with pytest.raises(LakeletError, match="is FAILURE: it does not go with mode BACKWARD"):
        run("schemas", "register", "flight", "c.avsc")
    rows = json.loads(run("schemas", "versions", "flight", "-o", "json"))
    assert [(row["version"], row["status"]) for row in rows] == [(1, "AVAILABLE"), (2, "AVAILABLE"), (3, "FAILURE")]
    assert json.loads(run("schemas", "show", "flight", "-v", "1")) == first
    assert '+      "name": "late",' in run("schemas", "diff", "flight", "1")
    assert "do not differ" in run("schemas", "diff", "flight", "2", "2")
    listed = json.loads(run("schemas", "list", "--registry", "default-registry", "-o", "json"))
    assert [(row["schema"], row["compatibility"], row["latest"]) for row in listed] == [("flight", "BACKWARD", 2)]
    assert "is a valid AVRO schema" in run("schemas", "check", "a.avsc")


def test_mistakes_with_schemas(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("message {")
    for words, kind, complaint in (
        (("check", "a.txt"), UsageError, "--format"),
        (("check", "none.json"), LakeletError, "cannot be read"),
        (("check", "a.txt", "-f", "protobuf"), LakeletError, "not a valid PROTOBUF schema: line 1"),
        (("versions", "a/b/c"), UsageError, "REGISTRY/SCHEMA"),
        (("register", "x", "a.txt", "-c", "SIDEWARD"), UsageError, "BACKWARD_ALL"),
    ):
        with pytest.raises(kind, match=complaint):
            run("schemas", *words)


def test_connections(run: Any, wire: Wire) -> None:
    glue = wire.client()
    properties = {"JDBC_CONNECTION_URL": "jdbc:postgresql://127.0.0.1:9/shop", "USERNAME": "me", "PASSWORD": "hush"}
    made = {"Name": "cli-shop", "ConnectionType": "JDBC", "ConnectionProperties": properties}
    glue.create_connection(ConnectionInput=made)
    parts = {"HOST": "h", "PORT": "1", "JDBC_ENGINE": "mysql", "USERNAME": "me", "PASSWORD": "hush"}
    glue.create_connection(ConnectionInput={**made, "Name": "cli-parts", "ConnectionProperties": parts})
    rows = {row["name"]: row for row in json.loads(run("connections", "list", "--output", "json"))}
    assert (rows["cli-shop"]["address"], rows["cli-shop"]["user"]) == (properties["JDBC_CONNECTION_URL"], "me")
    assert rows["cli-parts"]["address"] == "h 1" and "hush" not in str(rows)
    with pytest.raises(InvalidInputException, match="refused"):
        run("connections", "test", "cli-shop")
    glue.batch_delete_connection(ConnectionNameList=["cli-shop", "cli-parts"])


def test_crawlers(run: Any, wire: Wire) -> None:
    glue = wire.client()
    targets = {"S3Targets": [{"Path": "s3://b/x/"}]}
    glue.create_crawler(Name="cli", Role="r", DatabaseName="d", Targets=targets, Schedule="cron(0 12 * * ? *)")
    (row,) = [row for row in json.loads(run("crawlers", "--output", "json")) if row["name"] == "cli"]
    assert row == {
        "name": "cli", "state": "READY", "database": "d", "schedule": "cron(0 12 * * ? *)", "last": None, "at": None,
        "message": None,
    }  # fmt: skip
    glue.delete_crawler(Name="cli")


def test_grants(run: Any, wire: Wire, database: str) -> None:
    columns = [{"Name": name, "Type": "string"} for name in ("id", "name")]
    table_input = {"Name": "t", "StorageDescriptor": {"Columns": columns}}
    wire.client().create_table(DatabaseName=database, TableInput=table_input)
    table = f"{database}.t"
    assert "was granted SELECT, INSERT" in run("grants", "grant", USER, table, "select", "INSERT")
    run("grants", "grant", USER, table, "SELECT", "--columns", "id, name")
    run("grants", "grant", USER, f"{database}.*", "DESCRIBE")
    rows = json.loads(run("grants", "list", table, "--principal", USER, "-o", "json"))
    assert {(row["resource"], row["permissions"]) for row in rows} == {
        (table, "INSERT, SELECT"), (f"{table} (id, name)", "SELECT"), (f"{database}.*", "DESCRIBE"),
    }  # fmt: skip
    assert "IAM_ALLOWED_PRINCIPALS" in run("grants", "list", database)
    assert "has no more INSERT" in run("grants", "revoke", USER, table, "INSERT")
    with pytest.raises(InvalidInputException, match="does not have"):
        run("grants", "revoke", USER, table, "INSERT")
    for words in (("list", "a.b.c"), ("grant", USER, database, "SELECT", "--columns", "a")):
        with pytest.raises(UsageError):
            run("grants", *words)
