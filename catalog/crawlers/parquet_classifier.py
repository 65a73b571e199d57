"""The Parquet classifier: the schema and the row count stand in the file's footer, so no data is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lakelet.catalog.crawlers.schema import Array, Column, Struct, Type, glue_type

MAGIC = b"PAR1"
_TAIL_BYTES = 65_536
_LENGTHS = 8  # the footer's length in four bytes, and the magic


@dataclass(frozen=True)
class ParquetSchema:
    """The columns of a Parquet file, its rows, and the uncompressed bytes of its row groups."""

    columns: tuple[Column, ...]
    rows: int
    size: int


def classify_parquet(read_tail: Callable[[int], bytes]) -> ParquetSchema | None:
    """The schema of a Parquet object, or None when its footer is missing or damaged.

    ``read_tail(n)`` gives the last ``n`` bytes of the object, or all of it when it is shorter.
    """
    tail = read_tail(_TAIL_BYTES)
    if len(tail) < _LENGTHS or not tail.endswith(MAGIC):
        return None
    wanted = int.from_bytes(tail[-_LENGTHS:-4], "little") + _LENGTHS
    if wanted > len(tail):
        tail = read_tail(wanted)
    if wanted > len(tail):
        return None
    return _footer(tail[-wanted:])


def _footer(footer: bytes) -> ParquetSchema | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A footer alone is a Parquet file without row data: its offsets are only followed when data is read.
        metadata = pq.read_metadata(pa.BufferReader(MAGIC + footer))
        fields = list(metadata.schema.to_arrow_schema())
    except (pa.ArrowException, OSError, ValueError):
        return None
    size = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    return ParquetSchema(tuple(Column(one.name, _type(one.type)) for one in fields), metadata.num_rows, size)


_PRIMITIVES = (
    ("is_boolean", "boolean"),
    ("is_int8", "tinyint"),
    ("is_int16", "smallint"),
    ("is_int32", "int"),
    ("is_int64", "bigint"),
    # Hive has no unsigned types: the next wider one holds every value.
    ("is_uint8", "smallint"),
    ("is_uint16", "int"),
    ("is_uint32", "bigint"),
    ("is_uint64", "decimal(20,0)"),
    ("is_float16", "float"),
    ("is_float32", "float"),
    ("is_float64", "double"),
    ("is_date", "date"),
    ("is_timestamp", "timestamp"),
    ("is_time32", "int"),
    ("is_time64", "bigint"),
    ("is_string", "string"),
    ("is_large_string", "string"),
    ("is_binary", "binary"),
    ("is_large_binary", "binary"),
    ("is_fixed_size_binary", "binary"),
)


def _type(kind: Any) -> Type:
    import pyarrow.types as pt

    name = next((name for test, name in _PRIMITIVES if getattr(pt, test)(kind)), "string")
    if pt.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pt.is_dictionary(kind):
        return _type(kind.value_type)
    if pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind):
        return Array(_type(kind.value_type))
    if pt.is_struct(kind):
        return Struct(tuple((inner.name, _type(inner.type)) for inner in kind))
    if pt.is_map(kind):
        return f"map<{glue_type(_type(kind.key_type))},{glue_type(_type(kind.item_type))}>"
    return name
