"""Warm drivers for Sail: Pythons that have imported what a script needs, and wait for one (:mod:`jobs.warm`).

There is none before the first run on Sail, and none when no such run has come for a while. Sail itself, which listens
on a port, starts with the run.
"""

from __future__ import annotations

from collections.abc import Mapping

from jobs.sail import sail_environment, waiting_argv
from jobs.spark import python_path
from jobs.warm import WarmDrivers


class WarmSail(WarmDrivers):
    """Keeps ``warm_sail_drivers`` drivers ready while runs on Sail come in."""

    folder = "warm-sail"
    setting = "warm_sail_drivers"
    before_the_first = False

    def _program(self) -> tuple[list[str], Mapping[str, str]]:
        return waiting_argv(), {**sail_environment(self._workspace), "PYTHONPATH": python_path()}
