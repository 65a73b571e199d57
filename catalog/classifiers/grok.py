"""Grok: named regular expressions put together, ``%{NUMBER:bytes:int}`` ("Writing grok custom classifiers", AWS Glue
Developer Guide).

They are matched by RE2, whose time grows with the text and never with the pattern's wit; what RE2 has not (looking
ahead or behind, references to groups, possessive quantifiers) is refused when the classifier is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lakelet.catalog.classifiers.grok_patterns import PATTERNS
from lakelet.workspace.errors import InvalidInputException

# What a field may be cast to, as Glue's column types.
CASTS: Mapping[str, str] = {
    "byte": "tinyint", "boolean": "boolean", "double": "double", "short": "smallint", "int": "int", "long": "bigint",
    "float": "float", "string": "string",
}  # fmt: skip

_USE = re.compile(r"%\{(\w+)(?::([^:{}\s]+))?(?::(\w+))?\}")
_MOST_CHARACTERS, _MOST_DEPTH = 100_000, 30
_MEMORY = 32 << 20


@dataclass(frozen=True)
class Grok:
    """A compiled pattern: ``fields`` are the columns, in order, with their Glue types."""

    fields: tuple[tuple[str, str], ...]
    _compiled: Any = field(repr=False)
    _groups: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, pattern: str, custom: str = "") -> Grok:
        """Compile a GrokPattern; ``custom`` are lines of a name and its regular expression.

        Raises InvalidInputException for a pattern that does not exist, runs in circles or cannot be matched.
        """
        known = dict(PATTERNS) | _custom(custom)
        fields: list[tuple[str, str, str]] = []
        expanded = _expand(pattern, known, fields, ())
        columns: dict[str, str] = {}
        for _, name, kind in fields:
            columns.setdefault(name, kind)
        if not columns:
            raise InvalidInputException("The GrokPattern names no field: write %{PATTERN:field}.")
        firsts = tuple(next(group for group, other, _ in fields if other == name) for name in columns)
        return cls(tuple(columns.items()), _compile(expanded), firsts)

    def match(self, line: str) -> dict[str, str | None] | None:
        """The fields of a line; None when it is no such line."""
        found = self._compiled.search(line)
        if found is None:
            return None
        return {name: found[group] for (name, _), group in zip(self.fields, self._groups, strict=True)}


def _custom(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, _, expression = line.strip().partition(" ")
        if not re.fullmatch(r"\w+", name) or not expression.strip():
            raise InvalidInputException(f"A line of CustomPatterns is no name and expression: {line[:100]!r}.")
        found[name] = expression.strip()
    return found


def _expand(text: str, known: Mapping[str, str], fields: list[tuple[str, str, str]], inside: tuple[str, ...]) -> str:
    """The regular expression of a pattern; ``fields`` gets group, name and type of each field in it."""
    parts, end, size = [], 0, 0
    for use in _USE.finditer(text):
        name, column, cast = use.groups()
        if name not in known:
            raise InvalidInputException(f"There is no grok pattern {name}: define it in CustomPatterns.")
        if name in inside or len(inside) > _MOST_DEPTH:
            raise InvalidInputException(f"The grok pattern {name} uses itself.")
        if cast is not None and cast not in CASTS:
            raise InvalidInputException(f"The field {column} cannot be of the type {cast}: use {', '.join(CASTS)}.")
        opening = "(?:"
        if column:
            opening = f"(?P<field{len(fields)}>"
            fields.append((f"field{len(fields)}", column, CASTS[cast or "string"]))
        inner = _expand(known[name], known, fields, (*inside, name))
        if inner.rfind("\\Q") > inner.rfind("\\E"):
            inner += "\\E"  # a quotation without an end goes to the end of its own pattern
        parts += [text[end : use.start()], opening, inner, ")"]
        end = use.end()
        size += len(inner)
        if size > _MOST_CHARACTERS:
            raise InvalidInputException("The GrokPattern is too large once its patterns are put together.")
    return "".join([*parts, text[end:]])


def _compile(expression: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(expression, options)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if error.args else error
        reason = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise InvalidInputException(
            f"The GrokPattern cannot be used ({reason}): looking ahead or behind and references are not served."
        ) from None
