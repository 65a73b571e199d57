"""Lines of JSON by Spark's own reader, where what is read is known before.

It takes half the time of ``from_json`` over lines of text (:mod:`lakelet.etl.json_records`), but does not tell which
record is broken, so it reads only what was found to be objects, one in a line. On Sail it is
:mod:`lakelet.etl.sail.json_lines`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakelet.etl.choices import is_choice
from lakelet.etl.json_batches import Found, all_differ
from lakelet.etl.json_records import readable_record, typed
from lakelet.etl.paths import quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


_METADATA = "_metadata"  # what Spark's reader tells of a file, by which attachFilename finds it
_BROKEN = re.compile("[?\ufffd]")  # what halves of surrogate pairs have become, on which it fails in names


class Lines(Protocol):
    """Lines of JSON that the engine's own reader may read, once the type of all their records is known."""

    def rows(self, found: Found) -> DataFrame | None:
        """Their records, of a type that was found in all lines; None when that reader would not do."""


@dataclass(frozen=True)
class SparkLines:
    """Lines on S3: as rows of text, by which types are found, and how Spark reads them by a schema."""

    text: DataFrame
    by_schema: Callable[[T.StructType], DataFrame]

    def rows(self, found: Found) -> DataFrame | None:
        """Their records; None also when an object has come since they were listed: it may hold other types."""
        kind = found.kind
        if not (found.objects and isinstance(kind, T.StructType) and kind.fields):
            return None
        others = [name for name in self.text.columns if name != "value"]
        lists = [[*kind.names, *others], *(one.names for one in _structs_in(kind))]
        if not all(map(all_differ, lists)) or _METADATA in (name.lower() for name in kind.names):
            return None
        if any(_BROKEN.search(name) for names in lists for name in names):
            return None
        rows = self.by_schema(readable_record(kind))
        if set(rows.inputFiles()) != set(self.text.inputFiles()):
            return None
        own = (typed(F.col(quoted(field.name)), field.dataType).alias(field.name) for field in kind.fields)
        return rows.select(*own, *(F.col(quoted(name)) for name in others))


def _structs_in(kind: T.DataType) -> Iterator[T.StructType]:
    if isinstance(kind, T.ArrayType):
        yield from _structs_in(kind.elementType)
    elif isinstance(kind, T.StructType):
        for field in kind.fields:
            yield from _structs_in(field.dataType)
        if not is_choice(kind):
            yield kind
