"""Metadata of schema versions: pairs of key and value (AWS Glue Web API, Schema registry)."""

from __future__ import annotations

from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import current
from lakelet.aws.services.glue._registry import arns, store_of, timestamp, version_of
from lakelet.catalog.registry.model import Metadata, Version
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading, writing

_PAGE = 10  # QuerySchemaVersionMetadata's default; its most is 50


def put_schema_version_metadata(
    metadata_key_value: dict[str, str],
    schema_id: dict[str, str] | None = None,
    schema_version_number: dict[str, Any] | None = None,
    schema_version_id: str | None = None,
) -> dict[str, Any]:
    """Add a pair; AlreadyExistsException, EntityNotFoundException, ResourceNumberLimitExceededException.

    A key may have several values: the newest is its value, the others are listed with it.
    """
    context, pair = current(), _pair(metadata_key_value)
    with writing(context.engine) as connection:
        version = version_of(connection, schema_id, schema_version_id, schema_version_number)
        store_of(context).put_metadata(connection, version, *pair)
    return _answer(version, *pair)


def remove_schema_version_metadata(
    metadata_key_value: dict[str, str],
    schema_id: dict[str, str] | None = None,
    schema_version_number: dict[str, Any] | None = None,
    schema_version_id: str | None = None,
) -> dict[str, Any]:
    """Take a pair away; EntityNotFoundException."""
    context, pair = current(), _pair(metadata_key_value)
    with writing(context.engine) as connection:
        version = version_of(connection, schema_id, schema_version_id, schema_version_number)
        store_of(context).remove_metadata(connection, version, *pair)
    return _answer(version, *pair)


def query_schema_version_metadata(
    schema_id: dict[str, str] | None = None,
    schema_version_number: dict[str, Any] | None = None,
    schema_version_id: str | None = None,
    metadata_list: list[dict[str, str]] | None = None,
    max_results: int = _PAGE,
    next_token: str | None = None,
) -> dict[str, Any]:
    """A version's metadata by key: those of the given keys and values, or all; EntityNotFoundException."""
    context = current()
    with reading(context.engine) as connection:
        version = version_of(connection, schema_id, schema_version_id, schema_version_number)
        pairs = store_of(context).metadata(connection, version)
    request = ("QuerySchemaVersionMetadata", version.id, metadata_list)
    after = paging.position(next_token, *request) or ""
    keys: dict[str, list[Metadata]] = {}
    for pair in pairs:
        if pair.key > after and (not metadata_list or any(_wanted(pair, one) for one in metadata_list)):
            keys.setdefault(pair.key, []).append(pair)
    page, more = paging.split_page(sorted(keys)[: max_results + 1], max_results)
    answer: dict[str, Any] = {
        "MetadataInfoMap": {key: _information(keys[key]) for key in page},
        "SchemaVersionId": version.id,
    }
    if more:
        answer["NextToken"] = paging.next_token(page[-1], *request)
    return answer


def _wanted(pair: Metadata, one: dict[str, str]) -> bool:
    return one.get("MetadataKey", pair.key) == pair.key and one.get("MetadataValue", pair.value) == pair.value


def _information(values: list[Metadata]) -> dict[str, Any]:
    newest, *others = values
    answer: dict[str, Any] = {"MetadataValue": newest.value, "CreatedTime": timestamp(newest.created_at)}
    if others:
        answer["OtherMetadataValueList"] = [
            {"MetadataValue": other.value, "CreatedTime": timestamp(other.created_at)} for other in others
        ]
    return answer


def _pair(metadata_key_value: dict[str, str]) -> tuple[str, str]:
    key, value = metadata_key_value.get("MetadataKey"), metadata_key_value.get("MetadataValue")
    if key is None or value is None:
        raise InvalidInputException("Both metadataKey and metadataValue have to be provided.")
    return key, value


def _answer(version: Version, key: str, value: str) -> dict[str, Any]:
    schema = version.schema
    return {
        "SchemaArn": arns(current()).schema(schema.registry, schema.name),
        "SchemaName": schema.name,
        "RegistryName": schema.registry,
        "LatestVersion": version.number == schema.latest,
        "VersionNumber": version.number,
        "SchemaVersionId": version.id,
        "MetadataKey": key,
        "MetadataValue": value,
    }
