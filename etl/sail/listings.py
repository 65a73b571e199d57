"""What a script has read from a folder stays what it was, on Sail: Spark lists the objects when it is asked to read,
Sail at each action. What this process has published since is left out again, or refused where Sail cannot be told so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lakelet.etl.sail import engine
from lakelet.etl.sail.objects import Objects, in_partitions, objects_at, sail_path
from lakelet.etl.sail.protos import nodes
from lakelet.workspace.paths import Workspace

_published: list[str] = []  # locations, in their order
_by_plan: dict[int, frozenset[Listing]] = {}  # what the node of a plan reads, by its number
_by_view: dict[str, frozenset[Listing]] = {}  # what Sail's own views read, by their names


@dataclass(frozen=True, eq=False)
class Listing:
    """The objects of a read, and how much had been published when they were listed."""

    objects: Objects
    published: int

    def is_stale(self) -> bool:
        """Whether other objects lie there by now. Raises AnalysisException when some of those that were are gone."""
        places = [f"{path.rstrip('/')}/".replace("s3a://", "s3://", 1) for path in self.objects.found]
        since = _published[self.published :]
        if not any(one.startswith(other) or other.startswith(one) for one in places for other in since):
            return False
        stale = False
        for path, then in self.objects.found.items():
            now = objects_at(self.objects.workspace, path)
            if gone := sorted(then.keys() - now.keys()):
                from pyspark.errors import AnalysisException

                what = f"{gone[0]} of {path} is not there any more: it was written to since it was read"
                raise AnalysisException(f"[FAILED_READ_FILE.FILE_NOT_EXIST] {what}; read it again.")
            stale = stale or now.keys() != then.keys()
        return stale


def install(workspace: Workspace) -> None:
    """Stand before all actions."""
    for known in (_published, _by_plan, _by_view):
        known.clear()
    engine.before_actions(lambda client, plan: _hold(plan) if _published else None)


def published(location: str) -> None:
    """Take note of a location (``s3://…/``) at which objects have come or gone."""
    _published.append(location)


def moment() -> int:
    """How often this process has published so far."""
    return len(_published)


def note(rows: Any, objects: Objects) -> None:
    """Take note of what a data frame reads, whose objects were listed."""
    node = rows._plan
    while getattr(node, "_child", None) is not None:
        node = node._child
    _by_plan[node._plan_id] = frozenset([Listing(objects, len(_published))])


def note_view(name: str, rows: Any) -> None:
    """Take note of what a view reads, as Sail calls it, by its data frame."""
    if _by_plan:
        plan = rows._plan.to_proto(rows.sparkSession.client)
        _by_view[name.lower()] = frozenset(one for _, listings in _noted(plan) for one in listings)


def note_statement(rows: Any, views: list[str]) -> None:
    """Take note of what the rows of a statement read, which names these views of Sail's."""
    listings = [one for name in views for one in _by_view.get(name.lower(), ())]
    if listings:
        _by_plan[rows._plan._plan_id] = frozenset(listings)


def _hold(plan: Any) -> None:
    """Have an action read what was listed. Raises UnsupportedError where Sail cannot be told of it."""
    for relation, listings in _noted(plan):
        for one in listings:
            if not one.is_stale():
                continue
            names = one.objects.names
            if not relation.read.HasField("data_source") or in_partitions(names):
                where = next(iter(one.objects.found))
                raise engine.refused(f"Rows of {where}, where objects have come since it was read,")
            relation.read.data_source.paths[:] = map(sail_path, one.objects.addresses())


def _noted(plan: Any) -> Iterator[tuple[Any, frozenset[Listing]]]:
    """The nodes of a plan (protobuf) that read what was noted."""
    for node in nodes(plan):
        listings = _by_plan.get(node.common.plan_id)
        if node.read.HasField("named_table"):
            listings = _by_view.get(node.read.named_table.unparsed_identifier.lower())
        if listings:
            yield node, listings
