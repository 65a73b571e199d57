"""Structs built from flat columns: the targets ``a.b`` of ApplyMapping and RenameField."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import plain_field
from lakelet.etl.paths import Path
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column


def nested(targets: Sequence[tuple[Path, Column]], schema: T.StructType | None = None) -> list[Column]:
    """The columns in which every value is at its path; a struct none of whose values is there is null.

    A target below a field of ``schema`` that is a struct joins that struct. Raises UsageError for two targets of the
    same path, or one inside another that is no struct.
    """
    tree: dict[str, list[tuple[Path, Column]]] = {}
    for path, column in targets:
        tree.setdefault(path[0], []).append((path[1:], column))
    return [plain_field(_column(name, below, schema), name) for name, below in tree.items()]


def _column(name: str, below: Sequence[tuple[Path, Column]], schema: T.StructType | None) -> Column:
    whole = [column for path, column in below if not path]
    deeper = [(path, column) for path, column in below if path]
    if len(whole) > 1:
        raise UsageError(f"Two fields are to become {name}: give one of them another name.")
    if not deeper:
        return whole[0]
    if whole:
        kind = schema[name].dataType if schema and name in schema.names else None
        if not isinstance(kind, T.StructType):
            raise UsageError(f"{name} is to be a field and to hold others: give one of them another name.")
        deeper = [((field.name,), whole[0].getField(field.name)) for field in kind.fields] + deeper
    filled = reduce(lambda one, other: one | other, (column.isNotNull() for _, column in deeper))
    return F.when(filled, F.struct(*nested(deeper)))
