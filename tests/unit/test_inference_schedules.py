"""When crawlers are due."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lakelet.catalog.crawlers.cron import next_time
from lakelet.catalog.crawlers.scheduler import Scheduler, due, scheduled_crawlers
from lakelet.catalog.crawlers.store import CrawlerStore
from lakelet.workspace.errors import CrawlerRunningException, InvalidInputException
from lakelet.workspace.state import open_state


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(15 12 * * ? *)", "2013-01-01T12:15:00", "2013-01-02T12:15:00"),
        ("cron(15 12 * * ? *)", "2013-01-01T12:14:59", "2013-01-01T12:15:00"),
        ("cron(0/15 * * * ? *)", "2013-01-01T00:01:00", "2013-01-01T00:15:00"),
        ("cron(0 18 ? * MON-FRI *)", "2013-01-04T18:00:00", "2013-01-07T18:00:00"),
        ("cron(0 8 L * ? *)", "2013-02-01T00:00:00", "2013-02-28T08:00:00"),
        ("cron(0 8 ? * 2#1 *)", "2013-01-08T00:00:00", "2013-02-04T08:00:00"),
        ("cron(0 0 29 FEB ? *)", "2013-01-01T00:00:00", "2016-02-29T00:00:00"),
        (" cron(0  0 1 1 ? 2014) ", "2013-01-01T00:00:00", "2014-01-01T00:00:00"),
    ],
)
def test_the_next_time_of_a_schedule(expression: str, after: str, expected: str) -> None:
    assert next_time(expression, at(after)) == at(expected)


def test_a_schedule_that_is_over_has_no_next_time() -> None:
    assert next_time("cron(0 0 1 1 ? 2012)", at("2013-01-01T00:00:00")) is None


@pytest.mark.parametrize(
    "expression",
    ["", "cron()", "cron(* * * * *)", "cron(99 * * * ? *)", "cron(* * * * * *)", "cron(1/0 * * * ? *)", "rate(1 day)",
     "cron(0 0 ? * 9 *)", "cron(٣ * * * ? *)", "cron(- - - - ? -)", "cron(,,, * * * ? *)"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(InvalidInputException):
        next_time(expression, 0)


def test_crawlers_that_are_due_are_started_once_and_one_failure_keeps_none_back(tmp_path: Path) -> None:
    store = CrawlerStore(open_state(tmp_path / "state.db"))
    every_minute: Any = {"ScheduleExpression": "cron(* * * * ? *)", "State": "SCHEDULED"}
    store.create("busy", {"Schedule": every_minute})
    store.create("due", {"Schedule": every_minute})
    store.create("stopped", {"Schedule": every_minute | {"State": "NOT_SCHEDULED"}})
    store.create("yearly", {"Schedule": every_minute | {"ScheduleExpression": "cron(0 0 1 1 ? *)"}})
    store.create("never", {"Schedule": None})
    began = store.get("due")["LastUpdated"]
    minute = (began // 60 + 1) * 60

    def names(since: float, until: float) -> list[str]:
        return [name for (name,) in due(scheduled_crawlers(store), since, until)]

    assert names(began - 3600, began) == []  # what came before the schedule was set does not count
    assert names(began, minute - 0.01) == []
    assert names(began, minute + 1) == ["busy", "due"] == names(minute, minute + 200)
    started = []

    def start(name: str) -> None:
        if name == "busy":
            raise CrawlerRunningException("busy")
        started.append(name)

    scheduler = Scheduler("Crawler", lambda: scheduled_crawlers(store), start)
    scheduler.run_due(minute - 1, minute)
    scheduler.run_due(minute, minute + 1)
    assert started == ["due"]
