"""What one object turned out to hold: Glue column types, how they widen, and the sample they came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lakelet.data.formats import DataFormat
from lakelet.data.objects import StoredObject

# A value that does not fit its column is an accident while fewer than one in a hundred do not.
TOLERATED_SHARE = 0.01

_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double")
UNKNOWN = ""  # the type of a column that only held nulls


@dataclass(frozen=True)
class Array:
    """Hive's ``array<…>``."""

    items: Type


@dataclass(frozen=True)
class Struct:
    """Hive's ``struct<name:type,…>``; fields keep the order in which they were first seen."""

    fields: tuple[tuple[str, Type], ...]


Type = str | Array | Struct  # a primitive by its Glue name; UNKNOWN while only nulls were seen


@dataclass(frozen=True)
class Column:
    """One column: its name as in the data, and its type."""

    name: str
    type: Type

    @property
    def glue_name(self) -> str:
        """The name in the catalog: Glue and Hive keep column names in lower case."""
        return self.name.strip().lower()


@dataclass(frozen=True)
class Storage:
    """What a classifier says on top of a format: another SerDe, parameters of the SerDe and of the table."""

    serde: str = ""
    serde_parameters: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """What reading (the beginning of) one object showed.

    ``rows`` were read from ``size`` uncompressed bytes; ``whole`` says that this was the entire object.
    ``header_lines`` and ``delimiter`` are CSV's; ``named`` is False for CSV columns without a heading.
    ``complaints`` are sentences on what was wrong with it, none of which kept it from being read.
    """

    object: StoredObject
    format: DataFormat
    columns: tuple[Column, ...]
    rows: int
    size: int
    whole: bool = True
    compression: str = "none"
    named: bool = True
    header_lines: int = 0
    delimiter: str = ","
    complaints: tuple[str, ...] = ()
    storage: Storage = Storage()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(column.glue_name for column in self.columns)


@dataclass(frozen=True)
class Unreadable:
    """An object that no classifier recognised, and why, as a clause: "is empty"."""

    object: StoredObject
    reason: str


@dataclass
class Votes:
    """The types that the values of one column had, by number of values; nulls do not vote."""

    by_type: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, count: int = 1) -> None:
        self.by_type[kind] = self.by_type.get(kind, 0) + count

    def winners(self) -> list[str]:
        """The types left once accidents (see ``TOLERATED_SHARE``) are set aside."""
        return settle(self.by_type)


def settle(counts: Mapping[str, int], tolerated: float = TOLERATED_SHARE) -> list[str]:
    """The kinds that remain when the rarest, together at most the ``tolerated`` share of all, are set aside."""
    allowed = sum(counts.values()) * tolerated
    kept = sorted(counts, key=lambda kind: (counts[kind], kind))
    while len(kept) > 1 and counts[kept[0]] <= allowed:
        allowed -= counts[kept[0]]
        kept.pop(0)
    return kept


def widen(one: Type, other: Type) -> Type:
    """The narrowest type that holds both; where there is none, ``string``, which holds the text of anything."""
    if other in (one, UNKNOWN):
        return one
    if one == UNKNOWN:
        return other
    if isinstance(one, Array) and isinstance(other, Array):
        return Array(widen(one.items, other.items))
    if isinstance(one, Struct) and isinstance(other, Struct):
        fields = dict(one.fields)
        for name, kind in other.fields:
            fields[name] = widen(fields[name], kind) if name in fields else kind
        return Struct(tuple(fields.items()))
    return _wider(one, other)


def _wider(one: Type, other: Type) -> str:
    if one in _NUMBERS and other in _NUMBERS:
        wider = max(str(one), str(other), key=_NUMBERS.index)
        # A bigint does not fit a float, but a double holds those that occur.
        return "double" if wider == "float" and "bigint" in (one, other) else wider
    return "timestamp" if {one, other} == {"date", "timestamp"} else "string"


def widest(types: Iterable[Type]) -> Type:
    """All of them widened into one; UNKNOWN of none."""
    result: Type = UNKNOWN
    for kind in types:
        result = widen(result, kind)
    return result


def glue_type(kind: Type) -> str:
    """The type as Glue writes it: ``bigint``, ``array<string>``, ``struct<lat:double,lon:double>``.

    A column that only held nulls is a string, as Glue's classifiers decide.
    """
    if isinstance(kind, Array):
        return f"array<{glue_type(kind.items)}>"
    if isinstance(kind, Struct):
        return "struct<" + ",".join(f"{name.lower()}:{glue_type(inner)}" for name, inner in kind.fields) + ">"
    return kind or "string"
