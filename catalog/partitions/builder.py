"""The thread that fills and removes partition indexes, a step a transaction, so that nobody waits for it long."""

from __future__ import annotations

import logging
import threading

import sqlalchemy as sa

from lakelet.catalog.partitions import indexes
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.state import reading, writing

log = logging.getLogger(__name__)
LOOK_SECONDS = 30.0  # for what another process left
REST_SECONDS = 0.01  # between steps, in which others write


class IndexBuilder:
    """Finishes the indexes that are CREATING or DELETING; one per control process."""

    def __init__(self, engine: sa.Engine, catalog: CatalogStore) -> None:
        self._engine = engine
        self._catalog = catalog
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="partition-indexes", daemon=True)

    def start(self) -> None:
        """Begin, with what the last control process left and with the tables of an earlier version of Lakelet."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the step that it is at; the next control process goes on."""
        self._stopped.set()
        self._catalog.index_work.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        adopted = False
        while not self._stopped.is_set():
            self._catalog.index_work.clear()
            try:
                adopted = adopted or self._adopt()
                while not self._stopped.is_set() and self._step():
                    self._stopped.wait(REST_SECONDS)
            except Exception:  # the thread must outlive a full disk
                log.exception("Partition indexes could not be built; trying again")
            self._catalog.index_work.wait(LOOK_SECONDS)

    def _step(self) -> bool:
        # The writer's lock first: whoever said that there is work may not have committed yet.
        with writing(self._engine) as connection:
            return indexes.work(connection)

    def _adopt(self) -> bool:
        with reading(self._engine) as connection:
            wanting = [table for table in self._catalog.every_table(connection) if indexes.lacks_own(connection, table)]
        for table in wanting:
            with writing(self._engine) as connection:
                if (again := self._catalog.find_table(connection, table.database, table.name)) is not None:
                    indexes.create_own(connection, again)
        return True
