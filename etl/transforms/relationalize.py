"""Relationalize: nested records as flat tables (AWS Glue Developer Guide, "Relationalize class")."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import plain
from lakelet.etl.collection import DynamicFrameCollection
from lakelet.etl.dynamicframe import DynamicFrame, field_of
from lakelet.etl.sail import engine
from lakelet.etl.transforms.unnest import flat

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
    records = plain(frame.settled().raw)
    waiting: list[tuple[str, DataFrame, T.StructType]] = [(root, records, records.schema)]
    while waiting:
        # By the types before: what was written and is read again has some that differ a little, or a type for none.
        table, rows, schema = waiting.pop(0)
        fields = list(flat(schema))
        flattened = rows.select(*((F.lit(None) if _is_void(kind) else one).alias(path) for path, one, kind in fields))
        arrays = {path: kind for path, _, kind in fields if isinstance(kind, T.ArrayType | T.MapType)}
        if arrays:
            flattened = _numbered(frame, flattened, list(arrays), staging_path)
        for path, kind in arrays.items():
            waiting.append((f"{root}_{path}", _elements(flattened, path, kind), _schema_of_elements(path, kind)))
        numbers = set(arrays)
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
    void = {f.name: _typed(f.dataType) for f in numbered.schema if "void" in f.dataType.simpleString()}
    typed = [field_of(one).cast(void[one]) if one in void else field_of(one) for one in numbered.columns]
    numbered.select(*typed).toDF(*plain_names).write.parquet(folder)
    read = frame.glue_ctx.spark_session.read.parquet(folder).toDF(*numbered.columns)
    untyped = {f.name for f in rows.schema.fields if _is_void(f.dataType)}  # which have a type in Parquet
    return read.select(*(F.lit(None).alias(one) if one in untyped else field_of(one) for one in read.columns))


def _is_void(kind: T.DataType) -> bool:
    return isinstance(kind, T.NullType)


def _typed(kind: T.DataType) -> T.DataType:
    """The same type, with texts for what is void, which Parquet has not on every engine."""
    if isinstance(kind, T.StructType):
        return T.StructType([T.StructField(f.name, _typed(f.dataType)) for f in kind.fields])
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(_typed(kind.elementType))
    if isinstance(kind, T.MapType):
        return T.MapType(kind.keyType, _typed(kind.valueType))
    return T.StringType() if _is_void(kind) else kind


def _schema_of_elements(array: str, kind: T.ArrayType | T.MapType) -> T.StructType:
    """What :func:`_elements` makes of an array of this type, or of a map."""
    entry = T.StructType()
    if isinstance(kind, T.MapType):
        entry = entry.add("key", kind.keyType).add("value", kind.valueType)
    element = kind.elementType if isinstance(kind, T.ArrayType) else entry
    return T.StructType().add(ID, T.LongType()).add(INDEX, T.IntegerType()).add(f"{array}.{VALUE}", element)


def _elements(rows: DataFrame, array: str, kind: T.ArrayType | T.MapType) -> DataFrame:
    column = field_of(array)
    if isinstance(kind, T.MapType):
        column = F.map_entries(column)
    found = rows.where(F.size(column) > 0).select(
        field_of(_key(array)).alias(ID), F.posexplode(column).alias(INDEX, "\0value")
    )
    return found.select(ID, INDEX, field_of("\0value").alias(f"{array}.{VALUE}"))
