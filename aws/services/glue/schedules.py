"""Schedules of crawlers (AWS Glue Web API, Crawler scheduler API)."""

from __future__ import annotations

from lakelet.aws.context import current
from lakelet.catalog.crawlers.cron import check_schedule
from lakelet.catalog.crawlers.scheduler import NOT_SCHEDULED, SCHEDULED
from lakelet.workspace.errors import NoScheduleException, SchedulerNotRunningException, SchedulerRunningException


def update_crawler_schedule(crawler_name: str, schedule: str | None = None) -> None:
    """Give a crawler a schedule, which is in force, or take it away; EntityNotFoundException, InvalidInputException."""
    current().crawlers.get(crawler_name)
    if schedule:
        check_schedule(schedule)
    value = {"ScheduleExpression": schedule, "State": SCHEDULED} if schedule else None
    current().crawlers.update(crawler_name, {"Schedule": value})


def start_crawler_schedule(crawler_name: str) -> None:
    """Let the schedule run; EntityNotFoundException, NoScheduleException, SchedulerRunningException."""
    schedule = current().crawlers.get(crawler_name).get("Schedule")
    if not schedule:
        raise NoScheduleException(f"Crawler {crawler_name} has no schedule: set one with UpdateCrawlerSchedule.")
    if schedule["State"] == SCHEDULED:
        raise SchedulerRunningException(f"The schedule of crawler {crawler_name} is running already.")
    current().crawlers.update(crawler_name, {"Schedule": schedule | {"State": SCHEDULED}})


def stop_crawler_schedule(crawler_name: str) -> None:
    """Keep the schedule and do not run it; EntityNotFoundException, SchedulerNotRunningException."""
    schedule = current().crawlers.get(crawler_name).get("Schedule")
    if not schedule or schedule["State"] != SCHEDULED:
        raise SchedulerNotRunningException(f"Crawler {crawler_name} has no schedule that runs.")
    current().crawlers.update(crawler_name, {"Schedule": schedule | {"State": NOT_SCHEDULED}})
