"""Locks on databases, tables and partitions, which Hive's clients take before they write (Iceberg's, for one).

They live in the memory of the control process: when that ends its clients' connections do too, and a client that
comes back finds its lock gone (NoSuchLockException), as after Hive's own time-out.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hive_metastore import ttypes as hive

from lakelet.catalog.hive.face import plain

TIMEOUT_SECONDS = 300.0  # without a sign of life; hive.txn.timeout's default

_SHARED = (hive.LockType.SHARED_READ, hive.LockType.SHARED_WRITE)


@dataclass(frozen=True)
class _Place:
    """What is locked; an empty name is all there is in the place above it."""

    database: str
    table: str
    partition: str

    def overlaps(self, other: _Place) -> bool:
        pairs = ((self.database, other.database), (self.table, other.table), (self.partition, other.partition))
        return all(one == two or not one or not two for one, two in pairs)


@dataclass
class _Lock:
    number: int
    wanted: list[tuple[_Place, int]]
    seen: float
    acquired: bool = False
    user: str = field(default="")


class Locks:
    """The methods of ThriftHiveMetastore on locks. First come, first served; ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._numbers = itertools.count(1)
        self._locks: dict[int, _Lock] = {}  # in the order of their asking

    def lock(self, request: Any) -> Any:
        """Ask for locks, all or none: ACQUIRED, or WAITING until ``check_lock`` says so."""
        wanted = [
            (_Place(plain(one.dbname or ""), (one.tablename or "").lower(), one.partitionname or ""), one.type)
            for one in request.component
        ]
        with self._guard:
            lock = _Lock(next(self._numbers), wanted, self._clock(), user=request.user or "")
            self._locks[lock.number] = lock
            return self._answer(lock)

    def check_lock(self, request: Any) -> Any:
        """How it stands with locks that were asked for; a sign of life. NoSuchLockException."""
        with self._guard:
            return self._answer(self._alive(request.lockid))

    def heartbeat(self, request: Any) -> None:
        """A sign of life. NoSuchLockException."""
        with self._guard:
            if request.lockid:
                self._alive(request.lockid)

    def unlock(self, request: Any) -> None:
        """Give locks back, or stop waiting for them. NoSuchLockException."""
        with self._guard:
            self._alive(request.lockid)
            del self._locks[request.lockid]

    def _alive(self, number: int) -> _Lock:
        now = self._clock()
        self._locks = {key: one for key, one in self._locks.items() if now - one.seen <= TIMEOUT_SECONDS}
        if number not in self._locks:
            raise hive.NoSuchLockException(message=f"There is no lock {number}: it timed out, or was given back.")
        self._locks[number].seen = now
        return self._locks[number]

    def _answer(self, lock: _Lock) -> Any:
        self._alive(lock.number)
        if not lock.acquired:
            before = itertools.takewhile(lambda one: one is not lock, self._locks.values())
            lock.acquired = not any(_conflict(lock, one) for one in before)
        state = hive.LockState.ACQUIRED if lock.acquired else hive.LockState.WAITING
        return hive.LockResponse(lockid=lock.number, state=state)


def _conflict(one: _Lock, other: _Lock) -> bool:
    return any(
        place.overlaps(theirs) and not (kind in _SHARED and their_kind in _SHARED)
        for place, kind in one.wanted
        for theirs, their_kind in other.wanted
    )
