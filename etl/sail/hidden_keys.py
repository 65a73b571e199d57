"""The key of a join by names, told by a data frame or its alias: Sail has it by its own name alone. It is told so where
it has the frame's values, and else by the frame's number in a select and in groups, where Sail finds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from pyspark.sql import functions as F

from lakelet.etl.paths import quoted
from lakelet.etl.sail import aliases, engine, names
from lakelet.etl.sail.protos import ANTI, INNER, LEFT, RIGHT, SEMI, parts
from lakelet.workspace.paths import Workspace

_QUALIFIED = re.compile(  # and texts
    r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?<![\w.`])((?:\w+|`[^`]+`)\.(?:\w+|`[^`]+`))(?![\w.(`])"
)
_BY_NUMBER = ("Project", "Aggregate")
_LOOKED_THROUGH = ("Filter", "Limit", "Sort")


def install(workspace: Workspace) -> None:
    """Stand before the planning of what names columns, and before ``select`` of all columns of a data frame."""
    from pyspark.sql.connect import plan
    from pyspark.sql.connect.dataframe import DataFrame

    for kind in (plan.Project, plan.Aggregate, plan.WithColumns, plan.Join, plan.Filter, plan.Sort):
        engine.replace(kind, "plan", _told(kind.plan))
    select = DataFrame.select

    def selected(self: Any, *cols: Any) -> Any:
        given = cols[0] if len(cols) == 1 and isinstance(cols[0], list) else cols
        return select(self, *(one for column in given for one in _columns(self, column)))

    engine.replace(DataFrame, "select", selected)


def _columns(rows: Any, column: Any) -> list[Any]:
    """A column of a select; the columns of a data frame for all that it has (``df["*"]``)."""
    from pyspark.sql.connect.column import Column
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.expressions import ColumnReference

    number = getattr(getattr(column, "_expr", None), "_plan_id", None)
    if number is None or type(column._expr).__name__ != "UnresolvedStar":
        return [column]
    if rows._plan._plan_id == number:
        return [F.col("*")]
    found = [*_nodes(rows._plan, lambda node: node._plan_id == number)]
    if len(found) != 1:
        raise engine.refused("All columns (*) of a data frame that is not one side of a join")
    return [Column(ColumnReference(quoted(name), number)) for name in DataFrame(found[0], rows._session).columns]


def _told(original: Any) -> Any:
    def plan(self: Any, session: Any) -> Any:
        relation = original(self, session)
        frames = [self.left, self.right] if type(self).__name__ == "Join" else [self._child]
        if not any(aliases.is_by_names(one) for one in frames if one is not None):
            return relation
        by_number = type(self).__name__ in _BY_NUMBER
        for part in parts(relation):
            kind = part.DESCRIPTOR.name
            if kind == "UnresolvedAttribute":
                _tell(part, frames, by_number=by_number)
            elif kind == "ExpressionString":
                part.expression = _QUALIFIED.sub(lambda found: _in_text(found, frames), part.expression)
        return relation

    return plan


def _tell(attribute: Any, frames: list[Any], *, by_number: bool) -> None:
    *alias, name = names.parts(attribute.unparsed_identifier)
    number = attribute.plan_id if attribute.HasField("plan_id") else None
    if len(alias) != (number is None):
        return
    is_one = _has_alias(alias[0]) if alias else lambda node: node._plan_id == number
    found = [hidden for frame in frames for hidden in _hidden(frame, is_one, name)]
    if len(found) != 1:
        return
    node, kept, near = found[0]
    if kept:
        attribute.unparsed_identifier = quoted(name)
        attribute.ClearField("plan_id")
    elif by_number and near:
        attribute.unparsed_identifier, attribute.plan_id = quoted(name), node._plan_id


def _in_text(found: re.Match[str], frames: list[Any]) -> str:
    if found[1]:
        return found[0]
    alias, name = names.parts(found[2])
    return quoted(name) if _kept(frames, _has_alias(alias), name) else found[0]


def _kept(frames: list[Any], is_one: Callable[[Any], bool], name: str) -> bool:
    """Whether the key of joins has the values that it has in one of the frames."""
    found = [hidden for frame in frames for hidden in _hidden(frame, is_one, name)]
    return len(found) == 1 and found[0][1]


def _has_alias(alias: str) -> Callable[[Any], bool]:
    return lambda node: bool(aliases.has_alias(node, alias.lower()))


def _hidden(plan: Any, is_one: Callable[[Any], bool], name: str) -> Iterator[tuple[Any, bool, bool]]:
    """The nodes below a join by that name, whether the key of the join has their values, and whether nothing comes
    between that join and the plan that Sail does not look through.
    """
    for node in _nodes(plan, is_one):
        above = [*_above(plan, node)]
        by_name = [at for at, (one, _) in enumerate(above) if name.lower() in map(str.lower, aliases.using(one))]
        if by_name:
            changed = any(name.lower() in aliases.changed(one) for one, _ in above)
            near = all(type(one).__name__ in _LOOKED_THROUGH for one, _ in above[: by_name[0]])
            yield node, not changed and all(_keeps(*above[at]) for at in by_name), near and not changed


def _keeps(join: Any, left: bool) -> bool:
    return join.how in (INNER, LEFT, ANTI, SEMI) if left else join.how == RIGHT


def _above(plan: Any, node: Any) -> Iterator[tuple[Any, bool]]:
    """What is above a node, and of joins, whether the node is on their left."""
    while plan is not node:
        left = type(plan).__name__ == "Join" and any(one is node for one in _nodes(plan.left, lambda one: one is node))
        yield plan, left
        plan = (plan.left if left else plan.right) if type(plan).__name__ == "Join" else plan._child


def _nodes(plan: Any, is_one: Callable[[Any], bool]) -> Iterator[Any]:
    """The nodes of a kind whose columns are those of a plan."""
    if is_one(plan):
        yield plan
    elif type(plan).__name__ == "Join":
        yield from _nodes(plan.left, is_one)
        if plan.how not in (ANTI, SEMI):
            yield from _nodes(plan.right, is_one)
    elif type(plan).__name__ in aliases.THROUGH:
        yield from _nodes(plan._child, is_one)
