"""JDBC targets: the tables and views of a database behind a connection, and their columns in Glue's types.

An include path is ``database/schema/table`` (PostgreSQL) or ``database/table`` (MySQL, MariaDB), ``%`` standing for any
characters; what is left out behind is ``%``. Tables are named ``database_schema_table``. ("Include and exclude
patterns", AWS Glue Developer Guide.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakelet.catalog.connections.jdbc import POSTGRESQL, Address, connected
from lakelet.catalog.crawlers.listing import glob_pattern
from lakelet.workspace.errors import InvalidInputException, NotImplementedException

_MEMBERS = frozenset({"ConnectionName", "Path", "Exclusions", "EnableAdditionalMetadata"})
_MOST_DECIMAL = 38

_POSTGRESQL = """
    SELECT c.table_schema, c.table_name, t.table_type, c.column_name, c.data_type, c.udt_name,
           c.numeric_precision, c.numeric_scale,
           col_description(format('%I.%I', c.table_schema, c.table_name)::regclass, c.ordinal_position::int)
    FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema NOT IN ('pg_catalog', 'information_schema')
    ORDER BY c.table_schema, c.table_name, c.ordinal_position
"""
_MYSQL = """
    SELECT c.TABLE_SCHEMA, c.TABLE_NAME, t.TABLE_TYPE, c.COLUMN_NAME, c.DATA_TYPE, c.COLUMN_TYPE,
           c.NUMERIC_PRECISION, c.NUMERIC_SCALE, c.COLUMN_COMMENT
    FROM information_schema.COLUMNS c
    JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
    WHERE c.TABLE_SCHEMA NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
    ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION
"""

_POSTGRESQL_TYPES: Mapping[str, str] = {
    "int2": "smallint", "int4": "int", "int8": "bigint", "oid": "bigint", "float4": "float", "float8": "double",
    "bool": "boolean", "date": "date", "timestamp": "timestamp", "timestamptz": "timestamp", "bytea": "binary",
}  # fmt: skip
_MYSQL_TYPES: Mapping[str, str] = {
    "tinyint": "tinyint", "smallint": "smallint", "mediumint": "int", "int": "int", "bigint": "bigint",
    "float": "float", "double": "double", "date": "date", "datetime": "timestamp", "timestamp": "timestamp",
    "year": "int", "binary": "binary", "varbinary": "binary", "tinyblob": "binary", "blob": "binary",
    "mediumblob": "binary", "longblob": "binary", "bit": "binary",
}  # fmt: skip
_WIDER: Mapping[str, str] = {
    "tinyint": "smallint", "smallint": "int", "int": "bigint", "bigint": "decimal(20,0)",
}  # fmt: skip


@dataclass(frozen=True)
class JdbcTarget:
    """One target: the connection's name, the include path's parts, globs of what is left out; comments or none."""

    connection: str
    path: tuple[str, ...]
    exclusions: tuple[re.Pattern[str], ...]
    comments: bool

    @classmethod
    def of(cls, target: Mapping[str, Any]) -> JdbcTarget:
        """The target of a Glue JdbcTarget. Raises InvalidInputException, NotImplementedException for a member."""
        if unknown := sorted(target.keys() - _MEMBERS):
            raise NotImplementedException(f"A JdbcTarget is served without {', '.join(unknown)}: leave it out.")
        more = set(target.get("EnableAdditionalMetadata") or ())
        if more - {"COMMENTS"}:
            raise NotImplementedException("EnableAdditionalMetadata is served with COMMENTS only.")
        parts = tuple(part for part in str(target.get("Path") or "").strip("/").split("/") if part)
        if not target.get("ConnectionName") or not 1 <= len(parts) <= 3:
            raise InvalidInputException(
                "A JdbcTarget needs a ConnectionName and a Path: database/schema/% or, of MySQL, database/%."
            )
        globs = tuple(glob_pattern(one) for one in target.get("Exclusions") or ())
        return cls(str(target["ConnectionName"]), parts, globs, bool(more))

    def reaches(self, names: Sequence[str]) -> bool:
        """Whether a table lies on the include path."""
        wanted = [*self.path, *["%"] * (len(names) - len(self.path))]
        return len(wanted) == len(names) and all(map(_like, wanted, names))

    def covers(self, names: Sequence[str]) -> bool:
        """Whether a table lies on the include path, and no exclusion names it."""
        if not self.reaches(names):
            return False
        spelled = ["/".join(names[first:]) for first in range(len(names))]
        return not any(pattern.fullmatch(one) for pattern in self.exclusions for one in spelled)


@dataclass(frozen=True)
class JdbcTable:
    """A table or view as it was found: ``names`` from the database down, columns as Glue's Column structures."""

    names: tuple[str, ...]
    engine: str
    view: bool
    columns: tuple[dict[str, str], ...]

    @property
    def location(self) -> str:
        return ".".join(self.names)

    def to_input(self, connection: str, crawler_parameters: Mapping[str, str]) -> dict[str, Any]:
        """Glue's TableInput, its name aside, as Glue's crawlers write one."""
        parameters = {
            "classification": self.engine,
            "compressionType": "none",
            "typeOfData": "view" if self.view else "table",
            "connectionName": connection,
            **crawler_parameters,
        }
        return {
            "Owner": "owner",
            "Retention": 0,
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [],
            "StorageDescriptor": {
                "Columns": list(self.columns),
                "Location": self.location,
                "Compressed": False,
                "NumberOfBuckets": -1,
                "SerdeInfo": {"Parameters": {}},
                "BucketColumns": [],
                "SortColumns": [],
                "Parameters": {},
                "StoredAsSubDirectories": False,
            },
            "Parameters": parameters,
        }


def find_jdbc_tables(properties: Mapping[str, str], target: JdbcTarget) -> list[JdbcTable]:
    """The tables that a target covers, in order. Raises InvalidInputException when the database cannot be read."""
    address = Address.of(properties)
    on_postgresql = address.driver == POSTGRESQL
    database = target.path[0]
    if on_postgresql and "%" in database:
        raise InvalidInputException(f"The path {'/'.join(target.path)} has to begin with the name of a database.")
    what = f"The connection {target.connection}"
    with (
        connected(properties, database if on_postgresql else "", what) as opened,
        opened.cursor() as cursor,
    ):
        cursor.execute(_POSTGRESQL if on_postgresql else _MYSQL)
        rows = cursor.fetchall()
    found: dict[tuple[str, ...], list[Any]] = {}
    for row in rows:
        found.setdefault(((database,) if on_postgresql else ()) + (str(row[0]), str(row[1])), []).append(row)
    tables = []
    for names, columns in found.items():
        if target.covers(names):
            read = tuple(_columns(columns, on_postgresql=on_postgresql, comments=target.comments))
            tables.append(JdbcTable(names, address.engine, "VIEW" in str(columns[0][2]).upper(), read))
    return tables


def _columns(rows: Sequence[Any], *, on_postgresql: bool, comments: bool) -> Iterator[dict[str, str]]:
    taken: set[str] = set()
    for row in rows:
        name = str(row[3]).lower()
        if name in taken:  # names that differ in case only are one column in the catalog
            continue
        taken.add(name)
        kind = (postgresql_type if on_postgresql else mysql_type)(str(row[4]), str(row[5]), row[6], row[7])
        yield {"Name": name, "Type": kind} | ({"Comment": str(row[8])[:255]} if comments and row[8] else {})


def postgresql_type(name: str, internal: str, precision: int | None, scale: int | None) -> str:
    """Glue's type of a PostgreSQL column, by its type's standard and internal names."""
    if name == "ARRAY":
        inner = internal.removeprefix("_")
        return f"array<{postgresql_type(inner, inner, precision, scale)}>"
    if internal == "numeric":
        return _decimal(precision, scale)
    return _POSTGRESQL_TYPES.get(internal, "string")


def mysql_type(name: str, full: str, precision: int | None, scale: int | None) -> str:
    """Glue's type of a MySQL or MariaDB column, by its type's name and full text; unsigned ones get the next wider."""
    full = full.lower()
    if full.startswith(("tinyint(1)", "bit(1)")) and "unsigned" not in full:
        return "boolean"
    if name == "decimal":
        return _decimal(precision, scale)
    kind = _MYSQL_TYPES.get(name, "string")
    return _WIDER.get(kind, kind) if "unsigned" in full else kind


def _decimal(precision: int | None, scale: int | None) -> str:
    """PostgreSQL's numeric without limits becomes what Spark makes of it."""
    if precision is None or scale is None:
        return "decimal(38,18)"
    return f"decimal({min(precision, _MOST_DECIMAL)},{max(0, min(scale, precision, _MOST_DECIMAL))})"


def _like(pattern: str, name: str) -> bool:
    expression = ".*".join(re.escape(part) for part in pattern.split("%"))
    return re.fullmatch(expression, name, re.DOTALL) is not None
