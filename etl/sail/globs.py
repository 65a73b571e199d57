"""Patterns in the paths of ``spark.read`` (``s3://bucket/raw/month=*/*.json``), which Sail does not expand: what they
match by Hadoop's rules, part by part. Spark takes no keys of partitions from the folders that a pattern names.
"""

from __future__ import annotations

import re

from data.zones import S3
from etl.sail import engine
from etl.sail.objects import in_partitions, objects_at
from workspace.paths import Workspace

_SIGN = re.compile(r"[*?\[{]")
_TOKEN = re.compile(r"(\*)|(\?)|\[([!^]?)([^\[\]\\]+)\]|\{([^{}*?\[\]\\]*)\}|([^*?\[\]{}\\])")


def is_pattern(path: str) -> bool:
    """Whether a path has signs of a pattern."""
    return bool(_SIGN.search(path))


def matched(workspace: Workspace, path: str) -> dict[str, dict[str, int]]:
    """The folders and objects that a pattern matches, and of each the objects that lie there, named from there on, and
    their sizes in bytes. Raises UnsupportedError where Spark would read them otherwise."""
    parts = path.rstrip("/").split("/")
    first = next(at for at, part in enumerate(parts) if _SIGN.search(part))
    if first < (3 if path.startswith(S3) else 1):  # the bucket, or a relative path
        raise engine.refused(f"The pattern {path} of spark.read")
    root, forms = "/".join(parts[:first]), [_form(part, path) for part in parts[first:]]
    found: dict[str, dict[str, int]] = {}
    for name, size in objects_at(workspace, root).items():
        names = name.split("/")
        here, inside = names[: len(forms)], names[len(forms) :]
        if len(here) < len(forms) or not names[-1] or not all(map(re.fullmatch, forms, here)):
            continue
        if here[-1].startswith(("_", ".")) and "=" not in here[-1]:
            if inside:  # which Spark passes over, unless a pattern names it
                raise engine.refused(f"The pattern {path} of spark.read, which matches the folder {here[-1]},")
            continue
        place = "/".join([root, *here])
        found.setdefault(place, {})["/".join(inside) or _itself(place)] = size
    folders = [inside for place, inside in found.items() if _itself(place) not in inside]
    if len(found) > 1 and any(map(in_partitions, folders)):
        raise engine.refused(f"The pattern {path} of spark.read, which matches folders with partitions,")
    return dict(sorted(found.items()))


def _itself(place: str) -> str:
    """How an object is called that is read by its own path."""
    return place.split("/", 3)[3] if place.startswith(S3) else place.rpartition("/")[2]


def _form(part: str, path: str) -> str:
    """The regular expression of one part of a path."""
    form, at = "", 0
    while at < len(part):
        token = _TOKEN.match(part, at)
        if token is None:
            raise engine.refused(f"The pattern {path} of spark.read")
        many, one, beside, signs, words, plain = token.groups()
        if many or one:
            form += ".*" if many else "."
        elif signs:
            form += f"[{'^' * bool(beside)}{signs.replace('^', chr(92) + '^')}]"
        elif plain:
            form += re.escape(plain)
        else:
            form += f"(?:{'|'.join(map(re.escape, words.split(',')))})"
        at = token.end()
    return form
