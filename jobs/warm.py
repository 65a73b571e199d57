"""Warm drivers: Spark drivers that are started before there is a run for them, one used per run and then gone.

A run that finds one ready skips the start of a JVM and of a Python with its imports. Nothing is shared between runs: a
driver has had no other run, and what it did to get ready it did in a session of its own
(:mod:`lakelet.jobs.warm_driver`).
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lakelet.jobs import warm_driver
from lakelet.jobs.spark import spark_environment, submit_argv
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import COMPONENT_VARIABLE, Workspace
from lakelet.workspace.process import Identity
from lakelet.workspace.standby import Standby, is_lived_in

log = logging.getLogger(__name__)

COMPONENT = "warm-driver"  # what its environment says it is, also once it has a run
LOOK_SECONDS = 2.0
LULL_SECONDS = 8.0  # a run that has just taken a driver has the machine to itself for so long, unless it ends before
END_SECONDS = 15.0
READY_POLL_SECONDS = 0.05
DEAD_SECONDS = 60.0  # before the next try after a driver that died while it waited

# What a JVM or a spark-submit can only be told when it starts; all other properties a driver takes at any time.
_AT_START = (
    "spark.driver.memory", "spark.driver.extraJavaOptions", "spark.driver.defaultJavaOptions",
    "spark.driver.extraClassPath", "spark.driver.extraLibraryPath", "spark.driver.userClassPathFirst", "spark.jars",
    "spark.files", "spark.archives", "spark.submit.", "spark.pyspark.", "spark.kerberos.",
)  # fmt: skip


@dataclass(frozen=True)
class Start:
    """What a driver needs to become a run: the script, its words, its environment and its Spark properties, and the
    archives of modules that it finds beside all others."""

    script: str
    arguments: list[str]
    env: Mapping[str, str]
    properties: Mapping[str, str]
    modules: Sequence[str] = ()


class WarmDrivers:
    """Keeps drivers ready while runs on their engine come in; safe for many threads.

    ``environment`` is what every run finds in its environment, before its own part. Nothing is started before
    ``ready`` says that what a driver needs is there. These are Spark's; another engine's have class attributes and a
    :meth:`_program` of their own.
    """

    kind: type[Standby] = Standby
    folder = "warm"  # of those that wait, below the state folder
    setting = "warm_drivers"  # how many wait
    before_the_first = True  # whether one waits before there was a run

    def __init__(self, workspace: Workspace, environment: Mapping[str, str], ready: Callable[[], bool]) -> None:
        self._workspace = workspace
        self._environment = environment
        self._is_ready = ready
        wanted = workspace.settings.number(self.setting)
        self._wanted = min(wanted, 1) if self.kind.serves_many else wanted
        self._idle_seconds = 60.0 * workspace.settings.number("warm_driver_minutes")
        self._waiting: list[Standby] = []
        self._home = workspace.state / self.folder
        self._used = time.monotonic() if self.before_the_first else float("-inf")
        self._rest_until = 0.0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="warm-drivers", daemon=True)

    def start(self) -> None:
        """Begin, with nothing left of a control process before but what its runs still need."""
        for folder in self._home.glob("*"):
            if not is_lived_in(folder):
                shutil.rmtree(folder, ignore_errors=True)
        self._thread.start()

    def close(self) -> None:
        """End the drivers that wait; those that have a run go on."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=30)
        self._end(self._waiting)
        self._waiting = []

    def take(self, folder: Path, start: Start, timeout_seconds: float) -> Identity | None:
        """Give a run to a driver that waits; returns its shim, or None when there is none for it."""
        with self._changed:
            self._used = time.monotonic()
            if any(_is_for_start(name, value) for name, value in start.properties.items()):
                return None
            standby = next((one for one in self._waiting if one.waits), None)
            if standby is None:
                return None
            if not standby.serves_many:
                self._waiting.remove(standby)
                self._rest_until = time.monotonic() + LULL_SECONDS
        write_atomic(folder / warm_driver.START, json.dumps(asdict(start)).encode())
        shim = standby.order(folder, timeout_seconds)
        if not standby.serves_many:
            standby.end()
        return shim

    def ended(self) -> None:
        """A run on this engine has ended: the machine is free to make the next driver."""
        with self._changed:
            self._used = time.monotonic()
            self._rest_until = 0.0
            self._changed.notify_all()

    def await_ready(self, timeout_seconds: float) -> bool:
        """Keep drivers from now on, as if a run had come, and wait until one waits; False when it does not by then."""
        with self._changed:
            self._used = time.monotonic()
            self._changed.notify_all()
        deadline = time.monotonic() + timeout_seconds
        while not any((one.folder / warm_driver.READY).exists() for one in self._waiting):
            if not self._wanted or time.monotonic() > deadline:
                return False
            time.sleep(READY_POLL_SECONDS)
        return True

    # -- the thread ----------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while not self._stopping:
            try:
                self._tend()
            except Exception:  # without warm drivers runs start cold; that is no reason to end
                log.exception("Warm drivers: trying again")
            with self._changed:
                if not self._stopping:
                    self._changed.wait(LOOK_SECONDS)

    def _tend(self) -> None:
        now = time.monotonic()
        with self._changed:
            dead = [one for one in self._waiting if not one.waits]
            idle = list(self._waiting) if now - self._used > self._idle_seconds else []
            self._waiting = [one for one in self._waiting if one not in dead and one not in idle]
            if dead:
                self._rest_until = now + DEAD_SECONDS
            missing = self._wanted - len(self._waiting) if now - self._used <= self._idle_seconds else 0
        for one in dead:
            log.warning("A waiting driver died; its logs are in %s", one.folder)
        self._end([*dead, *idle])
        if missing > 0 and now >= self._rest_until and self._is_ready():
            standby = self._standby()
            with self._changed:
                self._waiting.append(standby)

    def _standby(self) -> Standby:
        folder = self._home / secrets.token_hex(8)
        argv, env = self._program()
        env = {
            **self._environment,
            **env,
            warm_driver.FOLDER_VARIABLE: str(folder),
            COMPONENT_VARIABLE: COMPONENT,
            "PYTHONSAFEPATH": "1",
        }
        return self.kind(folder, argv, env=env)

    def _program(self) -> tuple[list[str], Mapping[str, str]]:
        """The argv of a driver that waits, and what it finds in its environment beyond the common part."""
        return submit_argv(self._workspace, warm_driver.__file__), spark_environment(self._workspace)

    @staticmethod
    def _end(standbys: list[Standby]) -> None:
        for one in standbys:
            one.end()
        for one in standbys:
            try:
                one.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                log.warning("A waiting driver (pid %d) did not end", one.identity.pid)


def _is_for_start(name: str, value: str) -> bool:
    """Whether a driver can only be told it when it starts. Jars of this machine it loads at any time."""
    if name == "spark.jars":
        return not all(Path(one).is_absolute() for one in value.split(","))
    return name.startswith(_AT_START)
