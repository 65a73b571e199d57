"""Null structs in what Python hands to Sail: their fields have to be null too, for Sail does not look at the struct
when it takes a field. Arrow's own builders put zeroes and empty texts there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    import pyarrow as pa


def install(workspace: Workspace) -> None:
    """Stand before the rows of ``createDataFrame``, and what functions over batches leave."""
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.plan import LocalRelation

    relation, map_batches = LocalRelation.__init__, DataFrame.mapInArrow

    def of_rows(self: Any, table: pa.Table | None, *args: Any, **options: Any) -> None:
        relation(self, None if table is None else with_null_fields(table), *args, **options)

    def of_batches(self: Any, func: Any, *args: Any, **options: Any) -> Any:
        return map_batches(self, _Filled(func), *args, **options)

    engine.replace(LocalRelation, "__init__", of_rows)
    engine.replace(DataFrame, "mapInArrow", of_batches)
    engine.replace(DataFrame, "mapInPandas", _without_structs(DataFrame.mapInPandas))


def with_null_fields(rows: Any) -> Any:
    """The same table, or batch, whose null structs have null fields."""
    import pyarrow as pa

    if not any(_holds_structs(kind) for kind in rows.schema.types):
        return rows
    if isinstance(rows, pa.Table):
        return pa.Table.from_batches(map(with_null_fields, rows.to_batches()), rows.schema)
    return pa.RecordBatch.from_arrays([filled(column) for column in rows.columns], schema=rows.schema)


@dataclass(frozen=True)
class _Filled:
    """What the Python workers run: a script's function over batches, and its null structs with null fields."""

    function: Callable[[Iterable[Any]], Iterable[Any]]

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        return map(with_null_fields, self.function(batches))


def _holds_structs(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return True
    return any(_holds_structs(kind.field(at).type) for at in range(kind.num_fields))


def filled(array: Any) -> Any:
    """The same array, likewise."""
    import pyarrow as pa

    kind = array.type
    if not _holds_structs(kind):
        return array
    if pa.types.is_struct(kind):
        fields = [filled(field) for field in array.flatten()]  # which are null where the struct is
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=array.is_null())
    if pa.types.is_map(kind):
        entries = [array.keys, filled(array.items)]
        fields = [pa.field("key", kind.key_type, nullable=False), kind.item_field.with_name("value")]
        inside = pa.StructArray.from_arrays(entries, fields=fields)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inside = filled(array.values)
    else:
        return array
    return pa.Array.from_buffers(
        kind, len(array), array.buffers()[:2], array.null_count, array.offset, children=[inside]
    )


def _without_structs(original: Any) -> Any:
    def map_frames(self: Any, func: Any, schema: Any, *args: Any, **options: Any) -> Any:
        told = schema if isinstance(schema, str) else schema.simpleString().partition("<")[2]
        if re.search(r"\bstruct\s*<", told, re.IGNORECASE):
            raise engine.refused("DataFrame.mapInPandas with structs in its rows")
        return original(self, func, schema, *args, **options)

    return map_frames
