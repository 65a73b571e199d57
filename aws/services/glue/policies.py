"""Resource policies on the Data Catalog (AWS Glue Web API, Security API).

They are kept, compared and given back. Every request here is of the one account, whose own policies decide.
"""

from __future__ import annotations

import json
from typing import Any

from lakelet.aws.context import Context, current
from lakelet.aws.regions import in_region
from lakelet.aws.services.glue._answers import arn
from lakelet.catalog.policies.store import Policy
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException
from lakelet.workspace.state import reading, writing


def put_resource_policy(
    policy_in_json: str,
    resource_arn: str | None = None,
    policy_hash_condition: str | None = None,
    policy_exists_condition: str = "NONE",
    enable_hybrid: str = "FALSE",
) -> dict[str, Any]:
    """Set the catalog's policy; InvalidInputException for a text that is none, ConditionCheckFailureException.

    ``enable_hybrid`` says that access is granted across accounts in another way too; there is no other account here,
    so both values mean the same.
    """
    context = current()
    resource = _resource(context, resource_arn)
    _check(policy_in_json)
    must_exist = {"MUST_EXIST": True, "NOT_EXIST": False}.get(policy_exists_condition)
    with writing(context.engine) as connection:
        policy = context.catalog.policies.put_policy(
            connection, resource, policy_in_json, policy_hash_condition, must_exist
        )
    return {"PolicyHash": policy.hash}


def get_resource_policy(resource_arn: str | None = None) -> dict[str, Any]:
    """The catalog's policy; EntityNotFoundException."""
    context = current()
    with reading(context.engine) as connection:
        return _answer(context.catalog.policies.policy(connection, _resource(context, resource_arn)))


def get_resource_policies(next_token: str | None = None, max_results: int = 100) -> dict[str, Any]:
    """All resource policies: the catalog's, if it has one. There is never a second page."""
    context = current()
    if next_token is not None:
        raise InvalidInputException("The NextToken is not one that this request was given.")
    with reading(context.engine) as connection:
        found = context.catalog.policies.policies(connection)
    return {"GetResourcePoliciesResponseList": [_answer(policy) for policy in found[:max_results]]}


def delete_resource_policy(policy_hash_condition: str | None = None, resource_arn: str | None = None) -> None:
    """Remove the catalog's policy; EntityNotFoundException, ConditionCheckFailureException."""
    context = current()
    resource = _resource(context, resource_arn)
    with writing(context.engine) as connection:
        context.catalog.policies.delete_policy(connection, resource, policy_hash_condition)


def _resource(context: Context, resource_arn: str | None) -> str:
    own = arn(context, "catalog")
    if resource_arn is not None and in_region(resource_arn, context.region) != own:
        raise EntityNotFoundException(f"{resource_arn} takes no resource policy: the catalog, {own}, does.")
    return own


def _check(text: str) -> None:
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputException(f"The policy is no JSON: {error}.") from error
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise InvalidInputException("The policy has no Statement.")
    for statement in statements:
        lacking = {"Effect", "Principal", "Action", "Resource"} - (
            statement.keys() if isinstance(statement, dict) else set()
        )
        if lacking:
            raise InvalidInputException(f"A Statement of the policy lacks {', '.join(sorted(lacking))}.")
        if statement["Effect"] not in ("Allow", "Deny"):
            raise InvalidInputException("The Effect of a Statement is Allow or Deny.")


def _answer(policy: Policy) -> dict[str, Any]:
    return {
        "PolicyInJson": policy.text,
        "PolicyHash": policy.hash,
        "CreateTime": policy.created_at,
        "UpdateTime": policy.updated_at,
    }
