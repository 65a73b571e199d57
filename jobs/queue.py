"""Who may start: cores and memory are admitted first come first served, so that no two runs starve each other.

Two Spark jobs on a cluster too small for both would each hold a part of it and wait for the rest for ever; so a
run starts only when all that it needs is free, and until then waits with a reason and a position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lakelet.workspace.runs import Run
from lakelet.workspace.settings import Settings


@dataclass(frozen=True)
class Capacity:
    """What all runs together may use: Spark cores, and memory in MiB."""

    cores: int
    memory_mb: int

    @classmethod
    def of(cls, settings: Settings) -> Capacity:
        """The capacity that the settings give: the workers' cores, and ``queue_memory_mb``."""
        cores = settings.number("workers") * settings.number("worker_cores")
        return cls(max(cores, 1), settings.number("queue_memory_mb"))

    def needs(self, run: Run) -> tuple[int, int]:
        """What ``run`` takes of it. A run that asks for more than there is gets all of it, alone."""
        return min(run.cores, self.cores), min(run.memory_mb, self.memory_mb)


def admit(waiting: Sequence[Run], live: Sequence[Run], capacity: Capacity) -> tuple[list[Run], list[tuple[Run, str]]]:
    """Split the queue into the runs that may start now and those that wait, each with the reason.

    The first run that has to wait keeps its claim on what is free: a later one starts only with what the first
    does not need. A run without Spark therefore passes Spark jobs that wait for cores, and nobody starves.
    """
    cores, memory = capacity.cores, capacity.memory_mb
    for run in live:
        taken_cores, taken_memory = capacity.needs(run)
        cores, memory = cores - taken_cores, memory - taken_memory
    admitted: list[Run] = []
    delayed: list[tuple[Run, str]] = []
    for run in waiting:
        needed_cores, needed_memory = capacity.needs(run)
        short_of_cores = needed_cores > 0 and needed_cores > cores
        if not short_of_cores and needed_memory <= memory:
            admitted.append(run)
        else:
            delayed.append((run, _reason(needed_cores, needed_memory, len(delayed) + 1)))
            if len(delayed) > 1:
                continue
            # It holds on to what it is short of; when that is cores, its memory may be used until they are free.
            needed_memory = 0 if short_of_cores else needed_memory
        cores, memory = cores - needed_cores, memory - needed_memory
    return admitted, delayed


def _reason(cores: int, memory_mb: int, position: int) -> str:
    wanted = f"{cores} core{'s' if cores > 1 else ''} and {memory_mb} MB" if cores else f"{memory_mb} MB"
    return f"waiting for {wanted}: {_ordinal(position)} in the queue"


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
