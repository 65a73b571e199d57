"""What Sail has read from files, as Spark would have read it: names, types and order of columns, values that mean null.
Where a value shows that Spark would have read another one, the action that meets it fails and names ``--engine spark``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_BOM = "\ufeff"


def lines_of_text(rows: DataFrame) -> DataFrame:
    """Lines that were parted at line feeds alone: left to itself, Sail makes empty lines of CR LF in large objects.
    The mark before an object's first line (BOM) is none of its text."""
    value = F.col("value")
    said = engine.refusal("spark.read.text of lines that end in a carriage return alone")
    value = F.when(value.startswith(_BOM), value.substr(F.lit(2), F.length(value))).otherwise(value)
    cut = F.rtrim(value, F.lit("\r"))
    told = F.when(cut.contains("\r") | value.endswith("\r\r"), F.raise_error(F.lit(said))).otherwise(cut)
    return rows.withColumn("value", F.when(value.contains("\r"), told).otherwise(value))


def typed_parquet(rows: DataFrame, first: Callable[[], bytes]) -> DataFrame:
    """Parquet's columns without a type as Spark's int, and its old times (INT96) with a zone; ``first`` gives the end
    of an object, where its types stand. Raises UnsupportedError for types that Spark does not read, or as longs."""
    lasting = T.TimeType | T.DayTimeIntervalType
    odd = [f.name for f in rows.schema.fields if any(isinstance(kind, lasting) for kind in _kinds(f.dataType))]
    if odd:
        raise engine.refused(f"Reading Parquet with times of day or durations ({', '.join(odd)})")
    changed: dict[str, Column] = {}
    for field in rows.schema.fields:
        if isinstance(field.dataType, T.NullType):
            changed[field.name] = F.lit(None).cast("int")
        elif any(isinstance(kind, T.NullType) for kind in _kinds(field.dataType)):
            raise engine.refused(f"Reading Parquet with fields that have no type ({field.name})")
    plain = [f for f in rows.schema.fields if any(isinstance(kind, T.TimestampNTZType) for kind in _kinds(f.dataType))]
    old = _old_times(first()) if plain else set()
    for field in plain:
        if isinstance(field.dataType, T.TimestampNTZType):
            if field.name in old:
                changed[field.name] = F.col(quoted(field.name)).cast("timestamp")
        elif any(path.startswith(f"{field.name}.") for path in old):
            raise engine.refused(f"Reading Parquet with old times (INT96) inside of a column ({field.name})")
    return rows.withColumns(changed) if changed else rows


def is_bare(kind: T.DataType) -> bool:
    """Whether everything in a type may be null, and no field of it has metadata."""
    return all(
        field.nullable and not field.metadata
        for one in _kinds(kind)
        if isinstance(one, T.StructType)
        for field in one.fields
    )


def bare(kind: Any) -> Any:
    """The same type, in which everything may be null, and no field has metadata."""
    if isinstance(kind, T.StructType):
        return T.StructType([T.StructField(field.name, bare(field.dataType)) for field in kind.fields])
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(bare(kind.elementType))
    return T.MapType(kind.keyType, bare(kind.valueType)) if isinstance(kind, T.MapType) else kind


def _kinds(kind: T.DataType) -> Iterator[T.DataType]:
    """A type, and those inside of it."""
    yield kind
    inner = [field.dataType for field in kind.fields] if isinstance(kind, T.StructType) else []
    inner += [kind.elementType] if isinstance(kind, T.ArrayType) else []
    inner += [kind.keyType, kind.valueType] if isinstance(kind, T.MapType) else []
    for one in inner:
        yield from _kinds(one)


def require_fields(schema: T.StructType, first: Callable[[], bytes]) -> None:
    """Refuse Parquet by a schema whose inner fields are in another case than those of the first object, by its end:
    Sail takes them for others, that are not there. Raises UnsupportedError.
    """
    import pyarrow.parquet as pq

    nested = {field.name.lower(): _inner(field.dataType) for field in schema.fields if _inner(field.dataType)}
    if not nested:
        return
    for field in pq.read_schema(io.BytesIO(first())):
        if odd := _other_case(nested.get(field.name.lower(), {}), _inner_of_arrow(field.type)):
            raise engine.refused(f"spark.read.parquet by a schema with a field in another case ({field.name}.{odd})")


def _other_case(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """The first field that is spelled otherwise; empty for none."""
    spelled = {name.lower(): name for name in found}
    for name, inner in wanted.items():
        if name in found:
            if odd := _other_case(inner, found[name]):
                return f"{name}.{odd}"
        elif name.lower() in spelled:
            return spelled[name.lower()]
    return ""


def of_first(rows: DataFrame, end: bytes, keys: Sequence[str]) -> DataFrame:
    """The columns that the first object has, by its end, and the keys of partitions: Spark does not look at others."""
    import pyarrow.parquet as pq

    own = pq.read_schema(io.BytesIO(end))
    wanted = list(dict.fromkeys([*own.names, *keys]))
    found = rows.select(*map(quoted, wanted)) if rows.columns != wanted else rows
    for field in found.schema.fields:
        if field.name in own.names and _inner(field.dataType) != _inner_of_arrow(own.field(field.name).type):
            raise engine.refused(
                f"spark.read.parquet of objects whose structs differ ({field.name}), without mergeSchema"
            )
    return found


def _inner(kind: T.DataType) -> Any:
    """The names of the fields that are inside of a value."""
    if isinstance(kind, T.StructType):
        return {field.name: _inner(field.dataType) for field in kind.fields}
    if isinstance(kind, T.MapType):
        return _inner(kind.valueType)
    return _inner(kind.elementType) if isinstance(kind, T.ArrayType) else {}


def _inner_of_arrow(kind: Any) -> Any:
    import pyarrow.types as of

    if of.is_struct(kind):
        return {field.name: _inner_of_arrow(field.type) for field in kind}
    if of.is_map(kind):
        return _inner_of_arrow(kind.item_type)
    return _inner_of_arrow(kind.value_type) if of.is_list(kind) or of.is_large_list(kind) else {}


def _old_times(end: bytes) -> set[str]:
    import pyarrow.parquet as pq

    schema = pq.read_metadata(io.BytesIO(end)).schema
    columns = [schema.column(at) for at in range(len(schema))]
    return {one.path for one in columns if one.physical_type == "INT96"}


def renamed(rows: DataFrame, names: Sequence[str]) -> DataFrame:
    """Rows whose columns are spelled as the schema that was asked for spells them; partition columns may follow."""
    now = rows.columns
    wanted = [*names, *now[len(names) :]]
    same = [one.lower() for one in now] == [one.lower() for one in wanted]
    return rows.toDF(*wanted) if same and now != wanted else rows
