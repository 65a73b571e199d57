"""Options that are true or false, and numbers: scripts give Python's as well as text, as AWS's own examples do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lakelet.workspace.errors import UsageError


def flag(options: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """An option that is true or false, as a bool or as text; None and "" are ``default``. Raises UsageError."""
    given = options.get(name)
    text = str(default if given is None or given == "" else given).strip().lower()
    if text not in ("true", "false"):
        raise UsageError(f"The option {name} is {given!r}, and takes true or false.")
    return text == "true"


def whole(options: Mapping[str, Any], name: str, default: int, lowest: int = 1) -> int:
    """An option that is a whole number from ``lowest``, as a number or as text; None and "" are ``default``.

    Raises UsageError.
    """
    given = options.get(name)
    text = str(default if given is None or given == "" else given).strip()
    if not (text.isascii() and text.isdecimal()) or int(text) < lowest:
        raise UsageError(f"The option {name} is {given!r}, and takes a whole number from {lowest}.")
    return int(text)


def number(options: Mapping[str, Any], name: str, default: float) -> float:
    """An option that is a finite number, as a number or as text; None and "" are ``default``. Raises UsageError."""
    given = options.get(name)
    try:
        found = float(default if given is None or given == "" else given)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise UsageError(f"The option {name} is {given!r}, and takes a number.")
    return found
