"""Resource links and permissions: who reaches a database or table through a link needs the permission on its target too
(AWS Lake Formation Developer Guide, "Resource link handling in AWS Glue APIs").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from lakelet.aws.context import Context, caller, request_keys, request_region
from lakelet.catalog.model import Table
from lakelet.workspace.errors import EntityNotFoundException
from lakelet.workspace.state import reading

# What is about the link itself, and not about where it leads.
_OF_LINKS = {"DeleteDatabase", "DeleteTable", "BatchDeleteTable", "TagResource", "UntagResource", "GetTags"}


def with_targets(context: Context, operation: str, arns: Sequence[str]) -> list[str]:
    """The ARNs that a Glue request is about, and those of the targets of the resource links among them."""
    if operation in _OF_LINKS:
        return list(arns)
    with reading(context.engine) as connection:
        found = [target for arn in arns for target in _targets(context, connection, arn)]
    return list(dict.fromkeys([*arns, *found]))


def allowed(context: Context, operation: str, table: Table) -> None:
    """Whether the caller may do an operation of Glue on a table that a link led to; raises AccessDeniedException."""
    if (principal := caller()).kind != "root":
        arns = [_arn(context, one) for one in _below(table.database, table.name)]
        context.identity.authorise(principal, f"glue:{operation}", arns, request_keys())


def _targets(context: Context, connection: sa.Connection, arn: str) -> Iterator[str]:
    kind, _, name = arn.split(":", 5)[-1].partition("/") if arn.startswith("arn:") else ("", "", "")
    database, _, table = name.partition("/")
    if kind not in ("database", "table") or not database or database == "*":
        return
    try:
        place = context.catalog.place(connection, database)
    except EntityNotFoundException:
        return  # the operation will say so
    if place != database:
        yield _arn(context, f"{kind}/{place}" + (f"/{table}" if table else ""))
    found = context.catalog.find_table(connection, database, table) if table and table != "*" else None
    if found is not None and (target := found.definition.get("TargetTable")):
        yield from (_arn(context, one) for one in _below(target["DatabaseName"].lower(), target["Name"].lower()))


def _below(database: str, table: str) -> tuple[str, ...]:
    return "catalog", f"database/{database}", f"table/{database}/{table}"


def _arn(context: Context, resource: str) -> str:
    return f"arn:aws:glue:{request_region()}:{context.account_id}:{resource}"
