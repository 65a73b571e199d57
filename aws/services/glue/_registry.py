"""Shared by the schema registry's operations: ids in, answers out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import Context, current, request_region
from lakelet.catalog.registry.model import Arns, Schema, Version, registry_name, schema_names
from lakelet.catalog.registry.store import RegistryStore
from lakelet.workspace.errors import InvalidInputException

PAGE = 100


def store_of(context: Context) -> RegistryStore:
    """The schema registry of this workspace."""
    return RegistryStore(context.engine)


def arns(context: Context) -> Arns:
    """The ARNs of this account in the region that the request asks."""
    return Arns(request_region(), context.account_id)


def registry_of(registry_id: Mapping[str, str]) -> str:
    """The name of the registry that is meant; raises InvalidInputException."""
    return registry_name(registry_id)


def schema_of(connection: sa.Connection, schema_id: Mapping[str, str]) -> Schema:
    """The schema that is meant; raises EntityNotFoundException, InvalidInputException."""
    return store_of(current()).schema(connection, *schema_names(schema_id))


def version_number(wanted: Mapping[str, Any]) -> int | None:
    """The number that a SchemaVersionNumber means, None for the latest; raises InvalidInputException."""
    number, latest = wanted.get("VersionNumber"), wanted.get("LatestVersion", False)
    if (number is None) != latest:
        raise InvalidInputException("Exactly one of latestVersion (true) and versionNumber has to be provided.")
    return None if number is None else int(number)


def version_of(
    connection: sa.Connection,
    schema_id: Mapping[str, str] | None,
    schema_version_id: str | None,
    schema_version_number: Mapping[str, Any] | None,
) -> Version:
    """The version that is meant, by its id or by schema and number.

    Raises EntityNotFoundException, InvalidInputException.
    """
    store = store_of(current())
    if schema_version_id is not None:
        if schema_id is not None or schema_version_number is not None:
            raise InvalidInputException("Give schemaVersionId, or schemaId with schemaVersionNumber, not both.")
        return store.version_by_id(connection, schema_version_id)
    if schema_id is None or schema_version_number is None:
        raise InvalidInputException("One of schemaVersionId, or schemaId with schemaVersionNumber, has to be provided.")
    return store.version(connection, schema_of(connection, schema_id), version_number(schema_version_number))


def timestamp(seconds: float) -> str:
    """A time as the registry writes it: text."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def schema_answer(context: Context, schema: Schema) -> dict[str, Any]:
    """The members that GetSchema and CreateSchema share."""
    names = arns(context)
    answer: dict[str, Any] = {
        "RegistryName": schema.registry,
        "RegistryArn": names.registry(schema.registry),
        "SchemaName": schema.name,
        "SchemaArn": names.schema(schema.registry, schema.name),
        "DataFormat": schema.data_format,
        "Compatibility": schema.compatibility,
        "NextSchemaVersion": schema.next_version,
        "SchemaStatus": "AVAILABLE",
    }
    optional = {
        "Description": schema.description, "SchemaCheckpoint": schema.checkpoint, "LatestSchemaVersion": schema.latest,
    }  # fmt: skip
    return answer | {member: value for member, value in optional.items() if value}
