"""Schemas of the registry (AWS Glue Web API, Schema registry)."""

from __future__ import annotations

from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import current
from lakelet.aws.services.glue._answers import arn
from lakelet.aws.services.glue._registry import (
    PAGE,
    arns,
    registry_of,
    schema_answer,
    schema_of,
    store_of,
    timestamp,
    version_number,
)
from lakelet.catalog.registry.model import DEFAULT_REGISTRY
from lakelet.catalog.registry.register import fingerprint
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException
from lakelet.workspace.state import reading, writing

_DEFAULT_COMPATIBILITY = "BACKWARD"  # the mode that AWS recommends, and its own serialisers use


def create_schema(
    schema_name: str,
    data_format: str,
    registry_id: dict[str, str] | None = None,
    compatibility: str = _DEFAULT_COMPATIBILITY,
    description: str | None = None,
    tags: dict[str, str] | None = None,
    schema_definition: str | None = None,
) -> dict[str, Any]:
    """Add a schema, with its first version when a definition is given, which is then the checkpoint.

    Without a registry in the default one, which is made when it is first needed. AlreadyExistsException,
    EntityNotFoundException, InvalidInputException for a definition that is not valid.
    """
    context = current()
    store = store_of(context)
    name = registry_of(registry_id) if registry_id is not None else DEFAULT_REGISTRY
    digest = None if schema_definition is None else fingerprint(data_format, schema_definition)
    with writing(context.engine) as connection:
        default = name == DEFAULT_REGISTRY
        registry = store.ensure_default(connection) if default else store.registry(connection, name)
        schema = store.create_schema(connection, registry, schema_name, data_format, compatibility, description)
        context.catalog.tags.put(connection, arn(context, "schema", schema.registry, schema.name), tags)
        version = None
        if schema_definition is not None and digest is not None:
            version = store.add_version(connection, schema, schema_definition, digest, "AVAILABLE")
            schema = version.schema
    answer = schema_answer(context, schema)
    if tags:
        answer["Tags"] = tags
    if version is not None:
        answer |= {"SchemaVersionId": version.id, "SchemaVersionStatus": version.status}
    return answer


def get_schema(schema_id: dict[str, str]) -> dict[str, Any]:
    """One schema; EntityNotFoundException."""
    context = current()
    with reading(context.engine) as connection:
        schema = schema_of(connection, schema_id)
    times = {"CreatedTime": timestamp(schema.created_at), "UpdatedTime": timestamp(schema.updated_at)}
    return schema_answer(context, schema) | times


def list_schemas(
    registry_id: dict[str, str] | None = None, max_results: int = PAGE, next_token: str | None = None
) -> dict[str, Any]:
    """The schemas of one registry, or of all, in order of name, a page at a time; EntityNotFoundException."""
    context = current()
    registry = registry_of(registry_id) if registry_id is not None else None
    request = ("ListSchemas", registry)
    after = paging.position(next_token, *request) or ("", "")
    with reading(context.engine) as connection:
        if registry is not None:
            store_of(context).registry(connection, registry)
        found = store_of(context).schemas(connection, registry, (after[0], after[1]), max_results + 1)
    page, more = paging.split_page(found, max_results)
    answer: dict[str, Any] = {
        "Schemas": [
            {
                "RegistryName": schema.registry,
                "SchemaName": schema.name,
                "SchemaArn": arns(context).schema(schema.registry, schema.name),
                **({"Description": schema.description} if schema.description else {}),
                "SchemaStatus": "AVAILABLE",
                "CreatedTime": timestamp(schema.created_at),
                "UpdatedTime": timestamp(schema.updated_at),
            }
            for schema in page
        ]
    }
    if more:
        answer["NextToken"] = paging.next_token((page[-1].registry, page[-1].name), *request)
    return answer


def update_schema(
    schema_id: dict[str, str],
    schema_version_number: dict[str, Any] | None = None,
    compatibility: str | None = None,
    description: str | None = None,
) -> dict[str, Any]:
    """Set the description, the checkpoint, or the compatibility mode together with a checkpoint.

    The checkpoint only goes forward. EntityNotFoundException, InvalidInputException.
    """
    context = current()
    store = store_of(context)
    if compatibility is not None and schema_version_number is None:
        raise InvalidInputException("The schemaVersionNumber of a checkpoint has to be provided with a compatibility.")
    changes: dict[str, Any] = {}
    with writing(context.engine) as connection:
        schema = schema_of(connection, schema_id)
        if schema_version_number is not None:
            number = version_number(schema_version_number)
            version = store.version(connection, schema, number)
            if version.status != "AVAILABLE":
                raise InvalidInputException(f"Version {version.number} is {version.status}: it cannot be a checkpoint.")
            if version.number < schema.checkpoint:
                raise InvalidInputException(
                    f"The checkpoint is {schema.checkpoint}: it cannot go back to {version.number}."
                )
            changes["checkpoint"] = version.number
        if compatibility is not None:
            if compatibility == schema.compatibility:
                raise InvalidInputException(f"The compatibility of schema {schema.name} is {compatibility} already.")
            changes["compatibility"] = compatibility
        if description is not None:
            changes["description"] = description
        if not changes:
            raise InvalidInputException("One of description, compatibility and schemaVersionNumber has to be provided.")
        store.update_schema(connection, schema, **changes)
    return _named(schema.registry, schema.name) | {"RegistryName": schema.registry}


def delete_schema(schema_id: dict[str, str]) -> dict[str, Any]:
    """Drop a schema with its versions; EntityNotFoundException. Done when it returns, though AWS says DELETING."""
    context = current()
    with writing(context.engine) as connection:
        schema = schema_of(connection, schema_id)
        store_of(context).delete_schema(connection, schema)
        context.catalog.tags.forget(connection, arn(context, "schema", schema.registry, schema.name))
    return _named(schema.registry, schema.name) | {"Status": "DELETING"}


def get_schema_by_definition(schema_id: dict[str, str], schema_definition: str) -> dict[str, Any]:
    """The version of a schema whose definition is equal, spacing and order of keys aside.

    EntityNotFoundException, InvalidInputException for a definition that is not valid.
    """
    context = current()
    with reading(context.engine) as connection:
        schema = schema_of(connection, schema_id)
    digest = fingerprint(schema.data_format, schema_definition)
    with reading(context.engine) as connection:
        version = store_of(context).same(connection, schema, digest)
    if version is None:
        raise EntityNotFoundException(f"Schema version is not found. SchemaName: {schema.name}")
    return {
        "SchemaVersionId": version.id,
        "SchemaArn": arns(context).schema(schema.registry, schema.name),
        "DataFormat": schema.data_format,
        "Status": version.status,
        "CreatedTime": timestamp(version.created_at),
    }


def _named(registry: str, name: str) -> dict[str, Any]:
    return {"SchemaArn": arns(current()).schema(registry, name), "SchemaName": name}
