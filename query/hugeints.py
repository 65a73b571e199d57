"""DuckDB's 128-bit integers, which ``sum()`` of integers gives. Arrow has no such type and gets ``decimal128(38, 0)``:
only a mark on the field tells them from decimals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

_MARK = {b"lakelet.type": b"hugeint"}
_LIMIT = 1 << 63


def marked(reader: Any, kinds: Sequence[Any]) -> Any:
    """A pyarrow RecordBatchReader whose columns of DuckDB's ``kinds`` HUGEINT and UHUGEINT, and lists of them, are
    marked. Those within structs and maps are not and stay decimals."""
    import pyarrow as pa

    wide = [number for number, kind in enumerate(kinds) if _is_hugeint(kind)]
    if not wide:
        return reader
    schema = reader.schema
    for number in wide:
        schema = schema.set(number, schema.field(number).with_metadata(_MARK))
    batches = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in reader)
    return pa.RecordBatchReader.from_batches(schema, batches)


def _is_hugeint(kind: Any) -> bool:
    if kind.id == "list":
        return _is_hugeint(kind.child)
    return kind.id in ("hugeint", "uhugeint")


def values(field: Any, column: Any) -> list[Any]:
    """The values of a column of an answer; marked integers as Python's own where they fit in 64 bits."""
    plain: list[Any] = column.to_pylist(maps_as_pydicts="lossy")
    return [_narrow(value) for value in plain] if _is_marked(field) else plain


def _narrow(value: Any) -> Any:
    if isinstance(value, list):
        return [_narrow(item) for item in value]
    return int(value) if isinstance(value, Decimal) and -_LIMIT <= value < _LIMIT else value


def narrowed(table: Any) -> Any:
    """A pyarrow Table with the marked columns as int64 where all values fit."""
    import pyarrow as pa

    for number, field in enumerate(table.schema):
        if _is_marked(field):
            try:
                column = table.column(number).cast(_int64(field.type))
            except pa.ArrowInvalid:  # one is larger
                column = table.column(number)
            table = table.set_column(number, field.name, column)
    return table


def _int64(kind: Any) -> Any:
    import pyarrow as pa

    return pa.list_(_int64(kind.value_type)) if pa.types.is_list(kind) else pa.int64()


def _is_marked(field: Any) -> bool:
    return bool(field.metadata and field.metadata.items() >= _MARK.items())
