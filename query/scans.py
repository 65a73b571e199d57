"""What a SQL worker is told to read: plain data, made from the catalog by the planner, turned into views by the worker.

No SQL is written in the control process and no secret or catalog is known to the worker beyond this.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Filter:
    """One condition that every row read must satisfy: ``column operator values`` (``=``, ``<``, ``in``, …)."""

    column: str
    operator: str
    values: tuple[int | str, ...]


@dataclass(frozen=True)
class Reference:
    """A table that a statement names. ``filters`` has one list per place where it stands; none: read it all.

    ``optional`` marks a name that may as well be one of the statement's own (a CTE).
    """

    database: str | None
    name: str
    optional: bool = False
    filters: tuple[tuple[Filter, ...], ...] = ()


@dataclass(frozen=True)
class Analysis:
    """What a statement is: ``kind`` is "select", "databases", "tables" or "describe"."""

    kind: str
    references: tuple[Reference, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Analysis:
        references = [
            Reference(
                one["database"],
                one["name"],
                one["optional"],
                tuple(
                    tuple(Filter(f["column"], f["operator"], tuple(f["values"])) for f in place)
                    for place in one["filters"]
                ),
            )
            for one in value["references"]
        ]
        return cls(value["kind"], tuple(references))


@dataclass(frozen=True)
class Part:
    """Files that share partition values, as text in the order of the keys; ``size`` is their bytes."""

    files: list[str]
    values: list[str]
    size: int = 0


@dataclass(frozen=True)
class Scan:
    """One table to read. ``columns`` and ``keys`` are ``[name, Hive type]``; ``hive`` says that the files' paths
    spell the partition values, so that they need not be told one by one."""

    database: str
    name: str
    format: str
    columns: list[tuple[str, str]]
    keys: list[tuple[str, str]]
    parts: list[Part]
    hive: bool = False
    csv: dict[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> list[str]:
        return [file for part in self.parts for file in part.files]


@dataclass(frozen=True)
class Plan:
    """Everything a worker needs for one statement. ``storage`` is the object store's address and the keys to it.

    ``rows`` answers a SHOW or DESCRIBE: column names, and rows of text. ``tolerant`` reads Parquet files whose
    columns differ from the catalog's, and CSV files that are no UTF-8.
    """

    scans: list[Scan] = field(default_factory=list)
    database: str | None = None
    storage: dict[str, Any] = field(default_factory=dict)
    tolerant: bool = False
    names: list[str] = field(default_factory=list)
    rows: list[list[str]] | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Plan:
        scans = [Scan(**{**one, "parts": [Part(**part) for part in one["parts"]]}) for one in value["scans"]]
        return cls(**{**value, "scans": scans})
