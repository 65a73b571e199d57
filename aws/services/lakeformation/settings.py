"""Data lake settings and registered locations (AWS Lake Formation API)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import own_catalog
from lakelet.aws.services.lakeformation._lake import PAGE, lake_of
from lakelet.workspace.errors import InvalidInputException, NotImplementedException
from lakelet.workspace.state import reading, writing

_COMPARISONS: dict[str, Callable[[Any, list[Any]], Any]] = {
    "EQ": lambda value, wanted: value == wanted[0],
    "NE": lambda value, wanted: value != wanted[0],
    "LE": lambda value, wanted: value <= wanted[0],
    "LT": lambda value, wanted: value < wanted[0],
    "GE": lambda value, wanted: value >= wanted[0],
    "GT": lambda value, wanted: value > wanted[0],
    "CONTAINS": lambda value, wanted: wanted[0] in value,
    "NOT_CONTAINS": lambda value, wanted: wanted[0] not in value,
    "BEGINS_WITH": lambda value, wanted: value.startswith(wanted[0]),
    "IN": lambda value, wanted: value in wanted,
    "BETWEEN": lambda value, wanted: wanted[0] <= value <= wanted[1],
}
_MEMBERS = {"RESOURCE_ARN": "ResourceArn", "ROLE_ARN": "RoleArn", "LAST_MODIFIED": "LastModified"}


def get_data_lake_settings(catalog_id: str | None = None) -> dict[str, Any]:
    """The settings; AWS's own for a new account until they are put."""
    context = own_catalog(catalog_id)
    with reading(context.engine) as connection:
        return {"DataLakeSettings": lake_of(context).grants.settings(connection)}


def put_data_lake_settings(data_lake_settings: dict[str, Any], catalog_id: str | None = None) -> None:
    """Replace the settings: default permissions that are left out are none, and what exists keeps what it has."""
    context = own_catalog(catalog_id)
    for member in ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions"):
        for one in data_lake_settings.get(member, ()):
            principal = one.get("Principal", {}).get("DataLakePrincipalIdentifier")
            if not principal or "\0" in principal or not one.get("Permissions"):
                raise InvalidInputException(f"An entry of {member} has a Principal and Permissions.")
    with writing(context.engine) as connection:
        lake_of(context).grants.put_settings(connection, data_lake_settings)


def register_resource(
    resource_arn: str,
    use_service_linked_role: bool = False,
    role_arn: str | None = None,
    with_federation: bool = False,
    hybrid_access_enabled: bool = False,
    with_privileged_access: bool = False,
) -> None:
    """Have a location's permissions kept here; AlreadyExistsException, InvalidInputException without a role."""
    context = own_catalog(None)
    if with_privileged_access:
        raise NotImplementedException(
            "WithPrivilegedAccess is not served: leave it out, and grant DATA_LOCATION_ACCESS."
        )
    if not resource_arn.startswith("arn:aws:s3:::") or len(resource_arn) > 1100:
        raise InvalidInputException(f"{resource_arn[:100]} is not the ARN of a location on S3.")
    if use_service_linked_role == (role_arn is not None):
        raise InvalidInputException("Give a RoleArn, or UseServiceLinkedRole.")
    linked = "role/aws-service-role/lakeformation.amazonaws.com/AWSServiceRoleForLakeFormationDataAccess"
    body = {
        "RoleArn": role_arn or f"arn:aws:iam::{context.account_id}:{linked}",
        "WithFederation": with_federation,
        "HybridAccessEnabled": hybrid_access_enabled,
        "WithPrivilegedAccess": with_privileged_access,
    }
    with writing(context.engine) as connection:
        lake_of(context).grants.register(connection, resource_arn, body)


def update_resource(
    role_arn: str, resource_arn: str, with_federation: bool | None = None, hybrid_access_enabled: bool | None = None
) -> None:
    """Change a registered location's role; EntityNotFoundException."""
    context = own_catalog(None)
    wanted = {"RoleArn": role_arn, "WithFederation": with_federation, "HybridAccessEnabled": hybrid_access_enabled}
    changes = {member: value for member, value in wanted.items() if value is not None}
    with writing(context.engine) as connection:
        lake_of(context).grants.update_location(connection, resource_arn, changes)


def deregister_resource(resource_arn: str) -> None:
    """Forget a location; EntityNotFoundException."""
    context = own_catalog(None)
    with writing(context.engine) as connection:
        lake_of(context).grants.deregister(connection, resource_arn)


def describe_resource(resource_arn: str) -> dict[str, Any]:
    """One registered location; EntityNotFoundException."""
    context = own_catalog(None)
    with reading(context.engine) as connection:
        body, modified_at = lake_of(context).grants.location(connection, resource_arn)
    return {"ResourceInfo": _information(resource_arn, body, modified_at)}


def list_resources(
    filter_condition_list: list[dict[str, Any]] | None = None, max_results: int = PAGE, next_token: str | None = None
) -> dict[str, Any]:
    """The registered locations that satisfy all conditions, in order of ARN, a page at a time."""
    context = own_catalog(None)
    request = ("ListResources", filter_condition_list)
    after = paging.position(next_token, *request) or ""
    with reading(context.engine) as connection:
        found = [_information(*one) for one in lake_of(context).grants.locations(connection)]
    kept = [
        one
        for one in found
        if one["ResourceArn"] > after and all(_satisfies(one, condition) for condition in filter_condition_list or ())
    ]
    page, more = paging.split_page(kept[: max_results + 1], max_results)
    answer: dict[str, Any] = {"ResourceInfoList": list(page)}
    if more:
        answer["NextToken"] = paging.next_token(page[-1]["ResourceArn"], *request)
    return answer


def _information(arn: str, body: dict[str, Any], modified_at: float) -> dict[str, Any]:
    return {"ResourceArn": arn, **body, "LastModified": datetime.fromtimestamp(modified_at, UTC)}


def _satisfies(one: dict[str, Any], condition: dict[str, Any]) -> bool:
    member, values = _MEMBERS.get(condition.get("Field", "")), condition.get("StringValueList") or []
    operator = condition.get("ComparisonOperator")
    if member is None or operator is None or not values:
        raise InvalidInputException("A filter condition has a Field, a ComparisonOperator and a StringValueList.")
    if operator == "BETWEEN" and len(values) != 2:
        raise InvalidInputException("BETWEEN takes two values.")
    value: Any = one[member]
    wanted: list[Any] = list(values)
    if member == "LastModified":
        value = value.timestamp()
        try:
            wanted = [datetime.fromisoformat(text).timestamp() for text in values]
        except (ValueError, OverflowError):
            raise InvalidInputException("LAST_MODIFIED is compared with times as in 2026-01-31T10:00:00Z.") from None
        if operator in ("CONTAINS", "NOT_CONTAINS", "BEGINS_WITH"):
            raise InvalidInputException(f"{operator} compares texts, not times.")
    return bool(_COMPARISONS[operator](value, wanted))
