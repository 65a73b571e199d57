"""``lakelet catalog search``, ``versions``, ``diff`` and ``lineage`` over the real wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from lakelet.cli.catalog import app
from lakelet.workspace.errors import EntityNotFoundException, UsageError
from tests.wire.conftest import Wire


def run(*words: str) -> Any:
    result = CliRunner().invoke(app, [*words, "--output", "json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


@pytest.fixture
def table(wire: Wire, database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table of three versions: a column that is widened, and then one that goes."""
    monkeypatch.setenv("LAKELET_STATE", str(wire.workspace.state))
    glue = wire.client()
    for number, columns in enumerate(
        ({"id": "int", "name": "string"}, {"id": "bigint", "name": "string"}, {"id": "bigint"})
    ):
        descriptor = {"Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()]}
        wanted = {"Name": "parcels", "Description": "Zeppelin post", "StorageDescriptor": descriptor}
        (glue.update_table if number else glue.create_table)(DatabaseName=database, TableInput=wanted)
    return f"{database}.parcels"


def test_a_table_is_found_by_words(table: str, database: str) -> None:
    assert [row["table"] for row in run("search", "zeppelin POST")] == [table]
    assert [row["table"] for row in run("search", "zeppelin", "--database", database.upper())] == [table]
    assert run("search", "zeppelin", "--database", "elsewhere") == []
    assert run("search", "zeppelin airmail") == []


def test_versions_say_what_they_changed(table: str) -> None:
    assert [(row["version"], row["columns"], row["changes"]) for row in run("versions", table)] == [
        (2, 1, "-name"), (1, 2, "~id"), (0, 2, ""),
    ]  # fmt: skip


def test_two_versions_side_by_side(table: str) -> None:
    gone = {"part": "column", "name": "name", "change": "removed", "before": "string", "after": ""}
    wider = {"part": "column", "name": "id", "change": "changed", "before": "int", "after": "bigint"}
    assert run("diff", table) == [gone]
    assert run("diff", table, "0", "1") == [wider]
    assert run("diff", table, "0") == [wider, gone]
    assert run("diff", table, "1", "1") == []
    told = CliRunner().invoke(app, ["diff", table, "1", "1"], catch_exceptions=False).output
    assert told == f"Versions 1 and 1 of {table} do not differ.\n"


def test_mistakes_are_sentences(table: str, database: str) -> None:
    for words, kind, complaint in (
        (("versions", "parcels"), UsageError, "write DATABASE.TABLE"),
        (("versions", f"{database}.none"), EntityNotFoundException, "none not found"),
        (("diff", table, "7"), EntityNotFoundException, "has no version 7; it has 2, 1, 0"),
        (("diff", f"{database}.none"), EntityNotFoundException, "none not found"),
    ):
        with pytest.raises(kind, match=complaint):
            run(*words)
