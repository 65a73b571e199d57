# ruff: noqa: S608  building SQL is what this module does; every name and value goes through quoted() or literal()
"""One catalogued table as a DuckDB view: its files, with the columns and types that the catalog gives them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sqlglot import exp
from sqlglot.errors import SqlglotError

from lakelet.data.partitions import DEFAULT_PARTITION
from lakelet.query.dialect import CATALOG
from lakelet.query.scans import Part, Scan
from lakelet.workspace.errors import QueryError


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string."""
    return "'" + text.replace("'", "''") + "'"


def array(values: Iterable[str]) -> str:
    """A list of strings."""
    return "[" + ", ".join(map(literal, values)) + "]"


@lru_cache(maxsize=4096)
def duckdb_type(hive_type: str) -> str:
    """DuckDB's name of a Hive type (``struct<a:int>`` → ``STRUCT("a" INT)``); unknown ones are read as text."""
    if hive_type.strip().lower() in ("decimal", "dec", "numeric"):
        return "DECIMAL(10, 0)"  # Hive's default, which is not DuckDB's
    try:
        return exp.DataType.build(hive_type, dialect="hive").sql("duckdb", identify=True)
    except (SqlglotError, ValueError):
        return "VARCHAR"


def create_view(scan: Scan, tolerant: bool) -> str:
    """The CREATE VIEW of a scan. ``tolerant``: Parquet files may lack columns, which are then NULL.

    Raises :class:`~lakelet.workspace.errors.QueryError` for an object name that DuckDB would take for a pattern.
    """
    for file in scan.files:
        if set(file) & set("*?["):
            raise QueryError(
                f"The object {file!r} of {scan.database}.{scan.name} has *, ? or [ in its name: rename it."
            )
    return f"CREATE VIEW {CATALOG}.{quoted(scan.database)}.{quoted(scan.name)} AS {_select(scan, tolerant)}"


def _select(scan: Scan, tolerant: bool) -> str:
    columns, keys = [name for name, _ in scan.columns], [name for name, _ in scan.keys]
    if not scan.files:
        typed = [f"CAST(NULL AS {duckdb_type(kind)}) AS {quoted(name)}" for name, kind in (*scan.columns, *scan.keys)]
        return f"SELECT {', '.join(typed)} WHERE false"
    if scan.hive or not scan.keys:
        return f"SELECT {_list([*columns, *keys], scan)} FROM {_source(scan, scan.files, tolerant)}"
    return " UNION ALL ".join(
        f"SELECT {_list(columns, scan)}, {_constants(scan, part)} FROM {_source(scan, part.files, tolerant)}"
        for part in scan.parts
        if part.files
    )


def _list(names: list[str], scan: Scan) -> str:
    """The select list: text formats are read as text and cast here, so that what cannot be read is NULL, as in Hive."""
    if scan.format != "csv":
        return ", ".join(map(quoted, names))
    types = dict(scan.columns)
    return ", ".join(
        f"TRY_CAST({quoted(name)} AS {duckdb_type(types[name])}) AS {quoted(name)}"
        if name in types and duckdb_type(types[name]) not in ("TEXT", "VARCHAR")
        else quoted(name)
        for name in names
    )


def _constants(scan: Scan, part: Part) -> str:
    return ", ".join(
        f"CAST({'NULL' if value == DEFAULT_PARTITION else literal(value)} AS {duckdb_type(kind)}) AS {quoted(name)}"
        for (name, kind), value in zip(scan.keys, part.values, strict=True)
    )


def _source(scan: Scan, files: list[str], tolerant: bool) -> str:
    options = ["hive_partitioning = false"]
    if scan.hive and scan.keys:
        types = ", ".join(f"{literal(name)}: {literal(duckdb_type(kind))}" for name, kind in scan.keys)
        options = ["hive_partitioning = true", f"hive_types = {{{types}}}"]
    if scan.format == "parquet":
        return _parquet(scan, files, options, tolerant)
    if scan.format == "csv":
        types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name, _ in scan.columns)
        options += [f"columns = {{{types}}}", "auto_detect = false", "header = false", "null_padding = true"]
        options += ["strict_mode = false", "nullstr = ''", "parallel = false"]
        options += [f"{name} = {literal(str(scan.csv[name]))}" for name in ("delim", "quote", "escape")]
        options += [f"skip = {int(scan.csv['skip'])}"]
        return f"read_csv({array(files)}, {', '.join(options)})"
    types = ", ".join(f"{literal(name)}: {literal(duckdb_type(kind))}" for name, kind in scan.columns)
    return f"read_json({array(files)}, columns = {{{types}}}, format = 'auto', {', '.join(options)})"


def _parquet(scan: Scan, files: list[str], options: list[str], tolerant: bool) -> str:
    read = f"read_parquet({array(files)}, {', '.join(options)}"
    if not tolerant:
        return read + ")"
    # A branch without rows gives every column of the catalog, also those that no file has.
    typed = ", ".join(f"CAST(NULL AS {duckdb_type(kind)}) AS {quoted(name)}" for name, kind in scan.columns)
    return f"(SELECT * FROM {read}, union_by_name = true) UNION ALL BY NAME SELECT {typed} WHERE false)"
