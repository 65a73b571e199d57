"""The types of connection that are served, and those that were registered (AWS Glue Web API, Connection Type API).

A registered type says how a REST source is asked. It is kept and told of; nothing here asks such sources, so that no
connection of it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import current
from lakelet.aws.services.glue._answers import arn, requested_arn
from lakelet.catalog.connections.kinds import KINDS, Kind, Property
from lakelet.catalog.connections.store import ConnectionTypeStore
from lakelet.catalog.model import Definition
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading, writing

_PAGE = 50
_PREFIX = "REST-"
_ARN = "connectionType"
_registered = ConnectionTypeStore()


def list_connection_types(max_results: int = _PAGE, next_token: str | None = None) -> dict[str, Any]:
    """The types of connection, by name."""
    after = paging.position(next_token, "ListConnectionTypes") or ""
    context = current()
    with reading(context.engine) as connection:
        found = [_brief(kind) for kind in KINDS.values()] + [_own_brief(body) for body in _registered.all(connection)]
    found = sorted((one for one in found if one["ConnectionType"] > after), key=lambda one: str(one["ConnectionType"]))
    shown, more = paging.split_page(found[: max_results + 1], max_results)
    answer: dict[str, Any] = {"ConnectionTypes": list(shown)}
    if more:
        answer["NextToken"] = paging.next_token(shown[-1]["ConnectionType"], "ListConnectionTypes")
    return answer


def describe_connection_type(connection_type: str) -> dict[str, Any]:
    """A type's properties; EntityNotFoundException for one that is neither served nor registered."""
    kind = KINDS.get(connection_type)
    if kind is not None:
        return {
            "ConnectionType": kind.name,
            "Description": kind.description,
            "Capabilities": _capabilities(kind),
            "ConnectionProperties": {one.name: _property(one) for one in kind.properties},
        }
    context = current()
    with reading(context.engine) as connection:
        body = _registered.get(connection, connection_type)
    brief = {member: value for member, value in _own_brief(body).items() if member != "DisplayName"}
    properties = {name: _own_property(one) for name, one in _given(body["ConnectionProperties"])}
    return brief | {"ConnectionProperties": properties, "RestConfiguration": body["RestConfiguration"]}


def register_connection_type(
    connection_type: str,
    integration_type: str,
    connection_properties: dict[str, Any],
    connector_authentication_configuration: dict[str, Any],
    rest_configuration: dict[str, Any],
    description: str | None = None,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Keep a type, whose name begins with ``REST-``; InvalidInputException for another name, or one that is taken."""
    if not connection_type.removeprefix(_PREFIX) or not connection_type.startswith(_PREFIX):
        raise InvalidInputException(
            f"{connection_type} is no name of a REST-based connection type: begin with {_PREFIX}."
        )
    context = current()
    body = {
        "ConnectionType": connection_type, "IntegrationType": integration_type, "Description": description or "",
        "ConnectionProperties": connection_properties, "RestConfiguration": rest_configuration,
        "ConnectorAuthenticationConfiguration": connector_authentication_configuration,
    }  # fmt: skip
    with writing(context.engine) as connection:
        _registered.register(connection, body)
        context.catalog.tags.put(connection, arn(context, _ARN, connection_type), tags)
    return {"ConnectionTypeArn": requested_arn(context, _ARN, connection_type)}


def delete_connection_type(connection_type: str) -> None:
    """Forget a type that was registered; EntityNotFoundException, InvalidInputException for one of AWS's own."""
    if connection_type in KINDS:
        raise InvalidInputException(f"Connection type {connection_type} was not registered: it stays.")
    context = current()
    with writing(context.engine) as connection:
        _registered.delete(connection, connection_type)
        context.catalog.tags.forget(connection, arn(context, _ARN, connection_type))


def _given(properties: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The properties of a registered type, each with the name that it has in a connection."""
    url = properties.get("Url")
    for one in (*([url] if url else []), *(properties.get("AdditionalRequestParameters") or ())):
        yield one["Name"], one


def _own_brief(body: Definition) -> dict[str, Any]:
    kinds = body["ConnectorAuthenticationConfiguration"]["AuthenticationTypes"]
    name = body["ConnectionType"]
    return {
        "ConnectionType": name,
        "DisplayName": name.removeprefix(_PREFIX),
        "Description": body["Description"],
        "Capabilities": {
            "SupportedAuthenticationTypes": list(kinds),
            "SupportedDataOperations": [],
            "SupportedComputeEnvironments": [],
        },
    }


def _own_property(one: Mapping[str, Any]) -> dict[str, Any]:
    same = ("Name", "Required", "KeyOverride", "DefaultValue", "PropertyLocation")
    told = {member: one[member] for member in same if member in one}
    if values := one.get("AllowedValues"):
        told["AllowedValues"] = [{"Value": value} for value in values]
    return told | {"Description": "", "PropertyTypes": [one["PropertyType"]]}


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
