"""Registries of schemas (AWS Glue Web API, Schema registry)."""

from __future__ import annotations

from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import current
from lakelet.aws.services.glue._answers import arn
from lakelet.aws.services.glue._registry import PAGE, arns, registry_of, store_of, timestamp
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading, writing


def create_registry(
    registry_name: str, description: str | None = None, tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """Add a registry.

    AlreadyExistsException, ResourceNumberLimitExceededException, InvalidInputException for reserved tags.
    """
    context = current()
    with writing(context.engine) as connection:
        made = store_of(context).create_registry(connection, registry_name, description)
        context.catalog.tags.put(connection, arn(context, "registry", made.name), tags)
    answer: dict[str, Any] = {"RegistryArn": arns(context).registry(made.name), "RegistryName": made.name}
    optional = {"Description": made.description, "Tags": tags}
    return answer | {member: value for member, value in optional.items() if value}


def get_registry(registry_id: dict[str, str]) -> dict[str, Any]:
    """One registry; EntityNotFoundException."""
    context = current()
    with reading(context.engine) as connection:
        found = store_of(context).registry(connection, registry_of(registry_id))
    return {
        "RegistryName": found.name,
        "RegistryArn": arns(context).registry(found.name),
        **({"Description": found.description} if found.description else {}),
        "Status": "AVAILABLE",
        "CreatedTime": timestamp(found.created_at),
        "UpdatedTime": timestamp(found.updated_at),
    }


def list_registries(max_results: int = PAGE, next_token: str | None = None) -> dict[str, Any]:
    """The registries in order of name, a page at a time."""
    context = current()
    after = paging.position(next_token, "ListRegistries") or ""
    with reading(context.engine) as connection:
        found = store_of(context).registries(connection, after, max_results + 1)
    page, more = paging.split_page(found, max_results)
    answer: dict[str, Any] = {
        "Registries": [
            {
                "RegistryName": one.name,
                "RegistryArn": arns(context).registry(one.name),
                **({"Description": one.description} if one.description else {}),
                "Status": "AVAILABLE",
                "CreatedTime": timestamp(one.created_at),
                "UpdatedTime": timestamp(one.updated_at),
            }
            for one in page
        ]
    }
    if more:
        answer["NextToken"] = paging.next_token(page[-1].name, "ListRegistries")
    return answer


def update_registry(registry_id: dict[str, str], description: str) -> dict[str, Any]:
    """Replace a registry's description; EntityNotFoundException."""
    context, name = current(), registry_of(registry_id)
    with writing(context.engine) as connection:
        store_of(context).update_registry(connection, name, description)
    return {"RegistryName": name, "RegistryArn": arns(context).registry(name)}


def delete_registry(registry_id: dict[str, str]) -> dict[str, Any]:
    """Drop a registry with its schemas; EntityNotFoundException, InvalidInputException when none is named.

    Done when it returns, though AWS says DELETING.
    """
    if not registry_id:
        raise InvalidInputException("One of registryName or registryArn has to be provided, both cannot be empty.")
    context, name = current(), registry_of(registry_id)
    with writing(context.engine) as connection:
        store_of(context).delete_registry(connection, name)
        context.catalog.tags.forget(connection, arn(context, "registry", name))
        context.catalog.tags.forget_below(connection, arn(context, "schema", name))
    return {"RegistryName": name, "RegistryArn": arns(context).registry(name), "Status": "DELETING"}
