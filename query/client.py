"""Local SQL from anywhere: the control process runs the statement, this asks it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakelet.query import hugeints
from lakelet.workspace.control import fetch
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    import pyarrow

ARROW = "application/vnd.apache.arrow.stream"
PATIENCE_SECONDS = 60  # on top of a statement's own limit, for waiting its turn and for the answer's way


@dataclass(frozen=True)
class Rows:
    """An answer in plain values: ``(name, type)`` of each column, and the rows as JSON has them."""

    columns: list[tuple[str, str]]
    rows: list[list[Any]]


def query(workspace: Workspace, sql: str, database: str | None = None) -> pyarrow.Table:
    """Run one SELECT over the catalogued lake. ``database`` is where unqualified table names are looked up. DuckDB's
    128-bit integers, as ``sum()`` of integers gives them, are int64 where all of a column's fit, else decimals.

    Raises :class:`~lakelet.workspace.errors.QueryError` when it is refused or fails,
    :class:`~lakelet.workspace.errors.NotRunningError` when the stack is down.
    """
    import pyarrow.ipc

    with pyarrow.ipc.open_stream(_ask(workspace, sql, database, ARROW)) as reader:
        return hugeints.narrowed(reader.read_all())


def query_rows(workspace: Workspace, sql: str, database: str | None = None) -> Rows:
    """As :func:`lakelet.query`, in plain values and without importing anything heavy."""
    answer = json.loads(_ask(workspace, sql, database, "application/json"))
    return Rows([(column["name"], column["type"]) for column in answer["columns"]], answer["rows"])


def _ask(workspace: Workspace, sql: str, database: str | None, accept: str) -> bytes:
    timeout = workspace.settings.number("sql_timeout_seconds") + PATIENCE_SECONDS
    body = {"sql": sql, "database": database}
    return fetch(workspace, "POST", "sql", body, accept=accept, timeout=timeout)
