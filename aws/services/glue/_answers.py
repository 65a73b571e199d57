"""What the catalog holds, as the structures of Glue's answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws.context import Context
from aws.protocol.values import Written
from catalog.model import Database, Partition, Table
from identity.keys import account_arn
from workspace.errors import LakeletError, ServiceError

# What a database gives on the tables made in it when it does not say so itself: as IAM allows, to everybody.
_PERMISSIONS = {
    "CreateTableDefaultPermissions": [
        {"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}
    ]
}


def arn(context: Context, kind: str, *names: str) -> str:
    """The ARN of one of Glue's resources: ``arn("table", "d", "t")``, ``arn("job", "j")``."""
    region = context.workspace.settings.text("region")
    return f"arn:aws:glue:{region}:{context.account_id}:" + "/".join((kind, *names))


def database_answer(context: Context, database: Database) -> dict[str, Any]:
    """Glue's Database."""
    return (
        _PERMISSIONS
        | {**database.definition, "Name": database.name, "CreateTime": database.created_at}
        | _catalog(context)
    )


def table_answer(context: Context, table: Table) -> dict[str, Any]:
    """Glue's Table."""
    answer = {
        "Retention": 0,
        **table.definition,
        "Name": table.name,
        "DatabaseName": table.database,
        "CreateTime": table.created_at,
        "UpdateTime": table.updated_at,
        "CreatedBy": account_arn(context.workspace),
        "IsRegisteredWithLakeFormation": False,
        "VersionId": str(table.version),
    } | _catalog(context)
    if "ViewDefinition" in table.definition:
        answer["IsMultiDialectView"] = True
    return answer


def partition_answer(context: Context, table: Table, partition: Partition, *, schema: bool = True) -> dict[str, Any]:
    """Glue's Partition; without ``schema`` its storage descriptor has no columns (ExcludeColumnSchema)."""
    answer: dict[str, Any] = {
        **partition.definition,
        "Values": list(partition.values),
        "DatabaseName": table.database,
        "TableName": table.name,
        "CreationTime": partition.created_at,
    } | _catalog(context)
    if descriptor := answer.get("StorageDescriptor"):
        # Thousands of these make an answer, and nothing in them is written otherwise than it was read.
        left = descriptor if schema else {name: item for name, item in descriptor.items() if name != "Columns"}
        answer["StorageDescriptor"] = Written(left)
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
