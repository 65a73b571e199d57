"""Warm drivers for Sail: Pythons that have imported what a script needs, and wait for one (:mod:`jobs.warm`).

There is none before the first run on Sail, and none when no such run has come for a while. Sail itself, which listens
on a port, starts with the run.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from jobs import warm_driver
from jobs.sail import sail_environment, waiting_argv
from jobs.spark import python_path
from jobs.warm import WarmDrivers
from workspace.paths import COMPONENT_VARIABLE, Workspace
from workspace.standby import Standby


class WarmSail(WarmDrivers):
    """Keeps ``warm_sail_drivers`` drivers ready while runs on Sail come in."""

    def __init__(self, workspace: Workspace, environment: Mapping[str, str], ready: Callable[[], bool]) -> None:
        super().__init__(workspace, environment, ready)
        self._wanted = workspace.settings.number("warm_sail_drivers")
        self._used = float("-inf")

    @property
    def _home(self) -> Path:
        return self._workspace.state / "warm-sail"

    def _standby(self) -> Standby:
        folder = self._home / secrets.token_hex(8)
        env = {
            **self._environment,
            **sail_environment(self._workspace),
            warm_driver.FOLDER_VARIABLE: str(folder),
            COMPONENT_VARIABLE: "warm-driver",
            "PYTHONPATH": python_path(),
            "PYTHONSAFEPATH": "1",
        }
        return Standby(folder, waiting_argv(), env=env)
