"""The constraints of AWS's service models: required members, lengths, ranges, patterns, enumerations.

Types are checked while a request is read (``lakelet.aws.protocol.values``). Messages have AWS's own form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from botocore.model import Shape

from lakelet.workspace.errors import ValidationException

Path = tuple[Any, str | int] | None  # a member's name or an item's position, after those of what holds it
Check = Callable[[Any, Path, list[str]], None]  # appends what is wrong with a value to the problems
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
    problems: list[str] = []
    if (check := _checker(shape)) is not None:
        check(value, None, problems)
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise ValidationException(f"{len(problems)} validation error{plural} detected: {'; '.join(problems[:10])}")


@cache
def _checker(shape: Shape) -> Check | None:
    """What checks the values of a shape; None when it has no constraints. Made once: requests may have thousands."""
    match shape.type_name:
        case "structure" if not getattr(shape, "is_document_type", False):
            return _structure_checker(shape)
        case "list":
            return _list_checker(shape)
        case "map":
            return _map_checker(shape)
        case "string":
            return _string_checker(shape)
        case "integer" | "long" | "float" | "double":
            return _bounds_checker(shape, "value", lambda value: value)
        case "blob":
            return _bounds_checker(shape, "length", len, lambda value: "blob")
        case _:
            return None


def _structure_checker(shape: Shape) -> Check:
    required, members = tuple(shape.required_members), shape.members
    union = getattr(shape, "is_tagged_union", False)
    made: dict[str, tuple[str, Check | None]] = {}  # as members come, for structures hold themselves

    def check(value: Any, path: Path, problems: list[str]) -> None:
        for name in required:
            if name not in value:
                place = _text((path, _spelled(name)))
                problems.append(f"Value null at '{place}' failed to satisfy constraint: Member must not be null")
        if union and len(value) != 1:
            problems.append(_problem(sorted(value), path, "set exactly one of its members"))
        for name, item in value.items():
            if name not in made:
                made[name] = _spelled(name), _checker(members[name])
            shown, member = made[name]
            if member is not None:
                member(item, (path, shown), problems)

    return check


def _list_checker(shape: Shape) -> Check:
    bounds, item = _bounds_checker(shape, "length", len), _checker(shape.member)

    def check(value: Any, path: Path, problems: list[str]) -> None:
        if bounds is not None:
            bounds(value, path, problems)
        if item is not None:
            for position, one in enumerate(value, 1):
                item(one, (path, position), problems)

    return check


def _map_checker(shape: Shape) -> Check:
    bounds, key, item = _bounds_checker(shape, "length", len), _checker(shape.key), _checker(shape.value)

    def check(value: Any, path: Path, problems: list[str]) -> None:
        if bounds is not None:
            bounds(value, path, problems)
        for name, one in value.items():
            if key is not None:
                key(name, (path, "key"), problems)
            if item is not None:
                item(one, ((path, name[:100]), "member"), problems)

    return check


def _string_checker(shape: Shape) -> Check | None:
    bounds, enum, pattern = _bounds_checker(shape, "length", len), shape.enum, shape.metadata.get("pattern")
    matches = compiled.fullmatch if pattern and (compiled := compiled_pattern(pattern)) else None
    if not enum and matches is None:
        return bounds
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", math.inf)

    def check(value: Any, path: Path, problems: list[str]) -> None:
        # Most members are strings, and most are as they should be.
        if least <= len(value) <= most and (not enum or value in enum) and (matches is None or matches(value)):
            return
        if bounds is not None:
            bounds(value, path, problems)
        if enum and value not in enum:
            problems.append(_problem(value, path, f"satisfy enum value set: [{', '.join(enum)}]"))
        if matches is not None and not matches(value):
            problems.append(_problem(value, path, f"satisfy regular expression pattern: {pattern}"))

    return check


def _bounds_checker(
    shape: Shape, what: str, size_of: Callable[[Any], float], shown: Callable[[Any], Any] = lambda value: value
) -> Check | None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is None and most is None:
        return None

    def check(value: Any, path: Path, problems: list[str]) -> None:
        size = size_of(value)
        if least is not None and size < least:
            problems.append(_problem(shown(value), path, f"have {what} greater than or equal to {least}"))
        if most is not None and size > most:
            problems.append(_problem(shown(value), path, f"have {what} less than or equal to {most}"))

    return check


@cache
def compiled_pattern(pattern: str) -> re.Pattern[str] | None:
    """A model's (Java) pattern for Python; None for one that Python cannot express."""
    for java, python in (*_SURROGATES, *_CATEGORIES):
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _text(path: Path) -> str:
    """``partitionInputList.3.member.values``, say."""
    parts: list[str] = []
    while path is not None:
        path, name = path
        parts.append(f"{name}.member" if isinstance(name, int) else name)
    return ".".join(reversed(parts))


def _spelled(name: str) -> str:
    """A member's name as paths have it."""
    return name[:1].lower() + name[1:]


def _problem(value: Any, path: Path, constraint: str) -> str:
    shown = str(value)
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
    return f"Value '{shown}' at '{_text(path)}' failed to satisfy constraint: Member must {constraint}"
