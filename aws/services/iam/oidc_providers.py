"""OpenID Connect providers: whose tokens AssumeRoleWithWebIdentity believes (IAM API Reference).

A provider's keys are fetched when a token needs them, so that it need not be up when it is registered. Thumbprints are
kept and answered, and decide nothing: over https the machine's own certificate authorities do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakelet.aws.context import current
from lakelet.aws.services.iam._answers import PAGE, read_tags
from lakelet.aws.services.iam._providers import get, listed_tags, tag, tags_of, untag
from lakelet.identity.errors import InvalidInput, LimitExceeded
from lakelet.identity.federation import oidc, store
from lakelet.identity.federation.store import Kind
from lakelet.workspace.state import reading, writing

KIND: Kind = "oidc-provider"
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
        provider = store.create(connection, KIND, oidc.name_of(url), body)
    return {"OpenIDConnectProviderArn": provider.arn(context.account_id), "Tags": tags_of(provider)}


def get_open_id_connect_provider(open_id_connect_provider_arn: str) -> dict[str, Any]:
    """A provider; NoSuchEntity."""
    with reading(current().engine) as connection:
        provider = get(connection, KIND, open_id_connect_provider_arn)
    return {
        "Url": provider.name,
        "ClientIDList": provider.body["client_ids"],
        "ThumbprintList": provider.body["thumbprints"],
        "CreateDate": provider.created_at,
        "Tags": tags_of(provider),
    }


def list_open_id_connect_providers() -> dict[str, Any]:
    """The ARNs of all providers."""
    context = current()
    with reading(context.engine) as connection:
        found = store.listed(connection, KIND)
    return {"OpenIDConnectProviderList": [{"Arn": one.arn(context.account_id)} for one in found]}


def delete_open_id_connect_provider(open_id_connect_provider_arn: str) -> None:
    """Delete a provider; roles that trust it let nobody in by it any more. NoSuchEntity."""
    with writing(current().engine) as connection:
        store.delete(connection, get(connection, KIND, open_id_connect_provider_arn))


def add_client_id_to_open_id_connect_provider(open_id_connect_provider_arn: str, client_id: str) -> None:
    """Believe tokens for one more audience; NoSuchEntity, LimitExceeded."""
    with writing(current().engine) as connection:
        provider = get(connection, KIND, open_id_connect_provider_arn)
        store.change(connection, provider, client_ids=_clients([*provider.body["client_ids"], client_id]))


def remove_client_id_from_open_id_connect_provider(open_id_connect_provider_arn: str, client_id: str) -> None:
    """Believe tokens for one audience less, if it was one; NoSuchEntity."""
    with writing(current().engine) as connection:
        provider = get(connection, KIND, open_id_connect_provider_arn)
        kept = [one for one in provider.body["client_ids"] if one != client_id]
        store.change(connection, provider, client_ids=kept)


def update_open_id_connect_provider_thumbprint(open_id_connect_provider_arn: str, thumbprint_list: list[str]) -> None:
    """Set the thumbprints; NoSuchEntity, InvalidInput."""
    found = _thumbprints(thumbprint_list)
    with writing(current().engine) as connection:
        store.change(connection, get(connection, KIND, open_id_connect_provider_arn), thumbprints=found)


def tag_open_id_connect_provider(open_id_connect_provider_arn: str, tags: list[dict[str, str]]) -> None:
    """Set tags; NoSuchEntity, InvalidInput, LimitExceeded."""
    tag(KIND, open_id_connect_provider_arn, tags)


def untag_open_id_connect_provider(open_id_connect_provider_arn: str, tag_keys: list[str]) -> None:
    """Take tags away; NoSuchEntity."""
    untag(KIND, open_id_connect_provider_arn, tag_keys)


def list_open_id_connect_provider_tags(
    open_id_connect_provider_arn: str, marker: str | None = None, max_items: int = PAGE
) -> dict[str, Any]:
    """The tags; NoSuchEntity."""
    return listed_tags(KIND, open_id_connect_provider_arn, marker, max_items)


def _clients(client_ids: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(client_ids))
    if len(found) > MAX_CLIENTS:
        raise LimitExceeded(f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MAX_CLIENTS}")
    return found


def _thumbprints(thumbprints: Sequence[str]) -> list[str]:
    if len(thumbprints) > MAX_THUMBPRINTS:
        raise InvalidInput(f"Thumbprint list must contain fewer than {MAX_THUMBPRINTS + 1} entries.")
    return list(thumbprints)
