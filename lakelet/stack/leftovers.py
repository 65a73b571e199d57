"""Processes of a stack whose supervisor is gone: found by what they carry in their environment, and ended."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import psutil

from lakelet.workspace.paths import COMPONENT_VARIABLE, STATE_VARIABLE, Workspace
from lakelet.workspace.process import Identity, end_session
from lakelet.workspace.shim import read_running

GRACE_SECONDS = 10.0
POLL_SECONDS = 0.05
SUPERVISOR = "supervisor"  # its name among the components
RUN = "run"  # the name of everything that belongs to a run
RUN_VARIABLE = "LAKELET_RUN_ID"  # in the environment of every process of a run, with the workspace's own variable


def component_processes(workspace: Workspace) -> dict[Identity, str]:
    """Every live process of this workspace's components and runs, and of what they started, with its name.

    ``stack.json`` may miss a process that was started in the supervisor's last moment; the environment does not.
    """
    found = {}
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            environment = process.environ()
            if environment.get(STATE_VARIABLE) != str(workspace.state) or process.status() == psutil.STATUS_ZOMBIE:
                continue
            # The variable of the workspace alone may be that of a person's shell, notebook or test.
            if name := environment.get(COMPONENT_VARIABLE) or (RUN if environment.get(RUN_VARIABLE) else None):
                found[Identity.of(process.pid)] = name
        except (psutil.Error, OSError):
            continue
    return found


def end_leftovers(workspace: Workspace) -> list[str]:
    """End what is left of an unsupervised stack and its runs; returns the names of what did."""
    end_runs(workspace)
    names: set[str] = set()
    while found := component_processes(workspace):
        # A supervisor that lost its record goes first: it would start the others again.
        ours = {identity.pid: identity for identity in found}
        for identity, name in sorted(found.items(), key=lambda item: item[1] != SUPERVISOR):
            names.add(name)
            try:
                leader = ours.get(os.getsid(identity.pid))
            except ProcessLookupError:
                continue
            # Never a session that is not theirs: a component run by hand shares the shell's, and of a session whose
            # leader is dead (a driver whose shim was killed) nobody can say whose it is.
            if leader is not None:
                end_session(leader, GRACE_SECONDS)
            else:
                _kill(identity)
        time.sleep(POLL_SECONDS)
    return sorted(names - {SUPERVISOR})


def end_runs(workspace: Workspace) -> list[str]:
    """End the sessions of all live runs, asking first: their shims write down that they were stopped.

    A record alone ends nothing: the process that it names must carry our marks in its environment.
    """
    ended, ours = [], component_processes(workspace)
    for path in sorted(workspace.runs.glob("*/process.json")):
        running = read_running(path.parent)
        if running is not None and running.shim in ours:
            # The shim gives its driver 10 s before it kills it; it must be left to write exit.json.
            end_session(running.shim, GRACE_SECONDS + 5)
            ended.append(path.parent.name)
    return ended


def _kill(identity: Identity) -> None:
    if identity.alive():
        with suppress(ProcessLookupError):
            os.kill(identity.pid, signal.SIGKILL)
