"""Tables and partitions for engines that filter by themselves, and what they are to leave (AWS Glue Web API,
GetUnfilteredTableMetadata and its like).

IAM's actions for these are GetTable, GetPartition and GetPartitions.
"""

from __future__ import annotations

import uuid
from typing import Any

from lakelet.aws.context import Context, own_catalog
from lakelet.aws.services.glue._answers import partition_answers, table_answer
from lakelet.aws.services.glue._members import audited, check_region
from lakelet.aws.services.glue._partitions import PAGE, page_of
from lakelet.aws.services.glue._unfiltered import Shown, Views, shown
from lakelet.catalog.model import Partition, Table
from lakelet.workspace.errors import InvalidInputException
from lakelet.workspace.state import reading


def get_unfiltered_table_metadata(
    catalog_id: str,
    database_name: str,
    name: str,
    supported_permission_types: list[str],
    region: str | None = None,
    audit_context: dict[str, Any] | None = None,
    parent_resource_arn: str | None = None,
    root_resource_arn: str | None = None,
    supported_dialect: dict[str, str] | None = None,
    permissions: list[str] | None = None,
    query_session_context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A table, and the columns and cells of it that the caller may be shown.

    EntityNotFoundException, AccessDeniedException, PermissionTypeMismatchException; InvalidInputException for an
    unknown region, views that do not lead to the table, and a dialect that a view has not.
    """
    context = _own(catalog_id, region)
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, name)
    context.settle(table.database, table.name)
    views = Views(parent_resource_arn, root_resource_arn)
    found = shown(context, table, supported_permission_types, views, permissions or ())
    query = (query_session_context or {}).get("QueryAuthorizationId") or str(uuid.uuid4())
    answer: dict[str, Any] = {
        "Table": table_answer(context, table, found.registered),
        "AuthorizedColumns": list(found.columns),
        "IsRegisteredWithLakeFormation": found.registered.covers(table.location),
        "CellFilters": _cells(found),
        "QueryAuthorizationId": query,
        "Permissions": list(found.permissions),
        **_view(table, supported_dialect),
    }
    if found.row_filter is not None:
        answer["RowFilter"] = found.row_filter
    if parent_resource_arn is not None:
        answer["ResourceArn"] = parent_resource_arn
    session = {**(query_session_context or {}), "QueryAuthorizationId": query}
    resource = f"{database_name}.{name}"
    audited("GetUnfilteredTableMetadata", resource, AuditContext=audit_context, QuerySessionContext=session)
    return answer


def get_unfiltered_partition_metadata(
    catalog_id: str,
    database_name: str,
    table_name: str,
    partition_values: list[str],
    supported_permission_types: list[str],
    region: str | None = None,
    audit_context: dict[str, Any] | None = None,
    query_session_context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One partition, and the columns that the caller may be shown of it.

    EntityNotFoundException, AccessDeniedException, PermissionTypeMismatchException, InvalidInputException.
    """
    context = _own(catalog_id, region)
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        partition = context.catalog.partition(connection, table, partition_values)
    context.settle(table.database, table.name)
    found = shown(context, table, supported_permission_types)
    contexts = {"AuditContext": audit_context, "QuerySessionContext": query_session_context}
    audited("GetUnfilteredPartitionMetadata", f"{database_name}.{table_name}", **contexts)
    return _answer(context, table, partition, found)


def get_unfiltered_partitions_metadata(
    catalog_id: str,
    database_name: str,
    table_name: str,
    supported_permission_types: list[str],
    region: str | None = None,
    expression: str | None = None,
    audit_context: dict[str, Any] | None = None,
    next_token: str | None = None,
    segment: dict[str, int] | None = None,
    max_results: int = PAGE,
    query_session_context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The partitions that satisfy the expression, each as :func:`get_unfiltered_partition_metadata` has it, a page at a
    time; raises the same."""
    context = _own(catalog_id, region)
    operation, place = "GetUnfilteredPartitionsMetadata", (database_name, table_name)
    table, partitions, token = page_of(context, operation, place, expression, next_token, segment, max_results)
    found = shown(context, table, supported_permission_types)
    contexts = {"AuditContext": audit_context, "QuerySessionContext": query_session_context}
    audited(operation, f"{database_name}.{table_name}", **contexts)
    return {"UnfilteredPartitions": [_answer(context, table, one, found) for one in partitions], **token}


def _own(catalog_id: str, region: str | None) -> Context:
    context = own_catalog(catalog_id)
    check_region(context, region)
    return context


def _answer(context: Context, table: Table, partition: Partition, found: Shown) -> dict[str, Any]:
    location = (partition.definition.get("StorageDescriptor") or {}).get("Location") or table.location
    return {
        "Partition": partition_answers(context, table, [partition])[0],
        "AuthorizedColumns": list(found.columns),
        "IsRegisteredWithLakeFormation": found.registered.covers(location),
    }


def _cells(found: Shown) -> list[dict[str, str]]:
    """Glue's ColumnRowFilters of the columns: none where every row shows all of them."""
    if not found.filtered:
        return []
    return [{"ColumnName": name, "RowFilterExpression": found.cells[name] or "TRUE"} for name in found.columns]


def _view(table: Table, supported: dict[str, str] | None) -> dict[str, Any]:
    """What is said of a view; raises InvalidInputException when the engine's dialect of it is not there, or stale."""
    definition = table.definition.get("ViewDefinition")
    if not definition:
        return {"IsMultiDialectView": False}
    wanted = (supported or {}).get("Dialect")
    usable = [one.get("Dialect") for one in definition.get("Representations") or () if not one.get("IsStale")]
    if wanted is not None and wanted not in usable:
        raise InvalidInputException(f"View {table.database}.{table.name} has no dialect {wanted} that is up to date.")
    return {"IsMultiDialectView": True, "IsProtected": bool(definition.get("IsProtected"))}
