"""NextToken: opaque, and good only for the request that it continues."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from lakelet.workspace.errors import InvalidInputException

Item = TypeVar("Item")


def next_token(position: str | Sequence[str], *request: Any) -> str:
    """The token that continues ``request`` (its operation and parameters, page size aside) after ``position``."""
    return base64.urlsafe_b64encode(json.dumps([_digest(request, position), position]).encode()).decode()


def position(token: str | None, *request: Any) -> Any:
    """Where the token continues ``request``, or None without one.

    Raises InvalidInputException for a token that this request did not get.
    """
    if token is None:
        return None
    try:
        digest, found = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        if digest != _digest(request, found):
            raise ValueError
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise InvalidInputException("The NextToken is not one that this request was given.") from None
    return found


def split_page(items: Sequence[Item], size: int) -> tuple[Sequence[Item], bool]:
    """Of ``size + 1`` items or fewer, the first ``size`` and whether there are more."""
    return items[:size], len(items) > size


def _digest(request: Any, found: Any) -> str:
    return hashlib.sha256(json.dumps([request, found], default=str).encode()).hexdigest()[:32]
