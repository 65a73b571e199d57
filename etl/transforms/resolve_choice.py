"""ResolveChoice: decide what a field of two types becomes (AWS Glue Developer Guide, "ResolveChoice class")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import types as T

from etl.choices import CHOICE, is_choice, misfit, text_as
from etl.dynamicframe import DynamicFrame, field_of, require_fields
from etl.glue_types import glue_name, spark_name, spark_type
from workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column

ACTIONS = "cast:TYPE, project:TYPE, make_cols, make_struct"
Specs = Sequence[tuple[str, str]]


def resolve_choice(
    frame: DynamicFrame,
    *,
    specs: Specs | None = None,
    choice: str = "",
    table: tuple[str, str] | None = None,
    name: str = "",
) -> DynamicFrame:
    """Apply ``specs`` (field, action) to single fields, or one ``choice`` action to every field that is a choice.

    Actions: ``cast:TYPE`` casts every value (null where that fails); ``project:TYPE`` keeps the values of that type;
    ``make_cols`` makes one field per type (``price_long``, ``price_string``); ``make_struct`` a struct of them;
    ``match_catalog`` (choice only) casts every field to the type in the catalog table ``(database, name)``.
    Raises UsageError when both or neither are given, for an unknown action, and for an unknown field.
    """
    if bool(specs) == bool(choice):
        raise UsageError("ResolveChoice takes either specs or choice: give one of them.")
    if choice == "match_catalog":
        return _match_catalog(frame, table, name)
    if choice:
        settled = frame.settled()
        specs = [(field.name, choice) for field in settled.raw.schema.fields if is_choice(field)]
        frame = settled
    else:
        require_fields(frame.raw, [path for path, _ in specs or ()], "ResolveChoice")
        if any(not action.startswith(("cast:", "project:")) for _, action in specs or ()):
            frame = frame.settled()
    return _resolve(frame, dict(specs or ()), name)


def _resolve(frame: DynamicFrame, actions: dict[str, str], name: str) -> DynamicFrame:
    wanted = {path.lower(): action for path, action in actions.items()}
    columns: list[Column] = []
    for field in frame.raw.schema.fields:
        action = wanted.get(field.name.lower())
        columns += [field_of(field.name)] if action is None else _decided(field, action, frame.pending.get(field.name))
    pending = {path: kind for path, kind in frame.pending.items() if path.lower() not in wanted}
    return frame.derive(frame.raw.select(*columns), pending=pending, name=name)


def _decided(field: T.StructField, action: str, declared: str | None) -> list[Column]:
    column, verb, kind = field_of(field.name), *_parse(action)
    types: list[str] = field.metadata[CHOICE] if is_choice(field) else []
    if verb == "cast":
        if declared is not None:
            return [text_as(column, declared, kind).alias(field.name)]
        values = [column.getField(one).try_cast(spark_name(kind)) for one in types] or [
            column.try_cast(spark_name(kind))
        ]
        return [_first(values).alias(field.name)]
    if verb == "project":
        wanted = glue_name(spark_type(kind))
        if declared is not None:
            from pyspark.sql import functions as F

            text = wanted == "string" and declared != "string"
            kept = F.when(misfit(column, declared), column) if text else column.try_cast(spark_name(kind))
            return [kept.alias(field.name)]
        if not types:
            return [column]
        if wanted not in types:
            raise UsageError(f"{field.name} is a choice of {' and '.join(types)}: it cannot be projected to {kind}.")
        return [column.getField(wanted).alias(field.name)]
    if not types:
        return [column]
    if verb == "make_cols":
        return [column.getField(one).alias(f"{field.name}_{one}") for one in types]
    return [column.alias(field.name, metadata={})]  # make_struct: the same struct, no choice any more


def _first(values: list[Column]) -> Column:
    from pyspark.sql import functions as F

    return F.coalesce(*values) if len(values) > 1 else values[0]


def _parse(action: str) -> tuple[str, str]:
    verb, _, kind = action.partition(":")
    if (verb in ("cast", "project") and kind) or (verb in ("make_cols", "make_struct") and not kind):
        return verb, kind
    raise UsageError(f"{action!r} is no action of ResolveChoice: use {ACTIONS}.")


def _match_catalog(frame: DynamicFrame, table: tuple[str, str] | None, name: str) -> DynamicFrame:
    if table is None:
        raise UsageError("ResolveChoice with match_catalog needs database and table_name.")
    from etl.tables import CatalogTable

    types = CatalogTable.get(frame.glue_ctx.workspace, *table).types
    actions = {column: f"cast:{types[column.lower()]}" for column in frame.raw.columns if column.lower() in types}
    return _resolve(frame, actions, name)
