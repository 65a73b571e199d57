"""Tables and views, as Hive's clients make, find, alter and drop them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from hive_metastore import ttypes as hive

from lakelet.catalog.hive.databases import Databases
from lakelet.catalog.hive.datasources import as_datasource, legible, without_datasource
from lakelet.catalog.hive.face import DEFAULT, client, hidden, like, plain
from lakelet.catalog.hive.renames import rename_table
from lakelet.catalog.hive.shapes import MANAGED, VIEW, hive_table, table_input
from lakelet.catalog.hive.views import filtered
from lakelet.catalog.model import Definition, Table, fold
from lakelet.data.zones import S3
from lakelet.workspace.errors import (
    AccessDeniedException,
    AlreadyExistsException,
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
)
from lakelet.workspace.state import reading, writing

# A filter of tables (HIVE_FILTER_FIELD_PARAMS of Hive's interface), as far as it is served.
_BY_PARAMETER = re.compile(r'hive_filter_field_params__(?P<name>\S+)\s*(?:=|\blike\b)\s*"(?P<value>[^"]*)"', re.I)


class Tables(Databases):
    """The methods of ThriftHiveMetastore on tables."""

    # -- reading -------------------------------------------------------------------------------------------------

    def get_table(self, database: str, name: str) -> Any:
        """One table; NoSuchObjectException. What the client may not read all of is a view of what it may."""
        table, is_hidden = self.look_up(database, name)
        return _shown(table) if is_hidden else self._allowed(table)

    def get_table_req(self, request: Any) -> Any:
        """One table; NoSuchObjectException."""
        return hive.GetTableResult(table=self.get_table(request.dbName, request.tblName))

    def get_table_objects_by_name(self, database: str, names: Sequence[str]) -> list[Any]:
        """Those of the tables that there are."""
        with reading(self.engine) as connection:
            self.find_database(connection, database)
            found = self.catalog.tables(connection, plain(database), names) if self._is_stored(database) else []
        for table in found:
            self.settle(table.database, table.name)
        shown = []
        for table in found:
            with suppress(AccessDeniedException):  # as AWS lists them
                shown.append(self._allowed(table))
        return shown

    def get_table_objects_by_name_req(self, request: Any) -> Any:
        """Those of the tables that there are."""
        return hive.GetTablesResult(tables=self.get_table_objects_by_name(request.dbName, request.tblNames or ()))

    def get_all_tables(self, database: str) -> list[str]:
        """The names of a database's tables and views."""
        return self.get_tables(database, "*")

    def get_tables(self, database: str, pattern: str) -> list[str]:
        """The names of the tables and views that match a pattern."""
        if not self._is_stored(database):
            return []
        with reading(self.engine) as connection:
            return like(pattern, self.catalog.table_names(connection, plain(database)))

    def get_tables_by_type(self, database: str, pattern: str, kind: str) -> list[str]:
        """The names of those that match a pattern and are of a type: MANAGED_TABLE, EXTERNAL_TABLE, VIRTUAL_VIEW."""
        return [
            table.tableName
            for table in self.get_table_objects_by_name(database, self.get_tables(database, pattern))
            if table.tableType == kind
        ]

    def get_table_names_by_filter(self, database: str, text: str, most: int) -> list[str]:
        """The names of those with a parameter like a value, ``most`` at most (below 0: all).

        Iceberg lists its tables by ``hive_filter_field_params__table_type like "ICEBERG"``. InvalidOperationException
        for a filter of another form.
        """
        found = _BY_PARAMETER.fullmatch(text.strip())
        if found is None:
            raise InvalidInputException(f"The filter {text!r} is not served: compare one parameter by like or =.")
        name, pattern = found["name"], ".*".join(map(re.escape, found["value"].split(".*")))
        with reading(self.engine) as connection:
            names = self.catalog.table_names(connection, plain(database)) if self._is_stored(database) else []
            tables = self.catalog.tables(connection, plain(database), names) if names else []
        values = {one.name: str((one.definition.get("Parameters") or {}).get(name, "")) for one in tables}
        wanted = [one for one, value in values.items() if re.fullmatch(pattern, value, re.IGNORECASE)]
        return wanted if most < 0 else wanted[:most]

    def get_table_meta(self, databases: str, pattern: str, kinds: Sequence[str] | None) -> list[Any]:
        """Database, name, type and comment of tables."""
        return [
            hive.TableMeta(
                dbName=table.dbName,
                tableName=table.tableName,
                tableType=table.tableType,
                comments=table.parameters.get("comment", ""),
            )
            for database in self.get_databases(databases)
            for table in self.get_table_objects_by_name(database, self.get_tables(database, pattern))
            if not kinds or table.tableType in kinds
        ]

    def get_fields(self, database: str, name: str) -> list[Any]:
        """A table's columns without the partition keys."""
        return list(self.get_table(database, name).sd.cols)

    def get_schema(self, database: str, name: str) -> list[Any]:
        """A table's columns and partition keys."""
        table = self.get_table(database, name)
        return [*table.sd.cols, *table.partitionKeys]

    # -- writing -------------------------------------------------------------------------------------------------

    def create_table(self, table: Any) -> None:
        """Add a table, with a folder in its database's unless it names one, or a view. A folder that is not there is
        made, as by Hive's metastore: Spark looks into it before it writes the rows of a CTAS.

        AlreadyExistsException, NoSuchObjectException for the database, InvalidObjectException.
        """
        definition = _stamped(legible(table_input(table)))
        database, name = plain(table.dbName), fold(table.tableName)
        with reading(self.engine) as connection:
            place = self.location_of(self.find_database(connection, database))
            if self._is_stored(database) and self.catalog.find_table(connection, database, name):
                raise AlreadyExistsException(f"Table already exists. Name: {name}, DatabaseName: {database}.")
        definition = _placed(definition, f"{place}/{name}")
        if definition["TableType"] != VIEW:
            self.folders.make(definition["StorageDescriptor"]["Location"])
        if database != DEFAULT or self._is_stored(database):
            self.require(database, name, "CREATE_TABLE")
        with writing(self.engine) as connection:
            if database == DEFAULT:
                self.keep_default(connection)
            self.catalog.create_table(connection, database, definition)
        self.guard.created(client(), database, name)

    def create_table_with_environment_context(self, table: Any, context: Any) -> None:
        """Add a table or a view."""
        self.create_table(table)

    def alter_table(self, database: str, name: str, table: Any) -> None:
        """Replace a table's definition, or give it another name or database.

        InvalidOperationException, also for a table that there is not.
        """
        self.alter_table_with_environment_context(database, name, table, None)

    def alter_table_with_cascade(self, database: str, name: str, table: Any, cascade: bool) -> None:
        """Replace a table's definition. With ``cascade`` its partitions get its columns."""
        self.alter_table_with_environment_context(database, name, table, None)
        if cascade:
            self._give_columns(plain(table.dbName), table.tableName)

    def alter_table_with_environment_context(self, database: str, name: str, table: Any, context: Any) -> None:
        """Replace a table's definition, or give it another name or database.

        With ``expected_parameter_key`` and ``…_value`` in the context only while the table's parameter has that value
        (HIVE-26882, which Iceberg's catalog asks for); MetaException otherwise.
        """
        expected = dict((context.properties if context else None) or {})
        target = (plain(table.dbName), fold(table.tableName))
        with reading(self.engine) as connection:
            self.catalog.check_writable(connection, plain(database), name)
        old = self.find_table(database, name)
        self.require(old.database, old.name, "ALTER", *(("INSERT",) if _same_shape(old, table) else ()))
        _check_expected(old, expected)
        definition = _stamped(without_datasource(table_input(table, old.definition), old.definition))
        definition = _placed(definition, old.location)
        if target == (old.database, old.name):
            with writing(self.engine) as connection:
                _check_expected(self.catalog.table(connection, old.database, old.name), expected)
                self.catalog.update_table(connection, old.database, definition)
        else:
            self._rename(old, target, definition)
        if expected.get("CASCADE", "").lower() == "true":
            self._give_columns(*target)

    def drop_table(self, database: str, name: str, delete_data: bool) -> None:
        """Drop a table, and a managed one's objects with ``delete_data``; NoSuchObjectException."""
        self.require(database, name, "DROP")
        with writing(self.engine) as connection:
            table = self.catalog.table(connection, plain(database), name)
            self.catalog.delete_table(connection, table.database, table.name)
            self.forget_tags(connection, "table", table.database, table.name)
        if delete_data and table.definition.get("TableType") == MANAGED and table.location:
            self.folders.remove(table.location)

    def drop_table_with_environment_context(self, database: str, name: str, delete_data: bool, context: Any) -> None:
        """Drop a table; there is no trash, so that the context's ``ifPurge`` changes nothing."""
        self.drop_table(database, name, delete_data)

    def _rename(self, old: Table, target: tuple[str, str], definition: Definition) -> None:
        """Give a table another name. A managed one's folder goes with it when it was the one for its name, as Hive
        does it: copied before anybody can see it, removed when nobody can any more.
        """
        with reading(self.engine) as connection:
            places = [self.location_of(self.find_database(connection, one)) for one in (old.database, target[0])]
            if self.catalog.find_table(connection, *target):
                raise AlreadyExistsException(f"Table already exists. Name: {target[1]}, DatabaseName: {target[0]}.")
        source, moved = f"{places[0]}/{old.name}", f"{places[1]}/{target[1]}"
        moves = old.definition.get("TableType") == MANAGED and old.location.rstrip("/") == source
        if moves:
            self.folders.make(moved)
            self.folders.copy(source, moved)
            definition = _moved(definition, source, moved)
        with writing(self.engine) as connection:
            if target[0] == DEFAULT:
                self.keep_default(connection)
            table = rename_table(self.catalog, connection, old, target, definition)
            self.forget_tags(connection, "table", old.database, old.name)
            if moves:
                inputs = [
                    {"Values": list(one.values), **_moved(one.definition, source, moved)}
                    for one in self.catalog.partitions(connection, table)
                ]
                self.catalog.put_partitions(connection, table, inputs)
        if moves:
            self.folders.remove(source)

    def _give_columns(self, database: str, name: str) -> None:
        with writing(self.engine) as connection:
            table = self.catalog.table(connection, database, name)
            columns = table.definition["StorageDescriptor"].get("Columns", [])
            inputs = [
                {
                    **one.definition,
                    "Values": list(one.values),
                    "StorageDescriptor": {**one.definition.get("StorageDescriptor", {}), "Columns": columns},
                }
                for one in self.catalog.partitions(connection, table)
            ]
            self.catalog.put_partitions(connection, table, inputs)

    def _allowed(self, table: Table) -> Any:
        """A table as the client may see it; AccessDeniedException when that is not at all."""
        if self.guard.writable(client(), table.database, table.name):
            return _shown(table)
        visible = self.guard.readable(client(), table.database, table.name)
        return filtered(table, visible, hidden(table.name, self.mark(table)))

    def _is_stored(self, database: str) -> bool:
        """Whether a database is in the catalog; False for the default one before that. Raises
        EntityNotFoundException for any other."""
        with reading(self.engine) as connection:
            try:
                self.catalog.database(connection, plain(database))
            except EntityNotFoundException:
                if plain(database) != DEFAULT:
                    raise
                return False
        return True


def _same_shape(old: Table, new: Any) -> bool:
    """Whether an altered table is still the same but for what is noted of it, as after an INSERT."""

    def shape(table: Any) -> Any:
        fields = [(one.name.lower(), one.type) for one in (*table.sd.cols, *(table.partitionKeys or ()))]
        return plain(table.dbName), fold(table.tableName), table.sd.location, fields

    return bool(shape(_shown(old)) == shape(new))


def _shown(table: Table) -> Any:
    return hive_table(table, as_datasource(table.definition))


def _stamped(definition: dict[str, Any]) -> dict[str, Any]:
    """With the time of the change, in Unix seconds, as the metastore writes it."""
    parameters = {**(definition.get("Parameters") or {}), "transient_lastDdlTime": str(int(time.time()))}
    return {**definition, "Parameters": parameters}


def _placed(definition: dict[str, Any], default: str) -> dict[str, Any]:
    """With a folder on S3, for what is no view. Raises InvalidInputException for another place."""
    if definition.get("TableType") == VIEW:
        return definition
    descriptor = definition.get("StorageDescriptor") or {}
    location = descriptor.get("Location") or default
    if not location.startswith(S3):
        raise InvalidInputException(
            f"Table {definition['Name']} cannot lie at {location}: tables of the catalog lie on S3, write "
            "LOCATION 's3://bucket/path'."
        )
    return {**definition, "StorageDescriptor": {**descriptor, "Location": location}}


def _moved(definition: Definition, source: str, target: str) -> dict[str, Any]:
    """With every place in its descriptor that was in the one folder in the other one."""

    def place(text: str) -> str:
        inside = text == source or text.startswith(f"{source}/")
        return target + text[len(source) :] if inside else text

    descriptor = dict(definition.get("StorageDescriptor") or {})
    if descriptor.get("Location"):
        descriptor["Location"] = place(descriptor["Location"])
    serde = descriptor.get("SerdeInfo") or {}
    if path := (serde.get("Parameters") or {}).get("path"):
        descriptor["SerdeInfo"] = {**serde, "Parameters": {**serde["Parameters"], "path": place(path)}}
    return {**definition, "StorageDescriptor": descriptor}


def _check_expected(table: Table, expected: Mapping[str, str]) -> None:
    key = expected.get("expected_parameter_key")
    if not key:
        return
    value = (table.definition.get("Parameters") or {}).get(key)
    if value != expected.get("expected_parameter_value"):
        raise ConcurrentModificationException(
            f"The table has been modified. The parameter value for key '{key}' is '{value}'. The expected was value "
            f"was '{expected.get('expected_parameter_value')}'"  # the words by which Iceberg knows it
        )
