"""What a crawler's targets cover: objects listed from the store, less what its exclusions name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakelet.data.objects import StoredObject, list_objects
from lakelet.data.table_formats import delta_tables
from lakelet.data.zones import split_uri, uri
from lakelet.workspace.errors import InvalidInputException


@dataclass(frozen=True)
class Target:
    """One S3 target: a bucket and the folder in it ("" or "path/"), exclusions, and files to read per folder."""

    bucket: str
    prefix: str
    exclusions: tuple[str, ...] = ()
    sample_size: int | None = None
    patterns: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "patterns", tuple(glob_pattern(one) for one in self.exclusions))

    @classmethod
    def of(cls, target: dict[str, Any]) -> Target:
        """The target of a Glue S3Target.

        Raises :class:`~lakelet.workspace.errors.LakeletError` for a bad path or glob.
        """
        bucket, key = split_uri(target["Path"])
        prefix = key if not key or key.endswith("/") else f"{key}/"
        return cls(bucket, prefix, tuple(target.get("Exclusions", ())), target.get("SampleSize"))

    @property
    def uri(self) -> str:
        return uri(self.bucket, self.prefix)

    @property
    def name(self) -> str:
        """The folder's name, or the bucket's: what a table that begins here is called."""
        return self.prefix.rstrip("/").rsplit("/", 1)[-1] or self.bucket

    def relative(self, item: StoredObject) -> str:
        return item.key[len(self.prefix) :]


def list_target(client: Any, target: Target, note: Callable[[str], None]) -> list[StoredObject]:
    """Every data object of the target that no exclusion names, in key order; but for those of Delta tables, whose files
    are more than their rows. ``note`` is told of these.
    """
    skipped: set[str] = set()
    objects = [
        item
        for item in list_objects(client, target.bucket, target.prefix, skipped)
        if not any(pattern.fullmatch(target.relative(item)) for pattern in target.patterns)
    ]
    deltas = tuple(sorted(delta_tables(skipped)))
    for folder in deltas:
        note(f"{target.uri}{folder} is a Delta table, which crawlers leave out: a job can register it.")
    return [item for item in objects if not target.relative(item).startswith(deltas)] if deltas else objects


def to_read(target: Target, objects: Sequence[StoredObject]) -> list[StoredObject]:
    """The objects to read: all of them, or with a SampleSize that many per folder, the largest first."""
    if target.sample_size is None:
        return list(objects)
    folders: dict[str, list[StoredObject]] = {}
    for item in objects:
        folders.setdefault(item.key.rpartition("/")[0], []).append(item)
    chosen = []
    for inside in folders.values():
        chosen += sorted(inside, key=lambda item: (-item.size, item.key))[: target.sample_size]
    return sorted(chosen, key=lambda item: item.key)


def only_new(target: Target, objects: Sequence[StoredObject], folders: Collection[str]) -> list[StoredObject]:
    """Of objects to read, those in none of the ``folders`` (URIs) that an earlier crawl has seen.

    Of a folder that was seen and is no ``key=value`` one stays its largest object: what it holds says to which table
    its new neighbours belong.
    """
    chosen: list[StoredObject] = []
    largest: dict[str, StoredObject] = {}
    for item in objects:
        folder = item.key.rpartition("/")[0]
        parts = folder.split("/")
        above = (uri(item.bucket, "/".join(parts[:depth]) + "/") for depth in range(len(parts), 0, -1))
        if not any(one in folders for one in above) and item.uri not in folders:
            chosen.append(item)
        elif "=" not in target.relative(item) and item.size > getattr(largest.get(folder), "size", -1):
            largest[folder] = item
    return sorted([*chosen, *largest.values()], key=lambda item: item.key)


def glob_pattern(glob: str) -> re.Pattern[str]:
    """A Glue exclude pattern ("Include and exclude patterns", AWS Glue Developer Guide) as a regular expression.

    ``*`` and ``?`` stay within a folder, ``**`` crosses folders, ``[a-z]`` and ``[!a]`` are sets, ``{a,b}`` is a
    choice, and a backslash takes the next character as it is. Raises
    :class:`~lakelet.workspace.errors.InvalidInputException` for an open set or choice.
    """
    parts: list[str] = []
    position = 0
    depth = 0
    while position < len(glob):
        char = glob[position]
        position += 1
        if char == "*":
            crosses = glob.startswith("*", position)
            position += crosses
            parts.append(".*" if crosses else "[^/]*")
        elif char == "?":
            parts.append("[^/]")
        elif char == "[":
            end = glob.find("]", position + 1)
            if end < 0:
                raise InvalidInputException(f"The exclusion {glob!r} opens a [ and does not close it.")
            inside = glob[position:end].replace("\\", "\\\\").replace("[", "\\[")
            parts.append(f"(?!/)[^{inside[1:]}]" if inside.startswith("!") else f"(?!/)[{inside}]")
            position = end + 1
        elif char == "{":
            depth += 1
            parts.append("(?:")
        elif char == "}" and depth:
            depth -= 1
            parts.append(")")
        elif char == "," and depth:
            parts.append("|")
        elif char == "\\" and position < len(glob):
            parts.append(re.escape(glob[position]))
            position += 1
        else:
            parts.append(re.escape(char))
    if depth:
        raise InvalidInputException(f"The exclusion {glob!r} opens a {{ and does not close it.")
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error as error:
        raise InvalidInputException(f"The exclusion {glob!r} is not a pattern: {error}.") from None
