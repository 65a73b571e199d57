"""Versions of schemas: registered, compared, deleted (AWS Glue Web API, Schema registry)."""

from __future__ import annotations

import difflib
import json
from typing import Any

from lakelet.aws import paging
from lakelet.aws.context import current
from lakelet.aws.services.glue._registry import PAGE, arns, schema_of, store_of, timestamp, version_number, version_of
from lakelet.catalog.registry.compatibility import canonical
from lakelet.catalog.registry.errors import InvalidDefinition
from lakelet.catalog.registry.model import Version, schema_names
from lakelet.catalog.registry.register import register
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading, writing

_MOST_ERROR = 5000  # characters of CheckSchemaVersionValidity's Error


def register_schema_version(schema_id: dict[str, str], schema_definition: str) -> dict[str, Any]:
    """Add a version; an equal definition that is there already keeps its version.

    One that the schema's compatibility mode refuses is stored with the status FAILURE, as AWS does, and
    `lakelet logs control` tells why. EntityNotFoundException, InvalidInputException for a definition that is not
    valid or a DISABLED schema, ResourceNumberLimitExceededException, ConcurrentModificationException.
    """
    version = register(store_of(current()), *schema_names(schema_id), schema_definition)
    return {"SchemaVersionId": version.id, "VersionNumber": version.number, "Status": version.status}


def get_schema_version(
    schema_id: dict[str, str] | None = None,
    schema_version_id: str | None = None,
    schema_version_number: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One version, by its id or by schema and number; EntityNotFoundException, InvalidInputException."""
    context = current()
    with reading(context.engine) as connection:
        version = version_of(connection, schema_id, schema_version_id, schema_version_number)
    return {"SchemaDefinition": version.definition, "DataFormat": version.schema.data_format, **_item(version)}


def list_schema_versions(
    schema_id: dict[str, str], max_results: int = PAGE, next_token: str | None = None
) -> dict[str, Any]:
    """A schema's versions in order of number, a page at a time; EntityNotFoundException."""
    context = current()
    request = ("ListSchemaVersions", *schema_names(schema_id))
    after = int(paging.position(next_token, *request) or 0)
    with reading(context.engine) as connection:
        schema = schema_of(connection, schema_id)
        found = store_of(context).versions(connection, schema, after, max_results + 1)
    page, more = paging.split_page(found, max_results)
    answer: dict[str, Any] = {"Schemas": [_item(version) for version in page]}
    if more:
        answer["NextToken"] = paging.next_token(str(page[-1].number), *request)
    return answer


def delete_schema_versions(schema_id: dict[str, str], versions: str) -> dict[str, Any]:
    """Drop a version (``"3"``) or a range of them (``"2-4"``); those that were not there are in the answer's errors.

    The checkpoint and the first version cannot go: InvalidInputException. EntityNotFoundException.
    """
    first, _, last = versions.partition("-")
    if len(versions) > 40:
        raise InvalidInputException(f"{versions[:40]}… is no range of versions.")
    start, stop = int(first), int(last or first)
    if stop < start:
        raise InvalidInputException(f"{versions} is no range of versions: the first number is the larger one.")
    context = current()
    with writing(context.engine) as connection:
        schema = schema_of(connection, schema_id)
        missing = store_of(context).delete_versions(connection, schema, range(start, stop + 1))
    detail = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": "Schema version is not found."}
    return {"SchemaVersionErrors": [{"VersionNumber": number, "ErrorDetails": detail} for number in missing]}


def get_schema_versions_diff(
    schema_id: dict[str, str],
    first_schema_version_number: dict[str, Any],
    second_schema_version_number: dict[str, Any],
    schema_diff_type: str,
) -> dict[str, Any]:
    """How the second version's text differs from the first's, as a unified diff; EntityNotFoundException.

    JSON is laid out one member a line first, so that the difference shows. Equal versions have no difference.
    """
    context = current()
    with reading(context.engine) as connection:
        schema = schema_of(connection, schema_id)
        chosen = [
            store_of(context).version(connection, schema, version_number(number))
            for number in (first_schema_version_number, second_schema_version_number)
        ]
    (old, old_name), (new, new_name) = ((_lines(one), f"{schema.name} version {one.number}") for one in chosen)
    lines = list(difflib.unified_diff(old, new, old_name, new_name, lineterm=""))
    return {"Diff": "\n".join(lines)} if lines else {}


def check_schema_version_validity(data_format: str, schema_definition: str) -> dict[str, Any]:
    """Whether a definition is valid in its format, and if not, why."""
    try:
        canonical(data_format, schema_definition)
    except InvalidDefinition as error:
        return {"Valid": False, "Error": str(error)[:_MOST_ERROR]}
    return {"Valid": True}


def _lines(version: Version) -> list[str]:
    if version.schema.data_format == "PROTOBUF":
        return version.definition.splitlines()
    return json.dumps(json.loads(version.definition), indent=2, ensure_ascii=False).splitlines()


def _item(version: Version) -> dict[str, Any]:
    return {
        "SchemaArn": arns(current()).schema(version.schema.registry, version.schema.name),
        "SchemaVersionId": version.id,
        "VersionNumber": version.number,
        "Status": version.status,
        "CreatedTime": timestamp(version.created_at),
    }
