"""OpenTableFormatInput and UpdateOpenTableFormatInput: the metadata files of Iceberg tables, written before the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lakelet.aws.context import Context
from lakelet.catalog.iceberg import metadata as iceberg
from lakelet.catalog.model import Table
from lakelet.data.objects import s3_client
from lakelet.data.zones import split_uri
from lakelet.workspace.errors import InvalidInputException, ServiceUnavailableException


@contextmanager
def created(context: Context, table_input: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Write the first metadata file of a new table, and give the TableInput that points to it.

    When the block raises, the file is taken away. Raises InvalidInputException, ServiceUnavailableException.
    """
    wanted = given.get("IcebergInput")
    if not wanted:
        raise InvalidInputException("OpenTableFormatInput needs an IcebergInput.")
    if table_input.get("PartitionKeys"):
        raise InvalidInputException("An Iceberg table has no PartitionKeys: give a PartitionSpec.")
    descriptor = table_input.get("StorageDescriptor") or {}
    own = wanted.get("CreateIcebergTableInput") or {}
    location = own.get("Location") or descriptor.get("Location") or ""
    if not location.startswith("s3://"):
        raise InvalidInputException(
            f"An Iceberg table lies on S3: give a Location like s3://bucket/path, not {location!r}."
        )
    made = iceberg.new(location, descriptor.get("Columns") or (), own or None, wanted.get("Version", "2"))
    with _placed(context, iceberg.next_location(location), iceberg.written(made)) as place:
        yield _pointing(table_input, iceberg.definition(made, place))


@contextmanager
def updated(
    context: Context, table: Table, table_input: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """As :func:`created`, with the next metadata file of an Iceberg table that is there."""
    updates = ((given.get("UpdateIcebergInput") or {}).get("UpdateIcebergTableInput") or {}).get("Updates")
    if not updates:
        raise InvalidInputException("UpdateOpenTableFormatInput needs the Updates of an UpdateIcebergInput.")
    at = (table.definition.get("Parameters") or {}).get(iceberg.METADATA_LOCATION)
    if not iceberg.is_iceberg(table.definition) or not at:
        raise InvalidInputException(f"Table {table.name} is no Iceberg table.")
    bucket, key = split_uri(at)
    client = s3_client(context.workspace)
    content = _asked(lambda: client.get_object(Bucket=bucket, Key=key))["Body"].read()
    made = iceberg.changed(iceberg.read(content, at), updates, at)
    with _placed(context, iceberg.next_location(made.location, at), iceberg.written(made)) as place:
        yield _pointing({**table.definition, **table_input}, iceberg.definition(made, place, at), table.definition)


def _pointing(
    table_input: Mapping[str, Any], members: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    parameters = {**((before or {}).get("Parameters") or {}), **(table_input.get("Parameters") or {})}
    return {**table_input, **members, "Parameters": parameters | members["Parameters"]}


@contextmanager
def _placed(context: Context, location: str, content: bytes) -> Iterator[str]:
    client, (bucket, key) = s3_client(context.workspace), split_uri(location)
    _asked(lambda: client.put_object(Bucket=bucket, Key=key, Body=content))
    try:
        yield location
    except BaseException:
        with suppress(BotoCoreError, ClientError):
            client.delete_object(Bucket=bucket, Key=key)
        raise


def _asked(request: Callable[[], Any]) -> Any:
    """The object store's answer; what it refuses is the caller's to correct."""
    try:
        return request()
    except ClientError as error:
        message = error.response.get("Error", {}).get("Message") or str(error)
        raise InvalidInputException(f"The object store refuses the table's location: {message}") from error
    except BotoCoreError as error:
        raise ServiceUnavailableException(
            f"The object store does not answer ({error}): see `lakelet status`."
        ) from error
