"""Rows that are written in an order, on Sail: ``orderBy(…)`` comes last, after the columns that are computed of it.

What Sail computes behind a sort it deals out among its threads first, a batch to each, and takes from them
as they come. So a sort is pulled up, to where nothing is computed any more.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine
from lakelet.etl.sail.rules import GENERATORS
from lakelet.etl.sail.statements import bare, order_of, statement_of

_KEY = "_lakelet_order"
# Nodes of a plan above which rows are still in their order, and that are as well below the sort.
_BELOW = frozenset(
    (
        "Drop", "Filter", "Hint", "Limit", "Offset", "Project", "Repartition", "SubqueryAlias", "WithColumns",
        "WithColumnsRenamed",
    )
)  # fmt: skip
# Those that are not: they would have other values there, or change what is sorted by.
_ABOVE = frozenset(("MapPartitions", "NADrop", "NAFill", "NAReplace", "ToDF", "ToSchema"))
# What is computed of the rows before, or makes several rows of one.
_STEPS = GENERATORS | {"monotonically_increasing_id"}
_STEP = re.compile(rf"\b(?:{'|'.join(sorted(_STEPS))})\s*\(|\bover\s*\(\s*\)", re.IGNORECASE)
_WINDOW = re.compile(r"\bover\b(?!\s*\(\s*\))", re.IGNORECASE)


def pulled(rows: Any) -> Any | None:
    """The same rows (a data frame), their sort above all that is computed of them; None, if they have no order.

    Raises UnsupportedError where what is computed cannot be put below a sort.
    """
    above: list[Any] = []
    plan = rows._plan
    while type(plan).__name__ in _BELOW | _ABOVE and statement_of(plan) is None and not _shuffles(plan):
        above.append(plan)
        plan = plan._child
    computes = any(map(_computes, above))
    if said := order_of(plan):
        plan = _by_statement(_of(rows, plan), said) if computes else plan
    elif type(plan).__name__ != "Sort" or not plan.is_global:
        return None
    if not computes:
        return rows
    if any(type(node).__name__ in _ABOVE or _goes_by_order(node) for node in above):
        raise engine.refused(
            "Writing rows in the order of an orderBy(…) behind which they were numbered, or changed as a whole,"
        )
    keys = [f"{_KEY}{at}" for at in range(len(plan.columns))]
    order = [*map(_direction, plan.columns, keys)]
    made = _with_keys(plan, keys)
    if any(map(_is_limit, above)):
        made = _of(rows, made).orderBy(*order)._plan
    for node in reversed(above):
        made = _above(node, made, keys)
    return _of(rows, made).orderBy(*order).drop(*keys)


def _shuffles(node: Any) -> bool:
    """Whether Spark puts rows in another order for a node: by windows, too."""
    if type(node).__name__ == "Repartition":
        return node._num_partitions != 1 and bool(node._shuffle)
    return any(_is_window(one) or _has(_WINDOW, one) for one in _expressions(node))


def _goes_by_order(node: Any) -> bool:
    """Whether a node computes something of the rows before, or makes several rows of one."""
    found = (getattr(one, "_name", "") in _STEPS or _has(_STEP, one) for one in _expressions(node))
    return any(found) or any(type(one).__name__ == "WindowExpression" for one in _expressions(node))


def _is_window(expression: Any) -> bool:
    spec = expression._windowSpec if type(expression).__name__ == "WindowExpression" else None
    return spec is not None and bool(spec._partitionSpec or spec._orderSpec)


def _has(pattern: re.Pattern[str], expression: Any) -> bool:
    return type(expression).__name__ == "SQLExpression" and bool(pattern.search(bare(expression._expr)))


def _expressions(node: Any) -> Iterator[Any]:
    """The expressions of a node, and those in them."""
    columns = [*getattr(node, "_columns", ()), getattr(node, "filter", None)]
    unseen = [one._expr for one in columns if hasattr(one, "_expr")]
    while unseen:
        yield (one := unseen.pop())
        unseen += one.children


def _by_statement(made: Any, order: Any) -> Any:
    """The rows of a statement with that ORDER BY (sqlglot's ``Order``), put in order once more."""
    return made.orderBy(*(_item(made.columns, order.parent.selects, one) for one in order.expressions))._plan


def _item(columns: list[str], items: list[Any], item: Any) -> Any:
    """An item of ORDER BY (sqlglot's ``Ordered``) as a column of the result, which has these names and items."""
    from pyspark.sql import functions as F
    from sqlglot import exp

    by, spelled = item.this, {name.lower(): name for name in columns}
    stars = [one for one in items if one.is_star]
    same = [at for at, one in enumerate(items) if one.unalias() == by]
    name = None
    if isinstance(by, exp.Literal) and by.is_int and 0 < int(by.name) <= len(columns):
        name = columns[int(by.name) - 1]
    elif isinstance(by, exp.Column) and not by.table and by.name.lower() in spelled:
        name = spelled[by.name.lower()]  # what is selected goes before what is read
    elif same and not stars:
        name = columns[same[0]]
    elif isinstance(by, exp.Column) and [getattr(one, "table", "") for one in stars] == [by.table]:
        name = spelled.get(by.name.lower())
    if name is None:
        raise engine.refused("Writing rows in the order of an ORDER BY that does not name columns of its result")
    value, first = F.col(quoted(name)), bool(item.args.get("nulls_first"))
    return _directed(value, ascending=not item.args.get("desc"), nulls_first=first)


def _of(rows: Any, plan: Any) -> Any:
    return type(rows)(plan, rows.sparkSession)


def _is_limit(node: Any) -> bool:
    return type(node).__name__ in ("Limit", "Offset")


def _computes(node: Any) -> bool:
    """Whether Sail may deal out rows for a node of a plan."""
    name = type(node).__name__
    if name == "Project":
        return not all(type(one._expr).__name__ == "ColumnReference" for one in node._columns)
    return name in _ABOVE or name in ("Filter", "WithColumns")


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
        stars = [star for one in node._columns if (star := _star(one._expr))]
        if any(star != "*" for star in stars):
            raise engine.refused(f"Writing rows in order with the columns {stars[0]} after orderBy(…)")
        if not stars:
            own._columns = [*node._columns, *(F.col(key) for key in keys)]
    return own


def _star(expression: Any) -> str:
    """``*`` or ``s.*``; empty for any other expression."""
    kind = type(expression).__name__
    if kind == "SQLExpression":
        return text if (text := str(expression._expr).strip()).endswith("*") else ""
    if kind in ("UnresolvedStar", "UnresolvedRegex"):
        return getattr(expression, "_unparsed_target", kind) or "*"
    return ""


def _direction(column: Any, key: str) -> Any:
    from pyspark.sql import functions as F

    order = column._expr if _is_order(column) else None
    ascending, first = (order._ascending, order._nullsFirst) if order is not None else (True, True)
    return _directed(F.col(key), ascending=ascending, nulls_first=first)


def _directed(value: Any, *, ascending: bool, nulls_first: bool) -> Any:
    if ascending:
        return value.asc_nulls_first() if nulls_first else value.asc_nulls_last()
    return value.desc_nulls_first() if nulls_first else value.desc_nulls_last()
