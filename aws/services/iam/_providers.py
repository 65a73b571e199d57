"""What identity providers of either kind share: finding them by ARN, and their tags."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import current
from lakelet.aws.services.iam._answers import paged, read_tags
from lakelet.identity.federation import store
from lakelet.identity.federation.store import Kind, Provider
from lakelet.workspace.state import reading, writing


def get(connection: sa.Connection, kind: Kind, arn: str) -> Provider:
    """The provider with that ARN; NoSuchEntity."""
    return store.get(connection, kind, arn, current().account_id)


def tags_of(provider: Provider) -> list[dict[str, str]]:
    """A provider's tags as IAM shows them."""
    return [{"Key": key, "Value": value} for key, value in provider.body["tags"].items()]


def tag(kind: Kind, arn: str, tags: list[dict[str, str]]) -> None:
    """Set tags of a provider; NoSuchEntity, InvalidInput, LimitExceeded."""
    with writing(current().engine) as connection:
        provider = get(connection, kind, arn)
        store.change(connection, provider, tags=read_tags(tags, provider.body["tags"]))


def untag(kind: Kind, arn: str, tag_keys: list[str]) -> None:
    """Take tags of a provider away; NoSuchEntity."""
    gone = {key.lower() for key in tag_keys}
    with writing(current().engine) as connection:
        provider = get(connection, kind, arn)
        kept = {key: value for key, value in provider.body["tags"].items() if key.lower() not in gone}
        store.change(connection, provider, tags=kept)


def listed_tags(kind: Kind, arn: str, marker: str | None, max_items: int) -> dict[str, Any]:
    """A page of a provider's tags; NoSuchEntity."""
    with reading(current().engine) as connection:
        provider = get(connection, kind, arn)
    return paged("Tags", tags_of(provider), marker, max_items, provider.id)
