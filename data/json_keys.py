"""Which keys of JSON lines belong to which columns of a table.

Columns that Athena's DDL makes are lower case; its SerDes for JSON find keys whatever their case, and take properties
that say otherwise ("OpenX JSON SerDe" and "Hive JSON SerDe", Amazon Athena User Guide). Spark reads tables by them in
the JVM (JsonTables.scala), ``from_catalog`` by :mod:`lakelet.etl.json_names`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from lakelet.workspace.errors import InvalidInputException

_MAPPING = "mapping."
_ANY_CASE, _DOTS, _FORGIVING = "case.insensitive", "dots.in.keys", "ignore.malformed.json"
# What they heed and we do not; what is none of theirs has no effect on AWS either.
_NOT_SERVED = frozenset({"timestamp.formats", "explicit.null", "convertdotsinjsonkeystounderscores"})


@dataclass(frozen=True)
class JsonKeys:
    """``mapping``: the key of a column (lower case) that has one of its own; ``any_case``: keys are found whatever
    their case; ``dots``: a dot in a key is an underscore in a column."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    any_case: bool = True
    dots: bool = False

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """What the properties of a Glue Table's SerDe say. Raises InvalidInputException for one that is not served."""
        serde = (table.get("StorageDescriptor") or {}).get("SerdeInfo") or {}
        given = {name.lower(): str(value) for name, value in (serde.get("Parameters") or {}).items()}
        mapping = {name.removeprefix(_MAPPING): key for name, key in given.items() if name.startswith(_MAPPING)}
        for name, value in given.items():
            if name in _NOT_SERVED and value.strip().lower() != "false":
                raise InvalidInputException(
                    f"The table {table.get('Name', '')!r} has the SerDe property {name!r}, which is not served: use "
                    f"{_ANY_CASE}, {_DOTS}, {_FORGIVING} and {_MAPPING}<column>, or remove it."
                )
        keys = cls(mapping, _said(given, _ANY_CASE, "true"), _said(given, _DOTS, "false"))
        columns = (table.get("StorageDescriptor") or {}).get("Columns") or ()
        keys.by_key([column["Name"] for column in columns])
        return keys

    def declared(self, column: str) -> str:
        """The key that a column has in JSON, but for its case."""
        return self.mapping.get(column.lower(), column)

    def by_key(self, columns: Sequence[str]) -> dict[str, str]:
        """The columns by their keys, folded. Raises InvalidInputException for two that have the same."""
        names: dict[str, str] = {}
        for name in columns:
            if (other := names.setdefault(self.folded(self.declared(name)), name)) != name:
                raise InvalidInputException(
                    f"The columns {other} and {name} have the key {self.declared(name)!r} of JSON both: give each its "
                    f"own by {_MAPPING}<column>."
                )
        return names

    def folded(self, key: str) -> str:
        """What keys of one column have in common."""
        cased = key.lower() if self.any_case else key
        return cased.replace(".", "_") if self.dots else cased


def _said(given: Mapping[str, str], name: str, default: str) -> bool:
    return given.get(name, default).strip().lower() == "true"
