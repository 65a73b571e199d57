"""Encryption settings, security configurations and the import of old (AWS Glue Web API, Security and Catalog APIs).

Settings are kept and given back; nothing here encrypts (see :mod:`lakelet.catalog.policies.store`).
"""

from __future__ import annotations

from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import current, own_catalog
from lakelet.catalog.policies.store import ENCRYPTION, SecurityConfiguration
from lakelet.workspace.errors import NotImplementedException
from lakelet.workspace.state import reading, writing

_PAGE = 100
_DISABLED = {
    "EncryptionAtRest": {"CatalogEncryptionMode": "DISABLED"},
    "ConnectionPasswordEncryption": {"ReturnConnectionPasswordEncrypted": False},
}


def put_data_catalog_encryption_settings(
    data_catalog_encryption_settings: dict[str, Any], catalog_id: str | None = None
) -> None:
    """Keep the catalog's encryption settings; EntityNotFoundException for another catalog, NotImplementedException
    for an encryption at rest."""
    context = own_catalog(catalog_id)
    mode = data_catalog_encryption_settings.get("EncryptionAtRest", {}).get("CatalogEncryptionMode", "DISABLED")
    if mode != "DISABLED":
        raise NotImplementedException(
            f"CatalogEncryptionMode {mode} is not served: the catalog is not encrypted at rest. Use DISABLED."
        )
    with writing(context.engine) as connection:
        old = context.catalog.policies.setting(connection, ENCRYPTION)
        new = old | data_catalog_encryption_settings
        context.catalog.policies.put_setting(connection, ENCRYPTION, new)


def get_data_catalog_encryption_settings(catalog_id: str | None = None) -> dict[str, Any]:
    """The catalog's encryption settings: what was put, else DISABLED."""
    context = own_catalog(catalog_id)
    with reading(context.engine) as connection:
        found = context.catalog.policies.setting(connection, ENCRYPTION)
    return {"DataCatalogEncryptionSettings": _DISABLED | found}


def create_security_configuration(name: str, encryption_configuration: dict[str, Any]) -> dict[str, Any]:
    """Add a security configuration; AlreadyExistsException."""
    context = current()
    with writing(context.engine) as connection:
        made = context.catalog.policies.create_configuration(connection, name, encryption_configuration)
    return {"Name": made.name, "CreatedTimestamp": made.created_at}


def get_security_configuration(name: str) -> dict[str, Any]:
    """One security configuration; EntityNotFoundException."""
    context = current()
    with reading(context.engine) as connection:
        return {"SecurityConfiguration": _answer(context.catalog.policies.configuration(connection, name))}


def get_security_configurations(max_results: int = _PAGE, next_token: str | None = None) -> dict[str, Any]:
    """The security configurations in order of name, a page at a time."""
    context = current()
    after = paging.position(next_token, "GetSecurityConfigurations") or ""
    with reading(context.engine) as connection:
        found = context.catalog.policies.configurations(connection, after, max_results + 1)
    page, more = paging.split_page(found, max_results)
    answer: dict[str, Any] = {"SecurityConfigurations": [_answer(one) for one in page]}
    if more:
        answer["NextToken"] = paging.next_token(page[-1].name, "GetSecurityConfigurations")
    return answer


def delete_security_configuration(name: str) -> None:
    """Remove a security configuration; EntityNotFoundException."""
    context = current()
    with writing(context.engine) as connection:
        context.catalog.policies.delete_configuration(connection, name)


def get_catalog_import_status(catalog_id: str | None = None) -> dict[str, Any]:
    """Whether an Athena catalog was imported: there is none here to import, so that it is done."""
    own_catalog(catalog_id)
    return {"ImportStatus": {"ImportCompleted": True}}


def import_catalog_to_glue(catalog_id: str | None = None) -> None:
    """Import the Athena catalog of old: there is none here, so nothing happens."""
    own_catalog(catalog_id)


def _answer(configuration: SecurityConfiguration) -> dict[str, Any]:
    return {
        "Name": configuration.name,
        "CreatedTimeStamp": configuration.created_at,
        "EncryptionConfiguration": configuration.body,
    }
