"""Patterns as paths of ``spark.read``, which Sail does not expand: Hadoop's globs, told by what lies there."""

from __future__ import annotations

import re

from lakelet.data.zones import PRIVATE_PREFIX, S3, split_uri
from lakelet.etl.sail import engine
from lakelet.etl.sail.objects import is_read, objects_at
from lakelet.workspace.paths import Workspace

_SIGNS = re.compile(r"[*?\[\]{}\\]")
_PARTS = re.compile(r"\[[^\]]+\]|.", re.DOTALL)  # of a pattern: a class of characters, or one sign
_WORDS = {"*": ".*", "?": ".", "{": "(?:", "}": ")"}


def is_pattern(path: str) -> bool:
    """Whether Spark takes a path for a pattern."""
    return bool(_SIGNS.search(path))


def expanded(workspace: Workspace, pattern: str) -> dict[str, dict[str, int]]:
    """The folders and objects that a pattern finds, in their order, each with the objects that lie at it as
    :func:`~lakelet.etl.sail.objects.objects_at` tells them.

    Raises UnsupportedError for a pattern with an escape, braces across folders, one in the place of a bucket, and for
    one that finds a folder whose name hides it.
    """
    parts = pattern.rstrip("/").split("/")
    first = next(place for place, part in enumerate(parts) if is_pattern(part))
    wanted = [part for part in parts[first:] if part]
    if "\\" in pattern or (first < 3 and f"{parts[0]}//" in S3) or any(p.count("{") != p.count("}") for p in wanted):
        raise engine.refused(f"The pattern {pattern} of spark.read")
    start = "/".join(parts[:first])
    words = [re.compile(_regex(part), re.DOTALL) for part in wanted]
    hidden: set[str] = set()
    found: dict[str, dict[str, int]] = {}
    there = objects_at(workspace, start or ".", hidden)
    for place in hidden:  # Spark reads those that a pattern finds
        own = place.strip("/").split("/")[: len(words)]
        found_so = all(word.fullmatch(part) for word, part in zip(words, own, strict=False))
        if found_so and not is_read("/".join(own)) and f"{own[0]}/" != PRIVATE_PREFIX:
            raise engine.refused(f"The pattern {pattern} of spark.read, which finds the hidden folder {place},")
    for name, size in sorted(there.items()):
        own = name.split("/")
        if len(own) < len(words) or not all(word.fullmatch(part) for word, part in zip(words, own, strict=False)):
            continue
        path, rest = "/".join([start, *own[: len(words)]]), "/".join(own[len(words) :])
        if rest or is_read(own[-1]):
            found.setdefault(path, {})[rest or _whole(path)] = size
    return found


def _regex(part: str) -> str:
    """A regular expression of a folder's or object's pattern."""
    made, braces = [], 0
    for one in _PARTS.findall(part):
        braces += (one == "{") - (one == "}")
        if len(one) > 1:
            made.append(f"[{one[1:].replace('!', '^', 1) if one[1] == '!' else one[1:]}")
        else:
            made.append("|" if one == "," and braces else _WORDS.get(one) or re.escape(one))
    return "".join(made)


def _whole(path: str) -> str:
    return split_uri(path)[1] if path.startswith(S3) else path.rpartition("/")[2]
