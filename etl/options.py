"""Options that are true or false: scripts give Python's bools as well as text, as AWS's own examples do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workspace.errors import UsageError


def flag(options: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """An option that is true or false, as a bool or as text; None and "" are ``default``. Raises UsageError."""
    given = options.get(name)
    text = str(default if given is None or given == "" else given).strip().lower()
    if text not in ("true", "false"):
        raise UsageError(f"The option {name} is {given!r}, and takes true or false.")
    return text == "true"
