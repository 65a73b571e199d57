"""Tables of the catalog in the SQL of scripts, for Sail: their names in a text, and which it reads as Spark does.

Sail's own catalog is empty: a table that a statement names is put into the text as a view of what
:mod:`lakelet.etl.sql_tables` has read for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from lakelet.catalog.hive.types import PROVIDER, hive_column, made_schema
from lakelet.data.formats import CSV, PARQUET, dialect_of, format_of
from lakelet.workspace.errors import InvalidInputException

_DOTTED = re.compile(r"(?:\b(?:from|join)\b|,)[\s(]*(?:\w+|`[^`]+`)\s*\.\s*[\w`]", re.IGNORECASE)
_TEMPORARY = "global_temp"  # the database of views that all sessions see
_PADDED = re.compile(r"\b(?:var)?char\b", re.IGNORECASE)
_OTHERWISE = re.compile(r'"(?:timestamp_ntz|void|udt|[\w ]*interval[\w ]*)"')  # types that the catalog calls otherwise

_OF_READERS = frozenset(("header", "sep", "delimiter", "quote", "escape"))  # options that both engines heed
_OF_STORES = frozenset(("path", "serialization.format", "field.delim"))

Name = tuple[str, str]  # of a table: its database and its own, in lower case


def named(text: str) -> list[Name]:
    """The tables with a database that a statement names, in their order; none of one that cannot be parsed."""
    return list(dict.fromkeys(_name(one) for one in _tables(text)))


def of_name(told: str) -> Name | None:
    """The table that ``spark.table`` is told; None for one without a database, and for what is no name."""
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        found = list(_with_database(iter([exp.to_table(told, dialect="spark")])))
    except SqlglotError:
        return None
    return _name(found[0]) if found else None


def with_views(text: str, view_of: Callable[[Name], str]) -> str:
    """A statement in which views stand for tables with a database, each by the table's own name as its alias."""
    from sqlglot import exp

    found = _tables(text)
    pieces: list[tuple[int, int, str]] = []
    for one in found:
        alias = "" if one.args.get("alias") else f" AS `{one.name}`"
        pieces.append((*_place(one.args["db"], one.this), f"`{view_of(_name(one))}`{alias}"))
    known = {_name(one) for one in found}
    for column in found[0].root().find_all(exp.Column) if found else ():
        parts = column.parts
        if len(parts) > 2 and (parts[0].name.lower(), parts[1].name.lower()) in known:  # silver.flights.year
            pieces.append((*_place(parts[0], parts[1]), f"`{parts[1].name}`"))
    for first, end, piece in sorted(pieces, reverse=True):
        text = text[:first] + piece + text[end:]
    return text


def why_not(definition: Mapping[str, Any]) -> str:
    """Why ``spark.sql`` on Sail does not read a table (Glue's Table structure) as Spark does; empty if it does."""
    parameters = definition.get("Parameters") or {}
    if definition.get("TableType") == "VIRTUAL_VIEW":
        return "it is a view"
    if parameters.get("connectionName"):
        return "it lies in a database"
    try:
        kind = format_of(definition)
    except InvalidInputException:
        return "its format is not known"
    if kind not in (PARQUET, CSV):
        return f"its format is {kind.name}"
    if kind is CSV and (why := _why_not_csv(definition)):
        return why
    if any(_PADDED.search(one.get("Type", "")) for one in _columns(definition)):
        return "it has columns of char or varchar"
    if PROVIDER in parameters and not _is_as_made(definition):
        return "Spark has made it, with types that the catalog tells otherwise"
    return ""


def csv_options(definition: Mapping[str, Any]) -> dict[str, str] | None:
    """The options by which Spark reads a table of CSV; None for one that is of another format."""
    if format_of(definition) is not CSV:
        return None
    if PROVIDER not in (definition.get("Parameters") or {}):
        return dialect_of(definition).for_spark
    return {name: value for name, value in _storage_options(definition).items() if name in _OF_READERS}


def _why_not_csv(definition: Mapping[str, Any]) -> str:
    if PROVIDER not in (definition.get("Parameters") or {}):
        lines = dialect_of(definition).header_lines
        return f"it has {lines} lines of heading" if lines > 1 else ""
    odd = _storage_options(definition).keys() - _OF_READERS - _OF_STORES
    return f"Spark has made it with the option {min(odd)}" if odd else ""


def _storage_options(definition: Mapping[str, Any]) -> Mapping[str, str]:
    descriptor = definition.get("StorageDescriptor") or {}
    return (descriptor.get("SerdeInfo") or {}).get("Parameters") or {}


def names_of(definition: Mapping[str, Any]) -> list[str]:
    """The names of a table's columns as ``spark.sql`` has them: in their case, if Spark has made the table."""
    schema = made_schema(definition.get("Parameters") or {})
    return [one["name"] for one in schema["fields"]] if schema else [one["Name"] for one in _columns(definition)]


def _is_as_made(definition: Mapping[str, Any]) -> bool:
    """Whether a table that Spark has made has the columns in the catalog that Spark has written into its properties."""
    schema = made_schema(definition.get("Parameters") or {})
    told = [hive_column(field) for field in schema["fields"]] if schema else []
    same = [(one["Name"], one["Type"]) for one in told] == [(one["Name"], one["Type"]) for one in _columns(definition)]
    return same and not _OTHERWISE.search(json.dumps(schema))


def _columns(definition: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """The columns of a table, the keys of its partitions last."""
    descriptor = definition.get("StorageDescriptor") or {}
    return [*(descriptor.get("Columns") or ()), *(definition.get("PartitionKeys") or ())]


@lru_cache(maxsize=8)
def _tables(text: str) -> list[Any]:
    """The tables with a database in a statement, as sqlglot has them."""
    if not _DOTTED.search(text):
        return []
    import sqlglot
    from sqlglot import exp

    try:
        statement = sqlglot.parse_one(text, dialect="spark")
    except (sqlglot.errors.SqlglotError, RecursionError):  # Sail says what is wrong with it
        return []
    return list(_with_database(statement.find_all(exp.Table)))


def _with_database(tables: Iterator[Any]) -> Iterator[Any]:
    for one in tables:
        has_name = type(one.this).__name__ == "Identifier" and not one.args.get("catalog")
        if has_name and one.db and one.db.lower() != _TEMPORARY:
            yield one


def _name(table: Any) -> Name:
    return table.db.lower(), table.name.lower()


def _place(first: Any, last: Any) -> tuple[int, int]:
    """Where a path of names stands in its text: its first character, and the one after its last."""
    return first.meta["start"], last.meta["end"] + 1
