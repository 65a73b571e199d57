"""The ``transformation_ctx`` of a script's sources, sinks and purges, recorded in the folder of its run.

On AWS they are the keys of job bookmarks (AWS Glue Developer Guide, "Tracking processed data using job bookmarks").
There are no bookmarks here yet: the record says which key a script gives to what, and `lakelet jobs show` shows it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import RUN_VARIABLE

READS, WRITES, PURGES = "reads", "writes", "purges"
_FILE = "transformation_ctx.jsonl"
_PLACES = ("path", "paths")  # of connection options on S3; others may hold passwords


def record(workspace: Workspace, ctx: str, does: str, what: str) -> None:
    """Append that a source, sink or purge has the context ``ctx``; nothing without one, or outside a run.

    ``does`` is READS, WRITES or PURGES; ``what`` a table as ``database.name``, or :func:`place`.
    """
    run = os.environ.get(RUN_VARIABLE)
    if not ctx or not run:
        return
    line = json.dumps({"transformation_ctx": str(ctx), "does": does, "what": what})
    with open(workspace.runs / run / _FILE, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def place(connection_type: str, options: Mapping[str, Any]) -> str:
    """What lies behind a connection, as it is recorded: the paths on S3, of others the type alone."""
    given = [options[name] for name in _PLACES if options.get(name)] if connection_type == "s3" else []
    paths = [path for one in given for path in ([one] if isinstance(one, str) else one)]
    return " ".join(map(str, paths)) or connection_type


def recorded(folder: Path) -> dict[str, list[str]]:
    """By transformation context, what it was given to (``reads silver.flights``), in the script's order; of a run by
    its folder. Empty when nothing was recorded."""
    found: dict[str, list[str]] = {}
    try:
        lines = (folder / _FILE).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for one in map(json.loads, lines):
        said, uses = f"{one['does']} {one['what']}", found.setdefault(one["transformation_ctx"], [])
        if said not in uses:  # a run that went from Sail to Spark says all of it again
            uses.append(said)
    return found
