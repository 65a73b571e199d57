"""UnnestFrame: the fields of structs as fields of their own (AWS Glue Developer Guide, "UnnestFrame class")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import is_choice
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.paths import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column


def unnest(frame: DynamicFrame, *, name: str = "") -> DynamicFrame:
    """Every struct's fields as top-level fields named ``struct.field``, to any depth; arrays stay."""
    rows = frame.settled().raw
    columns = [column.alias(path) for path, column, _ in flat(rows.schema)]
    return frame.derive(rows.select(*columns), name=name)


def flat(schema: T.StructType) -> Iterator[tuple[str, Column, T.DataType]]:
    """Name, column and type of every field that is no struct, in the order of the schema."""
    for field in schema.fields:
        yield from _below(field.name, F.col(quoted(field.name)), field.dataType)


def _below(path: str, column: Column, kind: T.DataType) -> Iterator[tuple[str, Column, T.DataType]]:
    if isinstance(kind, T.StructType) and not is_choice(kind):
        for field in kind.fields:
            yield from _below(f"{path}.{field.name}", column.getField(field.name), field.dataType)
    else:
        yield path, column, kind
