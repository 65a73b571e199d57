"""Table optimizers of Iceberg tables (AWS Glue Web API, Table optimizer API).

They run by themselves; nothing starts one by hand. The role and the VPC are recorded: a run reads and writes with the
workspace's own keys.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from lakelet.aws import paging
from lakelet.aws.context import Context, own_catalog
from lakelet.aws.services.glue._answers import error_detail
from lakelet.aws.services.glue._optimizers import KIND, answer, check_iceberg, run_answer, store
from lakelet.catalog.connections.store import ConnectionStore
from lakelet.catalog.model import Table
from lakelet.catalog.optimizers.model import check
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException, ServiceError
from lakelet.workspace.state import reading, writing

_PAGE = 100


def create_table_optimizer(
    catalog_id: str, database_name: str, table_name: str, type: str, table_optimizer_configuration: dict[str, Any]
) -> None:
    """Have a table optimized, from now on unless it is not enabled.

    EntityNotFoundException, AlreadyExistsException, InvalidInputException.
    """
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        _check(connection, table, type, table_optimizer_configuration)
        store.create(connection, table, type, table_optimizer_configuration)


def get_table_optimizer(catalog_id: str, database_name: str, table_name: str, type: str) -> dict[str, Any]:
    """An optimizer and its last run; EntityNotFoundException."""
    context = own_catalog(catalog_id)
    table, found = _found(context, database_name, table_name, type)
    return {**_place(context, table), "TableOptimizer": found}


def batch_get_table_optimizer(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Several optimizers; the answer's Failures name those that are not there."""
    optimizers, failures = [], []
    for entry in entries:
        named: dict[str, Any] = {
            member: entry[member] for member in ("catalogId", "databaseName", "tableName", "type") if member in entry
        }
        try:
            if missing := {"databaseName", "tableName", "type"} - entry.keys():
                raise InvalidInputException(f"An entry needs {', '.join(sorted(missing))}.")
            context = own_catalog(entry.get("catalogId"))
            _, found = _found(context, entry["databaseName"], entry["tableName"], entry["type"])
            optimizers.append({**named, "tableOptimizer": found})
        except ServiceError as error:
            failures.append({**named, "error": error_detail(error)})
    return {"TableOptimizers": optimizers, "Failures": failures}


def update_table_optimizer(
    catalog_id: str, database_name: str, table_name: str, type: str, table_optimizer_configuration: dict[str, Any]
) -> None:
    """Replace an optimizer's configuration; EntityNotFoundException, InvalidInputException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        store.get(connection, table, type)
        _check(connection, table, type, table_optimizer_configuration)
        store.update(connection, table, type, table_optimizer_configuration)


def delete_table_optimizer(catalog_id: str, database_name: str, table_name: str, type: str) -> None:
    """Forget an optimizer, and the table with it no more; a run that is under way ends. EntityNotFoundException."""
    context = own_catalog(catalog_id)
    with writing(context.engine) as connection:
        store.delete(connection, context.catalog.resolved(connection, database_name, table_name), type)


def list_table_optimizer_runs(
    catalog_id: str,
    database_name: str,
    table_name: str,
    type: str,
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    """The runs of an optimizer, the newest first, a page at a time; EntityNotFoundException, InvalidInputException."""
    context = own_catalog(catalog_id)
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database_name, table_name)
        one = store.get(connection, table, type)
    if max_results is not None and max_results < 1:
        raise InvalidInputException(f"MaxResults is {max_results}, but the least is 1.")
    request, limit = ("ListTableOptimizerRuns", one.title), min(max_results or _PAGE, _PAGE)
    runs = context.jobs.runs(KIND, one.title, before=paging.position(next_token, *request), limit=limit + 1)
    page, more = paging.split_page(runs, limit)
    token = {"NextToken": paging.next_token(str(context.jobs.ordinal(page[-1].id)), *request)} if more else {}
    return {**_place(context, table), "TableOptimizerRuns": [run_answer(context, run) for run in page], **token}


def _found(context: Context, database: str, name: str, kind: str) -> tuple[Table, dict[str, Any]]:
    with reading(context.engine) as connection:
        table = context.catalog.resolved(connection, database, name)
        one = store.get(connection, table, kind)
    return table, answer(context, one)


def _place(context: Context, table: Table) -> dict[str, str]:
    return {"CatalogId": context.account_id, "DatabaseName": table.database, "TableName": table.name}


def _check(connection: sa.Connection, table: Table, kind: str, configuration: dict[str, Any]) -> None:
    check_iceberg(table)
    check(kind, configuration, table.location)
    if (name := (configuration.get("vpcConfiguration") or {}).get("glueConnectionName")) is None:
        return
    try:
        ConnectionStore().get(connection, name)
    except EntityNotFoundException as error:
        raise InvalidInputException(str(error)) from None
