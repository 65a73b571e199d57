"""Lines of JSON by Sail's own reader, where what is read is known before.

It takes a third of the time of ours (:mod:`lakelet.etl.json_batches`), but a record that does not fit makes it fail, or
it makes do: 1.5 as a long is 1. So it reads only what was found whole, and only as long as the objects are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.data.objects import StoredObject
from lakelet.etl import json_text
from lakelet.etl.json_batches import SIMPLE, Found, all_differ
from lakelet.etl.sail import reading

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class SailLines:
    """Objects on S3, as they were listed before anything was read of them; ``pin`` is told when they are read again."""

    spark: SparkSession
    objects: Sequence[StoredObject]
    pin: Callable[[], None]

    def rows(self, found: Found) -> DataFrame | None:
        """Their records, of a type that was found in all their lines; None when Sail's reader would not do."""
        kind = found.kind
        if not (found.whole and isinstance(kind, T.StructType) and _is_flat(kind)):
            return None
        self.pin()
        reader = reading.listed(self.spark.read.schema(json_text.filled(kind)))  # type: ignore[arg-type]
        rows: DataFrame = reader.json([f"s3a://{one.bucket}/{one.key}" for one in self.objects])
        void = {field.name: F.lit(None) for field in kind.fields if isinstance(field.dataType, T.NullType)}
        return rows.withColumns(void) if void else rows


def _is_flat(kind: T.StructType) -> bool:
    """Whether a record has simple fields alone, whose names differ by more than their case, which Sail ignores."""
    return (
        bool(kind.fields) and all_differ(kind.names) and all(isinstance(f.dataType, SIMPLE | T.NullType) for f in kind)
    )
