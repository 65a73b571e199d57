"""Reads and writes of registries, schemas and versions; the table rows are in ``lakelet.catalog.registry.tables``.

Methods that take a ``connection`` work inside the caller's transaction. Raises the ServiceError family, as Glue does.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.registry.model import DEFAULT_REGISTRY, Metadata, Registry, Schema, Version
from lakelet.catalog.registry.tables import pairs, registries, schemas, versions
from lakelet.workspace.errors import (
    AlreadyExistsException,
    EntityNotFoundException,
    InvalidInputException,
    ResourceNumberLimitExceededException,
)

MOST_REGISTRIES = 100  # AWS Glue Developer Guide, "Quotas of the Schema registry"
MOST_VERSIONS = 10_000  # of all schemas together
MOST_METADATA = 10  # pairs of a version

_LATEST = (
    sa.select(sa.func.coalesce(sa.func.max(versions.c.number), 0))
    .where(versions.c.schema_id == schemas.c.id, versions.c.status == "AVAILABLE")
    .scalar_subquery()
)
_SCHEMA = sa.select(schemas, registries.c.name.label("registry"), _LATEST.label("latest")).join(registries)


class RegistryStore:
    """The schema registry of this workspace."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    # -- registries ----------------------------------------------------------------------------------------------

    def registry(self, connection: sa.Connection, name: str) -> Registry:
        """One registry; raises EntityNotFoundException."""
        row = connection.execute(sa.select(registries).where(registries.c.name == name)).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Registry is not found. RegistryName: {name}")
        return _registry(row)

    def registries(self, connection: sa.Connection, after: str, limit: int) -> list[Registry]:
        """Registries whose name follows ``after``, in order of name."""
        query = sa.select(registries).where(registries.c.name > after).order_by(registries.c.name).limit(limit)
        return [_registry(row) for row in connection.execute(query)]

    def create_registry(self, connection: sa.Connection, name: str, description: str | None) -> Registry:
        """Add a registry; raises AlreadyExistsException, ResourceNumberLimitExceededException."""
        if connection.execute(sa.select(registries.c.id).where(registries.c.name == name)).first():
            raise AlreadyExistsException(f"Registry already exists. RegistryName: {name}")
        if _count(connection, registries) >= MOST_REGISTRIES:
            raise ResourceNumberLimitExceededException(f"There are {MOST_REGISTRIES} registries: delete one first.")
        now = time.time()
        row = {"name": name, "description": description, "created_at": now, "updated_at": now}
        connection.execute(sa.insert(registries), row)
        return self.registry(connection, name)

    def ensure_default(self, connection: sa.Connection) -> Registry:
        """The default registry, made when it is first needed."""
        try:
            return self.registry(connection, DEFAULT_REGISTRY)
        except EntityNotFoundException:
            return self.create_registry(connection, DEFAULT_REGISTRY, None)

    def update_registry(self, connection: sa.Connection, name: str, description: str) -> None:
        """Replace a registry's description; raises EntityNotFoundException."""
        found = self.registry(connection, name)
        values = {"description": description, "updated_at": time.time()}
        connection.execute(sa.update(registries).where(registries.c.id == found.id).values(values))

    def delete_registry(self, connection: sa.Connection, name: str) -> None:
        """Drop a registry with all its schemas; raises EntityNotFoundException."""
        found = self.registry(connection, name)
        connection.execute(sa.delete(registries).where(registries.c.id == found.id))

    # -- schemas -------------------------------------------------------------------------------------------------

    def schema(self, connection: sa.Connection, registry: str, name: str) -> Schema:
        """One schema; raises EntityNotFoundException."""
        wanted = (registries.c.name == registry, schemas.c.name == name)
        row = connection.execute(_SCHEMA.where(*wanted)).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Schema is not found. RegistryName: {registry}, SchemaName: {name}")
        return _schema(row)

    def schemas(
        self, connection: sa.Connection, registry: str | None, after: tuple[str, str], limit: int
    ) -> list[Schema]:
        """Schemas of one registry, or of all, that follow ``(registry, schema)``, in that order."""
        query = _SCHEMA.where(
            sa.or_(
                registries.c.name > after[0], sa.and_(registries.c.name == after[0], schemas.c.name > after[1])
            )
        )  # fmt: skip
        if registry is not None:
            query = query.where(registries.c.name == registry)
        return [
            _schema(row) for row in connection.execute(query.order_by(registries.c.name, schemas.c.name).limit(limit))
        ]

    def create_schema(
        self,
        connection: sa.Connection,
        registry: Registry,
        name: str,
        data_format: str,
        compatibility: str,
        description: str | None,
    ) -> Schema:
        """Add a schema that has no version yet; raises AlreadyExistsException."""
        found = sa.select(schemas.c.id).where(schemas.c.registry_id == registry.id, schemas.c.name == name)
        if connection.execute(found).first():
            raise AlreadyExistsException(f"Schema already exists. SchemaName: {name}, RegistryName: {registry.name}")
        now = time.time()
        row = {
            "registry_id": registry.id, "name": name, "data_format": data_format, "compatibility": compatibility,
            "description": description, "checkpoint": 0, "next_version": 1, "created_at": now,
            "updated_at": now,
        }  # fmt: skip
        connection.execute(sa.insert(schemas), row)
        return self.schema(connection, registry.name, name)

    def update_schema(self, connection: sa.Connection, schema: Schema, **values: Any) -> None:
        """Set columns of a schema."""
        changed = {**values, "updated_at": time.time()}
        connection.execute(sa.update(schemas).where(schemas.c.id == schema.id).values(changed))

    def delete_schema(self, connection: sa.Connection, schema: Schema) -> None:
        """Drop a schema with all its versions."""
        connection.execute(sa.delete(schemas).where(schemas.c.id == schema.id))

    # -- versions ------------------------------------------------------------------------------------------------

    def available(self, connection: sa.Connection, schema: Schema) -> list[tuple[int, str]]:
        """``(number, definition)`` of a schema's available versions, oldest first."""
        query = sa.select(versions.c.number, versions.c.definition).where(
            versions.c.schema_id == schema.id, versions.c.status == "AVAILABLE"
        )
        return [(row.number, row.definition) for row in connection.execute(query.order_by(versions.c.number))]

    def version(self, connection: sa.Connection, schema: Schema, number: int | None) -> Version:
        """One version by its number, or the latest available one; raises EntityNotFoundException."""
        wanted = (versions.c.schema_id == schema.id, versions.c.number == (number or schema.latest))
        row = connection.execute(sa.select(versions).where(*wanted)).one_or_none()
        if row is None:
            raise EntityNotFoundException(
                f"Schema version is not found. SchemaName: {schema.name}, VersionNumber: {number or 'latest'}"
            )
        return _version(row, schema)

    def version_by_id(self, connection: sa.Connection, version_id: str) -> Version:
        """One version by its id; raises EntityNotFoundException."""
        row = connection.execute(sa.select(versions).where(versions.c.id == version_id)).one_or_none()
        if row is None:
            raise EntityNotFoundException(f"Schema version is not found. SchemaVersionId: {version_id}")
        return _version(row, _schema(connection.execute(_SCHEMA.where(schemas.c.id == row.schema_id)).one()))

    def versions(self, connection: sa.Connection, schema: Schema, after: int, limit: int) -> list[Version]:
        """A schema's versions whose number follows ``after``, in order."""
        wanted = (versions.c.schema_id == schema.id, versions.c.number > after)
        query = sa.select(versions).where(*wanted).order_by(versions.c.number).limit(limit)
        return [_version(row, schema) for row in connection.execute(query)]

    def same(self, connection: sa.Connection, schema: Schema, fingerprint: str) -> Version | None:
        """The newest version of equal definition, an available one before a refused one; None when there is none."""
        wanted = (versions.c.schema_id == schema.id, versions.c.fingerprint == fingerprint)
        order = (versions.c.status, versions.c.number.desc())  # AVAILABLE sorts before FAILURE
        row = connection.execute(sa.select(versions).where(*wanted).order_by(*order)).first()
        return None if row is None else _version(row, schema)

    def add_version(
        self, connection: sa.Connection, schema: Schema, definition: str, fingerprint: str, status: str
    ) -> Version:
        """Add the next version, which becomes the checkpoint when there is none.

        Raises ResourceNumberLimitExceededException.
        """
        if _count(connection, versions) >= MOST_VERSIONS:
            raise ResourceNumberLimitExceededException(f"There are {MOST_VERSIONS} schema versions: delete some first.")
        row = {
            "id": str(uuid.uuid4()), "schema_id": schema.id, "number": schema.next_version, "definition": definition,
            "fingerprint": fingerprint, "status": status, "created_at": time.time(),
        }  # fmt: skip
        connection.execute(sa.insert(versions), row)
        checkpoint = schema.checkpoint or (schema.next_version if status == "AVAILABLE" else 0)
        self.update_schema(connection, schema, next_version=schema.next_version + 1, checkpoint=checkpoint)
        return self.version_by_id(connection, str(row["id"]))

    def delete_versions(self, connection: sa.Connection, schema: Schema, numbers: range) -> list[int]:
        """Drop the versions of a range; returns the numbers of which there was none.

        A checkpoint and the first version cannot go: InvalidInputException, and nothing is dropped.
        """
        if schema.checkpoint in numbers:
            raise InvalidInputException(
                f"Cannot delete version {schema.checkpoint}: it is the checkpoint of schema {schema.name}. "
                "Set another with UpdateSchema first."
            )
        if 1 in numbers:
            raise InvalidInputException("Cannot delete the first version of a schema: use DeleteSchema.")
        start, stop = (min(bound, schema.next_version) for bound in (numbers.start, numbers.stop))
        wanted = (versions.c.schema_id == schema.id, versions.c.number.between(start, stop - 1))
        there = set(connection.execute(sa.select(versions.c.number).where(*wanted)).scalars())
        connection.execute(sa.delete(versions).where(*wanted))
        return [number for number in range(start, stop) if number not in there]

    # -- metadata ------------------------------------------------------------------------------------------------

    def metadata(self, connection: sa.Connection, version: Version) -> list[Metadata]:
        """A version's pairs, by key, the newest value of a key first."""
        query = sa.select(pairs).where(pairs.c.version_id == version.id)
        ordered = query.order_by(pairs.c.key, pairs.c.created_at.desc(), pairs.c.value)
        return [Metadata(row.key, row.value, row.created_at) for row in connection.execute(ordered)]

    def put_metadata(self, connection: sa.Connection, version: Version, key: str, value: str) -> None:
        """Add a pair; raises AlreadyExistsException, ResourceNumberLimitExceededException."""
        known = self.metadata(connection, version)
        if any((pair.key, pair.value) == (key, value) for pair in known):
            raise AlreadyExistsException(
                f"Resource already exist for schema version id: {version.id}, metadata key: {key}"
            )
        if len(known) >= MOST_METADATA:
            raise ResourceNumberLimitExceededException(
                f"Schema version {version.id} has {MOST_METADATA} metadata pairs: remove one first."
            )
        row = {"version_id": version.id, "key": key, "value": value, "created_at": time.time()}
        connection.execute(sa.insert(pairs), row)

    def remove_metadata(self, connection: sa.Connection, version: Version, key: str, value: str) -> None:
        """Take a pair away; raises EntityNotFoundException."""
        wanted = (pairs.c.version_id == version.id, pairs.c.key == key, pairs.c.value == value)
        if not connection.execute(sa.delete(pairs).where(*wanted)).rowcount:
            raise EntityNotFoundException(f"Schema version {version.id} has no metadata {key}={value}.")


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() or 0)


def _registry(row: sa.Row[Any]) -> Registry:
    return Registry(row.id, row.name, row.description, row.created_at, row.updated_at)


def _schema(row: sa.Row[Any]) -> Schema:
    return Schema(
        row.id, row.registry, row.name, row.data_format, row.compatibility, row.description, row.checkpoint,
        row.latest, row.next_version, row.created_at, row.updated_at,
    )  # fmt: skip


def _version(row: sa.Row[Any], schema: Schema) -> Version:
    return Version(row.id, schema, row.number, row.definition, row.status, row.created_at)
