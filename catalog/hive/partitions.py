"""Partitions, as Hive's clients make, find, alter and drop them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hive_metastore import ttypes as hive

from lakelet.catalog.expressions import parse_expression
from lakelet.catalog.hive.datasources import as_datasource
from lakelet.catalog.hive.filters import expression
from lakelet.catalog.hive.shapes import MANAGED, hive_partition, partition_input
from lakelet.catalog.hive.tables import Tables
from lakelet.catalog.model import Partition, Table
from lakelet.catalog.partitions.values import Kind, kind_of
from lakelet.data.partitions import parse_partition_path, partition_path
from lakelet.data.zones import S3
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException
from lakelet.workspace.state import reading, writing


class Partitions(Tables):
    """The methods of ThriftHiveMetastore on partitions. A negative ``most`` is no limit."""

    # -- reading -------------------------------------------------------------------------------------------------

    def get_partition(self, database: str, name: str, values: Sequence[str]) -> Any:
        """One partition by its values; NoSuchObjectException."""
        table = self.find_table(database, name)
        with reading(self.engine) as connection:
            return _shown(table, [self.catalog.partition(connection, table, values)])[0]

    def get_partition_with_auth(
        self, database: str, name: str, values: Sequence[str], user: str, groups: Sequence[str]
    ) -> Any:
        """One partition by its values; NoSuchObjectException."""
        return self.get_partition(database, name, values)

    def get_partition_by_name(self, database: str, name: str, partition: str) -> Any:
        """One partition by its name, ``year=2024/month=1``; NoSuchObjectException."""
        return self.get_partition(database, name, self.partition_name_to_vals(partition))

    def get_partitions(self, database: str, name: str, most: int) -> list[Any]:
        """A table's partitions in order of their values."""
        return self._found(database, name, None, most)

    def get_partitions_with_auth(
        self, database: str, name: str, most: int, user: str, groups: Sequence[str]
    ) -> list[Any]:
        """A table's partitions in order of their values."""
        return self.get_partitions(database, name, most)

    def get_partitions_by_names(self, database: str, name: str, names: Sequence[str]) -> list[Any]:
        """Those of the named partitions that there are."""
        table = self.find_table(database, name)
        wanted = [self.partition_name_to_vals(one) for one in names]
        with reading(self.engine) as connection:
            return _shown(table, self.catalog.partitions_by_values(connection, table, wanted))

    def get_partitions_by_filter(self, database: str, name: str, text: str, most: int) -> list[Any]:
        """The partitions that satisfy a filter (:mod:`lakelet.catalog.hive.filters`).

        Raises MetaException for a text that is no filter.
        """
        return self._found(database, name, expression(text), most)

    def get_num_partitions_by_filter(self, database: str, name: str, text: str) -> int:
        """How many partitions satisfy a filter, or there are."""
        return len(self._found(database, name, expression(text or ""), -1))

    def get_partitions_ps(self, database: str, name: str, values: Sequence[str], most: int) -> list[Any]:
        """The partitions whose first values are these; an empty one is any."""
        table = self.find_table(database, name)
        return _shown(table, self._beginning(table, values, most))

    def get_partitions_ps_with_auth(
        self, database: str, name: str, values: Sequence[str], most: int, user: str, groups: Sequence[str]
    ) -> list[Any]:
        """The partitions whose first values are these; an empty one is any."""
        return self.get_partitions_ps(database, name, values, most)

    def get_partition_names(self, database: str, name: str, most: int) -> list[str]:
        """The partitions' names, ``year=2024/month=1``, in order."""
        return self.get_partition_names_ps(database, name, (), most)

    def get_partition_names_ps(self, database: str, name: str, values: Sequence[str], most: int) -> list[str]:
        """The names of the partitions whose first values are these; an empty one is any."""
        table = self.find_table(database, name)
        names = sorted(_name(table, one.values) for one in self._beginning(table, values, -1))
        return names[:most] if most >= 0 else names

    def partition_name_to_vals(self, name: str) -> list[str]:
        """The values in a partition's name."""
        return [value for _, value in parse_partition_path(f"{name}/")]

    def partition_name_to_spec(self, name: str) -> dict[str, str]:
        """The values in a partition's name, by key."""
        return dict(parse_partition_path(f"{name}/"))

    # -- writing -------------------------------------------------------------------------------------------------

    def add_partition(self, partition: Any) -> Any:
        """Add a partition; AlreadyExistsException, InvalidObjectException."""
        self._add(partition.dbName, partition.tableName, [partition], skip=False)
        return self.get_partition(partition.dbName, partition.tableName, partition.values)

    def add_partition_with_environment_context(self, partition: Any, context: Any) -> Any:
        """Add a partition; AlreadyExistsException, InvalidObjectException."""
        return self.add_partition(partition)

    def append_partition(self, database: str, name: str, values: Sequence[str]) -> Any:
        """Add a partition in the folder for its values."""
        return self.add_partition(hive.Partition(dbName=database, tableName=name, values=list(values)))

    def add_partitions(self, partitions: Sequence[Any]) -> int:
        """Add partitions of one table, all or none; returns how many."""
        if partitions:
            self._add(partitions[0].dbName, partitions[0].tableName, partitions, skip=False)
        return len(partitions)

    def add_partitions_req(self, request: Any) -> Any:
        """Add partitions of one table, all or none, but for those that there are with ``ifNotExists``."""
        added = self._add(request.dbName, request.tblName, request.parts, skip=bool(request.ifNotExists))
        if not request.needResult:
            return hive.AddPartitionsResult()
        return hive.AddPartitionsResult(
            partitions=[self.get_partition(request.dbName, request.tblName, values) for values in added]
        )

    def alter_partition(self, database: str, name: str, partition: Any) -> None:
        """Replace a partition's definition; InvalidOperationException when it is not there."""
        self.alter_partitions(database, name, [partition])

    def alter_partition_with_environment_context(self, database: str, name: str, partition: Any, context: Any) -> None:
        """Replace a partition's definition; InvalidOperationException when it is not there."""
        self.alter_partitions(database, name, [partition])

    def alter_partitions(self, database: str, name: str, partitions: Sequence[Any]) -> None:
        """Replace partitions' definitions, all or none; InvalidOperationException for one that is not there."""
        table = self._altered(database, name)
        with writing(self.engine) as connection:
            there = self.catalog.partitions_by_values(connection, table, [one.values for one in partitions])
            old = {one.values: one.definition for one in there}
            for one in partitions:
                if tuple(one.values) not in old:
                    raise EntityNotFoundException(
                        f"Cannot find partition. Values: {list(one.values)}, table: {table.name}."
                    )
            inputs = [self._input(table, one, old[tuple(one.values)]) for one in partitions]
            self.catalog.put_partitions(connection, table, inputs)

    def alter_partitions_with_environment_context(
        self, database: str, name: str, partitions: Sequence[Any], context: Any
    ) -> None:
        """Replace partitions' definitions, all or none; InvalidOperationException for one that is not there."""
        self.alter_partitions(database, name, partitions)

    def rename_partition(self, database: str, name: str, values: Sequence[str], partition: Any) -> None:
        """Give a partition other values, and a managed table's the folder for them; InvalidOperationException."""
        table = self._altered(database, name)
        with reading(self.engine) as connection:
            old = self.catalog.partition(connection, table, values)
            if self.catalog.partitions_by_values(connection, table, [partition.values]):
                raise AlreadyExistsException(
                    f"Partition already exists. Values: {list(partition.values)}, table: {table.name}."
                )
        source, target = self._folder(table, values), self._folder(table, partition.values)
        place = str((old.definition.get("StorageDescriptor") or {}).get("Location") or source)
        moves = table.definition.get("TableType") == MANAGED and place.rstrip("/") == source
        changed = self._input(table, partition, old.definition)
        if moves:
            self.folders.copy(source, target)
            changed["StorageDescriptor"]["Location"] = target
        with writing(self.engine) as connection:
            self.catalog.update_partition(connection, table, values, changed)
        if moves:
            self.folders.remove(source)

    def drop_partition(self, database: str, name: str, values: Sequence[str], delete_data: bool) -> bool:
        """Drop a partition, and of a managed table its objects with ``delete_data``; NoSuchObjectException."""
        table = self._altered(database, name)
        with writing(self.engine) as connection:
            partition = self.catalog.partition(connection, table, values)
            self.catalog.delete_partitions(connection, table, [values])
        location = (partition.definition.get("StorageDescriptor") or {}).get("Location")
        if delete_data and table.definition.get("TableType") == MANAGED and location:
            self.folders.remove(location)
        return True

    def drop_partition_with_environment_context(
        self, database: str, name: str, values: Sequence[str], delete_data: bool, context: Any
    ) -> bool:
        """Drop a partition; there is no trash, so that the context's ``ifPurge`` changes nothing."""
        return self.drop_partition(database, name, values, delete_data)

    def drop_partition_by_name(self, database: str, name: str, partition: str, delete_data: bool) -> bool:
        """Drop a partition by its name, ``year=2024/month=1``; NoSuchObjectException."""
        return self.drop_partition(database, name, self.partition_name_to_vals(partition), delete_data)

    # -- in common -----------------------------------------------------------------------------------------------

    def _altered(self, database: str, name: str) -> Table:
        """A table whose partitions the client may change: who inserts rows adds and replaces them too."""
        table = self.find_table(database, name)
        self.require(table.database, table.name, "ALTER", "INSERT")
        return table

    def _found(self, database: str, name: str, wanted: str | None, most: int) -> list[Any]:
        table = self.find_table(database, name)
        with reading(self.engine) as connection:
            found = self.catalog.partitions(connection, table, wanted)
        return _shown(table, found[:most] if most >= 0 else found)

    def _beginning(self, table: Table, values: Sequence[str], most: int) -> list[Partition]:
        keys = table.partition_keys
        if len(values) > len(keys):
            raise InvalidInputException(f"Table {table.name} has {len(keys)} partition keys: give no more values.")
        given = [(place, value) for place, value in enumerate(values) if value]
        # A text is a key's value; a number may be written in more than one way, so those are compared here.
        texts = [(keys[place][0], value) for place, value in given if kind_of(keys[place][1]) is Kind.TEXT]
        narrow = " AND ".join("\"{}\" = '{}'".format(key, value.replace("'", "''")) for key, value in texts) or None
        if narrow is not None:
            parse_expression(narrow, keys)
        with reading(self.engine) as connection:
            candidates = self.catalog.partitions(connection, table, narrow)
        found = [one for one in candidates if all(one.values[place] == value for place, value in given)]
        return found[:most] if most >= 0 else found

    def _add(self, database: str, name: str, partitions: Sequence[Any], *, skip: bool) -> list[list[str]]:
        """Add them, and folders where nothing is; returns the values of those added."""
        table = self._altered(database, name)
        inputs = [self._input(table, partition) for partition in partitions]
        with writing(self.engine) as connection:
            failures = self.catalog.create_partitions(connection, table, inputs)
            for error in failures.values():
                if not (skip and isinstance(error, AlreadyExistsException)):
                    raise error
        added = [one for place, one in enumerate(inputs) if place not in failures]
        self.folders.make_all(one["StorageDescriptor"]["Location"] for one in added)
        return [one["Values"] for one in added]

    def _input(self, table: Table, partition: Any, old: Any = None) -> dict[str, Any]:
        found = partition_input(partition, old)
        if len(found["Values"]) != len(table.partition_keys):
            raise InvalidInputException(
                f"Table {table.name} has {len(table.partition_keys)} partition keys, but {len(found['Values'])} "
                "values were given."
            )
        descriptor = found.get("StorageDescriptor") or {}
        if not partition.sd:  # it is as the table is
            whole = table.definition.get("StorageDescriptor") or {}
            descriptor = {member: value for member, value in whole.items() if member != "Location"}
        location = descriptor.get("Location") or self._folder(table, partition.values)
        if not location.startswith(S3):
            raise InvalidInputException(f"A partition of {table.name} cannot lie at {location}: only on S3.")
        return {**found, "StorageDescriptor": {**descriptor, "Location": location}}

    def _folder(self, table: Table, values: Sequence[str]) -> str:
        return f"{table.location.rstrip('/')}/{_name(table, values)}"


def _name(table: Table, values: Sequence[str]) -> str:
    return partition_path([key for key, _ in table.partition_keys], values)


def _shown(table: Table, partitions: Sequence[Partition]) -> list[Any]:
    definition = as_datasource(table.definition)
    return [hive_partition(table, one, definition) for one in partitions]
