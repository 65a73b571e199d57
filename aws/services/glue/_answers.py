"""What the catalog holds, as the structures of Glue's answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lakelet.aws.context import Context, request_region
from lakelet.aws.links import allowed
from lakelet.aws.protocol.values import Written
from lakelet.aws.regions import in_region
from lakelet.catalog.grants.registered import Registered
from lakelet.catalog.model import Database, Definition, Partition, Table
from lakelet.catalog.registry.columns import with_columns
from lakelet.catalog.registry.store import RegistryStore
from lakelet.identity.keys import account_arn
from lakelet.workspace.errors import EntityNotFoundException, LakeletError, ServiceError
from lakelet.workspace.state import reading

# What a database gives on the tables made in it when it does not say so itself: as IAM allows, to everybody.
_PERMISSIONS = {
    "CreateTableDefaultPermissions": [
        {"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}
    ]
}


def arn(context: Context, kind: str, *names: str) -> str:
    """The ARN by which one of Glue's resources is kept: ``arn("table", "d", "t")``, ``arn("job", "j")``.

    It is in the workspace's own region; answers have :func:`requested_arn`.
    """
    return f"arn:aws:glue:{context.region}:{context.account_id}:" + "/".join((kind, *names))


def requested_arn(context: Context, kind: str, *names: str) -> str:
    """The ARN of a resource in the region that the request asks."""
    return in_region(arn(context, kind, *names), request_region())


def database_answer(context: Context, database: Database) -> dict[str, Any]:
    """Glue's Database."""
    return (
        _PERMISSIONS
        | {**database.definition, "Name": database.name, "CreateTime": database.created_at}
        | _catalog(context)
    )


def table_answer(context: Context, table: Table, registered: Registered) -> dict[str, Any]:
    """Glue's Table; its columns are the schema registry's when it refers to a schema and has none itself."""
    answer = {
        "Retention": 0,
        **_with_columns(context, table.definition),
        "Name": table.name,
        "DatabaseName": table.database,
        "CreateTime": table.created_at,
        "UpdateTime": table.updated_at,
        "CreatedBy": account_arn(context.workspace),
        "IsRegisteredWithLakeFormation": registered.covers(table.location),
        "VersionId": str(table.version),
    } | _catalog(context)
    if descriptor := answer.get("StorageDescriptor"):
        answer["StorageDescriptor"] = Written(descriptor)
    if "ViewDefinition" in table.definition:
        answer["IsMultiDialectView"] = True
    return answer


def followed_table_answer(context: Context, link: Table, registered: Registered) -> dict[str, Any]:
    """Glue's Table of a resource link: its own names, and the properties of its target.

    Raises EntityNotFoundException, AccessDeniedException.

    Any other table is answered as it is.
    """
    if not link.definition.get("TargetTable"):
        return table_answer(context, link, registered)
    with reading(context.engine) as connection:
        target = context.catalog.resolved(connection, link.database, link.name)
    allowed(context, "GetTable", target)
    context.settle(target.database, target.name)
    own = {"Name": link.name, "DatabaseName": link.database, "TargetTable": link.definition["TargetTable"]}
    return table_answer(context, target, registered) | own


def followed_database_answer(context: Context, link: Database) -> dict[str, Any]:
    """Glue's Database of a resource link: its own name, and the properties of its target, if that is there."""
    target = (link.definition.get("TargetDatabase") or {}).get("DatabaseName")
    if not target:
        return database_answer(context, link)
    try:
        found = context.catalog.get_database(target)
    except EntityNotFoundException:
        return database_answer(context, link)
    return database_answer(context, found) | {"Name": link.name, "TargetDatabase": link.definition["TargetDatabase"]}


def _with_columns(context: Context, definition: Definition) -> Definition:
    if "SchemaReference" not in (definition.get("StorageDescriptor") or ()):
        return definition
    with reading(context.engine) as connection:
        return with_columns(connection, RegistryStore(context.engine), definition)


def partition_answers(
    context: Context, table: Table, partitions: Iterable[Partition], *, schema: bool = True
) -> list[dict[str, Any]]:
    """Glue's Partitions; without ``schema`` their storage descriptors have no columns (ExcludeColumnSchema)."""
    same = {"DatabaseName": table.database, "TableName": table.name} | _catalog(context)
    return [_partition_answer(context, same, one, schema) for one in partitions]


def _partition_answer(context: Context, same: Mapping[str, str], partition: Partition, schema: bool) -> dict[str, Any]:
    # There may be thousands, and nothing in them is written otherwise than it was read.
    answer = Written(_with_columns(context, partition.definition))
    answer.update(same)
    answer["Values"] = partition.values
    answer["CreationTime"] = partition.created_at
    if not schema and (descriptor := answer.get("StorageDescriptor")):
        answer["StorageDescriptor"] = {name: item for name, item in descriptor.items() if name != "Columns"}
    return answer


def error_detail(error: Exception) -> dict[str, str]:
    """Glue's ErrorDetail."""
    code = error.code if isinstance(error, ServiceError) else LakeletError.__name__
    return {"ErrorCode": code, "ErrorMessage": str(error)}


def partition_error(values: Sequence[str], error: Exception) -> dict[str, Any]:
    """Glue's PartitionError."""
    return {"PartitionValues": list(values), "ErrorDetail": error_detail(error)}


def _catalog(context: Context) -> dict[str, str]:
    return {"CatalogId": context.account_id}
