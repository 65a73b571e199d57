"""``agg({"column": "function"})`` on Sail: its columns stand where Spark puts them, which is not as they are given. A
dict goes to Spark's JVM as a HashMap of Java's, and becomes a Map of Scala's there: of up to four in the order of the
former, of more in that of its own trie. Both go by the hashes of the names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

_BUCKETS, _KEPT, _BITS = 16, 4, 5
_WORD = 0xFFFFFFFF


def install(workspace: Workspace) -> None:
    """Stand before the two places where a dict is taken."""
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.group import GroupedData

    for kind in (DataFrame, GroupedData):
        engine.replace(kind, "agg", _ordered(kind.agg))
    for name in ("rollup", "cube"):
        engine.replace(DataFrame, name, _of_columns(getattr(DataFrame, name)))


def _ordered(original: Any) -> Any:
    def agg(self: Any, *exprs: Any) -> Any:
        if len(exprs) == 1 and isinstance(exprs[0], dict) and all(isinstance(name, str) for name in exprs[0]):
            exprs = ({name: exprs[0][name].lower() for name in in_order(exprs[0])},)
        return original(self, *exprs)

    return agg


def _of_columns(original: Any) -> Any:
    """``rollup`` and ``cube`` take a list of columns on Spark, too."""

    def grouped(self: Any, *cols: Any) -> Any:
        return original(self, *(cols[0] if len(cols) == 1 and isinstance(cols[0], list) else cols))

    return grouped


def in_order(names: Iterable[str]) -> list[str]:
    """Names in the order that they have in Spark."""
    hashed = [(_hash(name), name) for name in names]
    if len(hashed) > _KEPT:
        return _of_trie([(_improved(hash_), name) for hash_, name in hashed], 0)
    return [name for _, name in sorted(hashed, key=lambda one: (one[0] ^ one[0] >> 16) % _BUCKETS)]


def _hash(name: str) -> int:
    """Java's hash of a text."""
    made = 0
    units = name.encode("utf-16-be")
    for at in range(0, len(units), 2):
        made = (made * 31 + (units[at] << 8) + units[at + 1]) & _WORD
    return made


def _improved(made: int) -> int:
    """A hash as Scala's trie has it."""
    made = made + ~(made << 9) & _WORD
    made ^= made >> 14
    made = made + (made << 4) & _WORD
    return made ^ made >> 10


def _of_trie(hashed: list[tuple[int, str]], depth: int) -> list[str]:
    """A node of Scala's trie: what is alone at its place, and then the nodes of the others."""
    places: dict[int, list[tuple[int, str]]] = {}
    for one in hashed:
        places.setdefault((one[0] >> (_BITS * depth)) % (1 << _BITS), []).append(one)
    groups = [group for _, group in sorted(places.items())]
    alone = [group[0][1] for group in groups if len(group) == 1]
    if depth * _BITS > 32:  # names of one hash
        return [name for group in groups for _, name in group]
    return alone + [name for group in groups if len(group) > 1 for name in _of_trie(group, depth + 1)]
