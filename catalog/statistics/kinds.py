"""Which statistics a column has, by its type: Glue's seven kinds (AWS Glue Web API, ColumnStatisticsData)."""

from __future__ import annotations

_KINDS = {
    "boolean": "BOOLEAN", "date": "DATE", "decimal": "DECIMAL", "binary": "BINARY",
    **dict.fromkeys(("tinyint", "smallint", "int", "integer", "bigint", "long"), "LONG"),
    # As Hive's metastore has it: seconds since 1970.
    "timestamp": "LONG",
    **dict.fromkeys(("float", "double", "real"), "DOUBLE"),
    **dict.fromkeys(("string", "varchar", "char"), "STRING"),
}  # fmt: skip


def kind_of(hive_type: str) -> str | None:
    """The Type of a column's ColumnStatisticsData, or None for a type that has none: arrays, maps, structs."""
    return _KINDS.get(hive_type.strip().lower().partition("(")[0].strip())
