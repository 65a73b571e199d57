"""The types of connection that are served (AWS Glue Web API, Connection Type API)."""

from __future__ import annotations

from typing import Any

from aws import paging
from catalog.connections.kinds import KINDS, Kind, Property
from workspace.errors import EntityNotFoundException

_PAGE = 50


def list_connection_types(max_results: int = _PAGE, next_token: str | None = None) -> dict[str, Any]:
    """The types of connection, by name."""
    after = paging.position(next_token, "ListConnectionTypes") or ""
    found = [kind for name, kind in sorted(KINDS.items()) if name > after]
    shown, more = paging.split_page(found[: max_results + 1], max_results)
    answer: dict[str, Any] = {"ConnectionTypes": [_brief(kind) for kind in shown]}
    return answer | ({"NextToken": paging.next_token(shown[-1].name, "ListConnectionTypes")} if more else {})


def describe_connection_type(connection_type: str) -> dict[str, Any]:
    """A type's properties; EntityNotFoundException for one that is not served."""
    kind = KINDS.get(connection_type)
    if kind is None:
        raise EntityNotFoundException(f"Connections of type {connection_type} are not served: {', '.join(KINDS)} are.")
    return {
        "ConnectionType": kind.name,
        "Description": kind.description,
        "Capabilities": _capabilities(kind),
        "ConnectionProperties": {one.name: _property(one) for one in kind.properties},
    }


def _brief(kind: Kind) -> dict[str, Any]:
    return {
        "ConnectionType": kind.name,
        "DisplayName": kind.title,
        "Description": kind.description,
        "Capabilities": _capabilities(kind),
    }


def _capabilities(kind: Kind) -> dict[str, Any]:
    return {
        "SupportedAuthenticationTypes": ["BASIC"] if any(one.secret for one in kind.properties) else [],
        "SupportedDataOperations": list(kind.operations),
        "SupportedComputeEnvironments": ["SPARK"] if kind.operations else [],
    }


def _property(one: Property) -> dict[str, Any]:
    allowed = {"AllowedValues": [{"Value": value} for value in one.values]} if one.values else {}
    return {
        "Name": one.name,
        "Description": one.description,
        "Required": one.required,
        "PropertyTypes": ["SECRET_OR_USER_INPUT" if one.secret else "USER_INPUT"],
        **allowed,
    }
