"""Writing what a crawl found into the catalog, and dealing with what is gone, as the crawler's policy says."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from lakelet.catalog.crawlers.definitions import (
    DEPRECATED_BY,
    UPDATED_BY,
    as_input,
    crawler_parameters,
    partition_differs,
    partition_input,
    table_input,
    table_name,
    updated,
)
from lakelet.catalog.crawlers.grouping import FoundTable
from lakelet.catalog.crawlers.iceberg import FoundIceberg
from lakelet.catalog.crawlers.jdbc import JdbcTable
from lakelet.catalog.crawlers.policy import DELETE_FROM_DATABASE, DEPRECATE_IN_DATABASE, LOG, Policy
from lakelet.catalog.glue import Glue
from lakelet.catalog.iceberg.metadata import METADATA_LOCATION, definition, version_of
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException, LakeletError

BATCH = 100  # BatchCreatePartition and BatchUpdatePartition take this many; BatchDeletePartition 25
DELETE_BATCH = 25

Item = TypeVar("Item")


@dataclass
class Changes:
    """What a crawl changed in the catalog, counted."""

    tables_created: int = 0
    tables_updated: int = 0
    tables_deleted: int = 0
    tables_unchanged: int = 0
    partitions_created: int = 0
    partitions_updated: int = 0
    partitions_deleted: int = 0

    def to_json(self) -> dict[str, int]:
        return asdict(self)


class Register:
    """The database that one crawl writes to, through a Glue client; ``say`` prints a line of progress."""

    def __init__(
        self,
        glue: Glue,
        crawler: dict[str, Any],
        policy: Policy,
        say: Callable[[str], None],
        changes: Changes | None = None,
    ) -> None:
        self._glue = glue
        self._crawler: str = crawler["Name"]
        self._database: str = crawler["DatabaseName"]
        self._prefix: str = crawler.get("TablePrefix", "")
        self._policy = policy
        self._say = say
        self.changes = Changes() if changes is None else changes
        self._tables: dict[str, dict[str, Any]] = {}

    def open(self) -> None:
        """Read the tables there are; a database that does not exist is created."""
        try:
            found = self._glue.pages("GetTables", "TableList", DatabaseName=self._database)
            self._tables = {table["Name"]: table for table in found}
        except EntityNotFoundException:
            try:
                self._call("CreateDatabase", DatabaseInput={"Name": self._database})
                self._say(f"Created the database {self._database}.")
            except AlreadyExistsException:
                pass

    def folders(self) -> set[str]:
        """Where this crawler's partitions, and its tables without any, lie: what an earlier crawl has seen."""
        known: set[str] = set()
        try:
            for table in self._glue.pages("GetTables", "TableList", DatabaseName=self._database):
                if table.get("Parameters", {}).get(UPDATED_BY) != self._crawler:
                    continue
                places = self._partitions(table["Name"]) if table.get("PartitionKeys") else (table,)
                known.update(one["StorageDescriptor"]["Location"] for one in places)
        except EntityNotFoundException:
            return set()
        return known

    def write(self, found: FoundTable, name: str = "") -> None:
        """Create or update one table of the lake and its partitions; ``name`` is that of a table that is there."""
        name = name or self._name(found.name, found.location)
        if self._put(table_input(name, found, self._crawler), _shape(found)) and found.partition_keys:
            self._write_partitions(name, found)

    def write_jdbc(self, connection: str, found: JdbcTable) -> None:
        """Create or update one table of a database."""
        wanted = found.to_input(connection, crawler_parameters(self._crawler))
        wanted["Name"] = self._name("_".join(found.names), found.location)
        self._put(wanted, f"{found.engine}, {counted(len(found.columns), 'column')}")

    def write_iceberg(self, found: FoundIceberg) -> None:
        """Create or update one Iceberg table. One that was committed to meanwhile keeps its newer metadata."""
        name = self._name(found.name, found.metadata.location)
        known = self._tables.get(name, {}).get("Parameters", {}).get(METADATA_LOCATION, "")
        if (version_of(known) or 0) > (version_of(found.metadata_location) or 0):
            self._say(f"{self._database}.{name} has newer metadata than was listed: it stays as it is.")
            self.changes.tables_unchanged += 1
            return
        previous = known if known != found.metadata_location else ""
        wanted = definition(found.metadata, found.metadata_location, previous)
        wanted["Parameters"] |= crawler_parameters(self._crawler)
        self._put({"Name": name, "Owner": "owner", "Retention": 0, **wanted}, f"Iceberg, {_columns(wanted)}")

    def gone(self, covered: Callable[[dict[str, Any]], bool], listed: Callable[[str], bool]) -> None:
        """Deal with tables and partitions of this crawler at whose location nothing lies now.

        ``covered(table)`` says whether the crawl would have come by the table, ``listed(location)`` whether there is
        anything at, or below, a location.
        """
        for name, table in list(self._tables.items()):
            if table.get("Parameters", {}).get(UPDATED_BY) != self._crawler:
                continue
            location = table["StorageDescriptor"]["Location"]
            if not covered(table):
                continue
            if not listed(location):
                self._table_gone(name, table)
            elif table.get("PartitionKeys"):
                self._partitions_gone(name, listed)

    # -- tables ------------------------------------------------------------------------------------------------

    def _name(self, name: str, location: str) -> str:
        """The table's name; that of another place gets a suffix, as Glue gives it one."""
        name = table_name(self._prefix, name)
        known = self._tables.get(name)
        if known is None or _same_place(known.get("StorageDescriptor", {}).get("Location", ""), location):
            return name
        return f"{name}_{hashlib.md5(location.encode(), usedforsecurity=False).hexdigest()}"

    def _put(self, wanted: dict[str, Any], shape: str) -> bool:
        """Create or update a table. Returns whether its partitions are to be written too."""
        name = wanted["Name"]
        table = self._tables.get(name)
        if table is not None and self._policy.incremental:
            return [key["Name"] for key in table.get("PartitionKeys", ())] == [
                key["Name"] for key in wanted["PartitionKeys"]
            ]
        if table is not None:
            return self._update(table, wanted, shape)
        self._call("CreateTable", TableInput=wanted)
        self._tables[name] = wanted
        self.changes.tables_created += 1
        self._say(f"Created the table {self._database}.{name} ({shape}).")
        return True

    def _update(self, table: dict[str, Any], wanted: dict[str, Any], shape: str) -> bool:
        """Bring a table up to date. Returns whether its partitions are to be written too."""
        name = table["Name"]
        title = f"{self._database}.{name}"
        keys = [key["Name"] for key in table.get("PartitionKeys", ())]
        new_keys = [key["Name"] for key in wanted["PartitionKeys"]]
        if keys != new_keys:
            self._say(
                f"Warning: {title} has the partition keys {_names(keys)}, but the lake has "
                f"{_names(new_keys)}: delete the table and crawl again to change them."
            )
            return False
        new = updated(table, wanted, merge_columns=self._policy.merge_columns)
        old = as_input(table)
        if new == old:
            self.changes.tables_unchanged += 1
            self._say(f"{title} is unchanged ({shape}).")
        elif self._policy.update == LOG and new["StorageDescriptor"] != old.get("StorageDescriptor"):
            self._say(f"Warning: {title} differs from the lake; the policy is to log this and to change nothing.")
        else:
            version = {"VersionId": table["VersionId"]} if "VersionId" in table else {}
            self._call("UpdateTable", TableInput=new, **version)
            self._tables[name] = new
            self.changes.tables_updated += 1
            self._say(f"Updated the table {title} ({shape}).")
        return True

    def _table_gone(self, name: str, table: dict[str, Any]) -> None:
        title = f"{self._database}.{name}"
        if self._policy.delete == DELETE_FROM_DATABASE:
            self._call("DeleteTable", Name=name)
            del self._tables[name]
            self.changes.tables_deleted += 1
            self._say(f"Deleted the table {title}: nothing lies at its location any more.")
        elif self._policy.delete == DEPRECATE_IN_DATABASE:
            if DEPRECATED_BY not in table["Parameters"]:
                parameters = {**table["Parameters"], DEPRECATED_BY: _now()}
                self._call("UpdateTable", TableInput=as_input(table) | {"Parameters": parameters})
                self.changes.tables_updated += 1
                self._say(f"Deprecated the table {title}: nothing lies at its location any more.")
        else:
            self._say(f"Warning: nothing lies at the location of {title} any more; the policy is to log this.")

    # -- partitions --------------------------------------------------------------------------------------------

    def _write_partitions(self, name: str, found: FoundTable) -> None:
        table = self._tables[name]
        known = {tuple(one["Values"]): one for one in self._partitions(name)}
        new, changed = [], []
        for partition in found.partitions:
            wanted = partition_input(partition, table)
            there = known.get(partition.values)
            if there is None:
                new.append(wanted)
            elif not self._policy.incremental and partition_differs(there, wanted):
                kept = {key: value for key, value in there.get("Parameters", {}).items() if key != DEPRECATED_BY}
                changed.append(wanted | {"Parameters": kept})
        for batch in _batches(new, BATCH):
            self._batch("BatchCreatePartition", name, PartitionInputList=batch)
        for batch in _batches(changed, BATCH):
            self._update_partitions(name, batch)
        self.changes.partitions_created += len(new)
        self.changes.partitions_updated += len(changed)
        self._say(f"{self._database}.{name}: {len(new)} of {counted(len(found.partitions), 'partition')} are new.")

    def _partitions_gone(self, name: str, listed: Callable[[str], bool]) -> None:
        missing = [one for one in self._partitions(name) if not listed(one["StorageDescriptor"]["Location"])]
        title = f"{counted(len(missing), 'partition')} of {self._database}.{name}"
        if not missing:
            return
        if self._policy.delete == DELETE_FROM_DATABASE:
            for batch in _batches(missing, DELETE_BATCH):
                gone = [{"Values": one["Values"]} for one in batch]
                self._batch("BatchDeletePartition", name, PartitionsToDelete=gone)
            self.changes.partitions_deleted += len(missing)
            self._say(f"Deleted {title}: nothing lies there any more.")
        elif self._policy.delete == DEPRECATE_IN_DATABASE:
            fresh = [one for one in missing if DEPRECATED_BY not in one.get("Parameters", {})]
            for batch in _batches(fresh, BATCH):
                self._update_partitions(name, [_deprecated(one) for one in batch])
            self.changes.partitions_updated += len(fresh)
            self._say(f"Deprecated {title}: nothing lies there any more.")
        else:
            self._say(f"Warning: nothing lies in {title} any more; the policy is to log this.")

    def _update_partitions(self, name: str, inputs: Sequence[dict[str, Any]]) -> None:
        entries = [{"PartitionValueList": one["Values"], "PartitionInput": one} for one in inputs]
        self._batch("BatchUpdatePartition", name, Entries=entries)

    def _partitions(self, name: str) -> Iterator[dict[str, Any]]:
        return self._glue.pages("GetPartitions", "Partitions", DatabaseName=self._database, TableName=name)

    # -- the wire ----------------------------------------------------------------------------------------------

    def _call(self, operation: str, **arguments: Any) -> Any:
        if operation != "CreateDatabase":
            arguments["DatabaseName"] = self._database
        return self._glue.call(operation, **arguments)

    def _batch(self, operation: str, table: str, **arguments: Any) -> None:
        """A batch operation answers which entries failed; somebody else's same change is no failure."""
        errors = self._call(operation, TableName=table, **arguments).get("Errors", ())
        for error in errors:
            detail = error.get("ErrorDetail", {})
            if detail.get("ErrorCode") not in ("AlreadyExistsException", "EntityNotFoundException"):
                raise LakeletError(
                    f"A partition of {self._database}.{table} could not be written: {detail.get('ErrorMessage')}"
                )


def _deprecated(partition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Values": partition["Values"],
        "StorageDescriptor": partition["StorageDescriptor"],
        "Parameters": {**partition.get("Parameters", {}), DEPRECATED_BY: _now()},
    }


def _now() -> str:
    return str(int(time.time() * 1000))  # Glue writes milliseconds


def _columns(table: dict[str, Any]) -> str:
    return counted(len(table["StorageDescriptor"]["Columns"]), "column")


def _same_place(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _shape(found: FoundTable) -> str:
    return f"{found.format.name}, {counted(len(found.columns), 'column')}, {counted(found.objects, 'object')}"


def counted(number: int, noun: str) -> str:
    """``1 table``, ``2 tables``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
