"""Tags of Glue's resources, by ARN (AWS Glue Web API, Tagging API)."""

from __future__ import annotations

from typing import Any

from lakelet.aws.context import current
from lakelet.aws.services.glue._tagged import resource
from lakelet.workspace.state import reading, writing


def tag_resource(resource_arn: str, tags_to_add: dict[str, str]) -> None:
    """Add tags, or give them new values; EntityNotFoundException, InvalidInputException for reserved names."""
    context = current()
    with writing(context.engine) as connection:
        context.catalog.tags.put(connection, resource(context, connection, resource_arn), tags_to_add)


def untag_resource(resource_arn: str, tags_to_remove: list[str]) -> None:
    """Take tags away; one that is not there is no error. EntityNotFoundException for the resource."""
    context = current()
    with writing(context.engine) as connection:
        context.catalog.tags.remove(connection, resource(context, connection, resource_arn), tags_to_remove)


def get_tags(resource_arn: str) -> dict[str, Any]:
    """The tags of a resource; EntityNotFoundException."""
    context = current()
    with reading(context.engine) as connection:
        return {"Tags": context.catalog.tags.get(connection, resource(context, connection, resource_arn))}
