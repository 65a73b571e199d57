"""SAML providers: whose responses AssumeRoleWithSAML believes (IAM API Reference)."""

from __future__ import annotations

from typing import Any

from lakelet.aws.context import current
from lakelet.aws.services.iam._answers import PAGE, read_tags
from lakelet.aws.services.iam._providers import get, listed_tags, tag, tags_of, untag
from lakelet.identity.federation import saml, store
from lakelet.identity.federation.store import Kind
from lakelet.workspace.state import reading, writing

KIND: Kind = "saml-provider"


def create_saml_provider(
    saml_metadata_document: str, name: str, tags: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Add a provider by its metadata; InvalidInput (what cannot be read), EntityAlreadyExists, LimitExceeded."""
    context = current()
    saml.read_metadata(saml_metadata_document)
    body = {"metadata": saml_metadata_document, "tags": read_tags(tags or [])}
    with writing(context.engine) as connection:
        provider = store.create(connection, KIND, name, body)
    return {"SAMLProviderArn": provider.arn(context.account_id), "Tags": tags_of(provider)}


def get_saml_provider(saml_provider_arn: str) -> dict[str, Any]:
    """A provider with its metadata; NoSuchEntity."""
    with reading(current().engine) as connection:
        provider = get(connection, KIND, saml_provider_arn)
    document = provider.body["metadata"]
    return {
        "SAMLProviderUUID": provider.id.ljust(22, "A"),
        "SAMLMetadataDocument": document,
        "CreateDate": provider.created_at,
        "ValidUntil": saml.read_metadata(document).valid_until,
        "Tags": tags_of(provider),
    }


def list_saml_providers() -> dict[str, Any]:
    """All providers."""
    context = current()
    with reading(context.engine) as connection:
        found = store.listed(connection, KIND)
    return {
        "SAMLProviderList": [
            {
                "Arn": one.arn(context.account_id),
                "ValidUntil": saml.read_metadata(one.body["metadata"]).valid_until,
                "CreateDate": one.created_at,
            }
            for one in found
        ]
    }


def update_saml_provider(saml_provider_arn: str, saml_metadata_document: str) -> dict[str, Any]:
    """Give a provider other metadata, new certificates say; NoSuchEntity, InvalidInput."""
    saml.read_metadata(saml_metadata_document)
    with writing(current().engine) as connection:
        store.change(connection, get(connection, KIND, saml_provider_arn), metadata=saml_metadata_document)
    return {"SAMLProviderArn": saml_provider_arn}


def delete_saml_provider(saml_provider_arn: str) -> None:
    """Delete a provider; roles that trust it let nobody in by it any more. NoSuchEntity."""
    with writing(current().engine) as connection:
        store.delete(connection, get(connection, KIND, saml_provider_arn))


def tag_saml_provider(saml_provider_arn: str, tags: list[dict[str, str]]) -> None:
    """Set tags; NoSuchEntity, InvalidInput, LimitExceeded."""
    tag(KIND, saml_provider_arn, tags)


def untag_saml_provider(saml_provider_arn: str, tag_keys: list[str]) -> None:
    """Take tags away; NoSuchEntity."""
    untag(KIND, saml_provider_arn, tag_keys)


def list_saml_provider_tags(saml_provider_arn: str, marker: str | None = None, max_items: int = PAGE) -> dict[str, Any]:
    """The tags; NoSuchEntity."""
    return listed_tags(KIND, saml_provider_arn, marker, max_items)
