"""Rows that are written in an order, on Sail: ``orderBy(…)`` comes last, after the columns that are computed of it.

What Sail computes behind a sort it deals out among its threads first, a batch to each, and takes from them
as they come. So a sort is pulled up, to where nothing is computed any more.
"""

from __future__ import annotations

import copy
from typing import Any

from etl.paths import quoted
from etl.sail import engine, single
from etl.sail.statements import statement_of

_KEY = "_lakelet_order"
_AS_THEY_ARE = frozenset(
    ("Drop", "Filter", "Limit", "Offset", "Repartition", "SubqueryAlias", "WithColumns", "WithColumnsRenamed")
)


def pulled(rows: Any) -> Any | None:
    """The same rows (a data frame), their sort above all that is computed of them; None, if they have no order.

    Raises UnsupportedError where what is computed cannot be put below a sort.
    """
    above: list[Any] = []
    plan = rows._plan
    while single.is_narrow(plan) or _is_limit(plan):
        above.append(plan)
        plan = plan._child
    plan = _by_statement(rows, plan) or plan
    if type(plan).__name__ != "Sort" or not plan.is_global:
        return None
    if not any(map(_computes, above)):
        return rows
    keys = [f"{_KEY}{at}" for at in range(len(plan.columns))]
    order = [*map(_direction, plan.columns, keys)]
    made = _with_keys(plan, keys)
    if any(map(_is_limit, above)):
        made = _of(rows, made).orderBy(*order)._plan
    for node in reversed(above):
        made = _above(node, made, keys)
    return _of(rows, made).orderBy(*order).drop(*keys)


def _by_statement(rows: Any, plan: Any) -> Any:
    """The rows of a statement with ORDER BY, put in that order once more; None for others."""
    order = getattr(statement_of(plan), "args", {}).get("order")
    if order is None:
        return None
    made = _of(rows, plan)
    return made.orderBy(*(_item(made.columns, one) for one in order.expressions))._plan


def _item(columns: list[str], item: Any) -> Any:
    """An item of ORDER BY (sqlglot's ``Ordered``) as a column of the result."""
    from pyspark.sql import functions as F
    from sqlglot import exp

    by, spelled = item.this, {name.lower(): name for name in columns}
    name = None
    if isinstance(by, exp.Column) and not by.table:
        name = spelled.get(by.name.lower())
    elif isinstance(by, exp.Literal) and by.is_int and 0 < int(by.name) <= len(columns):
        name = columns[int(by.name) - 1]
    if name is None:
        raise engine.refused("Writing rows in the order of an ORDER BY that does not name columns of its result")
    value, first = F.col(quoted(name)), bool(item.args.get("nulls_first"))
    return _directed(value, ascending=not item.args.get("desc"), nulls_first=first)


def _of(rows: Any, plan: Any) -> Any:
    return type(rows)(plan, rows.sparkSession)


def _is_limit(node: Any) -> bool:
    return type(node).__name__ in ("Limit", "Offset")


def _computes(node: Any) -> bool:
    """Whether a node of a plan has other values than were there."""
    name = type(node).__name__
    return name in ("WithColumns", "MapPartitions", "ToSchema") or (
        name == "Project" and not all(type(one._expr).__name__ == "ColumnReference" for one in node._columns)
    )


def _with_keys(sort: Any, keys: list[str]) -> Any:
    """What is sorted, with what it is sorted by; scripts know it by the number of the sort."""
    from pyspark.sql.connect.column import Column
    from pyspark.sql.connect.plan import WithColumns

    made: Any = Column
    values = [made(getattr(one._expr, "_child", one._expr)) if _is_order(one) else one for one in sort.columns]
    plan = WithColumns(sort._child, keys, values)
    plan._root_plan_id, plan._plan_id_with_rel = sort._root_plan_id, sort._plan_id_with_rel
    return plan


def _is_order(column: Any) -> bool:
    return type(column._expr).__name__ == "SortOrder"


def _above(node: Any, child: Any, keys: list[str]) -> Any:
    from pyspark.sql import functions as F

    own = copy.copy(node)
    own._child = child
    if type(node).__name__ == "Project":
        if not any(type(one._expr).__name__ == "UnresolvedStar" for one in node._columns):
            own._columns = [*node._columns, *(F.col(key) for key in keys)]
    elif type(node).__name__ not in _AS_THEY_ARE:
        raise engine.refused("Writing rows in order that were changed by a function after orderBy(…)")
    return own


def _direction(column: Any, key: str) -> Any:
    from pyspark.sql import functions as F

    order = column._expr if _is_order(column) else None
    ascending, first = (order._ascending, order._nullsFirst) if order is not None else (True, True)
    return _directed(F.col(key), ascending=ascending, nulls_first=first)


def _directed(value: Any, *, ascending: bool, nulls_first: bool) -> Any:
    if ascending:
        return value.asc_nulls_first() if nulls_first else value.asc_nulls_last()
    return value.desc_nulls_first() if nulls_first else value.desc_nulls_last()
