"""The body of a ``/_lakelet`` request, read strictly: a member that is unknown or of another type is refused by name.

Every function raises :class:`~lakelet.workspace.errors.ValidationException`.
"""

from __future__ import annotations

import json
from typing import Any

from lakelet.workspace.errors import ValidationException

MAX_BYTES = 64 * 1024 * 1024


def parse(content: bytes) -> dict[str, Any]:
    """The JSON object that a body is; an empty body is an empty object."""
    if len(content) > MAX_BYTES:
        raise ValidationException(f"The request has {len(content)} bytes; {MAX_BYTES} are taken.")
    try:
        body = json.loads(content or b"{}")
    except (ValueError, RecursionError) as error:
        raise ValidationException(f"The request is not JSON: {error}.") from error
    if not isinstance(body, dict):
        raise ValidationException("The request has to be a JSON object.")
    return body


def only(body: dict[str, Any], *members: str) -> None:
    """Hold that a body has no members but these."""
    if unknown := sorted(body.keys() - set(members)):
        raise ValidationException(f"The request takes {', '.join(members) or 'no members'}, not {', '.join(unknown)}.")


def text(body: dict[str, Any], member: str) -> str:
    """A member that has to be there."""
    value = optional_text(body, member)
    if value is None:
        raise ValidationException(f"The request needs {member}, a text.")
    return value


def optional_text(body: dict[str, Any], member: str) -> str | None:
    """A member that may be absent or null."""
    value = body.get(member)
    if value is not None and not isinstance(value, str):
        raise ValidationException(f"The request's {member} has to be a text.")
    return value


def number(body: dict[str, Any], member: str) -> int:
    """A whole number that has to be there; ``true`` is none."""
    value = body.get(member)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValidationException(f"The request needs {member}, a whole number.")
    return value


def flag(body: dict[str, Any], member: str) -> bool:
    """A member that is true or false; false when it is absent or null."""
    value = body.get(member)
    if value is not None and not isinstance(value, bool):
        raise ValidationException(f"The request's {member} has to be true or false.")
    return bool(value)


def items(body: dict[str, Any], member: str) -> list[Any]:
    """A list that may be absent or null."""
    value = body.get(member)
    if value is not None and not isinstance(value, list):
        raise ValidationException(f"The request's {member} has to be a list.")
    return value or []
