"""OpenID Connect providers: whose tokens AssumeRoleWithWebIdentity believes (IAM API Reference).

A provider's keys are fetched when a token needs them, so that it need not be up when it is registered. Thumbprints are
kept and answered, and decide nothing: over https the machine's own certificate authorities do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from aws.context import current
from aws.services.iam._answers import PAGE, paged, read_tags
from identity.errors import InvalidInput, LimitExceeded
from identity.federation import oidc, store
from identity.federation.store import Provider
from workspace.state import reading, writing

MAX_CLIENTS = 100
MAX_THUMBPRINTS = 5


def create_open_id_connect_provider(
    url: str,
    client_id_list: list[str] | None = None,
    thumbprint_list: list[str] | None = None,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Add a provider by URL: https, or http on 127.0.0.1; InvalidInput, EntityAlreadyExists, LimitExceeded."""
    context = current()
    if not oidc.may_issue(url):
        raise InvalidInput(
            f"Invalid Open ID Connect Provider URL {url[:200]}: it is https://…, or http:// on 127.0.0.1 or localhost."
        )
    found = read_tags(tags or [])
    body = {
        "url": url,
        "client_ids": _clients(client_id_list or []),
        "thumbprints": _thumbprints(thumbprint_list or []),
        "tags": found,
    }
    with writing(context.engine) as connection:
        provider = store.create(connection, "oidc-provider", oidc.name_of(url), body)
    return {"OpenIDConnectProviderArn": provider.arn(context.account_id), "Tags": _tags(provider)}


def get_open_id_connect_provider(open_id_connect_provider_arn: str) -> dict[str, Any]:
    """A provider; NoSuchEntity."""
    with reading(current().engine) as connection:
        provider = _get(connection, open_id_connect_provider_arn)
    return {
        "Url": provider.name,
        "ClientIDList": provider.body["client_ids"],
        "ThumbprintList": provider.body["thumbprints"],
        "CreateDate": provider.created_at,
        "Tags": _tags(provider),
    }


def list_open_id_connect_providers() -> dict[str, Any]:
    """The ARNs of all providers."""
    context = current()
    with reading(context.engine) as connection:
        found = store.listed(connection, "oidc-provider")
    return {"OpenIDConnectProviderList": [{"Arn": one.arn(context.account_id)} for one in found]}


def delete_open_id_connect_provider(open_id_connect_provider_arn: str) -> None:
    """Delete a provider; roles that trust it let nobody in by it any more. NoSuchEntity."""
    with writing(current().engine) as connection:
        store.delete(connection, _get(connection, open_id_connect_provider_arn))


def add_client_id_to_open_id_connect_provider(open_id_connect_provider_arn: str, client_id: str) -> None:
    """Believe tokens for one more audience; NoSuchEntity, LimitExceeded."""
    with writing(current().engine) as connection:
        provider = _get(connection, open_id_connect_provider_arn)
        store.change(connection, provider, client_ids=_clients([*provider.body["client_ids"], client_id]))


def remove_client_id_from_open_id_connect_provider(open_id_connect_provider_arn: str, client_id: str) -> None:
    """Believe tokens for one audience less, if it was one; NoSuchEntity."""
    with writing(current().engine) as connection:
        provider = _get(connection, open_id_connect_provider_arn)
        kept = [one for one in provider.body["client_ids"] if one != client_id]
        store.change(connection, provider, client_ids=kept)


def update_open_id_connect_provider_thumbprint(open_id_connect_provider_arn: str, thumbprint_list: list[str]) -> None:
    """Set the thumbprints; NoSuchEntity, InvalidInput."""
    found = _thumbprints(thumbprint_list)
    with writing(current().engine) as connection:
        store.change(connection, _get(connection, open_id_connect_provider_arn), thumbprints=found)


def tag_open_id_connect_provider(open_id_connect_provider_arn: str, tags: list[dict[str, str]]) -> None:
    """Set tags; NoSuchEntity, InvalidInput, LimitExceeded."""
    with writing(current().engine) as connection:
        provider = _get(connection, open_id_connect_provider_arn)
        store.change(connection, provider, tags=read_tags(tags, provider.body["tags"]))


def untag_open_id_connect_provider(open_id_connect_provider_arn: str, tag_keys: list[str]) -> None:
    """Take tags away; NoSuchEntity."""
    gone = {key.lower() for key in tag_keys}
    with writing(current().engine) as connection:
        provider = _get(connection, open_id_connect_provider_arn)
        kept = {key: value for key, value in provider.body["tags"].items() if key.lower() not in gone}
        store.change(connection, provider, tags=kept)


def list_open_id_connect_provider_tags(
    open_id_connect_provider_arn: str, marker: str | None = None, max_items: int = PAGE
) -> dict[str, Any]:
    """The tags; NoSuchEntity."""
    with reading(current().engine) as connection:
        provider = _get(connection, open_id_connect_provider_arn)
    return paged("Tags", _tags(provider), marker, max_items, provider.id)


def _get(connection: sa.Connection, arn: str) -> Provider:
    return store.get(connection, "oidc-provider", arn, current().account_id)


def _tags(provider: Provider) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in provider.body["tags"].items()]


def _clients(client_ids: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(client_ids))
    if len(found) > MAX_CLIENTS:
        raise LimitExceeded(f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MAX_CLIENTS}")
    return found


def _thumbprints(thumbprints: Sequence[str]) -> list[str]:
    if len(thumbprints) > MAX_THUMBPRINTS:
        raise InvalidInput(f"Thumbprint list must contain fewer than {MAX_THUMBPRINTS + 1} entries.")
    return list(thumbprints)
