"""Start, stop and look at the stack from another process: what ``lakelet up``, ``down`` and ``status`` do."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from lakelet.stack.child import tail
from lakelet.stack.leftovers import SUPERVISOR, component_processes, end_leftovers
from lakelet.stack.record import StackRecord, read_record, record_path
from lakelet.stack.states import State
from lakelet.workspace.errors import InstallError, StackError
from lakelet.workspace.paths import COMPONENT_VARIABLE, REPOSITORY, Workspace
from lakelet.workspace.process import Identity, end_session, spawn

POLL_SECONDS = 0.1
RETRY_SECONDS = 30.0  # in which a supervisor that is asked to try again does
STOP_SECONDS = 60.0

Watcher = Callable[[StackRecord], None]


def running(workspace: Workspace) -> StackRecord | None:
    """The stack's record, when its supervisor lives."""
    record = read_record(workspace)
    return record if record is not None and record.supervised and not record.error else None


def start(
    workspace: Workspace,
    only: Collection[str] = (),
    watch: Watcher = lambda record: None,
    lease: Identity | None = None,
) -> bool:
    """Start the stack and wait until every component runs; returns False when it ran already.

    ``watch`` sees the record whenever it is read; what it raises ends the wait, and an
    :class:`~lakelet.workspace.errors.InstallError` also ends the stack, if it was started here. A stack that is started
    with a ``lease`` ends with that process, and its state too if it is ephemeral. Raises
    :class:`~lakelet.workspace.errors.StackError` when the stack cannot be started, or when a component died for good.
    """
    with open(workspace.state / "up.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # of two `up`s at once, the second finds the stack starting and joins in
        before = running(workspace)
        if before is None:
            _launch(workspace, only, lease)
        elif _fatal(before):
            _retry(workspace, before)
    try:
        _wait(workspace, watch)
    except InstallError:  # what a component waits for will not come
        if before is None:
            stop(workspace)
        raise
    return before is None


def stop(workspace: Workspace) -> list[str]:
    """Stop the stack and its runs, whether or not its supervisor lives; returns the names of what ran.

    When it returns, no process of this workspace is left, and nothing at all of an ephemeral one.
    """
    record = read_record(workspace)
    names = {c.name for c in record.components if c.identity and c.identity.alive()} if record else set()
    if record is not None and record.supervised:
        os.kill(record.supervisor.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while record.supervisor.alive() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if record.supervisor.alive():
            end_session(record.supervisor, 1.0)
    names |= set(end_leftovers(workspace))
    record_path(workspace).unlink(missing_ok=True)
    workspace.forget_endpoints()
    if workspace.ephemeral:
        shutil.rmtree(workspace.state, ignore_errors=True)
    return sorted(names)


def status(workspace: Workspace) -> list[dict[str, Any]]:
    """One row per component: name, state, pid, url, and more. Without a supervisor every component is STOPPED, but for
    processes that were left behind, whose pids show."""
    record = read_record(workspace)
    if record is None:
        return []
    supervised = record.supervised
    rows = []
    for component in record.components:
        alive = component.identity is not None and component.identity.alive()
        rows.append(
            {
                "name": component.name,
                "state": str(component.state if supervised else State.STOPPED),
                "pid": component.pid if alive else None,
                "url": component.url,
                "seconds": round(time.time() - component.since) if supervised else None,
                "ready_seconds": component.ready_seconds,
                "restarts": component.restarts,
                "message": component.message,
            }
        )
    return rows


def leftovers(workspace: Workspace) -> list[str]:
    """Names of components whose processes run without a supervisor."""
    record = read_record(workspace)
    if record is not None and record.supervised:
        return []
    return sorted(set(component_processes(workspace).values()) - {SUPERVISOR})


def _launch(workspace: Workspace, only: Collection[str], lease: Identity | None) -> None:
    """Start a supervisor and wait until it has said who it is."""
    log = workspace.logs / "supervisor.log"
    options = ["--lease", f"{lease.pid}:{lease.started:.0f}"] if lease else []
    argv = [sys.executable, "-m", "lakelet.stack.supervisor", *options, *only]
    env = os.environ | workspace.environment | {COMPONENT_VARIABLE: SUPERVISOR}
    process = spawn(argv, env=env, cwd=REPOSITORY, stdout=log)
    while True:
        record = read_record(workspace)
        if record is not None and record.supervisor.pid == process.pid:
            return
        if process.poll() is not None:
            said = " ".join(tail(log, 1))
            raise StackError(
                f"The supervisor did not start ({said}): `lakelet down` ends what is left of an earlier one."
            )
        time.sleep(POLL_SECONDS / 2)


def _retry(workspace: Workspace, before: StackRecord) -> None:
    """Have FATAL components tried again, and wait until their old deaths are out of the record."""
    with suppress(ProcessLookupError):
        os.kill(before.supervisor.pid, signal.SIGHUP)
    deadline = time.monotonic() + RETRY_SECONDS
    while (record := running(workspace)) is not None and _fatal(record) & _fatal(before):
        if time.monotonic() > deadline:
            raise StackError("The supervisor does not try again: run `lakelet down`, then `lakelet up`.")
        time.sleep(POLL_SECONDS)


def _fatal(record: StackRecord) -> set[tuple[str, float]]:
    """Who is FATAL, and since when."""
    return {(component.name, component.since) for component in record.components if component.state is State.FATAL}


def _wait(workspace: Workspace, watch: Watcher) -> None:
    while True:
        record = read_record(workspace)
        if record is None or not (record.supervised or record.error):
            raise StackError("The stack was stopped while it started: see `lakelet logs supervisor`.")
        if record.error:
            while record.supervisor.alive():  # it has said why, and is about to end
                time.sleep(POLL_SECONDS)
            record_path(workspace).unlink(missing_ok=True)
            raise StackError(record.error)
        watch(record)
        if record.settled:
            break
        time.sleep(POLL_SECONDS)
    dead = [component for component in record.components if component.state is State.FATAL]
    if dead:
        said = "\n".join(component.message for component in dead)
        raise StackError(
            f"{', '.join(c.name for c in dead)} died too often; see `lakelet logs {dead[0].name}`, put it right "
            f"and run `lakelet up` again. Last:\n{said}"
        )
