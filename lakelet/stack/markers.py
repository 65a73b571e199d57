"""Markers: what the cache says of each part that it holds complete. A part without one is not installed."""

from __future__ import annotations

import json
from pathlib import Path

from lakelet.stack.download import sha256
from lakelet.stack.parts import Part
from lakelet.workspace.files import write_atomic


def installed(root: Path, part: Part) -> bool:
    """Whether the cache holds this part, complete and of this version."""
    marker = read_marker(root, part.name)
    if not marker or marker.get("digest") != part.digest:
        return False
    # A file (MinIO's binary) is known again by its size, here; `check` compares the checksum.
    return part.target.is_dir() or (part.target.is_file() and part.target.stat().st_size == marker.get("size"))


def read_marker(root: Path, name: str) -> dict[str, object] | None:
    """The marker of the part of this name: its version and digest, and of a file its size and sha256."""
    try:
        marker = json.loads(marker_path(root, name).read_text())
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return marker if isinstance(marker, dict) else None


def write_marker(root: Path, part: Part) -> None:
    """Mark a part as complete."""
    facts: dict[str, object] = {"version": part.version, "digest": part.digest}
    if part.target.is_file():
        facts |= {"size": part.target.stat().st_size, "sha256": sha256(part.target)}
    write_atomic(marker_path(root, part.name), json.dumps(facts).encode())


def marker_path(root: Path, name: str) -> Path:
    """Where the marker of a part lies in the cache ``root``."""
    return root / "markers" / f"{name}.json"
