"""Relationalize: nested records as flat tables (AWS Glue Developer Guide, "Relationalize class")."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from etl.choices import plain
from etl.collection import DynamicFrameCollection
from etl.dynamicframe import DynamicFrame, field_of
from etl.sail import engine
from etl.transforms.unnest import flat

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ID, INDEX, VALUE = "id", "index", "val"


def relationalize(
    frame: DynamicFrame, root: str, staging_path: str | None = None, *, name: str = ""
) -> DynamicFrameCollection:
    """The table ``root`` with structs flattened (``a.b``), and for every array a table ``root_a`` of its elements.

    In place of the array stands a number, which is ``id`` in the array's table; ``index`` is the element's place in it,
    and its fields are ``a.val.field``, or ``a.val`` when it has none. A map is the array of its ``key`` and ``value``.
    The numbers have to stay the same however often the tables are computed: rows with arrays are written to a new
    folder below ``staging_path`` first, and without one are kept by Spark until the run ends.
    """
    tables: dict[str, DynamicFrame] = {}
    waiting: list[tuple[str, DataFrame]] = [(root, plain(frame.settled().raw))]
    while waiting:
        table, rows = waiting.pop(0)
        flattened = rows.select(*(column.alias(path) for path, column, _ in flat(rows.schema)))
        arrays = [f for f in flattened.schema.fields if isinstance(f.dataType, T.ArrayType | T.MapType)]
        if arrays:
            flattened = _numbered(frame, flattened, [f.name for f in arrays], staging_path)
        for array in arrays:
            waiting.append((f"{root}_{array.name}", _elements(flattened, array)))
        # By name: what was written and is read again has types that differ a little.
        numbers = {f.name for f in arrays}
        columns = [
            field_of(_key(name)).alias(name) if name in numbers else field_of(name)
            for name in flattened.columns
            if not name.startswith("\0")
        ]
        tables[table] = frame.derive(flattened.select(*columns), name=table)
    return DynamicFrameCollection(tables, frame.glue_ctx)


def _key(array: str) -> str:
    return f"\0{array}"


def _numbered(frame: DynamicFrame, rows: DataFrame, arrays: list[str], staging_path: str | None) -> DataFrame:
    """The rows with a number beside each array, null where the array is."""
    number = F.monotonically_increasing_id()
    numbered = rows.select("*", *(F.when(field_of(one).isNotNull(), number).alias(_key(one)) for one in arrays))
    if not staging_path and not engine.active():
        return numbered.localCheckpoint()
    staging_path = staging_path or engine.scratch()  # Sail has no checkpoints
    folder = f"{staging_path.rstrip('/')}/relationalize-{token_hex(8)}"
    folder = "s3a://" + folder.split("://", 1)[1] if folder.startswith("s3://") else folder
    plain_names = [f"c{at}" for at in range(len(numbered.columns))]  # Parquet takes no control characters
    numbered.toDF(*plain_names).write.parquet(folder)
    read = frame.glue_ctx.spark_session.read.parquet(folder).toDF(*numbered.columns)
    untyped = {f.name for f in rows.schema.fields if isinstance(f.dataType, T.NullType)}  # which have a type in Parquet
    return read.select(*(F.lit(None).alias(one) if one in untyped else field_of(one) for one in read.columns))


def _elements(rows: DataFrame, array: T.StructField) -> DataFrame:
    column, kind = field_of(array.name), array.dataType
    if isinstance(kind, T.MapType):
        column = F.map_entries(column)
    found = rows.where(F.size(column) > 0).select(
        field_of(_key(array.name)).alias(ID), F.posexplode(column).alias(INDEX, "\0value")
    )
    return found.select(ID, INDEX, field_of("\0value").alias(f"{array.name}.{VALUE}"))
