"""The policy evaluator: whether what applies to a request allows it, and because of which statement.

Source: AWS IAM User Guide, "Policy evaluation logic". An explicit deny anywhere wins; else the identity's policies must
allow, and each of the permissions boundary and the session policies, where there are such, must allow as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lakelet.identity.conditions import Context, substitute
from lakelet.identity.documents import Policy, Statement
from lakelet.identity.patterns import matches, pattern
from lakelet.identity.principals import Principal

Verdict = Literal["allowed", "explicitDeny", "implicitDeny"]


@dataclass(frozen=True)
class Source:
    """A policy, and where it came from: an id that people know, and IAM's name of its kind."""

    id: str
    policy: Policy
    kind: str = "IAM Policy"


@dataclass(frozen=True)
class Layer:
    """Policies of which one must allow. ``name`` is the layer's in AWS's sentences: "identity-based policy"."""

    name: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Match:
    """A statement that applies to the request."""

    layer: str
    source: Source
    statement: Statement


@dataclass(frozen=True)
class Decision:
    """What came of it: the verdict, the layer that refused, and the statements that decided."""

    verdict: Verdict
    layer: str = ""
    matched: tuple[Match, ...] = field(default=())

    @property
    def allowed(self) -> bool:
        """Whether the request may go on."""
        return self.verdict == "allowed"


def decide(layers: Sequence[Layer], action: str, resource: str, context: Context) -> Decision:
    """Decide about one action (``glue:GetTable``) on one resource (an ARN or ``*``).

    ``layers`` holds the identity's policies, the boundary and the session's; with none, nothing is allowed.
    """
    by_layer = [
        [
            Match(layer.name, source, statement)
            for source in layer.sources
            for statement in applying(source.policy, action, resource, context)
        ]
        for layer in layers
    ]
    matched = tuple(match for found in by_layer for match in found)
    if denials := tuple(match for match in matched if not match.statement.allows):
        return Decision("explicitDeny", denials[0].layer, denials)
    for layer, found in zip(layers, by_layer, strict=True):
        if not found:
            return Decision("implicitDeny", layer.name)
    return Decision("allowed", "", matched) if layers else Decision("implicitDeny")


def applying(policy: Policy, action: str, resource: str, context: Context) -> Iterator[Statement]:
    """The statements of a policy that apply to an action on a resource, whatever their effect and principal."""
    for statement in policy.statements:
        if (
            _acts(statement, action)
            and _concerns(statement, resource, context, policy.variables)
            and all(condition.holds(context, policy.variables) for condition in statement.conditions)
        ):
            yield statement


def trusts(policy: Policy, action: str, principal: Principal, context: Context) -> tuple[Verdict, bool]:
    """What a role's trust policy says of a principal, and whether it names it itself.

    When it only names the account (False), the principal's own policies must allow the action too.
    """
    found = [
        (statement, how)
        for statement in applying(policy, action, "*", context)
        if (how := _named(statement, principal)) is not None
    ]
    if any(not statement.allows for statement, _ in found):
        return "explicitDeny", True
    if found:
        return "allowed", any(how == "itself" for _, how in found)
    return "implicitDeny", False


def trusts_provider(policy: Policy, action: str, provider: str, context: Context) -> bool:
    """Whether a role's trust policy lets in whom an identity provider (its ARN) vouches for, with these claims."""
    found = [one for one in applying(policy, action, "*", context) if _names_provider(one, provider)]
    return bool(found) and all(statement.allows for statement in found)


def _names_provider(statement: Statement, provider: str) -> bool:
    listed = statement.principals if statement.not_principals is None else statement.not_principals
    named = any((kind, value) in (("Federated", provider), ("AWS", "*")) for kind, value in listed or ())
    return named if statement.not_principals is None else not named


def _acts(statement: Statement, action: str) -> bool:
    if statement.actions is not None:
        return _any_action(statement.actions, action)
    return not _any_action(statement.not_actions or (), action)


def _any_action(patterns: Iterable[str], action: str) -> bool:
    return any(matches(pattern(one.lower()), action.lower()) for one in patterns)


def _concerns(statement: Statement, resource: str, context: Context, variables: bool) -> bool:
    if statement.resources is not None:
        resources = statement.resources
        if not statement.allows:
            resources = (*resources, *map(_in_every_region, resources))
        return _any_resource(resources, resource, context, variables)
    if statement.not_resources is not None:
        # A variable without a value matches nothing: what an Allow excepts would be open, so it does not apply then.
        if statement.allows and any(substitute(one, context, variables) is None for one in statement.not_resources):
            return False
        return not _any_resource(statement.not_resources, resource, context, variables)
    return True  # a trust policy is about the role that it belongs to


def _in_every_region(resource: str) -> str:
    """A resource of a Deny: the same thing is there in every region, so it is denied in every region."""
    parts = resource.split(":", 5)
    return ":".join((*parts[:3], "*", *parts[4:])) if len(parts) == 6 and parts[3] else resource


def _any_resource(patterns: Iterable[str], resource: str, context: Context, variables: bool) -> bool:
    found = (substitute(one, context, variables) for one in patterns)
    return any(tokens is not None and matches(tokens, resource) for tokens in found)


def _named(statement: Statement, principal: Principal) -> Literal["itself", "account"] | None:
    if statement.not_principals is not None:
        return None if _listed(statement.not_principals, principal) else "itself"
    return _listed(statement.principals or (), principal)


def _listed(principals: Iterable[tuple[str, str]], principal: Principal) -> Literal["itself", "account"] | None:
    """Whether the principal is among them: by its own ARN (a session also by its role's), or by its account."""
    account = (principal.account, f"arn:aws:iam::{principal.account}:root")
    own = {principal.arn, principal.entity_arn, "*"}
    values = [value for kind, value in principals if kind == "AWS"]
    if any(value in own and value not in account for value in values):
        return "itself"
    return "account" if any(value in account for value in values) else None
