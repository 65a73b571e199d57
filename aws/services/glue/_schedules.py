"""Schedules as operations take them, of crawlers and of column statistics."""

from __future__ import annotations

from typing import Any

from lakelet.catalog.crawlers.cron import check_schedule
from lakelet.catalog.crawlers.scheduler import SCHEDULED


def schedule_of(expression: str | None) -> dict[str, Any]:
    """The member Schedule of a definition, in force at once; an empty expression takes it away, None says nothing.

    Raises InvalidInputException for an expression that is no schedule.
    """
    if expression is None:
        return {}
    if not expression:
        return {"Schedule": None}
    check_schedule(expression)
    return {"Schedule": {"ScheduleExpression": expression, "State": SCHEDULED}}
