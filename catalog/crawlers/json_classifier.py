"""The JSON classifier: JSON lines, one array of objects, or objects one after the other.

Types are the ones Glue's JSON classifier gives: ``int``, ``bigint`` beyond 32 bits, ``double``, ``boolean``,
``string``, ``array<…>`` and ``struct<…>``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lakelet.catalog.crawlers.schema import UNKNOWN, Array, Column, Struct, Type, settle, widen, widest

_INT_END, _BIGINT_END = 2**31, 2**63
_BETWEEN = re.compile(r"[\s,\[]*")
_MOST_DEPTH = 30  # deeper values stay text: no reader of tables goes there
_LEAST_SHARE = 0.5


@dataclass(frozen=True)
class JsonSchema:
    """What a text turned out to be: its columns, the objects read, and the lines that were no JSON object."""

    columns: tuple[Column, ...]
    rows: int
    bad_rows: int


def classify_json(text: str) -> JsonSchema | None:
    """The schema of JSON text, whose last object may be cut short, or None when it is no JSON."""
    start = text.lstrip()
    if not start.startswith(("{", "[")):
        return None
    objects, bad = _lines(text)
    if len(objects) <= bad * _LEAST_SHARE or (start.startswith("[") and bad):
        objects = list(stream(text))
        bad = 0
    if not objects:
        return None
    return JsonSchema(columns_of(objects), len(objects), bad)


def _lines(text: str) -> tuple[list[dict[str, Any]], int]:
    objects, bad = [], 0
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            bad += 1
            continue
        if isinstance(value, dict):
            objects.append(value)
        else:
            bad += 1
    return objects, bad


def stream(text: str) -> Iterator[dict[str, Any]]:
    """The objects of an array, or one after the other, up to what is none."""
    decoder = json.JSONDecoder()
    position = 0
    while match := _BETWEEN.match(text, position):
        try:
            value, position = decoder.raw_decode(text, match.end())
        except (ValueError, RecursionError):
            return
        if not isinstance(value, dict):
            return
        yield value


def columns_of(objects: list[dict[str, Any]]) -> tuple[Column, ...]:
    """One column per key, in first-seen order, of the types that are no accidents (schema.TOLERATED_SHARE)."""
    counts: dict[str, dict[str, int]] = {}
    types: dict[str, dict[str, Type]] = {}
    for record in objects:
        for name, value in record.items():
            kind = _type(value)
            family = _family(kind)
            by_family = types.setdefault(name, {})
            by_family[family] = widen(by_family.get(family, UNKNOWN), kind)
            if family:
                votes = counts.setdefault(name, {})
                votes[family] = votes.get(family, 0) + 1
    columns: dict[str, Column] = {}
    for name, by_family in types.items():
        kind = UNKNOWN
        for family in settle(counts.get(name, {})):
            kind = widen(kind, by_family[family])
        column = Column(name, kind)
        # Names that differ in case only are one column in the catalog.
        known = columns.get(column.glue_name)
        columns[column.glue_name] = Column(known.name, widen(known.type, kind)) if known else column
    return tuple(columns.values())


def _family(kind: Type) -> str:
    if isinstance(kind, str):
        return "number" if kind in ("int", "bigint", "double") else kind
    return "array" if isinstance(kind, Array) else "struct"


def _type(value: Any, depth: int = 0) -> Type:
    if depth > _MOST_DEPTH:
        return "string"
    if isinstance(value, list):
        return Array(widest(_type(item, depth + 1) for item in value))
    if isinstance(value, dict) and value:
        return Struct(tuple((name, _type(inner, depth + 1)) for name, inner in value.items()))
    if isinstance(value, int) and not isinstance(value, bool):
        return "int" if -_INT_END <= value < _INT_END else "bigint" if -_BIGINT_END <= value < _BIGINT_END else "double"
    return _SCALARS.get(type(value), "string")  # an empty object is no struct that Hive could have


_SCALARS: Mapping[type, Type] = {type(None): UNKNOWN, bool: "boolean", float: "double"}
