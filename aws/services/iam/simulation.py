"""What policies would decide, shown (IAM API Reference, SimulatePrincipalPolicy and SimulateCustomPolicy)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import Context, current
from lakelet.aws.services.iam._answers import PAGE, paged
from lakelet.identity import store
from lakelet.identity.conditions import variables_in
from lakelet.identity.documents import parse
from lakelet.identity.errors import InvalidInput, MalformedPolicyDocument, NoSuchEntity
from lakelet.identity.evaluator import Layer, Source, decide
from lakelet.identity.principals import Principal
from lakelet.identity.service import BOUNDARY, IDENTITY
from lakelet.workspace.state import reading

MAX_SIMULATED = 10_000  # actions times resources

Keys = dict[str, tuple[str, ...]]


def simulate_custom_policy(
    policy_input_list: list[str],
    action_names: list[str],
    permissions_boundary_policy_input_list: list[str] | None = None,
    resource_arns: list[str] | None = None,
    context_entries: list[dict[str, Any]] | None = None,
    max_items: int = PAGE,
    marker: str | None = None,
) -> dict[str, Any]:
    """What the policies that are sent would decide about each action on each resource; InvalidInput."""
    layers = [_sent(IDENTITY, policy_input_list, "PolicyInputList")]
    if permissions_boundary_policy_input_list:
        layers.append(_sent(BOUNDARY, permissions_boundary_policy_input_list, "PermissionsBoundaryPolicyInputList"))
    results = _results(layers, action_names, resource_arns or ["*"], _keys(context_entries))
    return paged("EvaluationResults", results, marker, max_items, policy_input_list, action_names, resource_arns)


def simulate_principal_policy(
    policy_source_arn: str,
    action_names: list[str],
    policy_input_list: list[str] | None = None,
    permissions_boundary_policy_input_list: list[str] | None = None,
    resource_arns: list[str] | None = None,
    context_entries: list[dict[str, Any]] | None = None,
    max_items: int = PAGE,
    marker: str | None = None,
) -> dict[str, Any]:
    """What a user's, group's or role's policies, and those sent besides, would decide; NoSuchEntity, InvalidInput."""
    context = current()
    with reading(context.engine) as connection:
        entity = _entity(context, connection, policy_source_arn)
        own, *bounds = context.identity.entity_layers(connection, entity)
    keys = _keys(context_entries)
    if entity.kind != "group":
        keys = {**context.identity.context(_principal(context, entity)), **keys}
    sent = _sent(IDENTITY, policy_input_list or [], "PolicyInputList")
    layers = [Layer(IDENTITY, (*own.sources, *sent.sources)), *bounds]
    if permissions_boundary_policy_input_list:
        boundary = _sent(BOUNDARY, permissions_boundary_policy_input_list, "PermissionsBoundaryPolicyInputList")
        layers = [layers[0], boundary]
    results = _results(layers, action_names, resource_arns or ["*"], keys)
    return paged("EvaluationResults", results, marker, max_items, policy_source_arn, action_names, resource_arns)


def _principal(context: Context, entity: store.Entity) -> Principal:
    if entity.kind == "user":
        return context.identity.user(entity)
    return context.identity.role_session(entity, "simulation")


def _entity(context: Context, connection: sa.Connection, arn: str) -> store.Entity:
    kind = arn.split(":", 5)[-1].partition("/")[0]
    kinds: dict[str, store.Kind] = {"user": "user", "group": "group", "role": "role"}
    name = arn.rpartition("/")[2]
    found = store.find(connection, kinds[kind], name) if kind in kinds and name else None
    if found is None or found.arn(context.account_id) != arn:
        raise NoSuchEntity(f"The entity {arn[:300]} cannot be found: it must be a user, a group or a role.")
    return found


def _sent(layer: str, documents: Sequence[str], member: str) -> Layer:
    sources = []
    for number, document in enumerate(documents, 1):
        try:
            sources.append(Source(f"{member}.{number}", parse(document), "none"))
        except MalformedPolicyDocument as error:
            raise InvalidInput(f"Invalid policy {member}.{number}: {error}") from error
    return Layer(layer, tuple(sources))


def _keys(entries: list[dict[str, Any]] | None) -> Keys:
    found: Keys = {}
    for entry in entries or ():
        name, values = entry.get("ContextKeyName"), entry.get("ContextKeyValues") or []
        if not name:
            raise InvalidInput("A context entry has no ContextKeyName.")
        found[name.lower()] = tuple(values)
    return found


def _results(layers: Sequence[Layer], actions: Sequence[str], resources: Sequence[str], keys: Keys) -> list[Any]:
    if len(actions) * len(resources) > MAX_SIMULATED:
        raise InvalidInput(f"At most {MAX_SIMULATED} actions times resources are simulated at once.")
    missing = _missing(layers, keys)
    return [_result(layers, action, resource, keys, missing) for action in actions for resource in resources]


def _result(layers: Sequence[Layer], action: str, resource: str, keys: Keys, missing: list[str]) -> dict[str, Any]:
    if ":" not in action:
        raise InvalidInput(f"Invalid Action: {action[:100]} has no service prefix, as in glue:GetTable.")
    decision = decide(layers, action, resource, keys)
    statements = [{"SourcePolicyId": one.source.id, "SourcePolicyType": one.source.kind} for one in decision.matched]
    unique = [one for place, one in enumerate(statements) if one not in statements[:place]]
    answer: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision.verdict,
        "MatchedStatements": [{**one, "SourcePolicyType": _KINDS[one["SourcePolicyType"]]} for one in unique],
        "MissingContextValues": missing,
    }
    if any(layer.name == BOUNDARY for layer in layers):
        allowed = decide([layer for layer in layers if layer.name == BOUNDARY], action, resource, keys).allowed
        answer["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
    return answer


_KINDS = {"IAM Policy": "user-managed", "user": "user", "group": "group", "role": "role", "none": "none"}


def _missing(layers: Sequence[Layer], keys: Keys) -> list[str]:
    """The condition keys and variables that the policies look at and the request does not have."""
    wanted: list[str] = []
    for layer in layers:
        for source in layer.sources:
            for statement in source.policy.statements:
                wanted += [condition.key for condition in statement.conditions]
                if source.policy.variables:
                    wanted += variables_in((*(statement.resources or ()), *(statement.not_resources or ())))
    return sorted({name for name in wanted if name.lower() not in keys})
