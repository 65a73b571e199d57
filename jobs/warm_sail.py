"""The warm driver for Sail: a Python that has imported what scripts need, forked for each run
(:mod:`lakelet.jobs.warm`).

There is none before the first run on Sail, and none when no such run has come for a while. Sail itself, which has
threads and listens on a port, starts with the run.
"""

from __future__ import annotations

from collections.abc import Mapping

from lakelet.jobs.sail import sail_environment, waiting_argv
from lakelet.jobs.spark import python_path
from lakelet.jobs.warm import WarmDrivers
from lakelet.workspace.template import Template


class WarmSail(WarmDrivers):
    """Keeps a template of drivers ready while runs on Sail come in, unless ``warm_sail_drivers`` is 0."""

    kind = Template
    folder = "warm-sail"
    setting = "warm_sail_drivers"
    before_the_first = False

    def _program(self) -> tuple[list[str], Mapping[str, str]]:
        return waiting_argv(), {**sail_environment(self._workspace), "PYTHONPATH": python_path()}
