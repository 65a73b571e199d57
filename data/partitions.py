"""Hive partition paths: ``year=2013/month=1``, with Hive's escaping of special characters."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

# Hive's FileUtils.charToEscape (Apache Hive, Apache-2.0): control characters and the characters below.
_SPECIAL = frozenset("\"#%'*/:=?\\\x7f{[]^") | {chr(code) for code in range(1, 32)}
DEFAULT_PARTITION = "__HIVE_DEFAULT_PARTITION__"  # Hive's name for a null or empty partition value


def escape(value: str) -> str:
    """One partition value as it stands in a path."""
    if value == "":
        return DEFAULT_PARTITION
    return "".join(f"%{ord(char):02X}" if char in _SPECIAL else char for char in value)


def partition_path(keys: Sequence[str], values: Sequence[str]) -> str:
    """``k1=v1/k2=v2`` for the values of one partition, in the order of the keys."""
    return "/".join(f"{escape(key)}={escape(value)}" for key, value in zip(keys, values, strict=True))


def parse_partition_path(path: str) -> list[tuple[str, str]]:
    """The leading ``key=value`` folders of a path relative to its table; folders of another form end the list."""
    found = []
    for folder in path.split("/")[:-1] if not path.endswith("/") else path.rstrip("/").split("/"):
        key, equals, value = folder.partition("=")
        if not equals or not key:
            break
        found.append((unquote(key), unquote(value)))
    return found
