"""The JSON paths of classifiers: which values of a document are the records.

Of JsonPath, the operators are served that "Writing JSON custom classifiers" (AWS Glue Developer Guide) lists: ``$``,
``*``, ``.name``, ``['name']``, ``[n]`` and ``[*]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lakelet.workspace.errors import InvalidInputException

_STEP = re.compile(r"\.\*|\[\*\]|\.([^.\[\]*'\s]+)|\['([^']+)'\]|\[([0-9]{1,9})\]")
_MOST_STEPS = 50


@dataclass(frozen=True)
class JsonPath:
    """A path: names, positions, and None for every one."""

    steps: tuple[str | int | None, ...]

    @classmethod
    def of(cls, text: str) -> JsonPath:
        """Read a path; raises InvalidInputException."""
        steps: list[str | int | None] = []
        position = 1
        while text.startswith("$") and position < len(text) and (match := _STEP.match(text, position)):
            name = match[1] or match[2]
            steps.append(name if name else int(match[3]) if match[3] else None)
            position = match.end()
        if not text.startswith("$") or position != len(text) or len(steps) > _MOST_STEPS:
            raise InvalidInputException(
                f"The JsonPath {text[:100]!r} cannot be read: write $, $[*], $.records[*] or $['a']['b'][0]."
            )
        return cls(tuple(steps))

    def records(self, document: Any) -> Iterator[Any]:
        """The values that the path leads to."""
        found = [document]
        for step in self.steps:
            found = [inner for value in found for inner in _below(value, step)]
        return iter(found)


def _below(value: Any, step: str | int | None) -> list[Any]:
    if step is None:
        return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    if isinstance(step, int):
        return [value[step]] if isinstance(value, list) and step < len(value) else []
    return [value[step]] if isinstance(value, dict) and step in value else []
