"""Connections of the Data Catalog (AWS Glue Web API, Connection API)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import Context, own_catalog
from lakelet.aws.services.glue._answers import arn, error_detail
from lakelet.catalog.connections import mongodb
from lakelet.catalog.connections.jdbc import connected
from lakelet.catalog.connections.model import SCHEMA_VERSION, Connection, check, without_passwords
from lakelet.catalog.connections.store import ConnectionStore
from lakelet.catalog.policies.store import ENCRYPTION
from lakelet.identity.keys import account_arn
from lakelet.workspace.errors import (
    EntityNotFoundException,
    GlueEncryptionException,
    InvalidInputException,
    NotImplementedException,
)
from lakelet.workspace.state import reading, writing

_PAGE = 100
_connections = ConnectionStore()


def create_connection(
    connection_input: dict[str, Any], catalog_id: str | None = None, tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """Keep a connection, tried first if ValidateCredentials says so; AlreadyExistsException, InvalidInputException."""
    context = own_catalog(catalog_id)
    kept = _checked(connection_input)
    with writing(context.engine) as connection:
        _connections.create(connection, kept)
        context.catalog.tags.put(connection, arn(context, "connection", kept["Name"]), tags)
    return {"CreateConnectionStatus": "READY"}


def get_connection(
    name: str,
    catalog_id: str | None = None,
    hide_password: bool = False,
    apply_override_for_compute_environment: str | None = None,
) -> dict[str, Any]:
    """One connection, with its password unless that is hidden, and its properties as a compute environment has them
    when one is named; EntityNotFoundException, GlueEncryptionException."""
    context = own_catalog(catalog_id)
    with reading(context.engine) as connection:
        found = _connections.get(connection, name)
        encrypted = _encrypted(context, connection)
    found = found.seen_from(apply_override_for_compute_environment)
    return {"Connection": _answer(context, found, hide_password, encrypted)}


def get_connections(
    catalog_id: str | None = None,
    filter: dict[str, Any] | None = None,
    hide_password: bool = False,
    next_token: str | None = None,
    max_results: int = _PAGE,
) -> dict[str, Any]:
    """The connections by name, those that the Filter lets through; GlueEncryptionException."""
    context = own_catalog(catalog_id)
    wanted = filter or {}
    after = paging.position(next_token, "GetConnections", wanted) or ""
    with reading(context.engine) as connection:
        found = [one for one in _connections.all(connection, after) if _wanted(one, wanted)]
        encrypted = _encrypted(context, connection)
    page, more = paging.split_page(found, max_results)
    answer: dict[str, Any] = {"ConnectionList": [_answer(context, one, hide_password, encrypted) for one in page]}
    if more:
        answer["NextToken"] = paging.next_token(page[-1].name, "GetConnections", wanted)
    return answer


def update_connection(name: str, connection_input: dict[str, Any], catalog_id: str | None = None) -> None:
    """Replace a connection; EntityNotFoundException, InvalidInputException."""
    context = own_catalog(catalog_id)
    with reading(context.engine) as connection:
        _connections.get(connection, name)
    kept = _checked(connection_input)
    with writing(context.engine) as connection:
        _connections.update(connection, name, kept)


def delete_connection(connection_name: str, catalog_id: str | None = None) -> None:
    """Remove a connection; EntityNotFoundException."""
    _delete(own_catalog(catalog_id), connection_name)


def batch_delete_connection(connection_name_list: Sequence[str], catalog_id: str | None = None) -> dict[str, Any]:
    """Remove connections: those that went, and why the others did not."""
    context = own_catalog(catalog_id)
    gone: list[str] = []
    errors: dict[str, Any] = {}
    for name in dict.fromkeys(connection_name_list):
        try:
            _delete(context, name)
            gone.append(name)
        except EntityNotFoundException as error:
            errors[name] = error_detail(error)
    return {"Succeeded": gone, "Errors": errors}


def test_connection(
    connection_name: str | None = None,
    catalog_id: str | None = None,
    test_connection_input: dict[str, Any] | None = None,
) -> None:
    """Connect to the database of a JDBC or a MONGODB connection and leave again.

    EntityNotFoundException; InvalidInputException with what the database said when it cannot be reached.
    """
    context = own_catalog(catalog_id)
    if (connection_name is None) == (test_connection_input is None):
        raise InvalidInputException("TestConnection takes either a ConnectionName or a TestConnectionInput.")
    if test_connection_input is not None:
        check(test_connection_input)
        _try("The connection", test_connection_input)
        return
    with reading(context.engine) as connection:
        found = _connections.get(connection, str(connection_name))
    _try(f"The connection {found.name}", found.definition)
    with writing(context.engine) as connection:
        _connections.validated(connection, found)


def _checked(connection_input: dict[str, Any]) -> dict[str, Any]:
    check(connection_input)
    if connection_input.get("ValidateCredentials"):
        _try(f"The connection {connection_input['Name']}", connection_input)
    return {member: value for member, value in connection_input.items() if member != "ValidateCredentials"}


def _try(what: str, definition: Any) -> None:
    kind, properties = definition["ConnectionType"], definition["ConnectionProperties"]
    if kind == "MONGODB":
        with mongodb.connected(mongodb.Address.of(properties), f"{what} cannot be used") as client:
            client.admin.command("ping")
        return
    if kind != "JDBC":
        raise NotImplementedException(f"{what} is of type {kind}, which cannot be tried here: JDBC and MONGODB can.")
    with connected(properties, what=what) as opened, opened.cursor() as cursor:
        cursor.execute("SELECT 1")


def _delete(context: Context, name: str) -> None:
    with writing(context.engine) as connection:
        _connections.delete(connection, name)
        context.catalog.tags.forget(connection, arn(context, "connection", name))


def _wanted(found: Connection, wanted: dict[str, Any]) -> bool:
    return (
        wanted.get("ConnectionType", found.kind) == found.kind
        and wanted.get("ConnectionSchemaVersion", SCHEMA_VERSION) == SCHEMA_VERSION
        and set(wanted.get("MatchCriteria", ())) <= set(found.definition.get("MatchCriteria", ()))
    )


def _encrypted(context: Context, connection: Any) -> bool:
    """Whether passwords are to be given back encrypted only (PutDataCatalogEncryptionSettings)."""
    settings = context.catalog.policies.setting(connection, ENCRYPTION).get("ConnectionPasswordEncryption") or {}
    return bool(settings.get("ReturnConnectionPasswordEncrypted"))


def _answer(context: Context, found: Connection, hide_password: bool, encrypted: bool) -> dict[str, Any]:
    if encrypted and not hide_password and found.has_password:
        raise GlueEncryptionException(
            f"The password of connection {found.name} may only be given back encrypted, and there is no key service "
            "here: ask with HidePassword, or set ReturnConnectionPasswordEncrypted to false."
        )
    answer = {
        **(without_passwords(found) if hide_password else found.definition),
        "CreationTime": found.created_at,
        "LastUpdatedTime": found.updated_at,
        "LastUpdatedBy": account_arn(context.workspace),
        "Status": "READY",
        "ConnectionSchemaVersion": SCHEMA_VERSION,
    }
    if found.validated_at is not None:
        answer["LastConnectionValidationTime"] = found.validated_at
    return answer
