"""Shared by Lake Formation's operations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lakelet.aws.context import Context, caller, own_catalog
from lakelet.catalog.grants.lake import Lake
from lakelet.catalog.grants.model import Grant, Resource, answer_resource, read_resource
from lakelet.workspace.errors import ServiceError

PAGE = 1000


def lake_of(context: Context) -> Lake:
    """The lake of this workspace."""
    return Lake(context.catalog, context.account_id)


def resource_of(structure: Mapping[str, Any]) -> Resource:
    """A request's resource; raises InvalidInputException, NotImplementedException."""
    return read_resource(structure, own_catalog(None).account_id)


def signer() -> str:
    """The ARN of who asks."""
    return caller().arn


def error_detail(error: ServiceError) -> dict[str, str]:
    """An error as an answer's ErrorDetail."""
    return {"ErrorCode": error.code, "ErrorMessage": str(error)[:2048]}


def grant_answer(context: Context, grant: Grant) -> dict[str, Any]:
    """A grant as PrincipalResourcePermissions."""
    return {
        "Principal": {"DataLakePrincipalIdentifier": grant.principal},
        "Resource": answer_resource(grant.resource, context.account_id),
        "Permissions": sorted(grant.permissions),
        "PermissionsWithGrantOption": sorted(grant.grantable),
        "LastUpdated": datetime.fromtimestamp(grant.updated_at, UTC),
        "LastUpdatedBy": grant.updated_by,
    }


def tags_answer(context: Context, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Tags and their one value each as LFTagPairs, in order of key."""
    return [
        {"CatalogId": context.account_id, "TagKey": key, "TagValues": [value]} for key, value in sorted(tags.items())
    ]
