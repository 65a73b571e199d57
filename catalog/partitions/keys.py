"""The text under which a partition is stored: its values one behind the other, so that texts sort as they do.

Each is encoded as an index on a string key has it (:mod:`lakelet.catalog.partitions.values`), whatever the type of its
key: what is sorted by keys is sorted by the values of those that are strings. No value can imitate a separator.
"""

from __future__ import annotations

from collections.abc import Sequence

from lakelet.catalog.partitions.values import END, NONE, SOME, Kind, encoder, unescaped
from lakelet.data.partitions import DEFAULT_PARTITION

_NO_VALUES = SOME  # of a table without partition keys
_encoded = encoder(Kind.TEXT)


def key_of(values: Sequence[str]) -> str:
    """The key of a partition with these values."""
    return "".join([_encoded(text) for text in values]) or _NO_VALUES


def values_of(key: str) -> tuple[str, ...]:
    """The inverse of :func:`key_of`."""
    *parts, nulls = key.split(END)
    if not (nulls or "\x01\x02" in key or "\x01\x03" in key or key[0] == NONE or END + NONE in key):
        return tuple([part[1:] for part in parts])  # nothing is null or escaped; much faster
    if key == _NO_VALUES:
        return ()
    texts: list[str] = []
    for part in parts:
        text = part.lstrip(NONE)  # the nulls before it; a text begins with SOME
        texts += [DEFAULT_PARTITION] * (len(part) - len(text))
        texts.append(unescaped(text[1:]))
    return (*texts, *([DEFAULT_PARTITION] * len(nulls)))
