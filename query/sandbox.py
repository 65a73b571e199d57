"""The sandbox of one statement: a DuckDB that can read the statement's own files and nothing else.

The fences, outermost first: a process of its own with limits (:mod:`lakelet.query.worker`); credentials that read only
the tables' prefixes and soon expire (:mod:`lakelet.query.credentials`); DuckDB's ``enable_external_access = false``
with the exact list of files as ``allowed_paths``, locked; and DuckDB's own parse of the statement, in which only SELECT
over the planned tables passes.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from lakelet.query import hugeints
from lakelet.query.dialect import CATALOG, FORBIDDEN_FUNCTIONS, TABLE_FUNCTIONS, Statement
from lakelet.query.encoding import as_utf8
from lakelet.query.scans import Plan
from lakelet.query.views import array, create_view, literal, quoted
from lakelet.workspace.errors import QueryError

log = logging.getLogger(__name__)

# Up to such sizes a file costs less read whole, in one request, than by a question for its size and a request for its
# footer and for each run of columns; and up to such sums it may lie in memory.
WHOLE_BYTES = 4 << 20
ALL_WHOLE_BYTES = 64 << 20
_REFUSED_NODES = frozenset({"SHOW_REF", "COPY_DATABASE"})


class Restart(Exception):
    """The statement should be planned again: its ``reason`` is "files" (some vanished) or "schema" (a tolerant plan may
    cope with what they hold)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def extension() -> Path:
    """The httpfs extension that pip installed; nothing is ever downloaded."""
    folder = Path(str(importlib.util.find_spec("duckdb_extension_httpfs").origin)).parent  # type: ignore[union-attr]
    return next(folder.rglob("httpfs.duckdb_extension"))


def open_database(memory_mb: int, temporary: Path, *, verify: bool = False) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory DuckDB with httpfs loaded. ``verify`` checks the extension's signature, which takes 0.1 s:
    the template process does it once for all its workers."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_unsigned_extensions": "false" if verify else "true",
            "python_enable_replacements": "false",
            "memory_limit": f"{memory_mb}MiB",
            "temp_directory": str(temporary),
            "max_temp_directory_size": f"{4 * memory_mb}MiB",
            "enable_external_file_cache": "false",
            "extension_directory": str(temporary),
            "home_directory": str(temporary),
            "secret_directory": str(temporary),
            "allow_persistent_secrets": "false",
        },
    )
    connection.execute(f"LOAD {literal(str(extension()))}")
    connection.execute("SET TimeZone = 'UTC'")
    # Making a view and using it ask for the same footers; the statement's own connection keeps them, nobody else's.
    # A file replaced in between is noticed by its ETag, which comes with every read.
    connection.execute("SET enable_http_metadata_cache = true")
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute(f"ATTACH ':memory:' AS {CATALOG}")
    return connection


def lock(connection: duckdb.DuckDBPyConnection, plan: Plan, temporary: Path) -> Plan:
    """Give the connection the plan's schemas and files, then close it for good to everything else; returns the plan to
    execute. ``temporary`` is where a tolerant plan's files are written anew, if need be."""
    databases = sorted({scan.database for scan in plan.scans} | ({plan.database} if plan.database else set()))
    script = [f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{quoted(database)}" for database in databases]
    script.append(f"USE {CATALOG}.{quoted(plan.database or 'main')}")
    if storage := plan.storage:
        options = ", ".join(f"{name} {literal(value)}" for name, value in storage.items() if name != "USE_SSL")
        script.append(f"CREATE SECRET lake (TYPE s3, USE_SSL {bool(storage['USE_SSL'])}, {options})")
    if plan.tolerant:
        connection.execute(";\n".join(script))
        script, plan = [], as_utf8(connection, plan, temporary)
    files = [file for scan in plan.scans for file in scan.files]
    script.append(f"SET allowed_paths = {array(files)}::VARCHAR[]")
    size = sum(part.size for scan in plan.scans for part in scan.parts)
    if size <= min(ALL_WHOLE_BYTES, WHOLE_BYTES * len(files)):
        script.append("SET force_download = true")
    script.append("SET enable_external_access = false")
    script.append("SET lock_configuration = true")
    connection.execute(";\n".join(script))  # it stops at the first that fails, by raising
    return plan


def execute(connection: duckdb.DuckDBPyConnection, statement: Statement, plan: Plan) -> Any:
    """Run the statement in the locked connection and return a pyarrow RecordBatchReader.

    Raises :class:`~lakelet.workspace.errors.QueryError`, or :class:`Restart` when another plan may do better.
    """
    if plan.rows is not None:
        return _answer(connection, plan)
    for scan in plan.scans:
        try:
            connection.execute(create_view(scan, plan.tolerant))
        except duckdb.BinderException as error:
            if plan.tolerant or scan.format != "parquet":
                raise translated(error, plan) from error
            raise Restart("schema", _sentence(error)) from error  # a column of the catalog that no file has
        except duckdb.Error as error:
            raise translated(error, plan) from error
    failure: duckdb.Error | None = None
    for text in statement.texts():
        try:
            check(connection, text, plan)
            connection.execute(f"{statement.verbs}{text}")
            kinds = [column[1] for column in connection.description]
            return hugeints.marked(connection.to_arrow_reader(20_000), kinds)
        except (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException) as error:
            failure = failure or error  # the statement as written; the next text is Athena's dialect, translated
        except duckdb.Error as error:
            raise translated(error, plan) from error
    assert failure is not None  # noqa: S101  a statement has a text
    raise translated(failure, plan) from failure


def check(connection: duckdb.DuckDBPyConnection, text: str, plan: Plan) -> None:
    """Ask DuckDB's own parser what the text is. Raises :class:`~lakelet.workspace.errors.QueryError` unless it is one
    SELECT over the planned tables, its own CTEs and harmless table functions."""
    statements = connection.extract_statements(text)
    if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
        kinds = ", ".join(one.type.name for one in statements)
        raise QueryError(f"{kinds or 'Nothing'} is refused: send one SELECT.")
    # As a literal: binding a parameter would make DuckDB import pandas first, which takes 0.3 s.
    row = connection.execute(f"SELECT json_serialize_sql({literal(text)})").fetchone()
    tree = json.loads(row[0]) if row else {"error": True}
    if tree.get("error"):
        raise QueryError(f"The statement cannot be checked, so it is refused: {tree.get('error_message', '')}")
    planned = {(scan.database, scan.name) for scan in plan.scans}
    nodes = list(_nodes(tree))
    own = {entry["key"].lower() for node in nodes if "cte_map" in node for entry in node["cte_map"]["map"]}
    own |= {str(node["cte_name"]).lower() for node in nodes if node.get("cte_name")}
    for node in nodes:
        kind = node.get("type") if isinstance(node.get("type"), str) else None
        if kind == "TABLE_FUNCTION" and node["function"]["function_name"].lower() not in TABLE_FUNCTIONS:
            raise QueryError(f"The table function {node['function']['function_name']}() is refused.")
        if kind == "FUNCTION" and str(node.get("function_name")).lower() in FORBIDDEN_FUNCTIONS:
            raise QueryError(f"The function {node['function_name']}() is refused: it reads outside the lake.")
        if kind in _REFUSED_NODES:
            raise QueryError("DESCRIBE, SHOW and SUMMARIZE cannot stand inside a SELECT.")
        if kind == "BASE_TABLE":
            name, schema = node["table_name"].lower(), node["schema_name"].lower() or plan.database
            if (schema, name) not in planned and not (not node["schema_name"] and name in own):
                raise QueryError(f"{node['table_name']!r} is not a table of the catalog that this statement may read.")


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            yield one
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)


def _answer(connection: duckdb.DuckDBPyConnection, plan: Plan) -> Any:
    names = ", ".join(map(quoted, plan.names))
    if plan.rows:
        values = ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in plan.rows)
        connection.execute(f"SELECT * FROM (VALUES {values}) AS answer({names})")  # noqa: S608  quoted above
    else:
        empty = ", ".join(f"''::VARCHAR AS {quoted(name)}" for name in plan.names)
        connection.execute(f"SELECT {empty} WHERE false")
    return connection.to_arrow_reader()


def translated(error: Exception, plan: Plan) -> Exception:
    """DuckDB's exception as ours: a Restart when a better plan may help, else a sentence."""
    message = _sentence(error)
    if isinstance(error, duckdb.HTTPException) and "404" in str(error):
        return Restart("files", message)
    if isinstance(error, duckdb.IOException) and re.search(r"No files found|does not exist|ETag", str(error)):
        return Restart("files", message)
    if isinstance(error, (duckdb.OutOfMemoryException, MemoryError)):
        return QueryError(
            f"The statement needs more memory than it may have ({message}): read less, or raise sql_memory_mb."
        )
    if not plan.tolerant and ("union_by_name" in str(error) or _is_no_utf8(error)):
        return Restart("schema", message)  # the first is DuckDB's advice when files differ in their columns
    return QueryError(message)


def _is_no_utf8(error: Exception) -> bool:
    """Whether a CSV file has bytes that are no text. DuckDB 1.5 stumbles over its own message when the statement does
    not read all columns."""
    stumbled = isinstance(error, duckdb.InternalException) and "Attempted to access index" in str(error)
    return stumbled or "Invalid unicode" in str(error)


def _sentence(error: Exception) -> str:
    text = str(error).split("\n\nLINE ")[0].split("\nLINE ")[0]
    text = " ".join(text.split())
    return (text if len(text) <= 600 else text[:597] + "...") or type(error).__name__


def warm(connection: duckdb.DuckDBPyConnection) -> None:
    """Touch what the first statement would otherwise wait for: the parser, an aggregate, Arrow."""
    connection.execute("SELECT json_serialize_sql('SELECT count(*) FROM range(10) GROUP BY ALL')").fetchall()
    connection.execute("SELECT count(*), avg(a) FROM range(1000) t(a) GROUP BY a % 7").to_arrow_reader().read_all()
