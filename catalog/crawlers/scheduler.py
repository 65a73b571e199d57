"""The thread that starts crawlers at the times of their schedules. What comes due while nothing runs is not made up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

from catalog.crawlers.cron import next_time
from catalog.crawlers.store import CrawlerStore
from workspace.errors import LakeletError

log = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
_PAGE = 200

SCHEDULED, NOT_SCHEDULED = "SCHEDULED", "NOT_SCHEDULED"


class Scheduler:
    """Starts what is due, by ``start(name)``; one per control process."""

    def __init__(self, store: CrawlerStore, start: Callable[[str], None]) -> None:
        self._store = store
        self._start = start
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="crawler-schedules", daemon=True)

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
                log.exception("Crawlers could not be started by their schedules; looking again")
            since = max(since, until)

    def run_due(self, since: float, until: float) -> None:
        """Start every crawler whose schedule has a time after ``since`` and not after ``until`` (Unix seconds)."""
        for name in due(self._store, since, until):
            try:
                self._start(name)
                log.info("Crawler %s was started by its schedule", name)
            except LakeletError as error:  # it runs still, or was just deleted
                log.warning("Crawler %s was not started by its schedule: %s", name, error)


def due(store: CrawlerStore, since: float, until: float) -> Iterator[str]:
    """The crawlers with a time in between; a schedule counts from when it was set."""
    after = ""
    while page := store.list(after, _PAGE):
        for crawler in page:
            schedule = crawler.get("Schedule") or {}
            if schedule.get("State") != SCHEDULED:
                continue
            begins = max(since, min(crawler["LastUpdated"], until))
            at = next_time(schedule["ScheduleExpression"], begins)
            if at is not None and at <= until:
                yield crawler["Name"]
        after = page[-1]["Name"]
