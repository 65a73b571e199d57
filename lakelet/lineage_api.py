"""``POST /_lakelet/lineage``: who wrote a table and who reads it, with the jobs' names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from starlette.requests import Request

from lakelet import bodies
from lakelet.catalog.lineage import Lineage
from lakelet.workspace.runs import Run

FindRuns = Callable[[Collection[str]], Mapping[str, Run]]  # those of some run ids that exist


def lineage_handler(lineage: Lineage, find_runs: FindRuns) -> Callable[[Request, dict[str, Any]], dict[str, Any]]:
    """The handler: to ``{database, table}`` it answers as docs/architecture.md says."""

    def handler(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        bodies.only(body, "database", "table")
        found = lineage.of(bodies.text(body, "database"), bodies.text(body, "table"))
        runs = find_runs({one["run_id"] for side in ("writers", "readers") for one in found[side]})
        for one in (*found["writers"], *found["readers"]):
            run = runs.get(one["run_id"])  # a notebook's reads and writes are no run's
            one |= {"job": run.name if run else None, "state": run.state if run else None}
        return found

    return handler
