"""Schedules of crawlers: AWS's cron expressions of six fields, in UTC ("Time-based schedules", Glue's guide)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from lakelet.workspace.errors import InvalidInputException

_EXPRESSION = re.compile(r"cron\((.{1,200})\)", re.ASCII)


def check_schedule(expression: str) -> None:
    """Whether an expression can be read, and has a time to come; raises InvalidInputException."""
    if next_time(expression, datetime.now(UTC).timestamp()) is None:
        raise InvalidInputException(f"The schedule {expression} has no time to come: it would never start.")


def next_time(expression: str, after: float) -> float | None:
    """The first time (in Unix seconds) of a schedule later than ``after``; None when there is none.

    Raises InvalidInputException for an expression that cannot be read.
    """
    try:
        [found] = _cron(expression).get_next(datetime.fromtimestamp(after, UTC))
    except (ValueError, OverflowError, TypeError, IndexError):
        raise _unreadable(expression) from None
    return found.timestamp() if found is not None else None


def _cron(expression: str) -> Any:
    from aws_croniter import AwsCroniter
    from aws_croniter.exceptions import AwsCroniterExpressionError

    match = _EXPRESSION.fullmatch(expression.strip())
    if match is None:
        raise _unreadable(expression)
    try:
        return AwsCroniter(" ".join(match[1].split()))
    except (AwsCroniterExpressionError, ValueError, IndexError):
        raise _unreadable(expression) from None


def _unreadable(expression: str) -> InvalidInputException:
    return InvalidInputException(
        f"The schedule {expression[:100]!r} cannot be read: write cron(minutes hours day-of-month month day-of-week "
        "year), say cron(15 12 * * ? *)."
    )
