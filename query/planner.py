"""From the tables that a statement names to the files that hold them, as the catalog has it at one moment.

A table is settled, read from the catalog and listed; if it was published to meanwhile, again (design.md §2a).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import botocore.exceptions

from lakelet.catalog.model import Partition, Table
from lakelet.data.formats import dialect_of, format_of
from lakelet.data.objects import StoredObject, list_objects
from lakelet.data.partitions import parse_partition_path
from lakelet.data.table_formats import refuse_as_files
from lakelet.data.zones import split_uri
from lakelet.query.lookup import Lookup
from lakelet.query.scans import Analysis, Filter, Part, Plan, Reference, Scan
from lakelet.workspace.errors import EntityNotFoundException, LakeletError, QueryError

TRIES = 5
ONE_BY_ONE = 4  # up to so many partitions are listed each; more come out of one listing of the table
MAX_EXPRESSION = 4096
_TEXT = ("string", "varchar", "char")
_WHOLE = ("tinyint", "smallint", "int", "integer", "bigint")


class Planner:
    """Plans statements for one lake; thread-safe, as its lookup and boto3's client are."""

    def __init__(self, lookup: Lookup, s3: Any) -> None:
        self._lookup = lookup
        self._s3 = s3
        self._listers = ThreadPoolExecutor(8, thread_name_prefix="sql-list")

    def close(self) -> None:
        """End the threads that list."""
        self._listers.shutdown(wait=False, cancel_futures=True)

    def plan(self, analysis: Analysis, database: str | None, tolerant: bool) -> Plan:
        """The plan of a statement, without keys to the storage. ``database`` is what unqualified names belong to.

        Raises :class:`~lakelet.workspace.errors.QueryError` for a database or table that does not exist, and for an
        object store that does not answer.
        """
        database = database.lower() if database else None
        try:
            if database:
                self._lookup.tables(database)
            if analysis.kind == "databases":
                return Plan(names=["database_name"], rows=[[name] for name in self._lookup.databases()])
            if analysis.kind == "tables":
                wanted = self._database(analysis.references[0], database)
                return Plan(names=["table_name"], rows=[[name] for name in self._lookup.tables(wanted)])
            if analysis.kind == "describe":
                return self._describe(analysis.references[0], database)
            scans = [scan for one in analysis.references if (scan := self._reference(one, database)) is not None]
        except EntityNotFoundException as error:
            raise QueryError(
                f"{str(error).rstrip('.')}: see `SHOW DATABASES` and `SHOW TABLES IN database`."
            ) from error
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise QueryError(
                f"The object store cannot list the table's files ({error}): see `lakelet status`."
            ) from error
        # A table named with and without its database is one scan.
        return Plan(list({(s.database, s.name): s for s in scans}.values()), database, tolerant=tolerant)

    def _database(self, reference: Reference, database: str | None) -> str:
        found = reference.database or database
        if not found:
            what = f"The table {reference.name!r} names" if reference.name else "SHOW TABLES names"
            raise QueryError(f"{what} no database: write database.table, or choose one with --database.")
        return found

    def _describe(self, reference: Reference, database: str | None) -> Plan:
        table = self._lookup.table(self._database(reference, database), reference.name)
        columns = [[name, kind, ""] for name, kind in _columns(table.definition)]
        keys = [[name, kind, "partition key"] for name, kind in table.partition_keys]
        return Plan(names=["column_name", "column_type", "extra"], rows=columns + keys)

    def _reference(self, reference: Reference, database: str | None) -> Scan | None:
        if reference.optional and not database:
            return None
        where = self._database(reference, database)
        try:
            return self.scan(where, reference.name, reference.filters)
        except EntityNotFoundException as error:
            if reference.optional:
                return None
            raise QueryError(
                f"The table {where}.{reference.name} cannot be read ({str(error).rstrip('.')}): "
                "see `SHOW DATABASES` and `SHOW TABLES IN database`."
            ) from error

    def scan(self, database: str, name: str, filters: Sequence[Sequence[Filter]] = ()) -> Scan:
        """The files of one table, those partitions left out that no filter lets through.

        Raises EntityNotFoundException, and :class:`~lakelet.workspace.errors.QueryError` for a table that never rests.
        """
        for _ in range(TRIES):
            # Settled after it was read: a commit in between would count the sequence up and be seen below.
            table = self._lookup.table(database, name)
            self._lookup.settle(database, name)
            scan = self._scan(table, filters)
            again = self._lookup.table(database, name)
            if (again.id, again.version, again.sequence) == (table.id, table.version, table.sequence):
                return scan
        raise QueryError(f"The table {database}.{name} is being changed all the time: try again.")

    def _scan(self, table: Table, filters: Sequence[Sequence[Filter]]) -> Scan:
        definition = table.definition
        where = f"{table.database}.{table.name}"
        if definition.get("TableType") == "VIRTUAL_VIEW":
            raise QueryError(f"{where} is a view, which SQL here does not read: query its tables.")
        if not table.location:
            raise QueryError(f"The table {where} has no location: register it with one.")
        try:
            refuse_as_files(definition, where)
            form = format_of(definition)
            dialect = dialect_of(definition)
        except LakeletError as error:
            raise QueryError(str(error)) from error
        if not form.duckdb:
            raise QueryError(f"{where} is of the format {form.name}, which SQL here does not read: a job can.")
        keys = table.partition_keys
        if keys:
            wanted = expression(filters, keys)
            # Who reads the whole table lists its folder while the catalog looks for the partitions.
            folder = None if wanted else self._listers.submit(self._list, _root(table))
            parts, hive = self._list_partitions(table, self._partitions(table, wanted), folder)
        else:
            parts, hive = [_part(self._list(table.location), [])], False
        csv = {
            "delim": dialect.delimiter, "quote": dialect.quote, "escape": dialect.escape, "skip": dialect.header_lines,
        }  # fmt: skip
        return Scan(table.database, table.name, form.name, _columns(definition), keys, parts, hive, csv)

    def _partitions(self, table: Table, wanted: str | None) -> Sequence[Partition]:
        try:
            return self._lookup.partitions(table.database, table.name, wanted)
        except EntityNotFoundException:
            raise
        except LakeletError:
            if wanted is None:
                raise
            # What the catalog's grammar cannot take, DuckDB filters.
            return self._lookup.partitions(table.database, table.name, None)

    def _list_partitions(
        self, table: Table, partitions: Sequence[Partition], folder: Future[list[StoredObject]] | None
    ) -> tuple[list[Part], bool]:
        """The partitions' files, and whether their paths spell the values; ``folder`` lists the table's folder."""
        root = _root(table)
        names = [name for name, _ in table.partition_keys]
        places = [_location(partition, table) for partition in partitions]
        hive = all(
            place.startswith(root)
            and parse_partition_path(place[len(root) :]) == list(zip(names, one.values, strict=True))
            for place, one in zip(places, partitions, strict=True)
        )
        inside = [place for place in places if place.startswith(root)]
        if not inside or (folder is None and len(inside) <= ONE_BY_ONE):
            files = dict(zip(places, self._listers.map(self._list, places), strict=True))
        else:
            files = {place: [] for place in places}
            for file in folder.result() if folder is not None else self._list(root):
                # The partition of a file is its nearest folder that is one.
                place = file.uri.rpartition("/")[0] + "/"
                while place not in files and len(place) > len(root):
                    place = place.rstrip("/").rpartition("/")[0] + "/"
                if place in files:
                    files[place].append(file)
            outside = [place for place in places if not place.startswith(root)]
            files |= dict(zip(outside, self._listers.map(self._list, outside), strict=True))
        return [_part(files[place], list(one.values)) for place, one in zip(places, partitions, strict=True)], hive

    def _list(self, location: str) -> list[StoredObject]:
        bucket, prefix = split_uri(location)
        prefix = prefix.rstrip("/") + "/" if prefix else ""
        return [one for one in list_objects(self._s3, bucket, prefix) if one.size]


def _part(files: Sequence[StoredObject], values: list[str]) -> Part:
    return Part([file.uri for file in files], values, sum(file.size for file in files))


def locations(plan: Plan) -> set[str]:
    """The folders that a plan's files lie in, as few as name each table: what its keys must open."""
    found = set()
    for scan in plan.scans:
        if files := scan.files:
            shared = files[0].rpartition("/")[0]
            while not all(file.startswith(shared + "/") for file in files) and shared.count("/") > 2:
                shared = shared.rpartition("/")[0]
            folders = {shared} if shared.count("/") > 2 else {file.rpartition("/")[0] for file in files}
            found |= {folder + "/" for folder in folders}
    return found


def expression(filters: Sequence[Sequence[Filter]], keys: Sequence[tuple[str, str]]) -> str | None:
    """GetPartitions' expression for the filters on partition keys, or None when it would leave nothing out."""
    types = dict(keys)
    places = []
    for place in filters:
        terms = [term for one in place if (term := _term(one, types.get(one.column, "")))]
        if not terms:
            return None
        places.append("(" + " AND ".join(terms) + ")")
    text = " OR ".join(dict.fromkeys(places))
    return text if text and len(text) <= MAX_EXPRESSION else None


def _term(one: Filter, kind: str) -> str:
    base = kind.partition("(")[0]
    if base in _WHOLE and all(isinstance(value, int) for value in one.values):
        values = [str(value) for value in one.values]
    elif base in (*_TEXT, "date") and all(isinstance(value, str) for value in one.values):
        values = ["'" + str(value).replace("'", "''") + "'" for value in one.values]
    else:
        return ""
    if one.operator == "in":
        return f"{one.column} IN ({', '.join(values)})"
    if one.operator == "between":
        return f"{one.column} BETWEEN {values[0]} AND {values[1]}"
    return f"{one.column} {one.operator} {values[0]}"


def _columns(definition: Any) -> list[tuple[str, str]]:
    columns = (definition.get("StorageDescriptor") or {}).get("Columns") or ()
    return [(column["Name"].lower(), str(column.get("Type") or "string").lower()) for column in columns]


def _root(table: Table) -> str:
    return table.location.rstrip("/") + "/"


def _location(partition: Partition, table: Table) -> str:
    place = str((partition.definition.get("StorageDescriptor") or {}).get("Location") or "")
    if not place:
        from lakelet.data.partitions import partition_path

        names = [name for name, _ in table.partition_keys]
        place = f"{table.location.rstrip('/')}/{partition_path(names, partition.values)}"
    return place.rstrip("/") + "/"
