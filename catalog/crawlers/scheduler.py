"""The thread that starts things at the times of their schedules. What comes due while nothing runs is not made up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lakelet.catalog.crawlers.cron import next_time
from lakelet.catalog.crawlers.store import CrawlerStore
from lakelet.workspace.errors import LakeletError

log = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
_PAGE = 200

SCHEDULED, NOT_SCHEDULED = "SCHEDULED", "NOT_SCHEDULED"


@dataclass(frozen=True)
class Scheduled:
    """What is to be started (a crawler's name, or a database's and a table's) by a cron expression that counts from
    ``since``, when it was set (Unix seconds)."""

    names: tuple[str, ...]
    expression: str
    since: float

    def due(self, since: float, until: float) -> bool:
        """Whether it has a time after ``since`` and not after ``until``; it counts from when it was set."""
        at = next_time(self.expression, max(since, min(self.since, until)))
        return at is not None and at <= until


@dataclass(frozen=True)
class Due:
    """What is to be started now, for reasons of its own."""

    names: tuple[str, ...]

    def due(self, since: float, until: float) -> bool:
        """Always."""
        return True


class Scheduler:
    """Starts what is due, by ``start(*names)``; ``what`` it is stands in the log. One of each per control process."""

    def __init__(
        self, what: str, scheduled: Callable[[], Iterable[Scheduled | Due]], start: Callable[..., object]
    ) -> None:
        self._what = what
        self._scheduled = scheduled
        self._start = start
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{what.lower()}-schedules", daemon=True)

    def start(self) -> None:
        """Begin with the times from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        since = time.time()
        while not self._stopped.wait(LOOK_SECONDS):
            until = time.time()
            try:
                self.run_due(since, until)
            except Exception:  # one bad look must not end the thread
                log.exception("What is due could not be started (%s); looking again", self._what)
            since = max(since, until)

    def run_due(self, since: float, until: float) -> None:
        """Start everything whose schedule has a time after ``since`` and not after ``until`` (Unix seconds)."""
        for names in due(self._scheduled(), since, until):
            title = f"{self._what} {'.'.join(names)}"
            try:
                self._start(*names)
                log.info("%s was started by its schedule", title)
            except LakeletError as error:  # it runs still, or was just deleted
                log.warning("%s was not started by its schedule: %s", title, error)


def due(scheduled: Iterable[Scheduled | Due], since: float, until: float) -> Iterator[tuple[str, ...]]:
    """The names of what has a time in between."""
    return (one.names for one in scheduled if one.due(since, until))


def scheduled_crawlers(store: CrawlerStore) -> Iterator[Scheduled]:
    """The crawlers whose schedules run."""
    after = ""
    while page := store.list(after, _PAGE):
        for crawler in page:
            schedule = crawler.get("Schedule") or {}
            if schedule.get("State") == SCHEDULED:
                yield Scheduled((crawler["Name"],), schedule["ScheduleExpression"], crawler["LastUpdated"])
        after = page[-1]["Name"]
