"""What ``lakelet doctor`` looks at: each check is a function that returns findings, a sentence each."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil

from lakelet.checkpoints import GENERATION_KEY
from lakelet.data.zones import ZONES
from lakelet.restore import interrupted
from lakelet.stack import install, operate
from lakelet.stack.parts import parts
from lakelet.stack.platforms import check_platform
from lakelet.stack.ports import free, holder
from lakelet.stack.states import State
from lakelet.workspace.control import call
from lakelet.workspace.errors import LakeletError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.settings import SETTINGS

IDLE_MEMORY_MB = 3000  # of the idle stack
DISK_MB = 5000  # the lake, the indexes and the logs of the demo, with room


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: ``ok``, ``note`` (good to know), ``warning`` (may fail) or ``problem`` (will)."""

    check: str
    level: str
    text: str


def examine(workspace: Workspace) -> list[Finding]:
    """Every finding, in the order of :data:`CHECKS`."""
    return [finding for check in CHECKS for finding in check(workspace)]


def _machine(workspace: Workspace) -> Iterator[Finding]:
    try:
        check_platform(workspace)
    except LakeletError as error:
        yield Finding("platform", "problem", str(error))
        return
    text = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} processors"
    yield Finding("platform", "ok", text)


def _parts(workspace: Workspace) -> Iterator[Finding]:
    versions = {part.name: part.version for part in parts(workspace)}
    for name, state in install.check(workspace).items():
        if state == "installed":
            yield Finding(name, "ok", f"installed, {versions[name]}")
        elif state == "damaged":
            yield Finding(name, "problem", "its checksum is not the recorded one: run `lakelet install --repair`")
        else:
            yield Finding(name, "warning", "not installed: `lakelet install` (or `lakelet up`) brings it")
    for setting in ("java_home", "minio_binary", "s3_endpoint", "opensearch_endpoint", "spark_master"):
        if value := workspace.settings.text(setting):
            yield Finding(setting, "note", f"{value} is used instead of our own")


def _memory(workspace: Workspace) -> Iterator[Finding]:
    settings = workspace.settings
    available = psutil.virtual_memory().available >> 20
    jobs = settings.number("driver_memory_mb") + settings.number("workers") * settings.number("worker_memory_mb")
    needed = jobs + (0 if operate.running(workspace) else IDLE_MEMORY_MB)
    text = f"{available} MB available, a stack with one Spark job takes about {needed} MB more"
    yield Finding("memory", "ok" if available > needed else "warning", text)


def _disk(workspace: Workspace) -> Iterator[Finding]:
    free_mb = shutil.disk_usage(workspace.state).free // 1_000_000
    text = f"{free_mb} MB free for {workspace.state}"
    short = free_mb < DISK_MB
    yield Finding("disk", "warning" if short else "ok", f"{text}: run `lakelet gc`, or make room" if short else text)


def _ports(workspace: Workspace) -> Iterator[Finding]:
    if operate.running(workspace):
        return
    for setting in SETTINGS:
        if setting.name.endswith("_port"):
            port = workspace.settings.number(setting.name)
            if not free(port):
                chosen = workspace.settings.is_set(setting.name)
                then = "and you chose it: `up` will refuse" if chosen else "`up` will take the next free one"
                yield Finding("port", "problem" if chosen else "note", f"{port} is held by {holder(port)}; {then}")


def _stack(workspace: Workspace) -> Iterator[Finding]:
    if left := operate.leftovers(workspace):
        yield Finding("stack", "warning", f"{', '.join(left)} run without a supervisor: `lakelet down` ends them")
    elif not operate.running(workspace):
        yield Finding("stack", "note", "not running: `lakelet up` starts it")
    for row in operate.status(workspace) if operate.running(workspace) else []:
        good = row["state"] == State.RUNNING
        yield Finding(row["name"], "ok" if good else "problem", f"{row['state']} at {row['url']}")


def _state(workspace: Workspace) -> Iterator[Finding]:
    if (folder := interrupted(workspace)) is not None:
        yield Finding("state", "problem", f"a restore was interrupted: run `lakelet restore {folder} --replace`")
    if not operate.running(workspace):
        return
    try:
        ages = call(workspace, "GET", "state", timeout=10)
    except LakeletError:  # the control process is told about by its own line
        return
    if ages["state"] is not None and (ages["objects"] or 0) > ages["state"]:
        text = (
            f"the state database (generation {ages['state']}) is older than the objects ({ages['objects']}): restore "
            f"both with `lakelet restore`; or keep them so with `lakelet aws s3 rm s3://{ZONES[0]}/{GENERATION_KEY}`"
        )
        yield Finding("state", "problem", text)


def _security(workspace: Workspace) -> Iterator[Finding]:
    yield Finding(
        "security",
        "note",
        "OpenSearch and the dashboards ask for a password, Spark's pages and OpenSearch's transport port do not: every "
        "user of this machine can reach these",
    )


CHECKS: tuple[Callable[[Workspace], Iterator[Finding]], ...] = (
    _machine,
    _parts,
    _memory,
    _disk,
    _ports,
    _stack,
    _state,
    _security,
)
