"""What an engine of its own is to show of a table: decided from the grants, for whoever asks, or for the definer of the
view through which the table is reached.

AWS Lake Formation Developer Guide, "Application integration". How grants amount to columns and rows is
:mod:`lakelet.catalog.grants.effective`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from lakelet.aws.context import Context, caller
from lakelet.aws.regions import in_region
from lakelet.aws.services.glue._answers import arn
from lakelet.catalog.grants.effective import Access
from lakelet.catalog.grants.lake import Lake
from lakelet.catalog.grants.registered import Registered
from lakelet.catalog.model import Table
from lakelet.workspace.errors import (
    AccessDeniedException,
    EntityNotFoundException,
    InvalidInputException,
    PermissionTypeMismatchException,
)
from lakelet.workspace.state import writing

_CELLS = {"CELL_FILTER_PERMISSION", "NESTED_PERMISSION", "NESTED_CELL_PERMISSION"}
_PERMISSIONS = ("ALL", "SELECT", "ALTER", "DROP", "DELETE", "INSERT", "CREATE_DATABASE", "CREATE_TABLE",
                "DATA_LOCATION_ACCESS")  # fmt: skip


@dataclass(frozen=True)
class Views:
    """The ARNs of the view that names the table, and of the outermost one that somebody asks for."""

    parent: str | None = None
    root: str | None = None


@dataclass(frozen=True)
class Shown:
    """What is to be shown of a table: ``columns`` in its order, conditions in SQL, None where that is always."""

    columns: Sequence[str]
    row_filter: str | None
    cells: Mapping[str, str | None]
    permissions: Sequence[str]
    registered: Registered

    @property
    def filtered(self) -> bool:
        """Whether some rows or cells are not to be shown."""
        return self.row_filter is not None or any(self.cells.values())


def shown(
    context: Context,
    table: Table,
    supported: Collection[str],
    views: Views | None = None,
    needed: Collection[str] = (),
) -> Shown:
    """What the caller is shown of a table; the account's root user is shown everything.

    Raises AccessDeniedException when that is nothing or ``needed`` is not granted, PermissionTypeMismatchException when
    rows are filtered and the engine supports no such thing, InvalidInputException or EntityNotFoundException for views.
    """
    lake = Lake(context.catalog, context.account_id)
    with writing(context.engine) as connection:
        principals = _principals(context, connection, lake, table, views or Views())
        facts, registered = lake.facts(connection, table), Registered.of(connection)
        if principals is None:
            return Shown(facts.columns, None, dict.fromkeys(facts.columns), ("ALL",), registered)
        access = lake.access(connection, principals, table.database, table.name)
    if not access.columns or not set(needed) - {"ALL"} <= access.permissions:
        raise _denied(table.database, table.name)
    cells = {column: access.visible([column]) for column in access.columns}
    found = Shown(access.columns, access.row_filter, cells, _permissions(access), registered)
    if found.filtered and not _CELLS & set(supported):
        raise PermissionTypeMismatchException(
            f"Rows of table {table.database}.{table.name} are filtered, which needs CELL_FILTER_PERMISSION."
        )
    return found


def _permissions(access: Access) -> Sequence[str]:
    return [one for one in _PERMISSIONS if one in access.permissions]


def _principals(
    context: Context, connection: sa.Connection, lake: Lake, table: Table, views: Views
) -> Collection[str] | None:
    """The ARNs whose grants count; None for the account's root user."""
    who = caller()
    mine = None if who.of_root else {who.arn, who.entity_arn}
    if views.parent is None:
        if views.root is not None:
            raise InvalidInputException("RootResourceArn goes with ParentResourceArn, the view that names the table.")
        return mine
    parent, root = (_view(context, connection, one) for one in (views.parent, views.root or views.parent))
    if mine is not None and "SELECT" not in lake.access(connection, mine, root.database, root.name).permissions:
        raise _denied(root.database, root.name)
    if parent.id not in {one.id for one in _below(context, connection, root)}:
        raise InvalidInputException(f"View {root.database}.{root.name} is not made of {parent.database}.{parent.name}.")
    if arn(context, "table", table.database, table.name) not in _parts(context, parent):
        raise InvalidInputException(
            f"View {parent.database}.{parent.name} is not made of {table.database}.{table.name}."
        )
    definer = parent.definition["ViewDefinition"].get("Definer")
    return mine if not definer or mine is None else {definer}


def _below(context: Context, connection: sa.Connection, root: Table) -> Iterator[Table]:
    """A view and the views that it is made of, each once."""
    waiting, met = [root], {root.id}
    while waiting:
        view = waiting.pop()
        yield view
        for part in _parts(context, view):
            try:
                found = _view(context, connection, part)
            except (EntityNotFoundException, InvalidInputException):
                continue  # a table, or one that is gone
            if found.id not in met:
                met.add(found.id)
                waiting.append(found)


def _view(context: Context, connection: sa.Connection, text: str) -> Table:
    text, prefix = in_region(text.lower(), context.region), arn(context, "table", "")
    database, slash, name = text.removeprefix(prefix).partition("/")
    if not text.startswith(prefix) or not slash:
        raise InvalidInputException(f"{text} is not the ARN of a table of this account.")
    view = context.catalog.table(connection, database, name)
    if not view.definition.get("ViewDefinition"):
        raise InvalidInputException(f"{database}.{name} is no view with a ViewDefinition.")
    return view


def _parts(context: Context, view: Table) -> Sequence[str]:
    return [
        in_region(str(one).lower(), context.region) for one in view.definition["ViewDefinition"].get("SubObjects") or ()
    ]


def _denied(database: str, name: str) -> AccessDeniedException:
    return AccessDeniedException(
        f"Insufficient Lake Formation permission(s) on {database}.{name}: grant {caller().arn} what it asks for."
    )
