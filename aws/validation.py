"""The constraints of AWS's service models: required members, lengths, ranges, patterns, enumerations.

Types are checked while a request is read (``aws.protocol.values``). Messages have AWS's own form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import Shape

from workspace.errors import ValidationException

_SHOWN = 200  # characters of a refused value that its message repeats
# Java's spelling of "every character beyond the basic plane", which Python's patterns write as one range.
_ASTRAL = "\U00010000-\U0010ffff"
_SURROGATES = ((r"\uD800\uDC00-\uDBFF\uDFFF", _ASTRAL), (r"\ud800\udc00-\udbff\udfff", _ASTRAL))
# Unicode categories, which Python's patterns do not have, as the nearest class that is not narrower.
_CATEGORIES = (
    (r"\p{L}\p{N}\p{P}", r"\S"), (r"\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}", r"\s\S"), (r"\p{L}", r"\w"), (r"\p{M}", r"\w"),
    (r"\p{N}", r"\w"), (r"\p{Z}", r"\s"), (r"\p{P}", r"\W"), (r"\p{S}", r"\W"), (r"\p{C}", r"\W"),
    (r".*\S.*", r"[\s\S]*\S[\s\S]*"),  # texts of several lines (schema definitions) are taken, as by AWS
    (r"\p{ASCII}", "\x00-\x7f"), (r"\p{Alnum}", "a-zA-Z0-9"), (r"\p{Alpha}", "a-zA-Z"), (r"\p{Graph}", "\x21-\x7e"),
)  # fmt: skip


def validate(shape: Shape, value: dict[str, Any]) -> None:
    """Check a request's parameters; raises ValidationException that names every member at fault."""
    problems = list(_problems(shape, value, ""))
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise ValidationException(f"{len(problems)} validation error{plural} detected: {'; '.join(problems[:10])}")


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _structure_problems(shape, value, path)
        case "list":
            yield from _bounds(shape, len(value), value, path, "length")
            for position, item in enumerate(value, 1):
                yield from _problems(shape.member, item, f"{path}.{position}.member")
        case "map":
            yield from _bounds(shape, len(value), value, path, "length")
            for key, item in value.items():
                yield from _problems(shape.key, key, f"{path}.key")
                yield from _problems(shape.value, item, f"{path}.{key:.100}.member")
        case "string":
            yield from _bounds(shape, len(value), value, path, "length")
            if shape.enum and value not in shape.enum:
                yield _problem(value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")
            pattern = shape.metadata.get("pattern")
            if pattern and (compiled := compiled_pattern(pattern)) and not compiled.fullmatch(value):
                yield _problem(value, path, f"satisfy regular expression pattern: {pattern}")
        case "integer" | "long" | "float" | "double":
            yield from _bounds(shape, value, value, path, "value")
        case "blob":
            yield from _bounds(shape, len(value), "blob", path, "length")


def _structure_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if getattr(shape, "is_document_type", False):
        return
    for name in shape.required_members:
        if name not in value:
            yield f"Value null at '{_at(path, name)}' failed to satisfy constraint: Member must not be null"
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield _problem(sorted(value), path, "set exactly one of its members")
    members = shape.members
    for name, item in value.items():
        yield from _problems(members[name], item, _at(path, name))


def _bounds(shape: Shape, size: float, value: Any, path: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _problem(value, path, f"have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield _problem(value, path, f"have {what} less than or equal to {most}")


@cache
def compiled_pattern(pattern: str) -> re.Pattern[str] | None:
    """A model's (Java) pattern for Python; None for one that Python cannot express."""
    for java, python in (*_SURROGATES, *_CATEGORIES):
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _at(path: str, name: str) -> str:
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _problem(value: Any, path: str, constraint: str) -> str:
    shown = str(value)
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: Member must {constraint}"
