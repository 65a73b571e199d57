"""Reads and writes of settings, grants and registered locations; the rows are in ``lakelet.catalog.grants.tables``.

Methods work inside the caller's transaction. A grant on named columns is one row a column, so that two people who
grant or revoke different columns never undo each other.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.catalogs.names import of_catalog
from lakelet.catalog.grants.model import (
    ALL,
    IAM_ALLOWED,
    PERMISSIONS,
    Grant,
    Resource,
    check_permissions,
    read_resource,
    table_resource,
)
from lakelet.catalog.grants.registered import ARN, Registered
from lakelet.catalog.grants.tables import filters, grants, locations, seen_databases, seen_tables, settings
from lakelet.catalog.model import Table
from lakelet.catalog.store import CatalogStore, databases, tables
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException

# AWS's own settings of a new account: access is controlled by IAM alone.
_EVERYBODY = [{"Principal": {"DataLakePrincipalIdentifier": IAM_ALLOWED}, "Permissions": [ALL]}]
_TABLE_DEFAULTS = "CreateTableDefaultPermissions"
DEFAULT_SETTINGS: Mapping[str, Any] = {
    "DataLakeAdmins": [],
    "ReadOnlyAdmins": [],
    "CreateDatabaseDefaultPermissions": _EVERYBODY,
    _TABLE_DEFAULTS: _EVERYBODY,
    "Parameters": {"CROSS_ACCOUNT_VERSION": "1", "SET_CONTEXT": "TRUE"},
    "TrustedResourceOwners": [],
    "AllowExternalDataFiltering": False,
    "AllowFullTableExternalDataAccess": False,
    "ExternalDataFilteringAllowList": [],
    "AuthorizedSessionTagValueList": [],
}
_ROW = "data-lake"  # the name of the one row of settings


class GrantStore:
    """Who was granted what in this workspace's catalog."""

    def __init__(self, catalog: CatalogStore, account: str) -> None:
        self._catalog = catalog
        self._account = account

    # -- settings ------------------------------------------------------------------------------------------------

    def settings(self, connection: sa.Connection) -> dict[str, Any]:
        """DataLakeSettings, AWS's own for a new account until they are put."""
        found = connection.execute(sa.select(settings.c.settings)).scalar()
        return {**DEFAULT_SETTINGS, **(found or {})}

    def put_settings(self, connection: sa.Connection, wanted: Mapping[str, Any]) -> None:
        """Replace the settings; what exists keeps the permissions that the old ones gave it."""
        self.settle(connection)
        connection.execute(sa.delete(settings))
        kept = {**DEFAULT_SETTINGS, "CreateDatabaseDefaultPermissions": [], _TABLE_DEFAULTS: []}
        connection.execute(sa.insert(settings), {"name": _ROW, "settings": {**kept, **wanted}})

    def settle(self, connection: sa.Connection) -> None:
        """Give every database and table that came since the last call its default permissions: those of the settings,
        or of a table, CreateTableDefaultPermissions of its database, if that has any.

        Called before anything is read or changed here, so the catalog need not know of permissions when it creates
        something, and the settings in force since then are those that held at its creation.
        """
        new = sa.select(databases.c.name).where(
            databases.c.name.not_in(sa.select(seen_databases.c.database_name)), of_catalog(databases.c.name, None)
        )
        wanted = self.settings(connection)
        for name in list(connection.execute(new).scalars()):
            connection.execute(sa.insert(seen_databases), {"database_name": name})
            resource = Resource("DATABASE", {"Database": {"Name": name}}, name)
            self._give_defaults(connection, resource, wanted["CreateDatabaseDefaultPermissions"])
        unseen = (
            sa.select(tables.c.database_name, tables.c.name, tables.c.id, databases.c.definition)
            .join(databases, databases.c.name == tables.c.database_name)
            .where(tables.c.id.not_in(sa.select(seen_tables.c.table_id)), of_catalog(tables.c.database_name, None))
        )
        for row in list(connection.execute(unseen)):
            connection.execute(sa.insert(seen_tables), {"table_id": row.id})
            resource = table_resource(row.database_name, row.name)
            own = row.definition.get(_TABLE_DEFAULTS)
            self._give_defaults(connection, resource, wanted[_TABLE_DEFAULTS] if own is None else own)

    def _give_defaults(
        self, connection: sa.Connection, resource: Resource, defaults: Sequence[Mapping[str, Any]]
    ) -> None:
        for one in defaults:
            principal = one.get("Principal", {}).get("DataLakePrincipalIdentifier")
            allowed = set(one.get("Permissions", ())) & set(PERMISSIONS[resource.kind])
            if principal and allowed:
                self._add(connection, principal, resource, allowed, set(), self._account)

    # -- grants --------------------------------------------------------------------------------------------------

    def grant(
        self,
        connection: sa.Connection,
        principal: str,
        resource: Resource,
        permissions: Collection[str],
        grantable: Collection[str],
        by: str,
    ) -> None:
        """Add permissions to what a principal has.

        Raises EntityNotFoundException for a resource that is not there, InvalidInputException for permissions that
        cannot be given on it, or to IAM_ALLOWED_PRINCIPALS, or that may be passed on and are not given.
        """
        self.settle(connection)
        check_permissions(resource, [*permissions, *grantable])
        if not permissions or not set(grantable) <= set(permissions):
            raise InvalidInputException("PermissionsWithGrantOption is a part of Permissions, which are not empty.")
        if principal == IAM_ALLOWED and (set(permissions) != {ALL} or grantable):
            raise InvalidInputException(f"{IAM_ALLOWED} is granted ALL, and without grant option.")
        self._add(connection, principal, resource, set(permissions), set(grantable), by)

    def revoke(
        self,
        connection: sa.Connection,
        principal: str,
        resource: Resource,
        permissions: Collection[str],
        grantable: Collection[str],
        by: str,
    ) -> None:
        """Take permissions from a principal, or with ``grantable`` alone the right to pass them on.

        Raises InvalidInputException when it has none of them, EntityNotFoundException for a resource that is not there.
        """
        self.settle(connection)
        check_permissions(resource, [*permissions, *grantable])
        self._ids(connection, resource)
        found = False
        for row in list(connection.execute(sa.select(grants).where(*_same(principal, resource)))):
            has, passes = set(row.permissions), set(row.grantable)
            left, left_grantable = has - set(permissions), passes - set(permissions) - set(grantable)
            if (left, left_grantable) == (has, passes):
                continue
            found = True
            if left:
                values = _values(left, left_grantable, by)
                connection.execute(sa.update(grants).where(grants.c.id == row.id).values(values))
            else:
                connection.execute(sa.delete(grants).where(grants.c.id == row.id))
        if not found:
            names = ", ".join(sorted({*permissions, *grantable}))
            raise InvalidInputException(f"No permissions revoked. Grantee does not have: [{names}].")

    def grants(self, connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Grant]:
        """The grants that satisfy all conditions over the table of grants, named columns gathered, in a fixed order."""
        self.settle(connection)
        order = (grants.c.principal, grants.c.kind, grants.c.resource_key, grants.c.column_name)
        rows = list(connection.execute(sa.select(grants).where(*conditions).order_by(*order)))
        # Columns with the same permissions are one grant.
        rows.sort(key=lambda row: (row.principal, row.kind, row.resource_key, row.permissions, row.grantable))
        gathered = groupby(rows, lambda row: (row.principal, row.resource_key, row.permissions, row.grantable))
        return [self._grant(list(same)) for _, same in gathered]

    def on_table(self, connection: sa.Connection, table: Table) -> list[Grant]:
        """Every grant that may concern a table: those on it, on all tables of its database, and on LF-tags."""
        return self.grants(
            connection,
            sa.or_(
                grants.c.table_id == table.id,
                sa.and_(grants.c.kind == "TABLE_WILDCARD", grants.c.database_name == table.database),
                grants.c.kind == "LF_TAG_POLICY_TABLE",
            ),
        )

    def is_open(self, connection: sa.Connection, table: Table) -> bool | None:
        """Whether a table leaves everything to IAM, by a grant to IAM_ALLOWED_PRINCIPALS on itself; None while it has
        not been given the default permissions (:meth:`settle`)."""
        grant = (grants.c.table_id == table.id, grants.c.principal == IAM_ALLOWED, grants.c.kind == "TABLE")
        if connection.execute(sa.select(grants.c.id).where(*grant)).first():  # it is never granted less than ALL
            return True
        seen = sa.select(seen_tables.c.table_id).where(seen_tables.c.table_id == table.id)
        return False if connection.execute(seen).first() else None

    def on_database(self, connection: sa.Connection, database: str) -> list[Grant]:
        """Every grant that may concern a database itself: those on it, and on LF-tags."""
        on_it = sa.and_(grants.c.kind == "DATABASE", grants.c.database_name == database)
        return self.grants(connection, sa.or_(on_it, grants.c.kind == "LF_TAG_POLICY_DATABASE"))

    def _grant(self, rows: Sequence[sa.Row[Any]]) -> Grant:
        first = rows[0]
        named = tuple(row.column_name for row in rows if row.column_name)
        ((member, body),) = first.structure.items()
        structure = {member: {**body, "ColumnNames": list(named)}} if named else first.structure
        newest = max(rows, key=lambda row: row.updated_at)
        return Grant(
            first.principal, read_resource(structure, self._account), frozenset(first.permissions),
            frozenset(first.grantable), newest.updated_at, newest.updated_by,
        )  # fmt: skip

    def _add(
        self,
        connection: sa.Connection,
        principal: str,
        resource: Resource,
        permissions: set[str],
        grantable: set[str],
        by: str,
    ) -> None:
        ids = self._ids(connection, resource)
        there = {
            row.column_name: row for row in connection.execute(sa.select(grants).where(*_same(principal, resource)))
        }
        for column in resource.columns or ("",):
            row = there.get(column)
            if row is not None:
                values = _values(permissions | set(row.permissions), grantable | set(row.grantable), by)
                connection.execute(sa.update(grants).where(grants.c.id == row.id).values(values))
                continue
            made = {
                "principal": principal, "resource_key": resource.key, "column_name": column, "kind": resource.kind,
                "structure": resource.structure, **ids, **_values(permissions, grantable, by),
            }  # fmt: skip
            connection.execute(sa.insert(grants), made)

    def _ids(self, connection: sa.Connection, resource: Resource) -> dict[str, Any]:
        """The rows that a resource stands for; raises EntityNotFoundException, InvalidInputException for columns."""
        ids: dict[str, Any] = {"database_name": resource.database, "table_id": None, "filter_id": None}
        if resource.kind == "DATA_LOCATION":
            self._check_registered(connection, resource.structure["DataLocation"]["ResourceArn"])
        if resource.database is None:
            return ids
        if resource.table is None:
            self._catalog.database(connection, resource.database)
            return ids
        table = self._catalog.table(connection, resource.database, resource.table)
        ids["table_id"] = table.id
        if resource.kind == "COLUMNS":
            wildcard = resource.structure["TableWithColumns"].get("ColumnWildcard", {})
            check_columns(table, [*resource.columns, *wildcard.get("ExcludedColumnNames", ())])
        if resource.filter is not None:
            wanted = (filters.c.table_id == table.id, filters.c.name == resource.filter)
            ids["filter_id"] = connection.execute(sa.select(filters.c.id).where(*wanted)).scalar()
            if ids["filter_id"] is None:
                raise EntityNotFoundException(f"Data cells filter {resource.filter} of table {table.name} not found.")
        return ids

    # -- registered locations ------------------------------------------------------------------------------------

    def location(self, connection: sa.Connection, arn: str) -> tuple[dict[str, Any], float]:
        """A registered location's members and when they changed (Unix seconds); raises EntityNotFoundException."""
        row = connection.execute(sa.select(locations).where(locations.c.arn == _bare(arn))).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Entity not found. Resource {arn} is not registered.")
        return dict(row.body), row.modified_at

    def locations(self, connection: sa.Connection) -> list[tuple[str, dict[str, Any], float]]:
        """Every registered location, in order of ARN."""
        rows = connection.execute(sa.select(locations).order_by(locations.c.arn))
        return [(row.arn, dict(row.body), row.modified_at) for row in rows]

    def register(self, connection: sa.Connection, arn: str, body: Mapping[str, Any]) -> None:
        """Add a location; raises AlreadyExistsException."""
        found = sa.select(locations.c.arn).where(locations.c.arn == _bare(arn))
        if connection.execute(found).first():
            raise AlreadyExistsException(f"Resource {arn} is registered already.")
        connection.execute(sa.insert(locations), {"arn": _bare(arn), "body": dict(body), "modified_at": time.time()})

    def update_location(self, connection: sa.Connection, arn: str, changes: Mapping[str, Any]) -> None:
        """Set members of a location; raises EntityNotFoundException."""
        body, _ = self.location(connection, arn)
        values = {"body": {**body, **changes}, "modified_at": time.time()}
        connection.execute(sa.update(locations).where(locations.c.arn == _bare(arn)).values(values))

    def deregister(self, connection: sa.Connection, arn: str) -> None:
        """Drop a location; raises EntityNotFoundException."""
        if not connection.execute(sa.delete(locations).where(locations.c.arn == _bare(arn))).rowcount:
            raise EntityNotFoundException(f"Entity not found. Resource {arn} is not registered.")

    def _check_registered(self, connection: sa.Connection, arn: str) -> None:
        if not Registered.of(connection).covers("s3://" + _bare(arn).removeprefix(ARN)):
            raise EntityNotFoundException(f"{arn} is in no registered location: register it with RegisterResource.")


def check_columns(table: Table, names: Collection[str]) -> None:
    """Raises InvalidInputException for a name that is no column or partition key of the table."""
    unknown = sorted({name.lower() for name in names} - set(columns_of(table)))
    if unknown:
        raise InvalidInputException(f"Table {table.database}.{table.name} has no column {', '.join(unknown)[:300]}.")


def columns_of(table: Table) -> tuple[str, ...]:
    """The names of a table's columns and partition keys, in order, lower case."""
    described = (table.definition.get("StorageDescriptor") or {}).get("Columns", ())
    return (*(column["Name"].lower() for column in described), *(name for name, _ in table.partition_keys))


def _bare(arn: str) -> str:
    if "\0" in arn:  # which PostgreSQL cannot look for
        raise InvalidInputException("An ARN holds no NUL.")
    return arn.rstrip("/")


def _same(principal: str, resource: Resource) -> tuple[sa.ColumnElement[bool], ...]:
    same = (grants.c.principal == principal, grants.c.resource_key == resource.key)
    return (*same, grants.c.column_name.in_(resource.columns)) if resource.columns else same


def _values(permissions: set[str], grantable: set[str], by: str) -> dict[str, Any]:
    return {
        "permissions": sorted(permissions), "grantable": sorted(grantable), "updated_at": time.time(),
        "updated_by": by[:255],
    }  # fmt: skip
