"""``drop`` on Sail of a column that is told by its data frame (``drop(other.key)``). Spark goes by the column's origin:
of a join of a data frame with what was made of it, it drops the column on the left, and of a join by names the key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import engine, names
from lakelet.etl.sail.protos import ANTI, INNER, LEFT, RIGHT, SEMI
from lakelet.etl.sail.statements import tables_of
from lakelet.workspace.paths import Workspace

# Nodes that leave a column as it is, unless they name it.
_SAME = frozenset(("Filter", "Hint", "Limit", "Offset", "Repartition", "Sample", "Sort", "SubqueryAlias"))
_OTHERS = frozenset(("Deduplicate", "Drop", "NADrop", "Project", "WithColumns", "WithColumnsRenamed"))
_views: dict[str, Any] = {}


def install(workspace: Workspace) -> None:
    """Stand before ``drop``, and note what temporary views are of."""
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.plan import CreateView

    _views.clear()
    drop, view = DataFrame.drop, CreateView.__init__

    def dropped(self: Any, *cols: Any) -> Any:
        return drop(self, *(_as_spark(self, one) for one in cols))

    def init(self: Any, child: Any, name: str, *args: Any, **options: Any) -> None:
        _views[name.lower()] = child
        view(self, child, name, *args, **options)

    engine.replace(DataFrame, "drop", dropped)
    engine.replace(CreateView, "__init__", init)


def _as_spark(rows: Any, column: Any) -> Any:
    """A column to be dropped; the name of a key, where it is one. Raises UnsupportedError."""
    expression: Any = getattr(column, "_expr", None)
    if type(expression).__name__ != "ColumnReference" or expression._plan_id is None:
        return column
    name = names.parts(expression)[-1]
    join = rows._plan
    while type(join).__name__ in _SAME | _OTHERS:
        join = join._child
    if type(join).__name__ != "Join":
        return column
    return name if _is_key(rows, join, expression._plan_id, name) else column


def _is_key(rows: Any, join: Any, plan_id: int, name: str) -> bool:
    """Whether a column is the key of a join by names: that of the side that it keeps."""
    on_right = not _holds(join.left, plan_id)
    side = join.right if on_right else join.left
    if on_right and join.how not in (ANTI, SEMI) and _origins(join.left) & _origins(join.right):
        from pyspark.sql.connect.dataframe import DataFrame

        if name.lower() in map(str.lower, DataFrame(join.left, rows._session).columns):
            raise _other(name)
    keys = {one.lower() for one in (join.on if isinstance(join.on, list) else [join.on]) if isinstance(one, str)}
    while side._plan_id != plan_id and type(side).__name__ in _SAME:
        side = side._child
    if name.lower() not in keys:
        return type(side).__name__ == "Join" and _is_key(rows, side, plan_id, name)
    if join.how not in ((RIGHT,) if on_right else (INNER, LEFT, ANTI, SEMI)):
        return False
    if side._plan_id != plan_id:
        raise _other(name)
    return True


def _other(name: str) -> UnsupportedError:
    return engine.otherwise(f"drop of the column {name} of a data frame", "it is another one of that name")


def _inside(plan: Any) -> Iterator[Any]:
    """A plan, and those below it."""
    unseen = [plan]
    while unseen:
        if (one := unseen.pop()) is not None:
            yield one
            unseen += [one._child, *(getattr(one, side, None) for side in ("right", "other"))]


def _holds(plan: Any, plan_id: int) -> bool:
    return any(one._plan_id == plan_id for one in _inside(plan))


def _origins(plan: Any) -> set[Any]:
    """What the rows of a plan come from: the nodes at its ends, and the names of tables and views."""
    found: set[Any] = set()
    unseen = [plan]
    while unseen:
        for one in _inside(unseen.pop()):
            tables = _tables(one)
            for table in tables - found:
                unseen.append(_views.get(table))
            found |= tables
            if one._child is None and not tables:
                found.add(id(one))
    return found


def _tables(plan: Any) -> set[str]:
    if type(plan).__name__ == "Read":
        return {plan.table_name.rpartition(".")[2].strip("`").lower()}
    return tables_of(plan)
