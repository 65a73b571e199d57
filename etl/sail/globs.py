"""Patterns in the paths of a read on Sail, which takes none: the objects and folders that they match, which Spark reads
as if they were named. (org.apache.hadoop.fs.GlobPattern)
"""

from __future__ import annotations

import re

from etl.sail import engine
from etl.sail.objects import objects_at
from workspace.paths import Workspace

_SIGNS = re.compile(r"[*?\[{]")
_PIECE = re.compile(
    r"\\(?P<plain>.)|(?P<many>\*)|(?P<one>\?)"
    r"|\[(?P<not>[!^])?(?P<set>[^\]]+)\]|\{(?P<any>[^{}]*)\}|(?P<as>.)"
)


def matched(workspace: Workspace, path: str) -> list[str]:
    """What a path with a pattern in it matches, in order; a path without one itself."""
    if not _SIGNS.search(path):
        return [path]
    if re.search(r"\{[^}]*/", path):
        raise engine.refused(f"The pattern {path} of spark.read, which is of several folders in braces,")
    parts = path.rstrip("/").split("/")
    first = next(at for at, part in enumerate(parts) if _SIGNS.search(part))
    if "://" in path and first < 3:
        raise engine.refused(f"The pattern {path} of spark.read, which is of buckets,")
    folder, patterns = "/".join(parts[:first]), [re.compile(_pattern(part), re.DOTALL) for part in parts[first:]]
    found = set()
    for name in objects_at(workspace, folder):
        inside = name.split("/")
        chosen = inside[: len(patterns)]
        if len(chosen) < len(patterns) or not all(map(re.Pattern.fullmatch, patterns, chosen)):
            continue
        if chosen[-1].startswith(("_", ".")):  # an object is passed over by Spark, a folder is not
            if len(inside) > len(chosen):
                raise engine.refused(f"The pattern {path} of spark.read, which is of the folder {chosen[-1]}, too,")
            continue
        if _SIGNS.search("/".join(chosen)):
            raise engine.refused(f"The pattern {path} of spark.read, which is of {name}, itself one to Sail,")
        found.add("/".join((folder, *chosen)))
    return sorted(found)


def _pattern(part: str) -> str:
    """The regular expression of a part of a path."""
    return "".join(_told(piece) for piece in _PIECE.finditer(part))


def _told(piece: re.Match[str]) -> str:
    if piece["many"]:
        return ".*"
    if piece["one"]:
        return "."
    if piece["set"]:
        inside = re.sub(r"[\\\[^]", r"\\\g<0>", piece["set"])
        return f"[{'^' if piece['not'] else ''}{inside}]"
    if piece["any"] is not None:
        return f"(?:{'|'.join(map(_pattern, piece['any'].split(',')))})"
    return re.escape(piece["plain"] or piece["as"])
