"""Policy documents: read strictly into statements.

Source: AWS IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy element reference". What
the grammar does not have (an unknown element, a key twice, a value of another type) is MalformedPolicyDocument,
whose sentences are AWS's where they are known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from lakelet.identity.conditions import OPERATORS, Condition
from lakelet.identity.errors import MalformedPolicyDocument

Kind = Literal["identity", "trust", "resource"]
VERSIONS = ("2012-10-17", "2008-10-17")
MAX_DOCUMENT = 131_072  # characters, the models' limit
_ELEMENTS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
}  # fmt: skip
_PRINCIPALS = ("AWS", "Service", "Federated", "CanonicalUser")
_ACTION = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?_.-]+")
_RESOURCE = re.compile(r"\*|arn:[^:]*:[^:]+:[^:]*:[^:]*:.+|arn:\*|arn:aws:\*", re.DOTALL)
_ACCOUNT = re.compile(r"\d{12}")
_STS_ACTIONS = ("assumerole", "assumerolewithsaml", "assumerolewithwebidentity", "tagsession", "setsourceidentity", "*")


@dataclass(frozen=True)
class Statement:
    """One statement. Of each pair (actions, resources, principals) the one that was not written is None."""

    sid: str
    allows: bool
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    principals: tuple[tuple[str, str], ...] | None
    not_principals: tuple[tuple[str, str], ...] | None
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Policy:
    """A document's statements; ``variables`` tells whether its version has policy variables."""

    statements: tuple[Statement, ...]
    variables: bool


@lru_cache(maxsize=1024)
def parse(text: str, kind: Kind = "identity") -> Policy:
    """Read a policy document; raises MalformedPolicyDocument.

    ``kind`` says what it is for: an ``identity`` policy (or session policy, or boundary) has resources and no
    principals, a ``trust`` policy the reverse, a ``resource`` policy both.
    """
    if len(text) > MAX_DOCUMENT:
        raise MalformedPolicyDocument(f"The policy is longer than {MAX_DOCUMENT} characters.")
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedPolicyDocument(f"Syntax errors in policy: {str(error)[:200]}.") from None
    if not isinstance(document, dict):
        raise MalformedPolicyDocument("Syntax errors in policy: the document is no JSON object.")
    _only(document, {"Version", "Id", "Statement"}, "The policy")
    version = document.get("Version", VERSIONS[1])
    if version not in VERSIONS:
        raise MalformedPolicyDocument("Syntax errors in policy: Version must be 2012-10-17 or 2008-10-17.")
    if not isinstance(document.get("Id", ""), str):
        raise MalformedPolicyDocument("Syntax errors in policy: Id is no text.")
    listed = document.get("Statement")
    listed = [listed] if isinstance(listed, dict) else listed
    if not isinstance(listed, list) or not listed:
        raise MalformedPolicyDocument("Syntax errors in policy: Statement must hold at least one statement.")
    statements = tuple(_statement(one, kind) for one in listed)
    sids = [statement.sid for statement in statements if statement.sid]
    if len(sids) != len(set(sids)):
        raise MalformedPolicyDocument("Statement IDs (SID) in a single policy must be unique.")
    return Policy(statements, version == VERSIONS[0])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:100]!r} is there twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _only(value: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(value.keys() - known):
        raise MalformedPolicyDocument(f"Syntax errors in policy: {where} has no element {unknown[0][:100]!r}.")


def _statement(value: Any, kind: Kind) -> Statement:
    if not isinstance(value, dict):
        raise MalformedPolicyDocument("Syntax errors in policy: a statement is no JSON object.")
    _only(value, _ELEMENTS, "A statement")
    sid = value.get("Sid", "")
    if not isinstance(sid, str) or not re.fullmatch(r"[A-Za-z0-9]*" if kind != "resource" else r"[^\x00-\x1f]*", sid):
        raise MalformedPolicyDocument("Statement IDs (SID) must be alpha-numeric.")
    if value.get("Effect") not in ("Allow", "Deny"):
        raise MalformedPolicyDocument("Syntax errors in policy: Effect must be Allow or Deny.")
    for name in ("Action", "Resource", "Principal"):
        if name in value and f"Not{name}" in value:
            raise MalformedPolicyDocument(f"Syntax errors in policy: a statement has {name} and Not{name}.")
    actions, not_actions = _actions(value, "Action", kind), _actions(value, "NotAction", kind)
    if actions is None and not_actions is None:
        raise MalformedPolicyDocument("Policy statement must contain actions.")
    resources, not_resources = _resources(value, "Resource"), _resources(value, "NotResource")
    principals, not_principals = _principals(value, "Principal"), _principals(value, "NotPrincipal")
    if kind == "identity" and (principals is not None or not_principals is not None):
        raise MalformedPolicyDocument("Policy document should not specify a principal.")
    if kind != "identity" and principals is None and not_principals is None:
        raise MalformedPolicyDocument("Policy statement must contain a principal: Missing required field Principal.")
    has_resources = resources is not None or not_resources is not None
    if kind == "trust" and has_resources:
        raise MalformedPolicyDocument("Has prohibited field Resource.")
    if kind != "trust" and not has_resources:
        raise MalformedPolicyDocument("Policy statement must contain resources.")
    allows = value["Effect"] == "Allow"
    if not_principals is not None and allows:
        raise MalformedPolicyDocument("Allow with NotPrincipal is not allowed.")
    conditions = _conditions(value.get("Condition", {}))
    return Statement(
        sid, allows, actions, not_actions, resources, not_resources, principals, not_principals, conditions
    )


def _texts(value: Any, where: str) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise MalformedPolicyDocument(f"Syntax errors in policy: {where} must be a text or a list of texts.")
    return tuple(listed)


def _actions(statement: Mapping[str, Any], name: str, kind: Kind) -> tuple[str, ...] | None:
    if name not in statement:
        return None
    found = _texts(statement[name], name)
    if not found:
        raise MalformedPolicyDocument("Policy statement must contain actions.")
    for action in found:
        if not _ACTION.fullmatch(action):
            raise MalformedPolicyDocument(
                f"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: {action[:100]!r}."
            )
        service, _, operation = action.lower().rpartition(":")
        if kind == "trust" and (service != "sts" or operation not in _STS_ACTIONS):
            raise MalformedPolicyDocument("AssumeRole policy may only specify STS AssumeRole actions.")
    return found


def _resources(statement: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    if name not in statement:
        return None
    found = _texts(statement[name], name)
    if not found:
        raise MalformedPolicyDocument("Policy statement must contain resources.")
    for resource in found:
        if not _RESOURCE.fullmatch(resource):
            raise MalformedPolicyDocument(f'Resource {resource[:200]} must be in ARN format or "*".')
    return found


def _principals(statement: Mapping[str, Any], name: str) -> tuple[tuple[str, str], ...] | None:
    value = statement.get(name)
    if value is None and name not in statement:
        return None
    if value == "*":
        return (("AWS", "*"),)
    if not isinstance(value, dict) or not value:
        raise MalformedPolicyDocument(f'Syntax errors in policy: {name} must be "*" or an object.')
    _only(value, set(_PRINCIPALS), name)
    found = [(kind, one) for kind, listed in value.items() for one in _texts(listed, f"{name}.{kind}")]
    for kind, one in found:
        known = one == "*" or _ACCOUNT.fullmatch(one) or re.fullmatch(r"arn:aws:(iam|sts)::\d{12}:.+", one)
        if kind == "AWS" and not known:
            raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{one[:200]}".')
    if not found:
        raise MalformedPolicyDocument("Policy statement must contain a principal.")
    return tuple(found)


def _conditions(value: Any) -> tuple[Condition, ...]:
    if not isinstance(value, dict):
        raise MalformedPolicyDocument("Syntax errors in policy: Condition is no object.")
    found = []
    for operator, keys in value.items():
        quantifier, _, name = operator.rpartition(":")
        if_exists = name.endswith("IfExists") and name != "NullIfExists"
        base = name.removesuffix("IfExists") if if_exists else name
        if base not in OPERATORS or quantifier not in ("", "ForAnyValue", "ForAllValues"):
            raise MalformedPolicyDocument(f"Syntax errors in policy: Invalid Condition type: {operator[:100]}.")
        if not isinstance(keys, dict):
            raise MalformedPolicyDocument(f"Syntax errors in policy: the condition {operator} is no object.")
        for key, values in keys.items():
            if not re.fullmatch(r"[^\s:]+:\S(.*\S)?", key):
                raise MalformedPolicyDocument(
                    f"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: {key[:100]!r}."
                )
            listed = tuple(_scalar(one, key) for one in (values if isinstance(values, list) else [values]))
            found.append(Condition(quantifier, base, if_exists, key, listed))
    return tuple(found)


def _scalar(value: Any, key: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise MalformedPolicyDocument(f"Syntax errors in policy: a value of the condition key {key[:100]} is no text.")
