"""How two versions of a table differ, in rows for people: columns, partition keys, parameters and how it is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ADDED, REMOVED, CHANGED = "added", "removed", "changed"

# What of a table is compared as it is, beside its columns and parameters; the rest of it says when and by whom.
_PROPERTIES = ("Description", "Owner", "TableType", "Retention", "ViewOriginalText", "ViewExpandedText")
_STORAGE = (
    "Location", "InputFormat", "OutputFormat", "Compressed", "NumberOfBuckets", "BucketColumns", "SortColumns",
    "StoredAsSubDirectories", "AdditionalLocations", "SchemaReference", "SkewedInfo",
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One thing that differs: ``part`` is "column", "partition key", "parameter", "SerDe parameter", "storage" or
    "property"; ``change`` is added, removed or changed; ``before`` and ``after`` are empty where there is nothing."""

    part: str
    name: str
    change: str
    before: str
    after: str


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What changed from one of Glue's Table structures to another, columns first."""
    old, new = before.get("StorageDescriptor") or {}, after.get("StorageDescriptor") or {}
    old_serde, new_serde = old.get("SerdeInfo") or {}, new.get("SerdeInfo") or {}
    serde = ("Name", "SerializationLibrary")
    return [
        *_columns("column", old.get("Columns") or (), new.get("Columns") or ()),
        *_columns("partition key", before.get("PartitionKeys") or (), after.get("PartitionKeys") or ()),
        *_values("parameter", before.get("Parameters") or {}, after.get("Parameters") or {}),
        *_values("storage", _picked(old, _STORAGE), _picked(new, _STORAGE)),
        *_values("storage", _picked(old_serde, serde), _picked(new_serde, serde)),
        *_values("SerDe parameter", old_serde.get("Parameters") or {}, new_serde.get("Parameters") or {}),
        *_values("property", _picked(before, _PROPERTIES), _picked(after, _PROPERTIES)),
    ]


def column_text(column: Mapping[str, Any]) -> str:
    """A column's type, and its comment when it has one: ``bigint (how often)``."""
    comment = column.get("Comment")
    return f"{column.get('Type', '')} ({comment})" if comment else str(column.get("Type", ""))


def _columns(
    part: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    old, new = ({column["Name"]: column_text(column) for column in columns} for columns in (before, after))
    yield from _values(part, old, new)
    kept = [[name for name in columns if name in old and name in new] for columns in (old, new)]
    if kept[0] != kept[1]:  # a CSV table is read by it
        yield Difference(part, "order", CHANGED, ", ".join(kept[0]), ", ".join(kept[1]))


def _values(part: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in [*after, *(name for name in before if name not in after)]:
        if name not in before:
            yield Difference(part, name, ADDED, "", str(after[name]))
        elif name not in after:
            yield Difference(part, name, REMOVED, str(before[name]), "")
        elif before[name] != after[name]:
            yield Difference(part, name, CHANGED, str(before[name]), str(after[name]))


def _picked(structure: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: structure[name] for name in names if structure.get(name) not in (None, "", [], {}, 0, False)}
