"""How JSON lines spell the fields of a table, for readers that take a key as it is written.

The beginnings of objects tell it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyspark.sql import types as T

from lakelet.data.json_keys import JsonKeys
from lakelet.workspace.errors import InvalidInputException


def spelled(declared: T.StructType, beginnings: Iterable[bytes], keys: JsonKeys) -> T.StructType:
    """The columns of a table with the keys, at any depth, that JSON lines at the beginnings of objects (decompressed)
    have; what is in none of them as ``declared``.

    Raises InvalidInputException when records spell the key of one field in two ways, and for a key inside of a value
    that differs by more than its case.
    """
    return _struct(declared, list(_records(beginnings)), keys, inside=False)


def _spelled(kind: T.DataType, values: Sequence[Any], keys: JsonKeys) -> T.DataType:
    if isinstance(kind, T.StructType):
        return _struct(kind, [one for one in values if isinstance(one, dict)], keys, inside=True)
    if isinstance(kind, T.ArrayType):
        inner = [one for value in values if isinstance(value, list) for one in value]
        return T.ArrayType(_spelled(kind.elementType, inner, keys), kind.containsNull)
    if isinstance(kind, T.MapType):
        inner = [one for value in values if isinstance(value, dict) for one in value.values()]
        return T.MapType(kind.keyType, _spelled(kind.valueType, inner, keys), kind.valueContainsNull)
    return kind


def _struct(kind: T.StructType, records: Sequence[Mapping[str, Any]], keys: JsonKeys, *, inside: bool) -> T.StructType:
    of = replace(keys, mapping={}) if inside else keys  # only columns are mapped
    names = of.by_key(kind.names)
    written: dict[str, str] = {}
    for record in records:
        own: dict[str, str] = {}
        for key in record:
            name = names.get(of.folded(key))
            if name is not None and own.get(name) != of.declared(name):
                own[name] = key
        for name, key in own.items():
            if written.setdefault(name, key) != key:
                raise InvalidInputException(
                    f"The key of {name} is written {written[name]!r} and {key!r} in JSON: spark.sql on the engine "
                    "spark reads both."
                )
    fields = []
    for field in kind.fields:
        key = written.get(field.name, of.declared(field.name))
        if inside and key.lower() != field.name.lower():  # a dot in it
            raise InvalidInputException(
                f"The key {key!r} of {field.name} lies inside of a column and has another name: spark.sql on the "
                "engine spark reads it."
            )
        values = [record[key] for record in records if key in record]
        fields.append(T.StructField(key, _spelled(field.dataType, values, keys), field.nullable))
    return T.StructType(fields)


def _records(beginnings: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    for content in beginnings:
        for line in content.splitlines():
            try:
                record = json.loads(line)
            except ValueError:  # an error record, or the line at which the beginning ends
                continue
            if isinstance(record, dict):
                yield record
