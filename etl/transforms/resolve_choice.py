"""ResolveChoice: decide what a field of several types becomes (AWS Glue Developer Guide, "ResolveChoice class")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.casts import cast_as
from lakelet.etl.choices import choices_in, is_choice, member_name, misfit, plain_field, text_as
from lakelet.etl.frame import Frame
from lakelet.etl.glue_types import spark_name, spark_type
from lakelet.etl.paths import Edit, Path, locate, rewrite
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column

ACTIONS = "cast:TYPE, project:TYPE, make_cols, make_struct"
FrameT = TypeVar("FrameT", bound=Frame)
Specs = Sequence[tuple[str, str]]
_INTEGERS = ("byte", "short", "int", "long")


def resolve_choice(
    frame: FrameT,
    *,
    specs: Specs | None = None,
    choice: str = "",
    table: tuple[str, str] | None = None,
    name: str = "",
) -> FrameT:
    """Apply ``specs`` (path, action) to single fields, or one ``choice`` action to every field that is a choice.

    Actions: ``cast:TYPE`` casts every value (null where that fails); ``project:TYPE`` keeps the values of that type;
    ``make_cols`` makes one field per type (``price_long``, ``price_string``); ``make_struct`` a struct of them;
    ``match_catalog`` (choice only) casts every field to the type in the catalog table ``(database, name)``.
    A path into arrays is written ``a[].b``.
    A spec of a field that is not there decides nothing, as on AWS.
    Raises UsageError when both or neither are given, and for an unknown action.
    """
    if bool(specs) == bool(choice):
        raise UsageError("ResolveChoice takes either specs or choice: give one of them.")
    if choice == "match_catalog":
        return _match_catalog(frame, table, name)
    if choice:
        _parse(choice)
        return _every(frame.settled(), choice, name)
    given = list(specs or ())
    for _, action in given:
        _parse(action)
    if any(not action.startswith(("cast:", "project:")) for _, action in given):
        frame = frame.settled()
    return _resolve(frame, given, name)


def _every(frame: FrameT, action: str, name: str) -> FrameT:
    """Outer choices first: resolving one may show others inside it."""
    while paths := list(choices_in(frame.raw.schema)):
        edits = {path: _edit(action, None) for path in paths}
        frame = frame.derive(frame.raw.select(*rewrite(frame.raw.schema, edits)), name=name)
    return frame.derive(frame.raw, name=name)


def _resolve(frame: FrameT, specs: Specs, name: str) -> FrameT:
    decided: set[str] = set()
    edits: dict[Path, Edit] = {}
    for text, action in specs:
        at = locate(frame.raw.schema, text)
        if at is None:
            continue
        edits[at[0]] = _edit(action, frame.pending.get(at[0][0]))
        decided.add(at[0][0])
    pending = {path: kind for path, kind in frame.pending.items() if path not in decided}
    return frame.derive(frame.raw.select(*rewrite(frame.raw.schema, edits)), pending=pending, name=name)


def _edit(action: str, declared: str | None) -> Edit:
    return lambda column, kind, name: _decided(column, kind, name, action, declared)


def _decided(
    column: Column, kind: T.DataType, name: str, action: str, declared: str | None
) -> list[tuple[str, Column]]:
    verb, wanted = _parse(action)
    members = {f.name: f.dataType for f in kind.fields} if isinstance(kind, T.StructType) and is_choice(kind) else {}
    if verb == "cast":
        if declared is not None:
            return [(name, text_as(column, declared, wanted))]
        return [(name, cast_as(column, kind, spark_type(wanted)))]
    if verb == "project":
        return [(name, _projected(column, name, members, wanted, declared))]
    if not members:
        return [(name, column)]
    if verb == "make_cols":
        return [(f"{name}_{one}", column.getField(one)) for one in members]
    whole = F.struct(*(plain_field(column.getField(one), one) for one in members))
    return [(name, F.when(column.isNotNull(), whole))]


def _projected(column: Column, name: str, members: dict[str, T.DataType], wanted: str, declared: str | None) -> Column:
    lower = wanted.strip().lower()
    one = lower if lower in ("struct", "array", "map") else member_name(spark_type(wanted))
    if declared is not None:
        if one == "string" and declared != "string":
            return F.when(misfit(column, declared), column)
        return column.try_cast(spark_name(wanted))
    if not members:
        return column
    if one not in members and one in _INTEGERS:  # whole numbers of JSON are all read as long
        found = next((name for name in reversed(_INTEGERS) if name in members), None)
        if found is not None:
            return column.getField(found).try_cast(spark_name(wanted))
    if one not in members:
        raise UsageError(f"{name} is a choice of {' and '.join(members)}: it cannot be projected to {wanted}.")
    return column.getField(one)


def _parse(action: str) -> tuple[str, str]:
    verb, _, kind = action.partition(":")
    if (verb in ("cast", "project") and kind) or (verb in ("make_cols", "make_struct") and not kind):
        if kind.strip().lower() not in ("struct", "array", "map"):
            spark_name(kind) if kind else None
        return verb, kind
    raise UsageError(f"{action!r} is no action of ResolveChoice: use {ACTIONS}.")


def _match_catalog(frame: FrameT, table: tuple[str, str] | None, name: str) -> FrameT:
    if table is None:
        raise UsageError("ResolveChoice with match_catalog needs database and table_name.")
    from lakelet.etl.tables import CatalogTable

    types = CatalogTable.get(frame.glue_ctx.workspace, *table).types
    specs = [(column, f"cast:{types[column.lower()]}") for column in frame.raw.columns if column.lower() in types]
    return _resolve(frame, specs, name)
