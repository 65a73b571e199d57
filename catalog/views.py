"""Views whose definition is there in several dialects: how one dialect is added, replaced and dropped.

AWS Glue Web API, UpdateTable (ViewUpdateAction, Force); Amazon Athena User Guide, "ALTER VIEW DIALECT". What a view
says must be the same in every dialect: its columns, and the tables that it is made of (SubObjects).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lakelet.catalog.model import Definition, Table
from lakelet.workspace.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException

ADD, DROP = "ADD", "DROP"

_Representation = Mapping[str, Any]


def changed_view(table: Table, given: Definition, action: str, *, force: bool = False) -> dict[str, Any]:
    """The TableInput of a view after ``action`` (ADD, REPLACE, ADD_OR_REPLACE, DROP) on the dialects that ``given``
    has; what it has not stays as it is, and nothing else of it counts for DROP.

    When the columns or the SubObjects become other ones, the dialects that stay are no longer about the view: this is
    InvalidInputException, and with ``force`` they are marked IsStale. Raises AlreadyExistsException for a dialect that
    is to be added and is there, EntityNotFoundException for one that is to be replaced or dropped and is not, and
    InvalidInputException for a table that is no such view, a dialect that is named twice, or the last one's drop.
    """
    stored: Mapping[str, Any] = table.definition.get("ViewDefinition") or {}
    named: Sequence[_Representation] = (given.get("ViewDefinition") or {}).get("Representations") or ()
    dialects = [_dialect(one) for one in named]
    if not stored:
        raise InvalidInputException(f"Table {table.name} has no ViewDefinition, which ViewUpdateAction changes.")
    if not dialects or len(set(dialects)) < len(dialects):
        raise InvalidInputException("ViewUpdateAction needs Representations, each of another Dialect.")
    there = {_dialect(one): one for one in stored.get("Representations") or ()}
    _check_dialects(table, action, dialects, there)
    if action == DROP:
        left = [one for dialect, one in there.items() if dialect not in dialects]
        if not left:
            raise InvalidInputException(f"View {table.name} has no other dialect: drop the view itself.")
        return {**table.definition, "ViewDefinition": {**stored, "Representations": left}}
    merged = {**table.definition, **given}
    kept = {dialect: one for dialect, one in there.items() if dialect not in dialects}
    if kept and (what := _conflict(table.definition, merged)):
        if not force:
            raise InvalidInputException(
                f"The {what} of view {table.name} would not be those of its other dialects, {', '.join(kept)}: give "
                "the same, or Force."
            )
        kept = {dialect: {**one, "IsStale": True} for dialect, one in kept.items()}
    definition = {**stored, **given["ViewDefinition"]}
    return merged | {"ViewDefinition": definition | {"Representations": [*kept.values(), *map(dict, named)]}}


def _dialect(representation: _Representation) -> str:
    return str(representation.get("Dialect", ""))


def _check_dialects(table: Table, action: str, dialects: Sequence[str], there: Mapping[str, Any]) -> None:
    for dialect in dialects:
        if action == ADD and dialect in there:
            raise AlreadyExistsException(f"View {table.name} has the dialect {dialect} already: replace it.")
        if action in ("REPLACE", DROP) and dialect not in there:
            raise EntityNotFoundException(f"View {table.name} has no dialect {dialect}.")


def _conflict(old: Definition, new: Definition) -> str | None:
    """What of a view becomes another, if anything does."""
    if _columns(old) != _columns(new):
        return "columns"
    before, after = ((one.get("ViewDefinition") or {}).get("SubObjects") for one in (old, new))
    return "SubObjects" if after is not None and sorted(after) != sorted(before or ()) else None


def _columns(definition: Definition) -> list[tuple[str, str]]:
    described = (definition.get("StorageDescriptor") or {}).get("Columns") or ()
    return [(str(one["Name"]).lower(), str(one.get("Type", "")).lower()) for one in described]
