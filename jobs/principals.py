"""Who a process is: a job's run reads as its job's role, everything else of the workspace's user as its owner.

The kernel tells which process holds a connection, and which process started which: nothing that a script says, or has
in its environment, makes another principal of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress

from lakelet.jobs.definitions import ROLE
from lakelet.jobs.store import JobStore
from lakelet.workspace import shim
from lakelet.workspace.paths import Workspace
from lakelet.workspace.peers import holders
from lakelet.workspace.process import Stat
from lakelet.workspace.runs import Run

Address = tuple[str, int]
FindRole = Callable[[str], str | None]


class RunPrincipals:
    """Finds the principal of the run that a connection comes from.

    ``find_role`` is the ARN of the role of a name in IAM; None when there is none.
    """

    def __init__(self, workspace: Workspace, jobs: JobStore, find_role: FindRole) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._find_role = find_role
        self._account = workspace.settings.text("account_id")

    def __call__(self, peer: Address, here: Address) -> Collection[str] | None:
        """The ARNs that the process is which opened the connection from ``peer`` to ``here``.

        None for the workspace's owner: no job's run, or one whose Role is the default, which is no role in IAM.
        """
        runs = {leader: run for run in self._jobs.live() if (leader := self._leader(run)) is not None}
        for pid in holders(peer, here) if runs else ():
            if (run := _run_of(pid, runs)) is not None:
                return self._of(run)
        return None

    def _leader(self, run: Run) -> int | None:
        running = shim.read_running(self._workspace.runs / run.id) if run.kind == "job" else None
        return running.shim.pid if running is not None else None

    def _of(self, run: Run) -> Collection[str] | None:
        role = str(run.spec.get("role") or ROLE)
        name = role.rpartition("/")[2]
        if (known := self._find_role(name)) is not None:
            return frozenset({known})
        if role == ROLE:
            return None
        return frozenset({role if role.startswith("arn:") else f"arn:aws:iam::{self._account}:role/{role}"})


def _run_of(pid: int, runs: dict[int, Run]) -> Run | None:
    """The run whose shim is this process, or the one that it descends from: a shim adopts what leaves its session."""
    with suppress(ProcessLookupError):
        while pid > 1:
            if pid in runs:
                return runs[pid]
            pid = Stat.of(pid).parent
    return None
